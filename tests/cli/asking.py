"""Logs, queries and folders to try the command line on."""

from pathlib import Path

from tests.planner_cases import make_rows, write_rows

QUERY = "please say which comes next: theorem lemma"
HARD_QUERY = "please say which comes next: theorem lemma integral manifold functor topology spectrum kernel"


def small_log(folder: Path, queries: int = 200) -> Path:
    """Write a log that is quick to fit: three points priced by tokens, no latency."""
    rows = [dict(row, latency_s=None) for row in make_rows(queries, seed=11) if row["model"] in ("small", "thinker")]
    return write_rows(folder / "small.jsonl", rows)


def queries_file(folder: Path, *lines: str) -> Path:
    path = folder / "queries.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def nothing_written(folder: Path) -> bool:
    return not [path for path in folder.rglob("*") if path.suffix in (".yaml", ".safetensors", ".svg", ".html")]


def one_line(result) -> str:
    """Check that the error is one line, and return it."""
    assert result.code == 2, result
    assert result.err.startswith("paretoroute: ")
    assert result.err.count("\n") == 1, result.err
    assert "Traceback" not in result.err
    return result.err.removeprefix("paretoroute: ").strip()
