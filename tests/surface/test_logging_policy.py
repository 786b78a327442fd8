"""The logging policy at queries, by hand."""

import numpy as np
import pytest

from paretoroute.surface.logging_policy import LoggingPolicy

POLICY = LoggingPolicy(
    intercept=np.array([0.0, 1.0, 5.0]),
    feature_weights=np.array([[1.0, 0.0, 0.0]]),
    labels=(("tag", "law"), ("step", "law")),
    label_weights=np.array([[0.0, 2.0, 0.0], [0.0, -1.0, 0.0]]),
    share=np.array([0.25, 0.75, 0.0]),
    mixture=np.array([0.5, 0.3, 0.2]),
    one_point_per_query=True,
)


def _by_hand(logits: list[float]) -> list[float]:
    odds = np.exp(logits)
    model = odds / odds.sum()
    return [0.5 * model[0] + 0.3 * 0.25 + 0.2 / 2, 0.5 * model[1] + 0.3 * 0.75 + 0.2 / 2, 0.0]


def test_chances_are_the_mixture_and_a_point_without_runs_has_none():
    chances = POLICY.probabilities(np.array([[0.0], [2.0]]))

    assert chances.tolist() == [pytest.approx(_by_hand([0.0, 1.0])), pytest.approx(_by_hand([2.0, 1.0]))]
    assert chances.sum(axis=1) == pytest.approx(1.0)


def test_labels_count_by_their_kind_and_unknown_ones_count_as_none():
    labels = {"tag": ["law", "art", None], "step": [None, "law", "law"], "tenant": ["law", "law", "law"]}

    chances = POLICY.probabilities(np.zeros((3, 1)), labels)

    assert chances.tolist() == [pytest.approx(_by_hand([0.0, 1.0 + add])) for add in (2.0, -1.0, -1.0)]


def test_labels_of_another_number_of_queries_are_refused():
    with pytest.raises(ValueError, match="labels of tag: 1 for 2 queries"):
        POLICY.probabilities(np.zeros((2, 1)), {"tag": ["law"]})


def test_without_a_model_every_query_has_the_shares():
    shares = LoggingPolicy(
        np.zeros(3), np.zeros((0, 3)), (), np.zeros((0, 3)), POLICY.share, np.array([0.0, 1.0, 0.0]), True
    )

    assert shares.probabilities(np.zeros((2, 7))).tolist() == [[0.25, 0.75, 0.0]] * 2


def test_where_cells_are_included_every_point_has_a_chance_of_its_own():
    policy = LoggingPolicy(
        intercept=np.array([0.0, 1.0, 5.0]),
        feature_weights=np.zeros((1, 3)),
        labels=(),
        label_weights=np.zeros((0, 3)),
        share=np.array([0.4, 1.0, 0.0]),
        mixture=np.array([1.0, 0.0, 0.0]),
        one_point_per_query=False,
    )

    assert policy.probabilities(np.zeros((1, 1))).tolist() == [[0.5, 1.0, 0.0]]
    assert policy.least_chance == 0.125
