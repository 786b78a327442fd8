"""Pacers to compare: the library's, and others behind the same three calls."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

from paretoroute.evaluation.routers.rules.paretobandit import Pacer as EmaPacer
from paretoroute.serving.cost_curve import CostCurve
from paretoroute.serving.ledger import BILL_DECAY, CHOICE_DECAY, Account, Snapshot, usd_of
from paretoroute.serving.pacing import Pace, Pacer

NANO = 10**9


class Variant(Protocol):
    """A pacer that is asked before every call, and hears of its forecast at once and of its bill later."""

    def price(self, now: float) -> float:
        """Return the price of the next call."""
        ...

    def dispatched(self, forecast_usd: float) -> None:
        """Take note of a call."""
        ...

    def settled(self, forecast_usd: float, cost_usd: float) -> None:
        """Take note of a bill."""
        ...


class Resolving:
    """The library's: looks the price up on the policy's curve. Its sums are those that a ledger keeps."""

    def __init__(self, pace: Pace, curve: CostCurve, cap_usd: float) -> None:
        self.pacer, self.curve = Pacer(pace, curve), curve
        self.account = Account(tenant="", cap=round(cap_usd * NANO), opened_at=0.0)

    def price(self, now: float) -> float:
        """Look the price up."""
        self.aim = self.pacer.aim(Snapshot(now, self.account))
        return self.aim.price

    def dispatched(self, forecast_usd: float) -> None:
        """Count the call at its forecast."""
        account = self.account
        self.account = replace(
            account,
            calls=account.calls + 1,
            expected=account.expected + round(forecast_usd * NANO),
            choice_usd=account.choice_usd * CHOICE_DECAY + forecast_usd,
            curve_usd=account.curve_usd * CHOICE_DECAY + self.aim.cost_usd,
        )

    def settled(self, forecast_usd: float, cost_usd: float) -> None:
        """Count the call at its bill."""
        account = self.account
        self.account = replace(
            account,
            settled=account.settled + 1,
            spent=account.spent + round(cost_usd * NANO),
            expected=account.expected - round(forecast_usd * NANO),
            bill_usd=account.bill_usd * BILL_DECAY + cost_usd,
            forecast_usd=account.forecast_usd * BILL_DECAY + forecast_usd,
        )

    def mean_usd(self, now: float) -> float:
        """Return the mean cost that the calls to come may have."""
        return max(self.pacer._mean_usd(self.account, Snapshot(now, self.account)), 1e-12)


class Static:
    """The price of the policy, whatever is spent."""

    def __init__(self, pace: Pace, curve: CostCurve, cap_usd: float) -> None:
        self.fixed = curve.price_at(curve.usual_usd)

    def price(self, now: float) -> float:
        """Return the same price."""
        return self.fixed

    def dispatched(self, forecast_usd: float) -> None:
        """Ignore the call."""

    def settled(self, forecast_usd: float, cost_usd: float) -> None:
        """Ignore the bill."""


class Subgradient(Resolving):
    """Dual subgradient: mu <- max(0, mu + eta mu_0 (c_t / rho_t - 1)) at every bill (arXiv:2011.10124)."""

    step = 0.01

    def __init__(self, pace: Pace, curve: CostCurve, cap_usd: float) -> None:
        super().__init__(pace, curve, cap_usd)
        self.mu = self.start = curve.price_at(curve.usual_usd)

    def price(self, now: float) -> float:
        """Return mu."""
        super().price(now)
        self.rho = self.mean_usd(now)
        return self.mu

    def settled(self, forecast_usd: float, cost_usd: float) -> None:
        """Take a step."""
        super().settled(forecast_usd, cost_usd)
        self.mu = max(0.0, self.mu + self.step * self.start * (cost_usd / self.rho - 1))


class MirrorDescent(Subgradient):
    """Dual mirror descent with entropy: mu <- mu exp(eta (c_t / rho_t - 1)) at every call, by corrected forecasts."""

    step = 0.003

    def dispatched(self, forecast_usd: float) -> None:
        """Take a step."""
        Resolving.dispatched(self, forecast_usd)
        cost = forecast_usd * self.pacer._bill_ratio(self.account)
        self.mu *= math.exp(self.step * min(cost / self.rho - 1, 20.0))

    def settled(self, forecast_usd: float, cost_usd: float) -> None:
        """Count the bill."""
        Resolving.settled(self, forecast_usd, cost_usd)


class Smoothed(Static):
    """ParetoBandit's controller of an exponential mean of costs, as a factor of the policy's price."""

    def __init__(self, pace: Pace, curve: CostCurve, cap_usd: float) -> None:
        super().__init__(pace, curve, cap_usd)
        self.ema = EmaPacer.start(curve.usual_usd)

    def price(self, now: float) -> float:
        """Raise the price as the mean cost exceeds its target."""
        return self.fixed * math.exp(self.ema.lam)

    def settled(self, forecast_usd: float, cost_usd: float) -> None:
        """Update the mean."""
        self.ema = self.ema.observe(cost_usd)


VARIANTS: dict[str, type[Variant]] = {
    "static price": Static,
    "subgradient": Subgradient,
    "mirror descent": MirrorDescent,
    "ParetoBandit": Smoothed,
    "re-solving": Resolving,
}
__all__ = ["VARIANTS", "Variant", "usd_of"]
