"""Pick model and test-time compute per query, from the runs you have already logged, to meet a target.

This module holds the public names and nothing else. Each is loaded when it is first used, so that importing the package
costs little and planning never loads JAX.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paretoroute.calibration.single import Calibrated as Calibrated
    from paretoroute.calibration.single import calibrate as calibrate
    from paretoroute.encoders.onnx import OnnxEncoder as OnnxEncoder
    from paretoroute.errors import AllowanceError as AllowanceError
    from paretoroute.errors import CertificateError as CertificateError
    from paretoroute.errors import DialectError as DialectError
    from paretoroute.errors import EncoderError as EncoderError
    from paretoroute.errors import GridError as GridError
    from paretoroute.errors import KeyFileError as KeyFileError
    from paretoroute.errors import LedgerError as LedgerError
    from paretoroute.errors import MissingExtraError as MissingExtraError
    from paretoroute.errors import ParetorouteError as ParetorouteError
    from paretoroute.errors import PolicyChecksumError as PolicyChecksumError
    from paretoroute.errors import PolicyError as PolicyError
    from paretoroute.errors import PolicySchemaError as PolicySchemaError
    from paretoroute.errors import QueryError as QueryError
    from paretoroute.errors import RunsError as RunsError
    from paretoroute.errors import SignatureError as SignatureError
    from paretoroute.errors import TargetError as TargetError
    from paretoroute.evaluation.certificate.certify import certify as certify
    from paretoroute.evaluation.certificate.results import Certified as Certified
    from paretoroute.evaluation.certificate.results import NotCertified as NotCertified
    from paretoroute.evaluation.certificate.verify import verify as verify
    from paretoroute.evaluation.compare import compare as compare
    from paretoroute.evaluation.comparison import Comparison as Comparison
    from paretoroute.evaluation.drift.monitor import Monitor as Monitor
    from paretoroute.evaluation.drift.report import DriftReport as DriftReport
    from paretoroute.evaluation.replay import replay as replay
    from paretoroute.evaluation.replay_result import Replay as Replay
    from paretoroute.fitting.fit import fit as fit
    from paretoroute.forecast import Forecast as Forecast
    from paretoroute.grid import Budget as Budget
    from paretoroute.grid import Grid as Grid
    from paretoroute.grid import Point as Point
    from paretoroute.grid_file import read_grid as read_grid
    from paretoroute.grid_file import read_prices as read_prices
    from paretoroute.limits import ContextLength as ContextLength
    from paretoroute.limits import Forbid as Forbid
    from paretoroute.limits import MaxCallCost as MaxCallCost
    from paretoroute.limits import MaxCallLatency as MaxCallLatency
    from paretoroute.limits import MaxCostOf as MaxCostOf
    from paretoroute.limits import MaxMeanLatency as MaxMeanLatency
    from paretoroute.limits import MaxShare as MaxShare
    from paretoroute.limits import MinQualityOf as MinQualityOf
    from paretoroute.limits import Require as Require
    from paretoroute.limits import parse_limit as parse_limit
    from paretoroute.planner.agent_task import PlanPreview as PlanPreview
    from paretoroute.planner.agent_task import Task as Task
    from paretoroute.planner.decision import Decision as Decision
    from paretoroute.planner.exploration_preview import ExplorationPreview as ExplorationPreview
    from paretoroute.planner.planner import Planner as Planner
    from paretoroute.policy.policy import Policy as Policy
    from paretoroute.policy.signatures.keys import PublicKey as PublicKey
    from paretoroute.policy.signatures.sign import sign_policy as sign_policy
    from paretoroute.policy.signatures.verify import verify_signature as verify_signature
    from paretoroute.price import Price as Price
    from paretoroute.runs.demo import demo_runs as demo_runs
    from paretoroute.runs.importers.read import import_runs as import_runs
    from paretoroute.runs.read import read_runs as read_runs
    from paretoroute.runs.table import Runs as Runs
    from paretoroute.serving.allowance import Allowance as Allowance
    from paretoroute.serving.allowance import Balance as Balance
    from paretoroute.serving.decision_log import DecisionLog as DecisionLog
    from paretoroute.serving.ledgers.redis import RedisLedger as RedisLedger
    from paretoroute.serving.ledgers.sqlite import SqliteLedger as SqliteLedger
    from paretoroute.serving.pacing import Pace as Pace
    from paretoroute.serving.reservation import Reservation as Reservation
    from paretoroute.solver.coupled.solve import LimitedSolution as LimitedSolution
    from paretoroute.solver.frontier import Frontier as Frontier
    from paretoroute.solver.frontier import frontier as frontier
    from paretoroute.solver.solution import Solution as Solution
    from paretoroute.solver.solve import solve as solve
    from paretoroute.targets import BestTrade as BestTrade
    from paretoroute.targets import MaxCost as MaxCost
    from paretoroute.targets import MinQuality as MinQuality

_MODULES = {
    "calibration.single": ("Calibrated", "calibrate"),
    "planner.decision": ("Decision",),
    "runs.demo": ("demo_runs",),
    "errors": (
        "AllowanceError",
        "CertificateError",
        "DialectError",
        "EncoderError",
        "GridError",
        "KeyFileError",
        "LedgerError",
        "MissingExtraError",
        "ParetorouteError",
        "PolicyChecksumError",
        "PolicyError",
        "PolicySchemaError",
        "QueryError",
        "RunsError",
        "SignatureError",
        "TargetError",
    ),
    "encoders.onnx": ("OnnxEncoder",),
    "forecast": ("Forecast",),
    "grid": ("Budget", "Grid", "Point"),
    "solver.frontier": ("Frontier", "frontier"),
    "fitting.fit": ("fit",),
    "solver.coupled.solve": ("LimitedSolution",),
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
        "parse_limit",
    ),
    "planner.exploration_preview": ("ExplorationPreview",),
    "planner.planner": ("Planner",),
    "policy.policy": ("Policy",),
    "policy.signatures.keys": ("PublicKey",),
    "policy.signatures.sign": ("sign_policy",),
    "policy.signatures.verify": ("verify_signature",),
    "price": ("Price",),
    "grid_file": ("read_grid", "read_prices"),
    "evaluation.certificate.certify": ("certify",),
    "evaluation.certificate.results": ("Certified", "NotCertified"),
    "evaluation.certificate.verify": ("verify",),
    "evaluation.compare": ("compare",),
    "evaluation.comparison": ("Comparison",),
    "evaluation.drift.monitor": ("Monitor",),
    "evaluation.drift.report": ("DriftReport",),
    "evaluation.replay": ("replay",),
    "evaluation.replay_result": ("Replay",),
    "runs.importers.read": ("import_runs",),
    "runs.read": ("read_runs",),
    "runs.table": ("Runs",),
    "serving.allowance": ("Allowance", "Balance"),
    "serving.decision_log": ("DecisionLog",),
    "serving.ledgers.redis": ("RedisLedger",),
    "serving.ledgers.sqlite": ("SqliteLedger",),
    "serving.pacing": ("Pace",),
    "serving.reservation": ("Reservation",),
    "solver.solution": ("Solution",),
    "solver.solve": ("solve",),
    "targets": ("BestTrade", "MaxCost", "MinQuality"),
    "planner.agent_task": ("PlanPreview", "Task"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
_FORMER = {"Outlook": "PlanPreview", "WorkflowRun": "Task"}  # names of before, which stay importable

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]  # the table is the one list of names


def __getattr__(name: str) -> Any:
    name = _FORMER.get(name, name)
    if name not in _HOME:
        raise AttributeError(f"module 'paretoroute' has no attribute {name!r}")
    from paretoroute.errors import fit_extra

    with fit_extra(f"paretoroute.{name}"):
        value = getattr(importlib.import_module(f"paretoroute.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
