"""What deploy/ and the threat table say is true: commands parse, what they name exists, the unit runs confined."""

import json
import re
import shlex
import signal
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from whatnext.cli.app import build_app
from whatnext.net.metrics import NetMetrics, exposition
from whatnext.relay.config import OPS_PORT, TCP_PORT, WEBSOCKET_PORT, RelayConfig, read_config
from whatnext.relay.metrics import RelayMetrics

from .sandbox import STATE, sandboxed, why_not

DEPLOY = Path(__file__).parents[2] / "deploy"


def bound(words):
    """The relay's options, as the command line reads them."""
    assert words[0].endswith("/whatnext")
    assert words[1] == "relay"
    command, arguments, _ = build_app().parse_args(
        taken_out(words[1:]), exit_on_error=False, print_error=False
    )
    assert command.__name__ == "run"
    return arguments.kwargs


def taken_out(words):
    """Without --profile DIR, which main takes out."""
    at = words.index("--profile")
    assert words[at + 1] == STATE
    return [*words[:at], *words[at + 2 :]]


def unit():
    """Settings of the systemd unit; one that is repeated has all its values."""
    found = {}
    for line in (DEPLOY / "whatnext-relay.service").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_units_command_is_one_of_ours_and_its_state_is_kept():
    settings = unit()
    [command] = settings["ExecStart"]
    assert bound(shlex.split(command.replace("$RELAY_OPTIONS", "--config /etc/whatnext-relay.toml")))
    assert settings["StateDirectory"] == [STATE.rpartition("/")[2]]
    assert int(settings["TimeoutStopSec"][0]) > RelayConfig().drain_s
    assert settings["DynamicUser"] == settings["NoNewPrivileges"] == ["yes"]


@pytest.mark.skipif(
    subprocess.run(["sh", "-c", "command -v systemd-analyze"], capture_output=True, check=False).returncode,
    reason="needs systemd-analyze",
)
def test_systemd_takes_the_unit_and_calls_its_exposure_low(tmp_path):
    file = tmp_path / "whatnext-relay.service"
    text = (DEPLOY / file.name).read_text()
    file.write_text(
        text.replace("/usr/local/bin/whatnext", sys.executable)
    )  # verify wants a command that exists
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False
    )
    assert [line for line in checked.stderr.splitlines() if file.name in line] == []
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    level = re.search(r"exposure level for \S+ ([\d.]+)", rated.stdout)
    if level is None:
        pytest.skip("this systemd-analyze does not rate units offline")
    assert float(level[1]) < 2.5


def test_the_images_files_exist_and_its_command_is_one_of_ours():
    text = (DEPLOY / "Dockerfile").read_text()
    [entry] = re.findall(r"(?m)^ENTRYPOINT (.*)$", text)
    assert bound(json.loads(entry))
    for copied in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", text):
        assert all((DEPLOY.parent / name).exists() for name in copied.split()), copied
    assert f"VOLUME {STATE}" in text
    assert f"EXPOSE {TCP_PORT} {WEBSOCKET_PORT}" in text
    assert f"127.0.0.1:{OPS_PORT}/healthz" in text
    assert re.search(r"(?m)^USER (?!root)", text)


def test_the_composition_builds_that_image_and_keeps_the_key():
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["relay"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).samefile(
        DEPLOY / "Dockerfile"
    )
    words = [re.sub(r"\$\{\w+[^}]*\}", "/ip4/203.0.113.5", word) for word in service["command"]]
    options = bound(["/app/bin/whatnext", "relay", "--profile", STATE, *words])
    assert options["announce"] == ["/ip4/203.0.113.5/tcp/4001", "/ip4/203.0.113.5/tcp/4002/ws"]
    assert service["volumes"] == [f"relay-key:{STATE}"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert int(service["stop_grace_period"].removesuffix("s")) > RelayConfig().drain_s


def test_the_example_configuration_is_the_defaults_and_its_comments_are_valid_too(tmp_path):
    assert read_config(DEPLOY / "relay.toml") == RelayConfig()
    text = (DEPLOY / "relay.toml").read_text()
    file = tmp_path / "relay.toml"
    file.write_text(re.sub(r"(?m)^# (announce|tokens) =", r"\1 =", text))
    assert read_config(file).announce


async def test_every_metric_of_the_dashboard_exists(relay):
    registry = CollectorRegistry()
    counted = NetMetrics(registry)
    async with relay() as running:
        counted.watch(running.network)
        RelayMetrics(registry, running)
        there = set(re.findall(r"(?m)^(\w+?)[{ ]", exposition(registry).decode()))
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    named = {
        name for expression in expressions for name in re.findall(r"\b(?:whatnext|process)_\w+", expression)
    }
    assert len(named) > 12
    assert named - there == set()


@pytest.mark.real
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_the_units_command_runs_without_privileges_on_a_root_it_cannot_write(tmp_path):
    root, state = tmp_path / "root", tmp_path / "state"
    root.mkdir()
    [command] = unit()["ExecStart"]
    words = shlex.split(
        command.replace("$RELAY_OPTIONS", "--json --ops-port 0 --listen /ip4/127.0.0.1/tcp/0")
    )
    words = [sys.executable, "-m", "whatnext", *words[1:]]
    source = Path(__file__).parents[2] / "src"
    with subprocess.Popen(sandboxed(words, root, state, source), stdout=subprocess.PIPE, text=True) as relay:
        try:
            told = json.loads(relay.stdout.readline())
            seen = Path("/proc", str(told["pid"]))
            status = dict(re.findall(r"(?m)^(\w+):\s+(\S+)", (seen / "status").read_text()))
            assert (status["Uid"], int(status["CapEff"], 16), status["NoNewPrivs"]) == ("10001", 0, "1")
            mounts = (seen / "mounts").read_text().splitlines()
            writable = {m.split()[1] for m in mounts if m.split()[3].split(",")[0] == "rw"}
            assert {m for m in writable if not m.startswith(("/proc", "/dev"))} == {STATE, "/tmp"}
            with urllib.request.urlopen(f"{told['url']}/healthz", timeout=5) as answer:
                assert answer.read() == b"ok\n"
            key = state / "device.key"
            assert (key.stat().st_uid, stat.S_IMODE(key.stat().st_mode)) == (10001, 0o600)
            relay.send_signal(signal.SIGTERM)
            assert relay.wait(10) == 0
        finally:
            relay.kill()


def test_every_test_that_the_threat_table_names_is_there():
    page = DEPLOY.parent / "docs" / "decisions" / "adr-261122-relay-limits-and-abuse.md"
    named = re.findall(r"`((?:tests/\w+/)?test_\w+\.py)(?:::(test_\w+))?`", page.read_text("utf-8"))
    assert len(named) > 20
    for file, test in named:
        path = DEPLOY.parent / file if "/" in file else Path(__file__).with_name(file)
        assert path.exists(), file
        assert not test or f"def {test}(" in path.read_text("utf-8"), test
