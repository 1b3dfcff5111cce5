"""One client's conversation with the master, sans-IO: messages in, messages out, nothing computed before it can go.

Rules of the stream, which keep a client from missing a change for good:

- A subscription starts from the feed as it is then: the client pulls what came before, and is told nothing until it
  has. RxDB 17.6 drops a `RESYNC` that queues behind an event, so who owes a pull is reminded until it pulls.
- No event goes out between the batches of a pull: RxDB drops what came in before its newest batch was asked for, also
  the merged form of a document that it pushed meanwhile and ignored in an earlier batch.
- Events are made when the channel can take them, out of what changed since the last one: a slow client costs no
  memory, and a document that changed ten times is told once.
- What is more than one event holds, and whatever changes what the client may see, is told as `RESYNC` instead.
- A change is in the feed before it is told, so a pull that follows an event never misses it.
"""

import logging
from collections import deque
from secrets import token_hex
from typing import Protocol

import msgspec

from whatnext.errors import UNREADABLE, LocalError, ProtocolViolation, WhatNextError
from whatnext.rxdb import limits
from whatnext.rxdb.collections import COLLECTIONS, Collection
from whatnext.rxdb.master import Master
from whatnext.rxdb.messages import RESYNC, STREAM, Answer, Checkpoint, Fault, Pulled, Request, decode, encode
from whatnext.rxdb.peers import Peers
from whatnext.rxdb.readers import Reader
from whatnext.rxdb.rows import Row
from whatnext.store.pushes import Pusher

_log = logging.getLogger(__name__)


class Joining(Protocol):
    """Lets a remote peer in by an invite."""

    def __call__(self, params: list[msgspec.Raw]) -> Fault | None:
        """Take an admission; the reason when it is refused. Raises `ProtocolViolation`."""
        ...


