"""The logged bill of every point against tokens times prices: which of the two a policy computes with, and the rest.

Over the runs of a point that have a cost c, with trials w and tokens times prices t, a run without tokens counting at
the mean t of its point:

    sum w c = sum w t + fee sum w.

The fee is the mean residue of a call. It may be carried beside token prices only if it is small: within 2% of the sum,
of the model and of every point that has a share in it. Else tokens do not explain the bill, and cost is forecast from
logged cost, which keeps the sum right whatever else was billed (tools, tiers, discounts, refunds).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.price import Price, sum_usd
from paretoroute.runs.align import of_model, token_cost_usd
from paretoroute.runs.table import Runs

TOLERANCE = 0.02  # the residue, relative to the logged sum, up to which token prices stand
RELEVANT = 0.01  # the share of its model's bill from which a point's own residue counts
ROUNDING = 1e-9  # residues below this, relative to the logged sum, are rounding errors: no fee
_LEAST_DIGITS = 7  # costs with so many decimals do not count as rounded
_LEAST_FEE = 1e-6  # of a call's cost: a smaller residue is an error of the derived price
_FEES = 10  # distinct fees of a call, such as those of 0 to 9 searches
_WITH_FEES = 0.8  # of the runs: the least share whose residue is one of these ...
_ALIKE = 0.5  # ... where fewer than this share have one of as many commonest token costs
_FINE = (1e-4, 1e-3)  # relative to the median token cost: the resolution of residues, and the coarsest that can tell


@dataclass(frozen=True)
class Bill:
    """The runs of one model: what was logged, and what tokens times prices explain of it.

    Args:
        point: position of each run's point in the log, ``(runs,)``.
        logged_usd: logged cost, NaN where unknown, ``(runs,)``.
        tokens_usd: tokens times prices, NaN where tokens are unknown, ``(runs,)``.
        trials: ``(runs,)``.
        is_own: whether cost and tokens are of the run itself, and no mean over queries, ``(runs,)``.
        points: number of points of the log.
    """

    point: NDArray[np.int32]
    logged_usd: Floats
    tokens_usd: Floats
    trials: Floats
    is_own: Mask
    points: int

    @property
    def has_cost(self) -> Mask:
        """Which runs have a logged cost, ``(runs,)``."""
        return ~np.isnan(self.logged_usd)

    @property
    def paired(self) -> Mask:
        """Which runs have both a cost and tokens of their own, ``(runs,)``."""
        return self.has_cost & ~np.isnan(self.tokens_usd) & self.is_own

    def _total(self, values: Floats, rows: Mask) -> Floats:
        return np.bincount(self.point[rows], (self.trials * values)[rows], self.points).astype(np.float64)

    @property
    def _priced(self) -> Floats:
        """Tokens times prices of every run; runs without tokens count at the mean of their point, ``(runs,)``."""
        known = ~np.isnan(self.tokens_usd)
        count = self._total(np.ones(len(self.point)), known)
        mean = np.divide(self._total(self.tokens_usd, known), count, out=np.zeros(self.points), where=count > 0)
        return np.where(known, self.tokens_usd, mean[self.point])

    @property
    def logged_sums(self) -> Floats:
        """Logged USD of every point, ``(points,)``."""
        return self._total(self.logged_usd, self.has_cost)

    @property
    def token_sums(self) -> Floats:
        """Tokens times prices of the same runs, ``(points,)``."""
        return self._total(self._priced, self.has_cost)

    @property
    def fees(self) -> Floats:
        """The mean residue of a call in USD, ``(points,)``; 0 where it is a rounding error or no cost is logged."""
        logged, residue = self.logged_sums, self.logged_sums - self.token_sums
        count = self._total(np.ones(len(self.point)), self.has_cost)
        is_real = (count > 0) & (np.abs(residue) > ROUNDING * np.abs(logged))
        return np.divide(residue, count, out=np.zeros(self.points), where=is_real)

    @property
    def most_fees(self) -> Floats:
        """The largest residue of a logged call in USD, ``(points,)``; 0 without a fee, and for rounding errors."""
        rows = self.paired
        logged, residue = self.logged_usd[rows], (self.logged_usd - self.tokens_usd)[rows]
        most = np.zeros(self.points)
        if rows.any():
            is_real = residue > 1.01 * np.maximum(decimal_unit(logged) / 2, _LEAST_FEE * np.abs(logged))
            np.maximum.at(most, self.point[rows][is_real], residue[is_real])
        return np.where(self.fees == 0, 0.0, most)

    @property
    def is_explained(self) -> bool:
        """Whether tokens times prices explain the logged sum of the model and of every point with a share in it."""
        logged, residue = self.logged_sums, np.abs(self.logged_sums - self.token_sums)
        total = float(np.abs(logged).sum())
        if abs(float((self.logged_sums - self.token_sums).sum())) > TOLERANCE * abs(float(logged.sum())):
            return False
        is_relevant = (np.abs(logged) >= RELEVANT * total) | (residue >= RELEVANT * total)
        return not (is_relevant & (residue > TOLERANCE * np.abs(logged))).any()

    @property
    def median_ratio(self) -> float:
        """Median of logged cost over tokens times prices, over runs where both are positive; NaN without any."""
        rows = self.paired & (np.nan_to_num(self.logged_usd) > 0) & (np.nan_to_num(self.tokens_usd) > 0)
        return float(np.median(self.logged_usd[rows] / self.tokens_usd[rows])) if rows.any() else float("nan")

    @property
    def median_error(self) -> float:
        """Median relative error of tokens times prices on positive costs, beyond their rounding; NaN without any."""
        rows = self.paired & (np.nan_to_num(self.logged_usd) > 0)
        if not rows.any():
            return float("nan")
        logged = self.logged_usd[rows]
        beyond = np.maximum(np.abs(self.tokens_usd[rows] - logged) - decimal_unit(logged) / 2, 0.0)
        return float(np.median(beyond / logged))

    @property
    def is_beside_fees(self) -> bool:
        """Whether the prices are those that were paid, beside fees: residues take few values, whatever the tokens.

        At any other price the residue of a run would follow its tokens.
        """
        rows = self.paired & (np.nan_to_num(self.tokens_usd) > 0)
        if not rows.any():
            return False
        logged, by_tokens = self.logged_usd[rows], self.tokens_usd[rows]
        resolution, coarsest = np.array(_FINE) * np.median(by_tokens)
        resolution = max(resolution, decimal_unit(logged))
        if resolution > coarsest:
            return False
        share = _share_of_commonest((logged - by_tokens) / resolution)
        return share >= _WITH_FEES and _share_of_commonest(by_tokens / resolution) < _ALIKE

    @property
    def residue_share(self) -> float:
        """The largest residue of the model or of one of its points, relative to the model's logged sum."""
        residue = self.logged_sums - self.token_sums
        most = max(float(np.abs(residue).max(initial=0.0)), abs(float(residue.sum())))
        return most / max(abs(float(self.logged_sums.sum())), 1e-300)

    def sums(self, model: str) -> str:
        """State the logged sum of a model and what tokens times prices come to."""
        logged, by_tokens, runs = float(self.logged_sums.sum()), float(self.token_sums.sum()), int(self.has_cost.sum())
        if by_tokens > logged:
            return f"tokens x prices come to {sum_usd(by_tokens)} where {runs} runs of {model} cost {sum_usd(logged)}"
        return f"tokens x prices explain {sum_usd(by_tokens)} of the {sum_usd(logged)} that {runs} runs of {model} cost"

    def odd_runs(self) -> str:
        """Count the runs that cost more or less than their tokens, or have none, as "; 4 runs cost more"."""
        rows, error = self.paired, np.nan_to_num(self.logged_usd - self.tokens_usd)
        beyond = TOLERANCE * np.abs(np.nan_to_num(self.tokens_usd))
        counts = {
            ("costs more", "cost more"): rows & (error > beyond),
            ("costs less", "cost less"): rows & (error < -beyond),
            ("is below $0", "are below $0"): np.nan_to_num(self.logged_usd) < 0,
            ("has a cost and no tokens", "have a cost and no tokens"): self.has_cost & np.isnan(self.tokens_usd),
        }
        sizes = {verbs: int(odd.sum()) for verbs, odd in counts.items() if odd.any()}
        parts = [f"{n} runs {several}" if n > 1 else f"1 run {one}" for (one, several), n in sizes.items()]
        return f"; {', '.join(parts)}" if parts else ""


def bill_of(runs: Runs, model: str, price: Price) -> Bill:
    """Price the tokens of one model's runs beside their logged cost."""
    at_model = of_model(runs, model)
    return Bill(
        point=runs.point[at_model],
        logged_usd=runs.cost_usd[at_model],
        tokens_usd=token_cost_usd(runs, price, at_model),
        trials=runs.trials[at_model],
        is_own=~runs.cost_is_mean[at_model],
        points=len(runs.points),
    )


def _share_of_commonest(values: Floats) -> float:
    """Return the share of the values that round to one of the ten commonest integers."""
    counts = np.unique(np.round(values), return_counts=True)[1]
    return float(np.sort(counts)[-_FEES:].sum() / len(values))


def decimal_unit(costs: Floats) -> float:
    """Return the decimal unit that costs were rounded to, such as 0.0001; 0 where they have seven decimals or more."""
    for digits in range(_LEAST_DIGITS):
        scaled = costs * 10.0**digits
        if (np.abs(scaled - np.round(scaled)) <= ROUNDING * np.maximum(np.abs(scaled), 1.0)).all():
            return 10.0**-digits
    return 0.0
