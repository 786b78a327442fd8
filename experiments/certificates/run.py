"""Certify on many draws of a log: python experiments/certificates/run.py RUNS... [--splits 200] [--prices 40].

Per log, a policy is fitted once on 2,100 queries. A certification set is drawn with replacement from all other queries,
whose own mean is the truth: a target is violated if the certified price does not keep it there. Targets lie a margin
below the best quality on the grid of prices (and a factor above the cost of a price in its middle). Planted faults are
certified on the same sets.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log, split

import paretoroute as pr
from paretoroute.evaluation.certificate import prices
from paretoroute.evaluation.certificate.claims import claim_of
from paretoroute.evaluation.certificate.held_out import HeldOutRuns, held_out_runs
from paretoroute.evaluation.certificate.p_values import METHODS, p_value
from paretoroute.evaluation.certificate.sequence import groups_needed

FITTED, LEVEL = 2100, 0.9
DELTA = 1 - LEVEL
SIZES, MARGINS = (300, 1000, 3000), (0.03, 0.06)
CostFactor = float
COSTS: tuple[CostFactor, ...] = (1.1, 1.3)

PValue = Callable[[np.ndarray, float, np.ndarray], float]


@dataclass(frozen=True)
class Setting:
    """A target, and what every price comes to on each query outside the fit.

    Args:
        name: of the target.
        losses: in test order, ``(prices, queries)``.
        limits: of the mean loss, ``(prices,)``.
        cost_usd: true mean cost, ``(prices,)``.
        is_cost: whether the target is a cost.
    """

    name: str
    losses: np.ndarray
    limits: np.ndarray
    cost_usd: np.ndarray
    is_cost: bool = False

    @property
    def oracle_usd(self) -> float:
        """The mean cost of the best price that keeps the target: the cheapest, of a cost target the dearest."""
        kept = self.cost_usd[self.keeps]
        return float(kept.max() if self.is_cost else kept.min())

    @property
    def keeps(self) -> np.ndarray:
        """Which prices keep the target on all queries outside the fit, bool ``(prices,)``."""
        return self.losses.mean(axis=1) <= self.limits

    def needed(self, place: int, *, yes_or_no: bool) -> int:
        """Return how many queries the formula asks for at a price."""
        mean = float(self.losses[place].mean())
        spread = math.sqrt(mean * (1 - mean)) if yes_or_no else float(self.losses[place].std())
        return groups_needed(self.limits[place] - mean, spread, level=LEVEL, is_exact=yes_or_no) or 0


def settings_of(policy: pr.Policy, others: HeldOutRuns) -> list[Setting]:
    """Build the settings of one log."""
    order = prices.candidates(policy, pr.MinQuality(0.5))
    quality = np.array([others.expected(one.rule, np.nan_to_num(others.quality)).mean() for one in order])
    best = policy.grid.names[int(np.nan_to_num(others.quality).mean(0).argmax())]
    settings = [
        setting(policy, others, pr.MinQuality(float(quality.max()) - margin), f"quality, {100 * margin:.0f} points")
        for margin in MARGINS
    ]
    reference = float(np.nan_to_num(others.quality, nan=1.0)[:, policy.grid.index(best)].mean())
    ratio = (float(quality.max()) - 0.03) / reference
    settings.append(setting(policy, others, pr.MinQuality(ratio=ratio, of=best), "ratio, 3 points"))
    by_cost = prices.candidates(policy, pr.MaxCost(1.0))
    cost = [others.expected(one.rule, np.nan_to_num(others.cost_usd)).mean() for one in by_cost]
    middle = float(np.sqrt(cost[0] * cost[-1]))
    return settings + [
        setting(policy, others, pr.MaxCost(middle * factor), f"cost, middle x {factor:g}") for factor in COSTS
    ]


def setting(policy: pr.Policy, others: HeldOutRuns, target: pr.MinQuality | pr.MaxCost, name: str) -> Setting:
    """Evaluate a target at every price of the sequence."""
    order = prices.candidates(policy, target)
    claims = [claim_of(target, one.rule, policy, others) for one in order]
    assert all(claims), "every point of these logs is priced by tokens"
    losses = [others.expected(one.rule, claim.table) for one, claim in zip(order, claims, strict=True) if claim]
    cost = [others.expected(one.rule, np.nan_to_num(others.cost_usd)).mean() for one in order]
    return Setting(
        name,
        np.clip(losses, 0, 1),
        np.array([claim.limit for claim in claims if claim]),
        np.array(cost),
        isinstance(target, pr.MaxCost),
    )


def walk(setting: Setting, rows: np.ndarray, uniform: np.ndarray, test: PValue, order: Sequence[int]) -> int | None:
    """Return the last price of the sequence that passed on some queries, or None."""
    last = None
    for place in order:
        if test(setting.losses[place, rows], float(setting.limits[place]), uniform) > DELTA:
            break
        last = place
    return last


def by(method: str) -> PValue:
    """Return one of the package's tests."""
    return lambda losses, limit, uniform: float(p_value(losses, limit, method=method, draws=uniform, delta=DELTA))  # type: ignore[arg-type]  # one of METHODS


