"""Arrow logs with impossible offsets, lengths and names: exit 2 with the file named, not a signal."""

from __future__ import annotations

import struct

import pyarrow as pa
import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs
from tests.cases.case_log import case_rows, run_command


def write_arrow(path, table):
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    return path


def texts_with_offset(rows: int, bad: int) -> pa.Array:
    """Make a column of texts, one of which ends at an impossible offset."""
    ends = [bad if i == rows // 2 else i for i in range(rows + 1)]
    offsets = struct.pack(f"<{rows + 1}i", *ends)
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(b"x" * rows)])


def test_a_text_that_ends_beyond_the_file_is_refused(tmp_path):
    table = pa.Table.from_pylist(case_rows())
    bad = texts_with_offset(table.num_rows, 2**30)
    log = write_arrow(tmp_path / "runs.arrow", table.append_column("tag", bad))

    outcome = run_command(tmp_path, "fit", log, "--out", "p.yaml")

    assert outcome.code == 2
    assert "runs.arrow is damaged after row 0: " in outcome.err
    assert not (tmp_path / "p.yaml").exists()


@pytest.mark.parametrize("old", [b"cost_usd", b"quality\0"])
def test_a_damaged_name_of_a_column_is_refused(tmp_path, old):
    log = write_arrow(tmp_path / "runs.arrow", pa.Table.from_pylist(case_rows()))
    log.write_bytes(log.read_bytes().replace(old, b"\xff" + old[1:]))

    with pytest.raises(RunsError, match=r"runs\.arrow is damaged, or no Arrow file: "):
        read_runs(log)
