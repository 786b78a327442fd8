"""A policy document that uses every section, and ways to spoil it."""

import copy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from paretoroute import _yaml
from paretoroute.errors import PolicyError
from paretoroute.policy.files import read_policy


def point(*values: object) -> dict:
    return dict(zip(("kind", "label", "amount", "share", "quality", "cost_usd", "queries"), values, strict=True))


DOCUMENT = {
    "schema": 1,
    "name": "reasoning traffic",
    "target": {"kind": "min_quality_of", "of": "gpt-5@high", "ratio": 0.97},
    "limits": ["share of gpt-5 at most 0.2"],
    "solution": {
        "status": "met",
        "quality_per_usd": 12.5,
        "split": 0.25,
        "quality_shift": -0.01,
        "cost_ratio": 1.12,
        "gap": 0.0,
        "meaning": "one more point of quality costs $0.0008 a query",
        "nearest": None,
        "binds": ["quality", "share of gpt-5 at most 0.2"],
        "limits": [
            {
                "limit": "share of gpt-5 at most 0.2",
                "used": 0.2,
                "shadow_price": 0.001,
                "meaning": "one more percent of calls to gpt-5 saves $0.01 per 1,000 queries",
            }
        ],
        "mixture": {
            "rows": ["quality", "share of gpt-5 at most 0.2"],
            "objective": 1.0,
            "prices": [0.08, 0.001],
            "kinds": ["11"],
            "sides": [
                {"objective": 1.0, "prices": [0.08, 0.001], "weights": [0.75]},
                {"objective": 1.0, "prices": [0.08, 0.002], "weights": [0.25]},
            ],
        },
    },
    "expected": {
        "quality": 0.81,
        "quality_low": 0.79,
        "quality_high": 0.83,
        "cost_usd": 0.004,
        "cost_usd_low": 0.0035,
        "cost_usd_high": 0.0045,
        "queries": 500,
        "effective_queries": 431.5,
        "best_single": {"point": "gpt-5@high", "quality": 0.83, "cost_usd": 0.02},
        "saving": {"ratio": 5.0, "low": 4.1, "high": 5.9, "meaning": "cost of gpt-5@high over this policy's"},
    },
    "certificate": {
        "claim": "mean quality at least 0.97 times that of gpt-5@high, over queries like the certification runs",
        "level": 0.9,
        "method": "betting",
        "p_value": 0.04,
        "queries": 480,
        "groups": 471,
        "prices_tested": 1,
        "missing": 0.002,
        "cap_usd": None,
        "effective_queries": None,
        "runs_sha256": "9" * 64,
        "split": {"by": "hold_out", "share": 0.5, "seed": 0, "sha256": "8" * 64},
        "policy_sha256": "7" * 64,
        "not_covered": ["single queries: the claim is about a mean"],
        "sha256": "6" * 64,
    },
    "grid": [
        {
            "model": "gpt-5",
            "price_usd_per_mtok": {"input": 1.25, "cached_input": None, "output": 10.0, "source": "given"},
            "cost": "tokens",
            "points": [
                point("effort", "off", 1, 0.7, 0.7, 0.001, 500),
                point("effort", "high", 4, 0.1, 0.83, 0.02, 499),
            ],
        },
        {
            "model": "maj@5",
            "price_usd_per_mtok": None,
            "cost": "logged",
            "points": [
                point("samples", "5", None, 0.2, 0.8, 1e-05, 5)
            ],
        },
    ],
    "features": {
        "kind": "hashed_ngrams",
        "name": "hashed n-grams",
        "width": 32768,
        "fingerprint": "a" * 64,
        "settings": {"buckets": 32768, "lower": True, "scale": 0.5, "version": "1"},
    },
    "surface": {"kind": "pooled_logistic", "settings": {"rank": 16}},
    "fitted_on": {
        "runs": 1499,
        "queries": 500,
        "points": 3,
        "set_aside": 12,
        "runs_sha256": "0123456789abcdef" * 4,
        "seed": 0,
        "assumption": None,
        "findings": ["maj@5 has 5 queries only"],
        "finding_kinds": ["note"],
    },
    "labels": {"tag": ["code", "talk"]},
    "versions": {"jax": "0.10", "numpy": "2.4"},
    "trade_off": [
        {"quality_per_usd": 0.0, "cost_usd": 0.02, "quality": 0.83, "quality_low": 0.8, "quality_high": 0.85},
        {"quality_per_usd": 1e6, "cost_usd": 0.001, "quality": 0.7, "quality_low": 0.68, "quality_high": 0.72},
    ],
    "coin_seed": "12345678",
}  # fmt: skip


ARRAYS = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "counts": np.array([1, 2, 3]),
    "mask": np.array(True),
}


def changed(where: str, value: object) -> dict:
    """The document with one value replaced, added, or (for ``...``) removed."""
    data = copy.deepcopy(DOCUMENT)
    *steps, last = [int(step) if step.isdigit() else step for step in where.split(".")]
    node = data
    for step in steps:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return data


def refusal(path: Path, kind: type[PolicyError]) -> str:
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    message = str(caught.value)
    assert kind is type(caught.value), message
    assert "\n" not in message
    assert str(path.parent) not in message, "a message must not name folders"
    return message


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the file"
    path.write_text(text.replace(old, new), encoding="utf-8")


NAMES = st.text(min_size=1, max_size=8) | st.sampled_from(
    ["off", "16000", "1:30", "null", "a@b", " ", "#", "007", "1e5"]
)
WRITABLE = NAMES.filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text))
FLOATS = st.floats(0, 1)


def side_of(path: Path) -> Path:
    """The side file that a policy names."""
    return path.parent / _yaml.read(path)["surface"]["file"]
