"""Policies on disk: written and read byte for byte, refused with the reason when changed."""

import copy
import errno
import hashlib
import json
import os
import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from paretoroute import _yaml
from paretoroute.errors import PolicyChecksumError, PolicyError, PolicySchemaError
from paretoroute.grid import BUDGET_KINDS
from paretoroute.policy import files
from paretoroute.policy.files import policy_schema, read_policy, write_policy
from paretoroute.policy.schema import PointEntry, PolicyDocument
from tests.processes import python

SCHEMA_FILE = Path(files.__file__).parents[1] / "data" / "policy.schema.json"


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


@pytest.fixture
def policy(tmp_path) -> Path:
    path = tmp_path / "policy.yaml"
    write_policy(path, PolicyDocument.model_validate(DOCUMENT), ARRAYS)
    return path


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
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the file"
    path.write_text(text.replace(old, new))


def sign(path: Path) -> None:
    """Put the side file's present checksum into the YAML, as someone who changes both would."""
    document = _yaml.read(path)
    sha256 = hashlib.sha256((path.parent / document["surface"]["file"]).read_bytes()).hexdigest()
    replace_in(path, document["surface"]["sha256"], sha256)


# Round trips


def test_a_policy_is_read_back_as_it_was_written(policy):
    document, arrays = read_policy(policy)

    expected = PolicyDocument.model_validate(DOCUMENT)
    assert expected.model_dump(exclude={"surface"}) == document.model_dump(exclude={"surface"})
    assert "policy.safetensors" == document.surface.file
    assert sorted(ARRAYS) == list(arrays)
    for name, array in ARRAYS.items():
        assert array.dtype == arrays[name].dtype
        np.testing.assert_array_equal(array, arrays[name])


def test_what_was_read_can_be_written_again_to_the_same_bytes(policy, tmp_path):
    document, arrays = read_policy(policy)
    (tmp_path / "again").mkdir()

    write_policy(tmp_path / "again" / "policy.yaml", document, arrays)

    for name in ("policy.yaml", "policy.safetensors"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_order_of_arrays_settings_and_versions_does_not_change_the_bytes(policy, tmp_path):
    data = changed("versions", dict(reversed(DOCUMENT["versions"].items())))
    data["features"]["settings"] = dict(reversed(data["features"]["settings"].items()))
    (tmp_path / "again").mkdir()

    path = tmp_path / "again" / "policy.yaml"
    write_policy(path, PolicyDocument.model_validate(data), dict(reversed(ARRAYS.items())))

    assert policy.read_bytes() == path.read_bytes()
    assert policy.with_suffix(".safetensors").read_bytes() == path.with_suffix(".safetensors").read_bytes()


NAMES = st.text(min_size=1, max_size=8) | st.sampled_from(
    ["off", "16000", "1:30", "null", "a@b", " ", "#", "007", "1e5"]
)
WRITABLE = NAMES.filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text))
FLOATS = st.floats(0, 1)
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
)
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
    again, arrays_again = read_policy(tmp_path / "policy.yml")

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
    _, arrays = read_policy(policy)

    with pytest.raises(ValueError, match="read-only"):
        arrays["weights"][0, 0] = 7


def test_the_file_opens_with_what_it_is_and_comments_every_section(policy):
    text = policy.read_text()

    assert text.startswith("# yaml-language-server: $schema=policy.schema.json\n# (written by `paretoroute schema`)\n")
    assert "policy.safetensors; move and copy the two together" in text
    for section in set(DOCUMENT) - {"schema", "name"}:
        before = text[: text.index(f"\n{section}:")]
        assert before.splitlines()[-1].startswith("# "), f"{section} has no comment above it"
    assert '      - {kind: effort, label: "off", amount: 1, share: 0.7, ' in text
    assert all(len(line) <= 160 for line in text.splitlines())


def test_neither_path_nor_time_is_in_the_files(policy):
    written = policy.read_bytes() + policy.with_suffix(".safetensors").read_bytes()

    assert str(policy.parent).encode() not in written
    assert str(Path.home()).encode() not in written
    assert not re.search(rb"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2}", written)


