"""The price of cost that spends an allowance evenly over its horizon.

Every call maximises quality - p x cost. The pacer looks p up anew for every call (re-solving): with B the cap, S the
money spent, E the expected cost of the calls that are not settled yet, and n the calls that are still to come,

    rho = (B - S - k E) / n,        p = price at which the policy's mean cost is rho / (k m),

where k is the ratio of real over expected cost of the calls settled last, and m that of expected cost over the cost
that was aimed at, which differs from 1 where queries are unlike the logged ones. Since E counts calls as soon as they
are made, late bills cause no oscillation. p is a function of the ledger's sums alone, whichever worker asks.

A call of a tenant pays the higher of two prices, its own account's and the shared one's, but never more than the price
that spends its part of the shared sum: its cap, or where the caps of all tenants add up to more than the shared sum, as
much in proportion. The others' spending cannot price it out. A tenant that has used its part is refused
while the others will need the rest.

Where n is not known it is extrapolated: calls so far x (1 - t) / t at the share t of the horizon that has passed. Such
re-solving has a bounded regret if the forecasts are right (Bumpensanti and Wang, "A re-solving heuristic with uniformly
bounded loss for network revenue management", Management Science 66(7), 2020, doi:10.1287/mnsc.2019.3365). Measured
beside dual mirror descent (Balseiro, Lu and Mirrokni, 2020, arXiv:2011.10124): experiments/allowances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from paretoroute.errors import TargetError, positive
from paretoroute.serving.cost_curve import CostCurve
from paretoroute.serving.ledger import BILL_DECAY, CHOICE_DECAY, Account, Snapshot, usd_of

_MOST_RATIO = 1e3  # of real over expected cost; beyond it a forecast says nothing
PRIOR_CALLS = 500  # calls by which the forecasts are trusted before any is settled
_PRIOR_SHARE = 0.02  # of the horizon, for which the number of calls is trusted that was expected beforehand
_PARTS_SHARE = 0.1  # of the horizon, for which tenants are expected to spend their parts of the shared sum in full
_LEAST_CATCH_UP, _CATCH_UP_SHARE = 200, 0.03  # calls over which a deviation from a mean cost is made up for


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How an allowance is spread over its calls; one of ``calls``, ``ends_at`` and ``usd_per_call`` at least.

    Args:
        calls: number of calls that the allowance is for, refused ones apart; beside ``ends_at`` a first estimate of it.
        ends_at: end of the period in seconds since 1970; the number of calls until then is extrapolated.
        usd_per_call: mean cost to keep to, for an unknown number of calls; the caps of tenants are not paced then.

    Raises:
        TargetError: a number is not positive, ``usd_per_call`` does not stand alone, or none is given.
    """

    calls: float | None = None
    ends_at: float | None = None
    usd_per_call: float | None = None

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in ("calls", "ends_at", "usd_per_call")}
        given = {name: positive(name, value) for name, value in given.items() if value is not None}
        if not given or ("usd_per_call" in given and len(given) > 1):
            raise TargetError(
                "a pace needs calls=, the number of calls; ends_at=, the end of the period in seconds since 1970; or "
                "usd_per_call= alone"
            )
        for name, value in given.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Aim:
    """The price of a call, and the mean cost in USD that the pacer aims at with it."""

    price: float
    cost_usd: float


