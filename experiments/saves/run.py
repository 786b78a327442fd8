"""Kill saves at every call and at random times, and let processes save and read one policy at the same time."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz.save_faults import kill_at_any_time, kill_at_every_call, write_and_read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="saves killed after a random time")
    parser.add_argument("--saves", type=int, default=1000, help="saves of each race")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as every, tempfile.TemporaryDirectory() as time:
        print("killed at each call of the system:", kill_at_every_call(Path(every) / "policy.yaml"), flush=True)
        left = kill_at_any_time(Path(time) / "policy.yaml", arguments.kills, arguments.seed)
        print("killed at any time:", arguments.kills, "left", left, flush=True)
    for writers, readers in ((2, 2), (4, 4)):
        with tempfile.TemporaryDirectory() as race:
            path = Path(race) / "policy.yaml"
            reads = write_and_read(path, arguments.saves, writers=writers, readers=readers)
            print(
                f"{arguments.saves} saves by {writers} writers: {reads} reads by {readers} readers, each of one policy"
            )


if __name__ == "__main__":
    main()
