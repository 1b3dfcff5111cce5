"""Letting clicks on `whtnxt://` links open WhatNext."""

from typing import Annotated

from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.cli.context import Context
from whatnext.desktop.registration import Links, Registration, links_of_this_system


def register(
    *,
    no_menu: Annotated[
        bool, Parameter(negative=(), help="Do not show WhatNext in the menu of programs.")
    ] = False,
    context: Given,
) -> None:
    """Let clicks on whtnxt:// links open WhatNext, for this user."""
    _show(_links(context).register(in_menu=not no_menu), context)


def unregister(*, context: Given) -> None:
    """Let them open it no longer: whoever opened them before does again."""
    _show(_links(context).unregister(), context)


def status(*, context: Given) -> None:
    """Tell what a click on a whtnxt:// link opens."""
    _show(_links(context).status(), context)


def _links(context: Context) -> Links:
    return links_of_this_system(context.profile)


def _show(found: Registration, context: Context) -> None:
    if context.show(found):
        return
    context.print("registered" if found.registered else "not registered")
    context.say(f"{found.detail[0].upper()}{found.detail[1:]}.")
