"""Try a million mutated inputs of every kind in forked processes; a signal is a failure with its seed, not the end."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz.mutants.forked import Tally, add, part
from tests.fuzz.mutants.kinds import KINDS, one

PART = 20_000  # inputs of one process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all kinds together")
    parser.add_argument("--kind", action="append", help="one kind; may be repeated; all by default")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="try this one alone, and show its error")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.seed is not None:
            print("accepted" if one(arguments.kind[0], arguments.seed, Path(folder)) else "refused")
            return
        sys.exit(_run(arguments.kind or list(KINDS), arguments.inputs, arguments.start, Path(folder)))


def _run(kinds: list[str], inputs: int, start: int, folder: Path) -> int:
    """Try all kinds, print a table, and return the number of faults, at most 100."""
    share = inputs / sum(count for _, count in KINDS.values())
    total = Tally()
    print("| kind | inputs | accepted | CPU s | slowest, ms (seed) | most memory, MB (seed) | faults |")
    print("|---|---|---|---|---|---|---|")
    for kind in kinds:
        tally = Tally()
        stop = start + max(1, round(share * KINDS[kind][1]))
        for first in range(start, stop, PART):
            add(tally, part(kind, range(first, min(stop, first + PART)), folder))
        _print(kind, tally)
        add(total, tally)
    _print("all", total)
    return min(len(total.faults), 100)


def _print(name: str, tally: Tally) -> None:
    slowest = f"{1000 * tally.slowest_s:,.0f} ({tally.slowest_seed})"
    grown = f"{tally.grown_mb:.0f} ({tally.grown_seed})"
    figures = (f"{tally.inputs:,}", f"{tally.accepted:,}", f"{tally.cpu_s:,.0f}", slowest, grown, len(tally.faults))
    print(f"| {name} | {' | '.join(map(str, figures))} |", flush=True)
    for seed, error in tally.faults if name != "all" else ():
        print(f"    {name}, seed {seed}: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
