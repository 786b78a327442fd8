"""One log, split by a hash of its groups: fitted on one side, certified on the other, and never fitted again."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.evaluation.certificate.hold_out import HoldOut
from paretoroute.runs.folds import groups_of
from tests.synthetic_log import Recipe, make_runs, rows_of

SPLIT = HoldOut(share=0.5, seed=0)


@pytest.fixture(scope="module")
def log() -> pr.Runs:
    return make_runs(queries=500)


@pytest.fixture(scope="module")
def certified(log) -> pr.Policy:
    return pr.fit(log, pr.MinQuality(0.8), certify=0.9, hold_out=0.5)


def test_fit_certifies_on_the_side_that_it_did_not_see(log, certified):
    held = SPLIT.mask(log)

    assert certified.document.certificate is not None
    assert certified.document.certificate.runs_sha256 == log.select(held).sha256
    assert certified.document.fitted_on.runs_sha256 == log.select(~held).sha256
    assert certified.document.certificate.split.by == "hold_out"
    assert (certified.document.certificate.split.share, certified.document.certificate.split.seed) == (0.5, 0)


def test_it_is_the_policy_of_that_side_certified_as_if_by_hand(log, certified):
    held = SPLIT.mask(log)

    by_hand = pr.certify(pr.fit(log.select(~held), pr.MinQuality(0.8)), log.select(held))

    assert isinstance(by_hand, pr.Certified)
    assert by_hand.policy.document.model_copy(update={"certificate": None}) == certified.document.model_copy(
        update={"certificate": None}
    )


def test_it_is_verified_with_the_whole_log_and_with_the_held_out_side(log, certified):
    assert pr.verify(certified, log).certificate == certified.document.certificate
    assert pr.verify(certified, log.select(SPLIT.mask(log))).certificate == certified.document.certificate
    with pytest.raises(pr.CertificateError):
        pr.verify(certified, log.select(np.arange(len(log.query_ids)) > 3))


def test_a_target_out_of_reach_leaves_the_fitted_policy_and_a_finding(log):
    policy = pr.fit(log, pr.MinQuality(0.99), certify=0.9)

    assert policy.document.certificate is None
    assert policy.document.fitted_on.finding_kinds[-1] == "certificate"
    assert policy.document.fitted_on.findings[-1].startswith("not certified: mean quality at least 0.99 at level 0.9: ")
    assert "certificate" not in policy.solve(pr.MinQuality(0.7)).document.fitted_on.finding_kinds


def test_the_split_keeps_groups_together_and_does_not_follow_the_order(log):
    rows = rows_of(Recipe(queries=90))
    rows = [{**row, "conversation": f"c{int(row['query_id'][1:]) // 3}"} for row in rows]
    runs, reverse = (pr.read_runs(pa.Table.from_pylist(some)) for some in (rows, rows[::-1]))

    held = SPLIT.mask(runs)

    sides = {name: held[np.array(groups_of(runs)) == name] for name in set(groups_of(runs))}
    assert all(side.all() or not side.any() for side in sides.values())
    assert SPLIT.mask(reverse).tolist() == held.tolist()
    assert 0.4 < SPLIT.mask(log).mean() < 0.6
    assert HoldOut(share=0.5, seed=1).mask(log).tolist() != SPLIT.mask(log).tolist()
    assert 0.15 < HoldOut(share=0.2, seed=0).mask(log).mean() < 0.25


def test_a_copy_of_a_turn_never_counts_on_the_other_side():
    rows = [{**row, "conversation": None} for row in rows_of(Recipe(queries=240))]
    turns = [
        {**row, "query_id": f"turn {row['query_id']}", "conversation": f"c {row['query_id']}"} for row in rows[:400]
    ]
    runs = pr.read_runs(pa.Table.from_pylist(rows + turns))

    policy = pr.fit(runs, pr.MinQuality(0.3), certify=0.9)

    assert policy.document.certificate is not None
    assert policy.document.certificate.queries < SPLIT.mask(runs).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"certify": 1.0}, "certify must lie between 0 and 1"),
        ({"certify": "0.9"}, "certify"),
        ({"certify": 0.9, "hold_out": 0.0}, "hold_out must lie between 0 and 1"),
        ({"certify": 0.9, "hold_out": 1e-9}, "takes no query"),
        (
            {"certify": 0.9, "hold_out": 0.99},
            r"a hold-out of 0.99 leaves \d of 500 queries for the fit, which needs at least 20; hold out a",
        ),
        ({"certify": 0.9, "target": pr.BestTrade(1.0)}, "no threshold"),
    ],
)
def test_other_levels_shares_and_targets_are_refused_before_the_fit(log, options, message):
    with pytest.raises(pr.ParetorouteError, match=message):
        pr.fit(log, **options)


def test_the_hash_of_the_split_names_the_groups(log, certified):
    names = sorted(groups_of(log.select(SPLIT.mask(log))), key=lambda name: hashlib.sha256(name.encode()).digest())

    assert certified.document.certificate.split.sha256 == hashlib.sha256("\n".join(names).encode()).hexdigest()
