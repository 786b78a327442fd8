"""Logs of one model whose cost is a given function of its tokens."""

import numpy as np
import pyarrow as pa


def log_of(rng, runs=200, *, model="small", prompt=None, completion=None, cached=None, cost=None, **more):
    """Runs of one model, one query each; ``cost`` is computed by the caller's function of the tokens."""
    prompt = rng.integers(10, 3000, runs).astype(float) if prompt is None else np.broadcast_to(prompt, runs) * 1.0
    completion = rng.integers(10, 6000, runs).astype(float) if completion is None else completion * np.ones(runs)
    columns = {
        "query_id": [f"q{i}" for i in range(runs)],
        "model": [model] * runs,
        "quality": np.ones(runs),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
    }
    if cached is not None:
        columns["cached_prompt_tokens"] = cached = np.floor(cached * prompt)
    if cost is not None:
        columns["cost_usd"] = cost(prompt, completion, cached)
    return pa.table(columns | {name: [value] * runs for name, value in more.items()})


def at(input_price, output_price, cached_price=None):
    def cost(prompt, completion, cached):
        fresh = prompt if cached is None else prompt - cached
        paid = fresh * input_price + completion * output_price
        return (paid if cached is None else paid + cached * cached_price) / 1e6

    return cost
