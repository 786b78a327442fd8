"""The ledger in Redis, for the workers of several machines; needs the extra ``redis``.

Every transaction is one Lua script on the server, which is the only clock. A script whose reply was lost may be sent
again: reserving and closing are idempotent. The server must write every transaction to its append-only file before it
answers, and must not evict keys, else a crash or a full memory would forget money that was spent; both are checked when
the ledger is opened. With ``appendfsync everysec`` a killed server forgets what it answered while a sync was under way,
up to two seconds. A failover to a replica can lose the last writes: such a server keeps caps only up to those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from paretoroute.errors import LedgerError, MissingExtraError, TargetError, expect
from paretoroute.serving import ledger as base
from paretoroute.serving.ledger import Account, Entry, Outcome, Shortfall, Snapshot
from paretoroute.serving.ledgers import redis_scripts as scripts

_COUNTS = ("cap", "spent", "reserved", "expected", "granted", "over", "calls", "settled")
_REALS = ("opened_at", "choice_usd", "curve_usd", "bill_usd", "forecast_usd")
_BATCH = 500  # reservations that are expired between two looks at the set


class RedisLedger:
    """Keeps accounts in Redis 5 or newer, or a server that speaks its protocol.

    Args:
        url: such as ``redis://localhost:6379/0`` or ``rediss://user:password@host:port/0``.
        prefix: of all keys of this ledger; on a cluster all lie in one slot.
        keep_s: seconds for which a closed reservation is remembered, so that closing it again is recognised.
        durable: whether the server must write to disk before it answers; if not, a crash may forget what was spent.

    Raises:
        LedgerError: the server cannot be reached, evicts keys, or answers before it writes to disk.
        MissingExtraError: redis-py is not installed.
        TargetError: the URL is none of Redis.
    """

    def __init__(
        self, url: str, *, prefix: str = "paretoroute", keep_s: float = 7 * 86400.0, durable: bool = True
    ) -> None:
        expect("the URL of a ledger", url, str, TargetError)
        self._keep_s, self._prefix = keep_s, f"{{{prefix}}}"
        redis = _redis()
        self._failures: type[Exception] = redis.RedisError
        self._refusals: type[Exception] = redis.ResponseError
        try:
            self._client = redis.Redis.from_url(url, decode_responses=True)
        except ValueError as error:
            raise TargetError(f"the URL of a ledger must be such as 'redis://localhost:6379/0': {error}") from None
        with self._errors():
            _check_eviction(self._client.info())
            if durable:
                _check_durability(self._settings())
            self._open, self._change, self._read, self._reserve, self._close = map(
                self._client.register_script,
                (scripts.OPEN, scripts.CHANGE, scripts.READ, scripts.RESERVE, scripts.CLOSE),
            )

    def open(self, period: str, caps: Mapping[str, int]) -> None:
        """Open the accounts that are not there yet; see :class:`~paretoroute.serving.ledger.Ledger`."""
        keys = [self._account_key(period, tenant) for tenant in caps]
        with self._errors():
            other = self._open(keys=[self._account_key(period, base.SHARED), *keys], args=[*caps, *caps.values()])
        if other:
            tenant = list(caps)[int(other[0]) - 1]
            raise base.other_cap(period, tenant, held=int(other[1]), given=caps[tenant])

    def change(self, period: str, tenant: str, cap: int) -> None:
        """Set the cap of an account."""
        with self._errors():
            keys = [self._account_key(period, base.SHARED), self._account_key(period, tenant)]
            is_there = self._change(keys=keys, args=[cap, tenant])
        if not is_there:
            raise base.missing_account(period, tenant)

    def read(self, period: str, tenant: str = base.SHARED) -> Snapshot:
        """Return the shared account and that of a tenant."""
        tenants = base.tenants_charged(tenant)
        with self._errors():
            now, *accounts = self._read(keys=[self._account_key(period, name) for name in tenants])
        for name, fields in zip(tenants, accounts, strict=True):
            if not fields:
                raise base.missing_account(period, name)
        return Snapshot(float(now), *(_account(dict(zip(some[::2], some[1::2], strict=True))) for some in accounts))

    def reserve(self, entry: Entry) -> Shortfall | None:
        """Reserve money on all accounts of an entry, or on none."""
        accounts = [self._account_key(entry.period, tenant) for tenant in entry.tenants]
        what = [entry.id, entry.period, entry.tenant, entry.amount, entry.expected, int(entry.hard)]
        signals = [base.CHOICE_DECAY, base.usd_of(entry.expected), entry.curve_usd]
        record = [entry.lease_s, "" if entry.price is None else entry.price, entry.policy_sha256]
        with self._errors():
            answer = self._reserve(
                keys=[self._reservation_key(entry.id), self._open_key, *accounts],
                args=[*what, *map(repr, signals), *record],
            )
        if answer[0] == "missing":
            raise base.missing_account(entry.period, entry.tenants[int(answer[1])])
        return Shortfall(entry.tenants[int(answer[1])], int(answer[2])) if answer[0] == "short" else None

    def close(self, reservation_id: str, outcome: Outcome, cost: int) -> None:
        """Close a reservation; closing it again in the same way changes nothing."""
        key = self._reservation_key(reservation_id)
        with self._errors():
            period, tenant = self._client.hmget(key, "period", "tenant")  # they never change
            if period is None:
                raise base.unknown_reservation(reservation_id)
            accounts = [self._account_key(period, name) for name in base.tenants_charged(tenant)]
            answer = self._close(
                keys=[key, self._open_key, *accounts],
                args=[reservation_id, outcome, cost, repr(base.BILL_DECAY), self._keep_s],
            )
        if answer[0] == "unknown":
            raise base.unknown_reservation(reservation_id)
        if answer[0] == "missing":
            raise base.missing_account(period, base.tenants_charged(tenant)[int(answer[1])])
        if answer[0] == "other":
            raise base.other_outcome(reservation_id, held=answer[1], cost=int(answer[2]))

    def expire(self) -> int:
        """Count reservations whose lease is over as spent, and return their number; the server forgets closed ones."""
        expired = 0
        while True:
            with self._errors():
                seconds, microseconds = self._client.time()
                due = self._client.zrangebyscore(
                    self._open_key, "-inf", seconds + microseconds / 1e6, start=0, num=_BATCH
                )
            for reservation_id in filter(self._exists, due):
                try:
                    self.close(reservation_id, "expired", 0)  # the script spends what was reserved
                except LedgerError:
                    if self._is_charged(reservation_id):
                        raise
                    self._forget(reservation_id)
            expired += len(due)
            if len(due) < _BATCH:
                return expired

    def _exists(self, reservation_id: str) -> bool:
        """Return whether a reservation is there; one that was removed by hand is not open either."""
        with self._errors():
            if self._client.exists(self._reservation_key(reservation_id)):
                return True
        self._forget(reservation_id)
        return False

    def _is_charged(self, reservation_id: str) -> bool:
        """Return whether all accounts of a reservation are there; those removed by hand can be charged no more."""
        with self._errors():
            period, tenant = self._client.hmget(self._reservation_key(reservation_id), "period", "tenant")
            names = base.tenants_charged(tenant or base.SHARED)
            return all(self._client.hexists(self._account_key(period, name), "cap") for name in names)

    def _forget(self, reservation_id: str) -> None:
        with self._errors():
            self._client.zrem(self._open_key, reservation_id)

    def _settings(self) -> Mapping[str, str]:
        """Return the settings of the append-only file; none where the server does not tell them."""
        try:
            return {**self._client.config_get("appendonly"), **self._client.config_get("appendfsync")}
        except self._refusals:
            return {}

    def _account_key(self, period: str, tenant: str) -> str:
        return f"{self._prefix}:account:{period}:{tenant}"  # a period holds no colon

    def _reservation_key(self, reservation_id: str) -> str:
        return f"{self._prefix}:reservation:{reservation_id}"

    @property
    def _open_key(self) -> str:
        return f"{self._prefix}:open"

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError as error:
            raise LedgerError(f"a name or an id that is no valid text: {error.reason}") from None
        except self._failures as error:
            raise LedgerError(f"the ledger in Redis cannot be used: {error}") from None


def _redis() -> Any:
    try:
        import redis
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "redis":
            raise
        raise MissingExtraError(
            "a ledger in Redis needs redis, which is not installed; run: pip install 'paretoroute[redis]'"
        ) from None
    return redis


def _check_eviction(info: Mapping[str, Any]) -> None:
    """Refuse a server that may evict keys which never expire.

    Raises:
        LedgerError: it does.
    """
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy.startswith("allkeys"):
        raise LedgerError(
            f"the Redis server evicts any key when its memory is full (maxmemory-policy {policy}), and would forget "
            "what was spent; set maxmemory-policy noeviction, or use a server of its own"
        )


def _check_durability(settings: Mapping[str, str]) -> None:
    """Refuse a server that answers before it writes to disk.

    Raises:
        LedgerError: it does, or its settings cannot be read.
    """
    wanted = {"appendonly": "yes", "appendfsync": "always"}
    if {name: settings.get(name) for name in wanted} == wanted:
        return
    held = ", ".join(f"{name} {value}" for name, value in settings.items()) or "its settings cannot be read"
    raise LedgerError(
        f"the Redis server may forget what was spent when it is killed ({held}); set appendonly yes and appendfsync "
        "always, or pass durable=False to accept that"
    )


def _account(fields: Mapping[str, str]) -> Account:
    numbers: dict[str, Any] = {name: int(fields[name]) for name in _COUNTS}
    numbers |= {name: float(fields[name]) for name in _REALS}
    return Account(tenant=fields["tenant"], **numbers)
