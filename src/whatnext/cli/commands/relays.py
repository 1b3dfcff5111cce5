"""The relays this device uses to be reached from other networks; with and without a running node."""

from typing import Annotated

from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.cli.context import Context
from whatnext.cli.relay_page import period, size
from whatnext.cli.tables import print_table
from whatnext.cli.words import moment
from whatnext.node.requests import OfRelay
from whatnext.node.views import RelayView
from whatnext.playlists.requests import Nothing


def add(
    relay: Annotated[str, Parameter(help="Its multiaddr with /p2p/PEERID, as `whatnext relay` shows it.")],
    *,
    token: Annotated[str | None, Parameter(help="What its host gave you, if it does not let in all.")] = None,
    context: Given,
) -> None:
    """Use a relay, so that friends on other networks reach this device. Links name it from now on."""
    found = context.ask("relays.add", OfRelay(relay=relay, token=token), list[RelayView])
    if context.show(found):
        return
    context.print(relay.rpartition("/p2p/")[2].strip())
    if context.backend.is_node:
        context.say("Added. The node asks it for a place now; look: whatnext relay list")
    else:
        context.say("Added. It is used once a node runs: whatnext node")


def list_(*, context: Given) -> None:
    """List the relays this device uses, and whether they hold a place for it."""
    found = context.ask("relays.list", Nothing(), list[RelayView])
    if context.show(found):
        return
    rows = [(r.relay, _state(r, context), _limits(r), r.addresses[0]) for r in found]
    print_table(("RELAY", "STATE", "A CIRCUIT LASTS", "ADDRESS"), rows)
    if not found:
        context.say(
            "None. Friends on other networks reach this device only at a public address. Use one: whatnext relay add"
        )
    for relay in found:
        if relay.problem:
            context.say(f"{relay.relay}: {relay.problem}")


def remove(
    relay: Annotated[str, Parameter(help="Its PeerID, how that begins or ends, or its multiaddr.")],
    *,
    context: Given,
) -> None:
    """Use a relay no longer. Links made before that name only it stop working."""
    found = context.ask("relays.remove", OfRelay(relay=relay), list[RelayView])
    if not context.show(found):
        context.say(f"Removed; {len(found)} left. Connections through it last until they end.")


def _state(relay: RelayView, context: Context) -> str:
    if not context.backend.is_node:
        return "no node runs"
    if relay.reserved_until is not None:
        return f"holds a place until {moment(relay.reserved_until)}"
    if relay.problem:
        return "no place"
    return "connected, in reserve" if relay.connected else "in reserve"


def _limits(relay: RelayView) -> str:
    parts = []
    if relay.circuit_s is not None:
        parts.append(period(relay.circuit_s))
    if relay.circuit_bytes is not None:
        parts.append(f"{size(relay.circuit_bytes)} each way")
    return ", ".join(parts) or ("" if relay.reserved_until is None else "no limit")
