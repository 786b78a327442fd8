"""Systems that rank queries by how much they want the strong model: the default, published ones, and controls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pair_log import PAIR

from paretoroute.evaluation.routers.base import Forecasts, QueryBatch, Router, Training
from paretoroute.evaluation.routers.methods.pairs import Names, ThresholdStrategies
from paretoroute.evaluation.routers.paretoroute import PolicyRouter
from paretoroute.evaluation.routers.registry import ROUTERS
from paretoroute.evaluation.routers.rule_strategies import RuleStrategies
from paretoroute.grid import Grid

DEFAULT = "paretoroute"
BY_COST = "paretoroute, per USD"
CONTROLS = ("random", "prompt-length", "subject", "oracle")
TRAINED = (DEFAULT, "routellm-mf", "routellm-sw", "hybrid-llm-det", "argrouter", "ridge", "knn", "subject")
REGISTERED = {"subject": "tag"}  # MMLU's subjects are the tags


def names_of(grid: Grid) -> Names:
    """Return the names of the weak and the strong point in a grid."""
    name = {point.model: point.name for point in grid.points}
    return name[PAIR[0]], name[PAIR[1]]


def router_of(system: str, grid: Grid) -> Router:
    """Build a system with its settings in ``compare``."""
    if system == DEFAULT:
        return PolicyRouter()
    return ROUTERS[REGISTERED.get(system, system)].make(names_of(grid))


def scores_of(system: str, training: Training, batch: QueryBatch) -> dict[str, np.ndarray]:
    """Fit a system, and score other queries: the higher, the rather the strong model; ``(queries,)`` by row's name.

    Systems that forecast are scored by the forecast gain of the strong model, since the metrics count each of its calls
    as 1. The default has a second row, which divides the gain by the forecast extra cost, as its planner weighs it.

    Raises:
        NotApplicable: the training queries do not suit the system.
    """
    strategies = router_of(system, training.grid).fit(training)
    if isinstance(strategies, ThresholdStrategies):
        return {system: strategies.win_rate(batch)}
    if isinstance(strategies, RuleStrategies):
        forecast = strategies.predict(batch)
    elif isinstance(strategies, Forecasts):
        forecast = strategies.forecast(batch)
    else:
        raise TypeError(f"{system} neither has win rates nor forecasts, so it ranks no queries")
    gain, extra = (_extra(table, training.grid) for table in (forecast.quality, forecast.cost_usd))
    if system != DEFAULT:
        return {system: gain}
    if not (extra > 0).all():
        raise ValueError("the strong model is forecast to cost no more on some query, so a gain per USD means nothing")
    return {DEFAULT: gain, BY_COST: gain / extra}


def _extra(table: np.ndarray, grid: Grid) -> np.ndarray:
    """Subtract the weak from the strong point's column of ``(queries, points)``."""
    weak, strong = (grid.names.index(name) for name in names_of(grid))
    return table[:, strong] - table[:, weak]


@dataclass(frozen=True)
class Untrained:
    """Scores of the controls that learn nothing.

    Args:
        texts: of the queries, ``(queries,)``.
        weak: logged quality of the weak model, ``(queries,)``.
        strong: of the strong model, ``(queries,)``.
    """

    texts: tuple[str, ...]
    weak: np.ndarray
    strong: np.ndarray

    def scores(self) -> dict[str, np.ndarray]:
        """Score by nothing, by the number of characters, and by the realised gain."""
        length = np.array([len(text) for text in self.texts], dtype=np.float64)
        return {"random": np.zeros(len(length)), "prompt-length": length, "oracle": self.strong - self.weak}
