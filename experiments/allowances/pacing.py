"""Pace streams of calls without any guard; compare spending with the allowance, and quality with hindsight."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import numpy as np
from streams import MEAN_USD, STREAMS, Stream, hindsight_quality, make
from variants import VARIANTS, Variant

from paretoroute.serving.pacing import Pace


def paces(calls: int) -> dict[str, Pace]:
    """Return a known number of calls, a known end, and a mean cost for an unknown number."""
    return {
        "calls known": Pace(calls=calls),
        "end known": Pace(ends_at=1.0, calls=0.3 * calls),  # a bad guess of the number of calls
        "mean cost": Pace(usd_per_call=MEAN_USD),
    }


def run(variant: Variant, stream: Stream, delay: int) -> tuple[float, float]:
    """Return the money spent and the mean quality; bills come ``delay`` calls late."""
    calls = len(stream.quality)
    forecasts, costs, quality = np.empty(calls), np.empty(calls), 0.0
    for call in range(calls):
        if call >= delay:
            variant.settled(float(forecasts[call - delay]), float(costs[call - delay]))
        price = variant.price(float(stream.time[call]))
        point = int((stream.quality[call] - price * stream.cost_usd[call]).argmax())
        forecasts[call] = stream.cost_usd[call, point]
        costs[call] = forecasts[call] * stream.surprise[call]
        quality += stream.quality[call, point]
        variant.dispatched(float(forecasts[call]))
    return float(costs.sum()), quality / calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--delay", type=int, default=64, help="calls by which bills are late")
    parser.add_argument("--streams", nargs="*", default=list(STREAMS), choices=list(STREAMS))
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    arguments = parser.parse_args()

    print("Overspending in % of the allowance (most and least of the seeds) and worst quality over hindsight")
    print("stream, horizon |", " | ".join(arguments.variants))
    cap = MEAN_USD * arguments.calls
    for name in arguments.streams:
        made = [make(name, arguments.calls, seed) for seed in range(arguments.seeds)]
        best = [hindsight_quality(stream, cap) for stream, _ in made]
        for horizon, pace in paces(arguments.calls).items():
            cells = []
            for variant in arguments.variants:
                done = [run(VARIANTS[variant](pace, curve, cap), stream, arguments.delay) for stream, curve in made]
                over = [100 * (spent / cap - 1) for spent, _ in done]
                ratio = min(quality / most for (_, quality), most in zip(done, best, strict=True))
                cells.append(f"{min(over):+.2f} {max(over):+.2f} {ratio:.3f}")
            print(f"{name}, {horizon} |", " | ".join(cells), flush=True)


if __name__ == "__main__":
    main()
