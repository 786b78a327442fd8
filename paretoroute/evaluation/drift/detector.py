r"""A Shiryaev-Roberts detector of a shift in the mean of a stream of residuals, whose mean is known from a sample only.

Let s_t be the score of call t (its standardised residual) and b_t the mean of the n_t scores before it of the same
point, those of the calibration sample included. The recursive residual (Brown, Durbin and Evans, 1975)

    w_t = (s_t - b_t) sqrt(n_t / (n_t + 1))

has mean zero as long as all scores have the same mean, whatever that is, so that the error of the sample's mean is no
drift. Those of normal scores of one variance are independent. Those of other scores are uncorrelated only, and their
mean given the past is zero approximately, and with it the bound below (measured in experiments/drift). A bet of size k
multiplies the capital by e_t = 1 + k w_t, whose mean is then 1 (Waudby-Smith and Ramdas, "Estimating means of bounded
random variables by betting", 2024, doi:10.1093/jrsssb/qkad009). With one bet opened at every call,

    R_t = (1 + R_{t-1}) e_t

is an e-detector (Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection",
2024, arXiv:2203.03532). R_t - t is a martingale, so that by Doob's inequality R reaches c within T calls of a stable
stream with probability at most T / c. Bets of several sizes and both signs share the capital.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from paretoroute._arrays import Floats

LEAST_FACTOR = 0.1  # a bet keeps at least this share of its capital, whatever the outcome
MOST_CAPITAL = 1e200
SPREAD_WEIGHT = 50.0  # calls that the calibration sample's spread counts for beside the stream's own


class Bets(NamedTuple):
    """Sizes of the bets, in units of the shift to find, and their shares of the capital."""

    sizes: tuple[float, ...]
    shares: tuple[float, ...]


# Half of the capital is on the drop that has to be found soon; large bets find collapses and date them.
DROPS = Bets((-0.5, -1.0, -2.0, -4.0, -8.0, -16.0, 1.0, 2.0), (0.08, 0.5, 0.14, 0.05, 0.03, 0.02, 0.11, 0.07))
BOTH_WAYS = Bets(
    (-8.0, -4.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 4.0, 8.0),
    (0.02, 0.05, 0.1, 0.2, 0.1, 0.12, 0.22, 0.12, 0.05, 0.02),
)


@dataclass(slots=True)
class Mean:
    """A running mean.

    Args:
        count: what it rests on.
        value: the mean.
    """

    count: float = 0.0
    value: float = 0.0

    def add(self, value: float) -> None:
        """Take in one value."""
        self.count += 1.0
        self.value += (value - self.value) / self.count


class Score(NamedTuple):
    """One call, as a detector sees it.

    Args:
        group: of calls with a mean of their own: the point, and whether the policy chose it.
        value: standardised residual.
        low: least value that it could have had, given all that was known before the call.
        high: largest.
        residual: in the unit of the figure, minus the calibration sample's mean.
    """

    group: str
    value: float
    low: float
    high: float
    residual: float


@dataclass(slots=True)
class Totals:
    """Number, sum and sum of squares of residuals."""

    count: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Take in one residual."""
        self.count += 1.0
        self.total += value
        self.squares += value * value

    def minus(self, other: Totals) -> Totals:
        """Return the totals without those of an earlier time."""
        return Totals(self.count - other.count, self.total - other.total, self.squares - other.squares)

    @property
    def mean(self) -> float:
        """NaN without a value."""
        return self.total / self.count if self.count else float("nan")

    @property
    def variance(self) -> float:
        """With one value or none, NaN."""
        if self.count < 2:
            return float("nan")
        return max(self.squares - self.total * self.total / self.count, 0.0) / (self.count - 1)


@dataclass(slots=True)
class Start:
    """The last call before a possible change.

    Args:
        call: number of calls of the monitor before the change.
        time: of the first call after it, seconds since 1970, or None where no time is logged.
        before: totals of the residuals until then.
    """

    call: int = 0
    time: float | None = None
    before: Totals = field(default_factory=Totals)


@dataclass(slots=True)
class Alarm:
    """A detected change.

    Args:
        call: number of calls of the monitor at the alarm.
        time: of that call, or None.
        start: estimated change.
    """

    call: int
    time: float | None
    start: Start


class Moment(NamedTuple):
    """The position of a call: its number, from 0, and its time, or None."""

    call: int
    time: float | None


