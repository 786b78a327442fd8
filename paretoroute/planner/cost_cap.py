"""What a call may cost at most: output caps, and the points whose bill can be held under a limit for certain."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.errors import DialectError, TargetError
from paretoroute.grid import TOKENS_PER_PRICE_UNIT, Grid
from paretoroute.planner import dialects
from paretoroute.surface.surface import Amounts, Surface

CAP_QUANTILE = 0.99  # of the tokens: where output is capped
LEAST_CAP_TOKENS = 256
TEMPLATE_TOKENS = 64  # chat template and role markers, where the log says nothing of prompt tokens


class CostCap:
    """The caps and bills of a policy's points.

    Args:
        grid: points and prices.
        surface: for the spread of tokens, and what bounds them.
        dialect: in which a lowered cap has to be expressible, or None.
    """

    def __init__(self, grid: Grid, surface: Surface, dialect: str | None) -> None:
        self._grid, self._surface, self.dialect = grid, surface, dialect
        prices = [grid.prices.get(point.model) for point in grid.points]
        self._paid_in = np.array([p.input_usd_per_mtok if p else np.nan for p in prices]) / TOKENS_PER_PRICE_UNIT
        self._paid_out = np.array([p.output_usd_per_mtok if p else np.nan for p in prices]) / TOKENS_PER_PRICE_UNIT

    @property
    def priced(self) -> NDArray[np.bool_]:
        """Which points have a token price, so that a bill can be held under a limit, ``(points,)``."""
        return ~np.isnan(self._paid_out)

    def caps(self, amounts: Amounts) -> Floats:
        """Cap the output at the forecast 99th percentile, or at the largest logged one where cost is not of tokens.

        A thinking budget counts towards the cap, used up or not: below it another point would be called, or none.
        """
        panel = self._surface.amount
        high = np.maximum(panel.at_quantile(amounts.amount, CAP_QUANTILE), 2 * amounts.amount)
        logged = self._surface.bounds.most_completion_tokens
        caps = np.maximum(np.where(np.isnan(self._paid_out), logged, np.ceil(high)), LEAST_CAP_TOKENS)
        caps = np.fmax(caps, self._sizes("thinking_tokens") + LEAST_CAP_TOKENS)
        fixed = self._sizes("max_tokens")
        return np.where(np.isnan(fixed), caps, fixed)

    def _sizes(self, kind: str) -> Floats:
        """Amounts of the budgets of one kind, where known and not 0, else NaN."""
        return np.array([(p.budget.kind == kind and p.budget.amount) or np.nan for p in self._grid.points])

    def fitting(
        self, text: str | None, amounts: Amounts, cost: Floats, caps: Floats, limit: float | None
    ) -> tuple[NDArray[np.bool_], Floats]:
        """Find the points whose bill can be held under a limit, and the output caps that hold it."""
        if limit is None:
            return np.ones(len(cost), bool), caps
        if not (math.isfinite(limit) and limit > 0):
            raise TargetError(f"max_cost_usd must be a positive number, got {limit}")
        # Nothing bounds the prompt of a query that is not there, such as one given by its embedding alone.
        size = math.inf if text is None else len(text.encode("utf-8", "replace"))
        overhead = np.nan_to_num(self._surface.bounds.prompt_overhead_tokens, nan=TEMPLATE_TOKENS)
        prompt = np.maximum(size + np.maximum(overhead, 0.0), np.nan_to_num(amounts.prompt_tokens))
        with np.errstate(divide="ignore", invalid="ignore"):
            room = limit - np.where(self._paid_in > 0, prompt * self._paid_in, 0.0 * self._paid_in)
            affordable = np.where(self._paid_out > 0, np.floor(room / self._paid_out * (1 - 1e-12)), np.inf)
        held = (room >= 0) & (affordable >= 1)
        held[held] = [self._affords(int(j), affordable[j]) for j in np.flatnonzero(held)]
        fits = held & (affordable >= np.ceil(amounts.amount)) & (cost <= limit)
        return fits, np.where(held, np.minimum(caps, affordable), caps)

    def _affords(self, column: int, cap: float) -> bool:
        """Tell whether the point can still be expressed under a lowered cap: thinking has to fit into it."""
        budget = self._grid.points[column].budget
        if budget.kind == "thinking_tokens" and budget.amount and not cap > budget.amount:
            return False
        if budget.kind == "samples" and budget.amount and cap < budget.amount:
            return False
        if self.dialect is None or not math.isfinite(cap) or cap < 1:
            return True
        try:
            dialects.request_kwargs(self.dialect, self._grid.points[column], output_cap_tokens=int(cap))
        except DialectError:
            return False
        return True
