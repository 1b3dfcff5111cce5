"""What a process of the lab has used, read from /proc: processor time, memory, and what its host's device carried."""

import os
from pathlib import Path

import msgspec


class Counters(msgspec.Struct, frozen=True):
    """Since the start: processor seconds, packets and bytes of `eth0`, UDP packets that found a buffer full."""

    cpu_s: float
    sent: int
    received: int
    received_bytes: int
    overflowed: int


def counters(pid: int) -> Counters:
    """Of one process, and of the host it is in."""
    ticks = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
    device = Path(f"/proc/{pid}/net/dev").read_text("ascii").partition("eth0:")[2].split()
    used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    snmp = Path(f"/proc/{pid}/net/snmp").read_text("ascii")
    overflowed = [line.split()[5] for line in snmp.splitlines() if line.startswith("Udp: ")][1]
    return Counters(used, int(device[9]), int(device[1]), int(device[0]), int(overflowed))


def memory_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6
