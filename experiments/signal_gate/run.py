"""How often three tests take pure noise for a signal, and what they say of logs that have one."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import paretoroute as pr
from paretoroute._arrays import Floats
from paretoroute.fitting import pipeline
from paretoroute.fitting.draft import PanelDraft
from paretoroute.fitting.logged_panels import panels_of
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.result import FOUND_SE
from paretoroute.fitting.sample import Sample, draw_sample, featurized
from paretoroute.fitting.signal import CERTAIN_SE, HonestForecasts, signal_of

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log  # noqa: E402 (after the path is set)

SYLLABLES = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "r", "s", "t", "l", "nd", "rk", "mp")]
EFFORTS = ("low", "medium", "high", "xhigh")
# Name: queries, points, runs per point (None: all), whether outcomes are graded.
WORLDS = {
    "3 points, one run per query": (300, 3, 100, False),
    "20 points x 5 runs": (100, 20, 5, False),
    "20 points x 5 runs, graded": (100, 20, 5, True),
    "20 points x 75 runs, 300 queries": (300, 20, 75, False),
    "full, 100 queries x 8 points": (100, 8, None, False),
    "full, 500 queries x 4 points, graded": (500, 4, None, True),
}


def noise_log(name: str, seed: int, *, signal: float = 0.0) -> pr.Runs:
    """Draw a log whose outcomes, costs and latencies follow the point alone, or in part the first word of the text."""
    queries, points, runs, graded = WORLDS[name]
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, queries)
    texts = [
        " ".join([("theorem", "poem")[kind[i]], *rng.choice(SYLLABLES, rng.integers(6, 30))]) for i in range(queries)
    ]
    if runs is None:
        query, point = np.divmod(np.arange(queries * points), points)
    elif queries == points * runs:
        query, point = np.arange(queries), rng.permutation(np.repeat(np.arange(points), runs))
    else:
        query = np.concatenate([rng.choice(queries, runs, replace=False) for _ in range(points)])
        point = np.repeat(np.arange(points), runs)
    chance = np.clip(rng.uniform(0.3, 0.8, points)[point] + signal * (2 * kind[query] - 1), 0, 1)
    noise = rng.normal(0, 0.2, len(query))
    return pr.read_runs(
        pd.DataFrame(
            {
                "query": [texts[i] for i in query],
                "query_id": [f"q{i}" for i in query],
                "model": [f"m{j % max(points // 4, 1)}" for j in point],
                "budget_kind": "effort",
                "budget_label": [EFFORTS[j // max(points // 4, 1) % 4] for j in point],
                "quality": np.clip(chance + noise, 0, 1) if graded else (rng.random(len(query)) < chance) * 1.0,
                "cost_usd": rng.lognormal(-7, 0.6, len(query)),
                "latency_s": rng.lognormal(1, 0.5, len(query)),
            }
        )
    )


def drafts_of(runs: pr.Runs) -> tuple[dict[str, PanelDraft], Sample]:
    """Fit the first levels of a log, as a fit does."""
    grid = build_grid(runs).grid
    featurizer, features = featurized(runs, "hashed_ngrams", 0)
    sample = draw_sample(runs, features, featurizer.rank, points=len(grid.points), seed=0)
    return {n: pipeline._first_level(p, grid, sample, 0) for n, p in panels_of(runs, grid).items()}, sample


def before(draft: PanelDraft, forecast: Floats, sample: Sample) -> float:
    """Compute the old test's gain over its standard error: per query, against the pooled means."""
    values, count = draft.logged.values[sample.rows], draft.logged.count[sample.rows]
    weight = np.minimum(count, 16.0)
    errors = [(weight * np.where(count > 0, values - guess, 0.0) ** 2).sum(1) for guess in (draft.base, forecast)]
    gain = errors[0] - errors[1]
    return float(gain.sum() / max(gain.std() * len(gain) ** 0.5, 1e-300))


def scores(runs: pr.Runs) -> Iterator[tuple[str, float, float, float]]:
    """Yield each panel's gain over its standard error: before, within points, and with honest forecasts."""
    drafts, sample = drafts_of(runs)
    second = pipeline._second_level(drafts, sample, reads_tokens=True)
    honest = HonestForecasts(drafts, sample)
    for name, draft in drafts.items():
        own = draft.forecast(second.components if name == "quality" else draft.components)
        within, nested = (
            signal_of(draft.logged, draft.base, forecast, sample) for forecast in (own, honest.forecast(name))
        )
        ratio = [one.explained / max(one.explained_se, 1e-300) for one in (within, nested)]
        yield name, before(draft, own, sample), ratio[0], ratio[1]


def decisions(row: tuple[str, float, float, float]) -> np.ndarray:
    """Return whether each of the three tests finds a signal."""
    _, old, within, nested = row
    return np.array([old > 1, within > FOUND_SE, within > FOUND_SE and (within > CERTAIN_SE or nested > FOUND_SE)])


def main() -> None:
    """Print a table of worlds, and one of logs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("logs", nargs="*", help="logs with a signal; demo is the one that ships")
    parser.add_argument("--worlds", nargs="*", type=int, default=range(len(WORLDS)), help="by number, from 0")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--signal", type=float, default=0.0, help="how far the first word moves the chance")
    parser.add_argument("--queries", type=int, default=500, help="of a log, at most")
    options = parser.parse_args()
    print("| world | logs | quality: before, within points, now | any panel | largest plain |\n|---|---|---|---|---|")
    for name in [list(WORLDS)[i] for i in options.worlds]:
        worlds = [list(scores(noise_log(name, seed, signal=options.signal))) for seed in range(options.seeds)]
        quality = np.mean([decisions(row) for rows in worlds for row in rows if row[0] == "quality"], axis=0)
        any_panel = np.mean([np.any([decisions(row) for row in rows], axis=0) for rows in worlds], axis=0)
        shares = (", ".join(f"{100 * share:.0f}%" for share in some) for some in (quality, any_panel))
        print(
            f"| {name} | {len(worlds)} | {' | '.join(shares)} | {max(row[2] for rows in worlds for row in rows):.1f} |",
            flush=True,
        )
    for log in options.logs:
        runs = pr.demo_runs() if log == "demo" else read_log(*log.split("+"))
        chosen = np.random.default_rng(0).permutation(len(runs.query_ids))[: options.queries]
        start = time.process_time()
        for row in scores(runs.select(np.isin(np.arange(len(runs.query_ids)), chosen))):
            print(
                f"| {Path(log).name} | {row[0]} | {row[1]:.1f}, {row[2]:.1f}, {row[3]:.1f} | {decisions(row)} |",
                flush=True,
            )
        print(f"{log}: {time.process_time() - start:.0f} s of CPU")


if __name__ == "__main__":
    main()
