"""What texts tell about tags: the discriminants, whose tags teach whom, and that a planner needs no tag."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

import paretoroute as pr
from paretoroute.errors import PolicyError
from paretoroute.fitting.features import tags as tag_features
from paretoroute.fitting.features.tags import discriminants, with_tags
from paretoroute.fitting.sample import featurized
from paretoroute.fitting.text_features import Featurized
from paretoroute.policy.arrays import from_arrays
from paretoroute.policy.packing import to_arrays
from paretoroute.surface.featurizer import TAGS_SCALE
from tests.synthetic_log import KINDS, Recipe, make_runs, rows_of

RECIPE = Recipe(queries=90)


def log(tags=None, texts=None, recipe=RECIPE) -> pr.Runs:
    runs = make_runs(**asdict(recipe))
    texts = runs.texts if texts is None else tuple(texts)
    return replace(runs, tags=runs.tags if tags is None else tuple(tags), texts=texts)


def read(runs: pr.Runs) -> Featurized:
    return with_tags(featurized(runs, "hashed_ngrams", 0), runs, seed=0)


def chances(fitted: Featurized) -> np.ndarray:
    return fitted.features[:, fitted.featurizer.text_width :] / TAGS_SCALE


@pytest.mark.parametrize("ridge", [1e-9, 2.0])
def test_the_chances_are_those_of_scikit_learn(ridge, monkeypatch):
    from sklearn.covariance import EmpiricalCovariance
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    monkeypatch.setattr(tag_features, "RIDGE", ridge)
    chance = np.random.default_rng(0)
    code = np.repeat([0, 1, 2], [70, 40, 10])
    features = chance.standard_normal((120, 6)) + 0.7 * chance.standard_normal((3, 6))[code]

    class Shrunk(EmpiricalCovariance):
        def fit(self, X, y=None):
            super().fit(X)
            self.covariance_ = self.covariance_ + ridge / len(features) * np.eye(X.shape[1])
            return self

    theirs = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Shrunk()).fit(features, code)
    slopes, intercepts = discriminants(features, code, classes=3)

    ours = tag_features.of_tags(features @ slopes + intercepts) / TAGS_SCALE
    np.testing.assert_allclose(ours, theirs.predict_proba(features), atol=1e-9)


def test_queries_without_a_tag_that_is_read_teach_nothing():
    chance = np.random.default_rng(1)
    features, code = chance.standard_normal((50, 4)), np.repeat([0, 1, -1], [20, 20, 10])

    whole, known = (discriminants(features[:n], code[:n], classes=2) for n in (50, 40))

    np.testing.assert_array_equal(whole.slopes, known.slopes)
    np.testing.assert_array_equal(whole.intercepts, known.intercepts)


def test_a_text_tells_its_tag_out_of_fold():
    runs = log()
    fitted = read(runs)
    names = sorted(KINDS)

    assert fitted.featurizer.tags == 3
    np.testing.assert_allclose(chances(fitted).sum(1), 1.0)
    told = np.array(names)[chances(fitted).argmax(1)]
    assert (told == runs.tags).mean() > 0.95


def test_the_tag_of_a_query_does_not_teach_its_own_features():
    runs = log()
    changed = list(runs.tags)
    changed[5] = next(kind for kind in KINDS if kind != runs.tags[5])

    own, other = read(runs), read(log(changed))

    np.testing.assert_array_equal(own.features[5], other.features[5])
    assert (own.features != other.features).any(axis=1).sum() > 50


def test_tags_in_random_order_tell_nothing():
    runs = log()
    shuffled = read(log(np.random.default_rng(0).permutation(runs.tags)))

    names = sorted(KINDS)
    told = np.array(names)[chances(shuffled).argmax(1)]
    assert (told == runs.tags).mean() < 0.6
    assert chances(shuffled).max(1).mean() < 0.7


@pytest.mark.parametrize("of_one_text", [7, 60], ids=["few of one text", "many of one text"])
def test_queries_with_equal_texts_have_equal_features(of_one_text):
    runs = log()
    texts = ["no text to tell them apart" if i < of_one_text else text for i, text in enumerate(runs.texts)]
    runs = replace(
        log(texts=texts), conversations=tuple(f"c{i}" for i in range(len(texts)))
    )  # each of its own group, so that folds part them

    fitted = read(runs)

    assert (fitted.features[:of_one_text] == fitted.features[0]).all()
    planned = fitted.featurizer.of_text(texts[0]).vector
    if of_one_text >= 20:
        width = fitted.featurizer.text_width
        assert fitted.features[0, width:].tobytes() == planned[width:].tobytes()


def test_texts_of_one_template_that_differ_in_their_numbers_are_one_to_a_planner():
    runs = log()
    texts = [f"Reset the password of account {100_000 + 37 * i}" if i < 60 else t for i, t in enumerate(runs.texts)]

    fitted = read(log(texts=texts))

    own = fitted.features[:, : fitted.featurizer.text_width]
    alike = (own == own[0]).all(axis=1)
    planned = fitted.featurizer.of_text(texts[0]).vector[fitted.featurizer.text_width :]
    assert alike.sum() > 50
    assert (fitted.features[alike, fitted.featurizer.text_width :] == planned).all()


@pytest.mark.parametrize(
    "tags",
    [
        ["one"] * 90,
        [None] * 90,
        ["one"] * 75 + ["two"] * 15,
        ["one"] * 22 + ["two"] * 20 + [None] * 48,
        [f"q{i}" for i in range(90)],
    ],
    ids=["one tag", "no tag", "a rare second one", "fewer than half have one", "one a query"],
)
def test_tags_that_part_too_few_queries_are_not_read(tags):
    runs = log(tags)
    plain = featurized(runs, "hashed_ngrams", 0)

    assert with_tags(plain, runs, seed=0) is plain


def test_only_the_most_frequent_tags_are_read(monkeypatch):
    monkeypatch.setattr(tag_features, "MOST_TAGS", 2)
    tags = ["rare"] * 20 + ["more"] * 30 + ["most"] * 40

    found, without = read(log(tags)), read(log([None] * 20 + tags[20:]))

    assert found.featurizer.tags == 2
    np.testing.assert_array_equal(found.features, without.features)


def test_one_text_of_all_queries_reads_no_tag():
    assert read(log(texts=["the same"] * 90)).featurizer.tags == 0


@pytest.fixture(scope="module")
def policy() -> pr.Policy:
    return pr.fit(make_runs(**asdict(RECIPE)), pr.MaxCost(usd=0.002), seed=0)


def test_a_policy_says_how_many_tags_it_reads_and_a_planner_needs_none(policy, tmp_path):
    assert policy.document.features.settings["tags"] == 3
    assert policy.document.features.width == policy.surface.featurizer.own_width
    policy.save(tmp_path / "p.yaml")
    text = make_runs(**asdict(RECIPE)).texts[0]

    planned, read_back = pr.Planner(policy).plan(text), pr.Planner.load(tmp_path / "p.yaml").plan(text)

    assert planned.point == read_back.point
    assert planned.expected_quality == read_back.expected_quality
    np.testing.assert_array_equal(
        policy.surface.featurizer.of_text(text).vector,
        pr.Policy.load(tmp_path / "p.yaml").surface.featurizer.of_text(text).vector,
    )


def test_a_batch_reads_tags_as_single_texts_do(policy):
    texts = make_runs(**asdict(RECIPE)).texts[:9]
    featurizer = policy.surface.featurizer

    for text, (vector, _) in zip(texts, featurizer.of_texts(texts), strict=True):
        assert vector.tobytes() == featurizer.of_text(text).vector.tobytes()


def test_a_partial_log_reads_no_tag():
    rows = pd.DataFrame(rows_of(Recipe(queries=240))).groupby("query_id").sample(1, random_state=0)

    fitted = pr.fit(pr.read_runs(rows), pr.MaxCost(usd=0.002), seed=0)

    assert "tags" not in fitted.document.features.settings


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("featurizer.tag_slopes", None, "featurizer.tag_slopes is missing"),
        ("featurizer.tag_intercepts", None, "featurizer.tag_intercepts is missing"),
        ("featurizer.tag_slopes", lambda a: a[:-1], "featurizer.tag_slopes has shape"),
        ("featurizer.tag_intercepts", lambda a: a[:0], "featurizer.tag_intercepts holds no tag"),
        ("featurizer.tag_intercepts", lambda a: a + np.float32(np.nan), "featurizer.tag_intercepts is nan"),
    ],
)
def test_discriminants_that_no_fit_computes_are_refused(policy, name, change, message):
    arrays = to_arrays(policy.surface, policy.calibration_sample)
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    labels = {by: label.names for by, label in policy.calibration_sample.labels.items()}

    with pytest.raises(PolicyError, match=message):
        from_arrays(arrays, features="hashed_ngrams", points=4, labels=labels)
