"""Partial logs whose queries are all of one text, or of one conversation: no other group is left to fit on."""

from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from tests.fitting.partial_logs.test_propensities import logged_by
from tests.synthetic_log import make_runs

QUERIES = 400
ONE_TEXT = {"texts": ("the same",) * QUERIES}
ONE_CONVERSATION = {"conversations": ("c",) * QUERIES}


@pytest.mark.parametrize("column", [True, False])
@pytest.mark.parametrize("changes", [ONE_TEXT, ONE_CONVERSATION, ONE_TEXT | ONE_CONVERSATION])
def test_a_partial_log_of_one_group_is_fitted_with_the_means_of_its_points(changes, column):
    full = make_runs(queries=QUERIES, seed=3)
    runs = replace(logged_by(full, np.full((QUERIES, 4), 0.25), seed=1, column=column), **changes)

    policy = pr.fit(runs, pr.MaxCost(usd=1.0))

    means = np.nanmean(runs.means("quality").mean, axis=0)
    stated = [point.quality for entry in policy.document.grid for point in entry.points]
    assert stated == pytest.approx(means, abs=0.06)
    expected = policy.document.expected
    assert expected.quality_low is not None
    assert expected.quality_low < expected.quality < expected.quality_high


def test_a_partial_log_of_one_text_is_context_free():
    runs = replace(logged_by(make_runs(queries=QUERIES, seed=3), np.full((QUERIES, 4), 0.25), seed=1), **ONE_TEXT)

    policy = pr.fit(runs, pr.MaxCost(usd=1.0))

    assert any("cannot tell them apart" in text for text in policy.document.fitted_on.findings)
    assert len({d.point.name for d in pr.Planner(policy).plan_batch(["a", "b", "the same"])}) == 1
