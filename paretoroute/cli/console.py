"""Output of the command line: plain text, and a console that fits the width it is printed at."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

PIPE_WIDTH = 120  # columns where the output is not a terminal: room for long names


def print_text(text: str) -> None:
    """Print text that is never wrapped in a pipe; a lone surrogate is printed as its escape."""
    typer.echo(text.encode("utf-8", "backslashreplace").decode())


def console(*, stderr: bool = False) -> Console:
    """Return a console that never guesses at colours, numbers or markup in names."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width, soft_wrap=False)
