"""`GET /play/<playlist>/<entry>`: the user's own file of a track, whole or a range of it (RFC 9110 §14)."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import trio

from whatnext.errors import LocalError
from whatnext.node.api.asgi import GUARDS, Headers, Request, Send
from whatnext.node.api.problems import ApiError
from whatnext.playback import ranges
from whatnext.playback.folder import media_type, open_inside

PREFIX = "/play/"
CHUNK_BYTES = 128 * 1024
STALL_S = 120.0
"""A paused player reads nothing; it asks anew for what it lacks when it goes on."""

Locate = Callable[[str, str], tuple[Path, str]]
"""Folder, and path of a listed file in it, for the ids of a playlist and an entry; raises `WhatNextError`."""


async def serve_audio(locate: Locate, request: Request, send: Send) -> None:
    """Send the file that an entry's ids lead to; raises `ApiError` and what `locate` raises before it begins.

    A client that leaves, or reads nothing for `STALL_S`, ends it; so does cancelling. The file is closed in any case.
    """
    playlist, _, entry = request.path.removeprefix(PREFIX).partition("/")
    folder, path = locate(playlist, entry)
    file, status = await trio.to_thread.run_sync(open_inside, folder, path)
    with file:
        size = status.st_size
        etag = f'"{status.st_mtime_ns:x}-{size:x}"'.encode()
        part = _part(request, size, etag)
        begin, end = part or (0, size)
        headers: Headers = (
            (b"content-type", media_type(path).encode()),
            (b"content-length", str(end - begin).encode()),
            (b"accept-ranges", b"bytes"),
            (b"etag", etag),
            (b"cache-control", b"private, no-cache"),
            (b"content-security-policy", b"default-src 'none'; sandbox; frame-ancestors 'none'"),
            *GUARDS,
        )
        if part is not None:
            headers += ((b"content-range", f"bytes {begin}-{end - 1}/{size}".encode()),)
        await send(
            {"type": "http.response.start", "status": 200 if part is None else 206, "headers": [*headers]}
        )
        await _stream(file, begin, end, send)


def _part(request: Request, size: int, etag: bytes) -> tuple[int, int] | None:
    wanted = request.headers.get(b"range")
    unchanged = request.headers.get(b"if-range", etag) == etag
    try:
        return ranges.asked(wanted.decode("latin-1") if wanted and unchanged else None, size)
    except ranges.Unsatisfiable as error:
        headers = ((b"content-range", f"bytes */{size}".encode()),)
        raise ApiError(416, "no_such_range", f"the file has {size:,} bytes", headers) from error


async def _stream(file: BinaryIO, begin: int, end: int, send: Send) -> None:
    at = begin
    while at < end:
        try:
            data = await trio.to_thread.run_sync(_read, file, at, min(CHUNK_BYTES, end - at))
        except OSError as error:  # its disk was unplugged
            raise LocalError(f"the file cannot be read any more: {error.strerror or error}") from error
        if not data:
            raise LocalError("the file became shorter while it was played")
        at += len(data)
        with trio.move_on_after(STALL_S) as patience:
            try:
                await send({"type": "http.response.body", "body": data, "more_body": True})
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # the player has what it wants
        if patience.cancelled_caught:
            return  # in the middle of an answer: the connection is closed
    await send({"type": "http.response.body", "body": b""})


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
