"""Other windows for the pacer: of bills, of the trust in forecasts, and of catching up."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import pacing
import variants
from streams import MEAN_USD, STREAMS, hindsight_quality, make

from paretoroute.serving import pacing as library


@dataclass(frozen=True)
class Windows:
    """Constants of the library's pacer.

    Args:
        bills: over which the ratio of real over expected cost is taken.
        trust: calls by which forecasts are trusted before any is settled.
        catch_up: share of the calls so far over which a deviation from a mean cost is made up for.
    """

    bills: int = 3000
    trust: int = library.PRIOR_CALLS
    catch_up: float = library._CATCH_UP_SHARE

    def set(self) -> None:
        """Set them in the library."""
        library.BILL_DECAY = variants.BILL_DECAY = 1 - 1 / self.bills
        library.PRIOR_CALLS, library._CATCH_UP_SHARE = self.trust, self.catch_up


CANDIDATES = {
    "as it is": Windows(),
    "bills over 10,000": Windows(bills=10_000),
    "trust for 3,000": Windows(trust=3000),
    "catch up over 6%": Windows(catch_up=0.06),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[10, 11, 12])
    parser.add_argument("--streams", nargs="*", default=["rare bills", "dearer", "wide bills"], choices=list(STREAMS))
    arguments = parser.parse_args()

    print("Overspending in % of the allowance (least and most of the seeds) and worst quality over hindsight")
    print("stream, horizon |", " | ".join(CANDIDATES))
    cap = MEAN_USD * arguments.calls
    for name in arguments.streams:
        made = [make(name, arguments.calls, seed) for seed in arguments.seeds]
        best = [hindsight_quality(stream, cap) for stream, _ in made]
        for horizon, pace in pacing.paces(arguments.calls).items():
            cells = []
            for windows in CANDIDATES.values():
                windows.set()
                done = [pacing.run(variants.Resolving(pace, curve, cap), stream, 64) for stream, curve in made]
                over = [100 * (spent / cap - 1) for spent, _ in done]
                ratio = min(quality / most for (_, quality), most in zip(done, best, strict=True))
                cells.append(f"{min(over):+.2f} {max(over):+.2f} {ratio:.3f}")
            print(f"{name}, {horizon} |", " | ".join(cells), flush=True)


if __name__ == "__main__":
    main()
