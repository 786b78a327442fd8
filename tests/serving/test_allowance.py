"""Calls within an allowance: what is reserved, what is refused, whose account is charged."""

import threading

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.errors import FIT_PACKAGES, AllowanceError, LedgerError, TargetError
from paretoroute.serving.ledgers.sqlite import SqliteLedger
from tests.planner.decisions import EASY_QUERY, HARD_QUERY
from tests.planner_cases import fitted
from tests.processes import python, without
from tests.serving.memory_ledger import MemoryLedger

PLANNER = pr.Planner(fitted().policy)


def allowance(usd: float = 1.0, **options) -> pr.Allowance:
    return pr.Allowance(options.pop("ledger", MemoryLedger()), usd=usd, period="2026-11", **options)


def test_a_call_reserves_the_most_that_it_can_cost_until_it_is_settled():
    money = allowance()

    reservation = money.plan(PLANNER, HARD_QUERY)

    assert reservation.decision.most_cost_usd == pytest.approx(reservation.reserved_usd, rel=1e-6)
    assert reservation.reserved_usd >= reservation.decision.expected_cost_usd
    assert money.balance().reserved_usd == reservation.reserved_usd
    reservation.settle(0.001)
    assert money.balance() == pr.Balance(1.0, 0.001, 0.0, 0.999, 0.0, calls=1)


def test_without_a_pace_the_choice_is_that_of_the_policy():
    money = allowance()

    points = [money.plan(PLANNER, query).decision.point for query in (EASY_QUERY, HARD_QUERY)]

    assert points == [PLANNER.plan(query).point for query in (EASY_QUERY, HARD_QUERY)]


def test_a_pace_of_little_money_calls_cheaper_points_and_of_much_money_better_ones():
    poor, rich = (allowance(usd, pace=pr.Pace(calls=1000)).plan(PLANNER, HARD_QUERY) for usd in (0.1, 8.0))

    assert poor.decision.expected_cost_usd < rich.decision.expected_cost_usd
    assert poor.decision.expected_quality < rich.decision.expected_quality
    assert poor.price is not None and rich.price is not None and poor.price > rich.price


def test_a_call_that_cannot_be_paid_for_takes_the_cheapest_point_that_can():
    best = allowance().plan(PLANNER, HARD_QUERY)

    short = allowance(best.reserved_usd * 0.9).plan(PLANNER, HARD_QUERY)

    assert short.decision.point.name == "small@default"
    assert short.reserved_usd < best.reserved_usd


def test_a_call_that_cannot_be_paid_for_is_refused_where_that_is_asked_for():
    best = allowance().plan(PLANNER, HARD_QUERY)
    money = allowance(best.reserved_usd * 0.9, short="refuse")

    with pytest.raises(
        AllowanceError, match="which does not pay for this call; the cheapest point, small@default"
    ) as e:
        money.plan(PLANNER, HARD_QUERY)

    assert e.value.tenant is None
    assert e.value.left_usd == pytest.approx(best.reserved_usd * 0.9, rel=1e-6)
    assert money.balance().reserved_usd == 0


def test_the_money_that_is_left_lowers_the_output_cap_before_a_call_is_refused():
    usual = allowance().plan(PLANNER, EASY_QUERY, models=["small"]).decision

    tight = allowance(0.00018).plan(PLANNER, EASY_QUERY, models=["small"])

    assert tight.decision.status == "capped"
    assert tight.decision.output_cap_tokens is not None and usual.output_cap_tokens is not None
    assert tight.decision.output_cap_tokens < usual.output_cap_tokens
    assert tight.reserved_usd <= 0.00018


def test_an_empty_account_refuses_every_call_and_names_the_tenant():
    money = allowance(tenants={"acme": 0.0002, "other": 0.5})
    money.plan(PLANNER, EASY_QUERY, tenant="acme").settle(0.0002)

    with pytest.raises(AllowanceError, match=r"the allowance of 'acme' in '2026-11' has \$0.00 left") as error:
        money.plan(PLANNER, EASY_QUERY, tenant="acme")
    assert (error.value.tenant, error.value.left_usd) == ("acme", 0.0)
    assert money.plan(PLANNER, EASY_QUERY, tenant="other").tenant == "other"


