"""What must hold at the end: same records, same bytes, nothing lost that was acknowledged."""

import hashlib
import json
from collections.abc import Sequence

from band import Device, Failed
from screen import Screen

MOST = 10_000


def prove(devices: Sequence[Device], playlist: str, screen: Screen) -> None:
    """Print the proof line by line; raises `Failed` at the first thing that does not hold."""
    heads = [device.heads(playlist) for device in devices]
    if any(each != heads[0] for each in heads):
        raise Failed("the devices hold different records")
    records = sum(seq for seq, _ in heads[0].values())
    screen.say(f"same heads: {len(heads[0])} logs with {records} signed changes, on all three")

    shown = [device.whatnext("playlist", "show", playlist, "--json") for device in devices]
    for device, each in zip(devices, shown, strict=True):
        digest = hashlib.sha256(each).hexdigest()[:16]
        screen.say(
            f"  whatnext playlist show --json on {device.name:<8} {len(each):>6} bytes, sha256 {digest}…"
        )
    if any(each != shown[0] for each in shown):
        raise Failed("`playlist show --json` prints different bytes")

    promised = {record: f"{d.name}: {what}" for d in devices for record, what in d.acknowledged.items()}
    for device in devices:
        history = device.node.ask("playlist.history", playlist=playlist, limit=MOST)
        missing = promised.keys() - {item["record"] for item in history}
        if missing:
            lost = ", ".join(promised[record] for record in sorted(missing))
            raise Failed(f"{device.name} has lost {len(missing)} acknowledged edits: {lost}")
    if not promised:
        raise Failed("nobody edited anything")
    screen.say(f"every one of the {len(promised)} acknowledged edits is in the history of all three")
    _prove_tracks(devices, [entry["id"] for entry in json.loads(shown[0])["entries"]], screen)


def _prove_tracks(devices: Sequence[Device], shown: list[str], screen: Screen) -> None:
    """The edits are not only kept, they show: what was added is there once, what was removed is not."""
    added = set[str]().union(*(device.added for device in devices))
    removed = set[str]().union(*(device.removed for device in devices))
    in_doubt = set[str]().union(*(device.in_doubt for device in devices))
    if len(shown) != len(set(shown)):
        raise Failed("a track stands in the list twice")
    if absent := added - removed - in_doubt - set(shown):
        raise Failed(f"{len(absent)} tracks were added, never removed, and are not in the list")
    if back := removed & set(shown):
        raise Failed(f"{len(back)} tracks were removed and are in the list")
    screen.say(f"the list shows it: {len(added)} tracks added, {len(removed)} removed, {len(shown)} there")
