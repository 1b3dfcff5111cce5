"""When the music folder is looked at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import audio
import pytest
import trio

from whatnext.playback import music
from whatnext.playback.music import Music


class Looks:
    """Music that runs, and a count of what it told."""

    def __init__(self, folder: Path | None) -> None:
        self.told = 0
        self._changed = trio.Event()
        self.music = Music(folder, self._on_change)

    def _on_change(self) -> None:
        self.told += 1
        self._changed.set()

    async def wait(self) -> None:
        """Wait until the next look has ended."""
        with trio.fail_after(music.SETTLE_S + 20):
            await self._changed.wait()
            while self.music.looking:
                self._changed = trio.Event()
                await self._changed.wait()
        self._changed = trio.Event()


@pytest.fixture(autouse=True)
def _jumps(mock_clock) -> None:
    mock_clock.rate = 1  # threads take real time; waiting is jumped over


@asynccontextmanager
async def running(folder: Path | None) -> AsyncIterator[Looks]:
    async with trio.open_nursery() as nursery:
        looks = Looks(folder)
        nursery.start_soon(looks.music.run)
        yield looks
        nursery.cancel_scope.cancel()


async def test_a_folder_that_was_chosen_before_the_start_is_looked_at_unasked(tmp_path, mock_clock):
    audio.write(tmp_path / "a.wav", "Song")
    async with running(tmp_path) as looks:
        await trio.testing.wait_all_tasks_blocked()
        assert not looks.music.looking
        mock_clock.jump(music.SETTLE_S)
        await looks.wait()
        assert list(looks.music.index.files) == ["a.wav"]


async def test_asking_again_and_again_looks_once_in_a_while(tmp_path, mock_clock):
    async with running(tmp_path) as looks:
        looks.music.refresh()
        looks.music.refresh()
        await looks.wait()
        for _ in range(10):
            looks.music.refresh()
            assert not looks.music.looking
            mock_clock.jump(1)
        assert looks.told == 1
        mock_clock.jump(music.FRESH_S)
        audio.write(tmp_path / "a.wav", "Song")
        looks.music.refresh()
        await looks.wait()
        assert looks.told == 2
        assert len(looks.music.index.files) == 1


async def test_another_folder_is_looked_at_at_once_and_none_never(tmp_path, mock_clock):
    audio.write(tmp_path / "one" / "a.wav")
    audio.write(tmp_path / "two" / "b.wav")
    async with running(tmp_path / "one") as looks:
        mock_clock.jump(music.SETTLE_S)
        await looks.wait()
        looks.music.take(tmp_path / "two")
        assert not looks.music.index.files
        await looks.wait()
        assert list(looks.music.index.files) == ["b.wav"]
        looks.music.take(None)
        looks.music.refresh()
        assert not looks.music.looking
        mock_clock.jump(100)
        await trio.testing.wait_all_tasks_blocked()
        assert not looks.music.index.files
