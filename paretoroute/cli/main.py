"""The commands of the package as one application: import, fit, solve, plan, replay, monitor, certify and the others.

Exit codes: 0 done; 2 bad input or usage, nothing written; 3 the target is infeasible, and the policy of the nearest
feasible target was written and is marked infeasible; or the target is not certified, or a certificate does not hold; or
``monitor --fail-on-drift`` detected a change; 130 ``compare`` was stopped by Ctrl-C.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from paretoroute.cli.arguments.numbers import check_numbers
from paretoroute.cli.arguments.options import BAD_INPUT
from paretoroute.cli.arguments.plain_call import plain_call
from paretoroute.cli.console import help_width, print_error, print_text
from paretoroute.errors import ParetorouteError

COMMANDS = {  # the module and the function of each, in the order of the help
    "import": ("import_log", "import_log"),
    "fit": ("fit", "fit"),
    "solve": ("fit", "solve"),
    "plan": ("plan", "plan"),
    "serve": ("production.serve", "serve"),
    "replay": ("replay", "replay"),
    "monitor": ("monitor", "monitor"),
    "certify": ("certify", "certify"),
    "verify": ("certify", "verify"),
    "sign": ("production.sign", "sign"),
    "verify-signature": ("production.sign", "verify_signature"),
    "show": ("show", "show"),
    "export": ("production.export", "export"),
    "demo": ("fit", "demo"),
    "schema": ("show", "schema"),
    "compare": ("compare", "compare"),
}
QUICK = ("plan",)  # commands that take less time than the command-line library takes to read their arguments
_COMPLETION = "_PARETOROUTE_COMPLETE"  # set by the shell while it asks for completions


def print_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from paretoroute.cli.version import version_text

        print_text(version_text())
        raise typer.Exit


def options(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Hold the options that stand before a command."""


def function_of(command: str) -> Any:
    """Load the function of a command."""
    module, name = COMMANDS[command]
    return getattr(importlib.import_module(f"paretoroute.cli.{module}"), name)


def application(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """Build the application with some of the commands, of which only those are loaded."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Pick model and test-time compute for each query, from logged runs, so that a target is met. "
        "Every command takes --debug, which prints the trace of an error.",
    )
    app.callback()(options)
    for command in commands:
        app.command(command)(function_of(command))
    return app


def main() -> None:
    """Run the command line; every expected error is one line on stderr, with its trace under ``--debug``."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        _run(arguments)
    except BrokenPipeError:
        sys.exit(0)
    except (ParetorouteError, OSError, MemoryError) as error:
        if debug:
            traceback.print_exc()
        print_error(str(error) or type(error).__name__)
        sys.exit(BAD_INPUT)


def _run(arguments: list[str]) -> None:
    """Run the command that the arguments begin with, and load no other."""
    first = next(iter(arguments), "")
    is_known = first in COMMANDS and _COMPLETION not in os.environ
    call = plain_call(function_of(first), arguments[1:]) if is_known and first in QUICK else None
    if call is not None and "queries" not in call:
        try:
            function_of(first)(**call)
        except typer.Exit as end:
            sys.exit(end.exit_code)
        return
    if is_known and "--help" not in arguments:
        check_numbers(function_of(first), arguments[1:])
    app = application([first] if is_known else COMMANDS)
    app(args=arguments, prog_name="paretoroute", terminal_width=help_width())


if __name__ == "__main__":
    main()
