"""Targets with limits against HiGHS on the whole program, fractions on tiny ones, and their properties."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.limits import Forbid, MaxCostOf, MaxMeanLatency, MaxShare, MinQualityOf
from paretoroute.solver.coupled.solve import solve_limited
from paretoroute.solver.solve import solve
from paretoroute.targets import BestTrade, MaxCost, MinQuality
from tests.reference import highs_limited
from tests.solver.coupled.mixtures import TAGS, exceeded, scale_of, sums


def instance(seed, *, most=40):
    """Draw a small forecast with ties, duplicates, free points, masks, latencies and tags, and some limits."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(1, most)), int(rng.integers(1, 8))
    quality, cost, latency = rng.random((n, p)), rng.random((n, p)), 10 * rng.random((n, p))
    if rng.random() < 0.4:
        quality, cost = np.round(quality * 4) / 4, np.round(cost * 4) / 4
    if rng.random() < 0.3:
        quality[:], cost[:], latency[:] = quality[0], cost[0], latency[0]
    if rng.random() < 0.2:
        cost[:, rng.integers(p)] = 0.0
    if rng.random() < 0.2 and p > 1:
        quality[:, -1], cost[:, -1], latency[:, -1] = quality[:, 0], cost[:, 0], latency[:, 0]
    mask = None
    if rng.random() < 0.25:
        mask = rng.random((n, p)) < 0.7
        mask[np.arange(n), rng.integers(p, size=n)] = True
    scale = 10.0 ** rng.integers(-9, 10)
    tags = rng.choice(np.array(TAGS), size=n)
    forecast = Forecast(quality, cost * scale, latency_s=latency, callable=mask, labels={"tag": tags})
    usual = scale * float(cost.mean())
    limits = [
        MaxShare(float(rng.random()), (int(rng.integers(p)),)),
        MaxMeanLatency(float(0.5 + 6 * rng.random())),
        MaxMeanLatency(float(1 + 6 * rng.random()), of="code"),
        MaxCostOf(float(usual * (0.2 + rng.random())) or 1.0, of="maths"),
        MinQualityOf(float(0.8 * rng.random()), of="talk"),
        MinQualityOf(float(0.8 * rng.random()), of="code"),
    ]
    some = [limit for limit in limits if rng.random() < 0.5 and (limit.group is None or limit.group.of in tags)]
    target = [
        MaxCost(usual * (0.1 + rng.random()) or 1.0),
        MinQuality(float(0.3 + 0.6 * rng.random())),
        MinQuality(ratio=float(0.6 + 0.5 * rng.random()), of=int(rng.integers(p))),
        BestTrade(usual * float(0.1 + 3 * rng.random()) or 1.0),
    ][rng.integers(4)]
    return forecast, target, some


@lru_cache(500)
def solved(seed):
    """Draw an instance, solve it, and let HiGHS solve it: its objective stands last, None where infeasible."""
    forecast, target, limits = instance(seed)
    solution = solve_limited(forecast, target, limits)
    return forecast, target, limits, solution, highs_limited(forecast, target, limits)


def audit(forecast, target, solution, best):
    """Return the fault of a solution by its own figures and by HiGHS's objective; empty if there is none."""
    share, _ = sums(forecast, solution.constraints, solution.mixture)
    if wrong := problem_with(forecast, solution):
        return wrong
    quality, cost = (share * forecast.quality).sum(axis=1).mean(), (share * forecast.cost_usd).sum(axis=1).mean()
    if (best is None) != (solution.status == "infeasible"):
        return f"status {solution.status}, HiGHS says {best}"
    if best is not None:
        own = {MaxCost: quality, MinQuality: cost}.get(type(target))
        own = quality - cost / target.usd_per_quality if own is None else own
        least = float(forecast.cost_usd.max()) if isinstance(target, MinQuality) else 1.0
        if abs(own - best) > 2e-7 * max(abs(best), 1e-3 * least):
            return f"objective {own}, HiGHS {best}"
    return ""


