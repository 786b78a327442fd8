"""Explore in a closed loop of log, fit and deploy: python experiments/closed_loop/run.py WORLD... [--seeds 0 1 2].

A world is a log whose queries were answered at every point, or ``simulated``. In the first of five rounds, a logger
answers 1,000 queries, four of five at one point. Each further round logs what the planner calls for 1,000 new queries,
with its propensities, and fits on everything logged so far. Every strategy sees the same queries in the same order.
Policies are judged on held-out queries whose outcome at every point is known.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import numpy as np
import pyarrow as pa
from candidates import STRATEGIES, planner_of
from worlds import World, logged_world, simulated_world

import paretoroute as pr
from paretoroute.calibration.intervals import Z90

ROUNDS = 5
ROUND = 1000
HELD_OUT = 1400
USUAL = 0.8  # share of the first round at the usual point


@dataclass(frozen=True)
class Result:
    """One round of one strategy in one world.

    Args:
        regret: utility of the full-information policy minus that of this round's policy, held-out, in points.
        static: utility of the best single point in hindsight, minus that of the policy.
        paid: mean utility of the calls that this round's planner made in the next round; NaN in the last.
        explored: share of those calls that explored.
        predicted, truth: expected quality of the policy's file and held-out mean quality.
        quality_held, cost_held: whether the file's 90% intervals hold, given the noise of the held-out queries.
    """

    world: str
    seed: int
    strategy: str
    round: int
    regret: float
    static: float
    paid: float
    explored: float
    predicted: float
    truth: float
    predicted_usd: float
    truth_usd: float
    quality_held: bool
    cost_held: bool


class Stream:
    """The queries of a world in a seeded order: rounds first, held-out queries last."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        order = np.random.default_rng([seed, 15]).permutation(len(world.texts))
        self.rounds = [order[k * ROUND : (k + 1) * ROUND] for k in range(ROUNDS)]
        self.held_out = order[ROUNDS * ROUND :][:HELD_OUT]
        best = int(world.quality.mean(0).argmax())
        rng = np.random.default_rng([seed, 16])
        points = len(world.points)
        chance = np.full(points, (1 - USUAL) / (points - 1))
        chance[best] = USUAL
        self.first = rng.choice(points, ROUND, p=chance), chance

    def rows(self, queries, columns, propensities) -> list[dict]:
        """Return the runs of some cells, one row each."""
        world = self.world
        return [
            {
                "query_id": str(i),
                "query": world.texts[i],
                "model": world.points[j][0],
                "budget_kind": world.points[j][1],
                "budget_label": world.points[j][2],
                "budget": world.points[j][3],
                "quality": world.quality[i, j],
                "cost_usd": world.cost_usd[i, j],
                "propensity": p,
            }
            for i, j, p in zip(queries, columns, propensities, strict=True)
        ]

    def fit(self, rows: list[dict]) -> pr.Policy:
        """Fit for the best trade at the world's worth of quality."""
        target = pr.BestTrade(usd_per_quality=self.world.usd_per_quality)
        return pr.fit(pr.read_runs(pa.Table.from_pylist(rows)), target, seed=0)

    def full_information(self) -> pr.Policy:
        """Fit on every cell of all rounds' queries."""
        queries = np.concatenate(self.rounds)[: 2 * ROUND]
        rows = [
            row
            for j in range(len(self.world.points))
            for row in self.rows(queries, np.full(len(queries), j), [None] * len(queries))
        ]
        return self.fit(rows)

    def decisions(self, planner: pr.Planner, queries) -> tuple[list[pr.Decision], np.ndarray]:
        """Plan some queries: the decisions, and the columns called."""
        column = {(model, label or "default"): j for j, (model, _, label, _) in enumerate(self.world.points)}
        decisions = [planner.plan(self.world.texts[i], query_id=str(i)) for i in queries]
        return decisions, np.array([column[d.model, d.budget.label] for d in decisions])


def judged(stream: Stream, policy: pr.Policy) -> np.ndarray:
    """Return the columns that a policy calls for the held-out queries."""
    return stream.decisions(pr.Planner(policy), stream.held_out)[1]


