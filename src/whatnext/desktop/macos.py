"""Links on macOS: the system only asks application bundles, so there is a text for a bundle's Info.plist.

A bundle gets the link in an Apple event (`kAEGetURL`), not on its command line: whoever makes one has to hand it to
`whatnext open --app -- LINK`. Tried by nobody.
"""

import plistlib

from whatnext.desktop.registration import SCHEME, Registration
from whatnext.errors import LocalError


class MacOs:
    """What can be said without a bundle."""

    def register(self, *, in_menu: bool = True) -> Registration:
        """Raises `LocalError` with the text for whoever makes a bundle."""
        del in_menu
        raise LocalError(
            "macOS opens links with application bundles only, and this WhatNext is none;"
            f" in a bundle's Info.plist it would say:\n{info_plist()}"
        )

    def unregister(self) -> Registration:
        """Nothing to take away."""
        return self.status()

    def status(self) -> Registration:
        """Nothing of ours is asked."""
        return Registration(registered=False, detail="macOS asks application bundles only; this is none")


def info_plist() -> str:
    """The part of an Info.plist that claims our scheme (`CFBundleURLTypes`, Apple's Information Property List)."""
    claim = {"CFBundleURLName": "WhatNext link", "CFBundleTypeRole": "Viewer", "CFBundleURLSchemes": [SCHEME]}
    return plistlib.dumps({"CFBundleURLTypes": [claim]}).decode()
