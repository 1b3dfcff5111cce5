"""An accepted connection that fails, fails alone; a cancellation is not held up."""

import pytest
import trio

from whatnext.net.accepting import contained


async def test_an_error_goes_no_further():
    async def failing(connection):
        raise OSError(connection)

    await contained(failing)("gone")


async def test_an_error_that_comes_with_a_cancellation_is_left_behind_and_the_cancellation_is_not():
    async def failing_when_cancelled(connection):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise OSError("closed meanwhile")

    with trio.CancelScope() as scope:
        scope.cancel()
        await contained(failing_when_cancelled)("any")
        pytest.fail("cancelled, it does not return")
    assert scope.cancelled_caught
