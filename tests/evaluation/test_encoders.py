"""A policy with an encoder is judged, certified and monitored with it."""

from dataclasses import replace

import pytest

import paretoroute as pr
from tests.synthetic_log import make_runs


def lengths(texts):
    return [[len(text) / 100, float(text.count("e"))] for text in texts]


def test_monitors_certificates_and_replays_take_the_encoder_of_the_policy():
    runs, others = make_runs(queries=120), make_runs(queries=40, seed=9)
    policy = pr.fit(runs, pr.MaxCost(usd=0.003), encoder=lengths)

    assert pr.Monitor(policy, encoder=lengths).update(others).drifted is False
    assert isinstance(pr.certify(policy, _renamed(others), encoder=lengths), pr.Certified | pr.NotCertified)
    assert 0 <= pr.replay(pr.Planner(policy, encoder=lengths), others).quality <= 1
    with pytest.raises(pr.PolicyError, match="fitted with the encoder 'lengths'; pass it as encoder="):
        pr.Monitor(policy)


def _renamed(runs: pr.Runs) -> pr.Runs:
    return replace(runs, query_ids=tuple(f"new {name}" for name in runs.query_ids))
