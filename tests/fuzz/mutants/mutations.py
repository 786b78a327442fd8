"""Changes of valid inputs, each decided by a random stream alone: the same seed gives the same input."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

SCRAPS = [
    "", " ", "0", "1", "-1", "0.5", "1e999", "-0.0", "nan", "inf", "null", "true", "9" * 30, "9" * 5000, "1,5",
    "1.234,5", "50%",
    "0x10", "1_000", "٣", "１", "½", '"', '""', "'", "\\", "\n", "\r\n", "\t", "\0", "\x1b[31m", "[", "]", "{", "}",
    "[1, 2]", "{}",
    "&a", "*a", "!tag", "|", ">", "#", "---", "- ", ": ", ", ", "é", "e\u0301", "模型", "\U0001f600", "\u202e",
    "\ufeff", "\u2028",
    "\ufdfa", " at most ", " of tag ", "openai/", "a/b", "q1", "small", "effort", "low", "C", "yes", "pass", "3/5",
    "$1",
]  # fmt: skip
NUMBERS = [
    0,
    1,
    -1,
    2,
    0.5,
    -0.0,
    1e-300,
    1e300,
    1e-12,
    10**20,
    10**400,
    math.nan,
    math.inf,
    -math.inf,
    0.1 + 0.2,
    1.0000001,
    True,
]
COLUMNS = [
    "query", "query_id", "model", "quality", "cost_usd", "budget_kind", "budget_label", "budget", "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens", "cached_prompt_tokens", "latency_s", "sample_index", "cost_source", "propensity", "trials",
    "tag", "tenant", "step",
    "conversation", "embedding", "spend", "score",
]  # fmt: skip


def scrap(rng: random.Random) -> str:
    """Choose a short text that means something to some reader."""
    return rng.choice(SCRAPS)


def any_value(rng: random.Random, depth: int = 0) -> Any:
    """Make a value of JSON."""
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind < 2:
        return rng.choice(NUMBERS)
    if kind < 4:
        return scrap(rng)
    if kind == 4:
        return None
    if kind < 7:
        return [any_value(rng, depth + 1) for _ in range(rng.randrange(3))]
    keys = rng.sample(["role", "content", "text", "type", "messages", "a"], rng.randrange(3))
    return {key: any_value(rng, depth + 1) for key in keys}


def good_rows(rng: random.Random) -> list[Row]:
    """Make a small log without a fault, of some of the known columns."""
    columns = rng.sample(COLUMNS[4:-2], rng.randrange(6))
    rows = []
    for i in range(rng.randrange(1, 7)):
        label = rng.choice(["low", "high"])
        row: Row = {
            "query_id": f"q{i // 2}",
            "query": f"Sort list {i // 2}",
            "model": rng.choice(["small", "big", "o/模型@v1"]),
        }
        row["quality"] = rng.choice([0, 1, 0.5, 0.25])
        every = {
            "cost_usd": 0.001 * (i + 1), "budget_kind": "effort", "budget_label": label,
            "budget": 1 + (label == "high"),
            "prompt_tokens": 10 + i, "completion_tokens": 20 + i, "reasoning_tokens": 3, "cached_prompt_tokens": 2,
            "latency_s": 0.5,
            "sample_index": i, "cost_source": "logged", "propensity": 0.5, "trials": 1, "tag": "code", "tenant": "a",
            "step": "draft",
            "conversation": f"c{i // 2}", "embedding": [0.5, 1.0 + i // 2],
        }  # fmt: skip
        rows.append(row | {name: every[name] for name in columns})
    return rows


def changed_rows(rows: list[Row], rng: random.Random) -> list[Row]:
    """Change some values, names and rows."""
    rows = [dict(row) for row in rows]
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        row = rng.choice(rows)
        kind = rng.randrange(6)
        if kind < 3:
            row[rng.choice(list(row))] = any_value(rng)
        elif kind == 3:
            row[rng.choice(COLUMNS)] = any_value(rng)
        elif kind == 4:
            del row[rng.choice(list(row))]
        else:
            rows.append(dict(row))
        if not row:
            rows.remove(row)
            rows = rows or [{"query": "x"}]
    return rows


def changed_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip bits, replace, cut, repeat and insert bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + rng.choice([1, 1, 2, 8, 64]))
        kind = rng.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = rng.choice((0, 10, 34, 44, 127, 128, 255))
        elif kind == 2:
            del changed[at:end]
        elif kind == 3:
            changed[at:at] = changed[at:end]
        elif kind == 4:
            changed[at:at] = scrap(rng).encode()
        else:
            del changed[at if rng.random() < 0.1 else len(changed) :]
    return bytes(changed)


def changed_text(text: str, rng: random.Random, parts: Sequence[str] = SCRAPS) -> str:
    """Cut, repeat and replace parts of a text, at words and anywhere."""
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        kind = rng.randrange(4)
        if kind == 0:
            words = text.split(" ")
            words[rng.randrange(len(words))] = rng.choice(parts)
            text = " ".join(words)
        elif kind == 1:
            lines = text.split("\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            text = "\n".join(lines)
        else:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + (rng.choice(parts) if kind == 2 else "") + text[at + rng.randrange(3) :]
    return text
