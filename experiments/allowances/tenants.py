"""One of ten tenants sends only the costliest queries: what it spends, and what that costs the others."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import numpy as np
from streams import LOGGED, MEAN_USD, curve_of, queries

from paretoroute._arrays import Floats
from paretoroute.serving.cost_curve import CostCurve
from paretoroute.serving.ledger import Entry, Shortfall, nano_up
from paretoroute.serving.pacing import Pace, Pacer
from tests.serving.memory_ledger import MemoryLedger

TENANTS, DELAY, MOST = 10, 64, 3.0  # MOST: the reserved amount over the expected cost
PERIOD = "period"


@dataclass
class Sums:
    """Money and quality of one tenant."""

    calls: int = 0
    refused: int = 0
    quality: float = 0.0


@dataclass
class Service:
    """Plans calls at the price of the pace, reserves the most that each costs, and settles it later."""

    ledger: MemoryLedger
    pacer: Pacer
    rng: np.random.Generator

    def call(self, number: int, tenant: str, quality: Floats, cost: Floats) -> float | None:
        """Return the quality of a call, or None if it is refused."""
        snapshot = self.ledger.read(PERIOD, tenant)
        if self.pacer.is_overdrawn(snapshot):
            return None
        aim = self.pacer.aim(snapshot)
        scores = quality - aim.price * cost
        for point in (int(scores.argmax()), int(cost.argmin())):
            amount = nano_up("amount", MOST * float(cost[point]))
            entry = Entry(
                id=str(number),
                period=PERIOD,
                tenant=tenant,
                amount=amount,
                expected=nano_up("expected", float(cost[point])),
                hard=True,
                lease_s=1e9,
                curve_usd=aim.cost_usd,
            )
            if not isinstance(self.ledger.reserve(entry), Shortfall):
                return float(quality[point])
        return None

    def settle(self, number: int) -> None:
        """Settle a call at a random bill, at most what was reserved."""
        held = self.ledger.held.get(str(number))
        if held is not None:
            bill = held.entry.expected * self.rng.lognormal(-0.08, 0.4)
            self.ledger.close(str(number), "settled", min(int(bill), held.entry.amount))


def run(curve: CostCurve, calls: int, seed: int, *, attacks: bool, caps_over_shared: float) -> dict[str, Sums]:
    """Let tenants call in random order; return the sums of each, and the attacker's spending over its cap."""
    rng, cap = np.random.default_rng(seed), MEAN_USD * calls
    own_cap = int(1e9 * cap * caps_over_shared / TENANTS)
    names = [f"tenant {number}" for number in range(TENANTS)]
    ledger = MemoryLedger()
    ledger.open(PERIOD, {"": int(1e9 * cap), **dict.fromkeys(names, own_cap)})
    service, sums = (
        Service(ledger, Pacer(Pace(ends_at=float(calls), calls=calls), curve), rng),
        {name: Sums() for name in names},
    )
    quality, cost = queries(rng, calls)
    worst_quality, worst_cost = queries(rng, calls, hard=0.9)
    worst_cost *= 30
    for number in range(calls):
        ledger.now = float(number)
        name = names[rng.integers(TENANTS)]
        is_attack = attacks and name == names[0]
        row = (worst_quality[number], worst_cost[number]) if is_attack else (quality[number], cost[number])
        reached = service.call(number, name, *row)
        own = sums[name]
        own.calls, own.refused, own.quality = (
            own.calls + 1,
            own.refused + (reached is None),
            own.quality + (reached or 0.0),
        )
        if number >= DELAY:
            service.settle(number - DELAY)
    for number in range(calls - DELAY, calls):
        service.settle(number)
    for name in ("", *names):
        account = ledger.accounts[PERIOD, name]
        assert account.spent + account.reserved <= account.cap, name
    sums["spent"] = Sums(quality=ledger.accounts[PERIOD, names[0]].spent / own_cap)
    return sums


def others(sums: dict[str, Sums]) -> float:
    """Return the mean quality of all tenants but the first, refused calls at 0."""
    rest = [one for name, one in sums.items() if name not in ("tenant 0", "spent")]
    return sum(one.quality for one in rest) / sum(one.calls for one in rest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()

    curve = curve_of(*queries(np.random.default_rng(0), LOGGED))
    print("sum of caps over the shared sum | attacker's spending over its cap | quality points that the others lose")
    for ratio, name in ((1.0, "1"), (1.5, "1.5"), (2.0, "2"), (10.0, "10, each cap the whole")):
        spent, lost = [], []
        for seed in range(arguments.seeds):
            calm, attacked = (
                run(curve, arguments.calls, seed, attacks=attacks, caps_over_shared=ratio) for attacks in (False, True)
            )
            spent.append(attacked["spent"].quality)
            lost.append(100 * (others(calm) - others(attacked)))
        print(f"{name} | {max(spent):.4f} | {' '.join(f'{one:+.2f}' for one in lost)}", flush=True)


if __name__ == "__main__":
    main()
