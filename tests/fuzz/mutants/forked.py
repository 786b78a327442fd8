"""Inputs tried in forked processes, so that a signal is a failure with its seed and not the end of everything."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import resource
import signal
import struct
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

from tests.fuzz.mutants.kinds import one

SLOW_S = 1.0  # of CPU time
MOST_BYTES = 4 * 10**9  # beyond what a process has when it starts
MOST_S = 120  # of one input, after which its process is ended
WARM_UP = True  # the first input of a process, which imports modules, is tried once before
MOST_FAULTS = 20  # of one kind, after which it is left


@dataclass
class Tally:
    """The inputs of one kind.

    Args:
        inputs: tried.
        accepted: of these.
        cpu_s: of all.
        slowest_s: CPU time of the slowest one.
        slowest_seed: its seed.
        grown_mb: the most by which one input raised the peak of its process's memory.
        grown_seed: its seed.
        faults: seed and error of every fault: an untyped error, a failed check, a signal, or more than a second.
    """

    inputs: int = 0
    accepted: int = 0
    cpu_s: float = 0.0
    slowest_s: float = 0.0
    slowest_seed: int = -1
    grown_mb: float = 0.0
    grown_seed: int = -1
    faults: list[tuple[int, str]] = field(default_factory=list)


def _try(kind: str, seed: int, tally: Tally, folder: Path) -> None:
    peak, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        tally.accepted += one(kind, seed, folder)
    except Exception as error:
        tally.faults.append((seed, f"{type(error).__name__}: {error}"[:300]))
    cpu_s = time.process_time() - started
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1000
    tally.inputs += 1
    tally.cpu_s += cpu_s
    if cpu_s > tally.slowest_s:
        tally.slowest_s, tally.slowest_seed = cpu_s, seed
    if grown_mb > tally.grown_mb:
        tally.grown_mb, tally.grown_seed = grown_mb, seed
    if cpu_s > SLOW_S:
        tally.faults.append((seed, f"takes {cpu_s:.1f} s"))


def part(kind: str, seeds: range, folder: Path) -> Tally:
    """Try seeds in forked processes, a new one after each that a signal ends."""
    place = mmap.mmap(-1, 8)
    total = Tally()
    start = seeds.start
    while start < seeds.stop:
        read, write = os.pipe()
        place[:8] = struct.pack("<q", start)
        child = os.fork()
        if child == 0:
            os.close(read)
            with os.fdopen(write, "w") as pipe, _ended():
                _work(kind, range(start, seeds.stop), folder, place, pipe)
        os.close(write)
        with os.fdopen(read) as pipe:
            lines = pipe.read().splitlines()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        tally = Tally(**json.loads(lines[-1])) if lines else Tally()
        (seed,) = struct.unpack("<q", place[:8])
        if code != 0:
            tally.inputs = seed + 1 - start  # those after the last line of the process are in no other figure
            tally.faults.append((seed, f"signal {-code}" if code < 0 else f"exit code {code}"))
        add(total, tally)
        if code == 0 or len(total.faults) >= MOST_FAULTS:
            break
        start = seed + 1
    return total


@contextlib.contextmanager
def _ended() -> Iterator[None]:
    """End this process with the block, whatever happens in it."""
    code = 1
    try:
        yield
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


def _work(kind: str, seeds: range, folder: Path, place: mmap.mmap, pipe: TextIO) -> None:
    """Try seeds, and write the tally after every fault and every 500 inputs."""
    most = MOST_BYTES + resource.getpagesize() * int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if WARM_UP:
        with contextlib.suppress(Exception):  # counted when its seed is tried
            one(kind, 0, folder)
    tally = Tally()
    for seed in seeds:
        place[:8] = struct.pack("<q", seed)
        signal.alarm(MOST_S)  # a limit of CPU time would make the clock of the process coarse
        faults = len(tally.faults)
        _try(kind, seed, tally, folder)
        if len(tally.faults) > faults or seed % 500 == 0 or seed == seeds[-1]:
            print(json.dumps(asdict(tally)), file=pipe, flush=True)
        if len(tally.faults) >= MOST_FAULTS:
            break


def add(total: Tally, tally: Tally) -> None:
    """Add the figures of some inputs to those of others."""
    total.inputs += tally.inputs
    total.accepted += tally.accepted
    total.cpu_s += tally.cpu_s
    if tally.slowest_s > total.slowest_s:
        total.slowest_s, total.slowest_seed = tally.slowest_s, tally.slowest_seed
    if tally.grown_mb > total.grown_mb:
        total.grown_mb, total.grown_seed = tally.grown_mb, tally.grown_seed
    total.faults += [(int(seed), text) for seed, text in tally.faults]
