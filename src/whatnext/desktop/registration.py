"""Who opens a clicked `whtnxt://` link on this system: what can be asked and told, whatever the system."""

import importlib
import sys
from pathlib import Path
from typing import Protocol

import msgspec

SCHEME = "whtnxt"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """Whether links open this WhatNext on this profile; `files` are those that belong to the registration."""

    registered: bool
    detail: str
    files: list[str] = []


class Links(Protocol):
    """The registration of the user who asks; only ever changed on request."""

    def register(self, *, in_menu: bool = True) -> Registration:
        """Let links open this WhatNext; raises `LocalError`."""

    def unregister(self) -> Registration:
        """Let them open it no longer; raises `LocalError`."""

    def status(self) -> Registration:
        """How it is."""


def links_of_this_system(profile: Path | None) -> Links:
    """The right one; links will open the app on `profile` (None: the user's own)."""
    command = app_command(profile)
    if sys.platform == "win32":
        from whatnext.desktop.windows_registry import WindowsRegistry

        return WindowsRegistry(command, importlib.import_module("winreg"))
    if sys.platform == "darwin":
        from whatnext.desktop.macos import MacOs

        return MacOs()
    from whatnext.desktop.freedesktop import Freedesktop

    return Freedesktop(command)


def app_command(profile: Path | None) -> list[str]:
    """The words that open the app: the installed script where there is one, as it stays when Python moves."""
    script = Path(sys.executable).with_name("whatnext")
    program = [str(script)] if script.is_file() else [sys.executable, "-m", "whatnext"]
    chosen = [] if profile is None else ["--profile", str(profile.absolute())]
    return [*program, *chosen, "open", "--app"]