class Trouble(Exception):
    """A request cannot be answered; a client of version 1.0 has no word for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Subscription:
    def __init__(self, told: int, epoch: str) -> None:
        self.told = told
        """Number of the feed up to which the client needs no event."""
        self.epoch = epoch
        self.pulled = False
        """Whether the client has everything up to `told`: a pull came to its end."""
        self.resync = False

    def start_over(self, told: int) -> str:
        self.told, self.pulled, self.resync = told, False, False
        return RESYNC


class Session:
    """A client on one channel. `has_errors` is whether it knows the member `error` (version 1.1)."""

    def __init__(
        self,
        master: Master,
        reader: Reader,
        *,
        has_errors: bool,
        peers: Peers | None = None,
        joining: Joining | None = None,
    ) -> None:
        self._master = master
        self._reader = reader
        self._has_errors = has_errors
        self._peers = peers
        self._joining = joining
        self._requests: deque[tuple[Request, int]] = deque()
        self._held = 0
        self._channel = token_hex(8)
        self._subscriptions: dict[str, _Subscription] = {}

    @property
    def is_full(self) -> bool:
        """Whether to read no more for now: answers wait for the client."""
        return len(self._requests) >= limits.MAX_WAITING or self._held >= limits.MAX_WAITING_BYTES

    @property
    def owes_pull(self) -> bool:
        """Whether the client has not yet pulled what it is told nothing before."""
        return any(not subscription.pulled for subscription in self._subscriptions.values())

    def remind(self) -> None:
        """Say `RESYNC` (again) wherever a pull is owed; the driver calls it when none has come for a while."""
        for subscription in self._subscriptions.values():
            subscription.resync = not subscription.pulled

    def receive(self, message: bytes | str) -> None:
        """Take one message; raises `ProtocolViolation` when it is none."""
        request = decode(message)
        if request.method == "masterChangeStream$":
            self._subscribe(request.collection)
        elif request.method != "auth":
            self._requests.append((request, len(message)))
            self._held += len(message)

    def next_message(self) -> bytes | None:
        """What to send now, or None; raises `ProtocolViolation`, and `Trouble` where the client has no word for it."""
        if self._requests:
            request, size = self._requests.popleft()
            self._held -= size
            return self._answer(request)
        for name, subscription in self._subscriptions.items():
            event = self._event(name, subscription)
            if event is not None:
                self._subscriptions[name] = self._subscriptions.pop(name)  # the others first, next time
                return encode(Answer(STREAM, name, result=event))
        return None

    def _subscribe(self, name: str) -> None:
        if name not in COLLECTIONS or (name == "peers" and self._peers is None):
            return  # a collection of a newer client: it gets no events and an error for its pulls
        known = self._subscriptions.get(name)
        if known is not None:
            known.pulled = False  # it goes on from where it was: nothing in between is skipped
            self._channel = token_hex(
                8
            )  # the replication began again, and may not have heard its last answer
            return
        told = self._peers.now() if name == "peers" and self._peers else self._master.now()
        epoch = "" if name == "peers" else self._master.epoch(self._reader)
        self._subscriptions[name] = _Subscription(told, epoch)

    def _event(self, name: str, subscription: _Subscription) -> Pulled | str | None:
        if subscription.resync:
            subscription.resync = False
            return RESYNC
        if name == "peers":
            return self._peers_event(subscription) if subscription.pulled else None
        now, epoch = self._master.now(), self._master.epoch(self._reader)
        if epoch != subscription.epoch:
            subscription.epoch = epoch
            return subscription.start_over(now)
        if now == subscription.told or not subscription.pulled:
            return None
        if not self._master.may_have_changed(name, subscription.told):
            subscription.told = now
            return None
        event = self._master.event(self._reader, COLLECTIONS[name], subscription.told, limits.MAX_EVENT)
        if event is None:
            return subscription.start_over(now)
        subscription.told = now
        return event if event.documents else None

    def _peers_event(self, subscription: _Subscription) -> Pulled | None:
        assert self._peers is not None
        if self._peers.now() == subscription.told:
            return None
        event = self._peers.pull(self._peers.checkpoint(subscription.told), limits.MAX_EVENT)
        subscription.told = event.checkpoint["seq"] if event.checkpoint else self._peers.now()
        return event

    def _answer(self, request: Request) -> bytes:
        try:
            return encode(self._perform(request))
        except Trouble as trouble:
            if not self._has_errors:
                raise
            fault = Fault(trouble.code, str(trouble))
            return encode(Answer(request.id, request.collection, error=fault))

    def _perform(self, request: Request) -> Answer:
        try:
            match request.method:
                case "masterChangesSince":
                    result = self._pull(request)
                    return Answer(request.id, request.collection, result=result)
                case "masterWrite":
                    return self._push(request)
                case "join" if self._joining is not None:
                    fault = self._joining(request.params)
                    if fault is not None:
                        raise Trouble(fault.code, fault.message)
                    return Answer(request.id, request.collection, result=True)
        except UNREADABLE as error:
            raise ProtocolViolation(f"{request.method}: {error}") from error
        except LocalError as error:
            _log.error("%s of an RxDB client failed: %s", request.method, error)
            raise Trouble(error.code, str(error)) from error
        except ProtocolViolation:
            raise
        except WhatNextError as error:
            raise Trouble(error.code, str(error)) from error
        raise Trouble("unknown_method", f"there is no method “{request.method[:40]}”")

    def _collection(self, request: Request) -> Collection:
        found = COLLECTIONS.get(request.collection)
        if found is None or (found.name == "peers" and self._peers is None):
            raise Trouble("unknown_collection", f"there is no collection “{request.collection[:40]}” here")
        return found

    def _pull(self, request: Request) -> Pulled:
        collection = self._collection(request)
        if len(request.params) != 2:
            raise ProtocolViolation("masterChangesSince takes a checkpoint and a number")
        checkpoint = msgspec.json.decode(request.params[0], type=Checkpoint | None)
        limit = msgspec.json.decode(request.params[1], type=int)
        if not 1 <= limit <= limits.MAX_BATCH:
            # Fewer than asked for would tell the client that it has everything.
            raise Trouble(
                "too_many", f"a batch of {limit} documents: 1 to {limits.MAX_BATCH} can be asked for"
            )
        if collection.name == "peers":
            assert self._peers is not None
            self._peers.look()
            pulled = self._peers.pull(checkpoint, limit)
        else:
            pulled = self._master.pull(self._reader, collection, checkpoint, limit)
        if collection.name in self._subscriptions:
            self._subscriptions[collection.name].pulled = len(pulled.documents) < limit
        return pulled

    def _push(self, request: Request) -> Answer:
        collection = self._collection(request)
        if len(request.params) != 1:
            raise ProtocolViolation("masterWrite takes a list of rows")
        rows = msgspec.json.decode(request.params[0], type=list[Row])
        if len(rows) > limits.MAX_ROWS:
            raise Trouble(
                "too_many", f"{len(rows)} documents in one push: at most {limits.MAX_ROWS} are taken"
            )
        if collection.name == "peers":
            return self._refuse_peers(request, rows)
        pusher = Pusher(f"{self._reader.name}|{request.client}", self._channel)
        try:
            pushed = self._master.push(self._reader, pusher, collection, rows)
        except LocalError:
            self._channel = token_hex(8)  # a part may have been kept, and the client will repeat it all
            raise
        error: Fault | msgspec.UnsetType = msgspec.UNSET
        if pushed.refused and self._has_errors:
            error = Fault("refused", _summary(pushed.refused), pushed.refused)
        return Answer(request.id, collection.name, result=pushed.conflicts, error=error)

    def _refuse_peers(self, request: Request, rows: list[Row]) -> Answer:
        assert self._peers is not None
        known = [(row, self._peers.get(str(row.new.get("id")))) for row in rows]
        conflicts = [current or {**row.new, "_deleted": True} for row, current in known]
        return Answer(request.id, "peers", result=conflicts)


def _summary(refused: dict[str, str]) -> str:
    first = next(iter(refused.values()))
    return first if len(refused) == 1 else f"{len(refused)} documents were refused, the first one: {first}"
