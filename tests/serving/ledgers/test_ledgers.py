"""Every ledger keeps the same sums: what is reserved, settled, released, expired, and refused."""

import dataclasses
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paretoroute.errors import LedgerError
from paretoroute.serving.ledger import Entry, Ledger, Shortfall
from tests.serving.memory_ledger import MemoryLedger

PERIOD = "2026-11"


def entry(name: str, amount: int = 70, *, tenant: str = "acme", **changes) -> Entry:
    kept = {"expected": amount // 2, "hard": True, "lease_s": 3600.0} | changes
    return Entry(id=name, period=PERIOD, tenant=tenant, amount=amount, **kept)


def sums(ledger: Ledger, tenant: str = "acme") -> tuple[int, int, int]:
    """Return spent, reserved and left of the account of a tenant."""
    account = ledger.read(PERIOD, tenant).accounts[-1]
    return account.spent, account.reserved, account.left


@pytest.fixture
def opened(ledger) -> Ledger:
    ledger.open(PERIOD, {"": 1000, "acme": 500, "other": 900})
    return ledger


def test_a_reservation_is_charged_to_the_tenant_and_to_the_shared_sum(opened):
    assert opened.reserve(entry("a")) is None

    assert sums(opened) == (0, 70, 430)
    assert sums(opened, "") == (0, 70, 930)
    assert sums(opened, "other") == (0, 0, 900)


def test_a_settled_call_costs_what_it_cost(opened):
    opened.reserve(entry("a"))
    opened.close("a", "settled", 40)

    assert sums(opened) == (40, 0, 460)


def test_settling_twice_changes_nothing_and_settling_otherwise_is_refused(opened):
    opened.reserve(entry("a"))
    opened.close("a", "settled", 40)
    opened.close("a", "settled", 40)

    for outcome, cost in (("settled", 41), ("released", 0)):
        with pytest.raises(LedgerError, match="was settled at 4e-08 USD before"):
            opened.close("a", outcome, cost)
    assert sums(opened) == (40, 0, 460)


def test_reserving_an_id_again_changes_nothing(opened):
    opened.reserve(entry("a"))
    opened.reserve(entry("a"))

    assert sums(opened) == (0, 70, 430)
    assert opened.read(PERIOD, "acme").shared.calls == 1


def test_a_free_call_is_reserved_and_settled_too(opened):
    opened.reserve(entry("a", 0))
    opened.close("a", "settled", 0)

    assert sums(opened) == (0, 0, 500)


def test_a_released_call_costs_nothing(opened):
    opened.reserve(entry("a"))
    opened.close("a", "released", 0)
    opened.close("a", "released", 0)

    assert sums(opened) == (0, 0, 500)


def test_money_that_is_not_left_is_refused_on_every_account_with_the_least_left(opened):
    opened.reserve(entry("a", 450))

    assert opened.reserve(entry("b", 51)) == Shortfall("acme", 50)
    assert opened.reserve(entry("c", 551, tenant="other")) == Shortfall("", 550)
    assert opened.reserve(entry("d", 50)) is None
    assert sums(opened, "") == (0, 500, 500)


def test_a_soft_reservation_is_never_refused(opened):
    assert opened.reserve(entry("a", 5000, hard=False)) is None

    assert sums(opened) == (0, 5000, -4500)


def test_a_bill_beyond_the_reservation_is_counted_in_full_and_stated(opened):
    opened.reserve(entry("a"))
    opened.close("a", "settled", 600)

    assert sums(opened) == (600, 0, -100)
    assert opened.read(PERIOD, "acme").accounts[-1].over == 530
    assert opened.reserve(entry("b", 1)) == Shortfall("acme", -100)


def test_an_overdue_call_counts_as_spent_until_it_is_settled(opened):
    opened.reserve(entry("a", lease_s=0.001))
    opened.reserve(entry("b"))
    time.sleep(0.02)

    assert opened.expire() == 1
    assert sums(opened) == (70, 70, 360)
    assert opened.expire() == 0
    opened.close("a", "settled", 30)
    opened.close("a", "settled", 30)
    assert sums(opened) == (30, 70, 400)


def test_an_overdue_call_can_be_released(opened):
    opened.reserve(entry("a", lease_s=0.001))
    time.sleep(0.02)
    opened.expire()
    opened.close("a", "released", 0)

    assert sums(opened) == (0, 0, 500)


def test_a_settled_call_does_not_expire(opened):
    opened.reserve(entry("a"))
    opened.close("a", "settled", 40)
    opened.close("a", "expired", 0)

    assert sums(opened) == (40, 0, 460)


def test_a_call_of_the_old_period_is_settled_there(opened):
    opened.reserve(entry("a"))
    opened.open("2026-12", {"": 1000, "acme": 500})
    opened.close("a", "settled", 40)

    assert sums(opened) == (40, 0, 460)
    assert opened.read("2026-12", "acme").accounts[-1].left == 500


def test_opening_again_keeps_the_sums_and_refuses_another_cap(opened):
    opened.reserve(entry("a"))
    opened.open(PERIOD, {"": 1000, "new": 5})

    assert sums(opened) == (0, 70, 430)
    assert sums(opened, "new") == (0, 0, 5)
    with pytest.raises(LedgerError, match=r"of 'acme' in '2026-11' was opened with 5e-07 USD.*change\(6e-07, tenant="):
        opened.open(PERIOD, {"acme": 600})


def test_a_cap_can_be_changed(opened):
    opened.reserve(entry("a"))
    opened.change(PERIOD, "acme", 60)

    assert sums(opened) == (0, 70, -10)
    opened.open(PERIOD, {"acme": 60})


def test_what_is_not_there_is_refused_by_name(opened):
    with pytest.raises(LedgerError, match="no account of 'nobody' in '2026-11'"):
        opened.read(PERIOD, "nobody")
    with pytest.raises(LedgerError, match="no account of 'nobody'"):
        opened.reserve(entry("a", tenant="nobody"))
    with pytest.raises(LedgerError, match="no account of '2027-01'"):
        opened.change("2027-01", "", 5)
    with pytest.raises(LedgerError, match="no reservation 'x'"):
        opened.close("x", "settled", 1)
    assert sums(opened, "") == (0, 0, 1000)


def test_amounts_are_exact_up_to_nine_million_usd(opened):
    most = 2**53 - 1
    opened.open("p", {"": most})
    opened.reserve(dataclasses.replace(entry("a", most - 1, tenant=""), period="p"))

    assert opened.read("p").shared.left == 1
    opened.close("a", "settled", most - 2)
    assert opened.read("p").shared.left == 2


@pytest.mark.parametrize("workers", [1, 8, 64])
def test_workers_at_once_never_reserve_more_than_there_is(opened, workers):
    outcomes = []

    def work(own: int) -> None:
        for number in range(64 // workers + 1):
            refused = opened.reserve(entry(f"{own}-{number}"))
            outcomes.append(refused)
            if refused is None and number % 2:
                opened.close(f"{own}-{number}", "settled", 70)

    threads = [threading.Thread(target=work, args=(own,)) for own in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    spent, reserved, left = sums(opened)
    assert outcomes.count(None) == 7  # 7 x 70 of 500
    assert (spent + reserved, left) == (490, 10)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("reserve"), st.integers(0, 5), st.integers(0, 300), st.sampled_from(["", "acme"]), st.booleans()
        ),
        st.tuples(
            st.just("close"),
            st.integers(0, 5),
            st.integers(0, 300),
            st.sampled_from(["settled", "released", "expired"]),
        ),
        st.tuples(st.just("change"), st.integers(0, 900), st.sampled_from(["", "acme"])),
    ),
    max_size=12,
)


