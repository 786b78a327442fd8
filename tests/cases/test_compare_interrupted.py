"""A comparison that is interrupted, by Ctrl-C and then by a kill, goes on and has the figures of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cases.case_log import case_rows, write_jsonl
from tests.planner_cases import command
from tests.processes import ROOT

ROUTERS = "static,tag,random,best-single,prompt-length,knn"  # tag is left out: the log has no tags
STEPS = 3 * 6 + 1  # the oracle is not kept


def arguments(log: Path, kept: Path) -> tuple[str, ...]:
    return "compare", str(log), "--routers", ROUTERS, "--folds", "3", "--format", "json", "--cache", str(kept)


def interrupted(log: Path, kept: Path, *, signal_number: int, steps: int) -> subprocess.CompletedProcess[str]:
    """Start the command, send it a signal once some steps are kept, and return its end."""
    asked = [sys.executable, "-m", "paretoroute", *arguments(log, kept), "--jobs", "2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(asked, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        while process.poll() is None and len(list(kept.glob("*.step"))) < steps:
            time.sleep(0.01)
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(asked, process.returncode, out, err)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_compare_goes_on_after_ctrl_c_and_a_kill_with_the_same_figures(tmp_path):
    log, kept = write_jsonl(tmp_path / "runs.jsonl", case_rows(150)), tmp_path / "kept"
    kept.mkdir()

    stopped = interrupted(log, kept, signal_number=signal.SIGINT, steps=2)
    first = len(list(kept.glob("*.step")))
    killed = interrupted(log, kept, signal_number=signal.SIGKILL, steps=first + 2)
    second = len(list(kept.glob("*.step")))
    resumed = command(*arguments(log, kept), "--jobs", "1")

    sentence = f"paretoroute: stopped; finished steps are kept in {kept}, and the same command goes on from there\n"
    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (130, "", sentence)
    assert killed.returncode == -signal.SIGKILL
    assert 2 <= first < second < STEPS == len(list(kept.glob("*.step")))
    assert resumed.code == 0, resumed.err
    whole = command(*arguments(log, tmp_path / "another"), "--jobs", "1")
    assert resumed.out == whole.out
