"""Evaluate fitted policies on held-out queries: forecasts once per fit, then the choices at every target.

A planner decides one query at a time and draws at random where points tie. Here ties count with their probabilities,
which is equal in expectation and much faster over many targets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import paretoroute as pr
from paretoroute.grid import cost_usd
from paretoroute.surface.surface import TextSize

Floats = np.ndarray


@dataclass(frozen=True)
class ExpectedChoices:
    """Choices of a policy for some queries at one target.

    Args:
        weights: probability of every point, ``(queries, points)``.
        quality: predicted quality of every point, ``(queries, points)``.
        predicted_quality: prediction of the decisions, in expectation over ties, ``(queries,)``.
        predicted_cost_usd: likewise.
        document: of the solved policy.
    """

    weights: Floats
    quality: Floats
    predicted_quality: Floats
    predicted_cost_usd: Floats
    document: object

    def mean_of(self, table: Floats) -> Floats:
        """Average a table ``(queries, points)`` over the choices of each query: ``(queries,)``."""
        return (self.weights * table).sum(1)


class HeldOutPolicy:
    """A fitted policy with its forecasts of held-out queries.

    Args:
        policy: as fitted.
        runs: logged runs of the queries; their embeddings, if any, are those of the policy's second view.
    """

    def __init__(self, policy: pr.Policy, runs: pr.Runs) -> None:
        self.policy, self.grid = policy, policy.grid
        tags = [{} if tag is None else {"tag": tag} for tag in runs.tags]
        surface, vectors = policy.surface, [None] * len(tags) if runs.embeddings is None else runs.embeddings
        forecasts = [
            surface.at_text(text, labels=of)
            if vector is None
            else surface.at(*surface.featurizer.of_both(text, vector), size=TextSize.of(text), labels=of)
            for text, of, vector in zip(runs.texts, tags, vectors, strict=True)
        ]
        quality, amount, prompt = (
            np.stack([getattr(one, name) for one in forecasts]) for name in ("quality", "amount", "prompt_tokens")
        )
        supported = None if forecasts[0].supported is None else np.stack([one.supported for one in forecasts])
        self.forecast = pr.Forecast(quality, cost_usd(amount, prompt, self.grid), callable=supported)

    def choose(self, target: pr.MaxCost | pr.MinQuality) -> ExpectedChoices:
        """Solve for a target and return the choices."""
        policy = self.policy.solve(target)
        solution, forecast = policy.document.solution, self.forecast
        if solution.prompt_blind:
            means = policy.outcomes.forecast
            shape = (len(forecast.quality), 1)
            forecast = replace(
                forecast, quality=np.tile(means.quality[0], shape), cost_usd=np.tile(means.cost_usd[0], shape)
            )
        weights = np.zeros(forecast.quality.shape)
        rows = np.arange(len(weights))
        for share, point in pr.Planner(policy).rule.action_probabilities(forecast):
            np.add.at(weights, (rows, point), share)
        quality = np.clip(forecast.quality + solution.quality_shift, 0.0, 1.0)
        cost = forecast.cost_usd * solution.cost_ratio
        return ExpectedChoices(weights, quality, (weights * quality).sum(1), (weights * cost).sum(1), policy.document)
