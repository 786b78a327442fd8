"""Numbers that are likely in another unit than their column: a question to the user, since a slow model is possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.price import sum_usd
from paretoroute.runs.findings import Finding

SLOW_S = 100.0  # a median latency beyond it is asked about where the tokens of a second are few ...
FEWEST_TOKENS_PER_S = 2.0  # ... as in a log of milliseconds, where they are a thousandth of those of any service
SLOWEST_S = 900.0  # where no tokens were logged
LEAST_RUNS = 5  # of a model that is asked about alone
LONE_SHARE = 0.5  # of a model's sum: one run beyond it decides the mean ...
LONE_RUNS = 20  # ... of so many runs
_NAMED = 3


def unit_findings(columns: Mapping[str, NDArray], models: Sequence[str]) -> list[Finding]:
    """Ask for the unit of latencies that are likely in milliseconds: of the log, else of some of its models.

    Args:
        columns: of the log, ``(rows,)`` each.
        models: the model of every point, ``(points,)``.
    """
    latency, tokens = columns["latency_s"], columns["completion_tokens"]
    if what := _doubtful(latency, tokens):
        text = f"is latency_s in seconds? Its median is {what}: if it is in milliseconds, divide it by 1000"
        return [Finding("note", text)]
    if not np.nan_to_num(latency).max(initial=0) > SLOW_S:
        return []
    names, code = np.unique(np.array(models), return_inverse=True)
    model = code[columns["point"]]
    doubtful = {}
    for i, name in enumerate(names.tolist()):
        own = model == i
        if own.sum() >= LEAST_RUNS and (what := _doubtful(latency[own], tokens[own])):
            doubtful[name] = what
    if not doubtful:
        return []
    named = "; ".join(f"of {name} {what}" for name, what in list(doubtful.items())[:_NAMED])
    more = f"; and of {len(doubtful) - _NAMED} more models" if len(doubtful) > _NAMED else ""
    text = (
        f"is latency_s in seconds throughout? Its median is {named}{more}: if it is in milliseconds, divide it by 1000"
    )
    return [Finding("note", text)]


def lone_findings(columns: Mapping[str, NDArray], models: Sequence[str]) -> list[Finding]:
    """Name single runs that carry most of what all runs of their model cost or took, on which its means rest.

    Args:
        columns: of the log, ``(rows,)`` each.
        models: the model of every point, ``(points,)``.
    """
    names, code = np.unique(np.array(models), return_inverse=True)
    model = code[columns["point"]]
    texts: list[str] = []
    for column, (what, unit, shown) in _LONE.items():
        positive = np.where(columns[column] > 0, columns[column], 0.0)
        for i in np.flatnonzero(np.bincount(model, positive > 0, len(names)) >= LONE_RUNS).tolist():
            own = positive[(model == i) & (positive > 0)]
            largest, share = own.max(), own.max() / own.sum()
            if share > LONE_SHARE:
                median = f"where the median is {shown(np.median(own))}"
                texts.append(
                    f"one of {len(own)} runs of {names[i]} carries {100 * share:.3g}% of {what}: {shown(largest)}, "
                    f"{median}; is {column} {unit} there? Means rest on that run"
                )
    more = [f"single runs carry most of a sum {len(texts) - _NAMED} more times"] if len(texts) > _NAMED else []
    return [Finding("note", text) for text in (*texts[:_NAMED], *more)]


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _seconds(value: float) -> str:
    return f"{value:,.1f} s"


_LONE: dict[str, tuple[str, str, Callable[[float], str]]] = {
    "cost_usd": ("its logged cost", "in USD", sum_usd),
    "latency_s": ("its time", "in seconds", _seconds),
    "completion_tokens": ("its completion tokens", "right", _count),
}


def _doubtful(latency: Floats, tokens: Floats) -> str:
    """Return the median of latencies that are likely in milliseconds, with the speed; ``""`` of others."""
    timed = np.nan_to_num(latency) > 0
    if not timed.any():
        return ""
    median = float(np.median(latency[timed]))
    counted = timed & (np.nan_to_num(tokens) > 0)
    if 2 * counted.sum() < timed.sum():
        return f"{median:,.4g}" if median > SLOWEST_S else ""
    with np.errstate(over="ignore"):  # a latency of next to nothing is not in milliseconds
        per_s = float(np.median(tokens[counted] / latency[counted]))
    is_slow = median > SLOW_S and per_s < FEWEST_TOKENS_PER_S
    return f"{median:,.4g}, {per_s:.2g} completion tokens a second" if is_slow else ""
