"""Output of the command line: fitted to a terminal, plain in a pipe, and errors on stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import Console

WIDEST_HELP = 120
NARROWEST = 40  # columns; a narrower terminal breaks the lines itself
SECONDS_BETWEEN_LINES = 30


class Block(Protocol):
    """A block of output that rich can print in a terminal, and that has a plain form for a pipe."""

    def plain(self) -> str:
        """Return its lines for a pipe, joined by line breaks."""
        ...


def show(*blocks: Block) -> None:
    """Print blocks with a blank line between them: styled and wrapped in a terminal, one line per fact in a pipe."""
    terminal = console() if sys.stdout.isatty() else None
    for i, block in enumerate(blocks):
        if i:
            print_text("")
        if terminal is None:
            print_text(block.plain())
        else:
            terminal.print(block)


def print_text(text: str) -> None:
    """Print text that is never wrapped; characters that the output lacks are printed as escapes."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    typer.echo(text.encode(encoding, "backslashreplace").decode(encoding))


def print_error(message: str) -> None:
    """Print an error on stderr: one line, wrapped with an indent in a terminal."""
    text = f"paretoroute: {message}"
    if sys.stderr.isatty():
        from paretoroute.report.layout import wrapped

        written = text.encode(sys.stderr.encoding, "backslashreplace").decode(
            sys.stderr.encoding
        )  # as stderr writes it
        first, *rest = wrapped(written, console(stderr=True).width - 2)
        text = "\n  ".join((first, *rest))
    print(text, file=sys.stderr)


@contextmanager
def progress(first: str) -> Iterator[Callable[[str], None]]:
    """Show the present step on stderr: beside a spinner in a terminal, else as a line every 30 seconds at most.

    Args:
        first: the first step. The function that is returned takes the next ones.
    """
    if sys.stderr.isatty():
        with console(stderr=True).status(first) as status:
            yield status.update
        return
    last = monotonic()

    def line(step: str) -> None:
        nonlocal last
        if monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = monotonic()
            print(f"paretoroute: {step}", file=sys.stderr, flush=True)

    yield line


def help_width() -> int:
    """Return the width of help texts, which follow the terminal from 40 to 120 columns."""
    return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST_HELP) - 2


def console(*, stderr: bool = False) -> Console:
    """Return a console as wide as its terminal, which never guesses at colours, numbers or markup in names.

    ``COLUMNS`` overrides the width of the terminal, and ``NO_COLOR`` switches all styles off.
    """
    from rich.console import Console  # loaded only where there is a terminal

    stream: TextIO = sys.stderr if stderr else sys.stdout
    plain = bool(os.environ.get("NO_COLOR"))
    made = Console(
        file=stream,
        color_system=None if plain or not stream.isatty() else "auto",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )
    made.width = max(made.width, NARROWEST)
    return made
