"""Faults while policies are saved: kills, and several processes that save and read one file at a time.

Every fit here is the policy that ships with another mark in its name and its numbers, so that a reader sees whether
both files are of one fit. Run as a program in a process of its own: it forks.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from paretoroute.policy.policy import Policy

SHIPPED = Path(__file__).parents[2] / "policies" / "demo-max-cost.yaml"


def fits(count: int) -> list[Policy]:
    """Make policies that differ in both files."""
    shipped = Policy.load(SHIPPED)
    return [
        Policy(
            shipped.document.model_copy(update={"name": f"fit {mark}"}),
            replace(shipped.surface, queries=np.full_like(shipped.surface.queries, 1.0 + mark)),
            shipped.calibration_sample,
        )
        for mark in range(count)
    ]


def mark_of(path: Path) -> int:
    """Read a policy; return its mark, which must be the same in both files."""
    policy = Policy.load(path)
    mark = int(policy.document.name.removeprefix("fit "))
    assert (policy.surface.queries == 1.0 + mark).all(), f"{policy.document.name} has the numbers of another fit"
    return mark


def in_child(action: Callable[[], object]) -> int:
    """Run an action in a forked process; return its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at(event: int) -> None:
    """Kill this process at its n-th audited call of the system, such as opening, renaming or removing a file."""
    seen = 0

    def count(name: str, _: object) -> None:
        nonlocal seen
        if name == "open" or name.startswith("os."):
            seen += 1
            if seen == event:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def kill_at_every_call(path: Path) -> int:
    """Kill a save at its first call of the system, at its second, and so on; return the number of kills.

    After each kill the old policy or the new one is there; the next save leaves its own two files alone.
    """
    old, new, last = fits(3)
    for event in range(1, 1000):
        old.save(path)

        def save(event: int = event) -> None:
            kill_at(event)
            new.save(path)

        code = in_child(save)
        assert mark_of(path) in (0, 1)
        if code == 0:
            return event - 1
        assert code == -signal.SIGKILL, code
        last.save(path)
        assert mark_of(path) == 2
        left = sorted(file.name for file in path.parent.iterdir())
        assert len(left) == 2, f"after a kill at call {event}: {left}"
    raise AssertionError("a save makes a thousand calls")


def kill_at_any_time(path: Path, kills: int, seed: int = 0) -> dict[str, int]:
    """Kill saves of changing fits after a random time; count which policy was there then."""
    saved, rng = fits(4), random.Random(seed)
    started = time.perf_counter()
    saved[0].save(path)
    usual_s = time.perf_counter() - started
    counts = {"old": 0, "new": 0}
    for number in range(kills):
        old, new = mark_of(path), (mark_of(path) + 1) % len(saved)
        child = os.fork()
        if child == 0:
            saved[new].save(path)
            os._exit(0)
        time.sleep(rng.uniform(0.0, 1.2) * usual_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        mark = mark_of(path)
        assert mark in (old, new), f"kill {number}: {old} became {mark} instead of {new}"
        counts["new" if mark == new else "old"] += 1
    saved[0].save(path)
    left = sorted(file.name for file in path.parent.iterdir())
    assert len(left) == 2, left
    return counts


def write_and_read(path: Path, saves: int, *, writers: int = 2, readers: int = 2) -> int:
    """Let processes save fits that they share, and others read until the last save; return the number of reads."""
    saved = fits(3)
    saved[0].save(path)
    done, reports = path.parent / "done", path.parent / "reads"
    reports.mkdir()

    def write(own: int) -> None:
        for number in range(saves // writers):
            saved[(own + number) % len(saved)].save(path)

    def read() -> None:
        count = 0
        while not done.exists():
            mark_of(path)
            count += 1
        (reports / f"{os.getpid()}").write_text(str(count), encoding="utf-8")

    actions = [lambda own=own: write(own) for own in range(writers)] + [read] * readers
    children: list[int] = []
    for action in actions:
        child = os.fork()
        if child == 0:
            os._exit(in_child(action))
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children[:writers]]
    done.touch()
    codes += [os.waitpid(child, 0)[1] for child in children[writers:]]
    assert not any(codes), codes
    done.unlink()
    reads = sum(int(file.read_text(encoding="utf-8")) for file in reports.iterdir())
    left = sorted(file.name for file in path.parent.iterdir() if file != reports)
    assert len(left) == 2, left
    mark_of(path)
    return reads


if __name__ == "__main__":
    what, folder, *numbers = sys.argv[1:]
    actions = {"every": kill_at_every_call, "time": kill_at_any_time, "race": write_and_read}
    print(actions[what](Path(folder) / "policy.yaml", *map(int, numbers)))
