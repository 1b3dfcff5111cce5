from whatnext.node.news import Quieted


def test_a_key_is_told_at_once_then_held_back_and_never_lost():
    now = [0.0]
    quieted = Quieted(0.1, lambda: now[0])
    a, b = ("A", b"1"), ("B", b"1")
    assert quieted.is_due(a)
    assert not quieted.is_due(a)
    assert not quieted.is_due(a)
    assert quieted.is_due(b)
    assert quieted.held_back() == [a]
    assert quieted.held_back() == []
    now[0] = 0.2
    assert quieted.is_due(a)
