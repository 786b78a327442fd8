"""Count how often the interval of cost holds what a policy spends on new queries.

python experiments/cost_intervals/run.py DATA --out CELLS.jsonl [--seeds FIRST END] [--logs ...]

Policies are fitted on full logs as in experiments/partial_logs, without the error of choices; then the table for some
sizes of that error is printed: factors of the half-width, and what is added. A run that was stopped goes on where it
ended.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "partial_logs"))
from run import cell

from paretoroute.calibration import estimate
from paretoroute.calibration.intervals import Z90

LOGS = (
    "medagents_hard epoch_gpqa epoch_simpleqa mixture cot_samples livecodebench finance_hard bfcl_2024 med_zeroshot "
    "zeroeval routellm reasoning_gym mmlu_pro"
).split()
CHOICES = ((1.0, 0.0), (1.0, 0.06), (1.0, 0.08), (1.5, 0.0), (1.5, 0.03), (1.75, 0.03))  # factor, error


class Spending(NamedTuple):
    """What a policy spent on new queries: logarithm of spent over promised, and half-widths in logarithms.

    Args:
        excess: log(spent / promised).
        half: of the interval without the error of choices.
        noise: of the cost that was measured on new queries.
    """

    excess: float
    half: float
    noise: float


def spending_of(target: dict) -> Spending | None:
    """Read one target of a cell; None where it has no interval."""
    promised, low, high = target["cost"]
    spent, error = target["spent"]
    if low is None:
        return None
    half = math.log(high / promised) if spent > promised else math.log(promised / low)
    return Spending(math.log(spent / promised), half, Z90 * error / spent)


def held(rows: list[Spending], factor: float, error: float) -> float:
    """Return the share of costs within the interval, widened by the noise of the measured cost."""
    widths = [math.hypot(factor * one.half, Z90 * error, one.noise) for one in rows]
    return float(np.mean([abs(one.excess) <= width for one, width in zip(rows, widths, strict=True)]))


def table(cells: Path) -> None:
    """Print the table."""
    by_log: dict[str, list[Spending]] = defaultdict(list)
    for line in cells.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        by_log[one["cell"][0]] += [row for target in one["targets"] if (row := spending_of(target))]
    names = [f"{factor} s, {error}" for factor, error in CHOICES]
    print("| log | intervals | mean excess | rms | half-width | " + " | ".join(names) + " |")
    print("|---" * (5 + len(names)) + "|")
    shares: list[list[float]] = []
    for name, rows in by_log.items():
        excess, half = np.array([one.excess for one in rows]), np.mean([one.half for one in rows])
        figures = f"{len(rows)} | {excess.mean():+.3f} | {np.sqrt((excess**2).mean()):.3f} | {half:.3f}"
        shares.append([held(rows, *one) for one in CHOICES])
        print(f"| {name} | {figures} | " + " | ".join(f"{share:.2f}" for share in shares[-1]) + " |")
    print("| mean of the logs | | | | | " + " | ".join(f"{share:.3f}" for share in np.mean(shares, axis=0)) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the logs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--logs", nargs="+", default=LOGS)
    parser.add_argument("--seeds", nargs=2, type=int, default=[700, 704], metavar=("FIRST", "END"))
    parser.add_argument("--cache", type=Path, help="folder for logs that were read")
    args = parser.parse_args()
    estimate.CHOICE_FACTOR, estimate.CHOICE_ERROR = 1.0, 0.0
    kept = args.out.read_text(encoding="utf-8").splitlines() if args.out.exists() else []
    done = {tuple(json.loads(line)["cell"]) for line in kept}
    for seed in range(*args.seeds):
        for name in args.logs:
            if (name, seed) not in done:
                line = {"cell": (name, seed), **cell(name, "full", seed, column=False, args=args)}
                with args.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
    table(args.out)


if __name__ == "__main__":
    main()
