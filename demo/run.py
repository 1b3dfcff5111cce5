"""Three devices share a playlist, lose each other, lose one to kill -9, and agree again. `make demo`; KEEP=1 stays."""

import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from band import NAMES, Cables, Device, Failed, keeps_running, wait
from proof import prove
from screen import Screen

from whatnext.errors import WhatNextError

PLAYLIST_FILE = Path(__file__).with_name("kitchen-party.csv")
TOO_LONG_S = 60.0
PAUSE_S = 0.05
"""Between two edits of one device, so that a person can follow."""


def main() -> int:
    """Run the demo; 0 only if everything held."""
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    keep, screen = keeps_running(), Screen()
    top = Path(tempfile.mkdtemp(prefix="whatnext-demo-"))
    cables = Cables(outlives_us=keep)
    devices: list[Device] = []
    status = 1
    try:
        devices += [Device(name, top, cables, lifeline=not keep) for name in NAMES]
        playlist = _story(devices, cables, screen)
        screen.say("the proof")
        prove(devices, playlist, screen)
        screen.say("all of it held")
        status = 0 if screen.seconds < TOO_LONG_S else 1
    except (Failed, WhatNextError, OSError) as failure:
        _report(failure, devices, screen)
    except KeyboardInterrupt:
        screen.say("interrupted")
        status, keep = 130, False
    finally:
        if keep and status == 0:
            _say_how_to_look(devices, cables, top)
        else:
            _clean_up(devices, cables, top)
    return status


def _story(devices: list[Device], cables: Cables, screen: Screen) -> str:
    _begin(devices, screen)
    playlist = _share(devices, screen)
    screen.say("all three edit at once: add, move, vote, comment, note, remove")
    _edit_at_once(devices, playlist, 25)
    _agree(devices, playlist, screen)
    _cut_off(devices, cables, playlist, screen)
    _kill_one(devices, playlist, screen)
    return playlist


def _cut_off(devices: Sequence[Device], cables: Cables, playlist: str, screen: Screen) -> None:
    kitchen, _, van = devices
    broken = cables.tell("cut", device="van")
    van.state = "cut off"
    screen.say(f"the van drives off: its {broken} connections are cut, both sides go on editing")
    wait("the cut is noticed", lambda: not van.node.ask("node.status")["connections"])
    _edit_at_once(devices, playlist, 20)
    _rename(kitchen, playlist, "Kitchen party, the long night")
    _rename(van, playlist, "Kitchen party, on the road")
    _is_apart(van, kitchen, playlist)
    screen.say(f"kitchen calls it “{kitchen.calls_it(playlist)}”, van “{van.calls_it(playlist)}”")
    screen.table(devices, playlist)

    cables.tell("heal")
    van.state = "online"
    screen.say("the van is back in range")
    _agree(devices, playlist, screen)
    _meet_again(van, screen)
    screen.say(f"all three call it “{kitchen.calls_it(playlist)}”")


def _meet_again(van: Device, screen: Screen) -> None:
    """A device that failed to reach another waits longer each time; meanwhile changes come through the third."""

    def friends() -> int:
        return len(van.node.ask("node.status")["connections"])

    try:
        seconds = wait("the van is connected with both", lambda: friends() == 2, within_s=8)
        screen.say(f"connected with both again after {seconds:.1f} s more")
    except Failed:
        screen.say("connected with one of the two so far: the other one's changes come through it")


def _kill_one(devices: Sequence[Device], playlist: str, screen: Screen) -> None:
    studio = devices[1]
    screen.say("all three edit again, and the studio is killed in the middle of it (kill -9)")
    _edit_at_once(devices, playlist, 25, meanwhile=lambda: _kill_amid(studio))
    screen.table(devices, playlist)
    screen.say(f"the studio starts again: ready after {studio.start():.1f} s, its database opens")
    _edit_at_once(devices, playlist, 5)
    _agree(devices, playlist, screen)


