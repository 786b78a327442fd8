"""Joint beats halves: python experiments/joint/run.py RUNS... [--seeds 5]; join two logs to one with a +.

The surface over (model, budget) against routing over models alone, each model at its lowest, middle or highest budget,
and against routing over the budgets of one model alone. All are fitted by the same call on the same queries, and judged
on the others at equal spending: a rival's curve is interpolated from a fine list of targets.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from asking import Asked  # noqa: E402
from logs import filled, read_log, split  # noqa: E402

import paretoroute as pr  # noqa: E402

TARGETS = 8
FINE = 20
RESAMPLES = 4000
LEVELS = ("lowest", "middle", "highest")


@dataclass(frozen=True)
class Curve:
    """Choices of one router at rising mean cost, on held-out queries: ``(choices, queries)`` each."""

    cost_usd: np.ndarray
    quality: np.ndarray

    def at(self, spent: float) -> tuple[np.ndarray, np.ndarray, float] | None:
        """Mix two neighbouring choices to spend ``spent``: quality and cost per query, and the curve's slope there.

        Above its richest choice that one counts, which costs less; None below its cheapest.
        """
        means = self.cost_usd.mean(1)
        if spent < means[0]:
            return None
        step = int(np.clip(np.searchsorted(means, spent, side="right") - 1, 0, max(len(means) - 2, 0)))
        above = min(step + 1, len(means) - 1)
        run = means[above] - means[step]
        share = float(np.clip((spent - means[step]) / run, 0, 1)) if run > 0 else 0.0
        slope = (self.quality[above].mean() - self.quality[step].mean()) / run if run > 0 and spent < means[-1] else 0.0
        mixed = [(1 - share) * table[step] + share * table[above] for table in (self.quality, self.cost_usd)]
        return mixed[0], mixed[1], float(slope)


def levels(points, cost):
    """Give the columns of each fixed level: every model at its lowest, middle and highest budget by logged cost."""
    members = {}
    for j in np.argsort(cost, kind="stable"):
        members.setdefault(points[j].model, []).append(int(j))
    picks = {"lowest": 0, "middle": None, "highest": -1}
    return {
        level: sorted(own[len(own) // 2 if at is None else at] for own in members.values())
        for level, at in picks.items()
    }, members


def curve_of(train, test, columns, quality, cost, ends):
    """Fit on some points of the training runs and give the curve on the held-out queries."""
    points = [train.points[j] for j in columns]
    if len(points) == 1:  # nothing to choose between: one point for all
        return Curve(cost[:, columns].T, quality[:, columns].T)
    asked = Asked(pr.fit(train, grid=pr.Grid(tuple(points), {}), seed=0), test)
    place = [train.points.index(point) for point in asked.grid.points]
    choices = [asked.choose(pr.MaxCost(usd=float(target))) for target in np.geomspace(*ends, FINE)]
    rows = [(choice.of(cost[:, place]), choice.of(quality[:, place])) for choice in choices]
    rows.sort(key=lambda row: row[0].mean())
    return Curve(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


def one_split(runs, seed):
    """Give, per rival and target, each held-out query's difference in points; NaN where the rival costs more."""
    train, test = split(runs, seed)
    train_quality, train_cost = filled(train, "quality"), filled(train, "cost_usd")
    quality, cost = filled(test, "quality"), filled(test, "cost_usd")
    mean = train_cost.mean(0)
    ends = float(mean.min()), float(mean[train_quality.mean(0).argmax()])
    fixed, members = levels(train.points, mean)
    rivals = {f"models alone, {level} budget": columns for level, columns in fixed.items()}
    rivals |= {f"budgets alone, {model}": own for model, own in members.items()}
    full = float(mean.max())
    curves = {name: curve_of(train, test, own, quality, cost, (ends[0], full)) for name, own in rivals.items()}
    joint = Asked(pr.fit(train, seed=0), test)
    place = [train.points.index(point) for point in joint.grid.points]
    found = {name: np.full((TARGETS, len(quality)), np.nan) for name in curves}
    heights = np.zeros(TARGETS)
    for k, target in enumerate(np.geomspace(*ends, TARGETS + 2)[1:-1]):
        choice = joint.choose(pr.MaxCost(usd=float(target)))
        got, paid = choice.of(quality[:, place]), choice.of(cost[:, place])
        heights[k] = got.mean()
        for name, curve in curves.items():
            rival = curve.at(float(paid.mean()))
            if rival is not None:
                # What the noise of spending is worth at the rival's slope counts; its mean is 0 at equal spending.
                toll = rival[2] * ((paid - paid.mean()) - (rival[1] - rival[1].mean()))
                found[name][k] = 100 * (got - rival[0] - toll)
    return {"ids": test.query_ids, "found": found, "quality": heights}


