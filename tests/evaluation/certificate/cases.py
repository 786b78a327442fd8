"""A policy, and runs of queries that its fit never saw; shared by the tests of certificates."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

import paretoroute as pr
from tests.synthetic_log import make_runs

QUERIES = 700


class Sides(NamedTuple):
    """The two sides of one log."""

    fitted: pr.Runs
    others: pr.Runs


@cache
def sides() -> Sides:
    """Split a log of three kinds of queries, in halves with as many of each."""
    runs = make_runs(queries=QUERIES)
    is_fitted = np.arange(len(runs.query_ids)) // 3 % 2 == 0
    return Sides(runs.select(is_fitted), runs.select(~is_fitted))


@cache
def policy() -> pr.Policy:
    """Fit one half, for a mean quality of 0.8; the other half reaches about 0.93 at most."""
    return pr.fit(sides().fitted, pr.MinQuality(0.8))


@cache
def certified() -> pr.Certified:
    """Certify it on the other half."""
    answer = pr.certify(policy(), sides().others)
    assert isinstance(answer, pr.Certified)
    return answer
