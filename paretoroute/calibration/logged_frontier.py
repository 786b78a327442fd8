"""The forecast frontier with the logged means along it: what the choices at every price would have cost and given."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.calibration.estimate import least_variance
from paretoroute.calibration.fold_policies import FoldPolicies
from paretoroute.calibration.left_out import LeftOut
from paretoroute.calibration.outcomes import aipw_imputed
from paretoroute.calibration.partial_logs.corrected import CorrectedOutcomes
from paretoroute.forecast import Forecast, Tables
from paretoroute.solver.frontier import Frontier, frontier, gains, running_sum, values


@dataclass(frozen=True)
class LoggedFrontier:
    """The forecast frontier, and the logged means along it.

    A place on it is a number of breakpoints with a fraction, in [0, breakpoints].

    Args:
        frontier: of the forecasts.
        forecast: the forecasts.
        logged: logged values, missing cells imputed; single cells may be negative.
        cost_usd: mean logged cost, ``(breakpoints + 1,)``.
        quality: mean logged quality, ``(breakpoints + 1,)``.
        is_logged: which cells were logged, ``(queries, points)``.
        variance: least variance of one outcome of each point, ``(points,)``.
        luck: what the luck of the points' means adds to the mean logged quality, and ``quality`` does not hold,
            ``(breakpoints + 1,)``; None where the folds are not known.
        corrected: of a partial log.
        policies: of its folds.
    """

    frontier: Frontier
    forecast: Forecast
    logged: Tables
    cost_usd: Floats
    quality: Floats
    is_logged: Mask
    variance: Floats
    luck: Floats | None = None
    corrected: CorrectedOutcomes | None = None
    policies: FoldPolicies | None = None


def logged_frontier(
    forecast: Forecast,
    logged_quality: Floats,
    logged_cost_usd: Floats,
    *,
    is_logged: Mask | None,
    corrected: CorrectedOutcomes | None = None,
    left_out: LeftOut | None = None,
) -> LoggedFrontier:
    """Compute the logged means along the frontier of the forecasts.

    Args:
        forecast: out-of-fold forecasts at the logged queries, ``(queries, points)``.
        logged_quality: logged mean quality, ``(queries, points)``, NaN where nothing was logged.
        logged_cost_usd: logged mean cost, ``(queries, points)``, NaN where nothing was logged.
        is_logged: which cells of ``logged_quality`` are logged outcomes and not interpolated; None: all but NaN.
        corrected: of a partial log: estimates in place of logged means with imputed cells.
        left_out: of a full log: forecasts without each query's fold, by which the fold is judged.
    """
    if corrected is None:
        line = _summed(forecast, logged_quality, logged_cost_usd, is_logged)
        return line if left_out is None else judged(line, left_out)
    line = frontier(forecast)
    quality, cost = corrected.quality, corrected.cost_usd
    policies = corrected.policies(forecast, line)
    tables = Tables(quality.table(forecast.quality), cost.table(forecast.cost_usd))
    logged, variance = ~np.isnan(logged_quality), np.zeros(forecast.quality.shape[1])
    spent = line.cost_usd * cost.ratio_along(policies)
    return LoggedFrontier(
        line, forecast, tables, spent, quality.along(policies), logged, variance, corrected=corrected, policies=policies
    )


def _summed(
    forecast: Forecast, logged_quality: Floats, logged_cost_usd: Floats, is_logged: Mask | None
) -> LoggedFrontier:
    """Sum the logged values along the forecast frontier."""
    shape = forecast.quality.shape
    cost = np.broadcast_to(forecast.cost_usd, shape)
    logged = Tables(
        aipw_imputed(forecast.quality, logged_quality, "quality"), aipw_imputed(cost, logged_cost_usd, "cost_usd")
    )
    line = frontier(forecast)
    mean_cost, mean_quality = (
        running_sum(at_start.sum(), gain)[line.first] / shape[0]
        for at_start, gain in zip(values(logged, line.start), gains(logged, line.steps), strict=True)
    )
    is_logged = ~np.isnan(logged_quality) if is_logged is None else is_logged
    variance = least_variance(np.where(is_logged, logged_quality, np.nan))
    return LoggedFrontier(line, forecast, logged, mean_cost, mean_quality, is_logged, variance)


def judged(line: LoggedFrontier, left_out: LeftOut) -> LoggedFrontier:
    """Judge the quality of every place by the policies of the folds, each on the queries that its points' means lack.

    Where these happen to do better than the deployed choices, what was logged of those stays.
    """
    policies = left_out.policies(line.forecast, line.frontier)
    quality = np.minimum(line.quality, policies.mean(line.logged.quality))
    return replace(line, quality=quality, luck=line.quality - quality)
