"""The ledger in a SQLite file, for any number of threads and processes of one machine.

Every method is one ``BEGIN IMMEDIATE`` transaction in WAL mode that is synced to disk before it returns, so that
neither a killed process nor a power failure loses a reservation. The file must lie on a local disk: the locks of SQLite
do not work on network file systems.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from paretoroute.errors import LedgerError, checked_path, file_name
from paretoroute.serving import ledger as base
from paretoroute.serving.ledger import Account, Entry, Outcome, Shortfall, Snapshot

APPLICATION_ID, SCHEMA = 0x70724C67, 1
SCHEMA_SQL = (
    """
    CREATE TABLE account (
        period TEXT NOT NULL, tenant TEXT NOT NULL, cap INTEGER NOT NULL, opened_at REAL NOT NULL,
        spent INTEGER NOT NULL DEFAULT 0, reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
        expected INTEGER NOT NULL DEFAULT 0, granted INTEGER NOT NULL DEFAULT 0, over INTEGER NOT NULL DEFAULT 0,
        calls INTEGER NOT NULL DEFAULT 0, settled INTEGER NOT NULL DEFAULT 0,
        choice_usd REAL NOT NULL DEFAULT 0, curve_usd REAL NOT NULL DEFAULT 0,
        bill_usd REAL NOT NULL DEFAULT 0, forecast_usd REAL NOT NULL DEFAULT 0,
        PRIMARY KEY (period, tenant)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE reservation (
        id TEXT PRIMARY KEY, period TEXT NOT NULL, tenant TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open',
        amount INTEGER NOT NULL, expected INTEGER NOT NULL, hard INTEGER NOT NULL, cost INTEGER NOT NULL DEFAULT 0,
        price REAL, policy_sha256 TEXT NOT NULL, opened_at REAL NOT NULL, expires_at REAL NOT NULL, closed_at REAL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX open_by_expiry ON reservation (expires_at) WHERE state = 'open'",
    "CREATE INDEX closed_by_time ON reservation (closed_at) WHERE closed_at IS NOT NULL",
)
ACCOUNT_COLUMNS = (
    "tenant, cap, opened_at, spent, reserved, expected, granted, over, calls, settled, "
    "choice_usd, curve_usd, bill_usd, forecast_usd"
)
_BATCH = 500  # reservations that one transaction expires or forgets
_INHERITED: list[sqlite3.Connection] = []  # of a parent process; SQLite forbids to close them in the child


@dataclass(frozen=True)
class _Session:
    """The connection of one process, and the lock that its threads take turns by."""

    connection: sqlite3.Connection
    process: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)


