"""RxDB 17.6's replication of one collection, step by step, over a channel that may be cut at any moment.

What a client does with tasks, assumed states and conflicts follows `src/replication-protocol/{down,up}stream.ts`, with
the flaws: a RESYNC behind an event is dropped, and so is what came in before the newest batch was asked for.
"""

import msgspec

from whatnext.rxdb.session import Session

BATCH = 3


class SimulatedClient:
    def __init__(self, master, reader, name):
        self.master, self.reader, self.name = master, reader, name
        self.fork, self.assumed, self.checkpoint = {}, {}, None
        self.numbers = 0
        self.session = None
        self.restart()

    def restart(self):
        """The program ends and begins again: what is stored stays, what was under way is forgotten."""
        self.session, self.outgoing, self.incoming = None, [], []
        self.timer, self.asked_at, self.tasks, self.held = 0, -1, [], []
        self.pulling = self.pushing = None
        self._add("RESYNC")

    def disconnect(self):
        self.session, self.outgoing, self.incoming = None, [], []

    def connect(self):
        """On every new channel: listen, look for what was missed, repeat what got no answer."""
        if self.session is not None:
            return
        self.session = Session(self.master, self.reader, has_errors=True)
        self._send("stream", "masterChangeStream$")
        self._event("RESYNC")
        if self.pulling is not None:
            self._pull()
        if self.pushing is not None:
            self._push(self.pushing[1])

    # What the person does

    def write(self, document):
        self.fork[document["id"]] = document

    # What the program does, one step at a time; each says whether there was anything to do

    def deliver(self):
        """One message reaches the master."""
        if self.session is None or not self.outgoing:
            return False
        self.session.receive(msgspec.json.encode(self.outgoing.pop(0)))
        return True

    def serve(self):
        """The master does what is next, and sends word of it."""
        raw = None if self.session is None else self.session.next_message()
        if raw is not None:
            self.incoming.append(raw)
        return raw is not None

    def take(self):
        """One message of the master reaches us."""
        if not self.incoming:
            return False
        message = msgspec.json.decode(self.incoming.pop(0))
        if message["id"] == "stream":
            self._event(message["result"])
        elif self.pulling == message["id"]:
            self._pulled(message["result"])
        elif self.pushing and self.pushing[0] == message["id"]:
            self._pushed(message)
        return True

    def upstream(self):
        if self.pushing is not None or self.session is None:
            return False
        rows = {k: d for k, d in self.fork.items() if self.assumed.get(k) != d}
        if not rows:
            return False
        self._push([(self.assumed.get(key), document) for key, document in rows.items()])
        return True

    def downstream(self):
        if self.pulling is not None or self.session is None or not self.tasks:
            return False
        using = []
        while self.tasks:
            time, task = self.tasks.pop(0)
            if time < self.asked_at:
                continue
            if task == "RESYNC":
                if not using:
                    using.append(task)
                break
            using.append(task)
        if using and using[0] == "RESYNC":
            self._pull()
        else:
            for task in using:
                self._persist(task["documents"], task["checkpoint"])
        return True

    def _event(self, task):
        if self.pushing is not None:
            self.held.append(task)
        else:
            self._add(task)

    def _add(self, task):
        self.tasks.append((self._tick(), task))

    def _pull(self):
        self.asked_at = self._tick()
        self.pulling = self._send(None, "masterChangesSince", self.checkpoint, BATCH)

    def _pulled(self, result):
        self.pulling = None
        if not result["documents"]:
            return
        self._persist(result["documents"], result["checkpoint"])
        if len(result["documents"]) == BATCH:
            self._pull()

    def _push(self, rows):
        sent = [
            {"newDocumentState": new} | ({} if old is None else {"assumedMasterState": old})
            for old, new in rows
        ]
        self.pushing = (self._send(None, "masterWrite", sent), rows)

    def _pushed(self, message):
        conflicts = {document["id"]: document for document in message["result"]}
        for _, new in self.pushing[1]:
            key = new["id"]
            master = conflicts.get(key)
            self.assumed[key] = new if master is None else master
            if master is not None and self.fork[key] == new:
                self.fork[key] = master
        self.pushing = None
        for task in self.held:
            self._add(task)
        self.held = []

    def _persist(self, documents, checkpoint):
        for document in documents:
            key = document["id"]
            mine, assumed = self.fork.get(key), self.assumed.get(key)
            if mine is not None and mine != assumed:  # a local write that is yet to be pushed
                if mine == document:
                    self.assumed[key] = document
                continue
            self.fork[key] = self.assumed[key] = document
        self.checkpoint = {**(self.checkpoint or {}), **checkpoint}

    def _send(self, key, method, *params):
        self.numbers += 1
        key = key or f"{self.name}|{self.numbers}"
        message = {"id": key, "collection": "entries", "method": method, "params": list(params)}
        if self.session is not None:
            self.outgoing.append(message)
        return key

    def _tick(self):
        self.timer += 1
        return self.timer