def problem_with(forecast, solution):
    """Return the fault of a solution by its own figures: limits, complementary slackness, gap; empty if none."""
    if wrong := exceeded(forecast, solution.constraints, solution.mixture):
        return wrong
    share, used = sums(forecast, solution.constraints, solution.mixture)
    for row, value in zip(solution.constraints, used, strict=True):
        price = solution.shadow_prices[row.name]
        if price > 0 and row.rhs - value > 1e-7 * max(scale_of(forecast, row), 1e-9):
            return f"{row.name} has a price of {price} and is not used up: {value} < {row.rhs}"
    if not 0 <= solution.gap <= (1e-6 if solution.status == "infeasible" else 1e-9):
        return f"gap {solution.gap}"
    quality, cost = (share * forecast.quality).sum(axis=1).mean(), (share * forecast.cost_usd).sum(axis=1).mean()
    if abs(quality - solution.expected_quality) > 1e-9 or abs(cost - solution.expected_cost_usd) > 1e-9 * cost:
        return "the expected figures are not those of the mixture"
    return ""


def failures(count, alter=lambda solution, *_: solution, first=0):
    """Compare ``count`` random instances with HiGHS; list the seeds that differ, with what is wrong.

    Args:
        count: seeds.
        alter: called with a solution and what was asked; returns the solution to compare.
        first: of the seeds.
    """
    wrong = []
    for seed in range(first, first + count):
        forecast, target, limits, solution, best = solved(seed)
        if problem := audit(forecast, target, alter(solution, forecast, target, limits), best):
            wrong.append((seed, problem))
    return wrong


def test_300_small_instances_equal_highs_and_keep_every_limit():
    assert failures(300) == []


def world(seed=0, n=60, p=5):
    """A forecast on which quality, cost and latency pull against one another, with tags."""
    rng = np.random.default_rng(seed)
    ability, hard = np.sort(rng.normal(size=p)), rng.normal(size=(n, 1))
    quality = 1 / (1 + np.exp(hard - ability + 0.5 * rng.normal(size=(n, p))))
    cost = np.exp(np.linspace(-6, -3, p) + 0.4 * rng.normal(size=(n, 1)) + 0.2 * rng.normal(size=(n, p)))
    tags = {"tag": rng.choice(np.array(TAGS), n)}
    return Forecast(quality, cost, latency_s=np.linspace(1, 9, p) * rng.lognormal(0, 0.3, (n, p)), labels=tags)


LIMITS = (MaxShare(0.3, (4,)), MaxMeanLatency(5.0), MinQualityOf(0.45, "code"), MaxCostOf(0.02, "talk"))
TARGETS = (MaxCost(0.012), MinQuality(0.5), BestTrade(0.1))


def objective(solution):
    if isinstance(solution.target, MinQuality):
        return solution.expected_cost_usd
    bought = (
        0.0 if isinstance(solution.target, MaxCost) else solution.expected_cost_usd / solution.target.usd_per_quality
    )
    return solution.expected_quality - bought


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("scale", [1e-7, 1e6])
def test_scaling_all_money_changes_no_choice_but_the_bill(target, scale):
    forecast = world()
    dearer = replace(forecast, cost_usd=forecast.cost_usd * scale)
    names = {"usd": "usd", "usd_per_quality": "usd_per_quality"}
    more = next((replace(target, **{n: getattr(target, n) * scale}) for n in names if hasattr(target, n)), target)
    limits = [replace(one, usd=one.usd * scale) if isinstance(one, MaxCostOf) else one for one in LIMITS]

    plain, scaled = solve_limited(forecast, target, LIMITS), solve_limited(dearer, more, limits)

    assert plain.status == scaled.status == "met"
    assert scaled.expected_quality == pytest.approx(plain.expected_quality, rel=1e-8)
    assert scaled.expected_cost_usd == pytest.approx(plain.expected_cost_usd * scale, rel=1e-8)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_order_of_queries_and_points_and_a_dominated_point_change_no_expectation(target):
    forecast, rng = world(1), np.random.default_rng(0)
    rows, points = rng.permutation(60), rng.permutation(5)
    plain = solve_limited(forecast, target, LIMITS)
    at = int(np.flatnonzero(points == 4)[0])
    turned = Forecast(
        forecast.quality[rows][:, points],
        forecast.cost_usd[rows][:, points],
        latency_s=forecast.latency_s[rows][:, points],
        labels={"tag": forecast.labels["tag"][rows]},
    )
    worse = (forecast.quality[:, :1] * 0.9, forecast.cost_usd[:, :1] * 1.1, forecast.latency_s[:, :1] * 1.1)
    wider = Forecast(
        np.hstack([forecast.quality, worse[0]]),
        np.hstack([forecast.cost_usd, worse[1]]),
        latency_s=np.hstack([forecast.latency_s, worse[2]]),
        labels=forecast.labels,
    )

    again = solve_limited(turned, target, [replace(LIMITS[0], of=(at,)), *LIMITS[1:]])
    beside = solve_limited(wider, target, LIMITS)

    assert objective(again) == pytest.approx(objective(plain), rel=1e-8)
    assert objective(beside) == pytest.approx(objective(plain), rel=1e-8)
    assert not (beside.choice == 5).any()


