"""The authority table (design §4): who may write what, decided from the record alone and the author's role."""

from typing import Final, Literal, TypeAlias

from whatnext import identity
from whatnext.records import ids
from whatnext.records.codec import Record, Write

Standing: TypeAlias = Literal["owner", "editor", "viewer", "removed"]
"""A peer's place in a playlist; None stands for a peer nobody has admitted."""

OWNER: Final = "owner"
EDITORS: Final = frozenset({"owner", "editor"})
MEMBERS: Final = frozenset({"owner", "editor", "viewer"})


def may_write(record: Record, standing: Standing | None) -> bool:
    """Whether every write of the record is within its author's right, given the author's standing."""
    peer = identity.peer_id(record.body.author)
    return standing in MEMBERS and all(may(write, peer, standing) for write in record.body.writes)


def may(write: Write, peer: str, standing: Standing | None) -> bool:
    """Whether a member with this standing may make one write."""
    if standing not in MEMBERS:
        return False
    match write.collection:
        case "playlists":
            return standing in EDITORS and (standing == OWNER or "removed" not in write.fields)
        case "entries":
            return standing in EDITORS
        case "votes":
            return ids.parts_of_vote(write.id)[1] == peer
        case "profiles":
            return write.id == peer
        case "comments":
            if ids.author_of_comment(write.id) == peer:
                return True
            return standing in EDITORS and write.fields.keys() == {"removed"}
        case "members":
            return _may_write_member(write, peer, standing)
        case "invites":
            return standing == OWNER
    return False


def _may_write_member(write: Write, peer: str, standing: Standing | None) -> bool:
    if write.id == peer:  # a peer admits itself with a proof, or leaves; its role is not its own to set
        return standing != OWNER and write.fields.keys() <= {"invite", "proof", "left"}
    return standing == OWNER and "role" in write.fields and write.fields.keys() <= {"role", "upto"}
