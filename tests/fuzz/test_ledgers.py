"""Ledgers whose writers are killed stay whole; ``experiments/allowances`` does the same a thousand times."""

import json
import sys
import tempfile
from pathlib import Path

import pytest

from tests.processes import ROOT, python
from tests.serving.redis_server import needs_redis

# A killed process loses nothing that the system holds in memory, and a busy disk makes each transaction slow.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


def report(what: str, kills: int = 0) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=MEMORY) as folder:  # a short path, as a socket needs
        done = python("-m", "tests.fuzz.ledger_faults", what, Path(folder), kills, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_file_whose_writers_are_killed_loses_nothing():
    assert report("sqlite", 10)["kills"] == 10


@needs_redis
def test_a_server_whose_writers_are_killed_loses_nothing():
    assert report("redis", 10)["acknowledged"] > 0


@needs_redis
def test_a_server_that_is_killed_comes_back_with_all_that_it_acknowledged():
    assert report("server", 2)["acknowledged"] > 0


@pytest.mark.parametrize("kind", ["sqlite-forks", pytest.param("redis-forks", marks=needs_redis)])
def test_forked_workers_share_the_sums_of_the_ledger_that_their_parent_opened(kind):
    assert report(kind) == {"reserved": 50, "left": 0}


def test_workers_that_start_at_once_make_one_ledger():
    assert report("sqlite-starts") == {"reserved": 50, "left": 0}
