"""What the timings say: python timing_report.py FOLDER. The drift between passes, the costs, and how well they hold.

The anchors were asked in every pass as whole votes, of 16 or, with steps, of 4. Pass by pass, what they took over what
is derived for them from votes of two is the drift; over all passes it says whether whole votes cost what the log says.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from assemble import read
from models import IN_THE_LOG
from served_cost import served_cost
from time_served import REQUESTS, timings_of


def main() -> None:
    """Print a paragraph a model."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    for name in IN_THE_LOG:
        rows = read(timings_of(Path(sys.argv[1]), name))
        cost = served_cost([row for row in rows if len(row["seconds"]) == REQUESTS])
        read_s = np.array(list(cost.prompt_s.values()))
        print(
            f"{name}: a prompt {read_s.mean():.3f} s ({read_s.min():.3f} to {read_s.max():.3f}); "
            f"a request {cost.overhead_s * 1000:.1f} ms and {cost.per_token_s * 1000:.1f} ms a token"
        )
        prompts = {row["pass"]: [] for row in rows}
        for row in rows:
            if len(row["seconds"]) == REQUESTS:
                beyond = row["seconds"][0] - cost.sample_s(row["tokens"][0])
                prompts[row["pass"]].append(beyond)
        whole = [row for row in rows if len(row["seconds"]) > REQUESTS]
        ratios = {row["pass"]: [] for row in whole}
        for row in whole:
            ratios[row["pass"]].append((sum(row["seconds"]), cost.vote_s(row["id"], row["tokens"])))
        for number, pairs in ratios.items():
            took, derived = np.sum(pairs, axis=0)
            print(
                f"    pass {number}: whole votes took {took / derived:.3f} of what is derived; "
                f"a prompt {np.mean(prompts[number]):.3f} s"
            )
        took, derived = np.sum([pair for pairs in ratios.values() for pair in pairs], axis=0)
        print(f"    all passes: {took / derived:.3f}")


if __name__ == "__main__":
    main()
