"""The doctor's round: every probe once, then the verdicts. Takes about a second, most of it listening."""

from pathlib import Path

from whatnext.config import Settings
from whatnext.errors import LocalError
from whatnext.net.addresses import announced, interface_ips
from whatnext.net.config import NetConfig
from whatnext.net.mdns.interfaces import here, usable
from whatnext.node import ports
from whatnext.node.doctor import multicast_probe, network_probe, profile_probe
from whatnext.node.doctor.findings import Findings, NodeSeen
from whatnext.node.doctor.verdict import Report
from whatnext.node.doctor.verdicts import judge


def examine(directory: Path, node: NodeSeen | None) -> Report:
    """Look at this device and its profile; `node` is what the running node told, None when none runs. Blocks."""
    up = here()
    named = network_probe.interfaces(up)
    ips = [ip for each in up for ip in each.ips]
    addresses = node.addresses if node else announced(_listen(directory), interface_ips())
    return judge(
        Findings(
            profile=profile_probe.look(directory, node_answers=node is not None),
            interfaces=named,
            announced=addresses,
            multicast=multicast_probe.hear_ourselves(usable(up), named),
            tried=network_probe.dial_own(addresses, ips) if node else [],
            firewall=network_probe.firewall(),
            node=node,
        )
    )


def _listen(directory: Path) -> tuple[str, ...]:
    """What a node would listen on."""
    try:
        chosen = Settings(directory).listen
    except LocalError:
        chosen = ()
    return ports.settled(chosen or NetConfig().listen, directory)
