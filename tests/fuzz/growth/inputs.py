"""Texts and logs of any size, of shapes that slow readers down: one long run of a sign, many columns, names, copies."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

Row = dict[str, Any]

UNITS = {
    "digits": "7",
    "letters": "a",
    "words": "ab ",
    "commas": ",",
    "digits and commas": "1,234,",
    "points": "1.",
    "thousands": ".123",
    "signs": "-",
    "exponents": "1e",
    "percent": "%",
    "quotes": '"',
    "apostrophes": "'",
    "opening brackets": "[",
    "opening braces": "{",
    "intervals": "[1, ",
    "pairs": "[1, 2] ",
    "closing brackets": "]",
    "spaces": " ",
    "tabs": "\t",
    "lines": "\n",
    "returns": "\r",
    "quoted lines": 'a\n"\n',
    "backslashes": "\\",
    "zeros": "\0",
    "slashes": "/",
    "paths": "a/",
    "providers": "openai/",
    "bedrock": "us.anthropic.a-v1:",
    "colons": "1:",
    "times": "12:34:",
    "dates": "2020-01-01",
    "hexadecimal": "deadbeef-",
    "operators": "1 + ",
    "underscores": "_",
    "milliseconds": "time_",
    "latencies": "latencyMs_",
    "stars": "*",
    "at signs": "@",
    "equals": "a=b,",
    "hashes": "#",
    "ampersands": "&a ",
    "question marks": "? ",
    "combining marks": "\u0301",
    "ligatures": "\ufdfa",  # one character, 18 of its compatibility form
    "capitals": "\u0130",  # one character, two of its lower case
    "emoji": "\U0001f600",
    "families": "\U0001f468\u200d",
    "Chinese": "\u6a21",
    "half characters": "\udcff",
    "at most": " at most 1",
    "of tag": " of tag a",
    "roles": '[{"role": "user", "content": "',
    "escapes": "\\u0000",
    "angles": "<b>&lt;",
}


def long_text(shape: str, size: int) -> str:
    """Repeat a shape's unit up to a number of characters."""
    unit = UNITS[shape]
    return (unit * (size // len(unit) + 1))[:size]


def one_row(**values: Any) -> Row:
    """Make a row of a log with some values changed."""
    return {"query_id": "a", "query": "Why?", "model": "small", "quality": 1.0, "cost_usd": 0.01} | values


def many(count: int, make: Callable[[int], Row]) -> list[Row]:
    """Make rows by their number."""
    return [one_row(**make(i)) for i in range(count)]


# Rows by their number; a row has some 60 to 100 bytes.
CROWDS: dict[str, Callable[[int], Row]] = {
    "copies": lambda i: {},
    "ids": lambda i: {"query_id": f"id-{i}"},
    "near-equal ids": lambda i: {"query_id": "x" * 40 + f"{i:09}"},
    "texts": lambda i: {"query_id": f"id-{i}", "query": f"text {i}"},
    "texts of one id": lambda i: {"query": f"text {i} of many words that differ {i * 7}"},
    "two texts of each id": lambda i: {
        "query_id": f"id-{i // 2}",
        "query": f"{'sort' if i % 2 else 'prove'} number {i}",
    },
    "models": lambda i: {"model": f"model-{i}"},
    "models that differ in form": lambda i: {"model": f"{'Model' if i % 2 else 'model'}-{i // 2}"},
    "models with prefixes": lambda i: {"model": f"host{i % 7}/model-{i // 7}"},
    "labels": lambda i: {"budget_kind": "effort", "budget_label": f"level {i}"},
    "kinds": lambda i: {"budget_kind": f"kind_{i}", "budget_label": "high"},
    "amounts": lambda i: {"budget_kind": "thinking_tokens", "budget": i},
    "amounts of one label": lambda i: {"budget_kind": "samples", "budget_label": "maj", "budget": i},
    "tags": lambda i: {"query_id": f"id-{i}", "tag": f"tag {i}"},
    "tags of one id": lambda i: {"tag": f"tag {i}"},
    "tenants": lambda i: {"query_id": f"id-{i}", "tenant": f"tenant {i}"},
    "conversations": lambda i: {"query_id": f"id-{i}", "conversation": f"talk {i}"},
    "lists as tags": lambda i: {"query_id": f"id-{i}", "tag": ["a", i]},
    "unreadable qualities": lambda i: {"query_id": f"id-{i}", "quality": f"grade {i}"},
    "qualities outside": lambda i: {"query_id": f"id-{i}", "quality": i},
    "words as qualities": lambda i: {"query_id": f"id-{i}", "quality": ("yes", "no", 1.0)[i % 3]},
    "unreadable costs": lambda i: {"query_id": f"id-{i}", "cost_usd": f"${i}"},
    "negative costs": lambda i: {"query_id": f"id-{i}", "cost_usd": -i},
    "numbers without a model": lambda i: {"model": None, "query_id": f"id-{i}"},
    "samples": lambda i: {"sample_index": i},
    "embeddings": lambda i: {"query_id": f"id-{i}", "embedding": [0.5, i, 1.0]},
    "embeddings of one id": lambda i: {"embedding": [0.5, i, 1.0]},
    "columns that differ": lambda i: {f"column {i % 9000}": 1},
    "nested values": lambda i: {"other": {"a": [i, {"b": [i]}]}},
}


def crowd(shape: str, size: int) -> list[Row]:
    """Make the rows of a log of about so many bytes as JSON."""
    make = CROWDS[shape]
    each = len(json.dumps(one_row(**make(1000)))) + 1
    return many(max(1, size // each), make)


def as_jsonl(rows: list[Row]) -> bytes:
    """Write rows as JSONL."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[Row], separator: str = ",") -> bytes:
    """Write rows as CSV; lists and objects as JSON."""
    names = list(dict.fromkeys(name for row in rows[:20] for name in row))
    lines = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    return "\n".join(separator.join(map(_quoted, line)) for line in lines).encode("utf-8", "surrogateescape")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in '",;\t\r\n') else cell


def as_arrow(rows: list[Row], form: str) -> bytes:
    """Write rows as an Arrow file or as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: _column([row.get(name) for row in rows]) for name in names})
    sink = io.BytesIO()
    if form == "parquet":
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


def _column(values: list[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        texts = [None if value is None else _cell(value).encode("utf-8", "surrogateescape") for value in values]
        return pa.array(texts, pa.binary()).view(pa.string())


def nested(size: int) -> Iterator[tuple[str, bytes]]:
    """Yield JSON texts of deep and of wide values, by name."""
    good = json.dumps(one_row())[:-1]
    yield "deep lists", (good + ', "x": ' + "[" * (size // 2) + "]" * (size // 2) + "}").encode()
    yield "deep objects", (good + ', "x": ' + '{"a":' * (size // 6) + "1" + "}" * (size // 6) + "}").encode()
    yield "unclosed lists", (good + ', "x": ' + "[" * size).encode()
    yield "wide lists", (good + ', "x": [' + "1," * (size // 2) + "1]}").encode()
    yield "many keys", (good + "".join(f', "key{i}": 1' for i in range(size // 15)) + "}").encode()
    yield "one key", (good + ', "a": 1' * (size // 8) + "}").encode()
    yield "long key", (good + f', "{"k" * size}": 1' + "}").encode()
    yield "long number", (good + ', "x": ' + "1" * size + "}").encode()
    yield "NaN", (good + ', "x": [' + "NaN," * (size // 4) + "NaN]}").encode()
