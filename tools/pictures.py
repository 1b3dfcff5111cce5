"""Pictures of every page, of real nodes on which four friends had a real evening: see them, and show four in the docs.

    PYTHONPATH=src .venv/bin/python tools/pictures.py FOLDER [NAME…]

FOLDER gets NAME-light.png, NAME-dark.png (1240 × 800) and NAME-phone.png (390 × 844) of each page, or of those that
begin with a NAME, and jumps.json: how far each layout jumped. Needs Chromium, Node 24 and the built pages
(`make web`); with pngquant on the PATH the pictures get small.
"""

import io
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mutagen.id3 import TIT2, TPE1
from mutagen.wave import WAVE

from whatnext.bench.nodes import Node
from whatnext.errors import LocalError, WhatNextError

HERE = Path(__file__).parent
LISTEN = "/ip4/0.0.0.0/tcp/0"
SAY_AGAIN_S = 30.0  # a member who listens says so anew before 90 s are over
TRACKS = [
    ("Feeling Good", "Nina Simone", "I Put a Spell on You", 174, "ada"),
    ("White Gloves", "Khruangbin", "The Universe Smiles Upon You", 285, "ada"),
    ("Water No Get Enemy", "Fela Kuti", "Expensive Shit", 590, "ada"),
    ("Sodade", "Cesária Évora", "Miss Perfumado", 291, "ada"),
    ("Mohabbat", "Arooj Aftab", "Vulture Prince", 454, "ben"),
    ("Pink Moon", "Nick Drake", "Pink Moon", 124, "clara"),
    ("Cranes in the Sky", "Solange", "A Seat at the Table", 251, "ada"),
    ("This Must Be the Place", "Talking Heads", "Speaking in Tongues", 296, "ben"),
    ("Journey in Satchidananda", "Alice Coltrane", "Journey in Satchidananda", 396, "clara"),
    ("Τα παιδιά του Πειραιά", "Μελίνα Μερκούρη", "Ποτέ την Κυριακή", 213, "clara"),
    ("إنت عمري", "أم كلثوم", "إنت عمري", 3540, "mira"),
    ("Águas de Março", "Elis Regina, Antônio Carlos Jobim", "Elis & Tom", 212, "mira"),
    ("Svefn-g-englar", "Sigur Rós", "Ágætis byrjun", 604, "ben"),
    ("Lovely Day", "Bill Withers", "Menagerie", 254, "clara"),
    ("Everything in Its Right Place", "Radiohead", "Kid A", 251, "ben"),
    ("Chan Chan", "Buena Vista Social Club", "Buena Vista Social Club", 256, "mira"),
    ("Nothing Compares 2 U", "Sinéad O’Connor", "I Do Not Want What I Haven’t Got", 281, "clara"),
    (
        "The Revolution Will Not Be Televised, as it was played at the very end of a long night in Montreux",
        "Gil Scott-Heron",
        "The Revolution Begins: The Flying Dutchman Masters",
        187,
        "mira",
    ),
]
MORE = {
    "Kitchen radio": ("#3f9468", ["breakfast"], ["Clara"]),
    "Long drive north": ("#3f7fb8", ["car", "slow"], ["Ben Okri", "Mira"]),
    "Wedding, maybe": ("#b3559a", ["dancing"], ["Clara"]),
    "Sunday, very slow": ("#8a5fbd", ["slow", "breakfast"], []),
    "Songs that my neighbour hears whether she wants to or not": ("#a98b2d", [], ["Ben Okri"]),
}
COLOURS = {"ada": "#5a6cc4", "ben": "#c2743a", "clara": "#3f9468", "mira": "#b3559a", "nova": "#2f8f95"}
NAMES = {"ada": "Ada", "ben": "Ben Okri", "clara": "Clara", "mira": "Mira"}


class Evening:
    """Nodes of five people in a folder, on a clock that `ago` sets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clock = folder / "clock"
        self.ago(8 * 1440)
        os.environ["WHATNEXT_PICTURES_CLOCK"] = str(self._clock)
        os.environ["PYTHONPATH"] = f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        self.nodes = {name: Node(folder / name, LISTEN, module="pictures_clock") for name in COLOURS}

    def ago(self, minutes: float) -> None:
        """From now on it is so many minutes before what the machine's clock says; each call comes later in time."""
        new = self._clock.with_suffix(".new")
        new.write_text(str(minutes * 60), "ascii")
        new.replace(self._clock)  # a node never reads half of it

    def start(self) -> None:
        """Everybody opens WhatNext for the first time; `nova` has done nothing yet."""
        for node in self.nodes.values():
            node.launch()
        for name, node in self.nodes.items():
            node.wait_ready()
            if name in NAMES:
                node.ask("profile.name", name=NAMES[name], colour=COLOURS[name])

    def stop(self) -> None:
        """Nothing is left running."""
        for node in self.nodes.values():
            if node.is_running:
                node.kill()


