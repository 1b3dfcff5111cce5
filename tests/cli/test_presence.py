"""`whatnext presence`: whether members hear what is played here."""

from whatnext.config import Settings


def test_it_is_on_until_it_is_switched_off_and_the_profile_keeps_that(direct, running_node):
    with running_node(direct.profile):
        assert direct("presence").out == "on\n"
        assert direct("presence", "off").out == "off\n"
        assert direct.json("presence") == {"on": False}
    assert not Settings(direct.profile).tells_playing
    with running_node(direct.profile):
        assert "Nobody is told" in direct("presence").stderr
        assert direct.json("presence", "on") == {"on": True}


def test_another_word_is_refused(direct):
    assert direct("presence", "perhaps").status == 2


def test_without_a_node_it_says_that_one_is_needed(direct):
    assert direct("presence").status == 6
