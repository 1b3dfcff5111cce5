"""Why a peer is not found."""

from whatnext.cli.arguments import Given
from whatnext.cli.backend import running_node
from whatnext.config import profile_directory
from whatnext.playlists.requests import Nothing

PROBLEMS_FOUND = 1


def doctor(*, context: Given) -> int:
    """Say why a peer is not found: look at profile, network and node."""
    from whatnext.node.doctor.examination import examine
    from whatnext.node.doctor.findings import NodeSeen

    # Not `context.backend`: opening the profile itself would make a key, and fail on what is to be found out.
    directory = profile_directory(context.profile)
    node = running_node(directory)
    try:
        told = None if node is None else node.ask("doctor", Nothing(), NodeSeen)
    finally:
        if node is not None:
            node.close()
    report = examine(directory, told)
    if not context.show(report):
        for each in report.verdicts:
            context.print(f"{each.verdict:<11}  {each.check}: {each.seen}")
            if each.next is not None:
                context.print(f"{'':<11}  → {each.next}")
        context.say(f"Problems: {report.problems}. More: docs/troubleshooting.md")
    return PROBLEMS_FOUND if report.problems else 0
