"""A planned call whose money is reserved, until it is settled at what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from paretoroute.planner.decision import Decision
from paretoroute.serving.ledger import Ledger, nano_up


@dataclass(frozen=True, slots=True)
class Reservation:
    """A planned call, and the money that is reserved for it.

    Args:
        id: of the reservation, by which another process can settle it.
        decision: the point to call; send its output cap, on which the reserved amount rests.
        tenant: that is charged, or None.
        reserved_usd: amount reserved.
        price: quality per USD that the call was planned at; None: the policy's own.
        ledger: that keeps it.
    """

    id: str
    decision: Decision
    tenant: str | None
    reserved_usd: float
    price: float | None
    ledger: Ledger = field(repr=False)

    def settle(self, cost_usd: float) -> None:
        """Settle the call at what all its attempts cost; settling it again at the same cost changes nothing.

        Raises:
            LedgerError: the ledger cannot be used, or the call was settled at another cost or released.
            TargetError: the cost is negative or not finite.
        """
        settle(self.ledger, self.id, cost_usd)

    def release(self) -> None:
        """Return the money of a call that certainly was not charged; releasing it again changes nothing.

        Raises:
            LedgerError: the ledger cannot be used, or the call was settled.
        """
        self.ledger.close(self.id, "released", 0)


def settle(ledger: Ledger, reservation_id: str, cost_usd: float) -> None:
    """Settle a reservation at a cost; see :meth:`Reservation.settle`."""
    ledger.close(reservation_id, "settled", nano_up("the cost of a call in USD", cost_usd))
