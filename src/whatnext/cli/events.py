"""Reading `/events` of the running node: server-sent events, one after the other."""

import http.client
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from whatnext.errors import ConnectionLost
from whatnext.node.state_file import NodeFile

KEEPALIVE = ""
"""Kind of the word that only says that the node is still there."""
_SILENCE_S = 60.0  # the node says something every 15 s


def listen(node: NodeFile) -> Iterator[tuple[str, bytes]]:
    """(kind, JSON) of each event from now on; ends when the node does, raises `ConnectionLost` when it vanishes."""
    connection = http.client.HTTPConnection(urlsplit(node.url).netloc, timeout=_SILENCE_S)
    try:
        connection.request("GET", "/events", headers={"Authorization": f"Bearer {node.token}"})
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise ConnectionLost(f"the node does not tell what happens: it answered {answer.status}")
        yield from parse(iter(answer.readline, b""))
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionLost(f"the node ended or hangs ({error}): look with `whatnext status`") from error
    finally:
        connection.close()


def parse(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Events in a stream of lines (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    kind, data = "message", b""
    for line in lines:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        if line.startswith(b":"):
            yield KEEPALIVE, b""
        elif field == b"event":
            kind = value.strip().decode()
        elif field == b"data":
            data += value.strip()
        elif not field:
            if data:
                yield kind, data
            kind, data = "message", b""
