"""Which of logged and estimated chances a fit of a partial log goes by: those that state the smaller error."""

from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.fitting.partial_logs.propensities import Propensities, fit_propensities
from paretoroute.fitting.partial_logs.smaller_error import with_smaller_error
from paretoroute.fitting.sample import featurized
from paretoroute.runs.table import Runs
from tests.fitting.partial_logs.test_propensities import logged_by
from tests.synthetic_log import KINDS, make_runs


def logged(*, told: float, queries: int = 600) -> Runs:
    """A log of one run per query, with chances that follow its tag, or one drawn without a trace.

    Args:
        told: share of the queries that are judged by their own tag; the others by any.
        queries: of the log.
    """
    full, rng = make_runs(queries=queries, seed=3), np.random.default_rng(0)
    own = np.array([KINDS.index(tag) for tag in full.tags])
    any_kind = rng.integers(4, size=queries)
    kind = np.where(rng.random(queries) < told, own, any_kind)
    chance = np.full((queries, 4), 0.01)
    chance[np.arange(queries), kind] = 0.97
    return logged_by(full, chance, seed=1)


def of(runs: Runs) -> Propensities:
    return fit_propensities(runs, featurized(runs, "hashed_ngrams", 0)[1])


def test_estimated_chances_replace_logged_ones_that_leave_few_effective_runs():
    own = of(logged(told=0.6))

    used = with_smaller_error(own)

    assert (own.source, used.source, used.looks) == ("logged", "estimated", True)
    cells = own.weight > 0
    assert ((used.weight > 0) == cells).all()
    assert used.weight[cells] == pytest.approx(1 / own.reference[cells])
    supported = own.reference >= own.policy.least_chance
    assert used.weight[supported].max() < 0.5 * own.weight[supported].max()
    assert "the estimated ones are used" in used.findings[-1]
    assert used.findings[:-1] == own.findings


def test_logged_chances_stay_where_estimated_ones_leave_no_more_runs():
    own = of(logged(told=1.0, queries=1200))
    even = replace(own, weight=np.where(own.weight > 0, 4.0, 0.0), probability=np.full(own.weight.shape, 0.25))

    assert own.source == "logged"
    assert with_smaller_error(even) is even


def test_logged_chances_stay_where_features_tell_nothing_of_the_choice():
    own = of(logged(told=0.0))

    assert own.looks and not own.is_forecast
    assert with_smaller_error(own) is own


def test_other_chances_stay_as_they_are():
    runs = logged(told=0.6)
    own = of(replace(runs, propensity=np.full(len(runs.propensity), np.nan)))

    assert own.source == "estimated"
    assert with_smaller_error(own) is own


def test_a_fit_says_which_chances_it_goes_by():
    policy = pr.fit(logged(told=0.6), pr.MaxCost(usd=1e-3))

    support = [text for kind, text in policy.document.fitted_on.findings_by_kind() if kind == "support"]
    assert "propensities are estimated" in support[0]
    assert any("the estimated ones are used" in text for text in support)
    sample_support, assumption = policy.calibration_sample.support, policy.document.fitted_on.assumption
    assert sample_support is not None and sample_support.is_estimated
    assert assumption is not None and "the logged propensities leave few effective runs" in assumption
