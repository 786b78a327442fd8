"""Time the steps of a decision from a text where they run: python benchmarks/planner_steps.py (half a minute).

The planner is that of benchmarks/planner.py. CPU seconds of the thread, with the caches as each step finds them; a step
counts what it calls, and the timers inside it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import planner  # first: it sets one thread for matrix products

import paretoroute as pr
from paretoroute.planner import admission, cost_cap, deciding, query_forecast
from paretoroute.surface import featurizer, neighbours, panel, surface

STEPS = (
    (featurizer, "hashed"),
    (featurizer, "weighted"),
    (featurizer, "statistics_of_each"),
    (featurizer.Featurizer, "_projected"),
    (featurizer.Featurizer, "of_texts"),
    (neighbours.Neighbours, "nearest"),
    (panel.JoinedPanels, "at"),
    (surface.OutOfDistributionCheck, "leverage"),
    (surface.Surface, "grown"),
    (query_forecast.Forecaster, "at_each"),
    (cost_cap.CostCap, "caps"),
    (admission.Admission, "admit_each"),
    (admission.Tally, "add"),
    (deciding._DecisionWriter, "write_each"),
    (pr.Planner, "plan"),
)


def steps(one: pr.Planner, texts: list[str]) -> dict[str, float]:
    """Time the steps of decisions as they run: median CPU microseconds, each with what the timers inside it take."""
    times: dict[str, list[int]] = {}

    def timed(function: Callable[..., Any], own: list[int]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            start = time.thread_time_ns()
            result = function(*arguments, **named)
            own.append(time.thread_time_ns() - start)
            return result

        return run

    for place, name in STEPS:
        label = f"{place.__name__.rsplit('.', 1)[-1]}.{name}"
        setattr(place, name, timed(getattr(place, name), times.setdefault(label, [])))
    for _ in range(planner.REPEATS):
        for text in texts:
            one.plan(text)
    return {label: statistics.median(own) / 1000 for label, own in times.items() if own}


def main() -> None:
    """Print one line per step."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "runs.parquet"
        planner.write_log(log)
        one = pr.Planner(pr.fit(pr.read_runs(log), seed=0))
    for name, microseconds in steps(one, planner.texts_of(planner.ASKED, seed=2)[0]).items():
        print(f"{name:36} {microseconds:8.1f} us")


if __name__ == "__main__":
    main()
