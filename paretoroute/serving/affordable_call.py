"""One call within an allowance: plan it at the price of the pace, and reserve the most that it can cost.

The planner's output cap bounds the bill (:mod:`paretoroute.planner.cost_cap`). Where so much money is not left, the
call is refused, or planned again under the money that is left, which lowers the output cap if it must.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.errors import AllowanceError, TargetError
from paretoroute.planner.decision import Decision
from paretoroute.planner.planner import Planner
from paretoroute.planner.request import CHEAPEST, callable_points
from paretoroute.price import sum_usd
from paretoroute.query import Query
from paretoroute.serving import ledger as base
from paretoroute.serving.ledger import Entry, Ledger, Shortfall, usd_of
from paretoroute.serving.pacing import Aim, Pacer
from paretoroute.serving.reservation import Reservation

_TRIES = 8  # of a call whose money other workers reserve first


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every call of an allowance.

    Args:
        ledger: that keeps the sums.
        period: of the allowance.
        lease_s: seconds after which a call that was not settled counts as spent.
        hard: whether each call reserves the most that it can cost, or else its expected cost.
        refuses: whether a call is refused whose best point cannot be paid for, or else takes the cheapest.
    """

    ledger: Ledger
    period: str
    lease_s: float
    hard: bool
    refuses: bool


@dataclass(frozen=True, kw_only=True)
class AffordableCall:
    """One call to plan and to reserve money for.

    Args:
        terms: of the allowance.
        planner: that decides.
        query: a text or chat messages.
        account: tenant that is charged beside the shared account; ``""``: none.
        max_cost_usd: hard limit on the cost of this call.
        limits: the other arguments of :meth:`~paretoroute.planner.planner.Planner.plan`.
    """

    terms: Terms
    planner: Planner
    query: Query | None
    account: str
    max_cost_usd: float | None
    limits: dict[str, Any]

    def reserved(self, pacer: Pacer | None) -> Reservation:
        """Plan at the price of the pace; where the money left does not pay for that, as the terms state.

        Raises:
            AllowanceError: the money left pays for no point, or nothing bounds the cost of the call.
            TargetError: ``price`` is among the limits; or as the planner raises.
        """
        if "price" in self.limits:
            raise TargetError("the pace sets the price of a call; leave price= out")
        aim = None if pacer is None else self._aim(pacer)
        decision = self._decide(None if aim is None else aim.price, self.max_cost_usd)
        answer = self._reserve(decision, aim, most=base.MOST_NANO)
        for _ in range(_TRIES):
            if isinstance(answer, Reservation):
                return answer
            if self.terms.refuses or answer.left <= 0:
                break
            left_usd = usd_of(answer.left)
            limit = left_usd if self.max_cost_usd is None else min(left_usd, self.max_cost_usd)
            decision = self._decide(CHEAPEST, limit)
            if not decision.keeps_limits:
                break
            answer = self._reserve(decision, aim, most=answer.left)
        if isinstance(answer, Reservation):
            return answer
        raise self._refusal(answer)

    def _aim(self, pacer: Pacer) -> Aim:
        """Return the price of the pace; refuse a tenant that would spend the part of others."""
        snapshot = self.terms.ledger.read(self.terms.period, self.account)
        if self.terms.hard and pacer.is_overdrawn(snapshot):
            name = base.account_name(self.terms.period, self.account)
            raise AllowanceError(
                f"the allowance {name} has used its part of the shared sum, and the other tenants will need the rest; "
                "raise the shared cap with change(), or wait for the next period",
                tenant=self.account,
            )
        return pacer.aim(snapshot)

    def _decide(self, price: float | None, max_cost_usd: float | None) -> Decision:
        limits = dict(self.limits)
        if self.terms.hard:
            limits["callable"] = self._bounded(limits.get("callable"))
        return self.planner.plan(self.query, price=price, max_cost_usd=max_cost_usd, **limits)

    def _bounded(self, callable: Mask | None) -> Mask:
        """Return the points whose cost can be bounded, of those that the caller allows."""
        priced = self.planner.cost_cap.priced
        allowed = callable_points(self.planner.policy.grid, None, callable) & priced
        if not allowed.any():
            raise AllowanceError(
                "nothing bounds the cost of these calls, since no point that may be called is priced by tokens; give "
                "prices when fitting, or pass hard=False, which keeps the caps on average only"
            )
        return np.asarray(allowed, bool)

    def _reserve(self, decision: Decision, aim: Aim | None, *, most: int) -> Reservation | Shortfall:
        """Reserve the most that the call can cost, which the planner keeps below ``most`` nano-USD."""
        expected = base.nano_up("the expected cost", max(decision.expected_cost_usd, 0.0))
        amount = min(self._amount(decision, expected), most)
        entry = Entry(
            id=os.urandom(12).hex(),
            period=self.terms.period,
            tenant=self.account,
            amount=amount,
            expected=min(expected, amount),
            hard=self.terms.hard,
            lease_s=self.terms.lease_s,
            curve_usd=0.0 if aim is None else aim.cost_usd,
            price=None if aim is None else aim.price,
            policy_sha256=decision.policy_sha256,
        )
        shortfall = self.terms.ledger.reserve(entry)
        if shortfall is not None:
            return shortfall
        tenant = self.limits["tenant"]
        return Reservation(entry.id, decision, tenant, usd_of(amount), entry.price, self.terms.ledger)

    def _amount(self, decision: Decision, expected: int) -> int:
        if not self.terms.hard:
            return expected
        if decision.most_cost_usd is None:
            raise AllowanceError(
                f"nothing bounds the cost of a call of {decision.point.name}, since the query has no text, or holds an "
                "image, audio or a file; plan with the text alone, or pass hard=False, which keeps the caps on average "
                "only"
            )
        return base.nano_up("the most that a call costs", decision.most_cost_usd)

    def _refusal(self, shortfall: Shortfall) -> AllowanceError:
        """Return the error for a call that cannot be paid for, with what the cheapest one reserves."""
        decision = self._decide(CHEAPEST, self.max_cost_usd)
        needed, left = decision.most_cost_usd or decision.expected_cost_usd, usd_of(shortfall.left)
        name = base.account_name(self.terms.period, shortfall.tenant)
        return AllowanceError(
            f"the allowance {name} has {sum_usd(left)} left, which does not pay for this call; the cheapest point, "
            f"{decision.point.name}, reserves {sum_usd(needed)}. Raise the cap with change(), or wait for the next "
            "period",
            tenant=shortfall.tenant or None,
            left_usd=left,
            needed_usd=needed,
        )
