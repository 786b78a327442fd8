"""Read a log for an experiment, keep its well-logged points, and split it by query."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import paretoroute as pr

COLUMNS = (
    "query_id", "query", "benchmark", "model", "budget_kind", "budget_label", "budget", "quality", "cost_usd",
    "prompt_tokens", "completion_tokens", "latency_s", "sample_index",
)  # fmt: skip


def read_log(*paths: str, coverage: float = 0.8) -> pr.Runs:
    """Read Parquet files (or folders with an outcomes.parquet) as one log.

    Rows without a cost are dropped, and so are points logged for less than ``coverage`` of the queries of any file.
    Texts stored as base64 in ``query_b64`` are decoded in memory, and each query keeps one text.
    """
    tables, points = [], None
    for path in map(Path, paths):
        table = pq.read_table(path / "outcomes.parquet" if path.is_dir() else path)
        if "query_b64" in table.column_names:
            texts = [base64.b64decode(text).decode() if text else "" for text in table["query_b64"].to_pylist()]
            table = table.drop_columns(["query"] if "query" in table.column_names else []).append_column(
                "query", [texts]
            )
        key = pc.binary_join_element_wise(pa.scalar(path.name), table["query_id"].cast("string"), "/")
        table = table.set_column(table.column_names.index("query_id"), "query_id", key)
        table = _with_one_text(table)
        cost = table["cost_usd"]
        table = table.set_column(table.column_names.index("query"), "query", table["query"].cast("large_string"))
        table = table.filter(pc.is_valid(cost)).select([name for name in COLUMNS if name in table.column_names])
        tables.append(table)
        names = pc.binary_join_element_wise(*(table[c].cast("string") for c in COLUMNS[3:6]), "|")
        queries = pa.table({"point": names, "query": table["query_id"]}).group_by("point")
        counts = queries.aggregate([("query", "count_distinct")]).to_pydict()
        most = len(pc.unique(table["query_id"]))
        kept = {p for p, n in zip(counts["point"], counts["query_count_distinct"], strict=True) if n >= coverage * most}
        points = kept if points is None else points & kept
    table = pa.concat_tables(tables, promote_options="default")
    names = pc.binary_join_element_wise(*(table[c].cast("string") for c in COLUMNS[3:6]), "|")
    return pr.read_runs(table.filter(pc.is_in(names, pa.array(sorted(points or ())))))


def _with_one_text(table: pa.Table) -> pa.Table:
    """Replace the texts of each query by the one that sorts first, where a source writes its prompts in several forms.

    GPQA Diamond has each question with and without its options, which a fit refuses as different questions of one id.
    """
    first: dict[str, str] = {}
    ids, texts = table["query_id"].to_pylist(), table["query"].to_pylist()
    for key, text in zip(ids, texts, strict=True):
        if text and text < first.get(key, "\U0010ffff"):
            first[key] = text
    column = table.column_names.index("query")
    return table.set_column(column, "query", pa.array([first.get(key, "") for key in ids], pa.large_string()))


def split(runs: pr.Runs, seed: int, share: float = 0.3) -> tuple[pr.Runs, pr.Runs]:
    """Split into training and held-out runs; a hash of seed and query id decides."""
    rank = np.argsort([hashlib.sha256(f"{seed}:{key}".encode()).hexdigest() for key in runs.query_ids])
    held = np.zeros(len(rank), bool)
    held[rank[: int(share * len(rank))]] = True
    return runs.select(~held), runs.select(held)


def filled(runs: pr.Runs, name: str) -> np.ndarray:
    """Return logged means ``(queries, points)``; missing cells take the mean of their point."""
    means, _ = runs.means(name)
    return np.where(np.isnan(means), np.nanmean(means, axis=0), means)
