"""Runs a command as the systemd unit and the container do: no privileges, a root nobody can write to, its state alone.

What the unit asks of systemd is done here by mount namespaces and setpriv: `DynamicUser`, `ProtectSystem=strict`,
`ProtectHome`, `PrivateTmp`, `NoNewPrivileges`, an empty `CapabilityBoundingSet`. Its filters of system calls and
address families are not: only systemd makes them.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

STATE = "/var/lib/whatnext-relay"
USER = 10001
_SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc")


def why_not() -> str | None:
    """What is missing to run it here, or None."""
    if os.name != "posix" or os.geteuid() != 0:
        return "needs root, to make a mount namespace"
    missing = [tool for tool in ("unshare", "setpriv", "chroot", "mount") if shutil.which(tool) is None]
    return f"needs {', '.join(missing)}" if missing else None


def sandboxed(words: Sequence[str], root: Path, state: Path, source: Path) -> list[str]:
    """The command in its sandbox: `root` becomes an empty root, `state` its `STATE`, where its key stays."""
    readable = [path for path in (*_SYSTEM, sys.base_prefix, sys.prefix, str(source)) if Path(path).exists()]
    state.mkdir(exist_ok=True)
    state.chmod(0o700)
    os.chown(state, USER, USER)
    steps = ["set -e", f"mount -t tmpfs -o mode=755 tmpfs {root}", f"mkdir {root}/tmp"]
    steps.append(f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp")  # trio looks for a temporary directory
    for path in dict.fromkeys(readable):
        if Path(path).is_symlink():
            steps.append(f"ln -s {os.readlink(path)} {root}{path}")
        else:
            steps += [f"mkdir -p {root}{path}", f"mount --rbind {path} {root}{path}"]
            steps.append(f"mount -o remount,bind,ro {root}{path}")
    steps += [
        f"mkdir -p {root}/proc {root}/dev {root}{STATE}",
        f"mount -t proc proc {root}/proc",
        f"mount --rbind /dev {root}/dev",
        f"mount --bind {state} {root}{STATE}",
        f"mount -o remount,ro {root}",
    ]
    unprivileged = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"]
    unprivileged += ["--bounding-set=-all", "--inh-caps=-all"]
    environment = ["env", "-i", "PATH=/usr/bin:/bin", f"PYTHONPATH={source}", "PYTHONDONTWRITEBYTECODE=1"]
    steps.append("exec " + shlex.join(["chroot", str(root), *unprivileged, *environment, *words]))
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(steps)]
