"""Mutated messages against the master: none crashes it, what is refused changes nothing, what is written is valid."""

import json
import os
import random

import msgspec
import pytest
from playlist_devices import Circle
from rxdb_client import Client

from whatnext.errors import ProtocolViolation
from whatnext.records import codec, schema
from whatnext.rxdb.master import Master
from whatnext.rxdb.readers import Member, Profile
from whatnext.rxdb.session import Trouble

NAMES = ("playlists", "entries", "votes", "comments", "members", "profiles", "peers", "x", "")
PULL, PUSH = "masterChangesSince", "masterWrite"
METHODS = (PULL, PULL, *(PUSH,) * 9, "masterChangeStream$", "auth", "join", "explode")
ODD = [
    *(None, True, False, 0, -1, 1, 2, 2**31, 2**53, 2**63, 2**64, 10**30, 1.5, -0.0, 1e308),
    *("", "x", "\x00", "\ud800", "a" * 501, "é" * 40_000, "12D3KooW", "{", "…", "a0V", "zz"),
    *([], {}, [None], [[]], {"": None}, ["a"] * 201, [1], [["a"]], {"a": {"a": {}}}),
]


class Fuzz:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.circle = Circle()
        friends = self.circle.friend("Bob"), self.circle.friend("Vic", role="viewer")
        self.device = self.circle.friend("Dan")
        library = self.circle.ann.library
        readers = [Profile(library), *(Member(library, friend.peer) for friend in friends)]
        master = Master(self.circle.ann.here)
        self.clients = [
            Client(master, reader, has_errors=errors) for reader in readers for errors in (True, False)
        ]
        added = self.circle.ann.add(self.circle.id, "One", "Two", "Three")
        self.circle.ann.do("playlist.vote", playlist=self.circle.id, entry=added[0], value=1)
        self.circle.ann.do("playlist.comment", playlist=self.circle.id, entry=added[0], text="Yes")
        self.seen = {name: list(self.clients[0].all(name).values()) for name in NAMES[:6]}
        self.written = self.refused = 0

    def step(self):
        client, raw = self.rng.choice(self.clients), self.message()
        heads = dict(self.circle.ann.library.heads(self.circle.playlist))
        answers = []
        try:
            client.session.receive(raw)
            while (answer := client.session.next_message()) is not None:
                answers.append(msgspec.json.decode(answer))
        except (ProtocolViolation, Trouble):
            assert self.circle.ann.library.heads(self.circle.playlist) == heads
            self.refused += 1
            client.reconnect()
            return
        after = self.circle.ann.library.heads(self.circle.playlist)
        if after != heads:
            self.written += 1
            for record in self.circle.ann.library.missing(
                self.circle.playlist, heads, max_records=9, max_bytes=10**9
            ):
                self.check_record(record, client.reader)

    def check_record(self, signed, reader):
        """What was written is within the schema, marked with its peer, and another device takes it."""
        record = codec.decode_and_verify(signed)
        assert record.body.meta.by == reader.by
        for write in record.body.writes:
            assert schema.fault(write.collection, write.id, write.fields) is None
            assert write.collection in ("playlists", "entries", "votes", "comments", "profiles")
            if reader.by is not None:
                assert write.collection in ("playlists", "entries") or write.fields.keys() == {"removed"}
                assert self.circle.ann.library.standing(self.circle.playlist, reader.by) == "editor"

    def check_device(self):
        """Another device takes every record, and holds the same."""
        ann, other, playlist = self.circle.ann.library, self.device.library, self.circle.playlist
        self.circle.meet(self.circle.ann, self.device)
        assert other.heads(playlist) == ann.heads(playlist)
        for name in NAMES[:6]:
            here, there = (
                [
                    (stored.id, stored.document)
                    for stored in each.documents.in_playlist(playlist, name, gone=True)
                ]
                for each in (ann, other)
            )
            assert here == there

    def message(self):
        rng = self.rng
        if rng.random() < 0.25:
            return self.mangled(self.encoded(self.sensible()))
        message = self.sensible()
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            if rng.random() < 0.1:
                message = self.changed(message)
            elif isinstance(message, dict) and "params" in message:
                message = {**message, "params": self.changed(message["params"])}
        return self.encoded(message)

    def sensible(self):
        rng = self.rng
        method = rng.choice(METHODS)
        name = rng.choice(NAMES) if rng.random() < 0.2 else rng.choice(NAMES[:6])
        message = {"id": f"a|{rng.randrange(9)}", "collection": name, "method": method, "params": []}
        if method == PULL:
            epoch = self.circle.ann.library.database.feed_id
            checkpoint = rng.choice((None, {"epoch": epoch, "seq": rng.randrange(20)}))
            message["params"] = [checkpoint, rng.choice((1, 2, 10, 5000))]
        elif method == PUSH:
            message["params"] = [[self.row(name) for _ in range(rng.randrange(4))]]
        elif method == "join":
            message["params"] = [self.circle.id, "AAAA", "AAAA"]
        return message

    def row(self, name):
        rng = self.rng
        known = rng.choice(self.seen.get(name) or self.seen["entries"])
        new = dict(known)
        for _ in range(rng.randrange(3)):
            new[rng.choice(list(new))] = rng.choice((*ODD, "Another", 1, "a1V", ["A"], True))
        if rng.random() < 0.4:  # another document
            playlist, _, rest = known["id"].partition(":")
            new["id"] = f"{playlist}:{''.join(rng.choices('ab2', k=16))}{rest[16:]}"
            return {"newDocumentState": new}
        return {"assumedMasterState": known, "newDocumentState": new}

    def changed(self, value):
        """One thing somewhere in it is another."""
        rng = self.rng
        if isinstance(value, dict) and value and rng.random() < 0.9:
            key = rng.choice(list(value))
            if rng.random() < 0.1:
                return {k: v for k, v in value.items() if k != key}
            if rng.random() < 0.1:
                return {**value, rng.choice(("extra", "", "_deleted", "removed")): rng.choice(ODD)}
            return {**value, key: self.changed(value[key])}
        if isinstance(value, list) and value and rng.random() < 0.9:
            at = rng.randrange(len(value))
            return [*value[:at], self.changed(value[at]), *value[at + 1 :]]
        return rng.choice(ODD)

    def encoded(self, message):
        return json.dumps(message).encode()

    def mangled(self, raw):
        rng = self.rng
        found = bytearray(raw)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(found) + 1)
            match rng.randrange(4):
                case 0:
                    del found[at : at + rng.randrange(1, 30)]
                case 1:
                    found[at:at] = rng.randbytes(rng.randrange(1, 4))
                case 2:
                    found[at:at] = rng.choice((b"[" * 2000, b'"', b"{", b"}", b"\\ud800", b"1e999", b"\xff"))
                case 3 if found:
                    found[at % len(found)] = rng.randrange(256)
        return bytes(found)


def test_mutated_messages_neither_crash_the_master_nor_write_what_is_wrong():
    fuzz = Fuzz(1)
    for _ in range(8000):
        fuzz.step()
    fuzz.check_device()
    assert fuzz.written > 100
    assert fuzz.refused > 1000


@pytest.mark.soak
def test_half_a_million_mutated_messages_do_no_harm():
    for seed in range(25):
        fuzz = Fuzz(seed)
        for _ in range(int(os.environ.get("WHATNEXT_FUZZ", "20000"))):
            fuzz.step()
        fuzz.check_device()
