"""Compare the joint surface with its halves: python experiments/joint/run.py RUNS... [--seeds 5]; + joins two logs.

The surface over (model, budget) is compared with routing over models at their lowest, middle or highest budget, and
with routing over the budgets of one model, and with menus of one budget per model that are tuned on the training
queries, a menu for every target. All are fitted by the same call on the same queries, and compared on held-out queries
at equal cost: a baseline's curve is interpolated between many targets.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from expected_choices import HeldOutPolicy
from logs import filled, read_log, split

import paretoroute as pr

TARGETS = 8
BASELINE_TARGETS = 20
RESAMPLES = 4000
LEVELS = ("lowest", "middle", "highest")
FAMILIES = ("models alone", "budgets alone")
TUNED = "models alone, tuned budgets"


@dataclass(frozen=True)
class Mixture:
    """Outcomes of a curve at one mean cost: ``(queries,)`` each, and the curve's slope there in quality per USD."""

    quality: np.ndarray
    cost_usd: np.ndarray
    slope: float


@dataclass(frozen=True)
class Curve:
    """Choices of one router at rising mean cost, on held-out queries: ``(choices, queries)`` each."""

    cost_usd: np.ndarray
    quality: np.ndarray

    def at(self, usd: float) -> Mixture | None:
        """Mix two neighbouring choices so that the mean cost is ``usd``.

        Above the most expensive choice return that choice, which costs less; below the cheapest return None.
        """
        means = self.cost_usd.mean(1)
        if usd < means[0]:
            return None
        step = int(np.clip(np.searchsorted(means, usd, side="right") - 1, 0, max(len(means) - 2, 0)))
        above = min(step + 1, len(means) - 1)
        run = means[above] - means[step]
        share = float(np.clip((usd - means[step]) / run, 0, 1)) if run > 0 else 0.0
        slope = (self.quality[above].mean() - self.quality[step].mean()) / run if run > 0 and usd < means[-1] else 0.0
        quality, cost = ((1 - share) * table[step] + share * table[above] for table in (self.quality, self.cost_usd))
        return Mixture(quality, cost, float(slope))


@dataclass(frozen=True)
class HeldOut:
    """Logged outcomes of held-out queries, ``(queries, points)`` each, and the range of target costs."""

    runs: pr.Runs
    quality: np.ndarray
    cost_usd: np.ndarray
    cheapest_usd: float
    dearest_usd: float


@dataclass(frozen=True)
class SplitResult:
    """Figures of one split.

    Args:
        ids: of the held-out queries.
        differences: per baseline, joint minus baseline in points, ``(targets, queries)``; NaN where the baseline costs
            more.
        quality: mean realised quality of the joint policy, ``(targets,)``.
    """

    ids: tuple[str, ...]
    differences: dict[str, np.ndarray]
    quality: np.ndarray


@dataclass(frozen=True)
class Difference:
    """A mean difference in points and its 90% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        text = f"{self.mean:+.2f}"
        return f"{f'**{text}**' if self.low > 0 or self.high < 0 else text} [{self.low:+.2f}, {self.high:+.2f}]"


def columns_by_model(points, cost) -> dict[str, list[int]]:
    """Return each model's columns in order of logged cost."""
    columns: dict[str, list[int]] = {}
    for j in np.argsort(cost, kind="stable"):
        columns.setdefault(points[j].model, []).append(int(j))
    return columns