def test_a_wider_limit_never_costs_and_its_price_is_what_a_little_more_buys():
    forecast = world(2, n=400)
    shares = np.linspace(0.02, 0.5, 13)
    found = [solve_limited(forecast, MaxCost(0.015), [MaxShare(float(share), (4,))]) for share in shares]
    quality = np.array([solution.expected_quality for solution in found])

    assert (np.diff(quality) >= -1e-9).all() and quality[-1] > quality[0] + 0.01
    price = np.array([solution.shadow_prices[str(solution.limits[0])] for solution in found])
    assert (np.diff(price) <= 1e-9).all()  # what more of it buys falls
    gained = np.diff(quality) / np.diff(shares)
    assert (gained <= price[:-1] + 1e-6).all() and (gained >= price[1:] - 1e-6).all()


def test_a_limit_that_does_not_bind_leaves_the_solution_of_the_target_alone():
    forecast = world(3)
    alone, beside = solve(forecast, MaxCost(0.012)), solve(forecast, MaxCost(0.012), [MaxShare(1.0, (4,))])

    assert beside.expected_quality == pytest.approx(alone.expected_quality, rel=1e-9)
    assert beside.shadow_price == pytest.approx(alone.shadow_price, rel=1e-6)
    assert beside.binds == ("cost",)


def test_the_draw_follows_the_seed_and_keeps_the_share_on_average():
    forecast = Forecast(np.tile([0.2, 0.8], (4000, 1)), np.array([0.0, 1.0]))  # every query ties
    solution = solve(forecast, MaxCost(0.9), [MaxShare(0.3, (1,))], seed=1)
    other = solve(forecast, MaxCost(0.9), [MaxShare(0.3, (1,))], seed=2)

    assert solution.expected_quality == pytest.approx(0.7 * 0.2 + 0.3 * 0.8)
    assert (solution.choice == 1).mean() == pytest.approx(0.3, abs=0.03)
    assert 0 < (solution.choice != other.choice).mean() < 0.6
    assert (solution.choice == solve(forecast, MaxCost(0.9), [MaxShare(0.3, (1,))], seed=1).choice).all()


def test_where_the_limits_leave_no_room_the_target_gives_way_and_else_they_are_named():
    forecast = world(4)
    tight = solve(forecast, MinQuality(0.95), [MaxShare(0.1, (4,))])
    assert tight.status == "infeasible" and tight.relaxed == ()
    assert solve(forecast, tight.nearest, [MaxShare(0.1, (4,))]).status == "met"

    both = solve(forecast, MaxCost(1.0), [MaxShare(0.0, (1, 2, 3, 4)), MinQualityOf(0.9, "code")])
    assert both.status == "infeasible" and both.relaxed and both.nearest is None
    assert set(map(type, both.relaxed)) <= {MaxShare, MinQualityOf}


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ([Forbid(("a",))], "never a: a limit on single calls; give it as the forecast's callable mask"),
        ([MaxShare(0.1, "big")], "a bare forecast needs columns of 0 to 1, such as of=(0, 2)"),
        ([MaxShare(0.1, (2,))], "columns must lie in 0 to 1"),
        ([MaxMeanLatency(1.0)], "no latency is forecast; log latency_s, or give the forecast's latency_s"),
        ([MinQualityOf(0.1, "code")], "no query has a tag; log the column tag, or give the forecast's labels['tag']"),
        (
            [MinQualityOf(0.1, "t", "tenant")],
            "t at least 0.1: no query has the tenant 't'; near: 'acme'",
        ),
        ([MaxCostOf(0.1, "t", "tenant")], "cost of tenant t at most $0.1 per query: no query has the tenant 't'"),
        ([MaxMeanLatency(0.1, "t", "tenant")], "no latency is forecast"),
    ],
)
def test_a_limit_that_the_forecast_cannot_answer_is_refused(limits, message):
    forecast = Forecast(np.ones((2, 2)), np.ones(2), labels={"tenant": np.array(["acme", ""])})
    with pytest.raises(TargetError) as raised:
        solve(forecast, MaxCost(1.0), limits)
    assert message in str(raised.value)