class SqliteLedger:
    """Keeps accounts in a SQLite file, which is made if it is not there. Safe for threads, processes and forks.

    Args:
        path: of the file, on a local disk.
        timeout_s: how long a transaction waits for those of other workers.
        keep_s: seconds for which a closed reservation is remembered, so that closing it again is recognised.
        clock: seconds since 1970.

    Raises:
        LedgerError: the file cannot be opened, or is no ledger of this version.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout_s: float = 60.0,
        keep_s: float = 7 * 86400.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = checked_path(path, LedgerError)
        self._timeout_s, self._keep_s, self._clock = timeout_s, keep_s, clock
        self._session = self._start()

    def close_file(self) -> None:
        """Close the connection of this process; the ledger cannot be used afterwards."""
        with self._session.lock:
            self._session.connection.close()

    def open(self, period: str, caps: Mapping[str, int]) -> None:
        """Open the accounts that are not there yet; see :class:`~paretoroute.serving.ledger.Ledger`."""
        with self._transaction() as execute:
            held = dict(execute("SELECT tenant, cap FROM account WHERE period = ?", period))
            for tenant, cap in caps.items():
                if tenant not in held:
                    values = (period, tenant, cap, self._clock())
                    execute("INSERT INTO account (period, tenant, cap, opened_at) VALUES (?, ?, ?, ?)", *values)
                    _grant(execute, period, tenant, cap)
                elif held[tenant] != cap:
                    raise base.other_cap(period, tenant, held=held[tenant], given=cap)

    def change(self, period: str, tenant: str, cap: int) -> None:
        """Set the cap of an account."""
        with self._transaction() as execute:
            _grant(execute, period, tenant, cap - _account(execute, period, tenant).cap)
            execute("UPDATE account SET cap = ? WHERE period = ? AND tenant = ?", cap, period, tenant)

    def read(self, period: str, tenant: str = base.SHARED) -> Snapshot:
        """Return the shared account and that of a tenant."""
        with self._transaction("BEGIN") as execute:
            accounts = [_account(execute, period, name) for name in base.tenants_charged(tenant)]
        return Snapshot(self._clock(), *accounts)

    def reserve(self, entry: Entry) -> Shortfall | None:
        """Reserve money on all accounts of an entry, or on none."""
        with self._transaction() as execute:
            if execute("SELECT 1 FROM reservation WHERE id = ?", entry.id).fetchone():
                return None
            accounts = [_account(execute, entry.period, tenant) for tenant in entry.tenants]
            least = min(accounts, key=lambda account: account.left)
            if entry.hard and least.left < entry.amount:
                return Shortfall(least.tenant, least.left)
            _charge(execute, entry)
            _insert(execute, entry, now=self._clock())
        return None

    def close(self, reservation_id: str, outcome: Outcome, cost: int) -> None:
        """Close a reservation; closing it again in the same way changes nothing."""
        with self._transaction() as execute:
            _close(execute, reservation_id, outcome, cost=cost, now=self._clock())

    def expire(self) -> int:
        """Count reservations whose lease is over as spent, and forget those that were closed ``keep_s`` ago."""
        expired, batch = 0, _BATCH
        while batch == _BATCH:
            with self._transaction() as execute:
                now = self._clock()
                query = "SELECT id FROM reservation WHERE state = 'open' AND expires_at <= ? LIMIT ?"
                due = execute(query, now, _BATCH).fetchall()
                for (reservation_id,) in due:
                    _close(execute, reservation_id, "expired", cost=0, now=now)
                forget = "SELECT id FROM reservation WHERE closed_at <= ? LIMIT ?"
                gone = execute(f"DELETE FROM reservation WHERE id IN ({forget})", now - self._keep_s, _BATCH).rowcount
            batch = max(len(due), gone)
            expired += len(due)
        return expired

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[Callable[..., sqlite3.Cursor]]:
        """Run statements as one transaction, on the connection of this process."""
        session = self._session
        if session.process != os.getpid():
            _INHERITED.append(session.connection)
            session = self._session = self._start()
        with session.lock, self._errors():
            try:
                session.connection.execute(begin)  # a signal's handler may raise as soon as it returns
                yield lambda statement, *values: session.connection.execute(statement, values)
                session.connection.execute("COMMIT")
            except BaseException:
                if session.connection.in_transaction:
                    session.connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError as error:
            raise LedgerError(f"a name or an id that is no valid text: {error.reason}") from None
        except sqlite3.Error as error:
            hint = " within timeout_s" if "locked" in str(error) else ""
            raise LedgerError(f"{file_name(self.path)}: the ledger cannot be used{hint}: {error}") from None

    def _start(self) -> _Session:
        """Connect, and make the tables if the file is new."""
        with self._errors():
            connection = sqlite3.connect(
                self.path, timeout=self._timeout_s, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("BEGIN")  # several reads of one state: another worker may be making the tables
                self._check(connection)
                connection.execute("COMMIT")
                self._use_wal(connection)
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE")
                if self._check(connection):
                    _make_tables(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
        weakref.finalize(self, _close_own, connection, os.getpid())
        return _Session(connection)

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to WAL; that needs the file alone for a moment, and does not wait for it by itself."""
        until = time.monotonic() + self._timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def _check(self, connection: sqlite3.Connection) -> bool:
        """Refuse the file of another program or version before it is changed; return whether it is empty."""
        application, version, tables = (
            connection.execute(query).fetchone()[0]
            for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
        if application == 0 and tables == 0:
            return True
        if application != APPLICATION_ID:
            raise LedgerError(f"{file_name(self.path)}: the file is a database of another program; give another path")
        if version != SCHEMA:
            raise LedgerError(
                f"{file_name(self.path)}: the ledger has schema {version}, and this version of paretoroute reads "
                f"schema {SCHEMA}; upgrade the package"
            )
        return False


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in SCHEMA_SQL:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _close_own(connection: sqlite3.Connection, process: int) -> None:
    """Close a connection whose ledger is gone, unless it is that of a parent process."""
    if process == os.getpid():
        connection.close()


def _account(execute: Callable[..., sqlite3.Cursor], period: str, tenant: str) -> Account:
    query = f"SELECT {ACCOUNT_COLUMNS} FROM account WHERE period = ? AND tenant = ?"
    row = execute(query, period, tenant).fetchone()
    if row is None:
        raise base.missing_account(period, tenant)
    return Account(**dict(zip(ACCOUNT_COLUMNS.split(", "), row, strict=True)))


def _grant(execute: Callable[..., sqlite3.Cursor], period: str, tenant: str, more: int) -> None:
    """Add to the sum of the tenants' caps."""
    if tenant != base.SHARED:
        statement = "UPDATE account SET granted = granted + ? WHERE period = ? AND tenant = ?"
        execute(statement, more, period, base.SHARED)


def _charge(execute: Callable[..., sqlite3.Cursor], entry: Entry) -> None:
    statement = """
        UPDATE account SET reserved = reserved + ?, expected = expected + ?, calls = calls + 1,
            choice_usd = choice_usd * ? + ?, curve_usd = curve_usd * ? + ?
        WHERE period = ? AND tenant = ?
    """
    decay, expected_usd = base.CHOICE_DECAY, base.usd_of(entry.expected)
    for tenant in entry.tenants:
        figures = (entry.amount, entry.expected, decay, expected_usd, decay, entry.curve_usd)
        execute(statement, *figures, entry.period, tenant)


def _insert(execute: Callable[..., sqlite3.Cursor], entry: Entry, *, now: float) -> None:
    columns = "id, period, tenant, amount, expected, hard, price, policy_sha256, opened_at, expires_at"
    money = (entry.amount, entry.expected, int(entry.hard))
    values = (entry.id, entry.period, entry.tenant, *money, entry.price, entry.policy_sha256, now, now + entry.lease_s)
    execute(f"INSERT INTO reservation ({columns}) VALUES ({', '.join('?' * len(values))})", *values)


def _close(
    execute: Callable[..., sqlite3.Cursor], reservation_id: str, outcome: Outcome, *, cost: int, now: float
) -> None:
    query = "SELECT period, tenant, state, amount, expected, hard, cost FROM reservation WHERE id = ?"
    row = execute(query, reservation_id).fetchone()
    if row is None:
        raise base.unknown_reservation(reservation_id)
    period, tenant, state, amount, expected, hard, held = row
    cost = amount if outcome == "expired" else cost
    if state not in ("open", "expired"):
        if outcome != "expired" and (state, held) != (outcome, cost):
            raise base.other_outcome(reservation_id, held=state, cost=held)
        return
    if state == outcome:
        return
    was_open, is_bill = state == "open", outcome == "settled"
    decay, bill_usd, expected_usd = base.BILL_DECAY if is_bill else 1.0, base.usd_of(cost), base.usd_of(expected)
    figures = (
        cost - (0 if was_open else held),
        amount if was_open else 0,
        expected if was_open else 0,
        max(cost - amount, 0) if hard else 0,
        int(is_bill),
        int(outcome == "released"),  # it was not made
        *(decay, bill_usd if is_bill else 0.0, decay, expected_usd if is_bill else 0.0),
    )
    statement = """
        UPDATE account SET spent = spent + ?, reserved = reserved - ?, expected = expected - ?, over = over + ?,
            settled = settled + ?, calls = calls - ?, bill_usd = bill_usd * ? + ?, forecast_usd = forecast_usd * ? + ?
        WHERE period = ? AND tenant = ?
    """
    for name in base.tenants_charged(tenant):
        execute(statement, *figures, period, name)
    closed = "UPDATE reservation SET state = ?, cost = ?, closed_at = ? WHERE id = ?"
    execute(closed, outcome, cost, now, reservation_id)
