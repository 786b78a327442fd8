"""A comparison that is interrupted, by Ctrl-C and then by a kill, goes on and has the figures of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cases.case_log import case_rows, write_jsonl
from tests.processes import python

ROUTERS = "static,tag,random,best-single,prompt-length,knn"  # tag is left out: the log has no tags
STEPS = 3 * 6 + 1  # the oracle is not kept; a second worker may do tag at a fold more before it is left out


def arguments(log: Path, kept: Path) -> tuple[str, ...]:
    return "compare", str(log), "--routers", ROUTERS, "--folds", "3", "--format", "json", "--cache", str(kept)


STOPPED = """
import os, signal, sys
from paretoroute.evaluation.protocol.steps.cache import StepCache

signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background ignore it, and so would this one

store, kept = StepCache.store, []

def store_and_stop(cache, key, result):
    store(cache, key, result)
    kept.append(key)
    if len(kept) == {steps}:
        os.kill(os.getpid(), {signal_number})

StepCache.store = store_and_stop
sys.argv = ["paretoroute", *{arguments}]
from paretoroute.__main__ import main
main()
"""


def interrupted(log: Path, kept: Path, *, signal_number: int, steps: int) -> subprocess.CompletedProcess[str]:
    """Run the command with a signal to itself once it has kept some steps."""
    asked = [*arguments(log, kept), "--jobs", "2"]
    return python("-c", STOPPED.format(steps=steps, signal_number=int(signal_number), arguments=asked))


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_compare_goes_on_after_ctrl_c_and_a_kill_with_the_same_figures(tmp_path):
    log, kept = write_jsonl(tmp_path / "runs.jsonl", case_rows(150)), tmp_path / "kept"
    kept.mkdir()

    stopped = interrupted(log, kept, signal_number=signal.SIGINT, steps=2)
    first = len(list(kept.glob("*.step")))
    killed = interrupted(log, kept, signal_number=signal.SIGKILL, steps=2)
    second = len(list(kept.glob("*.step")))
    resumed = python("-m", "paretoroute", *arguments(log, kept), "--jobs", "1")

    sentence = f"paretoroute: stopped; finished steps are kept in {kept}, and the same command goes on from there"
    *progress, last = stopped.stderr.splitlines()
    assert (stopped.returncode, stopped.stdout, last) == (130, "", sentence)
    assert all(line.startswith("paretoroute: fold ") for line in progress)  # of a busy machine: one every 30 seconds
    assert killed.returncode == -signal.SIGKILL
    assert 2 <= first < second < STEPS <= len(list(kept.glob("*.step")))
    assert resumed.returncode == 0, resumed.stderr
    whole = python("-m", "paretoroute", *arguments(log, tmp_path / "another"), "--jobs", "1")
    assert resumed.stdout == whole.stdout
