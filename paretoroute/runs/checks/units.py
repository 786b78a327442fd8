"""Numbers that are likely in another unit than their column: a question to the user, since a slow model is possible."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.runs.findings import Finding

SLOW_S = 100.0  # a median latency beyond it is asked about where the tokens of a second are few ...
FEWEST_TOKENS_PER_S = 2.0  # ... as in a log of milliseconds, where they are a thousandth of those of any service
SLOWEST_S = 900.0  # where no tokens were logged


def unit_findings(columns: Mapping[str, Floats]) -> list[Finding]:
    """Ask for the unit of latencies that are likely in milliseconds.

    Args:
        columns: of the log, ``(rows,)`` each.
    """
    latency, tokens = columns["latency_s"], columns["completion_tokens"]
    timed = np.nan_to_num(latency) > 0
    if not timed.any():
        return []
    median = float(np.median(latency[timed]))
    counted = timed & (np.nan_to_num(tokens) > 0)
    if 2 * counted.sum() < timed.sum():
        if median <= SLOWEST_S:
            return []
        speed = ""
    else:
        with np.errstate(over="ignore"):  # a latency of next to nothing is not in milliseconds
            per_s = float(np.median(tokens[counted] / latency[counted]))
        if median <= SLOW_S or per_s >= FEWEST_TOKENS_PER_S:
            return []
        speed = f", {per_s:.2g} completion tokens a second"
    text = f"is latency_s in seconds? Its median is {median:,.4g}{speed}: if it is in milliseconds, divide it by 1000"
    return [Finding("note", text)]
