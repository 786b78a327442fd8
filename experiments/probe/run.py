"""Is the score of one cheap answer worth its price?

python experiments/probe/run.py LOG DATA [--seeds 0 1] [--cache FOLDER]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from designs import curves, design_outcomes
from prepared import Fold, Prepared, prepare
from probing import Outcome, probe_of
from sampled_logs import LOGS

from paretoroute.calibration.intervals import resampled
from paretoroute.evaluation.protocol.gains import FairPath
from paretoroute.evaluation.routers.plans import Execution
from paretoroute.evaluation.tradeoff_curves import Outcomes

MOST_PROBES = 4
ALL = (
    "never", "threshold", "free", "always", "worth", "guarded",
    "odds free", "odds always", "odds worth", "odds guarded", "shuffled guarded",
)  # fmt: skip


def gain(fold: Fold, done: list[Outcome]) -> np.ndarray:
    empty = np.zeros((len(fold.test.quality), 1))
    executions = [Execution(one.quality, one.cost_usd, None, empty[:, 0], empty) for one in done]
    return 100 * fold.path.gain(FairPath.of(executions), Outcomes(fold.test.quality, fold.test.cost_usd))


def gains(prepared: Prepared, designs: list[str], seed: int):
    """Return every query's gain by design, and the share of queries that a design probes for each target."""
    table = {name: np.zeros(len(prepared.groups)) for name in ["default", *designs]}
    probed = {name: [] for name in designs}
    for fold in prepared.folds:
        curves.clear()
        table["default"][fold.rows] = gain(fold, fold.default)
        columns = [prepared.names.index(name) for name in prepared.probes if name in prepared.names][:MOST_PROBES]
        probes = {
            "": [probe_of(fold, column, odds=False) for column in columns],
            "odds": [probe_of(fold, column, odds=True) for column in columns],
            "shuffled": [probe_of(fold, column, odds=True, shuffled=np.random.default_rng(seed)) for column in columns],
        }
        for name in designs:
            kind, _, rule = name.rpartition(" ")
            done = design_outcomes(fold, rule, probes[kind][: 1 if rule == "never" else None])
            table[name][fold.rows] = gain(fold, done)
            probed[name].append([one.probed for one in done])
    return table, {name: np.mean(every, axis=0) for name, every in probed.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log")
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--designs", nargs="+", default=list(ALL))
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    tables, probed = [], []
    for seed in asked.seeds:
        kept = None if asked.cache is None else asked.cache / f"probe_{asked.log}_{seed}.pkl"
        prepared = prepare(LOGS[asked.log](asked.data) if kept is None or not kept.exists() else None, seed, kept)
        one, share = gains(prepared, asked.designs, seed)
        tables.append(one)
        probed.append(share)
    names = list(tables[0])
    mean = {name: np.mean([one[name] for one in tables], axis=0) for name in names}
    columns = np.column_stack([*mean.values(), *(mean[n] - mean["never"] for n in names)])
    every = resampled(columns, prepared.groups, seed=0)
    print(f"{asked.log}: {len(prepared.groups)} queries, {len(prepared.names)} points, seeds {asked.seeds}")
    for k, name in enumerate(names):
        a, b = every[k], every[len(names) + k]
        by_seed = " ".join(f"{(one[name] - one['never']).mean():+.2f}" for one in tables)
        share = "" if name == "default" else " ".join(f"{x:.2f}" for x in np.mean([p[name] for p in probed], axis=0))
        print(
            f"{name:16} {a.value:+6.2f} [{a.low:+.2f}, {a.high:+.2f}]  "
            f"minus never {b.value:+.2f} [{b.low:+.2f}, {b.high:+.2f}]  by seed {by_seed}  probed by target {share}"
        )


if __name__ == "__main__":
    main()
