"""The price of an allowance: from the money left, the calls to come, and how bills compare with forecasts."""

from dataclasses import replace

import numpy as np
import pytest

from paretoroute.errors import TargetError
from paretoroute.serving.cost_curve import CostCurve
from paretoroute.serving.ledger import Account, Snapshot
from paretoroute.serving.pacing import Pace, Pacer

NANO = 10**9
CURVE = CostCurve(np.array([1.0, 10.0, 100.0, 1000.0]), np.array([0.1, 0.01, 0.001, 0.0001]), 0.01)  # 0.1 / price


def account(tenant: str = "", *, cap: float = 1.0, spent: float = 0.0, **changes) -> Account:
    return Account(tenant=tenant, cap=round(cap * NANO), opened_at=0.0, spent=round(spent * NANO), **changes)


def price(pace: Pace, *accounts: Account, now: float = 0.0) -> float:
    return Pacer(pace, CURVE).aim(Snapshot(now, *accounts)).price


def test_the_price_is_that_at_which_the_calls_to_come_cost_the_money_left():
    assert price(Pace(calls=100), account()) == pytest.approx(0.1 / 0.01)
    assert price(Pace(calls=100), account(spent=0.6, calls=20)) == pytest.approx(0.1 / (0.4 / 80))


def test_calls_that_are_not_settled_count_at_their_expected_cost():
    waiting = account(spent=0.3, expected=round(0.3 * NANO), reserved=round(0.6 * NANO), calls=20)

    assert price(Pace(calls=100), waiting) == pytest.approx(0.1 / (0.4 / 80))


def test_bills_above_their_forecasts_raise_the_price():
    many = 10**6  # so that nothing is left of the trust in forecasts
    dear = account(spent=0.5, calls=many, settled=many, bill_usd=4.0, forecast_usd=2.0, curve_usd=1.0, choice_usd=1.0)

    even = replace(dear, bill_usd=2.0)
    assert price(Pace(calls=2 * many), dear) > 0
    pace = Pace(calls=many + 100)
    assert price(pace, dear) == pytest.approx(2 * price(pace, even), rel=1e-6)


def test_calls_that_cost_more_than_was_aimed_at_raise_the_price():
    many = 10**6
    hard = account(spent=0.5, calls=many, settled=many, bill_usd=1.0, forecast_usd=1.0, curve_usd=1.0, choice_usd=3.0)

    assert price(Pace(calls=many + 100), hard) == pytest.approx(3 * 0.1 / (0.5 / 100), rel=1e-6)


def test_forecasts_are_trusted_before_many_calls_are_settled():
    few = account(calls=10, settled=1, bill_usd=1.0, forecast_usd=0.01, curve_usd=0.1, choice_usd=0.1)
    calm = replace(few, bill_usd=0.01)

    assert price(Pace(calls=100), few) < 1.3 * price(Pace(calls=100), calm)


def test_the_number_of_calls_until_the_end_is_extrapolated():
    half = account(spent=0.5, calls=1000)

    assert price(Pace(ends_at=100.0), half, now=50.0) == pytest.approx(0.1 / (0.5 / 1000), rel=0.06)
    assert price(Pace(ends_at=100.0, calls=5000), account(), now=0.0) == pytest.approx(0.1 / (1 / 5000), rel=1e-6)
    assert price(Pace(ends_at=100.0), account(spent=0.5, calls=1000), now=200.0) == 1.0  # one call, all that is left


def test_a_mean_cost_is_kept_for_an_unknown_number_of_calls():
    pace = Pace(usd_per_call=0.01)

    assert price(pace, account(cap=100.0)) == pytest.approx(10.0)
    assert price(pace, account(cap=100.0, spent=9.0, calls=1000)) == pytest.approx(0.1 / (3 / 200))
    assert price(pace, account(cap=100.0, spent=13.0, calls=1000)) == 1000.0


def test_a_tenant_pays_the_higher_of_its_own_and_the_shared_price_up_to_that_of_its_part():
    pace, shared = Pace(calls=100), account(spent=0.5, calls=50, granted=20 * NANO)
    alone = price(pace, shared)

    assert alone == pytest.approx(0.1 / (0.5 / 50))
    assert price(pace, shared, account("poor", cap=0.19, calls=1)) == pytest.approx(alone, rel=1e-6)
    assert price(pace, shared, account("rich", cap=18.0, calls=1)) == 1.0
    assert price(pace, shared, account("busy", cap=0.01, calls=50)) > 100


def test_a_tenant_is_not_priced_out_of_its_part_where_caps_add_up_to_more_than_the_shared_sum():
    attacked = account(spent=0.8, calls=50, granted=2 * NANO)  # half of the calls, most of the money
    quiet = account("quiet", cap=0.2, spent=0.05, calls=5)  # its part is 0.1

    assert price(Pace(calls=100), attacked) == pytest.approx(0.1 / (0.2 / 50))
    assert price(Pace(calls=100), attacked, quiet) == pytest.approx(0.1 / (0.05 / 5), rel=0.1)
    assert price(Pace(calls=100), replace(attacked, granted=NANO), quiet) == pytest.approx(0.1 / (0.15 / 5), rel=0.1)


def test_a_tenant_that_used_its_part_is_overdrawn_while_the_others_need_the_rest():
    pacer, used = Pacer(Pace(calls=100), CURVE), account("used", cap=0.2, spent=0.15, calls=50)

    def overdrawn(shared: Account, tenant: Account = used) -> bool:
        return pacer.is_overdrawn(Snapshot(0.0, shared, tenant))

    busy = account(spent=0.6, calls=50, granted=2 * NANO)  # the others spent 0.45 and will need 0.45 of 0.4
    assert overdrawn(busy)
    assert not overdrawn(account(spent=0.35, calls=50, granted=2 * NANO))  # and 0.2 of 0.65
    assert not overdrawn(replace(busy, granted=NANO))
    assert not overdrawn(busy, replace(used, spent=NANO // 20))


def test_prices_stay_on_the_curve_whatever_the_sums():
    for spent, calls in ((0.0, 0), (2.0, 10), (0.999999999, 99), (1.0, 10**9)):
        for pace in (Pace(calls=100), Pace(ends_at=1.0), Pace(usd_per_call=1e-9)):
            for now in (0.0, 0.5, 10.0):
                free = account(spent=spent, calls=calls, settled=calls)
                assert 1.0 <= price(pace, free, account("a", cap=1e-9), now=now) <= 1000.0


@pytest.mark.parametrize("wrong", [{}, {"calls": 0}, {"ends_at": -1}, {"usd_per_call": 1, "calls": 5}, {"calls": "5"}])
def test_a_pace_needs_one_horizon(wrong):
    with pytest.raises(TargetError):
        Pace(**wrong)
