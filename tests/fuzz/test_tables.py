"""Damaged Arrow and Parquet logs are read or refused; none ends the process or raises an error of another type."""

import os

from tests.processes import ROOT, python

FILES = 2000 if os.environ.get("FUZZ") == "long" else 40  # of each form


def test_tables_with_changed_bytes_are_read_or_refused(tmp_path):
    done = python("-W", "error", "-m", "tests.fuzz.damaged_tables", tmp_path, FILES, cwd=ROOT)

    assert (done.returncode, done.stderr) == (0, "")
    assert "refused" in done.stdout and "read" in done.stdout
