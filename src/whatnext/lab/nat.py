"""Home routers: source NAT by nftables, in the four kinds of RFC 3489 §5 that people still name.

Linux's own masquerade keeps the port where it can and lets in only answers: a port-restricted cone. The two kinder
ones remember in a map which host a port belongs to, and send in what would be refused; `random` picks a new port for
each connection, so nobody can guess it (often called symmetric).
"""

import enum


class NatKind(enum.StrEnum):
    """What a router does with packets from outside."""

    FULL_CONE = "full-cone"
    """Anybody may send to a port that was used once."""
    RESTRICTED = "restricted"
    """Anybody at an address that was sent to, from any port."""
    PORT_RESTRICTED = "port-restricted"
    """Only the very address and port that was sent to."""
    RANDOM = "random"
    """As port-restricted, and each destination sees another port."""


_OWNERS = "map owners { type inet_proto . inet_service : ipv4_addr; flags dynamic; timeout 5m; size 4096; }"
_PEERS = "set peers { type ipv4_addr . inet_proto . inet_service; flags dynamic; timeout 5m; size 4096; }"
_NOTE_OWNER = "meta l4proto { tcp, udp } update @owners { meta l4proto . th sport : ip saddr }"
_NOTE_PEER = "update @peers { ip daddr . meta l4proto . th sport }"
_LET_IN = "dnat to meta l4proto . th dport map @owners"
_CONES = {
    NatKind.FULL_CONE: (_OWNERS, _NOTE_OWNER, _LET_IN),
    NatKind.RESTRICTED: (
        f"{_OWNERS}\n  {_PEERS}",
        f"{_NOTE_OWNER} {_NOTE_PEER}",
        f"ip saddr . meta l4proto . th dport @peers {_LET_IN}",
    ),
}


def rules(kind: NatKind, inside: str, outside: str) -> str:
    """Script for `nft -f -` on a router with these two devices."""
    random = " random,fully-random" if kind is NatKind.RANDOM else ""
    cone = _CONES.get(kind, ("", "", ""))
    return f"""
table ip whatnext {{
  {cone[0]}
  chain out {{
    type filter hook forward priority 0; policy drop;
    iifname "{inside}" oifname "{outside}" {cone[1]} accept
    iifname "{inside}" oifname "{outside}" accept
    ct state established,related accept
    ct status dnat accept
  }}
  chain own {{
    type filter hook input priority 0; policy accept;
    iifname "{outside}" ct state new drop
  }}
  chain destination {{
    type nat hook prerouting priority dstnat;
    iifname "{outside}" {cone[2] or "return"}
  }}
  chain source {{
    type nat hook postrouting priority srcnat;
    oifname "{outside}" masquerade{random}
  }}
}}
"""
