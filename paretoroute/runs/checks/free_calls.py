"""Runs without a cost at models that are billed: a question to the user, since a free answer draws a policy there.

Where the cost is missing in some runs of a model, the others speak for it, which is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from paretoroute.runs.findings import Finding

MOST_MISSING = 0.05  # of the runs of a model
_NAMED = 5


def free_call_findings(columns: Mapping[str, NDArray], models: Sequence[str]) -> list[Finding]:
    """Ask about costs of 0 beside completion tokens where other runs of the model cost something.

    Args:
        columns: of the log, ``(rows,)`` each.
        models: the model of every point, ``(points,)``.
    """
    cost, tokens = columns["cost_usd"], columns["completion_tokens"]
    free, billed = (cost == 0) & (np.nan_to_num(tokens) > 0), np.nan_to_num(cost) > 0
    if not billed.any():
        return []
    names, code = np.unique(np.array(models), return_inverse=True)
    model = code[columns["point"]]
    is_billed = np.bincount(model, billed, len(names)) > 0
    missing = np.bincount(model, np.isnan(cost), len(names)) / np.bincount(model, minlength=len(names))
    return [
        *_free(names, model, free, is_billed & (np.bincount(model, free, len(names)) > 0)),
        *_missing(names, model, np.isnan(cost), is_billed & (missing > MOST_MISSING)),
    ]


def _free(names: NDArray, model: NDArray, free: NDArray, asked: NDArray) -> list[Finding]:
    if not asked.any():
        return []
    text = (
        f"cost_usd is 0 in {_counted(names, model, free, asked)} that have completion tokens, and others of the same "
        "model cost something: they count as free. Leave answers from a cache out, and cost_usd empty where it is "
        "unknown"
    )
    return [Finding("note", text)]


def _missing(names: NDArray, model: NDArray, missing: NDArray, asked: NDArray) -> list[Finding]:
    if not asked.any():
        return []
    text = (
        f"cost_usd is missing in {_counted(names, model, missing, asked)}: where no price fills it, the other runs "
        "speak for the model, which may be the cheaper ones"
    )
    return [Finding("note", text)]


def _counted(names: NDArray, model: NDArray, rows: NDArray, asked: NDArray) -> str:
    """Count the rows of some models, and name these.

    Args:
        names: of the models.
        model: of each run.
        rows: of which runs.
        asked: of which models.
    """
    count, runs = int((rows & asked[model]).sum()), int(asked[model].sum())
    more = f" and {asked.sum() - _NAMED} more" if asked.sum() > _NAMED else ""
    return f"{count:,} of {runs:,} runs of {', '.join(names[asked][:_NAMED])}{more}"
