"""Links as QR codes: what is drawn and written is the code of that link, and stdout stays the link."""

import io
import locale
import os
import stat
import struct
import sys
import zlib

import pytest
import segno

from whatnext.cli import qr
from whatnext.errors import LimitExceeded

LINK = "whtnxt://connect/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN?addr=/ip4/192.0.2.1/tcp/4001"
HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def code(link: str, border: int) -> list[list[int]]:
    return [[int(bool(m)) for m in row] for row in segno.make_qr(link, error="l").matrix_iter(border=border)]


def rows_of_half_blocks(text: str) -> list[list[int]]:
    rows = []
    for line in text.splitlines():
        assert line.startswith("\033[30;107m")
        assert line.endswith("\033[0m")
        pairs = [HALVES[c] for c in line.removeprefix("\033[30;107m").removesuffix("\033[0m")]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    return rows


def rows_of_ascii(text: str) -> list[list[int]]:
    lines = text.splitlines()
    assert set(text) <= set("# \n")
    return [[int(line[at : at + 2] == "##") for at in range(0, len(line), 2)] for line in lines]


def rows_of_png(data: bytes) -> list[list[int]]:
    """Modules of a one-bit greyscale PNG with unfiltered rows."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed, width = 8, b"", 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, _, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (1, 0)
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, stride = zlib.decompress(packed), 1 + (width + 7) // 8
    rows = [raw[start : start + stride] for start in range(0, len(raw), stride)][:: qr.PNG_SCALE]
    assert all(row[0] == 0 for row in rows)
    return [[1 - (row[1 + x // 8] >> (7 - x % 8) & 1) for x in range(0, width, qr.PNG_SCALE)] for row in rows]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2


def shown_on(screen: io.StringIO, monkeypatch) -> str:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", screen)
        qr.show(LINK)
    return screen.getvalue()


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    """A UTF-8 terminal with colours, 80 columns wide."""
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((80, 24)))
    monkeypatch.setattr(locale, "getencoding", lambda: "UTF-8")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_terminal_gets_half_blocks_black_on_white(terminal, monkeypatch):
    expected = code(LINK, border=2)
    rows = rows_of_half_blocks(shown_on(terminal, monkeypatch))
    assert rows[: len(expected)] == expected
    assert not any(map(any, rows[len(expected) :]))


@pytest.mark.parametrize(
    "limit", ["NO_COLOR", "a dumb terminal", "a locale that is not UTF-8", "no terminal"]
)
def test_where_blocks_and_colours_do_not_belong_the_code_is_ascii(terminal, monkeypatch, limit):
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((200, 24)))
    if limit == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    elif limit == "a dumb terminal":
        monkeypatch.setenv("TERM", "dumb")
    elif limit == "a locale that is not UTF-8":
        monkeypatch.setattr(locale, "getencoding", lambda: "ANSI_X3.4-1968")
    screen = io.StringIO() if limit == "no terminal" else terminal
    assert rows_of_ascii(shown_on(screen, monkeypatch)) == code(LINK, border=2)


def test_a_terminal_too_narrow_for_the_code_is_told_so(terminal, monkeypatch):
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((40, 24)))
    said = shown_on(terminal, monkeypatch)
    assert said.startswith(f"The code needs {len(code(LINK, border=2))} columns:")
    assert "--qr-file" in said


def test_the_picture_is_the_code_and_its_owners_alone(tmp_path):
    file = tmp_path / "link.png"
    qr.write_png(file, LINK)
    assert rows_of_png(file.read_bytes()) == code(LINK, border=4)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_too_long_for_a_code_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(LimitExceeded, match="4000 characters, more than a QR code holds"):
        qr.write_png(tmp_path / "long.png", "x" * 4000)
    assert list(tmp_path.iterdir()) == []


def test_the_code_goes_to_stderr_and_stdout_stays_the_link(cli):
    plain = cli("id", "--link")
    shown = cli("id", "--qr")
    assert shown.out == plain.out
    drawn = shown.stderr.removeprefix(plain.stderr)
    assert rows_of_ascii(drawn) == code(plain.out.strip(), border=2)


def test_an_invite_is_drawn_and_written_as_the_link_that_is_printed(cli, tmp_path):
    cli("playlist", "create", "Mix")
    file = tmp_path / "invite.png"
    made = cli("invite", "Mix", "--qr", "--qr-file", str(file))
    link = made.out.strip()
    assert link.startswith("whtnxt://join/")
    assert rows_of_png(file.read_bytes()) == code(link, border=4)
    drawn = made.stderr[made.stderr.index(f"Wrote {file}.\n") + len(f"Wrote {file}.\n") :]
    assert rows_of_ascii(drawn) == code(link, border=2)


@pytest.mark.parametrize("command", [("id",), ("invite", "Mix")])
def test_a_picture_is_replaced_only_with_force_and_nothing_is_made_for_nothing(cli, tmp_path, command):
    cli("playlist", "create", "Mix")
    file = tmp_path / "kept.png"
    file.write_bytes(b"mine")
    refused = cli(*command, "--qr-file", str(file))
    assert (refused.status, refused.out) == (2, "")
    assert "--force" in refused.stderr
    assert file.read_bytes() == b"mine"
    assert cli.json("invite", "list", "Mix") == []
    made = cli(*command, "--qr-file", str(file), "--force")
    assert rows_of_png(file.read_bytes()) == code(made.out.strip(), border=4)


def test_json_has_the_link_and_no_drawing(cli, tmp_path):
    file = tmp_path / "link.png"
    shown = cli("id", "--qr", "--qr-file", str(file), "--json")
    assert rows_of_png(file.read_bytes()) == code(shown.json()["link"], border=4)
    assert shown.stderr == ""
