"""Commands for developers and shells."""

from typing import Annotated, Literal

from cyclopts import Parameter

from whatnext.cli.arguments import Given


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell.")], *, context: Given
) -> None:
    """Print a completion script for a shell."""
    from whatnext.cli.app import build_app

    context.write(build_app().generate_completion(shell=shell).encode())


def bench(
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True, help="See whatnext bench --help.")],
    context: Given,
) -> int:
    """Measure this machine, one JSON object each."""
    from whatnext.bench.main import run

    status: int = run(list(arguments))
    return status
