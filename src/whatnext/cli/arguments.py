"""Arguments that several commands share, with their help."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from whatnext.cli.context import Context

Given = Annotated[Context, Parameter(parse=False)]
"""Put in by `main`, not by the user."""

PlaylistRef = Annotated[str, Parameter(help="A playlist: its name or its id, or how either begins.")]
EntryRef = Annotated[
    str, Parameter(help="A track: its number in the list, its id, or the beginning of its id.")
]
EntryRefs = Annotated[
    list[str],
    Parameter(help="Tracks: numbers in the list, ids, or beginnings of ids.", consume_multiple=True),
]
PeerRef = Annotated[
    str, Parameter(help="A peer: its name or how that begins, its PeerID, or the beginning or end of it.")
]
Artists = Annotated[list[str] | None, Parameter(name="--artist", help="An artist; repeat it for several.")]
Album = Annotated[str | None, Parameter(help="The album.")]
Duration = Annotated[str | None, Parameter(help="How long it is, as in 3:45.")]
Isrc = Annotated[str | None, Parameter(help="The recording's ISRC.")]
Mbid = Annotated[str | None, Parameter(help="The recording's MusicBrainz id.")]
Links = Annotated[list[str] | None, Parameter(name="--link", help="A link to it; repeat it for several.")]
Note = Annotated[str | None, Parameter(help="A note for the others.")]
Limit = Annotated[int, Parameter(help="How many at most.")]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], Parameter(help="The least that is logged.")
]
LogFormat = Annotated[Literal["human", "json"], Parameter(help="How the log on stderr is written.")]
InputFile = Annotated[Path, Parameter(help="The file; - reads standard input.", allow_leading_hyphen=True)]
AsQr = Annotated[bool, Parameter(negative=(), help="Also draw the link as a QR code, on stderr.")]
QrFile = Annotated[Path | None, Parameter(help="Also write the link as a QR code, a PNG picture.")]
ForceQr = Annotated[bool, Parameter(negative=(), help="Replace the picture if it is there.")]
