"""Mutated limits, options, numbers, queries and query files."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import paretoroute as pr
from paretoroute.cli.arguments import options
from paretoroute.cli.arguments.query_file import read_queries
from paretoroute.query import query_text
from paretoroute.runs import values
from paretoroute.runs.checks.quality_scale import QualityScale
from paretoroute.runs.queries import parse_join
from tests.fuzz.mutants import mutations
from tests.fuzz.mutants.refusals import refused

LIMITS = [
    "share of small at most 0.2", "mean latency of tag code at most 5 s",
    "mean cost of tenant a at most $0.01 per query",
    "mean quality of tag code at least 0.8", "latency of a call at most 30 s at quantile 0.95",
    "cost of a call at most $0.05 at quantile 0.9",
    "context of small at most 128000 tokens", "never small, big of tag code", "only small of step draft",
    "mean latency at most 5 s",
]  # fmt: skip


def limit(rng: random.Random, folder: Path) -> bool:
    text = mutations.changed_text(rng.choice(LIMITS), rng)
    read = refused(lambda: pr.parse_limit(text))
    if read is not None:
        assert pr.parse_limit(str(read)) == read, text
        for name in ("share", "seconds", "usd", "quality", "quantile", "tokens"):
            assert 0 <= getattr(read, name, 0) < math.inf, text
    return read is not None


def option(rng: random.Random, folder: Path) -> bool:
    """Values of ``--quality-scale``, ``--join`` and ``--columns``."""
    text = mutations.changed_text(
        rng.choice(["1:5", "0:100", "5:1", "id", "id,text", "cost_usd=spend,model=name"]), rng
    )
    scale = refused(lambda: QualityScale.parse(text))
    if scale is not None:
        worst, best = map(float, text.split(":"))
        assert (
            (scale.worst, scale.best) == (worst, best)
            and math.isfinite(worst)
            and math.isfinite(best)
            and worst != best
        )
    refused(lambda: parse_join(text))
    refused(lambda: options.read_columns(text))
    return scale is not None


def number(rng: random.Random, folder: Path) -> bool:
    """Cells of numbers and of qualities, against Python's float."""
    text = mutations.changed_text(
        rng.choice(["0.25", "1e-3", "12345", "-7.5", "85%", "pass", " 3 ", "1,234.5", "+.5"]), rng
    )
    read = refused(lambda: values.number_in_text(text))
    if read is not None and not math.isnan(read):
        assert float(text) == read
    quality = refused(lambda: values.grade(text))
    if quality is not None and quality.is_number and not math.isnan(quality.value):
        assert float(text) == quality.value
    return read is not None


def query(rng: random.Random, folder: Path) -> bool:
    value = (
        mutations.any_value(rng)
        if rng.random() < 0.5
        else mutations.changed_text('[{"role": "user", "content": "Why is it?"}]', rng)
    )
    text = refused(lambda: query_text(value))
    assert text is None or isinstance(text, str)
    return text is not None


def query_file(rng: random.Random, folder: Path) -> bool:
    rows = [
        {"query": mutations.any_value(rng), "query_id": mutations.any_value(rng), "tag": mutations.any_value(rng)}
        for _ in range(3)
    ]
    data = mutations.changed_bytes("".join(json.dumps(row) + "\n" for row in rows).encode(), rng)
    path = folder / "queries.jsonl"
    path.write_bytes(data)
    read = refused(lambda: read_queries(path))
    if read is not None:
        lines = [json.loads(line) for line in data.split(b"\n") if line.strip()]
        assert len(lines) == len(read)
        assert all(
            repr(line.get("query")) == repr(one.query) for line, one in zip(lines, read, strict=True)
        )  # NaN is not itself
    return read is not None
