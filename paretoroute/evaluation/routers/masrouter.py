"""MasRouter (Yue et al., ACL 2025, arXiv:2502.11133) on logged outcomes; its formulas are :mod:`~.rules.masrouter`.

A point is a model under a mode of collaboration and a number of calls (its budget): pi(point | x) is the softmax of a
logit for the model plus one for the budget, each linear in the features. As every outcome is logged, the expected
utility Q - rate x cost is maximised exactly, in place of the authors' sampled gradient. The knob is the rate, quality
per USD; the policy calls its likeliest point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.plans import Single
from paretoroute.evaluation.routers.priced import prices
from paretoroute.evaluation.routers.rules import masrouter

RATES = 10
ROUNDS = 40
RIDGE = 1e-4  # weight of the squared coefficients in the mean utility
MOST_QUERIES = 2000


@dataclass(frozen=True)
class _Policy:
    weights: Floats
    factors: Floats

    def plan(self, batch: QueryBatch) -> Single:
        """Call the likeliest point."""
        return Single((_with_constant(batch.features) @ self.weights @ self.factors).argmax(1))


@dataclass(frozen=True)
class _Policies:
    knobs: Floats
    policies: tuple[_Policy, ...]

    def at(self, knob: float) -> _Policy:
        """Return the policy of the nearest rate."""
        return self.policies[int(np.abs(np.log1p(self.knobs) - np.log1p(knob)).argmin())]


@dataclass(frozen=True)
class MasRouter:
    """The knob is the rate of cost, quality per USD; one policy is fitted for each.

    Args:
        rates: their number.
        name: in tables.
    """

    rates: int = RATES
    name: str = "masrouter"

    def fit(self, training: Training) -> _Policies:
        """Maximise the expected utility on the logged outcomes at every rate, each from the one before."""
        rows = np.random.default_rng(training.seed).permutation(len(training.features))[:MOST_QUERIES]
        features = _with_constant(training.features[rows])
        quality, cost = fill_missing(training.quality)[rows], fill_missing(training.cost_usd)[rows]
        factors = _factors(training)
        every = prices(training)
        rates = every[np.linspace(0, len(every) - 1, self.rates).round().astype(int)]
        weights, policies = np.zeros((features.shape[1], len(factors))), []
        for rate in rates:
            worth = masrouter.utility(quality, cost, float(rate))
            weights = _maximise(weights, features, factors, worth)
            policies.append(_Policy(weights, factors))
        return _Policies(rates, tuple(policies))


def _factors(training: Training) -> Floats:
    """Return which model and which budget every point has, ``(models + budgets, points)``."""
    models = [point.model for point in training.grid.points]
    budgets = [(point.budget.kind, point.budget.label) for point in training.grid.points]
    rows = [[name == model for name in models] for model in dict.fromkeys(models)]
    if len(set(budgets)) > 1:
        rows += [[name == budget for name in budgets] for budget in dict.fromkeys(budgets)]
    return np.array(rows, dtype=np.float64)


def _maximise(start: Floats, features: Floats, factors: Floats, worth: Floats) -> Floats:
    """Climb the exact policy value by L-BFGS, utilities scaled so that they span 1 on average."""
    from scipy.optimize import minimize

    scaled = worth / max(float(np.ptp(worth, axis=1).mean()), 1e-12)

    def loss(values: Floats) -> tuple[float, Floats]:
        weights = values.reshape(start.shape)
        policy = masrouter.policy_value(features @ weights @ factors, scaled)
        slope = features.T @ (policy.by_logit @ factors.T) - RIDGE * weights
        return -policy.value + RIDGE / 2 * float((weights**2).sum()), -slope.ravel()

    best = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}).x
    return best.reshape(start.shape)


def _with_constant(features: Floats) -> Floats:
    return np.column_stack([np.ones(len(features)), features])
