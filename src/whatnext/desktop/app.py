"""The desktop's main process: finds or starts the node, shows its pages, takes links, and leaves nothing behind."""

import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import trio

from whatnext.desktop import crash, handover, instance, node_client
from whatnext.desktop.crash import CrashReport
from whatnext.desktop.handover import Answer, Request
from whatnext.desktop.node_process import Life, Ready, command_for, live
from whatnext.desktop.session_bus import bus_address
from whatnext.desktop.supervisor import Finished, GaveUp, Supervisor
from whatnext.desktop.surfaces import Surface
from whatnext.errors import ConnectionLost, LocalError
from whatnext.node.state_file import NodeFile

LOOK_S = 0.5
"""How often a node that somebody else started is looked for."""
GRACE_S = 3.0
"""How long a node of somebody else may be away (a service restarts it) before one of our own takes its place."""


class Desktop:
    """One run; `surfaces` are tried in order, `say` is for people, on stderr."""

    def __init__(
        self,
        directory: Path,
        surfaces: Sequence[Surface],
        say: Callable[[str], None],
        node_options: Sequence[str] = (),
        bus: str | None = None,
    ) -> None:
        """`bus` is the address of the session's D-Bus, for notifications and the tray; None is without them."""
        self._directory = directory
        self._surfaces = list(surfaces)
        self._tell = say
        self._options = node_options
        self._bus = bus
        self._supervisor = Supervisor()
        self._node: NodeFile | None = None
        self._changed = trio.Event()
        self._again = trio.Event()
        self._shown_at: str | None = None
        self._showing = trio.Lock()
        self._gave_up: str | None = None

    @property
    def surface(self) -> Surface:
        """Where pages are shown."""
        return self._surfaces[0]

    async def run(self, link: str | None = None) -> None:
        """Show the page, with a clicked link if there is one, until the user quits or the node is told to stop.

        Raises `LocalError` when the node cannot be kept alive. Cancelling quits: no process of ours is left.
        """
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(instance.serve, self._directory, self._take)
                nursery.start_soon(self._first_page, link, nursery.cancel_scope)
                nursery.start_soon(self._show_again)
                nursery.start_soon(self._show_outside, nursery.cancel_scope.cancel)
                await self._keep_node()
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                for surface in self._surfaces:
                    await surface.close()
        if self._gave_up is not None:
            raise LocalError(self._gave_up)

    async def show(self, link: str | None, place: str = "") -> None:
        """Show the page (at a place, `#/…`) once a node runs; raises `LocalError` when no surface is left to show it.

        A surface that cannot is given up for the next one, with a sentence.
        """
        async with self._showing:
            while True:
                url = await self._address(link, place)
                surface = self.surface
                try:
                    await surface.show(url)
                except LocalError as error:
                    await self._fall_back(surface, error)
                else:
                    self._shown_at = url.partition("/auth")[0]
                    return

    async def _address(self, link: str | None, place: str = "") -> str:
        """A page's address at the node, as soon as one is there."""
        while True:
            node = await self._wait_node()
            try:
                return await node_client.page(node, link, place)
            except ConnectionLost:
                await trio.sleep(LOOK_S)  # it is just ending; another one comes, or we give up

    async def _first_page(self, link: str | None, life: trio.CancelScope) -> None:
        while True:
            await self.show(link)
            surface = self.surface
            try:
                await surface.wait_closed()
            except LocalError as error:
                await self._fall_back(surface, error)
                link = None
            else:
                life.cancel()
                return

    async def _fall_back(self, surface: Surface, error: LocalError) -> None:
        """Leave a surface that failed for the next one; raises the error when there is none."""
        if surface is not self.surface:
            return  # somebody else did, meanwhile
        if len(self._surfaces) == 1:
            raise error
        self._say(f"{error}: using the {self._surfaces[1].where} instead")
        await self._surfaces.pop(0).close()

    async def _take(self, request: Request) -> Answer:
        """Answer a later start; a terminal's user looks at that one's terminal, not at ours."""
        if self._gave_up is not None:
            return Answer(problem=self._gave_up)
        if self.surface.where == "terminal":
            return Answer(where="terminal", url=await self._address(request.link))
        try:
            await self.show(request.link)
        except LocalError as error:
            return Answer(problem=str(error))
        return Answer(where=self.surface.where)

    async def _keep_node(self) -> None:
        """Return when the node was told to stop, when it does not need us, or when it was given up."""
        while True:
            found = await node_client.running(self._directory)
            if found is not None:
                if await self._follow(found):
                    return
                continue
            began = trio.current_time()
            life = await self._own_life()
            ended = trio.current_time()
            report = CrashReport(
                at_s=time.time(),
                status=life.status,
                was_ready=self._supervisor.is_ready,
                lived_s=ended - began,
                lines=life.lines,
            )
            verdict = self._supervisor.ended(ended, life.status, report.reason)
            if isinstance(verdict, Finished):
                return
            if isinstance(verdict, GaveUp):
                await self._give_up(report, verdict)
                return
            _, where = crash.kept_in(self._directory, report)
            self._say(f"the node ended ({report.how}) and is started again; {where}")
            await trio.sleep(verdict.after_s)

    async def _own_life(self) -> Life:
        port = self._supervisor.launch()
        try:
            return await live(command_for(self._directory, port, self._options), self._on_ready, self._say)
        finally:
            self._use(None)

    def _on_ready(self, ready: Ready) -> None:
        self._supervisor.ready(urlsplit(ready.url).port or 0)
        self._use(NodeFile(url=ready.url, token=ready.token, pid=0, peer=ready.peer, started=0))

    async def _follow(self, node: NodeFile) -> bool:
        """Use a node that somebody else started until it is gone for good: False. True when nothing needs us here.

        It may be one that is just ending, left by a desktop that was killed, so nobody leaves at once.
        """
        self._use(node)
        began = trio.current_time()
        while await node_client.running(self._directory) == node:
            lasted = trio.current_time() - began
            if self.surface.where != "window" and self._shown_at == node.url and lasted > GRACE_S:
                return True
            await trio.sleep(LOOK_S)
        self._use(None)
        with trio.move_on_after(GRACE_S):
            while await node_client.running(self._directory) is None:  # noqa: ASYNC110 - another process's
                await trio.sleep(LOOK_S)
        return False

    async def _give_up(self, report: CrashReport, verdict: GaveUp) -> None:
        """Show the last report, until a window with it is closed; `run` then raises the reason."""
        path, where = crash.kept_in(self._directory, report)
        last = report.how if report.reason is None else report.reason
        self._gave_up = (
            f"the node does not stay alive: {verdict.why}. The last time: {last}; {where};"
            " `whatnext doctor` may know why"
        )
        self._say(report.text())
        if path is None or self.surface.where == "terminal":
            return
        try:
            await self.surface.show(path.as_uri())
            if self.surface.where == "window":
                await self.surface.wait_closed()
        except LocalError as error:
            self._say(str(error))

    def _say(self, message: str) -> None:
        # The terminal, or the program whose link was clicked, may be gone: then nobody reads it.
        with suppress(OSError):
            self._tell(message)

    def _use(self, node: NodeFile | None) -> None:
        """Another node, or none; a page that is open elsewhere than at the new one is shown again there."""
        self._node = node
        if node is not None:
            self._changed.set()
            self._changed = trio.Event()
            if self._shown_at not in (None, node.url):
                self._again.set()

    async def _show_again(self) -> NoReturn:
        while True:
            await self._again.wait()
            self._again = trio.Event()
            await self.show(None)

    async def _show_outside(self, leave: Callable[[], None]) -> None:
        """Notifications and the tray, where pages are shown on a display and the session has a bus."""
        if self._bus is None or self.surface.where == "terminal":
            return
        from whatnext.desktop.outside import Outside

        async def open_page(place: str) -> None:
            try:
                await self.show(None, place)
            except LocalError as error:
                self._say(str(error))

        await Outside(self._wait_node, open_page, leave).run(self._bus)

    async def _wait_node(self) -> NodeFile:
        while self._node is None:
            await self._changed.wait()
        return self._node


def run_desktop(
    directory: Path,
    link: str | None,
    surfaces: Sequence[Surface],
    say: Callable[[str], None],
) -> Answer | None:
    """Be the desktop of a profile until the user quits (None), or hand the link to the one that runs (its answer).

    Raises `ProfileBusy`, `NetworkError` and `LocalError` as `first_or_handed_over` and `Desktop.run`.
    """
    link = None if link is None else handover.carried(link)
    with instance.first_or_handed_over(directory, link) as answer:
        if answer is None:
            trio.run(_until_signal, Desktop(directory, surfaces, say, bus=bus_address()), link)
        return answer


async def _until_signal(desktop: Desktop, link: str | None) -> None:
    # SIGHUP: the terminal was closed. Windows has none.
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    with trio.open_signal_receiver(*numbers) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_on_signal, signals, nursery.cancel_scope)
            await desktop.run(link)
            nursery.cancel_scope.cancel()


async def _cancel_on_signal(signals: AsyncIterator[int], life: trio.CancelScope) -> None:
    async for _ in signals:
        life.cancel()
