"""A small made-up log with two kinds of query, the policies fitted on it once a session, and a way to run the command.

Five points: ``small`` without thinking, ``thinker`` at two thinking budgets, ``org/模型@v1`` at ``maj@5`` (a name and a
label that hold ``@``), and ``metered``, whose cost its tokens do not explain, so that it is ``cost: logged``.
"""

from __future__ import annotations

import atexit
import io
import json
import shutil
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np

import paretoroute as pr
from paretoroute.cli import main

POINTS = (
    # model, kind, label, amount, (input, output) USD per million tokens, tokens, quality at (easy, hard)
    ("small", None, None, None, (0.2, 0.8), 60, (0.9, 0.1)),
    ("thinker", "thinking_tokens", "2000", 2000, (1.0, 4.0), 500, (0.92, 0.55)),
    ("thinker", "thinking_tokens", "8000", 8000, (1.0, 4.0), 1500, (0.93, 0.9)),
    ("org/模型@v1", "samples", "maj@5", 5, (0.5, 2.0), 400, (0.9, 0.4)),
    ("metered", None, None, None, None, 300, (0.85, 0.5)),
)
EASY = ("apple", "pear", "plum", "cherry", "lemon", "melon", "grape", "peach")
HARD = ("theorem", "lemma", "integral", "manifold", "functor", "topology", "spectrum", "kernel")
SYSTEM_PROMPT_TOKENS = 40


def text_of(words: tuple[str, ...], rng: np.random.Generator) -> str:
    """Write a query of one kind, without numbers that would tell queries apart."""
    return "please say which comes next: " + " ".join(rng.choice(words, 8))


def make_rows(queries: int, *, seed: int, kinds: bool = True) -> list[dict]:
    """Make rows for a log; without ``kinds`` the text tells nothing, not even how long the prompt is."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(queries):
        hard = i % 2
        text = text_of(HARD if hard and kinds else EASY, rng)
        prompt = SYSTEM_PROMPT_TOKENS + (len(text.encode()) // 4 if kinds else 20)
        for model, kind, label, amount, prices, tokens, quality in POINTS:
            completion = int(tokens * rng.lognormal(0.0, 0.3) * (1.4 if hard else 1.0))
            row = {
                "query_id": f"id-{i:04}",
                "query": text,
                "model": model,
                "budget_kind": kind,
                "budget_label": label,
                "budget": amount,
                "quality": float(rng.random() < quality[hard]),
                "latency_s": completion / 50,
            }
            if prices is None:
                row |= {"cost_usd": 0.0007 * rng.lognormal(0.0, 0.5), "latency_s": None}
            else:
                cost = (prompt * prices[0] + completion * prices[1]) / 1e6
                row |= {"prompt_tokens": prompt, "completion_tokens": completion, "cost_usd": cost}
            rows.append(row)
    return rows


def write_rows(path: Path, rows: list[dict]) -> Path:
    """Write rows as JSONL."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


class Fitted(NamedTuple):
    """A policy, the runs it was fitted on, and where both lie as files."""

    policy: pr.Policy
    runs: pr.Runs
    policy_path: Path
    runs_path: Path


@cache
def fitted() -> Fitted:
    """Return a policy that can tell easy from hard queries, at $0.002 a query; fitted once a session."""
    return _fit(kinds=True)


@cache
def no_signal() -> Fitted:
    """Return a policy for which all queries look alike, so that the draw decides every one."""
    return _fit(kinds=False)


def _fit(*, kinds: bool) -> Fitted:
    folder = Path(tempfile.mkdtemp(prefix="paretoroute-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    runs_path = write_rows(folder / "runs.jsonl", make_rows(200, seed=7, kinds=kinds))
    runs = pr.read_runs(runs_path)
    policy_path = folder / "policy.yaml"
    pr.fit(runs, pr.MaxCost(usd=0.002), name="policy").save(policy_path)
    return Fitted(pr.Policy.load(policy_path), runs, policy_path, runs_path)


class CommandResult(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


def command(*arguments: object) -> CommandResult:
    """Run ``paretoroute`` with arguments, in this process."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    argv = ["paretoroute", *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main.main()
        except SystemExit as end:
            code = end.code
    return CommandResult(int(code or 0), out.getvalue(), err.getvalue())  # type: ignore[call-overload]  # a code is a number or None
