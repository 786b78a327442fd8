"""The ledger in a file: whose file it is, what it forgets, and what it survives."""

import sqlite3
from dataclasses import replace

import pytest

from paretoroute.errors import LedgerError
from paretoroute.serving.ledger import Entry
from paretoroute.serving.ledgers import sqlite
from paretoroute.serving.ledgers.sqlite import SqliteLedger


def entry(name: str, lease_s: float = 10.0) -> Entry:
    return Entry(id=name, period="p", tenant="", amount=7, expected=3, hard=True, lease_s=lease_s, price=2.5)


def test_a_file_of_another_program_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE account (name TEXT)")
    connection.close()

    with pytest.raises(LedgerError, match="other.db: the file is a database of another program"):
        SqliteLedger(path)

    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("account",)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 20, b"SQLite format 3\0" * 50])
def test_a_file_that_is_no_database_is_refused(tmp_path, content):
    path = tmp_path / "ledger.db"
    path.write_bytes(content)

    with pytest.raises(LedgerError, match="ledger.db: the ledger cannot be used"):
        SqliteLedger(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LedgerError, match="unable to open"):
        SqliteLedger(tmp_path / "none" / "ledger.db")


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "ledger.db"
    SqliteLedger(path).close_file()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()

    with pytest.raises(LedgerError, match="schema 2, and this version of paretoroute reads schema 1; upgrade"):
        SqliteLedger(path)


def test_a_file_that_another_process_holds_is_refused_after_the_timeout(tmp_path):
    path = tmp_path / "ledger.db"
    ledger = SqliteLedger(path, timeout_s=0.05)
    ledger.open("p", {"": 100})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerError, match="cannot be used within timeout_s: database is locked"):
        ledger.reserve(entry("a"))

    other.execute("ROLLBACK")
    other.close()
    assert ledger.reserve(entry("a")) is None


def test_closed_reservations_are_forgotten_after_a_while_and_sums_stay(tmp_path):
    clock = [1000.0]
    ledger = SqliteLedger(tmp_path / "ledger.db", keep_s=100.0, clock=lambda: clock[0])
    ledger.open("p", {"": 100})
    for name in ("a", "b", "c"):
        ledger.reserve(entry(name))
    ledger.close("a", "settled", 5)

    clock[0] = 1050.0
    assert ledger.expire() == 2
    ledger.close("a", "settled", 5)
    clock[0] = 1100.0
    assert ledger.expire() == 0

    with pytest.raises(LedgerError, match="no reservation 'a'"):
        ledger.close("a", "settled", 5)
    ledger.close("b", "settled", 1)
    assert ledger.read("p").shared.spent == 5 + 1 + 7


def test_an_error_within_a_transaction_leaves_nothing_behind(tmp_path):
    ledger = SqliteLedger(tmp_path / "ledger.db")
    ledger.open("p", {"": 100, "a": 50})

    with pytest.raises(LedgerError, match="was opened with"):
        ledger.open("p", {"new": 10, "a": 51})

    with pytest.raises(LedgerError, match="no account of 'new'"):
        ledger.read("p", "new")
    assert ledger.read("p").shared.granted == 50


def test_another_ledger_on_the_file_sees_the_sums_and_the_price_of_each_call(tmp_path):
    path = tmp_path / "ledger.db"
    first = SqliteLedger(path)
    first.open("p", {"": 100})
    first.reserve(entry("a"))
    first.close_file()

    assert SqliteLedger(path).read("p").shared.reserved == 7
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT id, price, state FROM reservation").fetchall() == [("a", 2.5, "open")]
    connection.close()


def test_a_signal_while_the_ledger_waits_for_its_turn_leaves_no_transaction_open(tmp_path):
    class Interrupted:
        """A connection whose next BEGIN returns into a signal's handler that raises."""

        def __init__(self, connection):
            self._connection, self._is_first = connection, True

        def __getattr__(self, name):
            return getattr(self._connection, name)

        def execute(self, statement, *values):
            result = self._connection.execute(statement, *values)
            if self._is_first and statement.startswith("BEGIN"):
                self._is_first = False
                raise KeyboardInterrupt
            return result

    ledger, other = (SqliteLedger(tmp_path / "ledger.db", timeout_s=0.5) for _ in range(2))
    ledger.open("p", {"": 100})
    ledger._session = replace(ledger._session, connection=Interrupted(ledger._session.connection))

    with pytest.raises(KeyboardInterrupt):
        ledger.reserve(entry("a"))

    assert other.reserve(entry("b")) is None
    assert ledger.reserve(entry("c")) is None
    assert ledger.read("p").shared.reserved == 14


def test_all_reservations_that_were_closed_long_ago_are_forgotten_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "_BATCH", 3)
    ledger = SqliteLedger(tmp_path / "ledger.db", keep_s=0.0)
    ledger.open("p", {"": 1000})
    for name in map(str, range(10)):
        ledger.reserve(entry(name))
        ledger.close(name, "settled", 1)

    assert ledger.expire() == 0

    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("SELECT count(*) FROM reservation").fetchone() == (0,)
    connection.close()
