"""The log that ships with the package, for the demo, the examples and the tests."""

from __future__ import annotations

from importlib.resources import as_file, files

from paretoroute.runs import Runs, read_runs

DEMO_QUERIES = (
    "What is 384 + 1297?",
    "Prove that the sum of the angles of a triangle is 180 degrees, then extend it to convex polygons.",
    "Summarise this email in one sentence: the meeting moved to Thursday at ten, please bring the signed contract.",
)


def demo_runs() -> Runs:
    """Read the log that ships with the package: simulated runs of four invented models (see its data card)."""
    with as_file(files("paretoroute") / "data" / "demo_runs.parquet") as path:
        return read_runs(path)
