"""Compare forecasts of prompt tokens on held-out queries: python experiments/prompt_length/run.py LOGS...

A log is a Parquet file, or a folder with an ``outcomes.parquet``. Each candidate is fitted twice: on 70% of the
queries, and on the 90% with the shortest texts. The rest is forecast from the text alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

import paretoroute as pr
from paretoroute._arrays import single
from paretoroute.calibration.intervals import Interval, resampled
from paretoroute.fitting import pipeline
from paretoroute.fitting.logged_panels import PROMPT_COMPONENTS, LoggedPanel
from paretoroute.fitting.panel import fit_panel
from paretoroute.fitting.sample import draw_sample, featurized, neighbour_count
from paretoroute.fitting.signal import signal_of
from paretoroute.runs.table import Runs
from paretoroute.surface import neighbours

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log, split  # noqa: E402 (after the path is set)

Forecaster = Callable[[str], np.ndarray]  # text -> prompt tokens (points,)
PRIOR, PRIOR_SD = 0.25, 0.1  # tokens per byte


def sizes(text: str, unit: str) -> list[float]:
    """Measure a text: bytes, characters, or ASCII bytes and other bytes apart."""
    size, ascii_size = len(text.encode("utf-8", "replace")), len(text.encode("ascii", "ignore"))
    return {"bytes": [size], "characters": [len(text)], "split": [ascii_size, size - ascii_size]}[unit]


def count(runs: Runs, power: float, unit: str) -> Forecaster:
    """Fit prompt_j = a_j + r_j . sizes(text): least squares with errors ~ prompt^(power / 2), a prior on r."""
    mean = runs.means("prompt_tokens").mean
    size = np.array([sizes(text, unit) for text in runs.texts])
    coefficients = np.array([line(size, mean[:, j], power) for j in range(mean.shape[1])])
    return lambda text: np.maximum(coefficients[:, 0] - 1 + coefficients[:, 1:] @ sizes(text, unit), 1.0)


def line(size: np.ndarray, tokens: np.ndarray, power: float) -> np.ndarray:
    """Fit one point: (a + 1, r...)."""
    known = ~np.isnan(tokens)
    size, tokens = size[known], tokens[known] + 1
    fitted = np.full(len(tokens), tokens.mean())
    for _ in range(3 if power else 1):
        weight = np.maximum(fitted / tokens.mean(), 0.01) ** (-power / 2)
        design = np.column_stack([np.ones(len(size)), size]) * weight[:, None]
        free = np.linalg.lstsq(design, tokens * weight, rcond=None)[0]
        noise = max(np.std(design @ free - tokens * weight), 0.3)
        prior = noise / PRIOR_SD * np.eye(design.shape[1])[1:]
        found, _ = nnls(
            np.vstack([design, prior]), np.concatenate([tokens * weight, [PRIOR * noise / PRIOR_SD] * len(prior)])
        )
        fitted = found[0] + size @ found[1:]
    return found


def panel(runs: Runs, base: Forecaster | None, seed: int, *, narrow: bool = True) -> Forecaster:
    """Fit today's panel of log prompt tokens, or of log(prompt / base)."""
    featurizer, features = featurized(runs, "hashed_ngrams", seed)
    grid = pr.Grid(runs.points, {})
    sample = draw_sample(runs, features, featurizer.rank, points=len(grid.points), seed=seed)
    mean, trials = runs.means("prompt_tokens")
    if base is not None:
        mean = mean / np.array([base(text) for text in runs.texts])
    logs = np.log(np.where(mean > 0, mean, np.nan))
    logged = LoggedPanel("prompt tokens", logs, np.where(np.isfinite(logs), trials, 0.0), True, PROMPT_COMPONENTS)
    kept = neighbour_count(sample, grid)
    draft = pipeline._first_level(logged, grid, sample, seed)
    signal = signal_of(logged, draft.base, draft.forecast(draft.components), sample)
    fitted = fit_panel(draft, None, sample, signal=signal, neighbours=kept).panel
    if base is not None and narrow:
        scale = fitted.scale
        fitted = replace(fitted, scale=replace(scale, low=scale.low + np.log(2), high=scale.high - np.log(2)))
    near = neighbours.index(single(sample.features[:kept]), sample.rank)

    def forecast(text: str) -> np.ndarray:
        vector = featurizer.of_text(text).vector
        nearest = near.nearest(vector[None], featurizer.rank)
        figure = fitted.at(fitted.first_level.components(vector[None], nearest))[0]
        return figure if base is None else figure * base(text)

    return forecast


