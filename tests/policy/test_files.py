"""Policies on disk: written and read byte for byte, refused with the reason when changed."""

import errno
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from paretoroute import _yaml
from paretoroute.errors import PolicyError
from paretoroute.grid import BUDGET_KINDS
from paretoroute.policy.files import read_policy
from paretoroute.policy.files.write import write_policy
from paretoroute.policy.schema import PolicyDocument
from tests.policy.documents import ARRAYS, DOCUMENT, FLOATS, WRITABLE, changed, side_of
from tests.processes import python


def test_a_policy_is_read_back_as_it_was_written(policy):
    document, arrays, _ = read_policy(policy)

    expected = PolicyDocument.model_validate(DOCUMENT)
    assert expected.model_dump(exclude={"surface"}) == document.model_dump(exclude={"surface"})
    assert re.fullmatch(r"policy\.[0-9a-f]{12}\.safetensors", document.surface.file)
    assert document.surface.file.split(".")[1] == document.surface.sha256[:12]
    assert sorted(ARRAYS) == list(arrays)
    for name, array in ARRAYS.items():
        assert array.dtype == arrays[name].dtype
        np.testing.assert_array_equal(array, arrays[name])


def test_what_was_read_can_be_written_again_to_the_same_bytes(policy, tmp_path):
    document, arrays, _ = read_policy(policy)
    (tmp_path / "again").mkdir()

    write_policy(tmp_path / "again" / "policy.yaml", document, arrays)

    for name in ("policy.yaml", side_of(policy).name):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_order_of_arrays_settings_and_versions_does_not_change_the_bytes(policy, tmp_path):
    data = changed("versions", dict(reversed(DOCUMENT["versions"].items())))
    data["features"]["settings"] = dict(reversed(data["features"]["settings"].items()))
    (tmp_path / "again").mkdir()

    path = tmp_path / "again" / "policy.yaml"
    write_policy(path, PolicyDocument.model_validate(data), dict(reversed(ARRAYS.items())))

    assert policy.read_bytes() == path.read_bytes()
    assert side_of(policy).read_bytes() == side_of(path).read_bytes()


POINTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(BUDGET_KINDS),
        "label": WRITABLE,
        "amount": st.none() | st.integers(-1, 10**6) | st.floats(-1, 1e9),
        "share": FLOATS,
        "quality": FLOATS,
        "cost_usd": st.floats(0, 1e300),
        "queries": st.integers(0, 2**63),
    }
)


def _with_shares_of_calls(grid):
    """Scale the shares, so that they add up to 1."""
    points = [point for entry in grid for point in entry["points"]]
    total = sum(point["share"] for point in points)
    for point in points:
        point["share"] = point["share"] / total if total > 1e-300 else 1 / len(points)
    return grid


GRIDS = st.lists(
    st.fixed_dictionaries(
        {
            "model": WRITABLE,
            "price_usd_per_mtok": st.none(),
            "cost": st.just("logged"),
            "points": st.lists(POINTS, min_size=1, max_size=3, unique_by=lambda point: (point["kind"], point["label"])),
        }
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda entry: entry["model"],
).map(_with_shares_of_calls)


ARRAY_SETS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_./-]{0,8}", fullmatch=True),
    npst.arrays(
        npst.boolean_dtypes()
        | npst.integer_dtypes()
        | npst.unsigned_integer_dtypes()
        | npst.floating_dtypes(sizes=(16, 32, 64)),
        npst.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=3),
    ),
    max_size=3,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(
    grid=GRIDS,
    findings=st.lists(WRITABLE),
    settings_=st.dictionaries(WRITABLE, st.booleans() | st.integers(-9, 9) | FLOATS),
    arrays=ARRAY_SETS,
)
def test_any_labels_numbers_and_arrays_survive_the_file(tmp_path, grid, findings, settings_, arrays):
    settings_ = {key: value for key, value in settings_.items() if key not in _yaml.TEXT_KEYS}
    data = DOCUMENT | {
        "grid": grid,
        "fitted_on": DOCUMENT["fitted_on"] | {"findings": findings, "finding_kinds": ["note"] * len(findings)},
    }
    data["surface"] = {"kind": "x", "settings": settings_}
    document = PolicyDocument.model_validate(data)

    write_policy(tmp_path / "policy.yml", document, arrays)
    again, arrays_again, _ = read_policy(tmp_path / "policy.yml")

    assert repr(document.grid) == repr(again.grid)
    assert document.fitted_on == again.fitted_on
    assert repr(document.surface.settings) == repr(again.surface.settings)
    assert arrays.keys() == arrays_again.keys()
    for name, array in arrays.items():
        assert array.dtype.newbyteorder("=") == arrays_again[name].dtype
        np.testing.assert_array_equal(array, arrays_again[name])