def invite(node: Node, playlist: str, *friends: Node) -> None:
    """The friends join, each with a link of its own."""
    for friend in friends:
        friend.ask("join", link=node.ask("invite.create", playlist=playlist)["link"])


def wait(condition: Callable[[], bool]) -> None:
    """Until it holds; raises after 30 s."""
    pause = threading.Event()
    for _ in range(300):
        if condition():
            return
        pause.wait(0.1)
    raise WhatNextError("the friends did not agree within 30 s")


def track(title: str, artists: str, album: str, seconds: int) -> dict[str, Any]:
    """What `playlist.add` takes."""
    return {"title": title, "artists": artists.split(", "), "album": album, "durationMs": seconds * 1000}


def friday(evening: Evening) -> dict[str, str]:
    """The list that four make together; its id, and those of its entries by title."""
    nodes = evening.nodes
    ada = nodes["ada"]
    evening.ago(26 * 60)
    about = "Starts slow. Everybody adds three, nobody skips."
    playlist = ada.ask("playlist.create", name="Friday, late", description=about, tags=["late", "slow"])["id"]
    ada.ask("playlist.set", playlist=playlist, cover="#c2743a")
    invite(ada, playlist, nodes["ben"], nodes["clara"], nodes["mira"])
    ids: dict[str, str] = {"": playlist}
    for number, (title, artists, album, seconds, adder) in enumerate(TRACKS):
        evening.ago(24 * 60 - 20 * number)
        added = nodes[adder].ask(
            "playlist.add", playlist=playlist, tracks=[track(title, artists, album, seconds)]
        )
        ids[title] = added["ids"][0]
        wait(lambda n=number: all(count(node, playlist) == n + 1 for node in members(evening)))
    return ids


def members(evening: Evening) -> list[Node]:
    """The nodes of those who have a name."""
    return [evening.nodes[name] for name in NAMES]


def count(node: Node, playlist: str) -> int:
    """How many tracks a node shows there, 0 while it has no such playlist."""
    try:
        return len(node.ask("playlist.show", playlist=playlist)["entries"])
    except WhatNextError:
        return 0


def talk(evening: Evening, ids: dict[str, str]) -> None:
    """Votes, words and moves of the last hours."""
    said: list[tuple[float, str, str | None, str]] = [
        (300, "ben", None, "Who brings the speakers this time?"),
        (288, "clara", None, "I do. They are still in the van, and the van is at my brother’s until seven."),
        (284, "ada", None, "Then seven it is. Doors at eight, first track is Nina."),
        (120, "ben", "Sodade", "The live version from Paris, please."),
        (96, "ada", "Sodade", "Found it, swapped the link."),
        (41, "clara", "Pink Moon", "Not before midnight!"),
        (22, "mira", None, "On my way, train is late. Start without me!"),
    ]
    wanted = {
        "Feeling Good": "ada ben clara", "Sodade": "ada ben mira", "Cranes in the Sky": "ada clara",
        "This Must Be the Place": "ben", "Lovely Day": "ben mira", "Chan Chan": "clara",
    }  # fmt: skip
    nodes, playlist = evening.nodes, ids[""]
    for title, names in wanted.items():
        evening.ago(310)
        for name in names.split():
            nodes[name].ask("playlist.vote", playlist=playlist, entry=ids[title], value=1)
    nodes["clara"].ask("playlist.vote", playlist=playlist, entry=ids["Mohabbat"], value=-1)
    for minutes, name, title, words in said:
        evening.ago(minutes)
        entry = {} if title is None else {"entry": ids[title]}
        nodes[name].ask("playlist.comment", playlist=playlist, text=words, **entry)
    evening.ago(18)
    nodes["ben"].ask("playlist.move", playlist=playlist, entries=[ids["Mohabbat"]], to=5)
    ada = nodes["ada"]
    wait(
        lambda: any(
            c["text"].startswith("On my way") for c in ada.ask("playlist.show", playlist=playlist)["comments"]
        )
    )


