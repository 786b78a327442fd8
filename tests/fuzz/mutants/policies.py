"""Mutated policies and side files; an accepted one plans within its ranges."""

from __future__ import annotations

import functools
import hashlib
import math
import random
from pathlib import Path
from typing import Any

import numpy as np

import paretoroute as pr
from paretoroute import _yaml
from paretoroute.policy.files.write import write_policy
from paretoroute.policy.packing import to_arrays
from tests.fuzz.mutants import mutations
from tests.fuzz.mutants.refusals import check_yaml, refused
from tests.processes import ROOT

SHIPPED = ROOT / "policies" / "demo-max-cost.yaml"


QUERIES = ["What is 17 + 25?", None, "", "lemma " * 40, "模型 \U0001f600", [{"role": "user", "content": "Why?"}]]


def check_plans(policy: pr.Policy, rng: random.Random) -> None:
    """Check that plans of a policy are finite and within their ranges."""
    planner = pr.Planner(policy)
    shares = [point.share for entry in policy.document.grid for point in entry.points]
    assert math.isclose(sum(shares), 1.0, abs_tol=1e-3), f"shares sum to {sum(shares)}"
    for number, query in enumerate(rng.sample(QUERIES, 2)):
        decision = planner.plan(query, query_id=str(number), max_cost_usd=rng.choice([None, 1e-5]))
        check_decision(decision)


def check_decision(decision: pr.Decision) -> None:
    """Check that the figures of a decision are finite and within their ranges."""
    assert 0 <= decision.expected_quality <= 1, decision
    assert 0 <= decision.expected_quality_se < 1e9, decision
    assert 0 <= decision.expected_cost_usd < math.inf, decision
    assert decision.expected_latency_s is None or 0 <= decision.expected_latency_s < math.inf, decision
    assert 0 < decision.propensity <= 1, decision


@functools.cache
def shipped() -> pr.Policy:
    return pr.Policy.load(SHIPPED)


def _beside(folder: Path) -> None:
    for side in SHIPPED.parent.glob(f"{SHIPPED.stem}.*.safetensors"):
        if not (folder / side.name).exists():
            (folder / side.name).write_bytes(side.read_bytes())


def policy_yaml(rng: random.Random, folder: Path) -> bool:
    _beside(folder)
    original = SHIPPED.read_text(encoding="utf-8")
    text = mutations.changed_text(original, rng)
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    policy = refused(lambda: pr.Policy.load(path))
    if policy is None:
        return False
    content = path.read_bytes()
    assert policy.sha256 == hashlib.sha256(content).hexdigest()
    check_yaml(text, _yaml.loads_bytes(content, name="policy.yaml"))
    if policy.document == shipped().document:
        return True
    refused(lambda: check_plans(policy, rng))
    return True


@functools.cache
def _arrays() -> dict[str, Any]:
    return to_arrays(shipped().surface, shipped().calibration_sample)


def side_bytes(rng: random.Random, folder: Path) -> bool:
    """A side file with changed bytes: refused by its hash; with the hash set right, refused or planned in range."""
    text = SHIPPED.read_text(encoding="utf-8")
    side = next(SHIPPED.parent.glob(f"{SHIPPED.stem}.*.safetensors"))
    original = side.read_bytes()
    data = (
        mutations.changed_bytes(original[: 4096 if rng.random() < 0.7 else None], rng)
        if rng.random() < 0.05
        else _flipped(original, rng)
    )
    (folder / side.name).write_bytes(data)
    path = folder / "side.yaml"
    path.write_text(text, encoding="utf-8")
    if data != original:
        assert refused(lambda: pr.Policy.load(path)) is None, "a changed side file is accepted"
    path.write_text(
        text.replace(hashlib.sha256(original).hexdigest(), hashlib.sha256(data).hexdigest()), encoding="utf-8"
    )
    policy = refused(lambda: pr.Policy.load(path))
    (folder / side.name).write_bytes(original)
    if policy is not None:
        check_plans(policy, rng)
    return policy is not None


def _flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(2500 if rng.random() < 0.3 else len(changed))
        changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def side_arrays(rng: random.Random, folder: Path) -> bool:
    """A side file with changed numbers under a right hash."""
    arrays = dict(_arrays())
    for name in rng.sample(sorted(arrays), rng.randint(1, 2)):
        changed = np.array(arrays[name])
        if changed.size:
            value = rng.choice([math.nan, math.inf, -math.inf, -1.0, 0.0, 1e30, -1e30, 0.5, 1e-40, 2.0])
            if changed.dtype.kind in "iu":
                value = rng.choice([0, 1, 2, 7, 100, np.iinfo(changed.dtype).min, np.iinfo(changed.dtype).max])
            with np.errstate(over="ignore"):  # 1e30 as a half float
                changed.reshape(-1)[rng.randrange(changed.size)] = value
        arrays[name] = changed
    for old in folder.glob("arrays.*"):
        old.unlink()
    path = folder / "arrays.yaml"
    with np.errstate(all="ignore"):
        write_policy(path, shipped().document, arrays)
        policy = refused(lambda: pr.Policy.load(path))
        if policy is not None:
            check_plans(policy, rng)
    return policy is not None