def test_writing_leaves_no_other_file_behind(policy):
    write_policy(policy, PolicyDocument.model_validate(DOCUMENT), ARRAYS)

    assert ["policy.safetensors", "policy.yaml"] == sorted(path.name for path in policy.parent.iterdir())


# What is not written


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


# Tampering with the YAML file


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: 1", "schema: 2", "schema 2 was written by a newer paretoroute (this one reads schema 1); upgrade"),
        ("schema: 1\n", "", "policy.yaml: schema: is missing"),
        ("schema: 1", "schema: 0", "policy.yaml: schema: must be 1 (got 0)"),
        ("schema: 1", "schema: true", "policy.yaml: schema: must be 1 (got true)"),
        ("schema: 1", 'schema: "1"', "policy.yaml: schema: must be 1 (got the text '1')"),
        ("share: 0.2", "share: 1.5", "policy.yaml: grid.1.points.0.share: must be at most 1 (got 1.5)"),
        ("share: 0.2", "share: -0.1", "policy.yaml: grid.1.points.0.share: must be at least 0 (got -0.1)"),
        ("share: 0.2", "share: true", "policy.yaml: grid.1.points.0.share: must be a number (got true)"),
        ("share: 0.2", "share: .nan", "share: must be a number (got the text '.nan'; write it as a plain decimal"),
        ("share: 0.2", "share: 1e999", "grid.1.points.0.share: must be a number (got the text '1e999'"),
        ("share: 0.2", "share: null", "grid.1.points.0.share: must be a number (got null)"),
        ("share: 0.2", "shares: 0.2", "grid.1.points.0.shares: unknown key; did you mean share?"),
        ("share: 0.2", "qzxv: 0.2", "grid.1.points.0.qzxv: unknown key; remove it"),
        ("share: 0.2, ", "", "policy.yaml: grid.1.points.0.share: is missing"),
        ("ratio: 0.97", "ratio: 0", "policy.yaml: target.ratio: must be more than 0 (got 0)"),
        ("kind: min_quality_of", "kind: max_speed", "target.kind: must be one of 'max_cost', 'min_quality', 'min"),
        ("{kind: min_quality_of, ", "{", "policy.yaml: target.kind: is missing"),
        (", ratio: 0.97", "", "policy.yaml: target.ratio: is missing"),
        ("amount: 4", "amount: four", "grid.0.points.1.amount: must be a number (got the text 'four'"),
        ("runs: 1499", "runs: 1499.5", "policy.yaml: fitted_on.runs: must be a whole number (got 1499.5)"),
        ("runs: 1499", "runs: 1_499", "fitted_on.runs: must be a whole number (got the text '1_499'; write it"),
        ("lower: true", "lower: [1]", "settings.lower: must be a number, text, true or false (got a list)"),
        ("status: met", "status: solved", "status: must be 'met', 'slack' or 'infeasible' (got the text 'solved')"),
        ("cost: tokens", "cost: logs", "grid.0.cost: must be 'tokens' or 'logged' (got the text 'logs')"),
        ("cost: logged", "cost: tokens", "grid.1: price_usd_per_mtok is null but cost is tokens; give prices"),
        ('model: "maj@5"', 'model: "gpt-5"', "policy.yaml: the file: model 'gpt-5' is listed twice; keep one"),
        ('label: "high"', "label: off", "grid.0: point 'gpt-5@off (effort)' is listed twice; keep one"),
        ("quality_low: 0.79", "quality_low: 0.89", "expected: quality_low is 0.89, above quality_high, 0.83"),
        ('coin_seed: "12345678"', "coin_seed: 12345678", "coin_seed: must be text (got 12345678)"),
        ('coin_seed: "12345678"', "coin_seed: xyz", "coin_seed: must be 1 to 64 hexadecimal digits in quotes"),
        ("file: policy.safetensors", "file: ../policy.safetensors", "surface.file: must be a bare file name"),
        ("file: policy.safetensors", "file: /etc/passwd", "surface.file: must be a bare file name"),
        ("file: policy.safetensors", "file: 'c:x'", "surface.file: must be a bare file name"),
        ("file: policy.safetensors", r"file: 'a\b'", "surface.file: must be a bare file name"),
        ("file: policy.safetensors", 'file: ".."', "surface.file: must be a bare file name"),
        ("file: policy.safetensors", 'file: ""', "surface.file: must be a bare file name"),
        ("file: policy.safetensors", r'file: "a\0b"', "surface.file: must be a bare file name"),
        ("  file: policy.safetensors\n", "", "surface.file or surface.sha256: is missing"),
        ("  kind: pooled_logistic\n", "", "policy.yaml: surface.kind: is missing"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_by_its_key_with_the_reason(policy, old, new, message):
    replace_in(policy, old, new)

    assert message in refusal(policy, PolicySchemaError)


def test_one_problem_is_reported_as_one(policy):
    replace_in(policy, "share: 0.2", "share: -0.1")

    assert refusal(policy, PolicySchemaError).endswith("must be at least 0 (got -0.1)")


def test_findings_of_an_older_file_are_read_as_notes(policy):
    replace_in(policy, "  finding_kinds: [note]\n", "")

    document, _ = read_policy(policy)

    assert document.fitted_on.findings_by_kind() == (("note", "maj@5 has 5 queries only"),)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ("[]", "1 findings have 0 finding_kinds; give one kind per finding"),
        ("[note, note]", "1 findings have 2 finding_kinds; give one kind per finding"),
        ("[gossip]", "fitted_on.finding_kinds.0: "),
    ],
)
def test_kinds_that_do_not_match_the_findings_are_refused(policy, kinds, message):
    replace_in(policy, "finding_kinds: [note]", f"finding_kinds: {kinds}")

    assert message in refusal(policy, PolicySchemaError)


