"""Output caps, and the points whose cost they hold under a limit for certain."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import DialectError
from paretoroute.grid import Grid
from paretoroute.planner.query_forecast import QueryForecast
from paretoroute.planner.request import Request
from paretoroute.surface.surface import Amounts, Surface

CAP_QUANTILE = 0.99  # of the completion tokens: where the output is capped
LEAST_CAP_TOKENS = 256
TEMPLATE_TOKENS = 64  # chat template and role markers, where no prompt tokens were logged
_SHORT_OF = 1 - 1e-12  # rounding must not let tokens x price exceed the limit


class CappedOutput(NamedTuple):
    """The output caps of one call at every point, ``(points,)`` each.

    Args:
        tokens: most completion tokens; NaN where unknown.
        is_lowered: whether the cap is below the usual one, to keep the limit on cost.
        keeps_limit: whether the cost stays under the limit for certain; True everywhere without a limit.
    """

    tokens: Floats
    is_lowered: Mask
    keeps_limit: Mask


class CostCap:
    """Holds the cost of single calls under hard limits.

    Args:
        grid: points and prices.
        surface: for the spread of tokens, and their largest logged values.
        dialect: in which a cap has to be expressible, or None.
        repeat_calls: whether calls are repeated for the samples that one call of the dialect cannot hold.
    """

    def __init__(self, grid: Grid, surface: Surface, dialect: str | None = None, *, repeat_calls: bool = False) -> None:
        self._grid, self._surface, self._dialect, self._repeat_calls = grid, surface, dialect, repeat_calls
        self._prices = grid.token_prices
        self._thinking, self._fixed = self._budget_amounts("thinking_tokens"), self._budget_amounts("max_tokens")
        self._most_per_prompt_token = self._dearest_prompt_tokens()
        self._most = np.full(len(grid.points), np.nan)
        self._calls = np.ones(len(grid.points))  # each is billed for its own prompt
        self._nowhere, self._everywhere = np.zeros(len(grid.points), bool), np.ones(len(grid.points), bool)
        if dialect is not None:
            self._read_dialect(dialect)

    def _read_dialect(self, name: str) -> None:
        """Take the thinking tokens that the dialect sends, and the largest caps that its client takes."""
        from paretoroute.planner import dialects  # loaded only where a dialect is given

        dialect = dialects.load(name)
        for j, point in enumerate(self._grid.points):
            self._thinking[j] = dialect.thinking(point) or np.nan
            if self._repeat_calls:
                self._calls[j] = dialects.split(name, point).calls
            most = dialect.most_output_tokens(point.model)
            if most is not None:
                self._most[j] = most * self._calls[j]

    @cached_property
    def _terms(self) -> list[tuple[float, ...]]:
        """USD per prompt token and per completion token, the fee, the calls and the overhead, of every point."""
        of_points = self._most_per_prompt_token, self._prices.completion, self._grid.most_fee_usd, self._calls
        return np.column_stack([*of_points, self._overhead_tokens]).tolist()

    @cached_property
    def _overhead_tokens(self) -> Floats:
        """The largest logged prompt tokens beyond the bytes of the text, ``(points,)``."""
        return np.maximum(np.nan_to_num(self._surface.bounds.prompt_overhead_tokens, nan=TEMPLATE_TOKENS), 0.0)

    def _dearest_prompt_tokens(self) -> Floats:
        """The USD that a prompt token costs at most: as fresh input, or written to a cache, ``(points,)``."""
        prices = [self._grid.prices.get(point.model) for point in self._grid.points]
        surcharge = np.array([max(price.cache_surcharge, 0.0) if price else 0.0 for price in prices])
        return self._prices.prompt * (1 + surcharge)

    @property
    def priced(self) -> Mask:
        """Which points have a token price, so that their cost can be held under a limit, ``(points,)``."""
        return self._prices.priced

    def caps(self, amounts: Amounts) -> Floats:
        """Return the usual output caps in tokens, ``(..., points)``.

        They are the forecast 99th percentile of completion tokens, or the largest logged completion where a point is
        not priced by tokens. A thinking budget counts towards the cap, used up or not: below it the call would be that
        of another point, or refused. Where the client of the dialect takes no larger cap, or requires one and none is
        known, it is the largest that it takes.
        """
        high = np.maximum(self._surface.amount.at_quantile(amounts.amount, CAP_QUANTILE), 2 * amounts.amount)
        logged = self._surface.bounds.most_completion_tokens
        caps = np.maximum(np.where(self.priced, np.ceil(high), logged), LEAST_CAP_TOKENS)
        caps = np.fmax(caps, self._thinking + LEAST_CAP_TOKENS)
        return np.fmin(np.where(np.isnan(self._fixed), caps, self._fixed), self._most)

    def _budget_amounts(self, kind: str) -> Floats:
        """Return the amounts of the budgets of one kind, where known and not 0, else NaN."""
        return np.array([(p.budget.kind == kind and p.budget.amount) or np.nan for p in self._grid.points])

    def usual(self, caps: Floats) -> CappedOutput:
        """Return the usual output caps, ``(points,)``, where no limit lowers them."""
        return CappedOutput(caps, self._nowhere, self._everywhere)

    def under_limit(self, request: Request, forecast: QueryForecast, *, caps: Floats | None = None) -> CappedOutput:
        """Return the output caps that hold a request's ``max_cost_usd``, and the points at which they do.

        Args:
            request: the call.
            forecast: of every point.
            caps: the usual caps, ``(points,)``; None: compute them.
        """
        usual = self.caps(forecast.amounts) if caps is None else caps
        limit = request.max_cost_usd
        if limit is None:
            return self.usual(usual)
        affordable = self._affordable_tokens(limit, self._most_prompt_tokens(request, forecast))
        held = affordable >= 1
        lowered = np.fmin(affordable, self._most)
        held[held] = [self._is_expressible(int(j), lowered[j]) for j in np.flatnonzero(held)]
        tokens = np.where(held, np.minimum(usual, affordable), usual)
        needed = np.ceil(forecast.amounts.amount)
        return CappedOutput(
            tokens=tokens,
            is_lowered=tokens < usual,
            keeps_limit=held & (affordable >= needed) & (forecast.cost_usd <= limit),
        )

    def most_usd(self, request: Request, forecast: QueryForecast, *, column: int, tokens: float) -> float | None:
        """Return the USD that a call costs at most while its output cap is kept; None where nothing bounds it.

        Args:
            request: the call.
            forecast: of every point.
            column: of the point that is called.
            tokens: the output cap, of the whole call.
        """
        per_prompt, per_token, fee, calls, overhead = self._terms[column]
        if math.isnan(per_token) or not math.isfinite(tokens):
            return None
        of_output = fee + tokens * per_token
        if per_prompt == 0:
            return of_output
        prompt_bytes = request.prompt_bytes
        if not math.isfinite(prompt_bytes):
            return None
        forecast_tokens = float(forecast.tables.amounts.prompt_tokens[forecast.query, column])
        most = calls * prompt_bytes + overhead
        return of_output + per_prompt * (max(most, forecast_tokens) if forecast_tokens > 0 else most)

    def _most_prompt_tokens(self, request: Request, forecast: QueryForecast) -> Floats:
        """Bound the prompt tokens by one per byte and call and the largest logged overhead.

        It is infinite without a text, and with an image or other media beside it.
        The overhead is that of a whole query in the log, all of its repeated calls together.
        """
        most = self._calls * request.prompt_bytes + self._overhead_tokens
        return np.maximum(most, np.nan_to_num(forecast.amounts.prompt_tokens))

    def _affordable_tokens(self, limit_usd: float, prompt_tokens: Floats) -> Floats:
        """Return the most completion tokens that the limit pays for beside prompt and fee; NaN or negative: none."""
        prices, fee = self._prices, self._grid.most_fee_usd  # the mean fee may be too little
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            per_prompt = self._most_per_prompt_token
            room = limit_usd - fee - np.where(per_prompt > 0, prompt_tokens * per_prompt, 0.0 * per_prompt)
            affordable = np.where(prices.completion > 0, np.floor(room / prices.completion * _SHORT_OF), np.inf)
        return np.where(room >= 0, affordable, np.nan)

    def _is_expressible(self, column: int, cap: float) -> bool:
        """Return whether a call with this cap is still that of the point: thinking and samples have to fit into it."""
        budget = self._grid.points[column].budget
        if budget.kind == "thinking_tokens" and budget.amount and not cap > budget.amount:
            return False
        if budget.kind == "samples" and budget.amount and cap < budget.amount:
            return False
        if self._dialect is None or not math.isfinite(cap):
            return True
        from paretoroute.planner import dialects  # loaded only where a dialect is given

        try:
            point = self._grid.points[column]
            calls, called = dialects.split(self._dialect, point) if self._repeat_calls else (1, point)
            dialects.request_kwargs(self._dialect, called, output_cap_tokens=int(cap) // calls)
        except DialectError:
            return False
        return True
