"""The device itself: who it is, and backups of its profile."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whatnext.cli.arguments import AsQr, ForceQr, Given, QrFile
from whatnext.cli.commands.files import check_free
from whatnext.cli.context import Context
from whatnext.playlists import requests
from whatnext.playlists.views import BackupMade, DeviceLink, ProfileView


def id_(
    *,
    name: Annotated[str | None, Parameter(help="Take this name; members see it.")] = None,
    colour: Annotated[str | None, Parameter(help="Take this colour, as #rrggbb; empty removes it.")] = None,
    link: Annotated[
        bool, Parameter(negative=(), help="Print the link by which others connect to this device.")
    ] = False,
    qr: AsQr = False,
    qr_file: QrFile = None,
    force: ForceQr = False,
    context: Given,
) -> None:
    """Show who this device is; --name gives it a name, --link (or --qr, --qr-file) prints its link instead."""
    if qr_file is not None:
        check_free(qr_file, force=force)
    found = context.ask("profile.show", requests.Nothing(), ProfileView)
    if name is not None or colour is not None:
        request = requests.SetProfile(name=name or found.name, colour=colour)
        found = context.ask("profile.name", request, ProfileView)
    if link or qr or qr_file is not None:
        _print_link(context, qr, qr_file)
        return
    if context.show(found):
        return
    context.print(found.peer)
    context.print(f"name     {found.name or '(none: choose one with `whatnext id --name NAME`)'}")
    if found.colour:
        context.print(f"colour   {found.colour}")
    context.print(f"profile  {found.directory}")


def _print_link(context: Context, qr: bool, qr_file: Path | None) -> None:
    made = context.ask("profile.link", requests.Nothing(), DeviceLink)
    if not context.show(made):
        context.print(made.link)
        if made.addresses:
            context.say("Whoever opens it connects to this device: whatnext open LINK")
        elif context.backend.is_node:
            context.say("It names no address: the node listens on none that a link can carry.")
        else:
            context.say(
                "It names no address, as no node runs here: start one with `whatnext node`, then ask again."
            )
    as_picture(made.link, context, shown=qr, file=qr_file)


def as_picture(link: str, context: Context, *, shown: bool, file: Path | None) -> None:
    """The link as a QR code, where it was asked for: drawn (not with --json), written to a file."""
    if not shown and file is None:
        return
    from whatnext.cli import qr

    if file is not None:
        qr.write_png(file, link)
        context.say(f"Wrote {file}.")
    if shown and not context.as_json:
        qr.show(link)


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