def continued(inside: Forecaster, counted: Forecaster, runs: Runs) -> Forecaster:
    """Beyond the longest logged text, scale the panel by counted(text) / counted(longest)."""
    longest = counted(max(runs.texts, key=lambda text: len(text.encode("utf-8", "replace"))))
    return lambda text: inside(text) * np.maximum(counted(text) / longest, 1.0)


def candidates(runs: Runs, seed: int) -> dict[str, Forecaster]:
    """Fit every candidate."""
    today = panel(runs, None, seed)
    kinds = (("bytes", 0), ("bytes", 1), ("bytes", 2), ("characters", 1), ("split", 1))
    counts = {f"count, {unit}, power {power}": count(runs, power, unit) for unit, power in kinds}
    best = counts["count, bytes, power 1"]
    return {
        "panel (before)": today,
        **counts,
        "count (bytes, 1) x panel": panel(runs, best, seed),
        "count (split, 1) x panel": panel(runs, counts["count, split, power 1"], seed),
        "panel, continued by count": continued(today, best, runs),
    }


def judge(forecast: np.ndarray, logged: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return per query: |log error|, forecast total and logged total, each point's tokens over its mean."""
    known = ~np.isnan(logged) & (logged > 0)
    unit = np.nanmean(np.where(known, logged, np.nan), axis=0)
    error = np.where(known, np.abs(forecast / np.where(known, logged, 1.0) - 1), 0.0).sum(1) / known.sum(1)
    totals = (np.where(known, table / unit, 0.0).sum(1) / known.sum(1) for table in (forecast, logged))
    return error, *totals


def spelled(interval: Interval) -> str:
    """Write an interval in percent."""
    return f"{100 * interval.value:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def report(name: str, train: Runs, test: Runs, seed: int, *, quartiles: bool) -> None:
    """Print the errors of every candidate, fitted on some queries, on the others."""
    logged = test.means("prompt_tokens").mean
    size = np.array([len(text.encode()) for text in test.texts])
    print(f"  {name}: {len(train.query_ids)} to fit, {len(test.query_ids)} held out")
    base = None
    for label, forecast in candidates(train, seed).items():
        table = np.array([forecast(text) for text in test.texts])
        error, predicted, actual = judge(table, logged)
        base = error if base is None else base
        groups = np.arange(len(error))
        gain = resampled(np.column_stack([error, error - base]), groups, seed=0)
        bias = predicted.sum() / actual.sum()
        abs_error = (np.abs(predicted - actual)).sum() / actual.sum()
        rng = np.random.default_rng(0)
        draws = rng.integers(0, len(error), (500, len(error)))
        low, high = np.quantile(predicted[draws].sum(1) / actual[draws].sum(1), (0.05, 0.95))
        figures = [
            f"    {label:28s} relative error {spelled(gain[0])}%",
            f"less before {spelled(gain[1])}",
            f"MAE/mean {100 * abs_error:5.1f}%",
            f"bias {bias:.3f} [{low:.3f}, {high:.3f}]",
        ]
        if quartiles:
            ends = np.quantile(size, (0, 0.25, 0.5, 0.75, 1))
            parts = [(size >= a) & (size <= b) for a, b in zip(ends[:-1], ends[1:], strict=True)]
            ratios = " ".join(f"{predicted[p].sum() / actual[p].sum():.2f}" for p in parts)
            figures.append(f"bias by quartile of length {ratios}")
        print(", ".join(figures))
    sys.stdout.flush()


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for log in args.logs:
        runs = read_log(log)
        kept = np.isfinite(runs.means("prompt_tokens").mean).any(axis=1) & np.array(
            [bool(t.strip()) for t in runs.texts]
        )
        runs = runs.select(kept)
        size = np.array([len(text.encode()) for text in runs.texts])
        print(
            f"{Path(log).name}: {len(runs.query_ids)} queries, {len(runs.points)} points, {np.median(size):.0f} bytes"
        )
        train, test = split(runs, args.seed)
        report("70% against 30%", train, test, args.seed, quartiles=True)
        order = np.argsort(size, kind="stable")
        longest = np.isin(np.arange(len(size)), order[int(0.9 * len(size)) :])
        report(
            "shorter 90% against longest 10%", runs.select(~longest), runs.select(longest), args.seed, quartiles=False
        )


if __name__ == "__main__":
    main()
