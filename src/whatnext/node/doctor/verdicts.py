"""From findings to a report, without I/O."""

from whatnext.node.doctor import network_verdicts, node_verdicts, profile_verdicts, reach_verdicts
from whatnext.node.doctor.findings import Findings
from whatnext.node.doctor.verdict import Report, State, Verdict


def judge(found: Findings) -> Report:
    """One verdict for each check, in the order in which to repair."""
    relays = (
        Verdict("relays", State.NOT_CHECKED, "Only a running node knows.")
        if found.node is None
        else reach_verdicts.relays(found.node.relays)
    )
    verdicts = [
        *profile_verdicts.judge(found.profile, node_runs=found.node is not None),
        *network_verdicts.judge(found),
        *node_verdicts.judge(found.node),
        reach_verdicts.judge(found.node, [ip for each in found.interfaces for ip in each.ips]),
        relays,
    ]
    return Report(
        node_running=found.node is not None,
        problems=sum(each.verdict is State.PROBLEM for each in verdicts),
        verdicts=verdicts,
    )
