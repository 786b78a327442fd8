"""From runs to what routers are given: outcomes as arrays, features, and groups."""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import Asked, Training
from paretoroute.fitting.text_features import fit_embeddings, fit_texts
from paretoroute.grid import Grid, cost_usd
from paretoroute.runs.folds import group_key
from paretoroute.runs.table import Runs


def outcomes(runs: Runs, grid: Grid) -> tuple[Floats, Floats, Floats]:
    """Average what was logged.

    Args:
        runs: of the grid's points, in its order.
        grid: the points; where no cost was logged, tokens are priced at its prices.

    Returns:
        Quality and cost in USD, NaN where unknown, and the trials behind quality: ``(queries, points)`` each.
    """
    quality, counts = runs.means("quality")
    logged, _ = runs.means("cost_usd")
    completion, prompt, cached = (
        runs.means(name)[0] for name in ("completion_tokens", "prompt_tokens", "cached_prompt_tokens")
    )
    billed_prompt = prompt - np.nan_to_num(cached) * grid.cache_discounts
    from_tokens = np.where(grid.token_prices.known, cost_usd(completion, billed_prompt, grid), np.nan)
    return quality, np.where(np.isnan(logged), from_tokens, logged), counts


def filled(table: Floats) -> Floats:
    """Fill holes with the mean of their point: ``(queries, points)``, NaN to number."""
    known = ~np.isnan(table)
    mean = np.where(known, table, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    return np.where(known, table, mean)


def groups_of(runs: Runs) -> tuple[str, ...]:
    """Name the group of every query: copies and turns of a conversation share one."""
    about = zip(runs.query_ids, runs.texts, runs.conversations, strict=True)
    return tuple(group_key(*one) for one in about)


def prepared(train: Runs, test: Runs, grid: Grid, *, seed: int) -> tuple[Training, Asked]:
    """Make features on the training queries and apply them to the others.

    Embeddings are used where the log has them, else hashed n-grams of the texts, as a fit would.
    """
    if train.embeddings is not None and test.embeddings is not None:
        featurizer, features = fit_embeddings(train.embeddings.astype(np.float64))
        vectors = [featurizer.of_embedding(row) for row in test.embeddings.astype(np.float64)]
    else:
        featurizer, features = fit_texts(train.texts, seed=seed)
        vectors = [featurizer.of_text(text)[0] for text in test.texts]
    quality, cost, counts = outcomes(train, grid)
    training = Training(train, grid, features, featurizer.rank, quality, cost, counts, groups_of(train), seed)
    return training, Asked(test.texts, test.tags, test.query_ids, np.stack(vectors), test.embeddings)
