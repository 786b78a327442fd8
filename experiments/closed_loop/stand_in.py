"""Compare ways to explore on many seeds with a fast stand-in for the fit: stand_in.py WORLD...

The stand-in is a ridge regression of quality on means of points, slopes that all points share and slopes of their own,
over 24 principal components of the texts' words; costs have means of points and shared slopes, in logs. The loop is
that of ``run.py``, with the forecasts of the stand-in in place of those of a fit.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import numpy as np
from candidates import SHARE, STRATEGIES
from run import ROUND, ROUNDS, Stream
from worlds import logged_world, simulated_world

from paretoroute.planner.exploration import Call, Evidence
from paretoroute.solver.argmax import Weights

COMPONENTS = 24
BUCKETS = 512
MEAN, SHARED, OWN = 4.0, 20.0, 100.0  # ridge penalties, in runs


def components(texts: list[str]) -> np.ndarray:
    """Return principal components of the texts' hashed words, ``(queries, components)``."""
    counts = np.zeros((len(texts), BUCKETS))
    for row, text in zip(counts, texts, strict=True):
        for word in text.lower().split():
            row[zlib.crc32(word.encode()) % BUCKETS] += 1
    rare = np.log((1 + len(texts)) / (1 + (counts > 0).sum(0)))
    weighted = np.sqrt(counts) * rare
    weighted /= np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-9)
    weighted -= weighted.mean(0)
    directions = np.linalg.eigh(weighted.T @ weighted)[1][:, -COMPONENTS:]
    kept = weighted @ directions
    return kept / np.sqrt((kept**2).sum(1).mean())


class StandIn:
    """Ridge forecasts of quality and cost at every point."""

    def __init__(self, x: np.ndarray, points: np.ndarray, quality: np.ndarray, cost: np.ndarray, count: int) -> None:
        runs = len(points)
        onehot = np.zeros((runs, count))
        onehot[np.arange(runs), points] = 1
        own = (onehot[:, :, None] * x[:, None, :]).reshape(runs, -1)
        self.count, self.runs = count, np.maximum(onehot.sum(0), 1)
        self.centre = quality.mean()
        width = x.shape[1]
        penalty = np.concatenate([np.full(count, MEAN), np.full(width, SHARED), np.full(own.shape[1], OWN)])
        design = np.hstack([onehot, x, own])
        self.beta = np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ (quality - self.centre))
        residual = quality - self.centre - design @ self.beta
        squares = np.bincount(points, residual**2, count)
        self.spread = np.sqrt((squares + 4 * np.mean(residual**2)) / (self.runs + 4))
        design = np.hstack([onehot, x])
        self.cost_centre = np.log(cost).mean()
        self.cost_beta = np.linalg.solve(
            design.T @ design + np.diag(penalty[: count + width]), design.T @ (np.log(cost) - self.cost_centre)
        )
        error = np.log(cost) - self.cost_centre - design @ self.cost_beta
        self.cost_spread = np.full(count, error.std())

    def quality(self, x: np.ndarray) -> np.ndarray:
        """Forecast quality, ``(queries, points)``."""
        width = x.shape[1]
        mean, shared, own = np.split(self.beta, [self.count, self.count + width])
        return np.clip(self.centre + mean + (x @ shared)[:, None] + x @ own.reshape(self.count, width).T, 0, 1)

    def cost(self, x: np.ndarray) -> np.ndarray:
        """Forecast cost in USD, ``(queries, points)``."""
        mean, shared = np.split(self.cost_beta, [self.count])
        return np.exp(self.cost_centre + mean + (x @ shared)[:, None] + self.cost_spread**2 / 2)

    @property
    def evidence(self) -> Evidence:
        """The evidence on every point."""
        return Evidence(self.runs, self.spread / np.sqrt(self.runs), self.cost_spread / np.sqrt(self.runs))


def choose(model: StandIn, x: np.ndarray, worth: float) -> np.ndarray:
    return (model.quality(x) - model.cost(x) / worth).argmax(1)


