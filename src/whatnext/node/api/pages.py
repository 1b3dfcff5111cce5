"""The web UI's built files (`make web`), served to any browser on this machine: they hold no data.

A table of what lies in the folder, read anew when `make web` has been there: a path is looked up, never joined to
another, so none leads out of the folder. What the page shows comes from operations, which want the session's cookie.
"""

import hashlib
from pathlib import Path

import msgspec

from whatnext.node.api.asgi import Headers, Request, Send, reply
from whatnext.node.api.problems import ApiError

BUILT = Path(__file__).parent / "dist"
"""Where `make web` puts the files, and the wheel brings them."""

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    b"media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_GUARDS: Headers = (
    (b"content-security-policy", POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_ALWAYS_ASK = b"no-cache"
_FOR_EVER = b"public, max-age=31536000, immutable"
_ABSENT = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>WhatNext</title>"
    b"<h1>The pages are not built yet</h1>"
    b"<p>This node works, but its web pages are missing: npm was not there when it was set up. In the folder with the "
    b"source run <code>make web</code> (and <code>pip install .</code> again, if that is how you installed it), then "
    b"load this page again.</p></html>"
)


class Page(msgspec.Struct, frozen=True):
    """One file as it is sent; one under `/assets/` has its hash in its name and never changes."""

    body: bytes
    media_type: bytes
    etag: bytes
    cache: bytes


class Pages:
    """What is served without a cookie; read at the first request, so that it costs a start nothing."""

    def __init__(self, folder: Path = BUILT) -> None:
        self._folder = folder
        self._seen: list[tuple[Path, int, int]] = []
        self._table = {"/": _page(_ABSENT, _TYPES[".html"], _ALWAYS_ASK)}

    async def serve(self, request: Request, send: Send) -> bool:
        """Answer a request for a page; False when the path is none of them. Raises `ApiError` for another method."""
        if request.path == "/" or request.path.startswith("/assets/"):
            self._look()
        page = self._table.get(request.path)
        if page is None:
            return False
        if request.method not in ("GET", "HEAD"):  # the server sends no body to HEAD
            detail = f"{request.path} takes GET or HEAD, not {request.method[:16]}"
            raise ApiError(405, "method_not_allowed", detail, ((b"allow", b"GET, HEAD"),))
        headers = (*_GUARDS, (b"etag", page.etag))
        if request.headers.get(b"if-none-match") == page.etag:
            await reply(send, b"", status=304, media_type=page.media_type, headers=headers, cache=page.cache)
            return True
        await reply(send, page.body, media_type=page.media_type, headers=headers, cache=page.cache)
        return True

    def _look(self) -> None:
        """Read the folder if it is not as it was. In the middle of a build the pages of before are served on."""
        try:
            seen = [
                (file, (found := file.stat()).st_mtime_ns, found.st_size)
                for file in sorted(self._folder.rglob("*"))
                if file.suffix in _TYPES
            ]
            if seen == self._seen or self._folder / "index.html" not in [file for file, _, _ in seen]:
                return
            table = {self._path(file): _read(file) for file, _, _ in seen}
        except OSError:
            return  # a file went away meanwhile: it is being built
        table["/"] = table.pop("/index.html")
        self._seen, self._table = seen, table

    def _path(self, file: Path) -> str:
        return "/" + file.relative_to(self._folder).as_posix()


def _read(file: Path) -> Page:
    cache = _FOR_EVER if file.parent.name == "assets" else _ALWAYS_ASK
    return _page(file.read_bytes(), _TYPES[file.suffix], cache)


def _page(body: bytes, media_type: bytes, cache: bytes) -> Page:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
    return Page(body, media_type, etag, cache)
