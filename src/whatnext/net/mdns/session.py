"""One peer's words on multicast, through python-zeroconf: records out, records heard into a `View`.

Belongs to the asyncio loop it is made in. No `ServiceBrowser`: it would keep pointers for 1,125 s, and ask the first
time for answers to port 5353 of this device alone, which reach only one of the programs that share the port.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from zeroconf import (  # type: ignore[attr-defined]  # the DNS classes are exported, though not in its __all__
    DNSOutgoing,
    DNSPointer,
    DNSQuestion,
    DNSText,
    RecordUpdate,
    RecordUpdateListener,
    ServiceInfo,
    Zeroconf,
    current_time_millis,
)

from whatnext.net.addresses import ip_of
from whatnext.net.mdns.txt import SERVICE, pack, read
from whatnext.net.mdns.view import View

TTL_S = 120
_QUERY, _TYPE_PTR, _TYPE_TXT, _CLASS_IN = 0, 12, 16, 1  # RFC 1035 §3.2, §4.1.1
_PORT = 4001  # of the SRV record that zeroconf insists on; libp2p reads the multiaddrs instead


class Session(RecordUpdateListener):
    """Announces `peer` under `name`, and calls `on_heard` when the view may have changed."""

    def __init__(
        self, zeroconf: Zeroconf, name: str, peer: str, view: View, on_heard: Callable[[], None]
    ) -> None:
        self._zeroconf = zeroconf
        self._name = name
        self._peer = peer
        self._view = view
        self._on_heard = on_heard
        self._info: ServiceInfo | None = None
        self._broadcasts: set[asyncio.Future[Any]] = set()
        zeroconf.async_add_listener(self, None)

    async def tell(self, addresses: Iterable[str]) -> None:
        """Announce these multiaddrs three times in half a second and answer with them; say goodbye when none fits."""
        text = pack(self._peer, list(addresses))
        before = self._info
        if before is not None and before.text == text:
            return
        if text and before is None:
            self._info = self._service(text)
            # "Cooperating" leaves out the probing for a free name: ours is random.
            self._keep(await self._zeroconf.async_register_service(self._info, cooperating_responders=True))
        elif text:
            self._info = self._service(text)
            self._keep(await self._zeroconf.async_update_service(self._info))
        elif before is not None:
            self._info = None
            self._keep(await self._zeroconf.async_unregister_service(before))

    def tell_again(self) -> None:
        """Announce once what was told last."""
        if self._info is not None:
            self._zeroconf.async_send(self._zeroconf.generate_service_broadcast(self._info, None))

    def ask(self, names: Iterable[str] = ()) -> None:
        """Ask who is there, and for the TXT record of these instances.

        Whom the view believes in need not answer, nor we ourselves, who hear it too (RFC 6762 §7.1). Both questions
        in one packet: js-libp2p answers only the one to everybody.
        """
        question = DNSOutgoing(_QUERY)
        question.add_question(DNSQuestion(SERVICE, _TYPE_PTR, _CLASS_IN))
        for name in names:
            question.add_question(DNSQuestion(name, _TYPE_TXT, _CLASS_IN))
        now = current_time_millis()
        for record in self._zeroconf.cache.async_all_by_details(SERVICE, _TYPE_PTR, _CLASS_IN):
            if isinstance(record, DNSPointer) and self._need_not_answer(record.alias_key):
                question.add_answer_at_time(record, now)
        self._zeroconf.async_send(question)

    def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
        """Called by zeroconf with the records of one packet, and with those its own cache gives up (not heeded)."""
        clock = time.monotonic()
        texts: dict[str, list[DNSText]] = {}
        for update in records:
            record = update.new
            if record.is_expired(now) and record.ttl > 0:
                continue
            if isinstance(record, DNSText) and record.key.endswith(SERVICE):
                texts.setdefault(record.key, []).append(record)
            elif isinstance(record, DNSPointer) and record.key == SERVICE:
                self._pointer(record, clock)
        for name, found in texts.items():
            ttl = max(record.ttl for record in found)
            self._view.texts(name, [record.text for record in found if record.ttl or not ttl], ttl, clock)

    def async_update_records_complete(self) -> None:
        """Called by zeroconf when a packet has been read."""
        self._on_heard()

    def _need_not_answer(self, name: str) -> bool:
        return name == self._name or self._view.believes(name)

    def _pointer(self, record: DNSPointer, clock: float) -> None:
        if record.ttl == 0:
            self._view.goodbye(record.alias_key)
        elif record.alias_key != self._name:
            self._view.pointer(record.alias_key, clock)

    def _service(self, text: bytes) -> ServiceInfo:
        told = read([text])
        ips = dict.fromkeys(str(ip) for ip in map(ip_of, told.addresses if told else ()) if ip is not None)
        return ServiceInfo(
            SERVICE,
            self._name,
            port=_PORT,
            properties=text,
            server=f"{self._name.partition('.')[0]}.local.",
            parsed_addresses=list(ips),
            host_ttl=TTL_S,
            other_ttl=TTL_S,
        )

    def _keep(self, broadcast: Awaitable[Any]) -> None:
        """Hold a running broadcast: asyncio itself would let it be collected."""
        task = asyncio.ensure_future(broadcast)
        self._broadcasts.add(task)
        task.add_done_callback(self._broadcasts.discard)