def columns_by_level(by_model) -> dict[str, list[int]]:
    """Return the columns of every model's lowest, middle and highest budget."""
    return {
        "lowest": sorted(own[0] for own in by_model.values()),
        "middle": sorted(own[len(own) // 2] for own in by_model.values()),
        "highest": sorted(own[-1] for own in by_model.values()),
    }


def tuned_menu(by_model, quality, cost, usd: float) -> tuple[int, ...]:
    """Return the budget of every model that is best for a target, by the points' means on the training queries.

    A budget is worth quality - price x cost, at the price of the best mixture of all points at this mean cost, which is
    the slope of their upper hull there.
    """
    hull = [int(np.argmin(cost))]
    while (later := np.flatnonzero((cost > cost[hull[-1]]) & (quality > quality[hull[-1]]))).size:
        slopes = (quality[later] - quality[hull[-1]]) / (cost[later] - cost[hull[-1]])
        hull.append(int(later[slopes.argmax()]))
    above = int(np.searchsorted(cost[hull], usd))
    price = 0.0
    if above < len(hull):
        low, high = hull[max(above - 1, 0)], hull[max(above, 1)] if len(hull) > 1 else hull[0]
        price = (quality[high] - quality[low]) / (cost[high] - cost[low]) if low != high else 0.0
    worth = quality - price * cost
    return tuple(sorted(max(own, key=lambda j: worth[j]) for own in by_model.values()))


def curve_of(train, menu_at, held_out: HeldOut) -> Curve:
    """Fit on the menu of every target, and return the curve on the held-out queries.

    Args:
        train: the training runs.
        menu_at: returns the columns that a target in USD may choose from.
        held_out: the other queries.
    """
    policies: dict[tuple[int, ...], HeldOutPolicy] = {}
    rows: list[tuple[np.ndarray, np.ndarray]] = []
    for target in np.geomspace(held_out.cheapest_usd, held_out.dearest_usd, BASELINE_TARGETS):
        columns = tuple(menu_at(float(target)))
        if len(columns) == 1:  # no choice: one point for all queries
            rows.append((held_out.cost_usd[:, columns[0]], held_out.quality[:, columns[0]]))
            continue
        if columns not in policies:
            grid = pr.Grid(tuple(train.points[j] for j in columns), {})
            policies[columns] = HeldOutPolicy(pr.fit(train, grid=grid, seed=0), held_out.runs)
        policy = policies[columns]
        order = [train.points.index(point) for point in policy.grid.points]
        choice = policy.choose(pr.MaxCost(usd=float(target)))
        rows.append((choice.mean_of(held_out.cost_usd[:, order]), choice.mean_of(held_out.quality[:, order])))
    rows.sort(key=lambda row: row[0].mean())
    return Curve(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


def one_split(runs, seed) -> SplitResult:
    """Compare the joint policy with every baseline at every target, per held-out query."""
    train, test = split(runs, seed)
    mean = filled(train, "cost_usd").mean(0)
    held_out = HeldOut(test, filled(test, "quality"), filled(test, "cost_usd"), float(mean.min()), float(mean.max()))
    by_model = columns_by_model(train.points, mean)
    baselines = {f"models alone, {level} budget": own for level, own in columns_by_level(by_model).items()}
    baselines |= {f"budgets alone, {model}": own for model, own in by_model.items()}
    curves = {name: curve_of(train, lambda _, own=own: own, held_out) for name, own in baselines.items()}
    means = filled(train, "quality").mean(0), mean
    curves[TUNED] = curve_of(train, lambda usd: tuned_menu(by_model, *means, usd), held_out)
    joint = HeldOutPolicy(pr.fit(train, seed=0), test)
    order = [train.points.index(point) for point in joint.grid.points]
    best = float(mean[filled(train, "quality").mean(0).argmax()])
    differences = {name: np.full((TARGETS, len(held_out.quality)), np.nan) for name in curves}
    qualities = np.zeros(TARGETS)
    for k, target in enumerate(np.geomspace(held_out.cheapest_usd, best, TARGETS + 2)[1:-1]):
        choice = joint.choose(pr.MaxCost(usd=float(target)))
        quality, cost = choice.mean_of(held_out.quality[:, order]), choice.mean_of(held_out.cost_usd[:, order])
        qualities[k] = quality.mean()
        for name, curve in curves.items():
            if baseline := curve.at(float(cost.mean())):
                # The noise of the costs counts at the baseline's slope; its mean is 0 at equal cost.
                noise = (cost - cost.mean()) - (baseline.cost_usd - baseline.cost_usd.mean())
                differences[name][k] = 100 * (quality - baseline.quality - baseline.slope * noise)
    return SplitResult(test.query_ids, differences, qualities)


def difference_of(results: list[SplitResult], name: str, k: int, rows: dict[str, int]) -> Difference | None:
    """Average a baseline's differences at one target over the splits that held each query out.

    The interval resamples queries with all their splits. Return None where the baseline costs more in some split.
    """
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for result in results:
        values = result.differences[name][k]
        if np.isnan(values).any():
            return None
        own = [rows[key] for key in result.ids]
        total[own] += values
        count[own] += 1
    held = np.flatnonzero(count)
    draws = np.random.default_rng(k).multinomial(len(held), np.full(len(held), 1 / len(held)), RESAMPLES)
    means = (draws @ total[held]) / (draws @ count[held])
    low, high = np.quantile(means, (0.05, 0.95))
    return Difference(float(total.sum() / count.sum()), float(low), float(high))


def table(runs, label, seeds) -> None:
    """Print the table of one log, and its summary."""
    results = [one_split(runs, seed) for seed in range(seeds)]
    rows = {key: i for i, key in enumerate(runs.query_ids)}
    print(f"\n**{label}**: {len(rows)} queries, {len(runs.points)} points, {seeds} splits 70/30\n")
    print("| target | quality | " + " | ".join(f"models alone, {level}" for level in LEVELS) + " | best of the three |"
          " tuned budgets | budgets alone, best model |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    best_of: dict[str, list[Difference]] = {family: [] for family in (*FAMILIES, TUNED)}
    for k in range(TARGETS):
        quality = np.mean([result.quality[k] for result in results])
        cells = []
        for family in FAMILIES:
            names = [name for name in results[0].differences if name.startswith(family) and name != TUNED]
            baselines = {name: one for name in names if (one := difference_of(results, name, k, rows))}
            if family == "models alone":
                cells += [str(baselines.get(f"{family}, {level} budget", "costs more")) for level in LEVELS]
            best = min(baselines, key=lambda name: baselines[name].mean, default=None)
            cells.append(f"{baselines[best]} {best.split(', ', 1)[1]}" if best else "costs more")
            if best:
                best_of[family].append(baselines[best])
            if family == "models alone":
                tuned = difference_of(results, TUNED, k, rows)
                cells.append(str(tuned or "costs more"))
                best_of[TUNED] += [tuned] if tuned else []
        print(f"| {k + 1} | {quality:.3f} | " + " | ".join(cells) + " |", flush=True)
    print()
    for family, differences in best_of.items():
        against = family if family == TUNED else f"the best of {family}, chosen per target on the test queries"
        print(
            f"Against {against}: "
            f"mean {np.mean([one.mean for one in differences]):+.2f} points; significantly ahead at "
            f"{sum(one.low > 0 for one in differences)}, behind at {sum(one.high < 0 for one in differences)} of "
            f"{len(differences)} targets."
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="logs; join two with a +")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    for name in args.runs:
        label = " + ".join(Path(part).name for part in name.split("+"))
        table(read_log(*name.split("+")), label, args.seeds)


if __name__ == "__main__":
    main()
