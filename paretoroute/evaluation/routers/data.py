"""Turn runs into the inputs of a router: logged means, features and groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.fitting.text_features import fit_embeddings, fit_texts
from paretoroute.grid import Grid, cost_usd
from paretoroute.runs.folds import groups_of
from paretoroute.runs.table import Runs


@dataclass(frozen=True)
class LoggedMeans:
    """Mean outcomes in the log, ``(queries, points)`` each.

    Args:
        quality: in [0, 1], NaN where nothing was logged.
        cost_usd: of one call, NaN where it is unknown.
        trials: number of trials behind the quality.
    """

    quality: Floats
    cost_usd: Floats
    trials: Floats


def logged_means(runs: Runs, grid: Grid) -> LoggedMeans:
    """Average the logged outcomes per query and point.

    Args:
        runs: at the grid's points, in its order.
        grid: the points; where no cost was logged, the logged tokens are priced.
    """
    quality, trials = runs.means("quality")
    logged = runs.means("cost_usd").mean
    completion, prompt, cached, written = (
        runs.means(name).mean
        for name in ("completion_tokens", "prompt_tokens", "cached_prompt_tokens", "cache_write_tokens")
    )
    billed_prompt = grid.billed_prompt(prompt, cached, written)
    from_tokens = np.where(grid.token_prices.priced, cost_usd(completion, billed_prompt, grid), np.nan)
    return LoggedMeans(quality, np.where(np.isnan(logged), from_tokens, logged), trials)


def fill_missing(table: Floats) -> Floats:
    """Replace each missing cell of ``(queries, points)`` by the mean of its point."""
    logged = ~np.isnan(table)
    mean = np.where(logged, table, 0.0).sum(0) / np.maximum(logged.sum(0), 1)
    return np.where(logged, table, mean)


def prepared(train: Runs, test: Runs, grid: Grid, *, seed: int) -> tuple[Training, QueryBatch]:
    """Fit features on the training queries and apply them to the test queries.

    Uses embeddings where the log has them, else hashed n-grams of the texts: published systems read one of the two,
    where `paretoroute.fit` reads both beside each other.
    """
    if train.embeddings is not None and test.embeddings is not None:
        featurizer, features = fit_embeddings(train.embeddings.astype(np.float64))
        vectors = [featurizer.of_embedding(row) for row in test.embeddings.astype(np.float64)]
    else:
        featurizer, features = fit_texts(train.texts, seed=seed)
        vectors = [featurizer.of_text(text)[0] for text in test.texts]
    logged = logged_means(train, grid)
    training = Training(
        runs=train,
        grid=grid,
        features=features,
        rank=featurizer.rank,
        quality=logged.quality,
        cost_usd=logged.cost_usd,
        trials=logged.trials,
        score=train.means("score").mean,
        groups=groups_of(train),
        seed=seed,
    )
    return training, QueryBatch(test.texts, test.tags, test.query_ids, np.stack(vectors), test.embeddings)
