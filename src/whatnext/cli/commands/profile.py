"""The device itself: who it is, and backups of its profile."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.playlists import requests
from whatnext.playlists.views import BackupMade, ProfileView


def id_(
    *,
    name: Annotated[str | None, Parameter(help="Take this name; members see it.")] = None,
    colour: Annotated[str | None, Parameter(help="Take this colour, as #rrggbb; empty removes it.")] = None,
    context: Given,
) -> None:
    """Show who this device is; --name gives it a name."""
    found = context.ask("profile.show", requests.Nothing(), ProfileView)
    if name is not None or colour is not None:
        request = requests.SetProfile(name=name or found.name, colour=colour)
        found = context.ask("profile.name", request, ProfileView)
    if context.show(found):
        return
    context.print(found.peer)
    context.print(f"name     {found.name or '(none: choose one with `whatnext id --name NAME`)'}")
    if found.colour:
        context.print(f"colour   {found.colour}")
    context.print(f"profile  {found.directory}")


def backup_create(
    file: Annotated[Path, Parameter(help="The new file; the device key goes beside it, as FILE.key.")],
    *,
    context: Given,
) -> None:
    """Copy everything this device keeps, also while a node runs. Never overwrites."""
    request = requests.CreateBackup(target=str(file.expanduser().absolute()))
    made = context.ask("backup.create", request, BackupMade)
    if context.show(made):
        return
    context.print(made.path)
    if made.key:
        context.print(made.key)
    context.say(
        f"{made.bytes:,} bytes. The .key file is this device's identity: keep both where only you can read."
    )


def backup_restore(
    file: Annotated[Path, Parameter(help="The file that `whatnext backup create` wrote.")], *, context: Given
) -> None:
    """Put a backup in the place of this profile's database; what was there is kept beside it. No node may run."""
    from whatnext.cli.restore import Restored, restore

    restored: Restored = restore(context.profile, file)
    if context.show(restored):
        return
    context.print(restored.database)
    for kept in restored.kept:
        context.say(f"What was there is now {kept}.")
    context.say("What friends have and the backup lacks comes back by sync: start `whatnext node`.")
