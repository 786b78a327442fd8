"""Measure how the time and memory of every reader grow with its input, each in a process of its own."""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz.growth.crowds import groups
from tests.fuzz.growth.readers import Case, planner

MIB = 2**20
LEAST_S = 0.01  # of CPU time from which on a measurement counts
MOST_S = 6  # of CPU time, after which a process is ended
MOST_BYTES = 6 * 10**9


@dataclass(frozen=True)
class Measured:
    """One call.

    Args:
        size: of the input.
        cpu_s: of the call.
        grown: bytes that the process grew by.
        file: bytes of the input as a file, 0 if it is none.
        error: type of an error of another tree, or the signal.
    """

    size: int
    cpu_s: float
    grown: int
    file: int
    error: str = ""


def measured(case: Case, size: int, folder: Path) -> Measured:
    """Call a reader in a forked process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_S, MOST_S + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        result = _measured_here(case, size, folder)
        with os.fdopen(write, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        content = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if content:
        return pickle.loads(content)
    return Measured(size, MOST_S, 0, 0, f"signal {-status}" if status < 0 else f"exit {status}")


def _measured_here(case: Case, size: int, folder: Path) -> Measured:
    error = ""
    call = case.prepare(size, folder / "input")
    files = [file.stat().st_size for file in folder.glob("input*")]
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak starts at what the process has now
    before, started = _status("VmRSS"), time.process_time()
    try:
        call()
    except Exception as caught:
        error = f"{type(caught).__name__}: {caught}"[:100]
    cpu_s = time.process_time() - started
    return Measured(size, cpu_s, _status("VmHWM") - before, max(files, default=0), error)


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    raise KeyError(field)


def grown(case: Case, folder: Path) -> list[Measured]:
    """Measure a case at 1 and 8 MiB, and at sizes between or below where that takes long."""

    def at(size: int) -> Measured:
        for file in folder.glob("input*"):
            file.unlink()
        return measured(case, size, folder)

    results = [at(MIB)]
    if results[0].cpu_s < 0.1 and not results[0].error:
        results.append(at(8 * MIB))
        if results[-1].cpu_s < 0.2 and results[-1].grown < 100e6:
            return results
        between = (2 * MIB, 4 * MIB)
    else:
        between = (MIB // 16, MIB // 8, MIB // 4, MIB // 2)
        if results[0].cpu_s > 2 or results[0].error:
            between = (MIB // 256, MIB // 128, MIB // 64, MIB // 32, *between)
    for size in between:
        results.append(at(size))
        if size < MIB and results[-1].cpu_s > 1:
            break
    return sorted(results, key=lambda result: result.size)


def exponent(results: list[Measured], of: str) -> float:
    """Fit the exponent of the last four measurements that are long or large enough; NaN of fewer than three."""
    least = LEAST_S if of == "cpu_s" else 4e6
    ended = [result for result in results if not result.error]
    pairs = [(result.size, getattr(result, of)) for result in ended if getattr(result, of) >= least][-4:]
    if len(pairs) < 3:
        return float("nan")
    sizes, figures = np.log(np.array(pairs)).T
    return float(np.polyfit(sizes, figures, 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", action="append", help="texts, cells, crowds or settings; all by default")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--all", action="store_true", help="print every case, not only the steepest")
    arguments = parser.parse_args()
    planner()
    with tempfile.TemporaryDirectory() as folder:
        for group, cases in groups().items():
            if arguments.group is None or group in arguments.group:
                _report(group, [case for case in cases if arguments.only in case.name], Path(folder), arguments.all)


def _report(group: str, cases: list[Case], folder: Path, show_all: bool) -> None:
    rows = []
    for case in cases:
        results = grown(case, folder)
        last = next((r for r in results if r.error), results[-1])
        at_mb = max(r.cpu_s * min(1.0, MIB / max(r.size, r.file)) for r in results)
        over = max((r.grown - 10 * max(r.file, r.size) for r in results), default=0)
        row = (exponent(results, "cpu_s"), exponent(results, "grown"), at_mb, over, case.name, last)
        rows.append(row)
        steep = row[0] > 1.2
        if show_all or steep or at_mb > 1 or over > 300e6 or last.error:
            print(
                f"  {case.name}: time^{row[0]:.2f} memory^{row[1]:.2f} {at_mb:.2f} s/MiB, last {last.size} B "
                f"{last.cpu_s:.2f} s {last.grown / 1e6:.0f} MB {last.error}",
                flush=True,
            )
    exponents = [row[0] for row in rows if not np.isnan(row[0])]
    print(
        f"{group}: {len(rows)} cases, {len(exponents)} long enough to fit; steepest {max(exponents, default=0):.2f}; "
        f"slowest MiB {max((row[2] for row in rows), default=0):.2f} s; most memory beyond 10 x file "
        f"{max((row[3] for row in rows), default=0) / 1e6:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
