"""The log that ships with the package, for the demo, the examples and the tests."""

from __future__ import annotations

from importlib.resources import as_file, files

from paretoroute.runs.read import read_runs
from paretoroute.runs.table import Runs

DEMO_QUERIES = (
    'What is "winter" in Spanish?',
    'What is the opposite of "empty"?',
    "What is 12 times 9?",
)

ABOUT = "The log that ships with the package comes from two TOY-SIZED open models on a laptop; see its data card."


def demo_runs() -> Runs:
    """Read the log that ships with the package: real runs of two toy-sized open models (see its data card)."""
    with as_file(files("paretoroute") / "data" / "demo_runs.parquet") as path:
        return read_runs(path)
