"""What is shown of a peer and its timeline. Times are milliseconds, `…At` since 1970 UTC."""

import msgspec

from whatnext.node.timeline import Life, Step
from whatnext.node.views import ConnectionView


class StepView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step: `after_ms` counts from the beginning of its life, `took_ms` is how long the step itself took."""

    at: int
    after_ms: float
    kind: str
    text: str
    address: str | None
    took_ms: float | None


class LifeView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One connection from its beginnings to its end.

    `skipped` steps between the first 16 and the last 16 are not kept; `failed_before` attempts before this one came to
    nothing and are not kept either.
    """

    number: int
    began_at: int
    connected: bool
    over: bool
    failed_before: int
    skipped: int
    steps: list[StepView]


class AddressView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One address of the address book: when a dial there last worked, and since when it has failed."""

    address: str
    worked_at: int | None
    failing_since: int | None


class SharedView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One playlist in which the peer is a member; `state` as in `peers`, None without a link."""

    playlist: str
    name: str
    state: str | None
    pending_out: int | None
    pending_in: int | None


class PeerReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One peer: `standing` is `blocked`, `stranger`, `known`, `member` or `relay`; lives come oldest first."""

    peer: str
    name: str | None
    standing: str
    agent: str | None
    last_seen: int | None
    problem: str | None
    connections: list[ConnectionView]
    addresses: list[AddressView]
    playlists: list[SharedView]
    lives: list[LifeView]


class StepEvent(StepView, frozen=True, kw_only=True, rename="camel"):
    """`step`: one more line of a peer's timeline; `life` numbers its connections from 1."""

    peer: str
    life: int


def life_view(life: Life, wall_ms: float) -> LifeView:
    """`wall_ms` is what the wall clock says when the timeline's own says 0."""
    return LifeView(
        number=life.number,
        began_at=round(wall_ms + 1000 * life.began_at),
        connected=life.connected,
        over=life.over,
        failed_before=life.failed_before,
        skipped=life.skipped,
        steps=[
            StepView(
                at=round(wall_ms + 1000 * step.at),
                after_ms=_after_ms(life, step),
                kind=step.kind,
                text=step.text,
                address=step.address,
                took_ms=_rounded(step.took_ms),
            )
            for step in [*life.first, *life.last]
        ],
    )


def step_event(peer: str, life: Life, step: Step, wall_ms: float) -> StepEvent:
    """As it happens; `wall_ms` as in `life_view`."""
    return StepEvent(
        peer=peer,
        life=life.number,
        at=round(wall_ms + 1000 * step.at),
        after_ms=_after_ms(life, step),
        kind=step.kind,
        text=step.text,
        address=step.address,
        took_ms=_rounded(step.took_ms),
    )


def _after_ms(life: Life, step: Step) -> float:
    return round(1000 * (step.at - life.began_at), 1)


def _rounded(took_ms: float | None) -> float | None:
    return None if took_ms is None else round(took_ms, 1)
