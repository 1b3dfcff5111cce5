"""A link as a QR code for the page: rows of modules, which it draws itself."""

from typing import TYPE_CHECKING

import msgspec

from whatnext.errors import LimitExceeded, UserError
from whatnext.playlists import links
from whatnext.playlists.requests import Request

if TYPE_CHECKING:
    from whatnext.node.node import Node


class DrawLink(Request, frozen=True, kw_only=True):
    """A `whtnxt://` link to draw."""

    link: str


class QrCode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Rows of `0` (light) and `1` (dark), without the light border of four modules that readers want."""

    rows: list[str]


async def draw(_: "Node", asked: DrawLink) -> QrCode:
    """Draw a link; raises `LimitExceeded` for one that no QR code holds."""
    import segno
    from segno.encoder import DataOverflowError

    if not asked.link.startswith(links.SCHEME):
        raise UserError("only whtnxt:// links are drawn")
    try:
        code = segno.make_qr(asked.link, error="l", boost_error=True)
    except DataOverflowError as error:
        raise LimitExceeded(
            f"the link has {len(asked.link)} characters, more than a QR code holds: send it as text"
        ) from error
    return QrCode(rows=["".join(str(int(module)) for module in row) for row in code.matrix])
