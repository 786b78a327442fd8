"""The environment variable that names trusted keys, in an environment that a command or a hook hands over."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from paretoroute.errors import KeyFileError, close_names, shown

PREFIX = "PARETOROUTE_"
VARIABLE = f"{PREFIX}TRUSTED_KEYS"
NEAR = 0.85  # similarity of whole names; PARETOROUTE_KEY_PASSPHRASE has 0.6
_MEANT = re.compile(rf"{PREFIX}(?:.*_)?(?:TRUST|SIGN|PUBLIC_KEY)", re.DOTALL)


def _is_near(name: str) -> bool:
    """Whether a name is that of the variable but for case or a few letters."""
    upper = name.upper()
    return upper.startswith(PREFIX) and bool(close_names(upper, (VARIABLE,), most=1, cutoff=NEAR))


def key_paths_in(environment: Mapping[str, str]) -> list[Path] | None:
    """Return the paths in ``PARETOROUTE_TRUSTED_KEYS``, separated as in ``PATH``; None if it is not set.

    A mistake must not switch verification off, which a variable that is ignored would.

    Raises:
        KeyFileError: a path is empty, or a variable nearly has this name.
    """
    for name in environment:
        if name != VARIABLE and (_MEANT.match(name) or _is_near(name)):
            raise KeyFileError(f"the environment variable {shown(name)} is unknown; write {VARIABLE}")
    text = environment.get(VARIABLE)
    if text is None:
        return None
    parts = [part.strip() for part in text.split(os.pathsep)]
    if not all(parts):
        raise KeyFileError(
            f"{VARIABLE} holds an empty path; set it to files of public keys, separated by {os.pathsep!r}, or unset it "
            "to require no signature"
        )
    return [Path(part) for part in parts]
