"""Rivals that are ahead are named, and the oracle never."""

from itertools import product

import numpy as np
import pytest

from paretoroute.evaluation.details.curves import Realised
from paretoroute.evaluation.details.kinds import kinds_of
from paretoroute.evaluation.details.losses import losses_of


def losses(compared, names):
    realised = {name: compared.realised[name] for name in names}
    return losses_of(compared.study, compared.held_out, realised, kinds_of(compared.study.runs))


def test_the_router_that_knows_the_tag_is_ahead_of_the_mixture(compared):
    lost = losses(compared, ("static", "tag", "oracle"))

    assert {one.rival for one in lost.targets[2:]} == {"tag"}
    assert lost.targets[4].lead is not None and lost.targets[4].lead.high < -5
    assert {one.tag: one.rival for one in lost.kinds} == dict.fromkeys(("code", "law", "poem"), "tag")


def height(cost, quality, at):
    """Return the most quality that a mixture of two results has at a mean cost."""
    best = quality[cost <= at].max()
    for i, j in product(range(len(cost)), repeat=2):
        if cost[i] <= at < cost[j]:
            best = max(best, quality[i] + (at - cost[i]) / (cost[j] - cost[i]) * (quality[j] - quality[i]))
    return best


def test_the_lead_at_a_target_is_the_distance_to_the_rivals_hull_at_equal_cost(compared):
    lost = losses(compared, ("static", "tag"))

    static, tag = compared.realised["static"], compared.realised["tag"]
    for t, one in enumerate(lost.targets):
        at = static.cost_usd[:, t].mean()
        assert one.cost_usd == pytest.approx(at)
        if one.lead is not None:
            expected = static.quality[:, t].mean() - height(tag.cost_usd.mean(0), tag.quality.mean(0), at)
            assert one.lead.value == pytest.approx(100 * expected)
    assert sum(one.lead is not None for one in lost.targets) >= 6


def test_a_rival_that_never_spends_so_little_is_not_compared(compared):
    dear = compared.realised["tag"]
    dear = Realised(dear.quality, dear.cost_usd + 1.0, dear.calls, dear.target_usd)

    lost = losses_of(compared.study, compared.held_out, {"static": compared.realised["static"], "tag": dear}, ())

    assert {(one.rival, one.lead) for one in lost.targets} == {(None, None)}
    assert lost.kinds == ()


def test_without_rivals_only_the_gains_of_the_kinds_are_left(compared):
    lost = losses(compared, ("static", "oracle"))

    assert [one.rival for one in lost.kinds] == [None] * 3
    gain = 100 * compared.held_out.over_queries("static", lambda judged: judged.gain)
    law = np.array(compared.study.runs.tags) == "law"
    assert lost.kinds[1].gain.value == pytest.approx(gain[law].mean())
