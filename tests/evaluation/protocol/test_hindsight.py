"""The cost at which a hindsight curve reaches a quality."""

import numpy as np
import pytest

from paretoroute.evaluation.metrics.cost_quality import CostCurve
from paretoroute.evaluation.protocol.hindsight import cost_at


def test_a_curve_gives_the_least_cost_of_a_quality_and_none_out_of_reach():
    curve = CostCurve(np.array([1.0, 3.0]), np.array([0.2, 0.6])).hull

    assert cost_at(curve, 0.1) == pytest.approx(1.0)
    assert cost_at(curve, 0.4) == pytest.approx(2.0)
    assert cost_at(curve, 0.6) == pytest.approx(3.0)
    assert cost_at(curve, 0.7) is None
