"""Who may talk to the local API: the token's holder, on loopback, from our own pages.

The attacks: a web page that posts to localhost (Origin, SameSite), a name that resolves to 127.0.0.1 (DNS rebinding:
Host), another user of this machine (the token lies in a file only its owner can read, and a browser must be of the
node's own user). All of them, with their tests: docs/concepts/concept-local-api-threats.md.
"""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from whatnext.node.api import sessions
from whatnext.node.api.problems import ApiError

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
ONCE_SECONDS = 60.0
MAX_ONCE = 16


class Access:
    """The door: one token per start, one-time links for browsers, and the sessions they open.

    Sessions made with the same `session_key` are known again after a restart; without one, they end with this object.
    """

    def __init__(
        self, port: int, now: Callable[[], float], token: str | None = None, session_key: bytes | None = None
    ) -> None:
        self.token = token or secrets.token_urlsafe(32)
        self._now = now
        self._hosts = frozenset(f"{name}:{port}" for name in LOOPBACK_NAMES)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._once: OrderedDict[str, float] = OrderedDict()
        self._session_key = session_key or secrets.token_bytes(32)
        # Cookies are not kept apart by port: two profiles on one host must not overwrite each other's.
        self.cookie = f"whatnext-{hashlib.sha256(b'name' + self._session_key).hexdigest()[:12]}"
        self._bearer = b"Bearer " + self.token.encode()

    def check_source(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise `ApiError` unless the request was sent to a loopback name of ours and by no foreign page."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host not in self._hosts:
            raise ApiError(
                403, "forbidden_host", f"“{host[:80]}” is not this node: use 127.0.0.1 and its port"
            )
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() not in self._origins:
            raise ApiError(403, "forbidden_origin", "pages of other sites may not talk to this node")

    def check_token(self, headers: Mapping[bytes, bytes], *, other_user: bool = False) -> None:
        """Raise `ApiError` unless the request carries the token or a session's cookie, and no foreign page sent it.

        `other_user`: the client runs as another user of this machine, for whom no cookie counts.
        """
        # Another server on this machine is “same site”: it gets the cookie sent, and media ask without Origin.
        if headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
            raise ApiError(403, "forbidden_origin", "pages of other sites may not talk to this node")
        if hmac.compare_digest(headers.get(b"authorization", b""), self._bearer):
            return
        if b"cookie" in headers and self._is_session(headers[b"cookie"]):
            self.check_user(other_user)
            return
        raise ApiError(
            401,
            "unauthorized",
            "this needs the header “Authorization: Bearer TOKEN” with the token in the profile's node.json",
            ((b"www-authenticate", b"Bearer"),),
        )

    def check_user(self, other_user: bool) -> None:
        """Raise `ApiError` for another user's browser: a link or a cookie was taken, not given."""
        if other_user:
            raise ApiError(
                403, "forbidden_user", "this node belongs to another user of this machine: start your own"
            )

    def new_link(self) -> str:
        """A secret for `GET /auth?once=…`: good for one browser, for a minute."""
        while len(self._once) >= MAX_ONCE:
            self._once.popitem(last=False)
        secret = secrets.token_urlsafe(24)
        self._once[secret] = self._now() + ONCE_SECONDS
        return secret

    def open_session(self, once: str) -> str:
        """Trade a one-time secret for a `Set-Cookie` value; raises `ApiError` when it was used or is too old."""
        deadline = self._once.pop(once, None)
        if deadline is None or self._now() > deadline:
            raise ApiError(
                401, "unauthorized", "this link was used already or is too old: open WhatNext again"
            )
        session = sessions.new(self._session_key, time.time())
        return f"{self.cookie}={session}; HttpOnly; SameSite=Strict; Path=/; Max-Age={sessions.SECONDS}"

    def _is_session(self, header: bytes) -> bool:
        """Whether one of the cookies is a session of ours.

        Not `http.cookies`, which gives up at the first cookie it cannot read: they come from any server on this
        machine, as may a second one of our name.
        """
        now = time.time()
        for pair in header.decode("latin-1").split(";"):
            name, _, value = pair.partition("=")
            if name.strip() == self.cookie and sessions.is_valid(self._session_key, value.strip(), now):
                return True
        return False
