"""What the profile's findings mean."""

from whatnext.node.doctor.findings import FileSeen, FileState, ProfileSeen
from whatnext.node.doctor.verdict import State, Verdict

FULL_BYTES, SCARCE_BYTES = 20_000_000, 200_000_000
"""Below the first a large sync may not fit any more; below the second it is time to know."""

RECENT_S = 24 * 3600.0
"""An older crash report is no news."""


def judge(profile: ProfileSeen, *, node_runs: bool) -> list[Verdict]:
    """Key, database, disk and who uses the profile."""
    return [_key(profile), _database(profile.database), _disk(profile), _use(profile, node_runs)]


def _key(profile: ProfileSeen) -> Verdict:
    key, check = profile.key, "device key"
    match key.state:
        case FileState.FINE:
            return Verdict(check, State.OK, f"{key.path} is there and readable by you alone.")
        case FileState.MISSING if profile.database.state is FileState.MISSING:
            return Verdict(
                check, State.OK, f"{profile.directory} is a new profile: it gets a key when it is first used."
            )
        case FileState.MISSING:
            return Verdict(
                check,
                State.PROBLEM,
                f"There is a database, but {key.path} is gone: the next start would be a new device to your friends.",
                "Put the copy of the key back before starting the node: `whatnext backup create` made one, FILE.key.",
            )
        case FileState.OPEN:
            return Verdict(
                check,
                State.PROBLEM,
                f"{key.path} can be read by others (mode {key.detail}); no node starts with it.",
                f"If nobody else used this account, run: chmod 600 {key.path}",
            )
        case FileState.UNREADABLE:
            return Verdict(
                check,
                State.PROBLEM,
                f"{key.path} cannot be read: {key.detail}.",
                "Run WhatNext as the user who owns the profile, or give the file back to yourself.",
            )
        case FileState.DAMAGED:
            return Verdict(
                check,
                State.PROBLEM,
                f"{key.path} is not a WhatNext device key.",
                "Put a copy of it back, or move it away to start as a new device that needs new invites.",
            )


def _database(database: FileSeen) -> Verdict:
    check = "database"
    match database.state:
        case FileState.FINE:
            return Verdict(check, State.OK, "It opens, and SQLite's quick check finds nothing.")
        case FileState.MISSING:
            return Verdict(check, State.OK, "There is none yet: it is made when the profile is first used.")
        case FileState.DAMAGED:
            return Verdict(
                check,
                State.PROBLEM,
                f"{database.path} is damaged: {database.detail}.",
                "Stop the node, then `whatnext backup restore FILE`; what friends have comes back by sync.",
            )
        case _:
            return Verdict(
                check,
                State.PROBLEM,
                f"{database.path} cannot be opened: {database.detail}.",
                "Check who owns the file and the directory, and that no other program keeps it locked.",
            )


def _disk(profile: ProfileSeen) -> Verdict:
    free = f"{profile.free_bytes // 1_000_000:,} MB are free where the profile is."
    if profile.unwritable is not None:
        return Verdict(
            "disk",
            State.PROBLEM,
            f"The profile cannot be written: {profile.unwritable}.",
            "Check the owner and mode of the directory and that the disk is not read-only.",
        )
    if profile.free_bytes < FULL_BYTES:
        return Verdict("disk", State.PROBLEM, free, "Free some space: changes cannot be kept without.")
    if profile.free_bytes < SCARCE_BYTES:
        return Verdict("disk", State.WARNING, free, "Free some space before it runs out.")
    return Verdict("disk", State.OK, free)


def _use(profile: ProfileSeen, node_runs: bool) -> Verdict:
    if node_runs and profile.crash is not None and profile.crashed_s < RECENT_S:
        return Verdict(
            "node",
            State.WARNING,
            f"A node runs on this profile and answers, but one ended against its will {_ago(profile.crashed_s)}.",
            f"What was saved is kept. If it happens again, report it with what is in {profile.crash}.",
        )
    if node_runs:
        return Verdict("node", State.OK, "A node runs on this profile and answers.")
    if profile.held is not None:
        return Verdict(
            "node",
            State.PROBLEM,
            f"No node answers, and yet the profile is in use: {profile.held}.",
            "If it just started or stops, ask again in some seconds; else end that process.",
        )
    return Verdict(
        "node",
        State.WARNING,
        "No node runs on this profile: nobody can find this device now.",
        "Start one with `whatnext node` and ask again: a running node tells more.",
    )


def _ago(seconds: float) -> str:
    minutes = round(max(seconds, 0) / 60)
    if minutes >= 120:
        return f"{minutes // 60} hours ago"
    return "1 minute ago" if minutes == 1 else f"{minutes} minutes ago"