def by_normal_theory(losses: np.ndarray, limit: float, uniform: np.ndarray) -> float:
    """Planted fault: a normal approximation."""
    return NormalDist().cdf((losses.mean() - limit) / max(losses.std(ddof=1) / len(losses) ** 0.5, 1e-12))


def plug_in(losses: np.ndarray, limit: float, uniform: np.ndarray) -> float:
    """Planted fault: the mean alone."""
    return float(losses.mean() > limit)


TESTS: dict[str, PValue] = {
    **{method: by(method) for method in METHODS},
    "planted: normal theory": by_normal_theory,
    "planted: plug-in": plug_in,
}


ANY = "planted: cheapest that passes"  # of all prices, whatever fails before it


@dataclass
class Tally:
    """Results over all certification sets."""

    violated: int = 0
    without: int = 0
    cost_ratio: float = 0.0


def tallied(setting: Setting, size: int, splits: int) -> dict[str, Tally]:
    """Certify on many sets, by every test, and by the cheapest price that passes, in no order."""
    rng = np.random.default_rng([size, len(setting.name), len(setting.limits)])
    tallies = {name: Tally() for name in (*TESTS, ANY)}
    keeps = setting.keeps
    in_order = range(len(setting.limits))
    for _ in range(splits):
        rows, uniform = rng.integers(setting.losses.shape[1], size=size), rng.random(size)
        answers = {name: walk(setting, rows, uniform, test, in_order) for name, test in TESTS.items()}
        passing = [place for place in in_order if walk(setting, rows, uniform, TESTS["binomial"], [place]) is not None]
        answers[ANY] = min(passing, key=lambda place: setting.cost_usd[place], default=None)
        for name, place in answers.items():
            tally = tallies[name]
            if place is None:
                tally.without += 1
            else:
                tally.violated += not keeps[place]
                tally.cost_ratio += setting.cost_usd[place] / setting.oracle_usd
    return tallies


def main() -> None:
    """Print a table for every log."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--prices", type=int, default=prices.MOST_PRICES)
    arguments = parser.parse_args()
    prices.MOST_PRICES = arguments.prices
    for path in arguments.runs:
        print_log(path, arguments.splits)


def print_log(path: str, splits: int) -> None:
    """Fit on one log and print its settings."""
    log = read_log(path)
    rest, fitted = split(log, seed=0, share=FITTED / len(log.query_ids))
    start = time.perf_counter()
    policy = pr.fit(fitted, pr.MinQuality(0.5), seed=0)
    others = held_out_runs(policy, without_copies(policy, rest))
    title = f"{Path(path).name}: {len(others.group)} other queries, {len(policy.grid.points)} points"
    table = Table(title=f"{title} (fit and forecasts {time.perf_counter() - start:.0f} s)")
    for name in ("target", "queries", "needed", "test", "violated", "not certified", "cost / best"):
        table.add_column(name)
    for one in settings_of(policy, others):
        for size in SIZES:
            needed = [one.needed(0, yes_or_no=yes_or_no) for yes_or_no in (True, False)]
            for name, tally in tallied(one, size, splits).items():
                passed = splits - tally.without
                ratio = f"{tally.cost_ratio / passed:.2f}" if passed else ""
                formula = str(needed[name == "betting"])
                table.add_row(one.name, str(size), formula, name, str(tally.violated), str(tally.without), ratio)
    Console(width=140).print(table)


def without_copies(policy: pr.Policy, runs: pr.Runs) -> pr.Runs:
    """Leave out copies of fitted queries."""
    from paretoroute.runs.folds import is_seen

    hashes = policy.calibration_sample.seen
    assert hashes is not None, "a policy of this version keeps its queries"
    return replace(runs.select(~is_seen(runs, hashes, policy.document.fitted_on.runs_sha256)))


if __name__ == "__main__":
    main()
