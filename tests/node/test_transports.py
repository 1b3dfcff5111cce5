"""The sync protocol over every transport: two real nodes that have nothing else in common, and edits both ways."""

import base64
import http
import json
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from whatnext.node import ports
from whatnext.node.transports import LISTEN, with_extra
from whatnext.node.webrtc_certificate import FILE, kept_certificate

TRANSPORTS = {
    "tcp": "/ip4/127.0.0.1/tcp/0",
    "ws": "/ip4/127.0.0.1/tcp/0/ws",
    "quic-v1": "/ip4/127.0.0.1/udp/0/quic-v1",
    "webrtc-direct": "/ip4/127.0.0.1/udp/0/webrtc-direct",
}
PATIENCE_S = 30
WHATNEXT = ("-m", "whatnext")
ONLY_MPLEX = (
    "-c",
    "from whatnext.net import muxers; muxers.YAMUX = '/nobody/has/this'; from whatnext.cli import main; main()",
)


class Device:
    """One `whatnext node` in its own process, listening on one transport of this machine only."""

    def __init__(self, profile, transport, program=WHATNEXT):
        words = [*program, "--profile", str(profile), "node", "--ready-line", "--lifeline", "--no-mdns"]
        self.process = subprocess.Popen(
            [sys.executable, *words, "--listen", TRANSPORTS[transport]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = json.loads(self.process.stdout.readline())
        self.url, self.token = ready["url"], ready["token"]

    def ask(self, operation, **request):
        headers = {"authorization": f"Bearer {self.token}"}
        url, body = f"{self.url}/v1/{operation}", json.dumps(request).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
            return json.load(answer)

    def titles(self, playlist):
        try:
            return {entry["title"] for entry in self.ask("playlist.show", playlist=playlist)["entries"]}
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.NOT_FOUND:  # joining it is under way
                raise
            return set()


@pytest.fixture
def device(tmp_path):
    devices = []

    def start(name, transport, program=WHATNEXT):
        devices.append(Device(tmp_path / name, transport, program))
        return devices[-1]

    yield start
    for one in devices:
        one.process.stdin.close()
        one.process.wait(10)


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "too late"
        time.sleep(0.02)


@pytest.mark.real
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_nodes_edit_one_playlist_over_nothing_but_this_transport(device, transport):
    if transport == "webrtc-direct":
        pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    anna, ben = device("anna", transport), device("ben", transport)
    share_and_edit(anna, ben)
    used = {one["transport"] for node in (anna, ben) for one in node.ask("node.status")["connections"]}
    assert used == {transport}


@pytest.mark.real
def test_a_node_that_speaks_only_mplex_edits_the_playlist_too(device):
    share_and_edit(device("anna", "tcp"), device("ben", "tcp", ONLY_MPLEX))


@pytest.mark.real
def test_a_webrtc_address_is_good_after_a_restart(device, tmp_path):
    pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    anna, ben = device("anna", "webrtc-direct"), device("ben", "webrtc-direct")
    [address] = anna.ask("node.status")["addresses"]
    anna.process.stdin.close()
    anna.process.wait(10)
    again = device("anna", "webrtc-direct")
    assert again.ask("node.status")["addresses"] == [address]
    ben.ask("connect", target=address)
    assert stat.S_IMODE((tmp_path / "anna" / FILE).stat().st_mode) == 0o600


def test_without_webrtc_no_certificate_is_made(tmp_path):
    assert kept_certificate(tmp_path, (TRANSPORTS["tcp"], TRANSPORTS["quic-v1"])) == b""
    assert list(tmp_path.iterdir()) == []


def others_key():
    new = ec.generate_private_key(ec.SECP256R1())
    return new.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def with_another_byte(pem, at, byte):
    """The certificate with one byte of its public key altered."""
    head, begin, body = pem.rpartition(b"-----BEGIN CERTIFICATE-----\n")
    packed = bytearray(base64.b64decode(body.partition(b"-----END")[0]))
    oid = packed.index(
        bytes.fromhex("2a8648ce3d0201")
    )  # id-ecPublicKey, RFC 5480; its curve and its point follow
    packed[oid + at] = byte
    return head + begin + base64.encodebytes(bytes(packed)) + b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "damage",
    [
        lambda pem: pem[:100],
        lambda pem: b"",
        lambda pem: others_key() + pem,
        lambda pem: with_another_byte(pem, 6, 9),  # a key of an unknown kind
        lambda pem: with_another_byte(pem, 16, 9),  # of an unknown curve
        lambda pem: with_another_byte(pem, 20, 9),  # no point on it
    ],
)
def test_a_damaged_certificate_is_replaced_and_said(tmp_path, caplog, damage):
    pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    listen = (TRANSPORTS["webrtc-direct"],)
    pem = kept_certificate(tmp_path, listen)
    assert kept_certificate(tmp_path, listen) == pem
    (tmp_path / FILE).write_bytes(damage(pem))
    new = kept_certificate(tmp_path, listen)
    assert new not in (pem, b"")
    assert kept_certificate(tmp_path, listen) == new
    assert "is made anew" in caplog.text


def test_where_the_profile_cannot_be_written_webrtc_works_all_the_same(tmp_path, caplog):
    pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    assert kept_certificate(tmp_path / "missing", (TRANSPORTS["webrtc-direct"],)) != b""
    assert "changes with the next start" in caplog.text


def share_and_edit(anna, ben):
    playlist = anna.ask("playlist.create", name="Road trip")["id"]
    anna.ask("playlist.add", playlist=playlist, tracks=[{"title": f"By Anna {n}"} for n in range(200)])
    ben.ask("join", link=anna.ask("invite.create", playlist=playlist)["link"])
    wait_for(lambda: len(ben.titles(playlist)) == 200)
    ben.ask("playlist.add", playlist=playlist, tracks=[{"title": "By Ben"}])
    wait_for(lambda: "By Ben" in anna.titles(playlist))


def test_a_transport_turned_on_is_listened_on_beside_the_others():
    base = ("/ip4/0.0.0.0/tcp/0",)
    assert with_extra(base, frozenset()) == base
    assert with_extra(base, {"quic"}) == (*base, LISTEN["quic"])
    assert with_extra(base, {"webrtc", "quic"}) == (*base, LISTEN["quic"], LISTEN["webrtc"])


def test_a_transport_that_is_listened_on_already_gets_no_second_address():
    own = ("/ip4/192.0.2.1/udp/4001/quic-v1",)
    assert with_extra(own, {"quic"}) == own


def test_udp_ports_of_last_time_are_taken_again_when_they_are_free(tmp_path):
    listen = (LISTEN["quic"], LISTEN["webrtc"])
    with socket.socket(type=socket.SOCK_DGRAM) as free, socket.socket(type=socket.SOCK_DGRAM) as taken:
        free.bind(("127.0.0.1", 0))
        taken.bind(("127.0.0.1", 0))
        free_port, taken_port = free.getsockname()[1], taken.getsockname()[1]
        free.close()
        ports.keep(
            tmp_path,
            [
                f"/ip4/192.0.2.1/udp/{free_port}/quic-v1/p2p/B",
                f"/ip4/192.0.2.1/udp/{taken_port}/webrtc-direct/certhash/uEiA/p2p/B",
            ],
        )
        assert ports.settled(listen, tmp_path) == (
            f"/ip4/0.0.0.0/udp/{free_port}/quic-v1",
            LISTEN["webrtc"],
        )