def _begin(devices: Sequence[Device], screen: Screen) -> None:
    screen.say("three devices start: three processes, three profiles, no server")
    _at_once([device.start for device in devices])
    for device in devices:
        device.node.ask("profile.name", name=device.name)
        screen.say(f"  {device.name:<8} {device.node.peer}")


def _share(devices: Sequence[Device], screen: Screen) -> str:
    kitchen, *others = devices
    playlist = kitchen.whatnext("playlist", "import", str(PLAYLIST_FILE)).decode().strip()
    screen.say(f"kitchen: whatnext playlist import {PLAYLIST_FILE.name}")
    link = kitchen.whatnext("invite", playlist).decode().strip()
    screen.say(f"kitchen: whatnext invite → {link[:40]}…")
    _at_once([lambda d=device: d.whatnext("join", link) for device in others])  # type: ignore[misc]
    screen.say("studio, van: whatnext join that link")
    wait("the playlist arrives", lambda: all(_has(device, playlist) for device in others))
    others[0].whatnext("connect", others[1].node.addresses[0])
    _agree(devices, playlist, screen)
    return playlist


def _has(device: Device, playlist: str) -> bool:
    return any(
        each["id"] == playlist and each["state"] == "here" for each in device.node.ask("playlist.list")
    )


def _edit_at_once(
    devices: Sequence[Device], playlist: str, count: int, meanwhile: Callable[[], object] | None = None
) -> None:
    edits = [lambda d=device: d.edit(playlist, count, pause_s=PAUSE_S) for device in devices]
    _at_once([*edits, *([meanwhile] if meanwhile else [])])


def _kill_amid(device: Device) -> None:
    before = len(device.acknowledged)
    wait("edits under way", lambda: len(device.acknowledged) >= before + 5)
    device.kill()


def _rename(device: Device, playlist: str, name: str) -> None:
    changed = device.node.ask("playlist.rename", playlist=playlist, name=name)
    device.note(changed, "playlist.rename", f"rename to {name}")


def _is_apart(one: Device, other: Device, playlist: str) -> None:
    mine, theirs = one.heads(playlist).items(), other.heads(playlist).items()
    connected = one.node.ask("node.status")["connections"]
    if connected or not (mine - theirs and theirs - mine):
        raise Failed(f"{one.name} was cut off and yet it is not apart from {other.name}")


def _agree(devices: Sequence[Device], playlist: str, screen: Screen) -> None:
    def equal() -> bool:
        heads = [device.heads(playlist) for device in devices]
        return bool(heads[0]) and all(each == heads[0] for each in heads)

    screen.say(f"in agreement after {wait('all devices agree', equal):.1f} s")
    screen.table(devices, playlist)


def _at_once(acts: Sequence[Callable[[], object]]) -> None:
    """Do things at the same time; the first failure among them is raised when all have ended."""
    failures: list[BaseException] = []

    def guarded(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as failure:  # noqa: BLE001 - raised below, in the main thread
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _report(failure: Exception, devices: Sequence[Device], screen: Screen) -> None:
    screen.say(f"FAILED: {failure}")
    for device in devices:
        log = device.node.log() if (device.directory / "node.log").exists() else ""
        if log:
            print(f"--- {device.name} logged:\n{log[-3000:]}", file=sys.stderr)


def _clean_up(devices: Sequence[Device], cables: Cables, top: Path) -> None:
    for device in devices:
        device.node.stop()
    cables.end()
    shutil.rmtree(top, ignore_errors=True)


def _say_how_to_look(devices: Sequence[Device], cables: Cables, top: Path) -> None:
    cables.stay()
    command = Path(sys.executable).with_name("whatnext")
    print("\nThe nodes go on running. Look at them, edit on one and look at another:")
    for device in devices:
        print(f"  {command} --profile {device.directory} status")
    print(f"  {command} --profile {devices[-1].directory} playlist show 'Kitchen party'")
    print("Stop them:")
    for device in devices:
        print(f"  {command} --profile {device.directory} node stop")
    print(f"  rm -r {top}")


def _interrupt() -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