def test_arrays_in_any_memory_layout_are_written_by_value(policy, tmp_path):
    square = np.arange(12.0).reshape(3, 4)
    arrays = {"a": square.T, "b": square[::2, ::-1], "c": square.astype(">f8"), "d": np.float64(3.0)}

    write_policy(policy, PolicyDocument.model_validate(DOCUMENT), arrays)

    again = read_policy(policy)[1]
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, again[name])


def test_arrays_that_were_read_cannot_be_changed_in_place(policy):
    arrays = read_policy(policy).arrays

    with pytest.raises(ValueError, match="read-only"):
        arrays["weights"][0, 0] = 7


def test_the_file_opens_with_what_it_is_and_comments_every_section(policy):
    text = policy.read_text(encoding="utf-8")

    assert text.startswith("# yaml-language-server: $schema=policy.schema.json\n# Its schema, for editors: ")
    assert "`paretoroute schema --out policy.schema.json`" in text.splitlines()[1]
    assert f"{side_of(policy).name}; move and copy the two together" in text
    for section in set(DOCUMENT) - {"schema", "name"}:
        before = text[: text.index(f"\n{section}:")]
        assert before.splitlines()[-1].startswith("# "), f"{section} has no comment above it"
    assert '      - {kind: effort, label: "off", amount: 1, share: 0.7, ' in text
    assert all(len(line) <= 160 for line in text.splitlines())


def test_neither_path_nor_time_is_in_the_files(policy):
    written = policy.read_bytes() + side_of(policy).read_bytes()

    assert str(policy.parent).encode() not in written
    assert str(Path.home()).encode() not in written
    assert not re.search(rb"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2}", written)


def test_writing_leaves_no_other_file_behind(policy):
    write_policy(policy, PolicyDocument.model_validate(DOCUMENT), ARRAYS)

    assert [side_of(policy).name, "policy.yaml"] == sorted(path.name for path in policy.parent.iterdir())


def test_a_file_name_without_yaml_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"policy\.json: a policy file ends in \.yaml; rename it to policy\.yaml"):
        write_policy(tmp_path / "policy.json", PolicyDocument.model_validate(DOCUMENT), ARRAYS)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"a": np.array(["text"])}, "array a has type <U4"),
        ({"a": np.array([object()])}, "array a has type object"),
        ({"a": np.array([1j])}, "array a has type complex128"),
        ({"__metadata__": np.zeros(1)}, "array __metadata__ has no plain name"),
        ({"a\n": np.zeros(1)}, "has no plain name"),
    ],
)
def test_arrays_of_other_types_and_names_are_refused_and_nothing_is_written(arrays, reason, tmp_path):
    with pytest.raises(PolicyError) as caught:
        write_policy(tmp_path / "policy.yaml", PolicyDocument.model_validate(DOCUMENT), arrays)

    assert reason in str(caught.value)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("section", "value", "reason"),
    [
        ("name", "half \ud800 a character", "surrogate"),
        ("versions", {"label": 16000}, "versions.label: must be text"),
        ("coin_seed", "no hex", "coin_seed: must be 1 to 64 hexadecimal digits"),
    ],
)
def test_a_document_that_could_not_be_read_back_is_not_written(section, value, reason, tmp_path):
    unchecked = PolicyDocument.model_validate(DOCUMENT).model_copy(update={section: value})

    with pytest.raises(PolicyError, match=reason), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic warns of the wrong type as well
        write_policy(tmp_path / "policy.yaml", unchecked, ARRAYS)

    assert [] == list(tmp_path.iterdir())


def test_a_folder_that_is_missing_is_a_policy_error(tmp_path):
    with pytest.raises(PolicyError, match="policy.yaml: cannot be written: No such file or directory"):
        write_policy(tmp_path / "gone" / "policy.yaml", PolicyDocument.model_validate(DOCUMENT), ARRAYS)


def test_a_failed_write_leaves_the_old_policy_and_no_temporary_file(policy, monkeypatch):
    before = {path.name: path.read_bytes() for path in policy.parent.iterdir()}

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)  # the system's part, which no test can make fail otherwise

    with pytest.raises(PolicyError, match="No space left on device"):
        write_policy(policy, PolicyDocument.model_validate(changed("name", "new")), {"other": np.zeros(3)})

    assert before == {path.name: path.read_bytes() for path in policy.parent.iterdir()}


def test_reading_a_policy_loads_nothing_heavy(policy):
    program = (
        "import sys; from paretoroute.policy.files import read_policy; read_policy(sys.argv[1]);"
        "print([m for m in ('jax', 'scipy', 'sklearn', 'pandas', 'pyarrow', 'optax') if m in sys.modules])"
    )

    done = python("-c", program, policy)

    assert ("[]", "") == (done.stdout.strip(), done.stderr)
