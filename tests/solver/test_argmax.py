"""The decision rule for one query and for many."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.forecast import Forecast
from paretoroute.solver.argmax import choose, choose_row
from paretoroute.solver.frontier import frontier
from tests.processes import python
from tests.solver.instances import instance


@settings(max_examples=300)
@given(st.integers(0, 10**6))
def test_row_and_batch_make_the_same_choice(seed):
    quality, cost, mask, rng = instance(seed)
    line = frontier(Forecast(quality, cost, callable=mask))
    for price in [0.0, float(rng.lognormal()), *line.price.tolist()]:
        low, high = choose(quality, cost, price, mask)
        masks = [None] * len(quality) if mask is None else list(mask)
        rows = [choose_row(q, c, price, m) for q, c, m in zip(quality, cost, masks, strict=True)]
        assert rows == list(zip(low.tolist(), high.tolist(), strict=True))


def test_the_planners_side_of_the_rule_loads_no_scipy():
    code = "import sys, paretoroute.solver.argmax; sys.exit('scipy' in sys.modules or 'jax' in sys.modules)"
    assert python("-c", code).returncode == 0
