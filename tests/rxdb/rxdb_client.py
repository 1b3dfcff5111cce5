"""An RxDB client as the master sees one: it asks in JSON and believes what it is told."""

import itertools

import msgspec

from whatnext.rxdb.session import Session


class Client:
    def __init__(self, master, reader, *, has_errors=True, tag="tag", **more):
        self.master, self.reader, self.more = master, reader, more
        self.has_errors, self.tag = has_errors, tag
        self.numbers = itertools.count()
        self.reconnect()

    def reconnect(self):
        self.session = Session(self.master, self.reader, has_errors=self.has_errors, **self.more)

    def send(self, message):
        self.session.receive(msgspec.json.encode(message))

    def read(self):
        raw = self.session.next_message()
        return None if raw is None else msgspec.json.decode(raw)

    def everything(self):
        return list(iter(self.read, None))

    def ask(self, collection, method, *params):
        self.send(
            {
                "id": f"{self.tag}|{next(self.numbers)}",
                "collection": collection,
                "method": method,
                "params": list(params),
            }
        )
        return self.read()

    def pull(self, collection, checkpoint=None, batch=100):
        return self.ask(collection, "masterChangesSince", checkpoint, batch)["result"]

    def all(self, collection):
        """Documents by id, pulled batch after batch as RxDB does."""
        found, checkpoint = {}, None
        while True:
            result = self.pull(collection, checkpoint, 3)
            found |= {document["id"]: document for document in result["documents"]}
            checkpoint = result["checkpoint"]
            if len(result["documents"]) < 3:
                return found

    def push(self, collection, *rows):
        return self.ask(
            collection,
            "masterWrite",
            [
                {"newDocumentState": new}
                if assumed is None
                else {"assumedMasterState": assumed, "newDocumentState": new}
                for assumed, new in rows
            ],
        )

    def edit(self, collection, document, **fields):
        return self.push(collection, (document, {**document, **fields}))

    def subscribe(self, *collections):
        """Listen, then pull what came before, as RxDB does: nothing is told before that."""
        for name in collections:
            self.listen(name)
            self.all(name)

    def listen(self, name):
        self.send({"id": "stream", "collection": name, "method": "masterChangeStream$", "params": []})


def row(assumed, new):
    return {"newDocumentState": new} | ({} if assumed is None else {"assumedMasterState": assumed})
