"""What is found in a folder, and that nothing outside of it is."""

import io
import os
import random
from pathlib import Path

import audio
import pytest

from whatnext.errors import LocalError, NotFound
from whatnext.playback import folder, tags
from whatnext.playback.folder import look, open_inside
from whatnext.playback.matching import AudioFile, Facts

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def nothing() -> None:
    """No cancellation."""


def found(where: Path, known: dict[str, AudioFile] | None = None) -> dict[str, AudioFile]:
    return {file.path: file for file in look(where, known or {}, nothing)}


def test_tags_are_read_wherever_a_file_lies(tmp_path):
    audio.write(tmp_path / "deep" / "a.wav", "Song", "Band", 2, "GBAYE6700001", MBID)
    (tmp_path / "cover.jpg").write_bytes(b"no audio")
    (tmp_path / ".hidden").mkdir()
    audio.write(tmp_path / ".hidden" / "b.wav")
    files = found(tmp_path)
    assert list(files) == ["deep/a.wav"]
    assert files["deep/a.wav"].facts == Facts(
        title="Song", artists=("Band",), duration_ms=2000, isrc="GBAYE6700001", mbid=MBID
    )


@pytest.mark.parametrize(
    ("name", "title", "artists"),
    [
        ("03 - Band - Song.wav", "Song", ("Band",)),
        ("07. Song.wav", "Song", ()),
        ("Song.wav", "Song", ()),
        ("1999.wav", "1999", ()),
    ],
)
def test_a_file_without_tags_is_known_by_its_name(tmp_path, name, title, artists):
    audio.write(tmp_path / name)
    assert found(tmp_path)[name].facts == Facts(title=title, artists=artists, duration_ms=1000)


def test_a_file_that_did_not_change_is_not_read_again(tmp_path, monkeypatch):
    audio.write(tmp_path / "same.wav", "Same", "Band")
    changed = audio.write(tmp_path / "changed.wav", "Before", "Band")
    before = found(tmp_path)
    audio.write(changed, "After", "Band")
    os.utime(changed, ns=(1, 1))
    read = []
    plain_read = tags.read
    monkeypatch.setattr(tags, "read", lambda f, size, path: read.append(path) or plain_read(f, size, path))
    after = found(tmp_path, before)
    assert read == ["changed.wav"]
    assert after["changed.wav"].facts.title == "After"
    assert after["same.wav"] is before["same.wav"]


def test_links_and_pipes_are_no_files_of_the_folder(tmp_path):
    music, outside = tmp_path / "music", tmp_path / "outside"
    audio.write(outside / "secret.wav", "Secret")
    audio.write(music / "mine.wav", "Mine")
    (music / "link.wav").symlink_to(outside / "secret.wav")
    (music / "linked").symlink_to(outside)
    os.mkfifo(music / "pipe.wav")
    assert list(found(music)) == ["mine.wav"]


def test_what_became_a_link_or_a_pipe_after_it_was_listed_is_not_opened(tmp_path):
    music, outside = tmp_path / "music", tmp_path / "outside"
    secret = audio.write(outside / "a.wav", "Secret")
    audio.write(music / "sub" / "a.wav", "Mine")
    open_inside(music, "sub/a.wav")[0].close()
    (music / "sub" / "a.wav").unlink()
    (music / "sub" / "a.wav").symlink_to(secret)
    with pytest.raises(NotFound):
        open_inside(music, "sub/a.wav")
    (music / "sub" / "a.wav").unlink()
    os.mkfifo(music / "sub" / "a.wav")
    with pytest.raises(NotFound):
        open_inside(music, "sub/a.wav")
    (music / "sub" / "a.wav").unlink()
    (music / "sub").rmdir()
    (music / "sub").symlink_to(outside)
    for path in ("sub/a.wav", "../outside/a.wav", str(secret), "sub", ""):
        with pytest.raises(NotFound):
            open_inside(music, path)


def test_a_folder_that_becomes_a_link_while_it_is_opened_leads_nowhere(tmp_path, monkeypatch):
    music, outside = tmp_path / "music", tmp_path / "outside"
    audio.write(outside / "a.wav", "Secret")
    audio.write(music / "sub" / "a.wav", "Mine")
    mine = (music / "sub" / "a.wav").read_bytes()
    plain_open = os.open

    def swapping(path, *rest, **more):
        if str(path).endswith("a.wav"):
            (music / "sub").rename(music / "was")
            (music / "sub").symlink_to(outside)
        return plain_open(path, *rest, **more)

    monkeypatch.setattr(os, "open", swapping)
    monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, swapping})
    file, _ = open_inside(music, "sub/a.wav")
    with file:
        assert file.read() == mine


def test_links_that_lead_round_in_circles_end(tmp_path):
    audio.write(tmp_path / "one" / "a.wav", "Song")
    (tmp_path / "one" / "again").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert list(found(tmp_path)) == ["one/a.wav"]


def test_names_that_are_no_text_are_files_too(tmp_path):
    audio.write(tmp_path / "x.wav")
    os.rename(tmp_path / "x.wav", os.fsencode(tmp_path) + b"/Band - S\xff\xfeng.wav")
    (path,) = found(tmp_path)
    open_inside(tmp_path, path)[0].close()


def test_a_folder_that_is_gone_is_said_and_an_unreadable_one_below_it_is_left_out(tmp_path):
    with pytest.raises(LocalError, match="cannot be read"):
        found(tmp_path / "gone")


def test_more_files_than_the_bound_are_left_out(tmp_path, monkeypatch):
    for number in range(4):
        audio.write(tmp_path / f"{number}.wav", seconds=0.01)
    monkeypatch.setattr(folder, "MAX_FILES", 3)
    assert list(found(tmp_path)) == ["0.wav", "1.wav", "2.wav"]
    monkeypatch.setattr(folder, "MAX_ENTRIES", 2)
    assert list(found(tmp_path)) == ["0.wav", "1.wav"]


def test_looking_ends_when_it_is_told_to(tmp_path):
    audio.write(tmp_path / "a.wav")

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        look(tmp_path, {}, stop)


def test_damaged_files_are_known_by_their_names(tmp_path):
    whole = audio.write(tmp_path / "whole.wav", "Song", "Band", 0.05, "GBAYE6700001", MBID).read_bytes()
    rng = random.Random(7)
    for _ in range(300):
        damaged = bytearray(whole[: rng.randrange(1, len(whole) + 1)])
        for _ in range(rng.randrange(1, 8)):
            damaged[rng.randrange(min(len(damaged), 200 if rng.random() < 0.5 else len(damaged)))] = (
                rng.randrange(256)
            )
        suffix = rng.choice([b"", b"ID3\x04\x00\x00", b"fLaC", b"OggS", b"\x00\x00\x00\x18ftypM4A "])
        data = suffix + bytes(damaged)
        facts = tags.read(io.BytesIO(data), len(data), "Band - Song.mp3")
        assert facts.title


def test_tags_that_claim_to_be_endless_are_not_believed():
    data = b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(1000)
    meter = tags.Meter(io.BytesIO(data), len(data))
    assert meter.read(1 << 60) == data
    for _ in range(tags.MAX_BYTES // len(data) - 1):
        meter.seek(0)
        meter.read()
    meter.seek(0)
    with pytest.raises(tags.TooMuch):
        meter.read()


def test_a_file_that_takes_too_long_is_given_up():
    now = iter([0.0, 1.0, 3.0])
    meter = tags.Meter(io.BytesIO(b"abc"), 3, lambda: next(now))
    assert meter.read(1) == b"a"
    with pytest.raises(tags.TooMuch):
        meter.read(1)
