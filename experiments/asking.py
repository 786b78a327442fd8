"""Ask fitted policies about queries that they never saw: forecasts once, then every target's rule on them.

A planner decides one query at a time and tosses a coin at ties. Here the forecasts of all queries are made once per fit
and the coin counts with its probability, which is the same on average and many times faster over many targets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import paretoroute as pr
from paretoroute.grid import cost_usd

Floats = np.ndarray


@dataclass(frozen=True)
class Choice:
    """What a policy does with some queries at one target.

    Args:
        weights: probability of every point, ``(queries, points)``.
        quality: what a decision expects of every point, ``(queries, points)``.
        promised_quality: what a decision expects of its point, mean over the coin, ``(queries,)``.
        promised_cost_usd: likewise.
        document: of the policy that was solved.
    """

    weights: Floats
    quality: Floats
    promised_quality: Floats
    promised_cost_usd: Floats
    document: object

    def of(self, table: Floats) -> Floats:
        """Give every query's expected figure from a table ``(queries, points)``: ``(queries,)``."""
        return (self.weights * table).sum(1)


class Asked:
    """A fitted policy and its forecasts of queries that it never saw.

    Args:
        policy: as fitted.
        runs: logged runs of the queries.
    """

    def __init__(self, policy: pr.Policy, runs: pr.Runs) -> None:
        self.policy, self.grid = policy, policy.grid
        found = [policy.surface.at_text(text) for text in runs.texts]
        amount, prompt = (np.stack([getattr(one, name) for one in found]) for name in ("amount", "prompt_tokens"))
        self.forecast = pr.Forecast(np.stack([one.quality for one in found]), cost_usd(amount, prompt, self.grid))

    def choose(self, target: pr.MaxCost | pr.MinQuality) -> Choice:
        """Solve for a target and give what is called."""
        policy = self.policy.solve(target)
        solution, forecast = policy.document.solution, self.forecast
        if solution.prompt_blind:
            means = policy.record.forecast
            rows = (len(forecast.quality), 1)
            forecast = replace(
                forecast, quality=np.tile(means.quality[0], rows), cost_usd=np.tile(means.cost_usd[0], rows)
            )
        weights = np.zeros(forecast.quality.shape)
        rows = np.arange(len(weights))
        for share, point in pr.Planner(policy).rule.action_probabilities(forecast):
            np.add.at(weights, (rows, point), share)
        quality = np.clip(forecast.quality + solution.quality_shift, 0.0, 1.0)
        cost = forecast.cost_usd * solution.cost_ratio
        return Choice(weights, quality, (weights * quality).sum(1), (weights * cost).sum(1), policy.document)
