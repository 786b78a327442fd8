"""Let 1 to 64 processes spend one allowance until it is used up: overspending with and without reservations."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

import paretoroute as pr
from paretoroute.serving.ledger import Entry, Ledger
from tests.planner.decisions import EASY_QUERY, HARD_QUERY
from tests.serving.redis_server import IS_THERE, RedisServer

PERIOD, CAP_USD, CALL_S = "2026-11", 0.4, 0.02
ROOT = Path(__file__).parents[2]


def planner() -> pr.Planner:
    """Return a planner of a small policy, fitted in another process, since JAX and forks do not mix."""
    with tempfile.TemporaryDirectory(prefix="policy-") as folder:
        path = f"{folder}/policy.yaml"
        code = f"from tests.planner_cases import fitted; fitted().policy.save({path!r})"
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        return pr.Planner.load(path)


PLANNER = planner()


def reserve_and_settle(ledger: Ledger, own: int) -> None:
    """Plan calls within the allowance until it is used up; bills are anything up to what was reserved."""
    rng = np.random.default_rng(own)
    allowance = pr.Allowance(ledger, usd=CAP_USD, period=PERIOD, tenants={"acme": 0.25, "other": 0.25})
    refused = 0
    while refused < 4:
        try:
            query, tenant = (EASY_QUERY, HARD_QUERY)[rng.integers(2)], ("acme", "other")[rng.integers(2)]
            reservation = allowance.plan(PLANNER, query, tenant=tenant)
        except pr.AllowanceError:
            refused += 1
            continue
        time.sleep(CALL_S)
        reservation.settle(reservation.reserved_usd * rng.uniform(0.2, 1.0))


def check_and_act(ledger: Ledger, own: int) -> None:
    """Call while there is money left, and write down the bill afterwards, as a budget without reservations does."""
    rng, number = np.random.default_rng(own), 0
    ledger.open(PERIOD, {"": int(CAP_USD * 1e9)})
    while ledger.read(PERIOD).shared.left > 0:
        time.sleep(CALL_S)
        cost = int(1e9 * 0.003 * rng.uniform(0.2, 1.0))
        entry = Entry(
            id=f"{own}-{number}", period=PERIOD, tenant="", amount=cost, expected=cost, hard=False, lease_s=1e6
        )
        ledger.reserve(entry)
        ledger.close(entry.id, "settled", cost)
        number += 1


def spend(open_ledger: Callable[[], Ledger], action: Callable[[Ledger, int], None], workers: int) -> str:
    """Fork workers, wait for all, and return spending over the cap."""
    children = []
    for own in range(workers):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                action(open_ledger(), own)
                code = 0
            except BaseException as error:
                print(f"worker {own}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children]
    assert not any(codes), codes
    snapshot = open_ledger().read(PERIOD)
    shared = snapshot.shared
    assert shared.reserved == 0
    return f"{100 * (shared.spent / shared.cap - 1):+.3f}% in {shared.calls} calls"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 4, 16, 64])
    arguments = parser.parse_args()

    for action in (check_and_act, reserve_and_settle):
        for workers in arguments.workers:
            with tempfile.TemporaryDirectory(prefix="spend-") as folder:
                path = Path(folder) / "ledger.db"
                outcome = spend(lambda p=path: pr.SqliteLedger(p), action, workers)
                print(f"{action.__name__}, SQLite, {workers}:", outcome)
            if not IS_THERE:
                continue
            with tempfile.TemporaryDirectory(prefix="spend-") as folder, RedisServer(Path(folder)) as server:
                url = server.url
                print(f"{action.__name__}, Redis, {workers}:", spend(lambda u=url: pr.RedisLedger(u), action, workers))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
