"""The command ``paretoroute``: start the command line, or name what has to be installed for it."""

from __future__ import annotations

import sys

from paretoroute.cli.version import version_text
from paretoroute.errors import MissingExtraError, fit_extra


def main() -> None:
    """Run the command line; without the extra ``fit`` print the command that installs it and exit with code 2.

    ``--version`` needs nothing but the base installation.
    """
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(version_text())
        return
    try:
        with fit_extra("the command paretoroute"):
            from paretoroute.cli.main import main as run

            run()
    except MissingExtraError as error:
        print(f"paretoroute: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
