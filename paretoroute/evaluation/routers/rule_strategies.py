"""Strategies of a published rule that chooses one point per query from a forecast and a knob."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.base import QueryBatch
from paretoroute.evaluation.routers.plans import Single
from paretoroute.evaluation.routers.priced import Predict
from paretoroute.forecast import Forecast

Rule = Callable[[Forecast, float], Indices]
"""The point chosen per query from forecasts and a value of the knob, ``(queries,)``."""


@dataclass(frozen=True)
class RuleStrategy:
    """A rule at one value of its knob."""

    predict: Predict
    rule: Rule
    knob: float

    def plan(self, batch: QueryBatch) -> Single:
        """Apply the rule to the forecasts."""
        return Single(self.rule(self.predict(batch), self.knob))


@dataclass(frozen=True)
class RuleStrategies:
    """Strategies of a rule.

    Args:
        predict: forecasts quality and cost.
        rule: of the system.
        knobs: values of its knob, ``(knobs,)``.
    """

    predict: Predict
    rule: Rule
    knobs: Floats

    def at(self, knob: float) -> RuleStrategy:
        """Return the strategy at a value of the knob."""
        return RuleStrategy(self.predict, self.rule, knob)
