"""Faults while a ledger is written: workers that are killed, and a Redis server that is killed and started again.

A worker reserves and settles calls, and notes each transaction in a file after the ledger has acknowledged it. After
kills the sums of the accounts must be those of the reservations, and every acknowledged transaction must be there.
Run as a program in a process of its own: it forks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from paretoroute.serving.ledger import Entry, Ledger
from paretoroute.serving.ledgers.redis import RedisLedger
from paretoroute.serving.ledgers.sqlite import SqliteLedger
from tests.serving.redis_server import RedisServer

PERIOD, TENANTS, AMOUNT = "2026-11", ("acme", "other"), 1000
CHECK_EVERY = 20  # kills; a check reads all that was written since the first
CAPS = {"": 10**12, "acme": 10**11, "other": 10**11}


class Kept(NamedTuple):
    """A reservation as the ledger keeps it."""

    state: str
    tenant: str
    amount: int
    cost: int


class Faulty(NamedTuple):
    """A ledger of one kind: how a worker opens it, and how all its reservations are read without it."""

    open: Callable[[], Ledger]
    reservations: Callable[[], dict[str, Kept]]


def sqlite_of(path: Path) -> Faulty:
    """Return the ledger in a file; reading it also checks the file."""

    def reservations() -> dict[str, Kept]:
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT id, state, tenant, amount, cost FROM reservation").fetchall()
        connection.close()
        return {key: Kept(*rest) for key, *rest in rows}

    return Faulty(lambda: SqliteLedger(path), reservations)


def redis_of(url: str) -> Faulty:
    """Return the ledger in a server."""

    def reservations() -> dict[str, Kept]:
        import redis

        with redis.Redis.from_url(url, decode_responses=True) as client:
            keys = list(client.scan_iter("{paretoroute}:reservation:*", count=1000))
            pipe = client.pipeline()
            for key in keys:
                pipe.hmget(key, "state", "tenant", "amount", "cost")
            rows = pipe.execute()
        names = [key.rpartition(":")[2] for key in keys]
        return {
            name: Kept(state, tenant, int(amount), int(cost))
            for name, (state, tenant, amount, cost) in zip(names, rows, strict=True)
        }

    return Faulty(lambda: RedisLedger(url), reservations)


def work(ledger: Ledger, notes: int, own: int) -> None:
    """Reserve and settle calls until killed; note each transaction once it is acknowledged."""
    number = 0
    while True:
        key, cost = f"{own}-{number}", (7 * own + number) % AMOUNT
        entry = Entry(
            id=key, period=PERIOD, tenant=TENANTS[number % 2], amount=AMOUNT, expected=1, hard=True, lease_s=1e6
        )
        assert ledger.reserve(entry) is None
        os.write(notes, f"open {key} 0\n".encode())
        if number % 3:
            outcome = "settled" if number % 3 == 1 else "released"
            ledger.close(key, outcome, cost if outcome == "settled" else 0)
            os.write(notes, f"{outcome} {key} {cost if outcome == 'settled' else 0}\n".encode())
        number += 1


def start(faulty: Faulty, notes: Path, own: int) -> int:
    """Fork a worker, wait until it has opened the ledger, and return its process id."""
    is_open, opened = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            ledger = faulty.open()
            os.write(opened, b"x")
            work(ledger, os.open(notes, os.O_APPEND | os.O_CREAT | os.O_WRONLY), own)
        except BaseException as error:  # of a server that was killed under it
            os.write(2, f"{type(error).__name__}: {error}\n".encode() if "Ledger" not in type(error).__name__ else b"")
        os._exit(0)
    os.close(opened)  # a worker that fails before it has opened the ledger ends the read
    os.read(is_open, 1)
    os.close(is_open)
    return child


def check(faulty: Faulty, notes: Path) -> int:
    """Check that nothing is corrupt or lost; return the number of acknowledged transactions."""
    kept, ledger = faulty.reservations(), faulty.open()
    lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
    for state, key, cost in (line.split() for line in lines):
        there = kept[key]  # a KeyError is a lost reservation
        assert state == "open" or (there.state, there.cost) == (state, int(cost)), (state, key, there)
    for tenant, cap in CAPS.items():
        own = [one for one in kept.values() if not tenant or one.tenant == tenant]
        account = ledger.read(PERIOD, tenant).accounts[-1]
        spent = sum(one.cost for one in own)
        reserved = sum(one.amount for one in own if one.state == "open")
        made = sum(one.state != "released" for one in own)
        sums = (account.spent, account.reserved, account.calls, account.left)
        assert sums == (spent, reserved, made, cap - spent - reserved)
    return len(lines)


def kill_workers(faulty: Faulty, notes: Path, kills: int, *, workers: int = 2, seed: int = 0) -> dict[str, int]:
    """Kill workers at random times while others write; check after every ``CHECK_EVERY`` of them. Return counts."""
    rng = random.Random(seed)
    faulty.open().open(PERIOD, CAPS)
    acknowledged = 0
    for number in range(0, kills, workers):
        children = [start(faulty, notes, number + own) for own in range(workers)]
        for child in children:
            time.sleep(rng.uniform(0.0, 0.03))
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
        if number % CHECK_EVERY == 0 or number + workers >= kills:
            acknowledged = check(faulty, notes)
    return {"kills": kills, "acknowledged": acknowledged, "reservations": len(faulty.reservations())}


def share(open_ledger: Callable[[], Ledger], *, workers: int) -> dict[str, int]:
    """Let forked workers that start at once reserve more than there is; report what they reserved, and what is left."""
    children = []
    for own in range(workers):
        children.append(os.fork())
        if children[-1] == 0:
            code = 1
            try:
                reserve_all(open_ledger(), own)
                code = 0
            except BaseException as error:
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
            finally:
                os._exit(code)
    codes = [os.waitpid(child, 0)[1] for child in children]
    assert not any(codes), codes
    shared = open_ledger().read(PERIOD).shared
    return {"reserved": shared.reserved // AMOUNT, "left": shared.left}


def reserve_all(ledger: Ledger, own: int) -> None:
    """Reserve twenty calls of an allowance for fifty."""
    ledger.open(PERIOD, {"": 50 * AMOUNT})
    for number in range(20):
        key = f"{own}-{number}"
        ledger.reserve(Entry(id=key, period=PERIOD, tenant="", amount=AMOUNT, expected=1, hard=True, lease_s=1e6))


def kill_servers(folder: Path, kills: int, *, workers: int = 2, seed: int = 0) -> dict[str, int]:
    """Kill a Redis server at random times while workers write to it; start it on its file again and check."""
    rng, notes = random.Random(seed), folder / "notes"
    with RedisServer(folder) as server:
        faulty, acknowledged = redis_of(server.url), 0
        faulty.open().open(PERIOD, CAPS)
        for number in range(kills):
            children = [start(faulty, notes, 1000 * (number + 1) + own) for own in range(workers)]
            time.sleep(rng.uniform(0.02, 0.2))
            server.kill()
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            server.start()
            acknowledged = check(faulty, notes)
    return {"kills": kills, "acknowledged": acknowledged}


def main() -> None:
    """Run one kind of fault: ``sqlite``, ``redis``, ``server`` or forks, in a folder, and the number of kills."""
    what, folder, kills = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    notes = folder / "notes"
    if what == "sqlite":
        counts = kill_workers(sqlite_of(folder / "ledger.db"), notes, kills)
    elif what == "redis":
        with RedisServer(folder) as server:
            counts = kill_workers(redis_of(server.url), notes, kills)
    elif what == "sqlite-forks":
        inherited = SqliteLedger(folder / "ledger.db")
        counts = share(lambda: inherited, workers=4)
    elif what == "sqlite-starts":
        counts = share(lambda: SqliteLedger(folder / "ledger.db"), workers=24)
    elif what == "redis-forks":
        with RedisServer(folder) as server:
            client = RedisLedger(server.url)
            counts = share(lambda: client, workers=4)
    else:
        counts = kill_servers(folder, kills)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
