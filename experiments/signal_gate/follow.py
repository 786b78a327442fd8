"""Compare ways to follow the query, on logs and on worlds whose truth is known.

    python experiments/signal_gate/follow.py [LOGS...] [--worlds] [--seeds FIRST END] [--ways WAY...]

A log's figure is the fair gain over the static mixture by ``paretoroute compare``, in quality points of 100; a world's
are the truth of the choices over the best static mixture, the promise minus this truth, and how often its 90% interval
holds the truth, at four cost targets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "partial_logs")]
from expected_choices import HeldOutPolicy
from logs import read_log
from measure import Truth, _promise
from worlds import TOPICS, _runs, _text

import paretoroute as pr
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.evaluation.routers.registry import routers_named
from paretoroute.fitting import signal

shrunk, judges = signal._explained, LoggedOutcomes.judges


def threshold(*args):
    """Follow the query whole beyond one standard error, and not at all below, as before."""
    part = shrunk(*args)
    return part._replace(factor=float(part.share > part.error))


def always(*args):
    """Follow the query wherever anything varies."""
    part = shrunk(*args)
    return part._replace(factor=float(part.error > 0))


@dataclass(frozen=True)
class Way:
    """A way to follow the query, and whether the luck of the points' means is taken off what is promised."""

    explained: Callable[..., object]
    is_honest: bool = True

    def use(self) -> None:
        """Make the package go this way."""
        signal._explained = self.explained
        LoggedOutcomes.judges = judges if self.is_honest else property(lambda outcomes: None)


WAYS = {
    "before": Way(threshold, is_honest=False),
    "threshold": Way(threshold),
    "now": Way(shrunk),
    "always": Way(always),
}


@dataclass(frozen=True)
class World:
    """A simulated full log: spread of interactions of topic and point, and of the topics' hardness, in logits."""

    points: int
    queries: int
    interaction: float
    hardness: float

    def draw(self, seed: int) -> tuple[pr.Runs, pr.Runs]:
        """Draw queries to fit on, with outcomes, and others whose quality and cost are expectations."""
        rng = np.random.default_rng([seed, self.points, self.queries])
        level = np.arange(self.points) / (self.points - 1)
        ability = 1.2 * level + 0.4 * rng.normal(size=self.points)
        of_topic = self.interaction * rng.normal(size=(TOPICS, self.points))
        hardness = self.hardness * rng.normal(size=TOPICS)

        def runs(count: int, prefix: str, *, outcomes: bool) -> pr.Runs:
            topic = rng.integers(TOPICS, size=count)
            own = 0.7 * rng.normal(size=(count, 1))
            quality = 1 / (1 + np.exp(-(0.2 + ability + of_topic[topic] + hardness[topic, None] + own)))
            cost = np.tile(1e-4 * 20**level, (count, 1))
            if outcomes:
                quality = (rng.random(quality.shape) < quality).astype(float)
                cost = cost * np.exp(0.5 * rng.normal(size=cost.shape) - 0.125)
            return _runs([_text(one, rng) for one in topic], quality, cost, prefix)

        return runs(self.queries, "train", outcomes=True), runs(1000, "test", outcomes=False)


WORLDS = {
    "noise, 3 points, 150 queries": World(3, 150, 0.0, 0.0),
    "noise, 20 points, 100 queries": World(20, 100, 0.0, 0.0),
    "hardness alone, 20 points, 100 queries": World(20, 100, 0.0, 0.8),
    "faint, 6 points, 200 queries": World(6, 200, 0.35, 0.5),
    "faint, 20 points, 100 queries": World(20, 100, 0.5, 0.5),
    "faint, 6 points, 80 queries": World(6, 80, 0.6, 0.3),
}


def of_log(path: str, ways: Sequence[str]) -> str:
    """Compare some ways on one log; return a row of the table."""
    runs, cells = read_log(path), []
    for way in ways:
        WAYS[way].use()
        rows = pr.compare(runs, routers=routers_named(["paretoroute"])).to_json()["routers"]
        row = next(one for one in rows if one["name"] == "paretoroute")
        cells.append(f"{row['gain']:+.2f} [{row['gain_low']:+.2f}, {row['gain_high']:+.2f}]")
    return f"| {Path(path).name} | {len(runs.query_ids)} | {len(runs.points)} | " + " | ".join(cells) + " |"


def of_world(name: str, seeds: range, ways: Sequence[str]) -> str:
    """Compare some ways on draws of one world; return a row of the table."""
    figures: dict[str, list[list[float]]] = {way: [] for way in ways}
    for seed in seeds:
        train, test = WORLDS[name].draw(seed)
        truth = Truth.of(train, test)
        for way in ways:
            WAYS[way].use()
            policy = HeldOutPolicy(pr.fit(train, seed=0), test)
            order = [truth.points.index(point.name) for point in policy.grid.points]
            tables = truth.quality[:, order], truth.cost[:, order]
            promises = [_promise(policy, usd, *tables, truth) for usd in truth.targets()]
            gain = np.mean([one["truth"][0] - one["static"] for one in promises])
            bias = np.mean([one["promise"][0] - one["truth"][0] for one in promises])
            cover = np.mean([one["promise"][1] <= one["truth"][0] <= one["promise"][2] for one in promises])
            figures[way].append([100 * gain, 100 * bias, cover])
    cells = []
    for rows in figures.values():
        table = np.array(rows)
        mean, error = table.mean(0), table.std(0) / len(table) ** 0.5
        cells.append(f"{mean[0]:+.2f} ± {error[0]:.2f}, {mean[1]:+.2f} ± {error[1]:.2f}, {mean[2]:.2f}")
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="*", help="folders with an outcomes.parquet")
    parser.add_argument("--worlds", action="store_true", help="also the simulated worlds")
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 20], metavar=("FIRST", "END"))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS, help="which to compare; default: all")
    args = parser.parse_args()
    heads = " | ".join(args.ways) + " |\n|---|" + "---|" * len(args.ways)
    if args.logs:
        print(f"| log | queries | points | {heads}---|---|")
    for path in args.logs:
        print(of_log(path, args.ways), flush=True)
    if args.worlds:
        print(f"\n| world: gain, bias, cover | {heads}")
        for name in WORLDS:
            print(of_world(name, range(*args.seeds), args.ways), flush=True)


if __name__ == "__main__":
    main()