def apply(ledger: Ledger, prefix: str, step: tuple) -> object:
    """Apply a step; return the answer, or the type of the error."""
    try:
        if step[0] == "reserve":
            _, number, amount, tenant, hard = step
            made = entry(f"{prefix}-{number}", amount, tenant=tenant, hard=hard, curve_usd=amount / 1e9)
            return ledger.reserve(dataclasses.replace(made, period=prefix))
        if step[0] == "close":
            _, number, cost, outcome = step
            return ledger.close(f"{prefix}-{number}", outcome, 0 if outcome == "released" else cost)
        return ledger.change(prefix, step[2], step[1])
    except LedgerError:
        return LedgerError


@given(steps=STEPS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_steps_lead_to_the_sums_of_the_obvious_ledger(ledger, steps):
    prefix, reference = f"p{time.monotonic_ns()}", MemoryLedger()
    for one in (ledger, reference):
        one.open(prefix, {"": 1000, "acme": 500})

    for step in steps:
        assert apply(ledger, prefix, step) == apply(reference, prefix, step)

    held, expected = (one.read(prefix, "acme").accounts for one in (ledger, reference))
    for account, other in zip(held, expected, strict=True):
        assert dataclasses.replace(account, opened_at=0.0) == other
        assert account.cap == account.left + account.spent + account.reserved
        assert account.reserved >= 0 and account.expected >= 0
