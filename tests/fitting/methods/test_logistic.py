"""Logistic regression against scikit-learn and against a slow gradient."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from paretoroute.fitting.methods import logistic


def _design(queries: int, width: int, labels: int, seed: int) -> logistic.Design:
    rng = np.random.default_rng(seed)
    one_hot = np.eye(labels)[rng.integers(labels, size=queries)] if labels else np.zeros((queries, 0))
    return logistic.Design(rng.standard_normal((queries, width)), csr_array(one_hot))


def _drawn(design: logistic.Design, points: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    logits = np.hstack([design.features, design.labels.toarray()]) @ rng.standard_normal(
        (design.features.shape[1] + design.labels.shape[1], points)
    )
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return (chance.cumsum(1) > rng.random((len(chance), 1))).argmax(1)


@pytest.mark.parametrize("labels", [0, 3])
@pytest.mark.parametrize("strength", [0.5, 20.0])
def test_the_multinomial_model_is_that_of_scikit_learn(labels, strength):
    design = _design(300, 4, labels, seed=1)
    point = _drawn(design, 5, seed=2)
    columns = np.hstack([design.features, design.labels.toarray()])

    ours = logistic.fit(design, np.eye(5)[point], strength=strength, multinomial=True).logits(design)
    theirs = LogisticRegression(C=1 / strength, tol=1e-8, max_iter=5000).fit(columns, point).predict_proba(columns)

    odds = np.exp(ours)
    assert odds / odds.sum(1, keepdims=True) == pytest.approx(theirs, abs=2e-3)


def test_independent_points_are_as_many_binary_models_of_scikit_learn():
    design = _design(300, 4, 2, seed=3)
    columns = np.hstack([design.features, design.labels.toarray()])
    targets = np.stack([_drawn(design, 2, seed=seed) for seed in (4, 5, 6)], axis=1).astype(float)

    ours = logistic.fit(design, targets, strength=2.0, multinomial=False).logits(design)

    for j in range(3):
        model = LogisticRegression(C=0.5, tol=1e-8, max_iter=5000).fit(columns, targets[:, j])
        assert 1 / (1 + np.exp(-ours[:, j])) == pytest.approx(model.predict_proba(columns)[:, 1], abs=2e-3)


@pytest.mark.parametrize("multinomial", [True, False])
def test_the_gradient_is_that_of_finite_differences(multinomial):
    rng = np.random.default_rng(7)
    logits, targets = rng.standard_normal((3, 4)), rng.dirichlet(np.ones(4), 3)
    _, gradient = logistic._loss(logits, targets, multinomial=multinomial)

    for i, j in np.ndindex(3, 4):
        step = np.zeros((3, 4))
        step[i, j] = 1e-6
        ends = [logistic._loss(logits + sign * step, targets, multinomial=multinomial)[0] for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient[i, j], abs=1e-7)


def test_large_logits_do_not_overflow():
    logits = np.array([[2000.0, -2000.0]])

    for multinomial in (True, False):
        loss, gradient = logistic._loss(logits, np.array([[1.0, 0.0]]), multinomial=multinomial)
        assert (loss, *gradient[0]) == pytest.approx((0.0, 0.0, 0.0), abs=1e-100)
