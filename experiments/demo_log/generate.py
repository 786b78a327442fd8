"""Write the simulated log that `paretoroute demo` shows: invented models, invented prices, drawn answers.

Nothing here was measured. With d the latent difficulty of a query, s a model's skill at its kind and c the logarithm
to base 2 of the compute of a budget, an answer is right with probability

    ceiling * sigmoid(s + gain * (1 - exp(-c / 2)) - d) * (1 - overthinking * c on easy kinds),

and completion tokens are lognormal with a heavy tail, more of them at higher c and d. Each query was run at a random
part of the points, chosen without a look at it. Run `python experiments/demo_log/generate.py` to rewrite the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from queries import KINDS, Generator

SEED = 20_240_229
QUERIES = 900
LOGGED_SHARE = (0.55, 0.70)
REPEATED_SHARE = 0.03
VOTE_LATENCY = 1.4  # five answers side by side: the slowest counts
FILE = Path(__file__).parents[2] / "paretoroute" / "data" / "demo_runs.parquet"

SCHEMA = pa.schema(
    {
        "query_id": pa.string(),
        "query": pa.string(),
        "model": pa.string(),
        "budget_kind": pa.string(),
        "budget_label": pa.string(),
        "budget": pa.float64(),
        "quality": pa.float64(),
        "cost_usd": pa.float64(),
        "prompt_tokens": pa.int64(),
        "completion_tokens": pa.int64(),
        "latency_s": pa.float64(),
        "sample_index": pa.int64(),
        "tag": pa.string(),
    }
)


@dataclass(frozen=True)
class Kind:
    """What the simulation takes a kind of query to be like.

    Args:
        share: of all queries.
        difficulty: mean latent difficulty; a unit is a unit of the logit.
        told: how far the text's level moves the difficulty.
        hidden: standard deviation of what the text does not tell.
        tokens: median length of a plain answer.
        easy: whether more thought can spoil the answer.
    """

    share: float
    difficulty: float
    told: float
    hidden: float
    tokens: float
    easy: bool = False


@dataclass(frozen=True)
class Model:
    """An invented model.

    Args:
        prices: USD per million prompt and completion tokens.
        speed: completion tokens per second.
        skill: at all kinds.
        gain: what compute without end adds.
        better_at: kind to what is added to the skill there.
        points: budgets as (kind, label, amount, compute relative to a plain answer).
        overthinking: share of right answers lost per doubling of compute on easy kinds.
        wordy: length of its answers relative to others.
    """

    prices: tuple[float, float]
    speed: float
    skill: float
    gain: float
    better_at: dict[str, float]
    points: tuple[tuple[str, str, float | None, float], ...]
    overthinking: float = 0.0
    wordy: float = 1.0


TRAFFIC = {
    "arithmetic": Kind(0.16, 0.3, 4.0, 0.6, 110),
    "code": Kind(0.16, 0.4, 3.4, 0.8, 260),
    "extraction": Kind(0.14, -1.6, 2.0, 0.6, 70, easy=True),
    "summary": Kind(0.12, -1.1, 2.2, 0.7, 120),
    "contract": Kind(0.12, 0.3, 3.0, 0.8, 150),
    "translation": Kind(0.12, -0.9, 2.4, 0.7, 60, easy=True),
    "geometry": Kind(0.08, 2.0, 3.0, 0.7, 420),
    "trivia": Kind(0.10, -0.8, 3.2, 0.8, 40, easy=True),
}
MODELS = {
    "sim-small": Model(
        (0.10, 0.40), 160, 0.0, 1.1, {"extraction": 0.8, "trivia": 0.3, "geometry": -0.8, "code": -0.4},
        (("samples", "1", 1.0, 1.0), ("samples", "5", 5.0, 5.0)),
    ),
    "sim-medium": Model(
        (0.40, 2.00), 110, 0.9, 1.8, {"code": 0.5, "summary": 0.5, "extraction": 0.4, "translation": -0.3},
        (("effort", "low", None, 1.0), ("effort", "medium", None, 3.0), ("effort", "high", None, 8.0)),
    ),
    "sim-large": Model(
        (3.00, 15.00), 60, 2.3, 1.0, {"translation": 0.9, "trivia": 1.0, "arithmetic": -0.5},
        (("effort", "low", None, 1.0), ("effort", "high", None, 4.0)),
    ),
    "sim-reasoner": Model(
        (1.10, 4.40), 130, 1.0, 3.2, {"arithmetic": 1.0, "geometry": 0.8, "trivia": -0.9, "summary": -0.6},
        (("effort", "low", None, 2.0), ("effort", "medium", None, 5.0), ("effort", "high", None, 14.0),
         ("effort", "xhigh", None, 36.0)),
        overthinking=0.05, wordy=1.2,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Query:
    """A query, and what the log does not say of it: its latent difficulty."""

    id: str
    text: str
    kind: str
    difficulty: float


def main(file: Path = FILE) -> None:
    """Write the log."""
    pq.write_table(simulate(), file, compression="zstd", compression_level=19)


def simulate(seed: int = SEED) -> pa.Table:
    """Draw the log: the same seed, the same table."""
    rng = np.random.default_rng(seed)
    rows = [row for query in _queries(rng) for row in _runs(rng, query)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _queries(rng: Generator) -> list[Query]:
    """Draw queries with texts that are all different."""
    kinds = [name for name, kind in TRAFFIC.items() for _ in range(round(kind.share * QUERIES))]
    seen: dict[str, Query] = {}
    for position in rng.permutation(len(kinds)):
        name = kinds[position]
        kind = TRAFFIC[name]
        level = float(rng.beta(1.2, 1.4))
        text = KINDS[name](rng, level)
        while text in seen:
            text = KINDS[name](rng, level)
        difficulty = kind.difficulty + kind.told * (level - 0.5) + rng.normal(0, kind.hidden)
        seen[text] = Query(f"q{len(seen) + 1:04d}", text, name, difficulty)
    return list(seen.values())


def _runs(rng: Generator, query: Query) -> list[dict]:
    """Run a query at a random part of the points, a few of them twice."""
    points = [(name, point) for name, model in MODELS.items() for point in model.points]
    count = round(rng.uniform(*LOGGED_SHARE) * len(points))
    prompt_tokens = 12 + round(len(query.text.encode()) / 4)
    rows = []
    for chosen in sorted(rng.permutation(len(points))[:count].tolist()):
        for sample in range(1 + int(rng.random() < REPEATED_SHARE)):
            rows.append(_run(rng, query, prompt_tokens, *points[chosen], sample))
    return rows


def _run(rng: Generator, query: Query, prompt_tokens: int, name: str, point: tuple, sample: int) -> dict:
    model, (budget_kind, label, amount, compute) = MODELS[name], point
    votes = int(amount) if budget_kind == "samples" and amount else 1
    completion = sum(_completion_tokens(rng, query, model, compute / votes) for _ in range(votes))
    prompt = prompt_tokens * votes
    cost_usd = (prompt * model.prices[0] + completion * model.prices[1]) / 1e6
    latency_s = 0.3 + completion / votes / model.speed * (VOTE_LATENCY if votes > 1 else 1) * rng.lognormal(0, 0.15)
    return {
        "query_id": query.id,
        "query": query.text,
        "model": name,
        "budget_kind": budget_kind,
        "budget_label": label,
        "budget": amount,
        "quality": float(rng.random() < _chance(query, name, compute)),
        "cost_usd": round(cost_usd, 9),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "latency_s": round(latency_s, 2),
        "sample_index": sample,
        "tag": query.kind,
    }


def _chance(query: Query, name: str, compute: float) -> float:
    """Probability of a right answer."""
    model, doublings = MODELS[name], np.log2(compute)
    skill = model.skill + model.better_at.get(query.kind, 0.0) + model.gain * (1 - np.exp(-doublings / 2))
    kept = 1 - model.overthinking * doublings * TRAFFIC[query.kind].easy
    return float(0.98 / (1 + np.exp(query.difficulty - skill)) * kept)


def _completion_tokens(rng: Generator, query: Query, model: Model, compute: float) -> int:
    """Draw a length: lognormal, one in 25 of them much longer."""
    median = TRAFFIC[query.kind].tokens * model.wordy * compute**0.9
    spread = 0.40 + 0.25 * (rng.random() < 0.04) * abs(rng.standard_t(4))
    return max(1, round(median * np.exp(0.22 * query.difficulty + spread * rng.normal())))


if __name__ == "__main__":
    main()
