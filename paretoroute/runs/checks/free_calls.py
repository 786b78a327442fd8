"""Runs without a cost at models that are billed: a question to the user, since a free answer draws a policy there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from paretoroute.runs.findings import Finding

_NAMED = 5


def free_call_findings(columns: Mapping[str, NDArray], models: Sequence[str]) -> list[Finding]:
    """Ask about costs of 0 beside completion tokens where other runs of the model cost something.

    Args:
        columns: of the log, ``(rows,)`` each.
        models: the model of every point, ``(points,)``.
    """
    cost, tokens = columns["cost_usd"], columns["completion_tokens"]
    free, billed = (cost == 0) & (np.nan_to_num(tokens) > 0), np.nan_to_num(cost) > 0
    if not free.any() or not billed.any():
        return []
    names, code = np.unique(np.array(models), return_inverse=True)
    model = code[columns["point"]]
    asked = (np.bincount(model, free, len(names)) > 0) & (np.bincount(model, billed, len(names)) > 0)
    if not asked.any():
        return []
    count, runs = int((free & asked[model]).sum()), int(asked[model].sum())
    named = ", ".join(names[asked][:_NAMED]) + (f" and {asked.sum() - _NAMED} more" if asked.sum() > _NAMED else "")
    text = (
        f"cost_usd is 0 in {count:,} of {runs:,} runs of {named} that have completion tokens, and others of the same "
        "model cost something: they count as free. Leave answers from a cache out, and cost_usd empty where it is "
        "unknown"
    )
    return [Finding("note", text)]
