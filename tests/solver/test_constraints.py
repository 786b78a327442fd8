"""Constraints: the sums that they limit."""

import math

import numpy as np

from paretoroute.solver.block_argmax import Sums
from paretoroute.solver.constraints import Constraint


def test_a_figure_that_is_not_limited_has_no_part_in_the_sum_even_if_it_is_unknown():
    sums = Sums(quality=3.0, cost=0.5, latency=math.nan, count=np.array([2.0, 4.0]))

    assert Constraint("quality", 0.0, 6, quality=-2.0).total(sums) == -6.0
    assert Constraint("share", 0.0, 6, points=np.array([1.0, 0.0])).total(sums) == 2.0
    assert math.isnan(Constraint("latency", 0.0, 6, latency=1.0).total(sums))