def run_loop(stream: Stream, strategy: str, best: float, about: dict) -> list[Result]:
    """Run all rounds of one strategy."""
    columns, chance = stream.first
    rows = stream.rows(stream.rounds[0], columns, chance[columns])
    world, held_out, results = stream.world, stream.held_out, []
    single = max(world.utility(held_out, np.full(len(held_out), j)).mean() for j in range(len(world.points)))
    for number in range(1, ROUNDS + 1):
        policy = stream.fit(rows)
        chosen = judged(stream, policy)
        utility = world.utility(held_out, chosen).mean()
        paid = explored = float("nan")
        if number < ROUNDS:
            queries = stream.rounds[number]
            decisions, called = stream.decisions(planner_of(strategy, policy), queries)
            rows = rows + stream.rows(queries, called, [decision.propensity for decision in decisions])
            paid = float(world.utility(queries, called).mean())
            explored = float(np.mean([decision.explores for decision in decisions]))
        expected = policy.document.expected
        quality, cost = world.quality[held_out, chosen], world.cost_usd[held_out, chosen]
        results.append(
            Result(
                **about,
                strategy=strategy,
                round=number,
                regret=float(best - utility),
                static=float(single - utility),
                paid=paid,
                explored=explored,
                predicted=expected.quality,
                truth=float(quality.mean()),
                predicted_usd=expected.cost_usd,
                truth_usd=float(cost.mean()),
                quality_held=held(expected.quality, expected.quality_low, expected.quality_high, quality),
                cost_held=held(expected.cost_usd, expected.cost_usd_low, expected.cost_usd_high, cost),
            )
        )
    return results


def held(predicted: float, low: float | None, high: float | None, values: np.ndarray) -> bool:
    """Return whether the truth lies in a 90% interval, widened by the noise of the held-out mean.

    A prediction without an interval (``unsupported``) claims nothing and holds.
    """
    if low is None or high is None:
        return True
    truth, noise = values.mean(), Z90 * values.std() / np.sqrt(len(values))
    reach = (predicted - low) if truth < predicted else (high - predicted)
    return bool(abs(truth - predicted) <= np.hypot(reach, noise))


def table(results: list[Result]) -> None:
    """Print means over seeds, by world and strategy."""
    print(
        "\n| world | strategy | regret by round, points | last round over the best single point "
        "| paid, rounds 2-5 | explored | predicted - true quality, points | quality held | cost held |"
        "\n|---|---|---|---|---|---|---|---|---|"
    )
    for world in dict.fromkeys(one.world for one in results):
        for strategy in dict.fromkeys(one.strategy for one in results if one.world == world):
            rows = [one for one in results if (one.world, one.strategy) == (world, strategy)]
            by_round = [[one for one in rows if one.round == k] for k in range(1, ROUNDS + 1)]
            seeds = len(by_round[-1])
            regrets = [np.mean([one.regret for one in some]) for some in by_round]
            last = [one.regret for one in by_round[-1]]
            error = np.std(last, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.nan
            bias = 100 * np.mean([one.predicted - one.truth for one in rows])
            cells = [
                f"{world} ({seeds})",
                strategy,
                f"{', '.join(f'{value:.2f}' for value in regrets)} ± {error:.2f}",
                f"{-np.mean([one.static for one in by_round[-1]]):+.2f}",
                f"{np.nanmean([one.paid for one in rows]):.2f}",
                f"{np.nanmean([one.explored for one in rows]):.1%}",
                f"{bias:+.1f}",
                f"{np.mean([one.quality_held for one in rows]):.2f}",
                f"{np.mean([one.cost_held for one in rows]):.2f}",
            ]
            print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", nargs="*")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--strategies", nargs="+", default=["none", "uniform", "evidence"], choices=STRATEGIES)
    parser.add_argument("--results", type=Path, help="JSONL file to add the results to, and to print as a table")
    args = parser.parse_args()
    results = []
    for name in args.worlds:
        logged = None if name == "simulated" else logged_world(Path(name))
        for seed in args.seeds:
            stream = Stream(logged or simulated_world(seed), seed)
            chosen = judged(stream, stream.full_information())
            best = stream.world.utility(stream.held_out, chosen).mean()
            for strategy in args.strategies:
                started = time.time()
                some = run_loop(stream, strategy, best, {"world": Path(name).name, "seed": seed})
                print(f"{name} {seed} {strategy}: {time.time() - started:.0f} s", file=sys.stderr, flush=True)
                results += some
                if args.results:
                    with args.results.open("a", encoding="utf-8") as file:
                        file.writelines(json.dumps(asdict(one)) + "\n" for one in some)
    if args.results and args.results.exists():
        results = [Result(**json.loads(line)) for line in args.results.read_text(encoding="utf-8").splitlines()]
    table(results)


if __name__ == "__main__":
    main()
