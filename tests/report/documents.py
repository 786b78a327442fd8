"""Policies to draw: plain ones, many points, odd and long names, free calls."""

import io
import re

import pytest
from rich.console import Console

from paretoroute import report
from paretoroute.policy.schema import PolicyDocument

ODD = 'a<b>&"c'
LONG = "a-provider/with-a-very-long-model-name-that-goes-on-and-on-2029-11-30-preview-turbo"


def document(
    points: dict[tuple[str, str], tuple[float, float, float]],
    *,
    best: str | None = None,
    name: str = "a policy",
    trade_off: int = 5,
    cost: float = 0.002,
    intervals: bool = True,
) -> PolicyDocument:
    """Build a document of points ``(model, label) -> (quality, cost_usd, share)``."""
    grid: dict[str, list[dict]] = {}
    for (model, label), (quality, cost_usd, share) in points.items():
        point = {"kind": "effort", "label": label, "amount": None, "share": share}
        if intervals:
            point |= {"quality_low": max(quality - 0.041, 0.0), "quality_high": min(quality + 0.042, 1.0)}
        grid.setdefault(model, []).append(point | {"quality": quality, "cost_usd": cost_usd, "queries": 50})
    first = next(iter(points))
    rows = [
        {"quality_per_usd": float(9 - i), "cost_usd": cost * 2.0**i, "quality": 0.5 + 0.08 * i,
         "quality_low": 0.46 + 0.08 * i, "quality_high": 0.54 + 0.08 * i}
        for i in range(trade_off)
    ]  # fmt: skip
    return PolicyDocument.model_validate({
        "schema": 1,
        "name": name,
        "target": {"kind": "max_cost", "usd": 0.002},
        "solution": {
            "status": "met", "quality_per_usd": 12.0, "split": 0.0, "quality_shift": 0.0, "cost_ratio": 1.0, "gap": 0.0,
            "meaning": "one more point costs more", "nearest": None, "binds": ["cost"],
        },
        "expected": {
            "quality": 0.7, "quality_low": 0.66, "quality_high": 0.74, "cost_usd": cost, "cost_usd_low": 0.9 * cost,
            "cost_usd_high": 1.1 * cost, "queries": 50, "effective_queries": 40.0, "saving": None,
            "best_single": {"point": best or "@".join(first), "quality": 0.7, "cost_usd": 0.01},
        },
        "grid": [{"model": m, "price_usd_per_mtok": None, "cost": "logged", "points": p} for m, p in grid.items()],
        "features": {"kind": "function", "name": "f", "width": 3, "fingerprint": "a" * 64, "settings": {}},
        "surface": {"kind": "k", "settings": {}},
        "fitted_on": {
            "runs": 500, "queries": 50, "points": len(points), "set_aside": 0, "runs_sha256": "b" * 64, "seed": 0,
            "assumption": None, "findings": ["nothing odd, <really> & truly"],
        },
        "versions": {},
        "trade_off": rows,
        "coin_seed": "1",
    })  # fmt: skip


PLAIN = document(
    {
        ("small", "low"): (0.5, 0.0005, 0.0),
        ("small", "high"): (0.6, 0.001, 0.7),
        ("large", "low"): (0.7, 0.004, 0.3),
        ("large", "high"): (0.72, 0.01, 0.0),
    },
    best="large@high",
)
MANY = document(
    {(f"model-{i // 4}", ("low", "medium", "high", "max")[i % 4]): (0.4 + 0.012 * i, 1e-4 * 1.15**i, (i == 20) * 1.0)
     for i in range(40)},
    best="model-9@max",
)  # fmt: skip
DOCUMENTS = {
    "plain": PLAIN,
    "many": MANY,
    "odd": document(
        {
            (ODD, "1:30"): (0.6, 0.001, 0.5),
            ("é\x1b[31m\x07[bold]", "]]>"): (0.8, 0.02, 0.5),
            ("模型", "高"): (0.7, 0.01, 0.0),
        },
        best=f"{ODD}@1:30", name="<script>alert('x')</script>", intervals=False,
    ),
    "long": document({(LONG, LONG): (0.6, 0.001, 1.0), (LONG + "2", "low"): (0.6, 0.001, 0.0)}, name=LONG * 3),
    "free": document({("free", "low"): (0.0, 0.0, 1.0), ("free", "high"): (1.0, 0.0, 0.0)}, cost=0.0),
    "some free": document({("free", "low"): (0.3, 0.0, 0.5), ("paid", "high"): (0.9, 3.0, 0.5)}),
    "one each": document({(f"m{i}", "default"): (0.5 + 0.1 * i, 0.001 * 5**i, 0.25) for i in range(4)}),
    "one point": document({("m", "default"): (0.7, 0.002, 1.0)}, trade_off=0),
    "tiny costs": document({("m", "low"): (0.7, 1e-9, 1.0), ("m", "high"): (0.8, 1e-8, 0.0)}, cost=2e-9),
}  # fmt: skip
every_document = pytest.mark.parametrize("doc", DOCUMENTS.values(), ids=DOCUMENTS)


def as_drawn(name: str) -> str:
    return re.sub(r"[\x00-\x1f]", "\N{REPLACEMENT CHARACTER}", name)


def printed(doc: PolicyDocument, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
    Console(file=stream, width=width, highlight=False, markup=False, emoji=False).print(report.to_terminal(doc))
    stream.flush()
    return raw.getvalue().decode(encoding)
