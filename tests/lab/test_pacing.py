"""What a bad link does to frames, by the clock alone."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from whatnext.lab.pacing import Pacer, Quality


def through(quality: Quality, frames: list[tuple[float, bytes]], seed: int = 1) -> list[tuple[float, bytes]]:
    """When each frame comes out."""
    pacer, out = Pacer(quality, Random(seed)), []
    for now, frame in frames:
        pacer.offer(frame, now)
    while (due := pacer.next_due()) is not None:
        out += [(due, frame) for frame in pacer.due(due)]
    return out


def test_a_good_link_delivers_at_once():
    assert through(Quality(), [(1, b"a"), (2, b"b")]) == [(1, b"a"), (2, b"b")]


def test_delay_moves_every_frame_by_the_same_time():
    assert through(Quality(delay_s=0.5), [(1, b"a"), (2, b"b")]) == [(1.5, b"a"), (2.5, b"b")]


def test_frames_of_one_moment_leave_one_after_the_other_at_the_given_rate():
    frames = [(0.0, bytes(125)) for _ in range(4)]
    assert [at for at, _ in through(Quality(rate_bit_s=1000), frames)] == [1, 2, 3, 4]


def test_what_finds_the_queue_full_is_dropped_and_later_frames_are_not():
    quality = Quality(rate_bit_s=1000, queue_bytes=250)
    burst = [(0.0, bytes(125)) for _ in range(10)]
    assert len(through(quality, burst)) == 3
    assert len(through(quality, [*burst, (100.0, bytes(125))])) == 4


def test_the_share_of_lost_frames_is_the_one_asked_for_and_repeats_with_its_seed():
    frames = [(n / 1000, bytes([n % 256])) for n in range(10_000)]
    out = through(Quality(loss=0.1), frames, seed=7)
    assert 8_800 < len(out) < 9_200
    assert out == through(Quality(loss=0.1), frames, seed=7)
    assert out != through(Quality(loss=0.1), frames, seed=8)


qualities = st.builds(
    Quality,
    delay_s=st.floats(0, 2),
    jitter_s=st.floats(0, 2),
    loss=st.floats(0, 1),
    rate_bit_s=st.none() | st.floats(1_000, 1e9),
    queue_bytes=st.integers(0, 10_000),
)


@given(qualities, st.lists(st.tuples(st.floats(0, 1), st.integers(1, 1500)), max_size=40), st.integers())
def test_whatever_the_quality_frames_keep_their_order_and_none_is_early_or_made_up(quality, gaps, seed):
    frames, now = [], 0.0
    for number, (gap, size) in enumerate(gaps):
        now += gap
        frames.append((now, bytes([number]) * size))
    entered = {frame: at for at, frame in frames}
    out = through(quality, frames, seed)
    assert [frame for _, frame in out] == [f for _, f in frames if f in {frame for _, frame in out}]
    assert all(at >= entered[frame] + quality.delay_s - 1e-9 for at, frame in out)
    assert [at for at, _ in out] == sorted(at for at, _ in out)
