"""Fuzz: what is read is a policy, or a typed error with one line."""

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paretoroute import _yaml
from paretoroute.errors import PolicyError
from paretoroute.policy.files import read_policy
from tests.policy.documents import WRITABLE, changed


def read_or_typed_error(path: Path) -> None:
    try:
        read_policy(path)
    except PolicyError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 700


def test_a_policy_cut_anywhere_is_refused_or_read(policy):
    content = policy.read_bytes()

    for end in range(0, len(content), 37):
        policy.write_bytes(content[:end])
        read_or_typed_error(policy)


def test_a_policy_with_flipped_bytes_is_refused_or_read(policy):
    content = policy.read_bytes()
    rng = random.Random(0)

    for _ in range(400):
        flipped = bytearray(content)
        for _ in range(rng.choice([1, 1, 1, 4])):
            flipped[rng.randrange(len(flipped))] = rng.choice(b"[]{}&*!#:,-?|>'\"%@`\0\n\t 0189aey~.\xff\x80\xc3")
        policy.write_bytes(flipped)
        read_or_typed_error(policy)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
@given(data=st.data())
def test_any_value_in_any_place_is_refused_or_read(policy, data):
    places = ["schema", "name", "target", "target.of", "solution.nearest", "solution.binds", "expected.saving", "grid"]
    places += ["grid.0", "grid.0.points", "grid.0.points.0", "grid.0.points.0.amount", "features.settings", "versions"]
    places += [
        "features.settings.lower",
        "surface",
        "fitted_on.findings",
        "trade_off.0",
        "coin_seed",
        "expected.quality",
    ]
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WRITABLE
    anything = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WRITABLE, inner, max_size=2), max_leaves=4
    )
    tree = changed(data.draw(st.sampled_from(places)), data.draw(anything))
    policy.write_text(_yaml.dumps(tree, text_keys=()), encoding="utf-8")

    read_or_typed_error(policy)
