"""Findings: sentences for the user about a log or a fit, each with a kind that code can select by.

Only the kind carries meaning for code; the text may be reworded at any time. A policy file lists the texts and, beside
them, the kinds (``policy.schema_types.FindingKind``, which names the same kinds).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

FindingKind: TypeAlias = Literal[
    "set_aside",  # rows that could not be used
    "column",  # columns that were ignored
    "price",  # token prices derived from logged cost
    "given_price",  # given prices that differ from the log, or apply to nothing in it
    "logged_cost",  # models whose cost is forecast from logged cost
    "grid",  # points and models left out, runs of points outside the grid
    "unlogged",  # points forecast between two logged ones
    "families",  # queries that are copies or turns of one conversation
    "signal",  # how much of a figure the query explains
    "context_free",  # the policy was reduced to the best static mixture
    "support",  # how far a log with few cells per query supports the policy
    "verdict",  # whether routing pays
    "certificate",  # why a fit that was to be certified is not
    "note",  # anything else
]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence for the user and its kind.

    Args:
        kind: what the sentence is about.
        text: the sentence.
    """

    kind: FindingKind
    text: str

    def __str__(self) -> str:
        return self.text


def texts(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the sentences alone."""
    return tuple(finding.text for finding in findings)
