"""The way between trio and the asyncio thread of aiortc, without a worker thread for every wait.

py-libp2p 0.8.1 waits for each asyncio result in a thread of trio's pool. It has 40: as many streams whose peers do not
read stop everything else in the process that needs a thread, name look-ups among it.
"""

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import trio
from libp2p.transport.webrtc._asyncio_bridge import AsyncioBridge, AsyncioBridgeError

T = TypeVar("T")


class Bridge(AsyncioBridge):
    """py-libp2p's bridge whose `run_coro` waits in trio."""

    async def run_coro(self, coro: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the asyncio thread. Cancelling cancels it there. Stopped: `AsyncioBridgeError`."""
        loop = self.loop
        if loop is None or not self.is_running:
            coro.close()
            raise AsyncioBridgeError("the asyncio thread is not running")
        future = asyncio.run_coroutine_threadsafe(coro, loop)
        token, done = trio.lowlevel.current_trio_token(), trio.Event()

        def finished(_: object) -> None:
            with contextlib.suppress(trio.RunFinishedError):
                token.run_sync_soon(done.set)

        future.add_done_callback(finished)
        try:
            await done.wait()
        except trio.Cancelled:
            future.cancel()
            raise
        try:
            return future.result()
        except concurrent.futures.CancelledError as error:
            raise AsyncioBridgeError("the asyncio thread is stopping") from error
