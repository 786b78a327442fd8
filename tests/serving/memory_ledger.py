"""The obvious ledger: plain Python in one process, against which the real ones are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from paretoroute.errors import LedgerError
from paretoroute.serving.ledger import (
    BILL_DECAY,
    CHOICE_DECAY,
    SHARED,
    Account,
    Entry,
    Outcome,
    Shortfall,
    Snapshot,
    tenants_charged,
    usd_of,
)


@dataclass
class Held:
    """A reservation, what became of it, and when its lease ends."""

    entry: Entry
    expires_at: float
    state: str = "open"
    cost: int = 0


@dataclass
class MemoryLedger:
    """Accounts by (period, tenant); ``now`` is set by the test."""

    now: float = 0.0
    accounts: dict[tuple[str, str], Account] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)

    def open(self, period: str, caps: Mapping[str, int]) -> None:
        if any(self.accounts.get((period, t), Account(tenant=t, cap=c, opened_at=0)).cap != c for t, c in caps.items()):
            raise LedgerError("another cap")
        for tenant, cap in caps.items():
            if (period, tenant) not in self.accounts:
                self.accounts[period, tenant] = Account(tenant=tenant, cap=cap, opened_at=self.now)
                self._grant(period, tenant, cap)

    def _grant(self, period: str, tenant: str, more: int) -> None:
        if tenant != SHARED:
            shared = self.accounts[period, SHARED]
            self.accounts[period, SHARED] = replace(shared, granted=shared.granted + more)

    def change(self, period: str, tenant: str, cap: int) -> None:
        self._grant(period, tenant, cap - self.accounts[period, tenant].cap)
        self.accounts[period, tenant] = replace(self.accounts[period, tenant], cap=cap)

    def read(self, period: str, tenant: str = SHARED) -> Snapshot:
        if (period, tenant) not in self.accounts:
            raise LedgerError("no such account")
        return Snapshot(self.now, *(self.accounts[period, name] for name in tenants_charged(tenant)))

    def reserve(self, entry: Entry) -> Shortfall | None:
        if entry.id in self.held:
            return None
        accounts = [self.accounts[entry.period, tenant] for tenant in entry.tenants]
        least = min(accounts, key=lambda account: account.left)
        if entry.hard and least.left < entry.amount:
            return Shortfall(least.tenant, least.left)
        for account in accounts:
            self.accounts[entry.period, account.tenant] = replace(
                account,
                reserved=account.reserved + entry.amount,
                expected=account.expected + entry.expected,
                calls=account.calls + 1,
                choice_usd=account.choice_usd * CHOICE_DECAY + usd_of(entry.expected),
                curve_usd=account.curve_usd * CHOICE_DECAY + entry.curve_usd,
            )
        self.held[entry.id] = Held(entry, self.now + entry.lease_s)
        return None

    def close(self, reservation_id: str, outcome: Outcome, cost: int) -> None:
        if reservation_id not in self.held:
            raise LedgerError("unknown")
        held = self.held[reservation_id]
        entry, state = held.entry, held.state
        cost = entry.amount if outcome == "expired" else cost
        if state in ("settled", "released"):
            if outcome != "expired" and (state, held.cost) != (outcome, cost):
                raise LedgerError("another outcome")
            return
        if state == outcome:
            return
        was_open = state == "open"
        for tenant in entry.tenants:
            account = self.accounts[entry.period, tenant]
            after = replace(
                account,
                spent=account.spent + cost - (0 if was_open else held.cost),
                reserved=account.reserved - was_open * entry.amount,
                expected=account.expected - was_open * entry.expected,
                calls=account.calls - (outcome == "released"),
                over=account.over + (max(cost - entry.amount, 0) if entry.hard else 0),
            )
            if outcome == "settled":
                after = replace(
                    after,
                    settled=account.settled + 1,
                    bill_usd=account.bill_usd * BILL_DECAY + usd_of(cost),
                    forecast_usd=account.forecast_usd * BILL_DECAY + usd_of(entry.expected),
                )
            self.accounts[entry.period, tenant] = after
        held.state, held.cost = outcome, cost

    def expire(self) -> int:
        due = [key for key, held in self.held.items() if held.state == "open" and held.expires_at <= self.now]
        for key in due:
            self.close(key, "expired", 0)
        return len(due)
