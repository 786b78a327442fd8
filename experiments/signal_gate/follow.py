"""Compare thresholds from which a fit follows the query, on logs and on worlds whose truth is known.

    python experiments/signal_gate/follow.py [LOGS...] [--worlds] [--seeds FIRST END]

A log's figure is the fair gain over the static mixture by ``paretoroute compare``, in quality points of 100; a world's
are the truth of the choices over the best static mixture, and the promise minus this truth, at four cost targets.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "partial_logs")]
from expected_choices import HeldOutPolicy
from logs import read_log
from measure import Truth, _promise
from worlds import TOPICS, _runs, _text

import paretoroute as pr
from paretoroute.evaluation.routers.registry import routers_named
from paretoroute.fitting import signal

now = signal.signal_of


def found(*args, **options):
    """Follow what is found, as before."""
    tested = now(*args, **options)
    return replace(tested, used=tested.is_found)


def always(*args, **options):
    """Follow the query wherever anything varies."""
    tested = now(*args, **options)
    return replace(tested, used=tested.explained_se > 0)


THRESHOLDS = {"found": found, "now": now, "always": always}


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


def of_log(path: str) -> str:
    """Compare the thresholds on one log; return a row of the table."""
    runs, cells = read_log(path), []
    for threshold in THRESHOLDS.values():
        signal.signal_of = threshold
        rows = pr.compare(runs, routers=routers_named(["paretoroute"])).to_json()["routers"]
        row = next(one for one in rows if one["name"] == "paretoroute")
        cells.append(f"{row['gain']:+.2f} [{row['gain_low']:+.2f}, {row['gain_high']:+.2f}]")
    return f"| {Path(path).name} | {len(runs.query_ids)} | {len(runs.points)} | " + " | ".join(cells) + " |"


def of_world(name: str, seeds: range) -> str:
    """Compare the thresholds on draws of one world; return a row of the table."""
    figures: dict[str, list[list[float]]] = {threshold: [] for threshold in THRESHOLDS}
    for seed in seeds:
        train, test = WORLDS[name].draw(seed)
        truth = Truth.of(train, test)
        for threshold, test_of in THRESHOLDS.items():
            signal.signal_of = test_of
            policy = HeldOutPolicy(pr.fit(train, seed=0), test)
            order = [truth.points.index(point.name) for point in policy.grid.points]
            tables = truth.quality[:, order], truth.cost[:, order]
            promises = [_promise(policy, usd, *tables, truth) for usd in truth.targets()]
            gain = np.mean([one["truth"][0] - one["static"] for one in promises])
            bias = np.mean([one["promise"][0] - one["truth"][0] for one in promises])
            figures[threshold].append([100 * gain, 100 * bias])
    cells = []
    for rows in figures.values():
        table = np.array(rows)
        mean, error = table.mean(0), table.std(0) / len(table) ** 0.5
        cells.append(f"{mean[0]:+.2f} ± {error[0]:.2f}, {mean[1]:+.2f} ± {error[1]:.2f}")
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="*", help="folders with an outcomes.parquet")
    parser.add_argument("--worlds", action="store_true", help="also the simulated worlds")
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 20], metavar=("FIRST", "END"))
    args = parser.parse_args()
    if args.logs:
        print("| log | queries | points | " + " | ".join(THRESHOLDS) + " |\n|---|---|---|" + "---|" * len(THRESHOLDS))
    for path in args.logs:
        print(of_log(path), flush=True)
    if args.worlds:
        print("\n| world: gain, bias | " + " | ".join(THRESHOLDS) + " |\n|---|" + "---|" * len(THRESHOLDS))
        for name in WORLDS:
            print(of_world(name, range(*args.seeds)), flush=True)


if __name__ == "__main__":
    main()
