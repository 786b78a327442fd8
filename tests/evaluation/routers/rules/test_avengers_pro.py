"""Avengers-Pro's two rules, by hand."""

import numpy as np

from paretoroute.evaluation.routers.rules import avengers_pro
from paretoroute.evaluation.routers.rules.avengers_pro import ClusterMeans

MEANS = ClusterMeans(
    accuracy=np.array([[0.2, 0.6, 1.0], [0.5, 0.5, 0.5]]), cost_usd=np.array([[1.0, 2.0, 5.0], [1.0, 3.0, 2.0]])
)


def test_the_papers_scores_by_hand():
    scores = avengers_pro.paper_scores(MEANS, alpha=0.25)

    first = [0.25 * 0 + 0.75 * 1, 0.25 * 0.5 + 0.75 * 0.75, 0.25 * 1 + 0.75 * 0]
    second = [0.25 + 0.75, 0.25 + 0.0, 0.25 + 0.75 * 0.5]  # equal accuracies are 1 for all
    np.testing.assert_allclose(scores, [first, second])


def test_the_papers_rule_sums_the_scores_of_the_nearest_clusters():
    scores = np.array([[1.0, 0.8], [0.0, 0.5], [0.0, 9.0]])
    centres = np.array([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]])
    query = np.array([[1.0, 0.0]])

    assert avengers_pro.choose(query, centres, scores, top=1).tolist() == [0]
    assert avengers_pro.choose(query, centres, scores, top=2).tolist() == [1]


def test_the_codes_scores_divide_cost_by_the_dearest_and_zero_what_is_below_the_floor():
    scores = avengers_pro.code_scores(MEANS, 0.7, 0.3, accuracy_floor=0.5)

    first = [0.0, 0.7 * 0.5 + 0.3 * (1 - 2 / 5), 0.7]
    np.testing.assert_allclose(scores[0], first)


def test_the_codes_rule_weighs_reciprocal_ranks():
    scores = np.array([[3.0, 2.0, 1.0], [0.0, 2.0, 1.0]])
    centres = np.array([[1.0, 0.0], [0.5, 0.5]])

    order = avengers_pro.code_order(np.array([[1.0, 0.0]]), centres, scores, top=2, beta=2 * np.log(3))

    # weights 3/4 and 1/4; ranks 1 2 3 and 3 1 2: sums 0.833, 0.625, 0.375
    assert order.tolist() == [[0, 1, 2]]
    near = avengers_pro.code_order(np.array([[0.0, 1.0]]), centres, scores, top=2, beta=2 * np.log(3))
    assert near[0, 0] == 1


def test_an_empty_cluster_is_passed_over_and_a_missing_record_is_left_out():
    quality = np.array([[1.0, np.nan], [0.0, 1.0], [1.0, np.nan]])
    cost = np.array([[0.1, 0.9], [0.3, 0.2], [np.nan, 0.9]])

    means = avengers_pro.cluster_means(np.array([0, 0, 2]), quality, cost, 3)

    np.testing.assert_array_equal(means.accuracy, [[0.5, 1.0], [np.nan, np.nan], [1.0, np.nan]])
    np.testing.assert_allclose(means.cost_usd, [[0.2, 0.2], [np.nan, np.nan], [np.nan, np.nan]])
    assert avengers_pro.code_scores(means, 1.0, 0.0)[1].tolist() == [0.0, 0.0]
    filled = np.array([True, False, True])
    centres = np.array([[0.0, 1.0], [1.0, 0.0], [0.9, 0.1]])
    scores = np.array([[1.0, 0.0], [9.0, 0.0], [0.0, 1.0]])
    order = avengers_pro.code_order(np.array([[1.0, 0.0]]), centres, scores, top=1, filled=filled)
    assert order[0, 0] == 1, "the nearest cluster with a query"


def test_arms_that_no_other_beats_in_both_are_pareto_optimal():
    means = ClusterMeans(np.array([[0.5, 0.5, 0.9, 0.4, np.nan]]), np.array([[1.0, 2.0, 3.0, 1.0, np.nan]]))

    assert means.pareto_optimal(0).tolist() == [0, 2]
    one = ClusterMeans(np.array([[0.5]]), np.array([[1.0]]))
    assert one.pareto_optimal(0).tolist() == [0]
    assert avengers_pro.paper_scores(one, 0.5).tolist() == [[1.0]]
