"""Traffic: what a policy remembers of the logged queries, so that it can be solved anew without a fit.

Per query, and without its text: the out-of-fold forecasts of quality and tokens at every point, and what was logged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.surface import cost_usd

Array = NDArray[np.float32]
SIZE_CAP_BYTES = 4_500_000
MOST_QUERIES = 20_000


@dataclass(frozen=True)
class Traffic:
    """Out-of-fold forecasts and logged means at a sample of the logged queries: float32 ``(queries, points)`` each.

    Args:
        quality: forecast quality.
        amount: forecast completion tokens (USD at points that are not priced by tokens).
        prompt_tokens: forecast prompt tokens, 0 where not priced by tokens.
        logged_quality: NaN where nothing was logged.
        logged_amount: NaN where nothing was logged.
        logged_prompt_tokens: NaN where nothing was logged.
    """

    quality: Array
    amount: Array
    prompt_tokens: Array
    logged_quality: Array
    logged_amount: Array
    logged_prompt_tokens: Array

    def forecast(self, grid: Grid) -> Forecast:
        """Price the forecasts."""
        cost = cost_usd(self.amount.astype(np.float64), self.prompt_tokens.astype(np.float64), grid)
        return Forecast(quality=self.quality.astype(np.float64), cost_usd=cost)

    def logged_cost_usd(self, grid: Grid) -> NDArray[np.float64]:
        """Price what was logged: ``(queries, points)``, NaN where nothing was."""
        return cost_usd(self.logged_amount.astype(np.float64), self.logged_prompt_tokens.astype(np.float64), grid)


def sample_size(queries: int, points: int) -> int:
    """Say how many queries' traffic a policy carries: at most 20,000, and at most 4.5 MB of it."""
    return min(queries, MOST_QUERIES, max(200, SIZE_CAP_BYTES // (points * 24)))
