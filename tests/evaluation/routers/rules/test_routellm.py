"""RouteLLM's threshold, by hand."""

import numpy as np

from paretoroute.evaluation.routers.rules import routellm


def test_the_threshold_is_a_quantile_and_belongs_to_the_strong_model():
    rates = np.array([0.1, 0.2, 0.3, 0.4, 0.5])

    alpha = routellm.calibrate(rates, 0.5)

    assert alpha == 0.3
    assert routellm.takes_strong(rates, alpha).tolist() == [False, False, True, True, True]
    assert routellm.calibrate(rates, 0.1) == 0.46
    assert routellm.takes_strong(np.full(3, 0.5), routellm.calibrate(np.full(3, 0.5), 0.1)).all()