def test_several_problems_are_counted(policy):
    replace_in(policy, "runs: 1499", "runs: many")
    replace_in(policy, "ratio: 0.97", "ratio: 0")
    replace_in(policy, "set_aside: 12", "set_aside: -1")

    assert "target.ratio: must be more than 0 (got 0); 2 more such keys" in refusal(policy, PolicySchemaError)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "policy.yaml: is empty"),
        ("{", "policy.yaml, line "),
        ("a: &x 1", "policy.yaml, line 1: uses an anchor"),
        ("a: !!python/name:os.system ''", "policy.yaml, line 1: uses a tag"),
        ("a: 1\na: 2", "policy.yaml, line 2: key 'a' is given twice"),
        ("[" * 1_000_000, "policy.yaml, line 1: nests deeper"),
        ("a: \0", "policy.yaml, line 1: holds the character '\\x00'"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_a_policy_error(policy, content, message):
    policy.write_text(content)

    assert message in refusal(policy, PolicyError)


@pytest.mark.parametrize("content", ["text", "[1, 2]", "12", "null"])
def test_a_file_that_is_no_mapping_is_not_a_policy(policy, content):
    policy.write_text(content)

    assert "policy.yaml: is not a policy: must be a mapping" in refusal(policy, PolicySchemaError)


def test_a_missing_file_and_a_folder_are_policy_errors(tmp_path):
    assert "gone.yaml: cannot be read: No such file or directory" in refusal(tmp_path / "gone.yaml", PolicyError)
    (tmp_path / "folder.yaml").mkdir()
    assert "folder.yaml: is not a file" in refusal(tmp_path / "folder.yaml", PolicyError)


# Tampering with the side file


def test_a_missing_side_file_is_named(policy):
    policy.with_suffix(".safetensors").unlink()

    message = refusal(policy, PolicyChecksumError)

    assert "policy.yaml: policy.safetensors is missing; copy it beside policy.yaml" == message


def test_one_flipped_bit_in_the_side_file_is_noticed(policy):
    side = policy.with_suffix(".safetensors")
    content = bytearray(side.read_bytes())
    content[-1] ^= 1
    side.write_bytes(content)

    message = refusal(policy, PolicyChecksumError)

    assert "policy.safetensors was changed after the policy was written; fit or copy both files again" in message


def test_a_side_file_of_another_policy_is_noticed(policy, tmp_path):
    write_policy(tmp_path / "other.yaml", PolicyDocument.model_validate(DOCUMENT), {"weights": np.ones(3)})
    (tmp_path / "other.safetensors").replace(policy.with_suffix(".safetensors"))

    assert "was changed" in refusal(policy, PolicyChecksumError)


def test_a_side_file_that_is_a_link_or_a_folder_is_refused(policy):
    side = policy.with_suffix(".safetensors")
    side.rename(policy.parent / "real.safetensors")
    side.symlink_to(policy.parent / "real.safetensors")
    assert "policy.safetensors is a link or no plain file" in refusal(policy, PolicyChecksumError)

    side.unlink()
    side.mkdir()
    assert "policy.safetensors is a link or no plain file" in refusal(policy, PolicyChecksumError)


def test_a_linked_policy_finds_its_side_file_beside_the_real_one(policy, tmp_path):
    (tmp_path / "deployed").mkdir()
    link = tmp_path / "deployed" / "current.yaml"
    link.symlink_to(policy)

    assert read_policy(policy)[0] == read_policy(link)[0]


def test_a_side_file_that_is_too_large_is_refused_unread(policy):
    os.truncate(policy.with_suffix(".safetensors"), 2**36)  # sparse: it takes no room on the disk

    assert "policy.safetensors is larger than 1 GiB" in refusal(policy, PolicyChecksumError)


@pytest.mark.parametrize("size", [0, 4, 8, 60, -1])
def test_a_truncated_side_file_with_a_matching_checksum_is_damaged(policy, size):
    side = policy.with_suffix(".safetensors")
    side.write_bytes(side.read_bytes()[:size])
    sign(policy)

    assert "policy.safetensors: is damaged: " in refusal(policy, PolicyError)


def test_a_side_file_that_claims_a_huge_array_is_damaged(policy):
    header = json.dumps({"a": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}).encode()
    policy.with_suffix(".safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    sign(policy)

    assert "policy.safetensors: is damaged: " in refusal(policy, PolicyError)


def test_an_array_of_a_type_that_is_never_written_is_refused(policy):
    header = json.dumps({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    policy.with_suffix(".safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    sign(policy)

    assert "policy.safetensors: array a has type BF16" in refusal(policy, PolicyError)


# Fuzz: what is read is a policy, or a typed error with one line


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
    policy.write_text(_yaml.dumps(tree, text_keys=()))

    read_or_typed_error(policy)


# The schema, and what reading loads


def test_the_committed_json_schema_is_current():
    assert json.loads(SCHEMA_FILE.read_text()) == policy_schema(), "write it again: paretoroute schema"


def test_every_key_of_the_document_is_in_the_json_schema():
    schema = policy_schema()

    assert list(DOCUMENT) == list(schema["properties"])
    assert all(not section.get("additionalProperties", True) for section in [schema, *schema["$defs"].values()])


def test_the_budget_kinds_are_those_of_the_grid():
    kinds = policy_schema()["$defs"]["PointEntry"]["properties"]["kind"]["enum"]

    assert list(BUDGET_KINDS) == kinds
    assert "kind" in PointEntry.model_fields


def test_reading_a_policy_loads_nothing_heavy(policy):
    program = (
        "import sys; from paretoroute.policy.files import read_policy; read_policy(sys.argv[1]);"
        "print([m for m in ('jax', 'scipy', 'sklearn', 'pandas', 'pyarrow', 'optax') if m in sys.modules])"
    )

    done = python("-c", program, policy)

    assert ("[]", "") == (done.stdout.strip(), done.stderr)


def test_the_side_file_is_readable_by_safetensors_itself(policy):
    arrays = safetensors.numpy.load_file(policy.with_suffix(".safetensors"))

    np.testing.assert_array_equal(ARRAYS["weights"], arrays["weights"])
