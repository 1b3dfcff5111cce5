"""Whether the desktop tells what friends did: a setting of the profile, on until the user turns it off."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from whatnext.config import Settings
from whatnext.node.notification_views import NotificationsView, SetNotifications
from whatnext.playlists.requests import Nothing
from whatnext.playlists.service import Playlists

if TYPE_CHECKING:
    from whatnext.node.node import Node


async def show(node: "Node", _: Nothing) -> NotificationsView:
    """How it is."""
    return NotificationsView(on=node.settings.notifications)


async def choose(node: "Node", asked: SetNotifications) -> NotificationsView:
    """Keep it so; raises `StoreUnwritable`."""
    return _chosen(node.settings, asked)


def _chosen(settings: Settings, asked: SetNotifications) -> NotificationsView:
    settings.notify(on=asked.on)
    return NotificationsView(on=settings.notifications)


def _shown_offline(here: Playlists, _: Nothing) -> NotificationsView:
    return NotificationsView(on=_kept(here).notifications)


def _chosen_offline(here: Playlists, asked: SetNotifications) -> NotificationsView:
    return _chosen(_kept(here), asked)


def _kept(here: Playlists) -> Settings:
    assert isinstance(here.settings, Settings), "a profile is a directory"
    return here.settings


OFFLINE: Mapping[str, Callable[[Playlists, Any], Any]] = MappingProxyType(
    {"notifications.show": _shown_offline, "notifications.set": _chosen_offline}
)
"""The same on a profile without a node."""
