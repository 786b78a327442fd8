"""Compare the chances that a fit can go by: python experiments/partial_logs/chances.py DATA --out CELLS.jsonl.

Every logger looks at the query and logs its propensities. Fits go by the logged chances (``logged``), by those
estimated from the query (``estimated``), and by the package's rule (``rule``).
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from loggers import logged_by, with_levels
from logs import split
from measure import Truth, promises
from run import TEST, TRAIN, at_most, full_log

from paretoroute.fitting import pipeline
from paretoroute.fitting.partial_logs import hidden_choice, more_effective_runs
from paretoroute.fitting.partial_logs.propensities import Propensities

RULE = more_effective_runs.with_more_effective_runs
CHANCES = ("logged", "estimated", "rule")
LOGGERS = ("text", "tag", "hidden", "peeks")
LOGS = ("mmlu_pro", "zeroeval", "reasoning_gym", "mixture", "routellm")
SEEN: dict = {}


def used(propensities: Propensities, quality, design, *, chances: str) -> Propensities:
    """Return the propensities of a candidate, and keep what the rule goes by."""
    if propensities.source != "logged" or not propensities.is_forecast:
        SEEN.update(p_value=None, used=propensities.source)
        return propensities
    SEEN["p_value"] = hidden_choice.p_value(quality, propensities, design)
    result = {
        "logged": lambda: propensities,
        "estimated": lambda: more_effective_runs.with_estimated(propensities),
        "rule": lambda: RULE(propensities, quality, design),
    }[chances]()
    SEEN["used"] = result.source
    return result


def cell(name: str, logger: str, seed: int, chances: str, args) -> dict:
    """Fit one log by some chances, and compare five targets with their truth."""
    pipeline.with_more_effective_runs = lambda *given: used(*given, chances=chances)
    train, test = split(full_log(name, args.data, args.cache), seed)
    train, test = at_most(train, TRAIN, seed), at_most(test, TEST, seed)
    truth = Truth.of(train, test)
    partial, probability = logged_by(train, logger, seed, column=True)
    found = promises(partial, with_levels(test) if logger == "tag" else test, truth, probability)
    return {
        **SEEN,
        "bias": [one["promise"][0] - one["truth"][0] for one in found["targets"]],
        "gain": [one["truth"][0] - one["static"] for one in found["targets"]],
        "has_interval": [one["promise"][1] is not None for one in found["targets"]],
    }


def table(cells: list[dict]) -> None:
    """Print means over logs and seeds by logger and chances."""
    print("| logger | chances | logs | bias | rms | no interval | gain | p < .01 | estimated used |")
    print("|---|---|---|---|---|---|---|---|---|")
    for logger, chances in itertools.product(LOGGERS, CHANCES):
        rows = [one for one in cells if (one["cell"][1], one["cell"][3]) == (logger, chances)]
        if rows:
            bias, gain = (100 * np.array([one[name] for one in rows]) for name in ("bias", "gain"))
            tested = [one["p_value"] < 0.01 for one in rows if one["p_value"] is not None]
            without, estimated = (
                1 - np.mean([one["has_interval"] for one in rows]),
                np.mean([one["used"] == "estimated" for one in rows]),
            )
            print(
                f"| {logger} | {chances} | {len(rows)} | {bias.mean():+.1f} | {np.sqrt((bias**2).mean()):.1f} "
                f"| {without:.0%} | {gain.mean():+.1f} | {np.mean(tested):.0%} | {estimated:.0%} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the logs")
    parser.add_argument("--out", type=Path, required=True, help="cells that it has are not run again")
    parser.add_argument("--seeds", nargs=2, type=int, default=[804, 808], metavar=("FIRST", "END"))
    parser.add_argument("--cache", type=Path, help="folder for logs that were read")
    args = parser.parse_args()
    cells = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.exists() else []
    done = {tuple(one["cell"]) for one in cells}
    for seed, name, logger, chances in itertools.product(range(*args.seeds), LOGS, LOGGERS, CHANCES):
        if (key := (name, logger, seed, chances)) not in done:
            cells.append({"cell": key, **cell(name, logger, seed, chances, args)})
            with args.out.open("a") as file:
                file.write(json.dumps(cells[-1]) + "\n")
    table(cells)


if __name__ == "__main__":
    main()