def explored(model: StandIn, x: np.ndarray, worth: float, strategy: str, rng) -> np.ndarray:
    """Return the columns called, exploring some."""
    columns = choose(model, x, worth)
    rule = STRATEGIES[strategy]
    if rule is None:
        return columns
    quality, cost, evidence = model.quality(x), model.cost(x), model.evidence
    nowhere = np.full(model.count, np.nan)
    for i in np.flatnonzero(rng.random(len(x)) < SHARE):
        own = (np.arange(model.count) == columns[i]).astype(float)
        call = Call(
            own=own,
            callable=np.ones(model.count, bool),
            raw_quality=quality[i],
            raw_cost_usd=cost[i],
            quality=quality[i],
            cost_usd=cost[i],
            latency_s=nowhere,
            weights=Weights(1.0, 1 / worth),
            labels={},
        )
        columns[i] = rng.choice(model.count, p=rule(call, evidence, model.spread))
    return columns


def run_loop(stream: Stream, x: np.ndarray, strategy: str, seed: int) -> tuple[list[float], float, float]:
    """Return the held-out utility by round, that of full information, and the mean utility of the calls."""
    world, count = stream.world, len(stream.world.points)
    rng = np.random.default_rng([seed, 17])
    held = stream.held_out
    queries, columns = stream.rounds[0], stream.first[0]
    by_round, paid = [], []
    for number in range(1, ROUNDS + 1):
        model = StandIn(x[queries], columns, world.quality[queries, columns], world.cost_usd[queries, columns], count)
        by_round.append(world.utility(held, choose(model, x[held], world.usd_per_quality)).mean())
        if number < ROUNDS:
            new = stream.rounds[number]
            called = explored(model, x[new], world.usd_per_quality, strategy, rng)
            paid.append(world.utility(new, called).mean())
            queries, columns = np.concatenate([queries, new]), np.concatenate([columns, called])
    return by_round, float(np.mean(paid))


def full_information(stream: Stream, x: np.ndarray) -> float:
    world, count, held = stream.world, len(stream.world.points), stream.held_out
    some = np.concatenate(stream.rounds)[: 2 * ROUND]
    queries, columns = np.repeat(some, count), np.tile(np.arange(count), len(some))
    model = StandIn(x[queries], columns, world.quality[queries, columns], world.cost_usd[queries, columns], count)
    return world.utility(held, choose(model, x[held], world.usd_per_quality)).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", nargs="+")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=STRATEGIES)
    args = parser.parse_args()
    print("| world | strategy | regret by round, points | ± last | gain over uniform, last | ± | paid - uniform | ± |")
    print("|---|---|---|---|---|---|---|---|")
    for name in args.worlds:
        logged = None if name == "simulated" else logged_world(Path(name))
        x = None if logged is None else components(logged.texts)
        found = {strategy: [] for strategy in args.strategies}
        for seed in range(args.first, args.first + args.seeds):
            world = logged or simulated_world(seed)
            z = components(world.texts) if x is None else x
            stream = Stream(world, seed)
            best = full_information(stream, z)
            for strategy in args.strategies:
                by_round, paid = run_loop(stream, z, strategy, seed)
                found[strategy].append([*(best - np.array(by_round)), paid])
        tables = {strategy: np.array(rows) for strategy, rows in found.items()}
        root = np.sqrt(args.seeds)
        for strategy, rows in tables.items():
            gain = tables["uniform"][:, -2] - rows[:, -2]
            paid = rows[:, -1] - tables["uniform"][:, -1]
            print(
                f"| {Path(name).name} | {strategy} | {', '.join(f'{v:.2f}' for v in rows[:, :-1].mean(0))} "
                f"| {rows[:, -2].std(ddof=1) / root:.2f} | {gain.mean():+.2f} | {gain.std(ddof=1) / root:.2f} "
                f"| {paid.mean():+.2f} | {paid.std(ddof=1) / root:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
