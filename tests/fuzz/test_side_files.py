"""Side files with impossible numbers under a right checksum: refused by array and field, or planned in range."""

import itertools
import math
import os
import random
import re
import warnings
from functools import cache

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.errors import PolicyError
from paretoroute.policy.arrays import Arrays, from_arrays
from paretoroute.policy.files.write import write_policy
from paretoroute.policy.packing import to_arrays
from tests.planner_cases import fitted, no_signal
from tests.processes import ROOT

SHIPPED = ROOT / "policies" / "demo-max-cost.yaml"
QUERIES = [
    "What is 17 + 25?", "", None, "なぜ空は青い", "x", "lemma " * 400, "0" * 3000, "def f(x): return x ** 2", "\x00",
    "Who wrote it?", "please say which comes next: apple pear", "Prove that the sum of two even numbers is even.",
    "SELECT * FROM t;", "1 2 3 4", "?", "ÄÖÜ", "translate to French: good morning", " \n\t", "a b c d e f", "😀" * 50,
]  # fmt: skip


def placed(array: np.ndarray, where: slice, value: float) -> np.ndarray:
    """Put a value into a copy of an array; the nearest number of the array's type where it is an integer's."""
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        value = 0 if math.isnan(value) else int(min(max(value, limits.min), limits.max))
    changed = array.copy()
    changed.reshape(-1)[where] = value
    return changed


VALUES = {
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "huge": 3e38,
    "-huge": -3e38,
    "large": 1e20,
    "-large": -1e20,
}
VALUES |= {"-1": -1.0, "0": 0.0, "2": 2.0, "tiny": 1e-45, "1e6": 1e6, "-1e6": -1e6, "100": 100.0}
PLACES = {"first": slice(0, 1), "last": slice(-1, None), "all": slice(None)}
CHANGES = {
    f"{where} {name}": lambda a, place=place, value=value: placed(a, place, value)
    for (where, place), (name, value) in itertools.product(PLACES.items(), VALUES.items())
}
CHANGES |= {
    "reversed": lambda a: a.reshape(-1)[::-1].reshape(a.shape),
    "negated": lambda a: -a,
    "times 1000": lambda a: a * a.dtype.type(1000 if a.dtype.itemsize > 1 else 3),
    "float64": lambda a: a.astype(np.float64),
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "int32": lambda a: np.nan_to_num(a).astype(np.int32),
    "uint8": lambda a: np.nan_to_num(a).astype(np.uint8),
    "bool": lambda a: a.astype(bool),
    "shorter": lambda a: a[:-1],
    "longer": lambda a: np.concatenate([a, a[:1]]),
    "an axis more": lambda a: a[None],
    "flat": lambda a: a.reshape(-1),
    "no axis": lambda a: a.reshape(-1)[0],
    "empty": lambda a: a[:0],
    "transposed": lambda a: a.T,
    "missing": lambda a: None,
}


@cache
def policy_of(name: str) -> pr.Policy:
    if name == "shipped":
        return pr.Policy.load(SHIPPED)
    if name == "limits":
        return fitted().policy.solve(limits=[pr.MaxShare(0.6, "thinker@8000"), pr.MaxCallLatency(300.0)])
    return {"signal": fitted, "context-free": no_signal}[name]().policy


@cache
def arrays_of(name: str) -> Arrays:
    policy = policy_of(name)
    return to_arrays(policy.surface, policy.calibration_sample)


def loaded(policy: pr.Policy, arrays: Arrays) -> pr.Policy:
    """Read a policy whose side file holds these arrays, as ``Policy.load`` does."""
    numbers = from_arrays(
        arrays,
        features=policy.document.features.kind,
        points=len(policy.grid.points),
        labels={by: ("", *names) for by, names in policy.document.labels.items()},
    )
    return pr.Policy(policy.document, numbers.surface, numbers.sample)


