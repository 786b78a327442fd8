"""Monitor policies of real logs on held-out queries: python experiments/drift/real.py RUNS... [--orders 5].

A policy is fitted on half of the queries of a log. The other half, at the points that it chooses, comes once each, in
several random orders: as it was logged, and with a drop of five points in the most called model from the middle on.
(Drawing them with replacement would make other queries of them: 50 calls of a model repeated a hundred times have a
mean that differs by six points from that of the log, and a monitor rightly reports it.)
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
from paretoroute.evaluation.drift.observations import Observation

DROP = 0.05


def main() -> None:
    """Print a row per log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--orders", type=int, default=5)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    print("| log | calls | orders with an alarm | what | most called model | sd | drop: calls until found |")
    print("|---|---|---|---|---|---|---|")
    for path in options.runs:
        print(measured(path, options.orders, options.seed), flush=True)


def measured(path: str, orders: int, seed: int) -> str:
    """Fit, and monitor the held-out calls as they are, and with a drop."""
    train, test = split(read_log(path), seed, share=0.5)
    policy = pr.fit(train)
    pool = chosen_calls(policy, test)
    model_of = {point.name: point.model for point in policy.grid.points}
    model = Counter(model_of[call.point] for call in pool).most_common(1)[0][0]
    own = [call for call in pool if model_of[call.point] == model]
    chance, alarms, shifted, delays = np.random.default_rng(seed), 0, Counter[str](), []
    lost = DROP / float(np.mean([quality_of(call) for call in own]))
    for _ in range(orders):
        order = [pool[i] for i in chance.permutation(len(pool))]
        monitor = pr.Monitor(policy)
        for call in order:
            monitor.see(call)
        names = [f"{stream.figure} {stream.model}" for stream in monitor.report().streams if stream.shifted]
        alarms += bool(names)
        shifted.update(names)
        delays.append(delay(pr.Monitor(policy), order, [model_of[call.point] == model for call in order], lost, chance))
    spread = np.std([quality_of(call) - forecast_of(call) for call in own])
    found = ", ".join(f"{value:.0f}" for value in sorted(delays))
    return (
        f"| {Path(path).name} | {len(pool)} | {alarms} of {orders} | {dict(shifted) or 'nothing'} | {model}, "
        f"{len(own)} | {spread:.2f} | {found} |"
    )


def chosen_calls(policy: pr.Policy, test: pr.Runs) -> list[Observation]:
    """Return the held-out calls at the points that the policy chooses."""
    observer = pr.Monitor(policy).observer
    return [call for call in observer.observe(Calls.of_runs(test)) if call.chosen and call.figures]


def delay(
    monitor: pr.Monitor, order: list[Observation], is_model: list[bool], lost: float, chance: np.random.Generator
) -> float:
    """Return the calls of a model from its drop, in the middle, to an alarm of quality; infinite without one."""
    after = 0
    for i, (call, own) in enumerate(zip(order, is_model, strict=True)):
        if own and i >= len(order) // 2:
            after += 1
            call = replace(call, figures=tuple(worse(item, chance.random() < lost) for item in call.figures))
        monitor.see(call)
        if any(d.alarm for (figure, _), d in monitor.record.streams.detectors.items() if figure == "quality"):
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
