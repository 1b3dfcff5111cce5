"""What the JavaScript client says itself must say is the same as what Python says: schemas, positions, limits, ids."""

import random
import subprocess

import msgspec
import pytest
from rxdb_nodes import CLIENT, runtime

from whatnext.identity import Identity
from whatnext.playlists import links
from whatnext.records import codec, ids, positions
from whatnext.records.invites import InviteKey, proof_holds
from whatnext.records.schema import Value
from whatnext.rxdb import limits, versions
from whatnext.rxdb.framing import Unframer, frame
from whatnext.rxdb.schemas import schemas

VECTORS = CLIENT / "test/vectors.json"
SEED = 20261122


class Drawing:
    """Draws what was written down, or writes down what it draws."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.drawn: list[int] = []

    def randrange(self, start: int, stop: int, /) -> int:
        value = self._rng.randrange(start, stop)
        self.drawn.append(value - start)
        return value


def vectors() -> bytes:
    """Positions between neighbours and runs of them with the number drawn for each, and ids with their bytes."""
    rng = random.Random(SEED)
    keys: list[str | None] = [None, "a0", "Zz", "a0V", "zz", "A1", "b00", "1", "zzz9", "a" * 60 + "V"]
    rows = []
    for _ in range(400):
        before, after = rng.choice(keys), rng.choice(keys)
        drawing = Drawing(rng)
        try:
            made = positions.between(before, after, drawing)
        except ValueError:
            rows.append({"before": before, "after": after, "drawn": None, "key": None})
            continue
        keys.append(made)
        rows.append({"before": before, "after": after, "drawn": str(drawing.drawn[0]), "key": made})
    runs = []
    for count in (1, 2, 7, 8, 60, 61, 500, 5000):
        before, after = sorted(rng.sample([key for key in keys if key is not None], 2))
        drawing = Drawing(rng)
        made = positions.run(before, after, count, drawing)
        ends = {"first": made[0], "last": made[-1]}
        runs.append(
            {"before": before, "after": after, "count": count, "drawn": str(drawing.drawn[0]), **ends}
        )
    texts = [
        {"hex": raw.hex(), "base32": ids.to_text(raw), "key": InviteKey(raw[:32].ljust(32)).secret_text}
        for raw in (bytes(20), rng.randbytes(20), rng.randbytes(40))
    ]
    return (
        msgspec.json.format(msgspec.json.encode({"positions": rows, "runs": runs, "texts": texts}), indent=1)
        + b"\n"
    )


def run(script: str, *arguments: str) -> str:
    command = [*runtime(), "--input-type=module-typescript", "-e", script, *arguments]
    return subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_schemas_are_those_of_python():
    assert (CLIENT / "src/schemas.json").read_bytes() == schemas(), (
        "run: python -m whatnext.rxdb.schemas > clients/js/src/schemas.json"
    )


def test_the_test_vectors_are_those_of_python():
    assert VECTORS.read_bytes() == vectors(), f"run: python {__file__}"


def test_versions_and_the_limit_on_a_clients_name_are_the_same():
    text = (CLIENT / "src/libp2p.ts").read_text() + (CLIENT / "src/websocket.ts").read_text()
    assert all(f"'{name}'" in text for name in (*versions.PROTOCOLS, *versions.SUBPROTOCOLS))
    assert f"MAX_CLIENT = {limits.MAX_CLIENT} " in (CLIENT / "src/replicate.ts").read_text()
    assert f"PACK_FROM = {limits.COMPRESS_FROM} " in (CLIENT / "src/framing.ts").read_text()


ADMISSION = """
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { admissionOf } from './src/admission.ts'
const key = await generateKeyPairFromSeed('Ed25519', Buffer.from(process.argv[2], 'hex'))
console.log(JSON.stringify(await admissionOf(process.argv[1], key, 1_800_000_000_000)))
"""


def test_an_admission_made_in_javascript_is_a_record_that_proves_its_invite():
    owner, joiner, invite = Identity(bytes(32)), Identity(bytes(range(32))), InviteKey(b"\7" * 32)
    playlist = bytes(range(20))
    link = links.JoinLink(playlist=playlist, secret=invite.secret_text, peers=(owner.peer_id,))
    made = msgspec.json.decode(run(ADMISSION, str(link), joiner.seed.hex()), type=dict[str, str])
    assert made["playlist"] == ids.to_text(playlist)
    signed = msgspec.json.decode(
        msgspec.json.encode([made["body"], made["signature"]]), type=codec.SignedRecord
    )
    record = codec.decode_and_verify(signed)
    (write,) = record.body.writes
    proof: Value = write.fields["proof"]
    assert (write.collection, write.id, write.fields["invite"]) == ("members", joiner.peer_id, invite.id)
    assert isinstance(proof, str)
    assert proof_holds(invite.id, playlist, joiner.public_key, proof)
    assert (record.playlist, record.seq, record.body.hlc >> 16) == (playlist, 1, 1_800_000_000_000)


FRAMES = """
import { frame, textOf, Unframer } from './src/framing.ts'
const unframer = new Unframer()
const texts = []
for (const payload of unframer.feed(Buffer.from(process.argv[1], 'hex'))) texts.push(await textOf(payload))
const framed = await Promise.all(texts.map((text) => frame(text, true)))
console.log(Buffer.concat(framed).toString('hex'))
"""


@pytest.mark.parametrize("size", [1, 127, 1023, 1024, 40_000])
def test_frames_of_python_are_read_and_written_in_javascript(size):
    message = msgspec.json.encode({"é": "x" * size})
    sent = frame(message, packs=True) + frame(b"{}", packs=True)
    back = bytes.fromhex(run(FRAMES, sent.hex()))
    assert list(Unframer().feed(back)) == [message, b"{}"]


def test_the_units_of_the_client_pass_its_own_tests():
    checked("--test", "--test-reporter=dot", "test/*.test.ts")


def test_the_client_and_its_tests_are_of_the_right_types():
    checked("node_modules/typescript/bin/tsc", "--noEmit")


def checked(*arguments: str) -> None:
    done = subprocess.run(
        [*runtime(), *arguments], cwd=CLIENT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    VECTORS.write_bytes(vectors())
