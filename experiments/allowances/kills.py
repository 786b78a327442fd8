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
    parser.add_argument("--ledgers", nargs="*", default=["sqlite", "redis", "server"], help="whose writers are killed")
    arguments = parser.parse_args()

    for kind in arguments.ledgers:
        if kind != "sqlite" and not IS_THERE:
            print(f"{kind}: redis-server or redis-py is not installed")
            continue
        with tempfile.TemporaryDirectory(prefix="kills-") as name:
            print(f"{kind}:", faults(kind, Path(name), arguments), flush=True)


def faults(kind: str, folder: Path, arguments: argparse.Namespace) -> dict[str, int]:
    """Kill writers of one kind of ledger, or its server."""
    if kind == "server":
        return kill_servers(folder, arguments.servers, seed=arguments.seed)
    notes = folder / "notes"
    if kind == "sqlite":
        return kill_workers(sqlite_of(folder / "ledger.db"), notes, arguments.kills, seed=arguments.seed)
    with RedisServer(folder) as server:
        return kill_workers(redis_of(server.url), notes, arguments.kills, seed=arguments.seed)


if __name__ == "__main__":
    main()