def test_tenants_that_are_not_listed_have_a_share_or_are_refused():
    listed = allowance(tenants={"acme": 0.5})
    with pytest.raises(TargetError, match="the tenant 'acne' has no share of the allowance; near: 'acme'"):
        listed.plan(PLANNER, EASY_QUERY, tenant="acne")

    others = allowance(tenants={"acme": 0.5}, others_usd=0.25)
    others.plan(PLANNER, EASY_QUERY, tenant="new")
    assert others.balance("new").cap_usd == 0.25
    assert allowance().plan(PLANNER, EASY_QUERY, tenant="anyone").tenant == "anyone"


def test_a_call_without_a_tenant_is_charged_to_the_shared_sum_alone():
    money = allowance(tenants={"acme": 0.5})

    money.plan(PLANNER, EASY_QUERY)

    assert money.balance("acme").calls == 0
    assert money.balance().calls == 1


def test_a_tenant_that_used_its_part_is_refused_while_the_others_need_the_rest():
    money = allowance(1.0, tenants={"acme": 0.8, "other": 0.8}, pace=pr.Pace(calls=100))
    money.plan(PLANNER, EASY_QUERY, tenant="acme").settle(0.6)

    with pytest.raises(AllowanceError, match="has used its part of the shared sum") as error:
        money.plan(PLANNER, EASY_QUERY, tenant="acme")
    assert error.value.tenant == "acme"
    assert money.plan(PLANNER, EASY_QUERY, tenant="other").reserved_usd > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hard": False}, "a pace must keep them"),
        ({"hard": False, "short": "refuse", "pace": pr.Pace(calls=5)}, "needs hard caps"),
        ({"pace": pr.Pace(ends_at=86400.0)}, "ends_at must be seconds since 1970"),
        ({"pace": pr.Pace(ends_at=1.8e12)}, "ends_at must be seconds since 1970"),
    ],
)
def test_options_that_would_keep_no_cap_or_pace_are_refused(options, message):
    options["ledger"] = MemoryLedger(now=1.7e9)

    with pytest.raises(TargetError, match=message):
        allowance(**options)


def test_a_cap_that_was_changed_holds_for_workers_that_had_not_met_the_tenant():
    ledger = MemoryLedger()
    first, second = (allowance(ledger=ledger, others_usd=0.1) for _ in range(2))
    first.plan(PLANNER, EASY_QUERY, tenant="new")
    first.change(0.3, tenant="new")

    assert second.plan(PLANNER, EASY_QUERY, tenant="new").reserved_usd > 0
    assert second.balance("new").cap_usd == 0.3


def test_without_any_listed_tenant_none_has_a_share():
    with pytest.raises(TargetError, match="has no share of the allowance"):
        allowance(tenants={}).plan(PLANNER, EASY_QUERY, tenant="acme")


def test_half_a_character_is_no_tenant():
    with pytest.raises(TargetError, match="a tenant must be a name in valid text"):
        allowance(others_usd=0.1).plan(PLANNER, EASY_QUERY, tenant="\ud800")


def test_a_released_call_gives_its_money_back():
    money = allowance()
    reservation = money.plan(PLANNER, EASY_QUERY)

    reservation.release()
    reservation.release()

    assert (money.balance().left_usd, money.balance().calls) == (1.0, 0)
    with pytest.raises(LedgerError):
        reservation.settle(0.1)


def test_another_process_settles_by_the_id(tmp_path):
    with_first, with_second = (allowance(ledger=SqliteLedger(tmp_path / "ledger.db")) for _ in range(2))
    reservation = with_first.plan(PLANNER, EASY_QUERY)

    with_second.settle(reservation.id, 0.0001)
    reservation.settle(0.0001)

    assert with_first.balance().spent_usd == 0.0001


