"""Fair curves: means over queries of every fold."""

import numpy as np
import pytest

from paretoroute.evaluation.details.curves import curves_of
from paretoroute.evaluation.protocol.gains import TARGETS
from paretoroute.evaluation.protocol.metrics import metrics_of, small_points


def test_a_curve_holds_the_realised_means_of_every_target(compared):
    curves = {
        curve.name: curve
        for curve in curves_of(compared.study, compared.realised, small=small_points(compared.study.outcomes))
    }

    for name in ("static", "tag", "oracle"):
        judged = compared.held_out.routers[name].judged
        for t, one in enumerate(curves[name].targets):
            cost = np.concatenate([fold.cost_usd[t] for fold in judged])
            quality = np.concatenate([fold.quality[t] for fold in judged])
            assert one.cost_usd.value == pytest.approx(cost.mean())
            assert one.quality.value == pytest.approx(quality.mean())
            assert one.quality.low < one.quality.value < one.quality.high
        assert len(curves[name].targets) == TARGETS
        asked = [one.target_usd for one in curves[name].targets]
        assert asked == sorted(asked)


def test_a_target_is_the_mean_cost_that_the_folds_were_asked_for(compared):
    folds = compared.held_out.routers["tag"].judged
    sizes = [len(fold.gain) for fold in folds]

    first = curves_of(compared.study, compared.realised, small=small_points(compared.study.outcomes))[1].targets[0]

    expected = np.average([fold.cost_usd[0].mean() / fold.cost_ratio[0] for fold in folds], weights=sizes)
    assert first.target_usd == pytest.approx(expected)


def test_the_share_of_small_calls_and_the_loss_average_to_the_metrics(compared):
    for curve in curves_of(compared.study, compared.realised, small=small_points(compared.study.outcomes)):
        metrics = metrics_of(compared.study, compared.held_out, curve.name).values
        assert np.mean([one.small_share for one in curve.targets]) == pytest.approx(metrics["small_share"])
        assert np.mean([one.loss.value for one in curve.targets]) == pytest.approx(100 * metrics["loss_to_best_single"])
