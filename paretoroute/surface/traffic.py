"""Traffic: what a policy remembers of the logged queries, so that it can be solved anew without a fit.

Per query, and without its text: the out-of-fold forecasts of quality and tokens at every point, and what was logged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats32
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid, cost_usd

SIZE_CAP_BYTES = 4_500_000
MOST_QUERIES = 20_000
MOST_NAMES = 200


@dataclass(frozen=True)
class Labels:
    """One name per query, by which limits group them.

    Args:
        names: the names; the first is ``""``, no label.
        codes: position in ``names``, int16 ``(queries,)``.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int16]

    @staticmethod
    def of(values: Sequence[str]) -> Labels:
        """Number the names of some queries; beyond the commonest 200 they count as no label."""
        count = Counter(value for value in values if value)
        kept = sorted(sorted(count, key=lambda name: (-count[name], name))[:MOST_NAMES])
        place = {name: i for i, name in enumerate(kept, start=1)}
        return Labels(("", *kept), np.array([place.get(value, 0) for value in values], np.int16))

    @property
    def values(self) -> NDArray[np.str_]:
        """The name of every query, ``(queries,)``."""
        return np.array(self.names)[self.codes]


@dataclass(frozen=True)
class CalibrationSample:
    """Out-of-fold forecasts and logged means at a sample of the logged queries: float32 ``(queries, points)`` each.

    Args:
        quality: forecast quality.
        amount: forecast completion tokens (USD at points that are not priced by tokens).
        prompt_tokens: forecast prompt tokens, 0 where not priced by tokens.
        logged_quality: NaN where nothing was logged.
        logged_amount: NaN where nothing was logged.
        logged_prompt_tokens: NaN where nothing was logged.
        latency_s: forecast mean latency, or None where too little was logged.
        logged_latency_s: NaN where nothing was logged, or None with ``latency_s``.
        labels: by kind (``tag``, ``tenant``, ``step``), where any was logged.
    """

    quality: Floats32
    amount: Floats32
    prompt_tokens: Floats32
    logged_quality: Floats32
    logged_amount: Floats32
    logged_prompt_tokens: Floats32
    latency_s: Floats32 | None = None
    logged_latency_s: Floats32 | None = None
    labels: Mapping[str, Labels] = field(default_factory=dict)

    def forecast(self, grid: Grid) -> Forecast:
        """Price the forecasts."""
        cost = cost_usd(self.amount.astype(np.float64), self.prompt_tokens.astype(np.float64), grid)
        return Forecast(
            quality=self.quality.astype(np.float64),
            cost_usd=cost,
            latency_s=None if self.latency_s is None else self.latency_s.astype(np.float64),
            labels={by: labels.values for by, labels in self.labels.items()},
        )

    def logged_cost_usd(self, grid: Grid) -> NDArray[np.float64]:
        """Price what was logged: ``(queries, points)``, NaN where nothing was."""
        return cost_usd(self.logged_amount.astype(np.float64), self.logged_prompt_tokens.astype(np.float64), grid)


def sample_size(queries: int, points: int, *, latency: bool = False) -> int:
    """Say how many queries' traffic a policy carries: at most 20,000, and at most 4.5 MB of it.

    Args:
        queries: that were logged.
        points: of the grid.
        latency: whether latencies are carried as well.
    """
    return min(queries, MOST_QUERIES, max(200, SIZE_CAP_BYTES // (points * (32 if latency else 24))))
