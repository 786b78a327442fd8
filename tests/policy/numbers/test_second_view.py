"""The numbers of a second view in the side file: the round trip, and refusals."""

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.errors import PolicyError
from paretoroute.policy.arrays import from_arrays
from paretoroute.policy.packing import to_arrays
from tests.synthetic_log import make_runs


@pytest.fixture(scope="module")
def policy():
    return pr.fit(make_runs(embedding=True, queries=60), pr.BestTrade(usd_per_quality=0.01))


def read(policy, arrays, *, second=True):
    labels = {by: ("", *names) for by, names in policy.document.labels.items()}
    return from_arrays(
        arrays, features="hashed_ngrams", points=len(policy.grid.points), labels=labels, second=second
    ).surface


def test_a_policy_with_two_views_plans_the_same_after_saving(policy, tmp_path):
    policy.save(tmp_path / "p.yaml")
    before, after = pr.Planner(policy), pr.Planner.load(tmp_path / "p.yaml")

    for i, vector in enumerate(np.eye(3)):
        call = {"embedding": vector, "query_id": str(i)}
        assert before.plan("Why?", **call).expected_quality == after.plan("Why?", **call).expected_quality
    after.policy.save(tmp_path / "q.yaml")
    written, again = ((tmp_path / name).read_text() for name in ("p.yaml", "q.yaml"))
    assert written.replace("p.", "q.") == again.replace("p.", "q.")


@pytest.mark.parametrize("name", ["projection", "scales", "centre", "scale", "features"])
def test_an_array_that_is_missing_or_short_is_refused(policy, name):
    arrays, key = to_arrays(policy.surface, policy.calibration_sample), f"second.{name}"
    assert read(policy, arrays).featurizer.second is not None

    with pytest.raises(PolicyError, match=f"array {key} is missing"):
        read(policy, {one: array for one, array in arrays.items() if one != key})
    if name != "projection":  # whose length the others have to fit
        with pytest.raises(PolicyError, match=f"array {key} has shape"):
            read(policy, arrays | {key: arrays[key][:-1]})


def test_numbers_that_no_fit_computes_are_refused(policy):
    arrays = to_arrays(policy.surface, policy.calibration_sample)
    scale = arrays["second.scale"].copy()
    scale[0] = 0.0

    with pytest.raises(PolicyError, match=r"array second.scale is 0 at \[0\]"):
        read(policy, arrays | {"second.scale": scale})


def test_a_second_view_that_the_document_does_not_name_is_refused(policy):
    arrays = to_arrays(policy.surface, policy.calibration_sample)

    with pytest.raises(PolicyError, match="array .* (has shape|belongs to no part)"):
        read(policy, arrays, second=False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("kind: embedding", "second.fingerprint is null for an embedding"),
        ("kind: picture", "must be 'embedding', 'function' or 'encoder'"),
    ],
)
def test_a_second_view_of_another_kind_is_refused(policy, tmp_path, line, message):
    policy.save(tmp_path / "p.yaml")
    text = (tmp_path / "p.yaml").read_text()
    wrong = text.replace("kind: embedding", "kind: function" if line == "kind: embedding" else line, 1)
    (tmp_path / "p.yaml").write_text(wrong)

    with pytest.raises(pr.PolicySchemaError, match=message):
        pr.Policy.load(tmp_path / "p.yaml")