def test_an_optimum_that_rounding_hides_is_met_and_none_is_beyond_its_limit():
    met = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        n, p = int(rng.integers(1, 12)), int(rng.integers(2, 6))
        cost = rng.choice([0, 1e-12, 1e-3, 1, 1e3], (n, p)) if seed % 2 else 10.0 ** rng.uniform(-12, 3, (n, p))
        forecast = Forecast(rng.random((n, p)), cost)
        usd = max(float(cost.min(1).mean() * (1 + rng.random())), 1e-15)
        solution = solve(forecast, MaxCost(usd), [MaxShare(float(rng.random()), (int(rng.integers(p)),))])
        if solution.status != "infeasible":
            assert solution.gap <= 1e-6
            assert solution.expected_cost_usd <= usd * (1 + 1.1e-6)
            met += 1
    assert met > 100


def test_an_optimum_that_float64_hides_is_refused():
    """Queries trade amounts of 1e-60 against one of 1e60, whose price beside theirs is below the rounding of a sum."""
    forecast = Forecast(
        np.array([[0.3, 0.8, 0.5], [0.35, 0.56, 0.49]]),
        np.array([[1e-60, 1e30, 1e-60], [1e30, 0.0, 1e-60]]),
        latency_s=np.array([[1e-60, 1.0, 1e-30], [1e60, 1e60, 1e-60]]),
    )

    with pytest.raises(
        TargetError, match="known to .* only, since the forecast's figures differ by too many orders of"
    ):
        solve(forecast, MaxCost(1e-60), [MaxShare(0.7, (0,)), MaxMeanLatency(1.03e-60)])


def test_points_without_a_latency_are_not_called_where_a_limit_speaks_of_it():
    latency = np.array([1.0, np.nan, 3.0])
    forecast = Forecast(np.tile([0.2, 0.9, 0.5], (10, 1)), np.ones(3), latency_s=latency)

    assert set(solve(forecast, MaxCost(2.0), [MaxMeanLatency(2.0)]).choice) <= {0, 2}


# Planted mistakes: solutions that are wrong in one way each, which the comparison above has to refuse.


def drop_a_limit(_, forecast, target, limits):
    return solve_limited(forecast, target, limits[1:])


def mix_with_the_weights_of_another_side(solution, *_):
    sides = solution.mixture.components
    turned = tuple(replace(one, weight=other.weight) for one, other in zip(sides, (*sides[1:], sides[0]), strict=True))
    return replace(solution, mixture=replace(solution.mixture, components=turned))


def sum_in_float32(solution, *_):
    return replace(solution, expected_quality=float(np.float32(solution.expected_quality)))


def treat_all_queries_as_one_kind(solution, *_):
    return replace(solution, mixture=replace(solution.mixture, group=np.zeros_like(solution.mixture.group)))


def stop_short_of_the_optimum(_, forecast, target, limits):
    """As descending to a gap of 1e-3 would: a little less is spent, or bought, than could be."""
    field = next(name for name in ("usd", "quality", "ratio", "usd_per_quality") if getattr(target, name, None))
    factor = 1.001 if isinstance(target, MinQuality) else 0.999
    return solve_limited(forecast, replace(target, **{field: factor * getattr(target, field)}), limits)


def leave_a_gap(solution, *_):
    return replace(solution, gap=1e-5)


@pytest.mark.parametrize(
    ("alter", "least"),
    [
        (drop_a_limit, 10),
        (mix_with_the_weights_of_another_side, 10),
        (sum_in_float32, 10),
        (treat_all_queries_as_one_kind, 5),
        (stop_short_of_the_optimum, 10),
        (leave_a_gap, 60),
    ],
)
def test_planted_mistakes_are_caught(alter, least):
    assert len(failures(60, alter)) >= least
