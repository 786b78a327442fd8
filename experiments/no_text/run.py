"""Compare two source trees on logs of which most queries have no text.

python experiments/no_text/run.py measure LOGS... --out FILE.npz [--hidden 0.75] [--seeds 10], once on each tree
(PYTHONPATH=DIR); then python experiments/no_text/run.py compare BEFORE.npz AFTER.npz. ``demo`` is the shipped log.
A log of which most queries have no text is taken as it is; of any other a share of the texts is blanked.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "holes")]
from few_runs import COSTS, TARGETS, Curve, curve_of
from logs import filled, read_log, split

import paretoroute as pr


def blanked(runs: pr.Runs, share: float) -> pr.Runs:
    """Blank the texts of a share of the queries, by a hash of their ids, unless most are blank already."""
    if np.mean([not text.strip() for text in runs.texts]) > 0.5:
        return runs
    order = np.argsort([hashlib.sha256(f"blank:{key}".encode()).hexdigest() for key in runs.query_ids])
    hidden = set(order[: int(share * len(order))].tolist())
    return replace(runs, texts=tuple("" if i in hidden else text for i, text in enumerate(runs.texts)))


def measure(runs: pr.Runs, seed: int) -> dict[str, np.ndarray]:
    """Fit one split; return the curve on held-out queries, and the forecasts of those without a text."""
    train, test = split(runs, seed)
    cost, quality = filled(train, "cost_usd").mean(0), filled(train, "quality").mean(0)
    targets = np.geomspace(cost.min(), cost[quality.argmax()], TARGETS + 1)[1:]
    policy = pr.fit(train)
    curve = curve_of(policy, test, targets)
    without = np.array([not text.strip() for text in test.texts])
    empty = policy.surface.at(policy.surface.featurizer.of_text("").vector)
    whole = ~np.isnan(test.means("quality").mean).any(0)  # the others lack whole kinds of queries
    return {
        "quality": curve.quality.mean(1),
        "cost": curve.mean_cost_usd,
        "miss": 100 * (np.asarray(empty.quality) - filled(test, "quality")[without].mean(0))[whole],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("measure", "compare"))
    parser.add_argument("files", nargs="+")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--hidden", type=float, default=0.75)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    if args.action == "compare":
        compare(*(dict(np.load(path)) for path in args.files))
        return
    results: dict[str, np.ndarray] = {}
    for path in args.files:
        runs = blanked(pr.demo_runs() if path == "demo" else read_log(path, coverage=0.6), args.hidden)
        for seed in range(args.seeds):
            for name, figures in measure(runs, seed).items():
                results[f"{Path(path).name}/{seed}/{name}"] = figures
        print(Path(path).name, len(runs.query_ids), "queries", len(runs.points), "points", flush=True)
        np.savez(args.out, **results)


def compare(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> None:
    """Print gains at equal cost, and how far the forecasts of queries without a text are off, by log."""
    for log in dict.fromkeys(key.split("/")[0] for key in after):
        splits = sorted({key.rsplit("/", 1)[0] for key in after if key.startswith(log + "/")})
        gain = np.array([gains(before, after, split) for split in splits])
        miss = np.array([[np.abs(one[f"{split}/miss"]).mean() for one in (before, after)] for split in splits])
        mean, reach = interval(gain.mean(1))
        less, of_less = interval(miss[:, 1] - miss[:, 0])
        print(
            f"{log}: {mean:+.2f} [{mean - reach:+.2f}, {mean + reach:+.2f}] points at equal cost, splits "
            f"{', '.join(f'{one:+.2f}' for one in gain.mean(1))}, single costs {gain.min():+.1f} to {gain.max():+.1f}; "
            f"forecasts without a text off by {miss.mean(0)[0]:.2f} -> {miss.mean(0)[1]:.2f} points "
            f"({less:+.2f} [{less - of_less:+.2f}, {less + of_less:+.2f}])"
        )


def gains(before: dict[str, np.ndarray], after: dict[str, np.ndarray], split: str) -> list[float]:
    """Return the quality points gained at equal costs of one split."""
    one, two = (Curve(of[f"{split}/quality"][:, None], of[f"{split}/cost"], np.zeros(0)) for of in (before, after))
    low = max(one.mean_cost_usd[0], two.mean_cost_usd[0])
    high = min(one.mean_cost_usd[-1], two.mean_cost_usd[-1])
    return [100 * float((two.quality_at(usd) - one.quality_at(usd)).mean()) for usd in np.geomspace(low, high, COSTS)]


def interval(figures: np.ndarray) -> tuple[float, float]:
    """Return the mean over splits and the reach of its 90% interval, by Student's t."""
    reach = stats.t.ppf(0.95, len(figures) - 1) * figures.std(ddof=1) / len(figures) ** 0.5
    return float(figures.mean()), float(reach)


if __name__ == "__main__":
    main()
