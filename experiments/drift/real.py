"""Monitor policies of real logs on held-out queries: python experiments/drift/real.py RUNS... [--streams 5].

A policy is fitted on half of the queries of a log. The other half, at the points that it chooses, is drawn with
replacement: 20 stable months of 3,000 calls, and streams in which the most called model drops by five points after
one month. The drawn half differs from the log by the luck of the split, which no monitor should report.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log, split

import paretoroute as pr
from paretoroute.evaluation.drift.calls import Calls
from paretoroute.evaluation.drift.monitor import HORIZON_CALLS
from paretoroute.evaluation.drift.observations import Observation

CHANGE = 3_000
AFTER_CALLS = 2_500  # of the model that drops
DROP = 0.05


def main() -> None:
    """Print a row per log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--streams", type=int, default=5)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    print("| log | stable streams with an alarm | what alarmed | drop: found within 400 | delays | sd |")
    print("|---|---|---|---|---|---|")
    for path in options.runs:
        print(measured(path, options.streams, options.seed), flush=True)


def measured(path: str, streams: int, seed: int) -> str:
    """Fit, and monitor stable and dropping streams."""
    train, test = split(read_log(path), seed, share=0.5)
    policy = pr.fit(train)
    pool = chosen_calls(policy, test)
    model_of = {point.name: point.model for point in policy.grid.points}
    model = Counter(model_of[call.point] for call in pool).most_common(1)[0][0]
    is_model = [model_of[call.point] == model for call in pool]
    chance, alarms, found, delays = np.random.default_rng(seed), 0, Counter(), []
    for _ in range(streams):
        monitor = pr.Monitor(policy)
        for i, place in enumerate(chance.integers(len(pool), size=HORIZON_CALLS).tolist()):
            monitor.see(replace(pool[place], query_id=str(i)))
        shifted = [f"{stream.figure} {stream.model}" for stream in monitor.report().streams if stream.shifted]
        alarms += bool(shifted)
        found.update(shifted)
    own = [quality_of(call) for call, keep in zip(pool, is_model, strict=True) if keep]
    for _ in range(4 * streams):
        delays.append(delay(pr.Monitor(policy), pool, is_model, model, DROP / float(np.mean(own)), chance))
    within = np.mean([value <= 400 for value in delays])
    spread = np.std([quality_of(call) - forecast_of(call) for call, keep in zip(pool, is_model, strict=True) if keep])
    listed = ", ".join(f"{value:.0f}" for value in sorted(delays))
    return (
        f"| {Path(path).name} | {alarms} of {streams} | {dict(found) or 'none'} | {within:.0%} | {listed} | "
        f"{spread:.2f} |"
    )


def chosen_calls(policy: pr.Policy, test: pr.Runs) -> list[Observation]:
    """Return the held-out calls at the points that the policy chooses."""
    observer = pr.Monitor(policy).observer
    return [call for call in observer.observe(Calls.of_runs(test)) if call.chosen and call.figures]


def delay(
    monitor: pr.Monitor,
    pool: list[Observation],
    is_model: list[bool],
    model: str,
    lost: float,
    chance: np.random.Generator,
) -> float:
    """Return the calls of a model from its drop to the alarm; infinite where there is none."""
    after, i = 0, 0
    while after < AFTER_CALLS:
        place = int(chance.integers(len(pool)))
        call = pool[place]
        if i >= CHANGE and is_model[place]:
            after += 1
            call = replace(call, figures=tuple(worse(item, chance.random() < lost) for item in call.figures))
        monitor.see(replace(call, query_id=str(i)))
        i += 1
        if (detector := monitor.record.streams.detectors.get(("quality", model))) and detector.alarm:
            return float(after)
    return np.inf


def worse(item, is_lost: bool):
    """Return a figure of a call whose answer fails in addition."""
    return replace(item, outcome=0.0) if item.figure == "quality" and is_lost else item


def quality_of(call: Observation) -> float:
    """Return the quality of a call."""
    return next(item.outcome for item in call.figures if item.figure == "quality")


def forecast_of(call: Observation) -> float:
    """Return the forecast quality of a call."""
    return next(item.forecast for item in call.figures if item.figure == "quality")


if __name__ == "__main__":
    main()
