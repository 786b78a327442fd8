"""Refusals: typed errors with a short message; and plain data against another reader of YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

import paretoroute as pr
from paretoroute.query import Misfit

MOST_CHARACTERS = 5000  # of a message


def refused(call: Callable[[], Any]) -> Any:
    """Call; return None for a refusal, whose message has to be short and of the package's own tree."""
    try:
        return call()
    except (pr.ParetorouteError, Misfit) as error:
        message = str(error)
        assert 0 < len(message) <= MOST_CHARACTERS, f"a message of {len(message)} characters: {message[:200]}"
        return None


def _same_scalars(ours: Any, theirs: Any, place: str = "") -> None:
    """Check plain data against what PyYAML reads: the same lists and keys, equal numbers, and texts as they stand."""
    if isinstance(ours, dict):
        assert len(ours) == len(theirs), place
        for (key, value), (_, other) in zip(ours.items(), theirs.items(), strict=True):
            _same_scalars(value, other, f"{place}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), place
        for value, other in zip(ours, theirs, strict=True):
            _same_scalars(value, other, place)
    elif isinstance(ours, int | float) and not isinstance(ours, bool):
        assert (int if isinstance(ours, int) else float)(theirs) == ours, f"{place}: {ours} and {theirs}"
    elif isinstance(ours, str) and ours:
        assert str(theirs) == ours, f"{place}: {ours!r} and {theirs!r}"


def check_yaml(text: str, data: Any) -> None:
    """Check plain data against what PyYAML reads in the text."""
    _same_scalars(data, as_texts(text))


def as_texts(text: str) -> Any:
    """Read YAML with every scalar as text; the parser in C takes tabs that the one in Python refuses."""
    try:
        return yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError:
        return yaml.load(text, yaml.CBaseLoader)