def pooled(results, name, k, ids):
    """Average a rival's differences over the splits that held each query out; None unless known in every split."""
    total, count = np.zeros(len(ids)), np.zeros(len(ids))
    for result in results:
        values = result["found"][name][k]
        if np.isnan(values).any():
            return None
        rows = [ids[key] for key in result["ids"]]
        total[rows] += values
        count[rows] += 1
    return total, count


def interval(total, count, seed):
    """Give the mean over splits with the ends of its 90% interval: queries are drawn anew, with all their splits."""
    held = np.flatnonzero(count)
    draws = np.random.default_rng(seed).multinomial(len(held), np.full(len(held), 1 / len(held)), RESAMPLES)
    means = (draws @ total[held]) / (draws @ count[held])
    return total.sum() / count.sum(), *np.quantile(means, (0.05, 0.95))


def table(runs, label, seeds):
    """Print the table of one log and the sentence that sums it up."""
    results = [one_split(runs, seed) for seed in range(seeds)]
    ids = {key: i for i, key in enumerate(runs.query_ids)}
    print(f"\n**{label}**: {len(ids)} queries, {len(runs.points)} points, {seeds} splits 70/30\n")
    print("| target | quality | " + " | ".join(f"models alone, {level}" for level in LEVELS) + " | best of the three |"
          " budgets alone, best model |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    verdict = {"models alone": [], "budgets alone": []}
    for k in range(TARGETS):
        quality = np.mean([result["quality"][k] for result in results])
        cells = []
        for family, names in verdict.items():
            rivals = {}
            for name in results[0]["found"]:
                if name.startswith(family) and (sums := pooled(results, name, k, ids)):
                    rivals[name] = interval(*sums, seed=k)
            if family == "models alone":
                cells += [words(rivals.get(f"{family}, {level} budget")) for level in LEVELS]
            best = min(rivals, key=lambda name: rivals[name][0], default=None)
            cells.append(words(rivals[best]) + f" {best.split(', ', 1)[1]}" if best else "costs more")
            if best:
                names.append(rivals[best])
        print(f"| {k + 1} | {quality:.3f} | " + " | ".join(cells) + " |", flush=True)
    print()
    for family, found in verdict.items():
        ahead = sum(low > 0 for _, low, _ in found)
        behind = sum(high < 0 for _, _, high in found)
        print(
            f"Against the best of {family}, chosen with hindsight at every target: "
            f"mean {np.mean([value for value, _, _ in found]):+.2f} points; beyond noise ahead at {ahead}, behind at "
            f"{behind} of {len(found)} targets."
        )


def words(found):
    """Word a difference; bold where it is beyond noise."""
    if found is None:
        return "costs more"
    value, low, high = found
    text = f"{value:+.2f}"
    return f"{f'**{text}**' if low > 0 or high < 0 else text} [{low:+.2f}, {high:+.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="logs; join two to one with a +")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    for name in args.runs:
        label = " + ".join(Path(part).name for part in name.split("+"))
        table(read_log(*name.split("+")), label, args.seeds)


if __name__ == "__main__":
    main()
