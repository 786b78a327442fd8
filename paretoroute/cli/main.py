"""The commands of the package as one application: import, fit, solve, plan, replay, monitor, certify and the others.

Exit codes: 0 done; 2 bad input or usage, nothing written; 3 the target is infeasible, and the policy of the nearest
feasible target was written and is marked infeasible; or the target is not certified, or a certificate does not hold; or
``monitor --fail-on-drift`` detected a change; 130 ``compare`` was stopped by Ctrl-C.
"""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from paretoroute.cli.arguments.options import BAD_INPUT
from paretoroute.cli.certify import certify, verify
from paretoroute.cli.compare import compare
from paretoroute.cli.console import help_width, print_error, print_text
from paretoroute.cli.fit import demo, fit, solve
from paretoroute.cli.import_log import import_log
from paretoroute.cli.monitor import monitor
from paretoroute.cli.plan import plan
from paretoroute.cli.production.export import export
from paretoroute.cli.production.serve import serve
from paretoroute.cli.production.sign import sign, verify_signature
from paretoroute.cli.replay import replay
from paretoroute.cli.show import schema, show
from paretoroute.cli.version import version_text
from paretoroute.errors import ParetorouteError


def print_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        print_text(version_text())
        raise typer.Exit


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Pick model and test-time compute per query, from the runs you have already logged, to meet a target. "
    "Every command takes --debug, which prints the trace of an error.",
)


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Hold the options that stand before a command."""


app.command("import")(import_log)
for command in (fit, solve, plan, serve, replay, monitor, certify, verify, sign, verify_signature):
    app.command()(command)
for command in (show, export, demo, schema, compare):
    app.command()(command)


def main() -> None:
    """Run the command line; every expected error is one line on stderr, with its trace under ``--debug``."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(args=arguments, prog_name="paretoroute", terminal_width=help_width())
    except BrokenPipeError:
        sys.exit(0)
    except (ParetorouteError, OSError, MemoryError) as error:
        if debug:
            traceback.print_exc()
        print_error(str(error) or type(error).__name__)
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
