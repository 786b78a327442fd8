"""A comparison with figures that are easily told apart, and the same with names and texts that would break a page."""

from __future__ import annotations

from dataclasses import replace

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.comparison import Comparison, PolicyResult, RouterResult
from paretoroute.evaluation.details.calibration import Bin, CalibrationCheck
from paretoroute.evaluation.details.curves import RouterCurve, TargetResult
from paretoroute.evaluation.details.details import Details
from paretoroute.evaluation.details.examples import Example, Examples
from paretoroute.evaluation.details.losses import KindLead, Losses, TargetLead
from paretoroute.evaluation.details.small_first import SmallFirst, SmallFirstPolicy
from paretoroute.evaluation.details.surface import LoggedSurface, SurfacePart, SurfacePoint
from paretoroute.evaluation.protocol.metrics import Metrics
from paretoroute.evaluation.routers.registry import kind_of

TARGETS = (0.0005, 0.001, 0.002, 0.004)
HEIGHTS = {"oracle": 0.30, "paretoroute": 0.10, "carrot": 0.09, "ridge": 0.07, "static": 0.0}


def around(value: float, margin: float = 0.02) -> Interval:
    return Interval(value, value - margin, value + margin)


def router(name: str, gain: float) -> RouterResult:
    lead = None if name == "paretoroute" else around(9.0 - gain, 1.0)
    metrics = Metrics({"small_share": 0.5, "cost_ratio": 1.02, "calls": 1.0}, {})
    fair = around(gain, 1.0)
    return RouterResult(name, around(gain + 1, 1.0), lead, 0.8, 0.003, kind_of(name), fair, lead, metrics)


def curve(name: str, height: float) -> RouterCurve:
    results = [
        TargetResult(
            target_usd=usd,
            cost_usd=around(1.02 * usd, 0.1 * usd),
            quality=around(0.5 + height + 0.05 * t),
            small_share=1 - 0.2 * t,
            loss=around(20 - 100 * height - 5 * t, 2.0),
        )
        for t, usd in enumerate(TARGETS)
    ]
    return RouterCurve(name, kind_of(name), tuple(results))


def surface() -> LoggedSurface:
    points = tuple(
        SurfacePoint(f"{model}@{budget}", model, budget)
        for model, budget in (("basso", "low"), ("basso", "high"), ("tenor", "low"))
    )
    everything = SurfacePart(None, 300, (around(0.41), around(0.52), around(0.73)), (0.0001, 0.0004, 0.006))
    law = SurfacePart("law", 120, (around(0.61), None, around(0.33)), (0.0002, None, 0.007))
    return LoggedSurface(("basso", "tenor"), ("low", "high"), points, (everything, law))


def examples(text: str = "May a tenant sublet the flat?", tag: str = "law") -> Examples:
    first = Example("q1", text, tag, "basso@high", 0.62, 0.0004, 1.0, 0.00041, 0.0, "tenor@low is forecast better")
    second = Example(
        "q2", "Write a loop.", None, "tenor@low", 0.9, 0.006, None, None, 1.0, "no point is forecast better"
    )
    return Examples(0.002, 12.0, (first, second))


def details() -> Details:
    curves = {name: curve(name, HEIGHTS[name]) for name in ("paretoroute", "carrot", "ridge", "static", "oracle")}
    bins = tuple(Bin(0.1 + 0.2 * i, around(0.12 + 0.2 * i, 0.05), 60) for i in range(5))
    costs = tuple(Bin(0.0002 * 4**i, around(0.00021 * 4**i, 0.00002 * 4**i), 60) for i in range(3))
    policy = SmallFirstPolicy("paretoroute", 2, 0.002, 0.00204, 0.6, around(0.5, 2.0))
    lost = Losses(
        (TargetLead(0.0005, 0.00051, "ridge", around(-1.5, 1.0)), TargetLead(0.001, 0.00102, None, None)),
        (KindLead("law", 120, around(-0.8, 0.5), "carrot", around(-2.0, 1.0)),),
    )
    check = CalibrationCheck(bins, costs, 1.5, 2.5, 1.05)
    return Details(
        tuple(curves.values()), surface(), check, SmallFirst(0.1, ("basso@low",), policy, policy), examples(), lost
    )


def comparison() -> Comparison:
    """Five routers on 300 queries; two were left out."""
    names = ("oracle", "carrot", "paretoroute", "ridge", "static")
    gains = (30.0, 9.5, 9.0, 4.0, -0.2)
    return Comparison(
        runs=1200,
        queries=300,
        points=3,
        folds=3,
        seed=0,
        best_single="tenor@low",
        best_single_quality=0.72,
        best_single_cost_usd=0.006,
        from_cost_usd=0.0004,
        rows=tuple(router(name, gain) for name, gain in zip(names, gains, strict=True)),
        solved_policies=PolicyResult(Interval(9.0, 7.0, 11.0), 1.01, 0.93, 1.08),
        verdict="paretoroute is behind carrot.",
        notices=(),
        left_out={"frugalgpt": "the log has no score", "llm-blender": "the log has no score"},
        details=details(),
    )


HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&amp;\u2028\x07"
)


def hostile() -> Comparison:
    """The same with markup and control characters in the texts, models, tags and reasons of the log."""
    plain = comparison()
    shown = plain.details.surface
    points = tuple(replace(point, name=f"{HOSTILE}@{point.budget}", model=HOSTILE) for point in shown.points[:2])
    parts = tuple(
        replace(part, quality=part.quality[:2], cost_usd=part.cost_usd[:2], tag=part.tag and HOSTILE)
        for part in shown.parts
    )
    kinds = tuple(replace(kind, tag=HOSTILE) for kind in plain.details.losses.kinds)
    changed = replace(
        plain.details,
        surface=LoggedSurface((HOSTILE,), shown.budgets, points, parts),
        examples=examples(HOSTILE, HOSTILE),
        losses=replace(plain.details.losses, kinds=kinds),
    )
    left_out = {"frugalgpt": HOSTILE}
    return replace(plain, best_single=f"{HOSTILE}@low", verdict=HOSTILE, left_out=left_out, details=changed)
