"""Saves that are killed or run at once leave one whole policy; ``experiments/saves`` does the same a thousand times."""

import sys

import pytest

from tests.processes import ROOT, python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


def report(folder, what: str, *numbers: int) -> str:
    done = python("-m", "tests.fuzz.save_faults", what, folder, *numbers, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_a_save_killed_at_any_call_leaves_one_whole_policy_and_the_next_save_two_files(tmp_path):
    assert int(report(tmp_path, "every")) > 10


def test_a_save_killed_at_any_time_leaves_one_whole_policy(tmp_path):
    assert "old" in report(tmp_path, "time", 20)


def test_readers_of_a_file_that_two_processes_write_always_read_one_whole_policy(tmp_path):
    assert int(report(tmp_path, "race", 20)) > 0
