"""Ledgers of every kind, each new and empty."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from paretoroute.serving.ledger import Ledger
from paretoroute.serving.ledgers.redis import RedisLedger
from paretoroute.serving.ledgers.sqlite import SqliteLedger
from tests.serving.redis_server import IS_THERE, RedisServer

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Return the URL of a server that runs for the session."""
    if not IS_THERE:
        pytest.skip("redis-server or redis-py is not installed")
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    with RedisServer(folder) as server:
        yield server.url
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "redis"])
def ledger(request, tmp_path) -> Iterator[Ledger]:
    """Return an empty ledger; the two kinds are tested alike."""
    if request.param == "sqlite":
        ledger = SqliteLedger(tmp_path / "ledger.db")
        yield ledger
        ledger.close_file()
    else:
        url = request.getfixturevalue("redis_url")
        yield RedisLedger(url, prefix=f"test-{next(_NUMBERS)}")
