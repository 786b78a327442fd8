"""Completions for the shell: policy files, and the values of options that take one of a few words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def policy_files(incomplete: str) -> list[str]:
    """Return the policy files whose paths begin with a text; where there is none, the shell completes any file."""
    folder = Path(incomplete).parent if not incomplete.endswith("/") else Path(incomplete)
    prefix = incomplete[: len(incomplete) - len(Path(incomplete).name)] if not incomplete.endswith("/") else incomplete
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    except OSError:
        return []
    return [f"{prefix}{name}" for name in names if f"{prefix}{name}".startswith(incomplete)]


def one_of(*words: str) -> Callable[[str], list[str]]:
    """Return a completion to one of a few words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete
