"""The ledger of an allowance: sums of money per account, reserved before a call and settled after it.

An account is the whole of a period, or the share of one tenant in it. Sums are whole nano-USD (1e-9 USD), so that they
are exact; amounts that are spent or reserved round up, and caps round down. At every moment, for every account,

    left = cap - spent - reserved,

where *reserved* sums the open reservations. A reservation that is not settled within its lease counts as spent in full:
money that may have been charged is never spent again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal, Protocol

from paretoroute.errors import LedgerError, TargetError, not_negative, shown
from paretoroute.price import sum_usd

NANO = 9  # decimals of a nano-USD
MOST_NANO = 2**53 - 1  # Redis computes in float64, in which whole numbers up to here are exact: nine million USD
SHARED = ""  # the tenant of the account that all tenants share
CHOICE_DECAY = 1 - 1 / 1000  # per call; see paretoroute.serving.pacing
BILL_DECAY = 1 - 1 / 3000  # per settled call

Outcome = Literal["settled", "released", "expired"]


def nano_up(name: str, usd: float) -> int:
    """Return an amount as whole nano-USD, rounded up.

    Raises:
        TargetError: it is negative, not finite, or above nine million USD.
    """
    return _nano(name, usd, ROUND_CEILING)


def nano_down(name: str, usd: float) -> int:
    """Return an amount as whole nano-USD, rounded down; the arguments are those of :func:`nano_up`."""
    return _nano(name, usd, ROUND_FLOOR)


def _nano(name: str, usd: float, rounding: str) -> int:
    exact = Decimal(repr(not_negative(name, usd))).scaleb(NANO)  # of the shortest decimal: 4e-06 is 4000, not 4001
    if exact > MOST_NANO:
        raise TargetError(f"{name} must be at most {sum_usd(usd_of(MOST_NANO))}, got {shown(usd)}")
    return int(exact.to_integral_value(rounding))


def usd_of(nano: int) -> float:
    """Return nano-USD as USD."""
    return nano / 10**NANO


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The sums of one account; money in nano-USD.

    Args:
        tenant: whose account it is; ``""``: shared by all.
        cap: that may be spent in the period.
        opened_at: when the account was opened, in seconds since 1970.
        spent: by settled calls, and by those whose lease expired.
        reserved: by open reservations.
        expected: cost that the open reservations are expected to have.
        granted: of the shared account, the sum of the caps of all tenants.
        over: sum of the bills beyond what was reserved for them.
        calls: number of reservations.
        settled: number of settled ones.
        choice_usd: expected cost of the latest calls, decayed by ``CHOICE_DECAY`` with every call.
        curve_usd: mean cost that the pacer aimed at in the same calls, decayed alike.
        bill_usd: cost of the calls settled last, decayed by ``BILL_DECAY`` with every settled call.
        forecast_usd: expected cost of the same calls, decayed alike.
    """

    tenant: str
    cap: int
    opened_at: float
    spent: int = 0
    reserved: int = 0
    expected: int = 0
    granted: int = 0
    over: int = 0
    calls: int = 0
    settled: int = 0
    choice_usd: float = 0.0
    curve_usd: float = 0.0
    bill_usd: float = 0.0
    forecast_usd: float = 0.0

    @property
    def left(self) -> int:
        """Money that may still be reserved; negative after bills beyond their reservations."""
        return self.cap - self.spent - self.reserved


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Accounts at one moment: the shared one, and that of the tenant if there is one.

    Args:
        now: the ledger's clock, in seconds since 1970.
        shared: account of all tenants.
        tenant: account of the tenant, or None.
    """

    now: float
    shared: Account
    tenant: Account | None = None

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Those that a call of the tenant is charged to."""
        return (self.shared,) if self.tenant is None else (self.shared, self.tenant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A reservation to make; money in nano-USD.

    Args:
        id: of the reservation; reserving an id again changes nothing.
        period: of the allowance.
        tenant: that is charged beside the shared account; ``""``: none.
        amount: to reserve.
        expected: cost that the call is expected to have.
        hard: whether it is refused if the amount is not left.
        lease_s: seconds after which an unsettled reservation counts as spent.
        curve_usd: mean cost that the pacer aims at, 0 without one.
        price: quality per USD that the call was planned at, or None for the policy's own.
        policy_sha256: of the policy that planned it.
    """

    id: str
    period: str
    tenant: str
    amount: int
    expected: int
    hard: bool
    lease_s: float
    curve_usd: float = 0.0
    price: float | None = None
    policy_sha256: str = ""

    @property
    def tenants(self) -> tuple[str, ...]:
        """Tenants of the accounts that it is charged to."""
        return tenants_charged(self.tenant)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A refused reservation: the account with the least money left, and that money in nano-USD."""

    tenant: str
    left: int


class Ledger(Protocol):
    """Keeps the accounts of allowances. Every method is one transaction: it happens wholly or not at all.

    Errors of the database are raised as :class:`~paretoroute.errors.LedgerError`.
    """

    def open(self, period: str, caps: Mapping[str, int]) -> None:
        """Open the accounts of tenants that are not there yet, with these caps in nano-USD; the shared one comes first.

        Raises:
            LedgerError: an account is there with another cap.
        """
        ...

    def change(self, period: str, tenant: str, cap: int) -> None:
        """Set the cap of an account that is there, in nano-USD."""
        ...

    def read(self, period: str, tenant: str = SHARED) -> Snapshot:
        """Return the shared account and that of a tenant."""
        ...

    def reserve(self, entry: Entry) -> Shortfall | None:
        """Reserve money on all accounts of an entry, or on none: then return the shortfall."""
        ...

    def close(self, reservation_id: str, outcome: Outcome, cost: int) -> None:
        """Close a reservation: ``settled`` at a cost in nano-USD, ``released`` at 0, ``expired`` at what it reserved.

        Closing it again in the same way changes nothing. An expired one may still be settled or released, and what is
        settled or released does not expire.

        Raises:
            LedgerError: the reservation is not there, or was closed in another way.
        """
        ...

    def expire(self) -> int:
        """Count reservations whose lease is over as spent, and return their number; forget those closed long ago."""
        ...


def tenants_charged(tenant: str) -> tuple[str, ...]:
    """Return the tenants of the accounts that a tenant's call is charged to."""
    return (SHARED,) if tenant == SHARED else (SHARED, tenant)


def account_name(period: str, tenant: str) -> str:
    """Return the name of an account for a message."""
    return f"of {shown(tenant)} in {shown(period)}" if tenant else f"of {shown(period)}"


def missing_account(period: str, tenant: str) -> LedgerError:
    """Return the error for an account that is not in the ledger."""
    return LedgerError(f"the ledger has no account {account_name(period, tenant)}; it was removed, or is another one")


def other_cap(period: str, tenant: str, *, held: int, given: int) -> LedgerError:
    """Return the error for an account that was opened with another cap."""
    usd = ", ".join([f"{usd_of(given):.9g}", *([f"tenant={shown(tenant)}"] if tenant else [])])
    return LedgerError(
        f"the account {account_name(period, tenant)} was opened with {usd_of(held):.9g} USD, not {usd_of(given):.9g}; "
        f"give the same sum, or change it with change({usd})"
    )


def unknown_reservation(reservation_id: str) -> LedgerError:
    """Return the error for a reservation that is not in the ledger."""
    return LedgerError(
        f"the ledger has no reservation {shown(reservation_id)}; it is of another ledger, or was closed long ago"
    )


def other_outcome(reservation_id: str, *, held: str, cost: int) -> LedgerError:
    """Return the error for a reservation that was closed in another way."""
    return LedgerError(
        f"the reservation {shown(reservation_id)} was {held} at {usd_of(cost):.9g} USD before, and cannot be closed in "
        "another way; settle each call once, with the cost of all its attempts"
    )


def expect_period(period: object) -> str:
    """Return the name of a period.

    Raises:
        TargetError: it is empty, long, or of other characters than letters, digits and ``._-``.
    """
    if not isinstance(period, str) or not 0 < len(period) <= 64 or not all(c.isalnum() or c in "._-" for c in period):
        raise TargetError(
            f"a period must be a name of letters, digits and ._- such as '2026-11', at most 64, got {shown(period)}"
        )
    return period


def expect_lease(lease_s: float) -> float:
    """Return a lease in seconds.

    Raises:
        TargetError: it is not positive and finite.
    """
    seconds = not_negative("lease_s", lease_s)
    if seconds == 0 or not math.isfinite(seconds):
        raise TargetError("lease_s must be positive; take longer than the longest call lasts")
    return seconds