def check_decision(decision: pr.Decision) -> None:
    assert 0 <= decision.expected_quality <= 1
    assert 0 <= decision.expected_quality_se < 1e9
    assert 0 <= decision.expected_cost_usd < math.inf
    assert decision.expected_latency_s is None or 0 <= decision.expected_latency_s < math.inf
    assert decision.output_cap_tokens is None or decision.output_cap_tokens > 0
    assert 0 < decision.propensity <= 1


def check_plans(policy: pr.Policy) -> None:
    planner = pr.Planner(policy)
    for number, query in enumerate(QUERIES):
        check_decision(planner.plan(query, query_id=str(number)))
    check_decision(planner.plan(QUERIES[0], max_cost_usd=0.01, min_quality=0.5))


def chosen(arrays: Arrays) -> list[tuple[str, str]]:
    """Choose changes to try: all with ``FUZZ=long`` in the environment, else 200."""
    every = list(itertools.product(sorted(arrays), CHANGES))
    return every if os.environ.get("FUZZ") == "long" else random.Random(0).sample(every, 200)


@pytest.mark.parametrize("name", ["signal", "context-free", "limits", "shipped"])
def test_a_changed_array_is_refused_by_name_or_planned_in_range(name):
    policy, arrays = policy_of(name), arrays_of(name)
    check_plans(loaded(policy, arrays))
    refused = planned = 0
    for array, how in chosen(arrays):
        change = CHANGES[how]
        with np.errstate(all="ignore"):
            value = change(arrays[array])
        if (
            value is not None
            and value.dtype == arrays[array].dtype
            and np.array_equal(value, arrays[array], equal_nan=True)
        ):
            continue
        changed = {key: kept for key, kept in (arrays | {array: value}).items() if kept is not None}
        try:
            damaged = loaded(policy, changed)
        except PolicyError as error:
            assert "array " in str(error), (array, how)
            assert "\n" not in str(error)
            refused += 1
        else:
            try:
                check_plans(damaged)
            except Exception as error:
                raise AssertionError(f"{array}, {how}: {error}") from error
            planned += 1
    assert refused > planned > 10


def test_the_message_names_the_file_the_field_and_the_array(tmp_path):
    policy, arrays = policy_of("signal"), arrays_of("signal")
    write_policy(
        tmp_path / "p.yaml",
        policy.document,
        arrays | {"traffic.amount": placed(arrays["traffic.amount"], slice(0, 1), -3.0)},
    )

    with pytest.raises(PolicyError) as caught:
        pr.Policy.load(tmp_path / "p.yaml")

    start = r"p\.yaml: surface\.file: p\.[0-9a-f]{12}\.safetensors: array traffic\.amount is -3 at \[0, 0\], "
    assert re.fullmatch(
        start + r"must lie between 0 and 1e\+24; fit again, or copy both files again", str(caught.value)
    )


SIGNALLING = {
    2: 0x7D00,
    4: 0x7FA00000,
    8: 0x7FF4000000000000,
}  # bits of a NaN of which a processor warns in a conversion


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["signal", "shipped"])
def test_a_signalling_nan_is_treated_as_any_other(name):
    policy, arrays = policy_of(name), arrays_of(name)
    refused = 0
    for array, values in arrays.items():
        if values.dtype.kind == "f" and values.size:
            changed = np.ascontiguousarray(values).copy()
            changed.view(f"u{changed.itemsize}").reshape(-1)[0] = SIGNALLING[changed.itemsize]
            try:
                damaged = loaded(policy, arrays | {array: changed})
            except PolicyError as error:
                assert f"array {array} is nan at [0" in str(error)
                refused += 1
            else:
                check_plans(damaged)
    assert refused > 5


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "float16", "float64", "complex64"])
def test_logged_bills_of_another_type_are_refused(dtype):
    policy, arrays = policy_of("signal"), arrays_of("signal")
    assert any(entry.cost == "logged" for entry in policy.document.grid)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        changed = arrays["traffic.logged_amount"].astype(dtype)

    with pytest.raises(PolicyError, match="array traffic.logged_amount has type"):
        loaded(policy, arrays | {"traffic.logged_amount": changed})
