import os
import stat
import subprocess
import sys

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext import identity
from whatnext.errors import KeyDamaged, UserError
from whatnext.identity import Identity, load_or_create, peer_id, public_key_of, verify


@pytest.fixture
def key_file(tmp_path):
    load_or_create(tmp_path)
    return tmp_path / identity.KEY_FILE


def test_a_key_makes_the_peer_id_that_libp2p_makes_of_it():
    # Printed by py-libp2p 0.8.1: ID.from_pubkey(create_new_key_pair(bytes(range(32))).public_key).
    assert Identity(bytes(range(32))).peer_id == "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB"


@given(st.binary(min_size=32, max_size=32))
def test_a_peer_id_and_its_public_key_are_one(public_key):
    assert public_key_of(peer_id(public_key)) == public_key
    assert len(peer_id(public_key)) == 52


@given(
    st.one_of(st.text(max_size=60), st.binary(max_size=50).map(lambda raw: base58.b58encode(raw).decode()))
)
def test_what_is_no_peer_id_is_refused_with_a_sentence(text):
    with pytest.raises(UserError, match="is not an Ed25519 PeerID"):
        public_key_of(text)


@given(st.binary(max_size=100), st.integers(0, 511))
def test_a_signature_holds_for_its_message_and_key_only(message, bit):
    device, other = Identity(b"a" * 32), Identity(b"b" * 32)
    signature = device.sign(message)
    bent = bytearray(signature)
    bent[bit // 8] ^= 1 << bit % 8
    assert verify(device.public_key, message, signature)
    assert not verify(device.public_key, message + b"x", signature)
    assert not verify(device.public_key, message, bytes(bent))
    assert not verify(other.public_key, message, signature)
    assert not verify(b"short", message, signature)
    assert not verify(device.public_key, message, b"short")


def test_the_key_is_created_once_for_its_owner_only_and_read_again(tmp_path):
    directory = tmp_path / "new" / "profile"
    first = load_or_create(directory)
    key = directory / identity.KEY_FILE
    assert load_or_create(directory).seed == first.seed
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) & 0o077 == 0
    assert os.listdir(directory) == [identity.KEY_FILE]
    assert first.peer_id not in key.read_text()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_that_others_can_touch_is_refused_with_the_way_to_repair_it(key_file, mode):
    key_file.chmod(mode)
    with pytest.raises(KeyDamaged, match="chmod 600") as caught:
        load_or_create(key_file.parent)
    assert f"{mode:04o}" in str(caught.value)
    key_file.chmod(0o600)
    assert load_or_create(key_file.parent).peer_id


def damage(content, how):
    return {
        "empty": b"",
        "cut": content[: len(content) // 2],
        "one letter": content[:-4] + (b"1" if content[-4:-3] != b"1" else b"2") + content[-3:],
        "no header": content.partition(b" ")[2],
        "other version": content.replace(b"key-1", b"key-2"),
        "binary": bytes(range(256)),
        "short key": b"whatnext-device-key-1 " + base58.b58encode_check(b"x" * 31),
    }[how]


@pytest.mark.parametrize(
    "how", ["empty", "cut", "one letter", "no header", "other version", "binary", "short key"]
)
def test_a_damaged_key_is_refused_with_the_way_out_and_never_replaced(key_file, how):
    damaged = damage(key_file.read_bytes(), how)
    key_file.write_bytes(damaged)
    with pytest.raises(
        KeyDamaged, match=r"is not a WhatNext device key\. Put a copy of the file back"
    ) as caught:
        load_or_create(key_file.parent)
    assert "new invite" in str(caught.value)
    assert key_file.read_bytes() == damaged


def test_a_kill_while_the_key_is_written_leaves_no_key_or_a_whole_one(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", kill)
        with pytest.raises(Killed):
            load_or_create(tmp_path)
    assert not (tmp_path / identity.KEY_FILE).exists()
    assert load_or_create(tmp_path).seed == load_or_create(tmp_path).seed


@pytest.mark.real
def test_processes_that_start_at_once_share_one_key(tmp_path):
    script = (
        "import sys, pathlib; from whatnext.identity import load_or_create; sys.stdin.readline();"
        "print(load_or_create(pathlib.Path(sys.argv[1])).peer_id)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    peers = {process.communicate(timeout=30)[0].strip() for process in started}
    assert peers == {load_or_create(tmp_path).peer_id}
    assert os.listdir(tmp_path) == [identity.KEY_FILE]


def test_nothing_prints_the_secret():
    device = Identity(b"s" * 32)
    assert repr(device) == f"Identity({device.peer_id})"
