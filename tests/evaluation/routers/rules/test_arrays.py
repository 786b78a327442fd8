"""Array functions of the rules at their edges."""

import numpy as np

from paretoroute.evaluation.routers.rules import arrays


def test_the_nearest_columns_keep_their_order_among_equals():
    similarity = np.array([[0.5, 0.9, 0.5, 0.9]])

    assert arrays.nearest(similarity, 3).tolist() == [[1, 3, 0]]
    assert arrays.nearest(similarity, 9).tolist() == [[1, 3, 0, 2]]


def test_min_max_leaves_missing_values_and_makes_equal_values_1():
    table = np.array([[1.0, 3.0, np.nan], [2.0, 2.0, np.nan], [np.nan, np.nan, np.nan]])

    np.testing.assert_array_equal(arrays.min_max(table), [[0, 1, np.nan], [1, 1, np.nan], [np.nan] * 3])


def test_means_leave_out_what_is_missing():
    table = np.array([[1.0, np.nan], [np.nan, np.nan], [2.0, np.nan]])

    np.testing.assert_array_equal(arrays.mean_logged(table), [1.5, np.nan])
    weighted = arrays.weighted_mean(table[None], np.array([[1.0, 5.0, 3.0]]), empty=0.0)
    np.testing.assert_allclose(weighted, [[(1 + 3 * 2) / 4, 0.0]])


def test_sigmoid_and_softmax_do_not_overflow():
    np.testing.assert_array_equal(arrays.sigmoid(np.array([-1e4, 0.0, 1e4])), [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(arrays.log_sigmoid(np.array([-1e4, 1e4])), [-1e4, 0.0])
    np.testing.assert_allclose(arrays.softmax(np.array([[1e4, 1e4, -1e4]])), [[0.5, 0.5, 0.0]])


def test_a_zero_vector_stays_zero():
    np.testing.assert_array_equal(arrays.unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])
