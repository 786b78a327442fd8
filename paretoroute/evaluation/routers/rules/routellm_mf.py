"""RouteLLM's matrix factorisation (Ong et al., 2024, arXiv:2406.18665, section 4.2).

Model m scores a query with embedding x as

    s(m, x) = w2 . (P_m / |P_m| * W x)

with elementwise product, and the strong model's win rate over the weak one is sigmoid(s(strong, x) - s(weak, x)). It
is trained on battles without ties: minimise the mean of -log sigmoid(s(winner, x) - s(loser, x)). For one pair of
models this is a logistic regression without intercept on x, along :meth:`Factors.direction`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.rules.arrays import log_sigmoid, sigmoid, unit


@dataclass(frozen=True)
class Factors:
    """The model's parameters.

    Args:
        models: P, ``(models, rank)``; only the directions of its rows count.
        projection: W, ``(rank, width)``.
        weight: w2, ``(rank,)``.
    """

    models: Floats
    projection: Floats
    weight: Floats

    def scores(self, embeddings: Floats) -> Floats:
        """Return s(m, x), ``(queries, models)``."""
        return (embeddings @ self.projection.T) @ (unit(self.models) * self.weight).T

    def win_rate(self, embeddings: Floats, strong: int, weak: int) -> Floats:
        """Return the probability that the strong model's answer wins, ``(queries,)``."""
        return sigmoid(embeddings @ self.direction(strong, weak))

    def direction(self, strong: int, weak: int) -> Floats:
        """Return the vector whose product with x is s(strong, x) - s(weak, x), ``(width,)``."""
        units = unit(self.models[[strong, weak]])
        return ((units[0] - units[1]) * self.weight) @ self.projection


@dataclass(frozen=True)
class Battles:
    """Compared pairs of answers, without ties, ``(battles,)`` each.

    Args:
        winner: index of the model whose answer won.
        loser: index of the other model.
        query: row of the embeddings.
    """

    winner: NDArray[np.integer]
    loser: NDArray[np.integer]
    query: NDArray[np.integer]


@dataclass(frozen=True)
class Gradient:
    """The loss of battles and its gradient.

    Args:
        logits: s(winner, x) - s(loser, x), ``(battles,)``.
        loss: mean of -log sigmoid(logit).
        slope: its derivatives, shaped as the parameters.
    """

    logits: Floats
    loss: float
    slope: Factors


def gradient(factors: Factors, battles: Battles, embeddings: Floats) -> Gradient:
    """Compute loss and gradient on battles.

    Args:
        factors: where to evaluate.
        battles: all of one batch.
        embeddings: of the queries, with input noise if any, ``(queries, width)``.
    """
    units, length = unit(factors.models), np.linalg.norm(factors.models, axis=1, keepdims=True)
    x = embeddings[battles.query]
    projected = x @ factors.projection.T
    difference = units[battles.winner] - units[battles.loser]
    logits = (projected * difference) @ factors.weight
    pull = -sigmoid(-logits)[:, None] / len(logits)
    by_difference = pull * projected * factors.weight
    models = np.arange(len(units))[:, None]
    signs = (models == battles.winner).astype(np.float64) - (models == battles.loser)
    by_unit = signs @ by_difference
    tangential = by_unit - units * (by_unit * units).sum(1, keepdims=True)
    slope = Factors(
        models=tangential / np.where(length > 0, length, 1.0),
        projection=(pull * difference * factors.weight).T @ x,
        weight=(pull * projected * difference).sum(0),
    )
    return Gradient(logits, float(-log_sigmoid(logits).mean()), slope)


def adam(
    factors: Factors,
    battles: Battles,
    embeddings: Floats,
    *,
    learning_rate: float = 3e-4,
    weight_decay: float = 1e-5,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Iterator[Factors]:
    """Yield the parameters after every full-batch step of Adam (Kingma and Ba, 2015), without end.

    Args:
        factors: the start.
        battles: all used in every step.
        embeddings: ``(queries, width)``.
        learning_rate: the authors use 3e-4.
        weight_decay: added to the gradient as an L2 penalty; the authors use 1e-5.
        noise: standard deviation of Gaussian noise on every coordinate of the embeddings. The authors use 0.1 on
            vectors of 1,536 coordinates and length 1, so that its length is about 3.9.
        rng: of the noise.
    """
    values = [factors.models, factors.projection, factors.weight]
    first, second = [np.zeros_like(v) for v in values], [np.zeros_like(v) for v in values]
    step = 0
    while True:
        step += 1
        x = embeddings if rng is None else embeddings + noise * rng.standard_normal(embeddings.shape)
        slope = gradient(Factors(*values), battles, x).slope
        slopes = (slope.models, slope.projection, slope.weight)
        for k, (value, along) in enumerate(zip(values, slopes, strict=True)):
            pull = along + weight_decay * value
            first[k] = 0.9 * first[k] + 0.1 * pull
            second[k] = 0.999 * second[k] + 0.001 * pull * pull
            spread = np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8
            values[k] = value - learning_rate * first[k] / (1 - 0.9**step) / spread
        yield Factors(*values)
