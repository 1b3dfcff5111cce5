"""Whether the others hear what is played here."""

from typing import Annotated, Literal

from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.cli.context import Context
from whatnext.node.presence_views import Share, Telling
from whatnext.playlists.requests import Nothing


def presence(
    switch: Annotated[
        Literal["on", "off"] | None, Parameter(help="Tell members what is played here, or nothing.")
    ] = None,
    *,
    context: Given,
) -> None:
    """Show or choose whether members of a playlist hear which of its tracks you play."""
    if switch is None:
        telling = context.ask("presence.show", Nothing(), Telling)
    else:
        telling = context.ask("presence.share", Share(on=switch == "on"), Telling)
    if not context.show(telling):
        _print(telling, context)


def _print(telling: Telling, context: Context) -> None:
    context.print("on" if telling.on else "off")
    if telling.on:
        context.say("Members hear which track of theirs you play. Tell nobody: whatnext presence off")
    else:
        context.say("Nobody is told what you play. Tell members: whatnext presence on")
