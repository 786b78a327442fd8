"""Joined panels forecast what each panel does alone."""

import numpy as np
import pytest

from paretoroute.surface.neighbours import HEADS, index
from paretoroute.surface.panel import (
    LEADING,
    QUANTILES,
    FirstLevel,
    JoinedPanels,
    Panel,
    Scale,
    SecondLevel,
    second_level_inputs,
)

POINTS, LOGGED, WIDTH, RANK = 5, 200, 7, 4


def panel(rng, components, *, is_log, inputs=None):
    low = rng.uniform(-9, -8, POINTS)
    scale = Scale(
        low=low,
        high=low + rng.uniform(12, 18, POINTS),
        spread=np.ones(POINTS),
        smearing=rng.uniform(1, 2, POINTS) if is_log else None,
        residual_quantiles=np.zeros(len(QUANTILES)) if is_log else None,
    )
    second = None
    if inputs is not None:
        cross = rng.standard_normal((inputs, components))
        second = SecondLevel(keep=rng.standard_normal(components), cross=cross, shift=rng.standard_normal(components))
    level = FirstLevel(
        offset=rng.standard_normal(components),
        slope=rng.standard_normal((WIDTH, components)),
        targets=rng.standard_normal((LOGGED, components)).astype(np.float16),
        weights=rng.uniform(0, 1, (HEADS, components)),
    )
    basis = 0.1 * rng.standard_normal((POINTS, components))
    return Panel(base=rng.standard_normal(POINTS), basis=basis, first_level=level, second_level=second, scale=scale)


@pytest.mark.parametrize("with_amount", [True, False])
@pytest.mark.parametrize("components", [3, LEADING + 2])
def test_joined_panels_forecast_as_each_panel_alone(with_amount, components):
    rng = np.random.default_rng(0)
    amount, prompt = panel(rng, 2, is_log=True), panel(rng, 1, is_log=True)
    quality = panel(rng, components, is_log=False, inputs=2 + min(LEADING, components))
    neighbours = index(rng.standard_normal((LOGGED, WIDTH)), RANK)
    vectors = rng.standard_normal((3, WIDTH))
    nearest = neighbours.nearest(vectors, RANK)
    panels = {"amount": amount, "quality": quality, "prompt": prompt}
    if not with_amount:  # it is constant, and its components are 0
        del panels["amount"]

    joined = JoinedPanels.of(panels).at(vectors, nearest)

    of_quality, of_amount = (one.first_level.components(vectors, nearest) for one in (quality, amount))
    inputs = second_level_inputs(of_amount if with_amount else np.zeros((3, 2)), of_quality)
    expected = {"quality": quality.at(of_quality, inputs), "amount": amount.at(of_amount)}
    expected["prompt"] = prompt.at(prompt.first_level.components(vectors, nearest))
    assert joined.keys() == panels.keys()
    for name, figures in joined.items():
        np.testing.assert_allclose(figures, expected[name], rtol=1e-6)
        assert len(np.unique(figures)) > 2 * POINTS
