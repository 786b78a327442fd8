"""The second level of stacking: against ridge by least squares, and on panels that tell one another something."""

import numpy as np
import pytest

from paretoroute.fitting.methods import second_level, stacking
from paretoroute.fitting.methods.second_level import STRENGTHS
from tests.synthetic_log import bits

QUERIES, FOLDS = 400, 5
FOLD = np.arange(QUERIES) % FOLDS
KNOWN = np.ones(QUERIES)


def hardness(seed=0, told=1.0):
    """Tokens tell how hard a query is; quality is noisy and the second component's own forecast knows nothing."""
    chance = np.random.default_rng(seed)
    hard = chance.standard_normal(QUERIES)
    tokens = np.stack([told * hard, chance.standard_normal(QUERIES)], axis=1)
    targets = np.stack([hard, 0.5 * hard], axis=1) + chance.standard_normal((QUERIES, 2))
    own = np.stack([0.3 * hard, 0.3 * chance.standard_normal(QUERIES)], axis=1)
    return np.hstack([tokens, own]), own, targets


def slow_heads(inputs, targets, train, asked):
    """Ridge at every strength by least squares on rows with the penalty below them, the intercept not shrunk."""
    scale = inputs.std(0)
    design, asked = inputs[train] / scale, inputs[asked] / scale
    mean, goal = design.mean(0), targets[train].mean(0)
    found = []
    for alpha in STRENGTHS:
        rows = np.vstack([design - mean, np.sqrt(alpha) * np.eye(design.shape[1])])
        aim = np.vstack([targets[train] - goal, np.zeros((design.shape[1], targets.shape[1]))])
        found.append((asked - mean) @ np.linalg.lstsq(rows, aim)[0] + goal)
    return np.stack(found)


def test_forecasts_are_stacks_of_own_forecasts_and_ridge_fitted_without_the_fold():
    inputs, own, targets = hardness()
    everyone = np.arange(QUERIES)
    heads = np.concatenate([own[None], np.zeros((len(STRENGTHS), *targets.shape))])
    for f in range(FOLDS):
        heads[1:, FOLD == f] = slow_heads(inputs, targets, FOLD != f, FOLD == f)
    weights = stacking.stack(heads, targets, KNOWN, FOLD, folds=FOLDS)
    deployed = np.concatenate([own[None], slow_heads(inputs, targets, everyone, everyone)])

    fitted = second_level.fit(inputs, own, targets, query_weight=KNOWN, fold=FOLD, folds=FOLDS)

    np.testing.assert_allclose(fitted.components, stacking.cross_fitted(heads, weights, FOLD), atol=1e-8)
    expected = np.einsum("hik,hk->ik", deployed, weights[-1])
    np.testing.assert_allclose(fitted.level.components(own, inputs), expected, atol=1e-8)


def test_tokens_that_indicate_difficulty_improve_the_forecast_of_quality():
    inputs, own, targets = hardness()

    fitted = second_level.fit(inputs, own, targets, query_weight=KNOWN, fold=FOLD, folds=FOLDS)

    alone = ((targets[:, 1] - own[:, 1]) ** 2).mean()
    assert ((targets[:, 1] - fitted.components[:, 1]) ** 2).mean() < 0.9 * min(alone, (targets[:, 1] ** 2).mean())


def test_inputs_that_tell_nothing_do_no_harm():
    chance = np.random.default_rng(3)
    _, own, targets = hardness(seed=3)
    noise = chance.standard_normal((QUERIES, 8))

    fitted = second_level.fit(noise, own, targets, query_weight=KNOWN, fold=FOLD, folds=FOLDS)
    alone = stacking.stack(own[None], targets, KNOWN, FOLD, folds=FOLDS)
    first = stacking.cross_fitted(own[None], alone, FOLD)

    assert ((targets - fitted.components) ** 2).mean() < 1.02 * ((targets - first) ** 2).mean()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_unit_of_an_input_does_not_matter_and_a_constant_one_adds_nothing(scale):
    inputs, own, targets = hardness()
    plain = second_level.fit(inputs, own, targets, query_weight=KNOWN, fold=FOLD, folds=FOLDS)

    scaled = second_level.fit(
        np.hstack([inputs * scale, np.zeros((QUERIES, 1))]), own, targets, query_weight=KNOWN, fold=FOLD, folds=FOLDS
    )

    np.testing.assert_allclose(scaled.components, plain.components, atol=1e-8)
    assert not scaled.level.cross[-1].any()


def test_the_same_inputs_give_the_same_bits():
    one, two = (second_level.fit(*hardness(), query_weight=KNOWN, fold=FOLD, folds=FOLDS).level for _ in range(2))

    assert bits(vars(one)) == bits(vars(two))
