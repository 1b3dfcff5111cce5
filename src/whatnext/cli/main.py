"""From the words of the command line to an exit status."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from whatnext.errors import UserError, WhatNextError

PROFILE_VARIABLE = "WHATNEXT_PROFILE"
INTERRUPTED = 130
USAGE = UserError.exit_status


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status (docs/cli.md). Errors are said on stderr, never as a traceback."""
    from whatnext.cli.context import Context

    as_json = False
    try:
        words, profile, as_json = split_globals(arguments)
        context = Context(profile, as_json=as_json)
        try:
            return _perform(words, context)
        finally:
            context.close()
    except WhatNextError as error:
        if as_json:
            _print_problem(error)
        return _fail(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough; keep Python from saying so at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseExceptionGroup as group:
        return _fail_group(group)


def split_globals(arguments: Sequence[str]) -> tuple[list[str], Path | None, bool]:
    """Take `--profile DIR` and `--json` out, wherever they stand before a `--`; raises `UserError`."""
    words: list[str] = []
    profile = os.environ.get(PROFILE_VARIABLE) or None
    as_json = False
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            words += [word, *rest]
        elif word == "--json":
            as_json = True
        elif word == "--profile":
            profile = next(rest, None)
            if profile is None:
                raise UserError("--profile needs a directory")
        elif word.startswith("--profile="):
            profile = word.removeprefix("--profile=")
        else:
            words.append(word)
    return words, Path(profile) if profile else None, as_json


def _perform(words: list[str], context: object) -> int:
    from cyclopts import CycloptsError

    from whatnext.cli.app import build_app

    app = build_app()
    words = words or ["open"]  # the app, as a click on its icon opens it
    try:
        command, bound, unbound = app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _say(f"{error}\nSee: whatnext --help", USAGE)
    given = dict.fromkeys(unbound, context)
    status = command(*bound.args, **bound.kwargs, **given)
    sys.stdout.flush()
    return status if isinstance(status, int) else 0


def _fail_group(group: BaseExceptionGroup[BaseException]) -> int:
    """What ended a node's tasks: our errors as sentences, anything else as the traceback it deserves."""
    ours, others = group.split(WhatNextError)
    if others is not None:
        interrupts, mistakes = others.split(KeyboardInterrupt)
        if mistakes is not None:
            raise mistakes
        if interrupts is not None and ours is None:
            return INTERRUPTED
    assert ours is not None
    return _fail(_first(ours))


def _first(group: BaseException) -> WhatNextError:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    assert isinstance(group, WhatNextError)
    return group


def _print_problem(error: WhatNextError) -> None:
    """The error for programs, as the local API gives it: code, sentence, and for a lost peer what was tried."""
    import msgspec

    from whatnext.node.api.problems import problem_of

    sys.stdout.write(msgspec.json.encode(problem_of(error)).decode() + "\n")


def _fail(error: WhatNextError) -> int:
    return _say(str(error), error.exit_status)


def _say(message: str, status: int) -> int:
    from whatnext.cli.words import harmless

    sys.stdout.flush()
    sys.stderr.write(f"whatnext: {harmless(message, keep=chr(10))}\n")
    return status
