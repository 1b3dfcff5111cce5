"""The router as UPnP's Internet Gateway Device; blocking, for a thread. miniupnpc speaks the protocol.

https://openconnectivity.org/developer/specifications/upnp-resources/upnp/internet-gateway-device-igd-v-2-0/
"""

import socket
from typing import Any, Protocol

from whatnext.errors import NetworkError

DESCRIPTION = "WhatNext"
LOOK_MS = 2000
"""How long routers may take to answer: the protocol lets them wait up to the second that is asked for, and more."""


class Gateway(Protocol):
    """What the mapper needs of a router; every method blocks and raises `NetworkError` with a reason."""

    def find(self) -> str:
        """Look for a router; its address on the outside."""

    def forward(self, port: int, outside: int, for_s: int) -> None:
        """Let the router send what comes to its TCP port `outside` to ours; 0 seconds is for ever."""

    def stop(self, outside: int) -> None:
        """Undo `forward`."""


SSDP = ("239.255.255.250", 1900)
"""Where routers are asked for: UPnP Device Architecture 2.0, section 1.2."""


def _check_route() -> None:
    """Raise `NetworkError` when nothing can be sent to routers: miniupnpc would write that on our stderr itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(SSDP)  # it sends nothing, it only looks for a route
        except OSError as error:
            raise NetworkError(
                f"this network leads to no router that could be asked ({error.strerror})"
            ) from error


class UpnpGateway:
    """The first router that answers on this network."""

    def __init__(self) -> None:
        self._router: Any = None

    def find(self) -> str:
        """Look for a router; its address on the outside."""
        import miniupnpc

        _check_route()
        router = miniupnpc.UPnP()
        router.discoverdelay = LOOK_MS
        try:
            if router.discover():
                router.selectigd()
                self._router = router
                return str(router.externalipaddress() or "")
        except Exception as error:  # miniupnpc raises plain Exception with the router's words
            raise NetworkError(f"the router did not answer UPnP as it should: {error}") from error
        raise NetworkError("no router on this network answers UPnP: forward a port by hand, or use a relay")

    def forward(self, port: int, outside: int, for_s: int) -> None:
        """Let the router send what comes to its TCP port `outside` to ours."""
        asked = (outside, "TCP", self._router.lanaddr, port, DESCRIPTION, "", for_s)
        try:
            done = self._router.addportmapping(*asked)
        except Exception as error:  # likewise
            raise NetworkError(f"the router forwards no port {outside}: {error}") from error
        if not done:
            raise NetworkError(f"the router forwards no port {outside} and does not say why")

    def stop(self, outside: int) -> None:
        """Undo `forward`."""
        try:
            self._router.deleteportmapping(outside, "TCP")
        except Exception as error:  # likewise
            raise NetworkError(f"the router keeps forwarding port {outside}: {error}") from error
