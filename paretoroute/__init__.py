"""Pick model and test-time compute per query, from the runs you have already logged, to meet a target.

The public names, nothing else. Each is loaded when it is first used, so that importing the package costs little and
planning never loads JAX.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paretoroute.calibration import Calibrated as Calibrated
    from paretoroute.calibration import calibrate as calibrate
    from paretoroute.decision import Decision as Decision
    from paretoroute.demo import demo_runs as demo_runs
    from paretoroute.errors import DialectError as DialectError
    from paretoroute.errors import GridError as GridError
    from paretoroute.errors import ParetorouteError as ParetorouteError
    from paretoroute.errors import PolicyChecksumError as PolicyChecksumError
    from paretoroute.errors import PolicyError as PolicyError
    from paretoroute.errors import PolicySchemaError as PolicySchemaError
    from paretoroute.errors import QueryError as QueryError
    from paretoroute.errors import RunsError as RunsError
    from paretoroute.errors import TargetError as TargetError
    from paretoroute.forecast import Forecast as Forecast
    from paretoroute.grid import Budget as Budget
    from paretoroute.grid import Grid as Grid
    from paretoroute.grid import Point as Point
    from paretoroute.grid import Price as Price
    from paretoroute.hull import Frontier as Frontier
    from paretoroute.hull import frontier as frontier
    from paretoroute.learning import fit as fit
    from paretoroute.limit_words import parse_limit as parse_limit
    from paretoroute.limited import LimitedSolution as LimitedSolution
    from paretoroute.limits import ContextLength as ContextLength
    from paretoroute.limits import Forbid as Forbid
    from paretoroute.limits import MaxCallCost as MaxCallCost
    from paretoroute.limits import MaxCallLatency as MaxCallLatency
    from paretoroute.limits import MaxCostOf as MaxCostOf
    from paretoroute.limits import MaxMeanLatency as MaxMeanLatency
    from paretoroute.limits import MaxShare as MaxShare
    from paretoroute.limits import MinQualityOf as MinQualityOf
    from paretoroute.limits import Require as Require
    from paretoroute.planner import Planner as Planner
    from paretoroute.policy import Policy as Policy
    from paretoroute.prices import read_grid as read_grid
    from paretoroute.prices import read_prices as read_prices
    from paretoroute.replaying import Replay as Replay
    from paretoroute.replaying import replay as replay
    from paretoroute.runs import Runs as Runs
    from paretoroute.runs import read_runs as read_runs
    from paretoroute.solver import Solution as Solution
    from paretoroute.solver import solve as solve
    from paretoroute.targets import BestTrade as BestTrade
    from paretoroute.targets import MaxCost as MaxCost
    from paretoroute.targets import MinQuality as MinQuality
    from paretoroute.workflow import Outlook as Outlook
    from paretoroute.workflow import WorkflowRun as WorkflowRun

_MODULES = {
    "calibration": ("Calibrated", "calibrate"),
    "decision": ("Decision",),
    "demo": ("demo_runs",),
    "errors": (
        "DialectError",
        "GridError",
        "ParetorouteError",
        "PolicyChecksumError",
        "PolicyError",
        "PolicySchemaError",
        "QueryError",
        "RunsError",
        "TargetError",
    ),
    "forecast": ("Forecast",),
    "grid": ("Budget", "Grid", "Point", "Price"),
    "hull": ("Frontier", "frontier"),
    "learning": ("fit",),
    "limit_words": ("parse_limit",),
    "limited": ("LimitedSolution",),
    "limits": (
        "ContextLength",
        "Forbid",
        "MaxCallCost",
        "MaxCallLatency",
        "MaxCostOf",
        "MaxMeanLatency",
        "MaxShare",
        "MinQualityOf",
        "Require",
    ),
    "planner": ("Planner",),
    "policy": ("Policy",),
    "prices": ("read_grid", "read_prices"),
    "replaying": ("Replay", "replay"),
    "runs": ("Runs", "read_runs"),
    "solver": ("Solution", "solve"),
    "targets": ("BestTrade", "MaxCost", "MinQuality"),
    "workflow": ("Outlook", "WorkflowRun"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'paretoroute' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"paretoroute.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
