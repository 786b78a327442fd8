"""Report costs, drift between passes, and goodness of fit of the timings: python timing_report.py FOLDER.

Anchors are asked in every pass as whole votes, of 16 or, with steps, of 4. Measured over derived CPU seconds of these
votes, with costs fitted to votes of two, tests the costs of whole votes. The same ratio by pass is the drift.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from assemble import read
from models import IN_THE_LOG
from served_cost import ServedCost, served_cost
from time_served import REQUESTS, timings_of


def kind_of(row: dict) -> str:
    """Return the kind of a vote's question."""
    return row["id"].rsplit("-", 1)[0]


def ratio(rows: list[dict], cost: ServedCost) -> str:
    """Return measured over derived CPU seconds of votes."""
    derived = sum(cost.vote_s(row["prompt_tokens"], row["tokens"]) for row in rows)
    return f"x{sum(sum(row['seconds']) for row in rows) / derived:.3f}"


def main() -> None:
    """Print one paragraph per model."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    for model in IN_THE_LOG:
        rows = read(timings_of(Path(sys.argv[1]), model))
        of_two = [row for row in rows if len(row["seconds"]) == REQUESTS]
        whole = [row for row in rows if len(row["seconds"]) > REQUESTS]
        cost = served_cost(of_two)
        reading = f"{np.mean([cost.reading_s(row['prompt_tokens']) for row in of_two]):.3f} s"
        lines = f"{cost.prompt_s:.3f} s and {cost.per_prompt_token_s * 1000:.2f} ms per token"
        sample = f"{cost.overhead_s * 1000:.1f} ms and {cost.per_token_s * 1000:.1f} ms per token"
        print(f"{model}, {len(rows)} votes: reading a prompt {reading} ({lines}); a sample {sample}")
        passes = [ratio([row for row in rows if row["pass"] == number], cost) for number in range(rows[-1]["pass"] + 1)]
        print(f"    whole votes {ratio(whole, cost)} of the cost derived from votes of two; passes {', '.join(passes)}")
        kinds = {kind: ratio([row for row in of_two if kind_of(row) == kind], cost) for kind in map(kind_of, of_two)}
        print("    kinds " + ", ".join(f"{kind} {value}" for kind, value in kinds.items()))


if __name__ == "__main__":
    main()
