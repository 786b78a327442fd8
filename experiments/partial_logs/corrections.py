"""Try how much of a correction to take: python experiments/partial_logs/corrections.py DATA --out CELLS.jsonl [...].

Fits every log, logger and seed once, and notes for each target the parts of the promise of quality: the forecast F,
the correction C and their errors. Then all candidates are computed from these parts, for the same choices, and
compared with the held-out truth. A candidate has an error tau of the forecasts, and says whether the error of
corrections by estimated chances, and that of choices which the log does not support, count in the share k that is
taken or in the half-width alone. Choose on some seeds, and confirm on others.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import measure
import numpy as np
from loggers import logged_by, with_levels
from run import TEST, TRAIN, at_most, full_log

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import split

from paretoroute.calibration.intervals import QUALITY_VARIANCE
from paretoroute.calibration.partial_logs.corrected import (
    ESTIMATED_ERROR,
    MISSING_ERROR,
    Corrected,
)

LOGS = ("mixture", "zeroeval", "reasoning_gym", "routellm", "mmlu_pro")
CANDIDATES = {  # tau, whether estimated chances and missing support count in the share
    "tau 15 points, missing support in the share": (0.15, False, True),
    "tau 8 points, missing support in the share": (0.08, False, True),
    "tau 4 points, missing support in the share": (0.04, False, True),
    "tau 4 points, both in the share": (0.04, True, True),
    "tau 4 points, estimated chances in the share": (0.04, True, False),
    "no correction": (0.0, True, False),
}
Z90 = 1.645


@dataclass(frozen=True)
class Parts:
    """The parts of one estimate of quality; see `paretoroute.calibration.partial_logs.corrected`."""

    value: float
    forecast: float
    forecast_variance: float
    correction: float
    correction_variance: float
    weight: float
    effective: float
    error: float
    estimated: bool


def parts_of(corrected: Corrected, chance: np.ndarray, value: float, effective: float) -> Parts:
    """Take an estimate apart."""
    queries = len(chance)
    forecast, correction, weight = (
        (chance * table).sum(1) for table in (corrected.forecast, corrected.correction, corrected.weight)
    )
    return Parts(
        value,
        float(forecast.mean()),
        float(forecast.var() / queries),
        float(correction.mean()),
        float(correction.var() / queries),
        float(weight.mean()),
        effective,
        float((chance.mean(0) ** 2 * corrected.point_error).sum()),
        corrected.chance_error > 0,
    )


def cell(name: str, logger: str, seed: int, *, column: bool, args) -> list[dict]:
    """Fit one log, and return the parts, the promise and the truth of every target."""
    train, test = split(full_log(name, args.data, args.cache), seed)
    train, test = at_most(train, TRAIN, seed), at_most(test, TEST, seed)
    truth = measure.Truth.of(train, test)
    if logger == "tag":
        test = with_levels(test)
    partial, probability = logged_by(train, logger, seed, column=column)
    noted: list[Parts] = []
    original, promise = Corrected.of, measure._promise

    def of(self: Corrected, chance: np.ndarray):
        estimate = original(self, chance)
        if not self.relative:
            noted.append(parts_of(self, chance, estimate.value, estimate.effective))
        return estimate

    def promised(policy, *rest) -> dict:
        noted.clear()
        row = promise(policy, *rest)
        nearest = min(noted, key=lambda one: abs(one.value - row["promise"][0]))
        return {"parts": asdict(nearest), "truth": row["truth"]}

    Corrected.of, measure._promise = of, promised
    try:
        return measure.promises(partial, test, truth, probability)["targets"]
    finally:
        Corrected.of, measure._promise = original, promise


def promise_of(parts: Parts, tau: float, chances_in_share: bool, missing_in_share: bool) -> tuple[float, float]:
    """Return the estimate and the half-width of a candidate."""
    noise = max(parts.correction_variance, QUALITY_VARIANCE / max(parts.effective, 1e-12))
    prior, missing = tau**2 + parts.error, MISSING_ERROR**2 * max(1 - parts.weight, 0.0) ** 2
    chance = ESTIMATED_ERROR**2 if parts.estimated else 0.0
    known, noisy = prior + missing * missing_in_share, noise + chance * chances_in_share
    share = known / (known + noisy) if parts.effective > 0 and tau else 0.0
    reach = (1 - share) * (prior + missing) ** 0.5 + share * (noise + chance) ** 0.5
    return parts.forecast + share * parts.correction, Z90 * float(np.hypot(parts.forecast_variance**0.5, reach))


def table(rows: list[tuple[tuple, Parts, list[float]]]) -> str:
    """Return the errors of all candidates by logger, as a Markdown table; covers where 20 runs or more count."""
    lines = [
        "| candidate | logger | targets | bias | rms error | cover | half-width |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, candidate in CANDIDATES.items():
        groups = defaultdict(list)
        for (_, logger, column, _), parts, (truth, noise) in rows:
            value, reach = promise_of(parts, *candidate)
            held = abs(value - truth) <= np.hypot(reach, Z90 * noise) if parts.effective >= 20 else np.nan
            groups[logger + (", chances logged" if column else "")].append((100 * (value - truth), held, 100 * reach))
        for logger, figures in sorted(groups.items()):
            error, held, reach = np.array(figures, float).T
            lines.append(
                f"| {name} | {logger} | {len(error)} | {error.mean():+.1f} | {np.sqrt((error**2).mean()):.1f} | "
                f"{np.mean(held[~np.isnan(held)]):.2f} | {np.median(reach):.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the logs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--logs", nargs="+", default=list(LOGS))
    parser.add_argument("--seeds", nargs=2, type=int, default=[700, 702], metavar=("FIRST", "END"))
    parser.add_argument("--cache", type=Path, help="folder for logs that were read")
    args = parser.parse_args()
    kept = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.exists() else []
    done = {tuple(one["cell"]) for one in kept}
    for key in itertools.product(args.logs, ("text", "tag"), (0, 1), range(*args.seeds)):
        if key not in done:
            name, logger, column, seed = key
            kept.append({"cell": key, "targets": cell(name, logger, seed, column=bool(column), args=args)})
            with args.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept[-1]) + "\n")
    rows = [(tuple(c["cell"]), Parts(**row["parts"]), row["truth"]) for c in kept for row in c["targets"]]
    print(table(rows))


if __name__ == "__main__":
    main()
