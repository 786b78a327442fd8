"""ParetoBandit (2026, arXiv:2604.00136): disjoint LinUCB with forgetting, paced to a mean cost.

An arm's score is theta_a . x + alpha sqrt(x' A_a^-1 x) - (lambda_c + lambda_t) n_a, where n_a is its unit price on a
logarithmic scale in [0, 1]. The pacer follows the mean cost c of calls:

    ema <- (1 - s) ema + s c,   lambda_t <- clip(lambda_t + eta (ema / B - 1), 0, lambda_max)

and forbids arms dearer than the dearest price over 1 + lambda_t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from paretoroute._arrays import Floats

MOST_VARIANCE = 200.0  # greatest factor by which staleness inflates a variance
LEAST_REGULARISATION = 0.1  # of its start; below it, the regularisation is topped up


@dataclass(frozen=True)
class Pacer:
    """A controller of mean cost; :meth:`observe` returns its next state.

    Args:
        target_usd: mean cost to keep to, B.
        ema_usd: exponential mean of the costs; starts at the target.
        lam: the price of cost, lambda_t.
        step: eta.
        smoothing: s, weight of the newest cost.
        most: lambda_max.
    """

    target_usd: float
    ema_usd: float
    lam: float = 0.0
    step: float = 0.05
    smoothing: float = 0.05
    most: float = 5.0

    @classmethod
    def start(cls, target_usd: float, *, step: float = 0.05, smoothing: float = 0.05, most: float = 5.0) -> Pacer:
        """Return a pacer that has seen no call."""
        return cls(target_usd, target_usd, step=step, smoothing=smoothing, most=most)

    def observe(self, cost_usd: float) -> Pacer:
        """Return the pacer after one more call."""
        ema = (1 - self.smoothing) * self.ema_usd + self.smoothing * cost_usd
        lam = float(np.clip(self.lam + self.step * (ema / self.target_usd - 1), 0.0, self.most))
        return Pacer(self.target_usd, ema, lam, self.step, self.smoothing, self.most)

    def ceiling(self, dearest: float) -> float | None:
        """Return the greatest allowed price, dearest / (1 + lambda_t); None while lambda_t is 0."""
        return dearest / (1 + self.lam) if self.lam > 0 else None


def log_normalised(price: Floats, floor: float, ceiling: float) -> Floats:
    """Scale prices to [0, 1] by their logarithm between a floor and a ceiling."""
    return np.clip(np.log(np.maximum(price, floor) / floor) / np.log(ceiling / floor), 0.0, 1.0)


@dataclass
class _Arm:
    a: Floats
    b: Floats
    regularisation: float
    updated: int = 0
    selected: int = 0


@dataclass
class LinUCB:
    """Disjoint LinUCB with exponential forgetting.

    Args:
        width: of the contexts.
        arms: their number.
        regularisation: A starts at this times the identity.
        forgetting: gamma; A and b of an arm decay by gamma^(steps since its last update).
        alpha: width of the confidence bound.
    """

    width: int
    arms: int
    regularisation: float = 1.0
    forgetting: float = 1.0
    alpha: float = 0.01
    clock: int = 0
    _state: list[_Arm] = field(default_factory=list)

    def __post_init__(self) -> None:
        start = self.regularisation * np.eye(self.width)
        self._state = [_Arm(start.copy(), np.zeros(self.width), self.regularisation) for _ in range(self.arms)]

    def theta(self, arm: int) -> Floats:
        """Return the ridge coefficients of an arm, ``(width,)``."""
        return np.asarray(np.linalg.solve(self._state[arm].a, self._state[arm].b), np.float64)

    def matrix(self, arm: int) -> Floats:
        """Return A of an arm, ``(width, width)``."""
        return self._state[arm].a

    def expected(self, x: Floats) -> Floats:
        """Return theta . x of every arm, ``(arms,)``."""
        return np.array([x @ self.theta(arm) for arm in range(self.arms)])

    def variance(self, x: Floats) -> Floats:
        """Return x' A^-1 x over gamma^(steps since an arm's last update or selection), ``(arms,)``."""
        plain = np.array([float(x @ np.linalg.solve(arm.a, x)) for arm in self._state], dtype=np.float64)
        stale = np.array([self.clock - max(arm.updated, arm.selected) for arm in self._state], dtype=np.float64)
        return np.asarray(plain * np.minimum(self.forgetting**-stale, MOST_VARIANCE), dtype=np.float64)

    def scores(self, x: Floats, penalty: Floats) -> Floats:
        """Return the upper confidence bounds minus penalties, ``(arms,)``."""
        return self.expected(x) + self.alpha * np.sqrt(self.variance(x)) - penalty

    def select(self, x: Floats, penalty: Floats, *, allowed: Sequence[bool] | None = None) -> int:
        """Return the arm of the greatest score, the first of equals, and count the selection."""
        scores = self.scores(x, penalty)
        arm = int(np.where(True if allowed is None else np.asarray(allowed), scores, -np.inf).argmax())
        self.clock += 1
        self._state[arm].selected = self.clock
        return arm

    def update(self, arm: int, x: Floats, reward: float) -> None:
        """Learn from a reward of an arm."""
        state = self._state[arm]
        decay = self.forgetting ** (self.clock - state.updated)
        state.a, state.b = decay * state.a, decay * state.b + reward * x
        state.regularisation *= decay
        if state.regularisation < LEAST_REGULARISATION * self.regularisation:
            state.a = state.a + (self.regularisation - state.regularisation) * np.eye(self.width)
            state.regularisation = self.regularisation
        state.a = state.a + np.outer(x, x)
        state.updated = self.clock
