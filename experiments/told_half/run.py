"""Compare text with half of the outcomes: python experiments/told_half/run.py RUNS... [--seeds 5] [--encoder FOLDER].

The models are split in two at random. Routers that are told the outcomes of one half on the query choose among the
other half, and so does the default policy, which reads the text. A + joins two logs to one. With an encoder there is
one more policy, which reads its vectors beside the text.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "stacking")]
from expected_choices import HeldOutPolicy
from logs import read_log, split
from run import FOLDS, gain_over_singles, pr_line

import paretoroute as pr
from paretoroute.encoders.base import encoded
from paretoroute.runs.folds import folds, groups_of

sys.path.insert(0, str(Path(__file__).parent))
from reference import KNOWLEDGE, STRENGTHS, Forecasts, Halves, Outcomes, random_halves, references

TARGETS = 8
PRICES = 60
RESAMPLES = 1000
LEAST_RANGE = 2.0  # of costs: the best point over the cheapest mixture with 60% of its quality
MOST_DRAWS = 1000
TEXT, BOTH, STATIC = "text", "text and vectors", "static"


@dataclass(frozen=True)
class Choices:
    """Outcomes of a router's choices on held-out queries, at rising mean cost: ``(choices, queries)`` each."""

    quality: np.ndarray
    cost_usd: np.ndarray

    @classmethod
    def at_prices(cls, forecasts: Forecasts, outcomes: Outcomes) -> Choices:
        """Choose the point of the largest quality - price x cost, at 60 prices, and the cheapest point for all."""
        rows = np.arange(len(outcomes.quality))
        prices = np.geomspace(1e-4, 1e3, PRICES) / np.median(forecasts.cost_usd)
        cheapest = np.full(len(rows), forecasts.cost_usd.mean(0).argmin())
        columns = [cheapest, *((forecasts.quality - p * forecasts.cost_usd).argmax(1) for p in (0.0, *prices))]
        return cls(*(np.stack([table[rows, c] for c in columns]) for table in (outcomes.quality, outcomes.cost_usd)))

    def at(self, usd: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Read the mean quality at mean costs, with weights of the queries that sum to 1.

        Above the most expensive choice that choice counts.
        """
        cost, quality = self.cost_usd @ weights, self.quality @ weights
        order = np.argsort(cost, kind="stable")
        return np.interp(usd, cost[order], quality[order])


@dataclass(frozen=True)
class Side:
    """One split of the queries, and one half of the models to route among.

    Args:
        rows: of the held-out queries among all.
        policies: choices of the policies at every target, ``(targets, queries)`` each.
        others: those of the static mixture and of the references.
        hindsight: every router's gain with its best curve on the held-out outcomes.
        explained: what its forecasts of quality explain of the queries' means, and of the differences between points
            that are not the points' own: shares of variance.
    """

    rows: np.ndarray
    policies: dict[str, Choices]
    others: dict[str, Choices]
    hindsight: dict[str, float]
    explained: dict[str, tuple[float, float]]

    def gains(self, weights: np.ndarray) -> dict[tuple[str, str], float]:
        """Return gains over the static mixture, in points of 100, by policy and router.

        Each is the mean over the targets, at the policy's realised cost.
        """
        own = weights[self.rows]
        own = own / own.sum()
        gains = {}
        for name, policy in self.policies.items():
            usd = policy.cost_usd @ own
            static = self.others[STATIC].at(usd, own)
            gains[name, name] = 100 * float((policy.quality @ own - static).mean())
            for told in KNOWLEDGE:
                gains[name, told] = 100 * float((self.others[told].at(usd, own) - static).mean())
        return gains


def cost_range(train: Outcomes) -> tuple[float, float]:
    """Return the mean cost of the cheapest mixture with 60% of the best point's quality, and that of the best point."""
    singles = np.stack([train.cost_usd.mean(0), train.quality.mean(0)], axis=1)
    best = singles[singles[:, 1].argmax()]
    return max(float(np.interp(0.6 * best[1], *pr_line(singles))), float(singles[:, 0].min())), float(best[0])


def halves_with_a_choice(train: pr.Runs, seed: int) -> tuple[Halves, Halves]:
    """Draw halves until money buys quality in both: elsewhere nothing can be compared at equal cost."""
    rng, outcomes = np.random.default_rng(seed), Outcomes.of(train)
    for _ in range(MOST_DRAWS):
        halves = random_halves(train.points, rng)
        ranges = [cost_range(outcomes.at(half.routed)) for half in halves]
        if all(high >= LEAST_RANGE * low for low, high in ranges):
            return halves
    raise SystemExit("in no split of the models does money buy quality in both halves")


def static_mixture(train: Outcomes, test: Outcomes) -> Choices:
    """Return the outcomes of the points on the hull of the training means; mixtures lie between them."""
    quality, cost = train.quality.mean(0), train.cost_usd.mean(0)
    hull = [int(np.lexsort((-quality, cost))[0])]
    while (later := np.flatnonzero((cost > cost[hull[-1]]) & (quality > quality[hull[-1]]))).size:
        slopes = (quality[later] - quality[hull[-1]]) / (cost[later] - cost[hull[-1]])
        hull.append(int(later[slopes.argmax()]))
    return Choices(test.quality[:, hull].T, test.cost_usd[:, hull].T)


def explained(forecast: np.ndarray, quality: np.ndarray) -> tuple[float, float]:
    """Return the explained shares of variance of the queries' means and of the differences between points."""
    errors, values = quality - forecast, quality - quality.mean(0)
    errors = errors - errors.mean(0)
    mean, mean_error = values.mean(1), errors.mean(1)
    within, within_error = values - mean[:, None], errors - mean_error[:, None]
    return 1 - float((mean_error**2).sum() / (mean**2).sum()), 1 - float((within_error**2).sum() / (within**2).sum())


def one_side(runs: pr.Runs, train: pr.Runs, test: pr.Runs, halves: Halves) -> Side:
    """Fit and read every router on one half of the models."""
    inside, outside = Outcomes.of(train), Outcomes.of(test)
    known, realised = inside.at(halves.routed), outside.at(halves.routed)
    in_hindsight = gain_over_singles(realised.quality, realised.cost_usd)
    on_training = gain_over_singles(known.quality, known.cost_usd)
    others, hindsight, shares = {STATIC: static_mixture(known, realised)}, {}, {}
    hindsight["oracle"] = in_hindsight(realised.quality, realised.cost_usd)
    fold = folds(groups_of(train), FOLDS, seed=0)
    for knows in KNOWLEDGE:
        candidates = references(inside, outside, halves, fold, knows)
        scores = [on_training(own.quality, own.cost_usd) for own, _ in candidates]
        chosen = candidates[int(np.argmax(scores))][1]
        others[knows], shares[knows] = Choices.at_prices(chosen, realised), explained(chosen.quality, realised.quality)
        for strength, (_, asked) in zip(STRENGTHS, candidates, strict=True):
            hindsight[f"{knows}, {strength:g}"] = in_hindsight(asked.quality, asked.cost_usd)
    policies = {}
    targets = np.geomspace(*cost_range(known), TARGETS + 2)[1:-1]
    grid = pr.Grid(tuple(train.points[j] for j in halves.routed), {})
    for name in (TEXT,) if train.embeddings is None else (TEXT, BOTH):
        alone = name == TEXT
        policy = pr.fit(replace(train, embeddings=None) if alone else train, grid=grid, seed=0)
        held_out = HeldOutPolicy(policy, replace(test, embeddings=None) if alone else test)
        order = [train.points.index(point) for point in policy.grid.points]
        made = [held_out.choose(pr.MaxCost(usd=float(usd))) for usd in targets]
        tables = outside.at(np.array(order))
        policies[name] = Choices(
            *(np.stack([one.mean_of(table) for one in made]) for table in (tables.quality, tables.cost_usd))
        )
        back = [order.index(j) for j in halves.routed]
        forecast = held_out.forecast
        hindsight[name] = in_hindsight(forecast.quality[:, back], forecast.cost_usd[:, back])
        shares[name] = explained(forecast.quality[:, back], realised.quality)
    rows = np.searchsorted(np.array(runs.query_ids), np.array(test.query_ids))
    return Side(rows, policies, others, hindsight, shares)


def table(runs: pr.Runs, label: str, seeds: int) -> None:
    """Print the tables of one log."""
    count, sides = len(runs.query_ids), list[Side]()
    for seed in range(seeds):
        train, test = split(runs, seed)
        sides += [one_side(runs, train, test, halves) for halves in halves_with_a_choice(train, seed)]
    rng = np.random.default_rng(0)
    draws = [np.ones(count), *(rng.multinomial(count, np.full(count, 1 / count)) for _ in range(RESAMPLES))]
    sums: dict[tuple[str, str], np.ndarray] = {}
    for side in sides:
        each = [side.gains(weights.astype(float)) for weights in draws]
        for key in each[0]:
            sums[key] = sums.get(key, 0.0) + np.array([gains[key] for gains in each]) / len(sides)
    models = len({point.model for point in runs.points})
    print(f"\n**{label}**: {count} queries, {len(runs.points)} points of {models} models, {len(sides)} sides\n")
    print("| policy | router | gain over static | share | gain in hindsight | share |\n|---|---|---|---|---|---|")
    best = {name: _in_hindsight(sides, name) for name in (*sides[0].policies, *KNOWLEDGE)}
    for name in sides[0].policies:
        own = sums[name, name]
        print(f"| {name} | itself | {_with_ends(own)} | | {best[name]:.2f} | |")
        for told in KNOWLEDGE:
            share = _with_ends(100 * own / sums[name, told], "{:.0f}")
            shown = f"{best[told]:.2f} | {100 * best[name] / best[told]:.0f}%"
            print(f"| {name} | {told} | {_with_ends(sums[name, told])} | {share} | {shown} |")
    for name, values in sums.items():
        by_side = " ".join(f"{side.gains(draws[0])[name]:+.2f}" for side in sides)
        print(f"by side, {' / '.join(name)}: {by_side}; mean {values[0]:+.2f}")
    for name in sides[0].explained:
        difficulty, differences = np.mean([side.explained[name] for side in sides], axis=0)
        print(f"{name} explains {difficulty:.1%} of the queries' difficulty, {differences:.1%} of other differences")
    print(f"oracle in hindsight {_in_hindsight(sides, 'oracle'):.2f}", flush=True)


def _in_hindsight(sides: list[Side], router: str) -> float:
    """Average a router's gain in hindsight, at its best strength over all sides."""
    names = [name for name in sides[0].hindsight if name == router or name.startswith(f"{router}, ")]
    return max(float(np.mean([side.hindsight[name] for side in sides])) for name in names)


def _with_ends(values: np.ndarray, form: str = "{:+.2f}") -> str:
    """Format a figure and its 90% interval over the resamples, which follow it."""
    return "{} [{}, {}]".format(*(form.format(v) for v in (values[0], *np.quantile(values[1:], (0.05, 0.95)))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="logs; join two with a +")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--queries", type=int, help="keep at most so many of each log, at random")
    parser.add_argument("--encoder", help="folder of an ONNX model, for a second view")
    args = parser.parse_args()
    for name in args.runs:
        runs = read_log(*name.split("+"))
        kept = np.zeros(len(runs.query_ids), bool)
        kept[np.random.default_rng(0).permutation(len(kept))[: args.queries]] = True
        runs = runs.select(kept)
        if args.encoder:
            runs = replace(runs, embeddings=encoded(pr.OnnxEncoder(args.encoder, most_tokens=128), runs.texts))
        table(runs, " + ".join(Path(part).name for part in name.split("+")), args.seeds)


if __name__ == "__main__":
    main()
