"""Logs with a known truth: queries of three kinds that want different points, drawn by a recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from paretoroute.fitting.pipeline import fit_surface
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.result import Fit
from paretoroute.grid import Grid
from paretoroute.runs.read import read_runs
from paretoroute.runs.table import Runs

NAMES = ("basso", "tenor")
BUDGETS = (("effort", "low", 1.0), ("effort", "high", 3.0))
PRICES = {"basso": (0.2, 1.0), "tenor": (2.0, 10.0)}
OPENINGS = {
    "code": "Write a python function that",
    "law": "Under the statute, may a tenant",
    "poem": "Compose a gentle verse in which",
}
RESTS = {
    "code": ("sorts a list of records", "parses the header", "merges two dictionaries", "walks the directory tree"),
    "law": ("withhold the rent", "sublet the flat", "claim back a deposit", "end the lease early"),
    "poem": ("the moon forgets its name", "rain returns to the sea", "an old clock falls asleep", "snow learns to hum"),
}
# Chance of a good answer by kind and point (basso low, basso high, tenor low, tenor high).
TRUTH = {
    "code": (0.10, 0.20, 0.85, 0.95),
    "law": (0.90, 0.92, 0.30, 0.35),
    "poem": (0.15, 0.90, 0.20, 0.92),
}
KINDS = tuple(TRUTH)
COMPLETION_TOKENS = (100.0, 400.0, 150.0, 600.0)


@dataclass(frozen=True)
class Recipe:
    """Size and content of a synthetic log; a row per run, with 0/1 quality unless ``exact``.

    Args:
        holes: share of the cells that are missing, drawn singly.
        one_hole: whether every query lacks one point; folds of one size then have equally many cells, and share
            what JAX compiles.
    """

    queries: int = 240
    signal: bool = True
    holes: float = 0.0
    one_hole: bool = False
    repeats: int = 1
    trials: int = 1
    exact: bool = False
    embedding: bool = False
    surcharge: tuple[str, ...] = ()
    latency: bool = False
    seed: int = 0


def kind_of(query: int) -> str:
    return KINDS[query % len(KINDS)]


def text_of(query: int, chance: np.random.Generator) -> str:
    kind = kind_of(query)
    word = "".join(chance.choice(list("bdfgklmnprst"), 4)) + "a"
    return f"{OPENINGS[kind]} {chance.choice(RESTS[kind])} and {chance.choice(RESTS[kind])}, {word}"


def rows_of(recipe: Recipe) -> list[dict]:
    """Draw a log: the text alone tells the kind, and the kind decides which point answers well."""
    chance = np.random.default_rng(recipe.seed)
    points = [(model, budget) for model in NAMES for budget in BUDGETS]
    found = []
    for query in range(recipe.queries):
        kind = kind_of(query)
        about = {"query_id": f"q{query:04d}", "query": text_of(query, chance), "tag": kind}
        if recipe.embedding:
            about["embedding"] = (np.eye(len(KINDS))[query % len(KINDS)] + 0.1 * chance.standard_normal(3)).tolist()
        lacking = chance.integers(len(points)) if recipe.one_hole else None
        for j, (model, (budget_kind, label, amount)) in enumerate(points):
            hole = chance.random() < recipe.holes or j == lacking
            for repeat in range(recipe.repeats):
                truth = TRUTH[kind][j] if recipe.signal else float(np.mean([TRUTH[k][j] for k in KINDS]))
                good = truth if recipe.exact else chance.binomial(recipe.trials, truth) / recipe.trials
                prompt = float(chance.integers(20, 40))
                completion = float(np.round(COMPLETION_TOKENS[j] * np.exp(0.2 * chance.standard_normal())))
                paid_in, paid_out = PRICES[model]
                cost = (prompt * paid_in + completion * paid_out) / 1e6
                if model in recipe.surcharge:  # a tool call, which no token explains
                    cost += 0.002 * float(chance.random())
                row = about | {
                    "model": model, "budget_kind": budget_kind, "budget_label": label, "budget": amount,
                    "quality": float(good), "trials": recipe.trials, "prompt_tokens": prompt,
                    "completion_tokens": completion, "cost_usd": cost, "sample_index": repeat,
                }  # fmt: skip
                if recipe.latency:
                    row["latency_s"] = completion / 100
                if not hole:
                    found.append(row)
    return found


def table_of(**changes) -> pa.Table:
    """Return a synthetic log as an Arrow table; the arguments are those of ``Recipe``."""
    return pa.Table.from_pylist(rows_of(Recipe(**changes)))


def make_runs(**changes) -> Runs:
    """Read a synthetic log; the arguments are those of ``Recipe``."""
    return read_runs(table_of(**changes), strict=True)


def fitted(runs: Runs, **options) -> tuple[Fit, Grid]:
    """Fit all points of a log."""
    grid, _ = build_grid(runs)
    return fit_surface(runs, grid, **options), grid


def bits(arrays: dict[str, np.ndarray]) -> dict[str, tuple]:
    """Return arrays in a form that is equal only if every bit is."""
    return {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays.items()}
