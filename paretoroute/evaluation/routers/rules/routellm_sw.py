"""RouteLLM's similarity-weighted ranking (Ong et al., 2024, arXiv:2406.18665, section 4.2).

Models are grouped into tiers by their global ratings. For a query x every battle j counts with weight

    w_j = 10 * 10^(cos(x, x_j) / max_j cos(x, x_j))

in a Bradley-Terry model of the tiers, and the strong model's win rate is 1 / (1 + 10^((R_weak - R_strong) / 400)).
Ratings are on Elo's scale: 400 per power of ten, mean 1000, a tie counts as half a win for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.rules.arrays import sigmoid, unit

SCALE = 400.0
START = 1000.0
RIDGE = 1e-10  # keeps ratings finite where a player won or lost all battles; relative to the sum of weights
ROUNDS = 200


@dataclass(frozen=True)
class Outcomes:
    """Battles between players (models or tiers), ``(battles,)`` each.

    Args:
        first: index of the first player.
        second: index of the second player.
        score: 1 if the first won, 0 if the second, 0.5 for a tie.
    """

    first: NDArray[np.integer]
    second: NDArray[np.integer]
    score: Floats


def ratings(outcomes: Outcomes, weight: Floats, players: int, *, code: bool = False) -> Floats:
    """Fit a weighted Bradley-Terry model by maximum likelihood, ``(players,)``.

    Battles of a player against itself carry no information and drop out.

    Args:
        outcomes: the battles.
        weight: of each battle, ``(battles,)``.
        players: their number.
        code: keep the defect of the authors' code, where a battle inside one tier is one of that tier against a
            rating of 0 (relative to the mean of 1000) which it enters as the loser's side.
    """
    design = np.zeros((len(weight), players))
    rows = np.arange(len(weight))
    if code:
        design[rows, outcomes.first] = 1.0
        design[rows, outcomes.second] = -1.0
    else:
        np.add.at(design, (rows, outcomes.first), 1.0)
        np.add.at(design, (rows, outcomes.second), -1.0)
    return START + SCALE / np.log(10) * _logistic(design, outcomes.score, weight)


def _logistic(design: Floats, target: Floats, weight: Floats) -> Floats:
    """Maximise the weighted log-likelihood of sigmoid(design @ b) by damped Newton steps from 0, ``(columns,)``."""
    total = max(float(weight.sum()), np.finfo(float).tiny)
    weight = weight / total
    b = np.zeros(design.shape[1])

    def loss(at: Floats) -> float:
        logits = design @ at
        return float(weight @ (np.logaddexp(0, logits) - target * logits) + RIDGE / 2 * at @ at)

    value = loss(b)
    for _ in range(ROUNDS):
        p = sigmoid(design @ b)
        slope = design.T @ (weight * (p - target)) + RIDGE * b
        curvature = (design.T * (weight * p * (1 - p))) @ design + RIDGE * np.eye(len(b))
        step = np.linalg.lstsq(curvature, slope, rcond=None)[0]
        size = 1.0
        while size > 1e-10 and loss(b - size * step) > value:
            size /= 2
        b = b - size * step
        if np.abs(size * step).max(initial=0.0) < 1e-12 or size <= 1e-10:
            break
        value = loss(b)
    return b


def ratings_of_many(outcomes: Outcomes, weights: Floats, players: int) -> Floats:
    """Fit the model once per row of weights, ``(rows, players)``; as :func:`ratings` without the defect.

    The likelihood depends on the sums of the weights per pair of players alone.

    Args:
        outcomes: the battles.
        weights: of each battle, ``(rows, battles)``.
        players: their number.
    """
    cells = players * players
    pair = outcomes.first * players + outcomes.second
    indicator = np.zeros((len(pair), cells))
    indicator[np.arange(len(pair)), pair] = 1.0
    won = ((weights * outcomes.score) @ indicator).reshape(-1, players, players)
    lost = ((weights * (1 - outcomes.score)) @ indicator).reshape(-1, players, players)
    wins = won + lost.transpose(0, 2, 1)  # of the row's player over the column's
    wins[:, np.arange(players), np.arange(players)] = 0.0
    total = np.maximum(wins.sum((1, 2), keepdims=True), np.finfo(float).tiny)
    wins = wins / total
    played = wins + wins.transpose(0, 2, 1)
    b = np.zeros((len(wins), players))
    for _ in range(ROUNDS):
        p = sigmoid(b[:, :, None] - b[:, None, :])
        slope = (played * p - wins).sum(2) + RIDGE * b
        curvature = -played * p * (1 - p)
        diagonal = -curvature.sum(2) + RIDGE
        curvature[:, np.arange(players), np.arange(players)] = diagonal
        step = np.linalg.solve(curvature + RIDGE * np.eye(players), slope[..., None])[..., 0]
        step = np.clip(step, -2.0, 2.0)  # a longer Newton step may overshoot where a player won all battles
        step -= step.mean(1, keepdims=True)  # the ridge alone sets the mean, to 0: the rest of it is rounding
        b = b - step
        if np.abs(step).max() < 1e-10:
            break
    return START + SCALE / np.log(10) * b


def win_rates(strong: Floats, weak: Floats) -> Floats:
    """Return 1 / (1 + 10^((R_weak - R_strong) / 400)), ``(queries,)``."""
    return 1 / (1 + 10 ** ((weak - strong) / SCALE))


def tiers(rating: Floats, count: int) -> Indices:
    """Partition models into tiers of neighbouring ratings with the least sum of population variances, ``(models,)``.

    Dynamic programming over the cuts; of equally good partitions the one with the earliest cuts. Tier 0 is the best.

    Args:
        rating: falling, ``(models,)``.
        count: number of tiers; with fewer models, each has its own.
    """
    n = len(rating)
    count = min(count, n)
    best = np.full((count + 1, n + 1), np.inf)
    cut = np.zeros((count + 1, n + 1), dtype=np.intp)
    best[0, n] = 0.0
    slack = 1e-12 * max(float(np.var(rating)) if n else 0.0, 1e-300)
    for k in range(1, count + 1):
        for i in range(n):
            for j in range(i + 1, n + 1):
                total = float(np.var(rating[i:j])) + best[k - 1, j]
                if total < best[k, i] - slack:
                    best[k, i], cut[k, i] = total, j
    tier, i = np.zeros(n, dtype=np.intp), 0
    for k in range(count, 0, -1):
        tier[i : cut[k, i]] = count - k
        i = int(cut[k, i])
    return tier


def battle_weights(query: Floats, battle_embeddings: Floats) -> Floats:
    """Return w_j = 10 * 10^(cos / max cos) of every battle for one query, ``(battles,)``.

    Args:
        query: embedding of any length, ``(width,)``.
        battle_embeddings: of the battles' queries, ``(battles, width)``.
    """
    cosine = unit(battle_embeddings) @ unit(query[None])[0]
    return 10 * 10 ** (cosine / cosine.max())


def battle_weights_of_many(queries: Floats, battle_embeddings: Floats) -> Floats:
    """Return the weights of every battle for many queries, as :func:`battle_weights` does: ``(queries, battles)``.

    Args:
        queries: embeddings of any length, ``(queries, width)``.
        battle_embeddings: of the battles' queries, of length 1, ``(battles, width)``.
    """
    cosine = unit(queries) @ battle_embeddings.T
    return 10 * 10 ** (cosine / cosine.max(1, keepdims=True))


def win_rate(strong: float, weak: float) -> float:
    """Return 1 / (1 + 10^((R_weak - R_strong) / 400))."""
    return float(1 / (1 + 10 ** ((weak - strong) / SCALE)))
