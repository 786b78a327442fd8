"""Output of the command line: plain text, and a console that fits the width it is printed at."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

NARROWEST = 120  # columns when the output is no terminal: room for long names


def say(text: str) -> None:
    """Print text whose lines a terminal may wrap, but a pipe never; half a character goes out as its escape."""
    typer.echo(text.encode("utf-8", "backslashreplace").decode())


def console(*, stderr: bool = False) -> Console:
    """Make a console that never guesses at colours, numbers or markup in names."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else NARROWEST
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width, soft_wrap=False)