@dataclass(slots=True)
class Detector:
    """The state of the test on one stream.

    Args:
        unit: score of a shift that should be found.
        spread: mean square of the scores in the calibration sample.
        threshold: capital at which a change is detected.
        bets: sizes and shares.
        means: of the scores of every group; those of the calibration sample to begin with.
        reference: number of cells of the calibration sample that the residuals are compared with.
    """

    unit: float
    spread: Mean
    threshold: float
    bets: Bets
    means: dict[str, Mean]
    reference: float
    totals: Totals = field(default_factory=Totals)
    peak: float = 0.0
    alarm: Alarm | None = None
    _capital: Floats = field(init=False)
    _growth: Floats = field(init=False)
    _starts: list[Start] = field(init=False)
    _sizes: Floats = field(init=False)
    _shares: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._sizes, self._shares = np.array(self.bets.sizes), np.array(self.bets.shares)
        self._capital, self._growth = np.zeros(len(self._sizes)), np.zeros(len(self._sizes))
        self._starts = [Start() for _ in self.bets.sizes]

    def see(self, score: Score, moment: Moment) -> None:
        """Take in one call."""
        mean = self.means.setdefault(score.group, Mean())
        if mean.count > 0:
            factors = self._factors(score, mean)
            if self.alarm is None:
                self._open(moment, np.log(factors))
            self._capital = np.minimum((1.0 + self._capital) * factors, MOST_CAPITAL)
            self.peak = max(self.peak, float(self._capital @ self._shares))
        self.totals.add(score.residual)
        mean.add(score.value)
        self.spread.add(score.value * score.value)
        if self.alarm is None and self.peak >= self.threshold:
            best = int(np.argmax(self._growth))
            self.alarm = Alarm(moment.call + 1, moment.time, self._starts[best])

    def _factors(self, score: Score, mean: Mean) -> Floats:
        """Return the factor of every bet, whose size depends on earlier calls and on the possible scores alone."""
        shrinkage = math.sqrt(mean.count / (mean.count + 1.0))
        low, high = (score.low - mean.value) * shrinkage, (score.high - mean.value) * shrinkage
        size = self._sizes * self.unit / max(self.spread.value, 1e-12)
        most = 1.0 - LEAST_FACTOR
        size = np.minimum(np.maximum(size, -most / max(high, 1e-12)), most / max(-low, 1e-12))
        return 1.0 + size * (score.value - mean.value) * shrinkage

    def _open(self, moment: Moment, growth: Floats) -> None:
        """Follow the CUSUM statistic of every bet, whose last zero estimates the time of the change."""
        for k in np.flatnonzero(self._growth <= 0.0).tolist():
            totals = Totals(self.totals.count, self.totals.total, self.totals.squares)
            self._starts[k] = Start(moment.call, moment.time, totals)
            self._growth[k] = 0.0
        self._growth += growth

    def to_state(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return {
            "means": {group: [mean.count, mean.value] for group, mean in self.means.items()},
            "spread": [self.spread.count, self.spread.value],
            "totals": _listed(self.totals),
            "peak": self.peak,
            "capital": self._capital.tolist(),
            "growth": self._growth.tolist(),
            "starts": [_start_state(start) for start in self._starts],
            "alarm": None if self.alarm is None else [self.alarm.call, self.alarm.time, _start_state(self.alarm.start)],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that :meth:`to_state` returned."""
        self.means = {group: Mean(*values) for group, values in state["means"].items()}
        self.spread, self.totals = Mean(*state["spread"]), Totals(*state["totals"])
        self.peak = float(state["peak"])
        self._capital, self._growth = np.array(state["capital"], float), np.array(state["growth"], float)
        self._starts = [_start(values) for values in state["starts"]]
        if not len(self._capital) == len(self._growth) == len(self._starts) == len(self._sizes):
            raise ValueError("a state of other bets")
        if state["alarm"] is not None:
            call, time, start = state["alarm"]
            self.alarm = Alarm(int(call), time, _start(start))


def _listed(totals: Totals) -> list[float]:
    return [totals.count, totals.total, totals.squares]


def _start_state(start: Start) -> list[Any]:
    return [start.call, start.time, _listed(start.before)]


def _start(values: list[Any]) -> Start:
    return Start(int(values[0]), values[1], Totals(*values[2]))
