"""A point that few queries of a full log were sent to: one lucky run must not take all calls at a promise of 1.0."""

import numpy as np
import pandas as pd
import pytest

import paretoroute as pr

QUALITY = {"small": 0.4, "big": 0.8}


def fitted(lucky: int) -> pr.Policy:
    rng = np.random.default_rng(7)
    texts = [f"question {i} about {['law', 'art', 'code'][i % 3]}" for i in range(60)]
    rows = [
        {"query": text, "model": model, "quality": float(rng.random() < quality), "cost_usd": 0.01 * quality**3}
        for text in texts
        for model, quality in QUALITY.items()
    ]
    rows += [{"query": text, "model": "new", "quality": 1.0, "cost_usd": 1e-4} for text in texts[:lucky]]
    return pr.fit(pr.read_runs(pd.DataFrame(rows)))


def test_a_point_of_a_run_or_two_is_left_out_by_name():
    policy = fitted(2)

    assert [entry.model for entry in policy.document.grid] == ["big", "small"]
    assert any("left out: new@default (2)" in text for text in policy.document.fitted_on.findings)


@pytest.mark.parametrize("lucky, is_supported", [(10, False), (40, True)])
def test_a_policy_that_rests_on_fewer_than_twenty_queries_is_unsupported(lucky, is_supported):
    document = fitted(lucky).document

    shares = {entry.model: sum(point.share for point in entry.points) for entry in document.grid}
    assert shares["new"] == 1
    assert document.expected.effective_queries == pytest.approx(lucky)
    assert (document.solution.status != "unsupported") == is_supported
    assert (document.expected.quality_low is not None) == is_supported


def test_an_error_about_one_point_that_is_left_states_why_the_others_were_left_out():
    rows = [
        {"query": f"q{i}", "model": model, "quality": 1.0, "cost_usd": cost}
        for i in range(30)
        for model, cost in (("small", 0.1), ("big", None))
    ]

    with pytest.raises(pr.RunsError, match="only 'small@default' is left to choose from: left out, since nothing"):
        pr.fit(pr.read_runs(pd.DataFrame(rows)))
