import pytest

from whatnext.errors import LocalError
from whatnext.node.api.last_port import FILE, bind_again
from whatnext.node.api.server import bind


def port_of(listener):
    return listener.getsockname()[1]


def test_the_port_of_last_time_is_taken_again(tmp_path):
    with bind_again(0, tmp_path) as first:
        port = port_of(first)
    with bind_again(0, tmp_path) as second:
        assert port_of(second) == port


def test_a_port_that_was_asked_for_is_the_one_of_next_time(tmp_path):
    with bind(0) as free:
        port = port_of(free)
    bind_again(port, tmp_path).close()
    with bind_again(0, tmp_path) as later:
        assert port_of(later) == port


def test_another_port_is_taken_when_that_of_last_time_is_not_free(tmp_path):
    with bind_again(0, tmp_path) as first, bind_again(0, tmp_path) as second:
        assert port_of(first) != port_of(second)


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path):
    with bind(0) as taken, pytest.raises(LocalError, match="choose another port"):
        bind_again(port_of(taken), tmp_path)


@pytest.mark.parametrize("content", ["", "port", "-1", "22", "70000", "1" * 5000])
def test_a_damaged_note_of_the_port_stops_nothing(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    with bind_again(0, tmp_path) as listener:
        assert port_of(listener) >= 1024


def test_a_profile_that_cannot_be_written_keeps_no_port_and_still_listens(tmp_path, caplog):
    with bind_again(0, tmp_path / "missing") as listener:
        assert port_of(listener)
    assert "is not kept" in caplog.text
