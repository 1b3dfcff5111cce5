"""Links on Linux and the BSDs: a .desktop file of the user's, an icon, and the user's `mimeapps.list`.

Desktop Entry Specification 1.5. Everything stands under the user's own XDG directories; nothing needs root.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from whatnext.desktop import mime_defaults
from whatnext.desktop.registration import SCHEME, Registration
from whatnext.errors import LocalError

ENTRY = "whatnext.desktop"
MIME = f"x-scheme-handler/{SCHEME}"
_RESERVED = set(" \t\"'\\><~|&;$*?#()`")
_TOOL_S = 20.0


class Freedesktop:
    """The registration of one user."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
        """`command` opens the app, before the link."""
        self._command = command
        self._environment = environment
        home = Path(environment.get("HOME") or Path.home())
        data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
        self.entry = data / "applications" / ENTRY
        self.icon = data / "icons" / "hicolor" / "scalable" / "apps" / "whatnext.svg"
        self.defaults = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "mimeapps.list"

    def register(self, *, in_menu: bool = True) -> Registration:
        """Write the three files; raises `LocalError`. Doing it again changes nothing."""
        picture = files("whatnext.desktop").joinpath("icon.svg").read_bytes()
        defaults = mime_defaults.with_default(self._defaults(), MIME, ENTRY)
        try:
            _write(self.icon, picture)
            _write(self.entry, entry_text(self._command, in_menu=in_menu).encode())
            _write(self.defaults, defaults.encode())
        except OSError as error:
            raise LocalError(
                f"{error.filename} cannot be written ({error.strerror}): links are not registered"
            ) from error
        self._refresh()
        return self.status()

    def unregister(self) -> Registration:
        """Take away what `register` wrote, and no more; raises `LocalError`. Doing it again changes nothing."""
        try:
            text = self._defaults()
            if (without := mime_defaults.without_default(text, MIME, ENTRY)) != text:
                _write(self.defaults, without.encode())
            self.entry.unlink(missing_ok=True)
            self.icon.unlink(missing_ok=True)
        except OSError as error:
            raise LocalError(
                f"{error.filename} cannot be changed ({error.strerror}): links are still registered"
            ) from error
        self._refresh()
        return self.status()

    def status(self) -> Registration:
        """Whether a click on a link opens this WhatNext, as far as the files say."""
        opener = next(iter(mime_defaults.defaults(self._defaults(), MIME)), None)
        try:
            written = self.entry.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            written = ""
        wanted = exec_line(self._command)
        is_ours = opener == ENTRY and wanted in written.splitlines()
        if is_ours:
            detail = f"{self.entry} opens them"
        elif opener == ENTRY and written:
            detail = f"another WhatNext opens them, as {self.entry} says"
        else:
            detail = f"{opener} opens them" if opener else "nothing opens them"
        return Registration(registered=is_ours, detail=detail, files=[str(self.entry), str(self.icon)])

    def _defaults(self) -> str:
        try:
            return self.defaults.read_text("utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise LocalError(f"{self.defaults} cannot be read ({error}): nothing was changed") from error

    def _refresh(self) -> None:
        """Let the system's cache know; a system without the tool has no cache."""
        tool = shutil.which("update-desktop-database")
        if tool is not None and self.entry.parent.is_dir():
            environment = dict(self._environment)
            subprocess.run(  # noqa: S603 - the system's own tool on a directory of the user's
                [tool, str(self.entry.parent)],
                env=environment,
                capture_output=True,
                timeout=_TOOL_S,
                check=False,
            )


def entry_text(command: Sequence[str], *, in_menu: bool = True) -> str:
    """The .desktop file: WhatNext in the menu (or only for links), and the opener of our scheme."""
    lines = [
        "[Desktop Entry]",
        "Type=Application",
        "Name=WhatNext",
        "Comment=Playlists that belong to the people who make them",
        exec_line(command),
        "Icon=whatnext",
        "Terminal=false",
        "Categories=AudioVideo;Audio;",
        f"MimeType={MIME};",
        "StartupNotify=true",
        *([] if in_menu else ["NoDisplay=true"]),
    ]
    return "".join(f"{line}\n" for line in lines)


def exec_line(command: Sequence[str]) -> str:
    """`Exec=` with each word, and the link (`%u`, nothing when the menu opens the app) behind a `--`."""
    return f"Exec={' '.join(quoted(word) for word in command)} -- %u"


def quoted(word: str) -> str:
    """One argument of `Exec=`, quoted and escaped where it must be; a lone `%` would begin a field code.

    Nowhere else, since xdg-open outside a desktop environment splits at spaces and knows no quotes: there, a path with
    a space cannot be opened. Raises `LocalError` for a line break, which no .desktop file can hold.
    """
    if "\n" in word or "\r" in word:
        raise LocalError(f"{word!r} holds a line break: links cannot be registered for it")
    if word and not _RESERVED & set(word):
        return word.replace("%", "%%")
    inner = "".join(f"\\{char}" if char in '"`$\\' else char for char in word)
    return '"' + inner.replace("\\", "\\\\").replace("%", "%%") + '"'


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, with the user's usual rights: other programs have to read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()  # a mimeapps.list in a repository of dotfiles stays a link
    if target.is_file() and target.read_bytes() == content:
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
