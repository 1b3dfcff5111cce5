"""The folder of audio files that the pages of this device play from."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.cli.context import Context
from whatnext.errors import UserError
from whatnext.node.playback_views import MusicView, SetFolder
from whatnext.playlists.requests import Nothing


def music(
    folder: Annotated[Path | None, Parameter(help="Play tracks that lie as files in it.")] = None,
    *,
    none: Annotated[bool, Parameter(negative=(), help="Play from no folder any more.")] = False,
    context: Given,
) -> None:
    """Show or choose the folder of your own audio files that the pages play tracks from."""
    if none and folder is not None:
        raise UserError("give a folder or --none, not both")
    if none or folder is not None:
        chosen = None if folder is None else str(folder.expanduser().absolute())
        found = context.ask("playback.folder", SetFolder(folder=chosen), MusicView)
    else:
        found = context.ask("playback.show", Nothing(), MusicView)
    if context.show(found):
        return
    _print(found, context)


def _print(found: MusicView, context: Context) -> None:
    if found.folder is None:
        context.say("No folder: tracks are not played on this device. Choose one: whatnext music FOLDER")
        return
    context.print(found.folder)
    if found.problem is not None:
        context.say(found.problem)
    else:
        context.say("Looking through it…" if found.looking else f"{found.files:,} audio files")