def others(evening: Evening) -> dict[str, str]:
    """Ada's other playlists, one that waits for Mira, and an invite of Ben's that is not answered; links by name."""
    nodes = evening.nodes
    ada = nodes["ada"]
    by_name = {NAMES[name]: nodes[name] for name in NAMES}
    links = {}
    for days, (name, (cover, tags, friends)) in zip(range(7, 1, -1), MORE.items(), strict=False):
        evening.ago(days * 1440)
        playlist = ada.ask("playlist.create", name=name, tags=tags)["id"]
        ada.ask("playlist.set", playlist=playlist, cover=cover)
        chosen = TRACKS[days : days + 2 * days]
        ada.ask("playlist.add", playlist=playlist, tracks=[track(*each[:4]) for each in chosen])
        invite(ada, playlist, *(by_name[friend] for friend in friends))
        links[name] = playlist
    evening.ago(30 * 60)
    basement = nodes["ben"].ask("playlist.create", name="Basement tapes")["id"]
    nodes["ben"].ask("playlist.add", playlist=basement, tracks=[track(*each[:4]) for each in TRACKS[:7]])
    attic = nodes["mira"].ask("playlist.create", name="Mira’s attic")["id"]
    links["basement"] = nodes["ben"].ask("invite.create", playlist=basement)["link"]
    links["attic"] = nodes["mira"].ask("invite.create", playlist=attic)["link"]
    empty = ada.ask("playlist.create", name="New Year’s Eve")["id"]
    ada.ask("playlist.set", playlist=empty, cover="#c2564b")
    links["empty"] = empty
    return links


def music(folder: Path) -> None:
    """Ada's files: quiet tones that are called like some of the tracks, and as long."""
    folder.mkdir()
    for title, artist, _, seconds, _ in (TRACKS[0], TRACKS[3], TRACKS[5], TRACKS[7]):
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setparams((1, 2, 8000, 0, "NONE", ""))
            second = b"".join(struct.pack("<h", int(900 * math.sin(n * math.tau / 40))) for n in range(8000))
            out.writeframes(second * seconds)
        path = folder / f"{title}.wav"
        path.write_bytes(file.getvalue())
        audio = WAVE(path)
        audio.add_tags()
        assert audio.tags is not None
        audio.tags.add(TIT2(text=title))
        audio.tags.add(TPE1(text=artist))
        audio.save()


@contextmanager
def listening(node: Node, playlist: str, entry: str) -> Iterator[None]:
    """A friend plays a track all the while."""
    over = threading.Event()

    def say() -> None:
        while True:
            node.ask("presence.set", playlist=playlist, entry=entry)
            if over.wait(SAY_AGAIN_S):
                return

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def prepare(folder: Path, evening: Evening) -> dict[str, Any]:
    """The whole evening up to now; what the browser must know."""
    evening.start()
    nodes = evening.nodes
    links = others(evening)
    ids = friday(evening)
    talk(evening, ids)
    music(folder / "Music")
    nodes["ada"].ask("playback.folder", folder=str(folder / "Music"))
    nodes["mira"].stop()
    evening.ago(0)
    nodes["ada"].ask("join", link=links.pop("attic"))
    nodes["ada"].ask("invite.create", playlist=links["Wedding, maybe"], role="viewer")
    return {"playlist": ids[""], "entries": ids, **links}


def main() -> None:
    """Make the evening in FOLDER/world and take the pictures."""
    folder = Path(sys.argv[1]).resolve()
    world = folder / "world"
    shutil.rmtree(world, ignore_errors=True)
    world.mkdir(parents=True)
    evening = Evening(world)
    try:
        told = prepare(world, evening)
        nodes = evening.nodes
        told["nodes"] = {name: {"url": node.url, "token": node.token} for name, node in nodes.items()}
        (folder / "told.json").write_text(json.dumps(told), "utf-8")
        words = [
            shutil.which("node"),
            str(HERE / "pictures.mjs"),
            shutil.which("chromium"),
            str(folder),
            *sys.argv[2:],
        ]
        if not all(words):
            raise LocalError("pictures need Node 24 and Chromium: one of them is not on the PATH")
        with listening(nodes["ben"], told["playlist"], told["entries"]["Pink Moon"]):
            subprocess.run(words, check=True)  # noqa: S603 - our own script
        if shrink := shutil.which("pngquant"):
            pictures = map(str, folder.glob("*.png"))
            subprocess.run([shrink, "--ext", ".png", "--force", *pictures], check=True)  # noqa: S603 - ours too
    finally:
        evening.stop()


if __name__ == "__main__":
    main()
