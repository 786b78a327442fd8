"""Take the bias of promises apart: python experiments/partial_logs/parts.py DATA --log LOG --logger LOGGER [...].

One line per seed and target, in points of 100. T is the truth of the folds' policies on all cells of their queries:

    forecast   cross-fitted forecasts of the called points, minus T; of it ``means``, the error of the points' means
    robust     the same with the whole doubly robust correction
    promise    with as much of the correction as is taken
    queries    T minus the truth of the policy on held-out queries: other queries, and a fit of all of them
    cost       forecast cost over true cost of the called cells, on the log's queries
    spent      held-out cost over the promised one

Then, per seed: logged over forecast cost by fifths of each point's forecasts, cheapest first; and how the error of
forecast quality, on all cells, follows what the query adds to one point and not to others (in units of it), and the log
of forecast cost likewise. Both are 0 for forecasts that cannot be mended by them.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from expected_choices import HeldOutPolicy
from loggers import LOGGERS, logged_by, with_levels
from logs import split
from measure import Truth
from run import TEST, TRAIN, at_most, full_log
from worlds import WORLDS, world

import paretoroute as pr
from paretoroute.calibration import single

FIGURES = ("forecast", "means", "robust", "promise", "queries", "cost", "spent")


class Captured:
    """Keeps the estimates that a solve makes, with the chances of the folds' policies."""

    def __init__(self) -> None:
        self.estimates: list[tuple] = []
        self.estimate = single.estimate_corrected
        single.estimate_corrected = self

    def __call__(self, rule, outcomes, chance, **others):
        """Make an estimate and keep it."""
        value = self.estimate(rule, outcomes, chance, **others)
        self.estimates.append((value, outcomes, chance))
        return value

    def of(self, quality: float) -> tuple | None:
        """Return the outcomes and chances of a promise."""
        return next((e[1:] for e in reversed(self.estimates) if abs(e[0].quality - quality) < 1e-6), None)


def parts(outcomes, chance, quality, cost, expected, chosen) -> list[float]:
    """Compute the figures of one target.

    Args:
        outcomes: of the partial log.
        chance: of each point to be called by the folds' policies, ``(queries, points)``.
        quality: true quality of the log's queries, ``(queries, points)``.
        cost: likewise.
        expected: the promise.
        chosen: held-out mean quality and cost.
    """
    forecast = outcomes.quality.forecast
    truth, planned = ((chance * table).sum(1).mean() for table in (quality, forecast))
    correction = (chance * outcomes.quality.correction).sum(1).mean()
    means = chance.mean(0) @ (forecast.mean(0) - quality.mean(0))
    errors = [planned - truth, means, planned + correction - truth, expected.quality - truth, truth - chosen[0]]
    ratio = (chance * outcomes.cost_usd.forecast).sum() / (chance * cost).sum()
    return [*(100 * float(error) for error in errors), float(ratio), chosen[1] / expected.cost_usd]


def by_fifths(outcomes) -> list[float]:
    """Compute logged over forecast cost by fifths of each point's forecasts, cheapest first; points count alike."""
    cost = outcomes.cost_usd
    is_logged, forecast = cost.weight > 0, cost.forecast
    logged = forecast + np.divide(cost.correction, cost.weight, out=np.zeros_like(forecast), where=is_logged)
    fifth = np.stack([np.digitize(f, np.quantile(f, [0.2, 0.4, 0.6, 0.8])) for f in forecast.T], axis=1)
    inside = [is_logged & (fifth == k) for k in range(5)]
    size = forecast.mean(0)
    return [float((logged / size)[cells].sum() / (forecast / size)[cells].sum()) for cells in inside]


def followed(outcomes, quality) -> list[float]:
    """Regress errors of forecast quality on what the query adds to a point alone, to quality and to the log of cost."""
    forecast, log_cost = outcomes.quality.forecast, np.log(outcomes.cost_usd.forecast)

    def within(table):
        table = table.copy()
        for k in np.unique(outcomes.fold):  # whose points' means differ
            table[outcomes.fold == k] -= table[outcomes.fold == k].mean(0)
        return table

    alone = [within(table - table.mean(1, keepdims=True)) for table in (forecast, log_cost)]
    together = [within(np.repeat(t.mean(1, keepdims=True), t.shape[1], axis=1)) for t in (forecast, log_cost)]
    design = np.stack([table.ravel() for table in (*alone, *together)], axis=1)
    return [float(c) for c in np.linalg.lstsq(design, within(quality - forecast).ravel(), rcond=None)[0][:2]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the logs")
    parser.add_argument("--log", default="reasoning_gym")
    parser.add_argument("--logger", choices=[*LOGGERS], default="uniform")
    parser.add_argument("--seeds", nargs=2, type=int, default=[402, 403], metavar=("FIRST", "END"))
    parser.add_argument("--cache", type=Path, help="folder for logs that were read")
    args = parser.parse_args()
    captured = Captured()
    print("seed target".ljust(16) + "".join(name.rjust(10) for name in FIGURES))
    for seed in range(*args.seeds):
        if args.log in WORLDS:
            drawn = world(args.log, seed)
            train, test = drawn.train, drawn.test
        else:
            train, test = split(full_log(args.log, args.data, args.cache), seed)
            train, test = at_most(train, TRAIN, seed), at_most(test, TEST, seed)
        truth = Truth.of(train, test)
        runs, _ = logged_by(train, args.logger, seed, column=False)
        policy = HeldOutPolicy(pr.fit(runs, seed=0), with_levels(test) if args.logger == "tag" else test)
        order = [truth.points.index(point.name) for point in policy.grid.points]
        place = {name: i for i, name in enumerate(train.query_ids)}
        names = sorted(runs.query_ids, key=lambda name: hashlib.sha256(name.encode()).digest())
        rows = np.array([place[name] for name in names])
        for usd in truth.targets():
            captured.estimates.clear()
            choice = policy.choose(pr.MaxCost(usd=float(usd)))
            judged = captured.of(choice.document.expected.quality)
            if judged is None:
                continue
            some = rows[: len(judged[1])]
            tables = truth.train_quality[some][:, order], truth.train_cost[some][:, order]
            chosen = [float(choice.mean_of(t[:, order]).mean()) for t in (truth.quality, truth.cost)]
            figures = parts(*judged, *tables, choice.document.expected, chosen)
            print(f"{seed} {usd:.3g}".ljust(16) + "".join(f"{f:+10.2f}" for f in figures))
        outcomes = policy.policy.outcomes.corrected
        fifths = ", ".join(f"{f:.2f}" for f in by_fifths(outcomes))
        of_quality, of_cost = followed(outcomes, truth.train_quality[rows[: len(outcomes.fold)]][:, order])
        print(f"{seed} cost by fifths {fifths}; quality follows {of_quality:+.2f}, log cost {of_cost:+.3f}")


if __name__ == "__main__":
    main()
