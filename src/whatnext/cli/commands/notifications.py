"""Whether the desktop tells what friends did."""

from typing import Annotated, Literal

from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.node.notification_views import NotificationsView, SetNotifications
from whatnext.playlists.requests import Nothing


def notifications(
    wanted: Annotated[Literal["on", "off"] | None, Parameter(help="Let them appear, or not.")] = None,
    *,
    context: Given,
) -> None:
    """Show or choose whether the open app tells when friends join or add tracks, where the system shows such notes."""
    if wanted is None:
        found = context.ask("notifications.show", Nothing(), NotificationsView)
    else:
        found = context.ask("notifications.set", SetNotifications(on=wanted == "on"), NotificationsView)
    if not context.show(found):
        context.print("on" if found.on else "off")
