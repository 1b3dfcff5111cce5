r"""Links on Windows: keys under the user's own `HKEY_CURRENT_USER\Software\Classes`, which need no administrator.

"Registering an Application to a URI Scheme", Microsoft Learn. The registry is handed in, so that the rules can be
tested on any system; on Windows itself nobody has tried them.
"""

import subprocess
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from whatnext.desktop.registration import SCHEME, Registration
from whatnext.errors import LocalError

KEY = rf"Software\Classes\{SCHEME}"
COMMAND = rf"{KEY}\shell\open\command"
_KEYS = (COMMAND, rf"{KEY}\shell\open", rf"{KEY}\shell", KEY)
"""Deepest first: a key with keys in it cannot be deleted."""


class WindowsRegistry:
    """The registration of one user."""

    def __init__(self, command: Sequence[str], winreg: ModuleType | Any) -> None:
        """`command` opens the app, before the link; `winreg` is Python's module of that name."""
        # A page cannot put a quote into a link: browsers send %22. Behind the -- nothing is an option.
        self._wanted = f'{subprocess.list2cmdline([*command, "--"])} "%1"'
        self._winreg = winreg

    def register(self, *, in_menu: bool = True) -> Registration:
        """Write the keys; raises `LocalError`. The start menu is an installer's affair: `in_menu` changes nothing."""
        del in_menu
        try:
            self._set(KEY, "", "URL:WhatNext")
            self._set(KEY, "URL Protocol", "")
            self._set(COMMAND, "", self._wanted)
        except OSError as error:
            raise LocalError(f"the registry refused ({error}): links are not registered") from error
        return self.status()

    def unregister(self) -> Registration:
        """Delete the keys; raises `LocalError`. Doing it again changes nothing."""
        for key in _KEYS:
            try:
                self._winreg.DeleteKey(self._winreg.HKEY_CURRENT_USER, key)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise LocalError(f"the registry refused ({error}): links are still registered") from error
        return self.status()

    def status(self) -> Registration:
        """What the registry says."""
        try:
            with self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, COMMAND) as key:
                found, _ = self._winreg.QueryValueEx(key, "")
        except FileNotFoundError:
            found = None
        detail = "nothing opens them" if found is None else f"{found} opens them"
        return Registration(registered=found == self._wanted, detail=detail)

    def _set(self, path: str, name: str, value: str) -> None:
        with self._winreg.CreateKey(self._winreg.HKEY_CURRENT_USER, path) as key:
            self._winreg.SetValueEx(key, name, 0, self._winreg.REG_SZ, value)
