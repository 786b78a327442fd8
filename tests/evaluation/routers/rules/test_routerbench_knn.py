"""RouterBench's kNN rule, by hand."""

import numpy as np

from paretoroute.evaluation.routers.rules import routerbench_knn


def test_a_willingness_to_pay_by_hand():
    quality, cost = np.array([[0.2, 0.6]]), np.array([[0.01, 0.05]])

    assert routerbench_knn.choose(quality, cost, 0.2).tolist() == [1]  # .04 - .01 = .03 against .12 - .05 = .07
    assert routerbench_knn.choose(quality, cost, 0.09).tolist() == [0]  # .008 against .004


def test_without_willingness_the_paper_takes_the_cheapest_and_the_code_the_best():
    quality, cost = np.array([[0.2, 0.6]]), np.array([0.01, 0.05])

    assert routerbench_knn.choose(quality, cost, 0.0).tolist() == [0]
    assert routerbench_knn.choose(quality, cost, 0.0, code=True).tolist() == [1]
    assert routerbench_knn.choose(quality[:, :1], cost[:1], 1.0).tolist() == [0]
