"""Which peer a user means."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatnext.errors import Ambiguous, NotFound
from whatnext.node.peer_names import find_peer

KNOWN = {
    "12D3KooWabc": "Ben",
    "12D3KooWabd": None,
    "12D3KooWxyz": "Anna",
    "12D3KooWxyy": "Ännchen",
    "12D3KooWqqq": "Annabel",
}


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("be", "12D3KooWabc"),
        ("BEN", "12D3KooWabc"),
        ("anna", "12D3KooWxyz"),  # the whole name goes before the beginning of another
        ("annab", "12D3KooWqqq"),
        ("ännch", "12D3KooWxyy"),
        (unicodedata.normalize("NFD", "Ännch"), "12D3KooWxyy"),
        ("xyz", "12D3KooWxyz"),
        ("…xyz", "12D3KooWxyz"),
        ("12D3KooWq", "12D3KooWqqq"),
        (" 12D3KooWabd ", "12D3KooWabd"),
    ],
)
def test_a_peer_is_named_by_its_name_or_id_or_a_part_only_it_has(text, peer):
    assert find_peer(KNOWN, text) == peer


@pytest.mark.parametrize("text", ["ann", "12D3KooWab", "12D3"])
def test_what_fits_several_is_answered_with_the_list(text):
    with pytest.raises(Ambiguous, match="…"):
        find_peer(KNOWN, text)


def test_whoever_is_called_like_the_end_of_anothers_id_does_not_get_its_calls():
    known = {**KNOWN, "12D3KooWevil": "xyz"}
    with pytest.raises(Ambiguous):
        find_peer(known, "xyz")
    assert find_peer(known, "…xyz") == "12D3KooWxyz"


@pytest.mark.parametrize("text", ["", "…", "carla", "  "])
def test_what_fits_nobody_is_said(text):
    with pytest.raises(NotFound):
        find_peer(KNOWN, text)


@given(st.text(max_size=8), st.lists(st.text(min_size=1, max_size=6), max_size=6))
def test_an_answer_always_fits_what_was_asked(text, names):
    known = {f"12D3KooW{number}": name for number, name in enumerate(names)}
    try:
        peer = find_peer(known, text)
    except (NotFound, Ambiguous):
        return
    wanted = text.strip().lstrip("…")

    def folded(value: str) -> str:
        return unicodedata.normalize("NFD", unicodedata.normalize("NFD", value).casefold())

    assert wanted in (peer[: len(wanted)], peer[-len(wanted) :]) or folded(known[peer]).startswith(
        folded(wanted)
    )
