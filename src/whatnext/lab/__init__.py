"""Networks to experiment on, made of Linux namespaces, and the experiments that need them.

`with Lab() as lab: anna = lab.host("anna"); lab.lan("home").attach(anna); anna.run(["ip", "addr"])`
"""

from whatnext.lab.host import Host
from whatnext.lab.lab import Lab, why_not
from whatnext.lab.lan import BadLink, Lan, Link
from whatnext.lab.nat import NatKind
from whatnext.lab.pacing import Quality

__all__ = ["BadLink", "Host", "Lab", "Lan", "Link", "NatKind", "Quality", "why_not"]
