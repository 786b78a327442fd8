"""All details of a comparison in one value."""

from __future__ import annotations

from dataclasses import dataclass

from paretoroute.evaluation.details.calibration import CalibrationCheck, calibration_of
from paretoroute.evaluation.details.curves import Realised, RouterCurve, curves_of
from paretoroute.evaluation.details.examples import Examples, examples_of
from paretoroute.evaluation.details.kinds import kinds_of
from paretoroute.evaluation.details.losses import Losses, losses_of
from paretoroute.evaluation.details.small_first import SmallFirst, cost_share_of, small_first_of
from paretoroute.evaluation.details.surface import LoggedSurface, surface_of
from paretoroute.evaluation.protocol.held_out import HeldOut
from paretoroute.evaluation.protocol.metrics import small_points
from paretoroute.evaluation.protocol.study import Study


@dataclass(frozen=True)
class Details:
    """What a comparison's page shows beside its table.

    Args:
        curves: of all routers, the default's first.
        surface: the logged means over model and compute.
        calibration: of the default's forecasts.
        small_first: what small points can take.
        examples: ten picks of the default, at the target of ``small_first.default``, or else at the greatest target.
        losses: where the default loses.
    """

    curves: tuple[RouterCurve, ...]
    surface: LoggedSurface
    calibration: CalibrationCheck
    small_first: SmallFirst
    examples: Examples
    losses: Losses


def details_of(study: Study, held_out: HeldOut) -> Details:
    """Compute all details.

    Args:
        study: the log.
        held_out: outcomes of all routers, the default's first.
    """
    routers = {name: Realised.of(held_out, name) for name in held_out.routers}
    default = next(iter(held_out.routers.values()))
    assert default.forecast is not None  # the default rests on one
    kinds, cost_share = kinds_of(study.runs), cost_share_of(study)
    curves = curves_of(study, routers, small=small_points(study.outcomes, cost_share))
    small = small_first_of(study, curves, cost_share=cost_share)
    target_usd = curves[0].targets[-1].target_usd if small.default is None else small.default.target_usd
    return Details(
        curves=curves,
        surface=surface_of(study, kinds),
        calibration=calibration_of(study, default.forecast),
        small_first=small,
        examples=examples_of(study, default.forecast, target_usd),
        losses=losses_of(study, held_out, routers, kinds),
    )
