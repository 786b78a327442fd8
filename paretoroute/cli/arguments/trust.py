"""The option by which commands require a signature on a policy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from paretoroute.policy.signatures.environment import VARIABLE, key_paths_in

TrustedKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--trusted-key",
        metavar="FILE",
        help="Public key; refuse a policy that none of these keys signed. May be repeated; without it the files in "
        f"{VARIABLE}, if set.",
    ),
]


def read_trusted_keys(files: Sequence[Path] | None) -> list[Path] | None:
    """Return the files of trusted keys, of the option or else of the environment; None: no signature is required.

    Raises:
        KeyFileError: a path in the variable is empty, or a variable nearly has its name.
    """
    return list(files) if files else key_paths_in(os.environ)
