"""The ledger in Redis: which servers it trusts, and what it survives."""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from paretoroute.errors import LedgerError, MissingExtraError, TargetError
from paretoroute.serving.ledger import Entry
from paretoroute.serving.ledgers.redis import RedisLedger
from tests.serving.redis_server import RedisServer, needs_redis

pytestmark = needs_redis


def entry(name: str) -> Entry:
    return Entry(id=name, period="p", tenant="", amount=7, expected=3, hard=True, lease_s=10.0)


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="redis-") as name:  # a short path, as a socket needs
        yield Path(name)


@pytest.mark.parametrize(("only", "sync"), [("no", "always"), ("yes", "everysec")])
def test_a_server_that_answers_before_it_writes_is_refused_unless_that_is_accepted(folder, only, sync):
    with RedisServer(folder, "--appendonly", only, "--appendfsync", sync) as server:
        with pytest.raises(LedgerError, match=rf"\(appendonly {only}, appendfsync {sync}\); set .*durable=False"):
            RedisLedger(server.url)
        RedisLedger(server.url, durable=False).open("p", {"": 5})


def test_a_server_that_does_not_tell_its_settings_is_refused_unless_that_is_accepted(folder):
    with RedisServer(folder, "--appendonly", "yes", "--appendfsync", "always") as server:
        import redis

        with redis.Redis.from_url(server.url) as client:
            client.acl_setuser("app", enabled=True, nopass=True, keys="*", commands=["+@all", "-config"])
        url = f"unix://app:any@{folder}/redis.sock"
        with pytest.raises(LedgerError, match="its settings cannot be read"):
            RedisLedger(url)
        RedisLedger(url, durable=False).open("p", {"": 5})


def test_a_server_that_evicts_keys_is_refused(folder):
    options = ("--appendonly", "yes", "--maxmemory-policy", "allkeys-lru")
    with RedisServer(folder, *options) as server, pytest.raises(LedgerError, match="maxmemory-policy allkeys-lru"):
        RedisLedger(server.url, durable=False)


def test_a_server_that_is_killed_comes_back_with_its_sums(folder):
    with RedisServer(folder) as server:
        ledger = RedisLedger(server.url)
        ledger.open("p", {"": 100})
        ledger.reserve(entry("a"))
        server.kill()
        with pytest.raises(LedgerError, match="the ledger in Redis cannot be used"):
            ledger.reserve(entry("b"))
        server.start()
        ledger.reserve(entry("b"))  # its scripts are loaded again

        assert ledger.read("p").shared.reserved == 14


def test_closed_reservations_expire_on_the_server(redis_url):
    import redis

    ledger = RedisLedger(redis_url, prefix="forgets", keep_s=50.0)
    ledger.open("p", {"": 100})
    ledger.reserve(entry("a"))
    with redis.Redis.from_url(redis_url) as client:
        assert client.ttl("{forgets}:reservation:a") == -1
        ledger.close("a", "settled", 5)
        assert 0 < client.ttl("{forgets}:reservation:a") <= 50
        assert client.zcard("{forgets}:open") == 0
        assert client.ttl("{forgets}:account:p:") == -1


def test_a_reservation_that_was_removed_by_hand_does_not_stop_the_ledger(redis_url):
    import redis

    ledger = RedisLedger(redis_url, prefix="removed")
    ledger.open("p", {"": 100})
    ledger.reserve(replace(entry("a"), lease_s=0.001))
    with redis.Redis.from_url(redis_url) as client:
        client.delete("{removed}:reservation:a")
    time.sleep(0.02)

    ledger.expire()
    assert ledger.expire() == 0


def test_a_call_whose_account_was_removed_by_hand_settles_on_none_and_does_not_stop_the_ledger(redis_url):
    import redis

    ledger = RedisLedger(redis_url, prefix="lost")
    ledger.open("p", {"": 100, "acme": 50})
    for name in ("a", "b"):
        ledger.reserve(replace(entry(name), tenant="acme", lease_s=0.001))
    with redis.Redis.from_url(redis_url) as client:
        client.delete("{lost}:account:p:acme")
    time.sleep(0.02)

    for _ in range(2):
        with pytest.raises(LedgerError, match="acme"):
            ledger.close("a", "settled", 1)
    assert (ledger.read("p").shared.spent, ledger.read("p").shared.reserved) == (0, 14)
    ledger.expire()
    assert ledger.expire() == 0
    ledger.open("p", {"": 100, "acme": 50})
    ledger.close("a", "settled", 1)
    assert ledger.read("p").shared.spent == 1


def test_two_ledgers_of_one_server_are_kept_apart_by_their_prefix(redis_url):
    for name in ("one", "two"):
        RedisLedger(redis_url, prefix=name).open("p", {"": 100})
    RedisLedger(redis_url, prefix="one").reserve(entry("a"))

    assert RedisLedger(redis_url, prefix="two").read("p").shared.reserved == 0


def test_what_is_no_url_and_a_server_that_is_not_there_are_refused():
    with pytest.raises(TargetError, match="must be such as 'redis://localhost:6379/0'"):
        RedisLedger("localhost")
    with pytest.raises(TargetError, match="the URL of a ledger must be of type str"):
        RedisLedger(5)  # pyright: ignore[reportArgumentType]  # refused
    with pytest.raises(LedgerError, match="cannot be used"):
        RedisLedger("unix:///nowhere/redis.sock")


def test_a_missing_client_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'paretoroute\[redis\]'"):
        RedisLedger("redis://localhost")
