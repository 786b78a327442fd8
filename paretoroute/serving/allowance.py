"""Allowances: money to spend over a period, for all tenants together and for each of them.

``Allowance.plan`` chooses a point at a price that spreads the money over the period, and reserves the most that the
call can cost before it is made. The ledger keeps the sums, so that any number of workers can share an allowance.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from paretoroute.errors import LedgerError, TargetError, did_you_mean, expect, positive, shown
from paretoroute.planner.planner import Planner
from paretoroute.query import Query
from paretoroute.serving import ledger as base
from paretoroute.serving.affordable_call import AffordableCall, Terms
from paretoroute.serving.cost_curve import CostCurve
from paretoroute.serving.ledger import SHARED, Ledger, usd_of
from paretoroute.serving.pacing import Pace, Pacer
from paretoroute.serving.reservation import Reservation, settle

_EXPIRY_CHECKS = 10  # within one lease
_MOST_PERIOD_S = 10 * 365 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Balance:
    """The sums of an account, in USD; ``left_usd`` is ``cap_usd`` - ``spent_usd`` - ``reserved_usd``.

    Args:
        cap_usd: that may be spent in the period.
        spent_usd: by settled calls, and in full by those that were not settled within their lease.
        reserved_usd: by calls that are not settled yet.
        left_usd: that may still be reserved.
        over_usd: sum of the bills beyond what was reserved for them; above 0, output caps were not sent or not kept.
        calls: number of calls.
    """

    cap_usd: float
    spent_usd: float
    reserved_usd: float
    left_usd: float
    over_usd: float
    calls: int


class Allowance:
    """Money for the calls of a period, in all and per tenant; any number of workers may share it.

    Args:
        ledger: a :class:`SqliteLedger` for one machine, a :class:`RedisLedger` for several.
        usd: for all calls of the period together.
        period: name of the period, such as ``2026-11``; another name starts anew, and calls of the old period are
            settled there.
        tenants: USD for each tenant, out of ``usd``; None: calls have no tenant.
        others_usd: USD for each tenant that is not listed; None: other tenants are refused.
        pace: spreads the money over the period; None: every call is planned at the policy's own price.
        hard: whether each call reserves the most that it can cost, so that no cap is ever exceeded. If not, caps are
            kept by the pace alone, on average.
        short: for a call whose point cannot be paid for: ``cheapest`` calls the cheapest point that can, if any;
            ``refuse`` raises.
        lease_s: seconds after which a call that was not settled counts as spent.

    Raises:
        TargetError: a sum, a name or an option is out of range.
        LedgerError: the ledger holds other sums for the period; change them with :meth:`change`.

    Example:
        >>> import paretoroute as pr, tempfile
        >>> planner = pr.Planner(pr.fit(pr.demo_runs(), pr.MaxCost(usd=4e-6)))
        >>> ledger = pr.SqliteLedger(tempfile.mkdtemp() + "/spend.db")
        >>> allowance = Allowance(ledger, usd=5.0, period="2026-11", pace=Pace(calls=1_000_000), hard=False)
        >>> reservation = allowance.plan(planner, "What is 2 + 2?")
        >>> reservation.settle(2e-6)
        >>> allowance.balance().spent_usd
        2e-06
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        usd: float,
        period: str,
        tenants: Mapping[str, float] | None = None,
        others_usd: float | None = None,
        pace: Pace | None = None,
        hard: bool = True,
        short: str = "cheapest",
        lease_s: float = 3600.0,
    ) -> None:
        expect("tenants", tenants, (Mapping, type(None)), TargetError)
        expect("the pace", pace, (Pace, type(None)), TargetError)
        expect("hard", hard, bool, TargetError)
        if short not in ("cheapest", "refuse"):
            raise TargetError(f"short must be 'cheapest' or 'refuse', got {shown(short)}")
        if not hard and pace is None:
            raise TargetError("without hard caps a pace must keep them; give pace=, or hard=True")
        if not hard and short == "refuse":
            raise TargetError("short='refuse' needs hard caps, since a pace alone refuses nothing; give hard=True")
        self.ledger, self.pace, self.period = ledger, pace, base.expect_period(period)
        self._terms = Terms(ledger, self.period, base.expect_lease(lease_s), hard, refuses=short == "refuse")
        self._caps = {_tenant(name): _cap(f"the USD of {shown(name)}", cap) for name, cap in (tenants or {}).items()}
        self._others = None if others_usd is None else _cap("others_usd", others_usd)
        self._pacers: WeakKeyDictionary[Planner, Pacer] = WeakKeyDictionary()
        self._next_expiry = 0.0
        self._opened = {SHARED, *self._caps}
        self._has_shares = tenants is not None or others_usd is not None
        ledger.open(self.period, {SHARED: _cap("usd", usd), **self._caps})
        if pace is not None and pace.ends_at is not None:
            _check_end(pace.ends_at, ledger.read(self.period).shared.opened_at)

    def plan(
        self,
        planner: Planner,
        query: Query | None,
        *,
        tenant: str | None = None,
        query_id: str | None = None,
        max_cost_usd: float | None = None,
        **limits: Any,
    ) -> Reservation:
        """Choose the point for one query, and reserve the money for its call.

        Call the point with ``reservation.decision.request_kwargs(...)``, then ``reservation.settle(cost_usd)``.

        Args:
            planner: that decides.
            query: a text or chat messages.
            tenant: that pays, beside the shared sum; also read by limits on tenants.
            query_id: as for :meth:`Planner.plan`.
            max_cost_usd: hard limit on the cost of this call.
            limits: the other arguments of :meth:`Planner.plan`, except for ``price``, which the pace sets.

        Raises:
            AllowanceError: the money left pays for no point, or with ``short="refuse"`` not for the best one; or
                nothing bounds the cost of a call. Nothing is reserved.
            LedgerError: the ledger cannot be used.
            QueryError: as :meth:`Planner.plan`.
            TargetError: as :meth:`Planner.plan`, or the tenant has no share.
        """
        self._expire_due()
        call = AffordableCall(
            terms=self._terms,
            planner=planner,
            query=query,
            account=self._account_of(tenant),
            max_cost_usd=max_cost_usd,
            limits={**limits, "tenant": tenant, "query_id": query_id},
        )
        return call.reserved(self.pacer(planner))

    def settle(self, reservation_id: str, cost_usd: float) -> None:
        """Settle a call at what all its attempts cost; settling it again at the same cost changes nothing.

        Raises:
            LedgerError: the reservation is not in the ledger, or was settled at another cost or released.
            TargetError: the cost is negative or not finite.
        """
        settle(self.ledger, reservation_id, cost_usd)

    def release(self, reservation_id: str) -> None:
        """Return the money of a call that certainly was not charged; releasing it again changes nothing.

        Raises:
            LedgerError: the reservation is not in the ledger, or was settled.
        """
        self.ledger.close(reservation_id, "released", 0)

    def balance(self, tenant: str | None = None) -> Balance:
        """Return the sums of a tenant's account, or of the shared one.

        Raises:
            TargetError: the tenant has no share.
        """
        self._expire_due()
        account = self.ledger.read(self.period, self._account_of(tenant)).accounts[-1]
        nano = (account.cap, account.spent, account.reserved, account.left, account.over)
        return Balance(*map(usd_of, nano), calls=account.calls)

    def change(self, usd: float, *, tenant: str | None = None) -> None:
        """Change the cap of a tenant, or the shared one, for all workers; below what is spent, calls are refused.

        Start the allowance with the new sum from then on.
        """
        self.ledger.change(self.period, self._account_of(tenant), _cap("usd", usd))

    def pacer(self, planner: Planner) -> Pacer | None:
        """Return what looks up the price of a planner's calls; None without a pace."""
        if self.pace is None:
            return None
        if planner not in self._pacers:
            mask = planner.cost_cap.priced if self._terms.hard else None
            self._pacers[planner] = Pacer(self.pace, CostCurve.of(planner, mask))
        return self._pacers[planner]

    def _account_of(self, tenant: str | None) -> str:
        """Return the tenant of the account that a call is charged to, which is opened if others have a share."""
        if tenant is None or not self._has_shares:
            return SHARED
        name = _tenant(tenant)
        if name not in self._opened:
            if self._others is None:
                raise TargetError(
                    f"the tenant {shown(name)} has no share of the allowance; {did_you_mean(name, list(self._caps))}; "
                    "list it in tenants=, or give others_usd="
                )
            self._open_other(name, self._others)
            self._opened.add(name)
        return name

    def _open_other(self, name: str, cap: int) -> None:
        """Open the account of a tenant that is not listed, unless another worker has, and may have changed its cap."""
        try:
            self.ledger.read(self.period, name)
        except LedgerError:
            self.ledger.open(self.period, {name: cap})

    def _expire_due(self) -> None:
        """Let the ledger count overdue calls as spent, several times within a lease."""
        now = time.monotonic()
        if now >= self._next_expiry:
            self._next_expiry = now + self._terms.lease_s / _EXPIRY_CHECKS
            self.ledger.expire()


def _cap(name: str, usd: float) -> int:
    return base.nano_down(name, positive(name, usd))


def _tenant(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise TargetError(f"a tenant must be a name, got {shown(name)}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise TargetError(f"a tenant must be a name in valid text, got {shown(name)}") from None
    return name


def _check_end(ends_at: float, opened_at: float) -> None:
    """Refuse an end that is no time after the period began, such as a duration or milliseconds.

    Raises:
        TargetError: it is none.
    """
    if not opened_at < ends_at < opened_at + _MOST_PERIOD_S:
        raise TargetError(
            f"ends_at must be seconds since 1970, after the period began ({opened_at:.0f}) and within ten years, "
            f"got {ends_at:.0f}; choose another period, or correct it"
        )
