"""Kill the writers of ledgers, and a Redis server, at random times; check after every kill that nothing is lost."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz.ledger_faults import kill_servers, kill_workers, redis_of, sqlite_of
from tests.serving.redis_server import IS_THERE, RedisServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="writers killed, of each ledger")
    parser.add_argument("--servers", type=int, default=100, help="servers killed")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        counts = kill_workers(sqlite_of(folder / "ledger.db"), folder / "notes", arguments.kills, seed=arguments.seed)
        print("SQLite, writers:", counts, flush=True)
    if not IS_THERE:
        print("Redis: redis-server or redis-py is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="kills-") as name, RedisServer(Path(name)) as server:
        counts = kill_workers(redis_of(server.url), Path(name) / "notes", arguments.kills, seed=arguments.seed)
        print("Redis, writers:", counts, flush=True)
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        print("Redis, servers:", kill_servers(Path(name), arguments.servers, seed=arguments.seed), flush=True)


if __name__ == "__main__":
    main()
