"""The configuration file: what is wrong in it is named, and the defaults make sense."""

import pytest

from whatnext.errors import LocalError, UserError
from whatnext.identity import Identity
from whatnext.relay.config import RelayConfig, default_listen, read_config
from whatnext.relay.relay import net_config

PEER = Identity.generate().peer_id


def write(tmp_path, text):
    file = tmp_path / "relay.toml"
    file.write_text(text)
    return file


def test_a_file_may_say_everything(tmp_path):
    config = read_config(
        write(
            tmp_path,
            f"""
            listen = ["/ip4/0.0.0.0/tcp/1"]
            announce = ["/dns4/relay.example.net/tcp/1"]
            ops_port = 0
            drain_s = 3.5
            [access]
            mode = "token"
            tokens = ["a long enough token"]
            allow = ["{PEER}"]
            block = ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"]
            [limits]
            circuits = 9
            """,
        )
    )
    assert (config.limits.circuits, config.limits.reservations) == (9, 512)
    assert config.access.mode == "token"


def test_an_empty_file_is_the_defaults(tmp_path):
    assert read_config(write(tmp_path, "")) == RelayConfig()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("listen = 3", "listen"),
        ("speed = 3", "speed"),
        ("[limits]\ncircuit = 3", "circuit"),
        ("[limits]\ncircuits = 0", "limits.circuits"),
        ("[limits]\ncircuits = -1", "limits.circuits"),
        ("[access]\nmode = 'closed'", "access.mode"),
        ("[access]\nmode = 'token'", "nobody could get in"),
        ("[access]\nmode = 'allow'", "nobody could get in"),
        ("[access]\ntokens = ['short']", "16 characters"),
        ("ops_port = 99999", "ops_port"),
        ("drain_s = -1", "drain_s"),
        ("announce = ['/ip4/192.0.2.1/tcp/1/p2p/12D3KooW']", "without its /p2p/"),
        ("no toml", "relay.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, error):
    with pytest.raises(UserError, match=error):
        read_config(write(tmp_path, text))


def test_a_missing_file_is_this_machines_fault(tmp_path):
    with pytest.raises(LocalError, match="cannot be read"):
        read_config(tmp_path / "none.toml")


def test_by_default_it_listens_on_two_ports_for_each_kind_of_address():
    listening = default_listen()
    assert {"/ip4/0.0.0.0/tcp/4001", "/ip4/0.0.0.0/tcp/4002/ws"} <= set(listening)


def test_a_peer_may_have_all_its_circuits_at_once_and_a_proxy_all_connections():
    config = RelayConfig()
    net = net_config(config)
    assert net.max_streams_per_connection > 2 * config.limits.circuits_per_peer
    assert net.per_near_ip.connections == net.max_connections == config.limits.max_connections
