"""argrouter's blend, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import argrouter


def test_the_blend_by_hand():
    logged = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    near = argrouter.neighbours(logged, np.array([[2.0, 2.0]]), k=3)  # cosines sqrt(1/2), sqrt(1/2), -sqrt(1/2)
    modelled = argrouter.success(
        np.array([[2.0, 2.0]]), coefficients=np.array([[0.0, 0.0], [np.sqrt(2), 0.0]]), intercepts=np.array([0.0, -1.0])
    )

    averaged = near.mean(np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]))
    quality = argrouter.blend(modelled, averaged, 0.25)

    np.testing.assert_allclose(modelled, [[0.5, 0.5]])
    np.testing.assert_allclose(averaged, [[0.5, 0.5]])
    np.testing.assert_allclose(quality, [[0.5, 0.5]])
    cost = near.mean(np.array([[0.01, 0.02], [0.03, 0.0], [7.0, 7.0]]))
    np.testing.assert_allclose(cost, [[0.02, 0.01]])
    assert argrouter.choose(quality, cost, 10.0).tolist() == [1]
    assert argrouter.choose(np.full((1, 2), 0.5), cost, 0.0).tolist() == [0], "the first of equals"


def test_weights_are_the_fourth_power_of_the_cosine():
    angle = np.array([0.0, np.arccos(0.5)])
    logged = np.column_stack([np.cos(angle), np.sin(angle)])

    near = argrouter.neighbours(logged, np.array([[1.0, 0.0]]), k=2)

    np.testing.assert_allclose(near.weight, [[16 / 17, 1 / 17]])


def test_without_a_neighbour_of_positive_cosine_quality_and_cost_are_0():
    near = argrouter.neighbours(np.array([[1.0, 0.0]]), np.array([[-1.0, 0.0]]), k=50)

    assert near.mean(np.array([[1.0, 0.3]])).tolist() == [[0.0, 0.0]]


def test_a_missing_outcome_is_left_out_of_its_mean():
    near = argrouter.neighbours(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0]]), k=2)

    assert near.mean(np.array([[np.nan], [0.4]])) == pytest.approx(0.4)