def test_points_without_a_token_price_are_never_reserved_for():
    metered = np.array([name.startswith("metered") for name in PLANNER.policy.grid.names])

    with pytest.raises(AllowanceError, match="no point that may be called is priced by tokens"):
        allowance().plan(PLANNER, EASY_QUERY, callable=metered)
    with pytest.raises(AllowanceError, match="since the query has no text"):
        allowance().plan(PLANNER, None)
    soft = allowance(hard=False, pace=pr.Pace(calls=100)).plan(PLANNER, EASY_QUERY, callable=metered)
    assert soft.reserved_usd == pytest.approx(soft.decision.expected_cost_usd, abs=1e-9)  # rounded up to nano-USD


def test_a_limit_of_the_call_holds_beside_the_allowance():
    reservation = allowance().plan(PLANNER, HARD_QUERY, max_cost_usd=0.0004)

    assert reservation.reserved_usd <= 0.0004
    with pytest.raises(TargetError, match="the pace sets the price"):
        allowance().plan(PLANNER, HARD_QUERY, price=3.0)


def test_the_cap_can_be_raised_and_is_the_same_for_all_workers():
    ledger = MemoryLedger()
    money = allowance(0.00002, ledger=ledger)
    with pytest.raises(AllowanceError):
        money.plan(PLANNER, EASY_QUERY)

    money.change(1.0)

    assert money.plan(PLANNER, EASY_QUERY).reserved_usd > 0.00002
    with pytest.raises(LedgerError):
        allowance(0.00002, ledger=ledger)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"usd": 0}, "usd must be a positive number, got 0"),
        ({"usd": 1e7}, r"usd must be at most \$9,007,199.25"),
        ({"tenants": {"": 1.0}}, "a tenant must be a name, got ''"),
        ({"tenants": {"a": -1}}, "the USD of 'a' must be a positive number"),
        ({"tenants": [1]}, "tenants must be of type Mapping or NoneType"),
        ({"short": "stop"}, "short must be 'cheapest' or 'refuse', got 'stop'"),
        ({"lease_s": 0}, "lease_s must be positive"),
        ({"pace": 5}, "the pace must be of type Pace or NoneType"),
        ({"hard": 1}, "hard must be of type bool"),
    ],
)
def test_what_cannot_be_is_refused_by_name(options, text):
    with pytest.raises(TargetError, match=text):
        allowance(**options)
    with pytest.raises(TargetError, match="a period must be a name of letters"):
        pr.Allowance(MemoryLedger(), usd=1.0, period="a:b")


@pytest.mark.parametrize("workers", [1, 16])
def test_workers_at_once_never_spend_more_than_the_caps(tmp_path, workers):
    money = allowance(0.02, ledger=SqliteLedger(tmp_path / "ledger.db"), tenants={"acme": 0.015, "other": 0.015})

    def work(own: int) -> None:
        rng = np.random.default_rng(own)
        for number in range(64 // workers):
            try:
                reservation = money.plan(PLANNER, HARD_QUERY, tenant=("acme", "other")[number % 2])
            except AllowanceError:
                continue
            reservation.settle(reservation.reserved_usd * rng.uniform(0.3, 1.0))

    threads = [threading.Thread(target=work, args=(own,)) for own in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for tenant, cap in ((None, 0.02), ("acme", 0.015), ("other", 0.015)):
        balance = money.balance(tenant)
        assert (balance.over_usd, balance.reserved_usd) == (0.0, 0.0)
        assert balance.spent_usd <= cap
    assert money.balance().spent_usd > 0.015


def test_a_host_without_the_fit_extra_plans_within_an_allowance(tmp_path):
    code = (
        without(*FIT_PACKAGES, "pandas", "redis")
        + f"import paretoroute as pr\nplanner = pr.Planner.load({str(fitted().policy_path)!r})\n"
        + "money = pr.Allowance(pr.SqliteLedger('spend.db'), usd=1.0, period='p', pace=pr.Pace(calls=100))\n"
        + "money.plan(planner, 'Who wrote it?').settle(0.0001)\nprint(money.balance().spent_usd)\n"
    )

    done = python("-c", code, cwd=tmp_path)

    assert (done.stdout.strip(), done.stderr) == ("0.0001", "")
