"""What the demo prints: the story with its time, and who has what."""

import time
from collections.abc import Sequence

from band import Device

_WIDTH = 10


class Screen:
    """Lines with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """One line of the story."""
        print(f"{self.seconds:5.1f} s  {text}", flush=True)

    def table(self, devices: Sequence[Device], playlist: str) -> None:
        """Who has what, now."""
        heads = {device.name: device.heads(playlist) for device in devices}
        total = sum(
            max(held.get(log, (0, b""))[0] for held in heads.values())
            for log in {log for held in heads.values() for log in held}
        )
        names = {device.node.peer: device.name for device in devices}
        rows = [("device", "state", "tracks", "changes", "lacks", "connected with")]
        for device in devices:
            changes = sum(seq for seq, _ in heads[device.name].values())
            tracks, friends = _asked(device, playlist, names)
            rows.append((device.name, device.state, tracks, str(changes), str(total - changes), friends))
        print()
        for name, state, *numbers, friends in rows:
            shown = "".join(f"{number:>{_WIDTH}}" for number in numbers)
            print(f"         {name:<{_WIDTH}}{state:<{_WIDTH}}{shown}   {friends}".rstrip())
        print(flush=True)


def _asked(device: Device, playlist: str, names: dict[str, str]) -> tuple[str, str]:
    if not device.node.is_running:
        return "?", "nobody"
    tracks = len(device.node.ask("playlist.show", playlist=playlist)["entries"])
    peers = {each["peer"] for each in device.node.ask("node.status")["connections"]}
    return str(tracks), ", ".join(sorted(names.get(peer, peer[-6:]) for peer in peers)) or "nobody"