@dataclass(frozen=True)
class Pacer:
    """Looks up the price of the next call.

    Args:
        pace: how the allowance is spread.
        curve: of the policy.
    """

    pace: Pace
    curve: CostCurve

    def aim(self, snapshot: Snapshot) -> Aim:
        """Return the price that keeps the accounts of a call to their pace, and the mean cost that it aims at."""
        shared, tenant = snapshot.shared, snapshot.tenant
        price = self._price(shared, snapshot)
        if tenant is not None and self.pace.usd_per_call is None:
            price = max(price, self._price(tenant, snapshot))
            price = min(price, self._price(_part_of(tenant, shared), snapshot))
        return Aim(price, self.curve.cost_at(price))

    def is_overdrawn(self, snapshot: Snapshot) -> bool:
        """Return whether a tenant has used its part of the shared sum, and the rest is what the others will need.

        That can be where the caps add up to more than the shared sum. The others' need is extrapolated from what they
        spent so far; at first they are expected to spend their parts in full.
        """
        shared, tenant = snapshot.shared, snapshot.tenant
        if tenant is None or shared.granted <= shared.cap or self.pace.usd_per_call is not None:
            return False
        part, passed = _part_of(tenant, shared), self._share_passed(snapshot)
        if part.left > 0:
            return False
        spent_by_others = shared.spent + shared.reserved - tenant.spent - tenant.reserved
        rate = (spent_by_others + _PARTS_SHARE * (shared.cap - part.cap)) / (passed + _PARTS_SHARE)
        return shared.left < rate * (1 - passed)

    def _price(self, account: Account, snapshot: Snapshot) -> float:
        """Return the price that keeps one account to its pace."""
        return self.curve.price_at(self._mean_usd(account, snapshot) / self._ratio(account))

    def _mean_usd(self, account: Account, snapshot: Snapshot) -> float:
        """Return the mean cost that the calls to come may have, at least 0."""
        used = usd_of(account.spent) + usd_of(account.expected) * self._bill_ratio(account)
        if self.pace.usd_per_call is not None:
            window = max(_LEAST_CATCH_UP, _CATCH_UP_SHARE * account.calls)
            return max(self.pace.usd_per_call * (account.calls + window) - used, 0.0) / window
        return max(usd_of(account.cap) - used, 0.0) / self._calls_to_come(account, snapshot)

    def _calls_to_come(self, account: Account, snapshot: Snapshot) -> float:
        """Return the number of calls that are expected until the end of the horizon, at least 1."""
        shared, calls = snapshot.shared, self.pace.calls
        if self.pace.ends_at is None and calls is not None and account.tenant == shared.tenant:
            return max(calls - account.calls, 1.0)
        usual = calls or usd_of(shared.cap) / self.curve.usual_usd
        passed = self._share_passed(snapshot)
        guess = usual * account.cap / shared.cap if shared.cap else 0.0
        return max((account.calls + _PRIOR_SHARE * guess) * (1 - passed) / (passed + _PRIOR_SHARE), 1.0)

    def _share_passed(self, snapshot: Snapshot) -> float:
        """Return the share of the horizon that has passed, in [0, 1]."""
        shared = snapshot.shared
        if self.pace.ends_at is None:
            return min(shared.calls / (self.pace.calls or 1.0), 1.0)
        length = self.pace.ends_at - shared.opened_at
        return min(max((snapshot.now - shared.opened_at) / length, 0.0), 1.0) if length > 0 else 1.0

    def _ratio(self, account: Account) -> float:
        """Return the ratio of real cost over the mean cost that was aimed at."""
        trust = _trust_usd(account) * CHOICE_DECAY**account.calls
        return self._bill_ratio(account) * _quotient(account.choice_usd + trust, account.curve_usd + trust)

    def _bill_ratio(self, account: Account) -> float:
        """Return the ratio of real over expected cost of the calls settled last."""
        trust = _trust_usd(account) * BILL_DECAY**account.settled
        return _quotient(account.bill_usd + trust, account.forecast_usd + trust)


def _part_of(tenant: Account, shared: Account) -> Account:
    """Return a tenant's account with its part of the shared sum as its cap."""
    return replace(tenant, cap=tenant.cap * shared.cap // max(shared.granted, shared.cap))


def _trust_usd(account: Account) -> float:
    """Return the money by which forecasts are trusted at first: so many calls at the mean cost that was aimed at."""
    latest = (1 - CHOICE_DECAY**account.calls) / (1 - CHOICE_DECAY)
    return PRIOR_CALLS * account.curve_usd / latest if latest else 0.0


def _quotient(real: float, expected: float) -> float:
    return min(max(real / expected, 1 / _MOST_RATIO), _MOST_RATIO) if expected > 0 else 1.0
