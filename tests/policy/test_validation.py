"""A policy file that was edited: what is wrong is named by its key."""

import pytest

from paretoroute import _yaml
from paretoroute.errors import PolicyError, PolicySchemaError
from paretoroute.policy.files import read_policy
from tests.policy.documents import refusal, replace_in, side_of


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: 1", "schema: 2", "schema 2 was written by a newer paretoroute (this one reads schema 1); upgrade"),
        ("schema: 1\n", "", "policy.yaml: schema: is missing"),
        ("schema: 1", "schema: 0", "policy.yaml: schema: must be 1 (got 0)"),
        ("schema: 1", "schema: true", "policy.yaml: schema: must be 1 (got true)"),
        ("schema: 1", 'schema: "1"', "policy.yaml: schema: must be 1 (got the text '1')"),
        ("ratio: 0.97", "ratio: 97", "policy.yaml: target.ratio: must be at most 10 (got 97)"),
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
        ("status: met", "status: solved", "'infeasible' or 'unsupported' (got the text 'solved'"),
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
    name = side_of(policy).name
    replace_in(policy, *(text.replace("policy.safetensors", name) for text in (old, new)))

    assert message in refusal(policy, PolicySchemaError)


def test_one_problem_is_reported_as_one(policy):
    replace_in(policy, "share: 0.2", "share: -0.1")

    assert refusal(policy, PolicySchemaError).endswith("must be at least 0 (got -0.1)")


def test_findings_of_an_older_file_are_read_as_notes(policy):
    replace_in(policy, "  finding_kinds: [note]\n", "")

    document = read_policy(policy).document

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
    policy.write_text(content, encoding="utf-8")

    assert message in refusal(policy, PolicyError)


@pytest.mark.parametrize("content", ["text", "[1, 2]", "12", "null"])
def test_a_file_that_is_no_mapping_is_not_a_policy(policy, content):
    policy.write_text(content, encoding="utf-8")

    assert "policy.yaml: is not a policy: must be a mapping" in refusal(policy, PolicySchemaError)


def test_a_missing_file_and_a_folder_are_policy_errors(tmp_path):
    assert "gone.yaml: cannot be read: No such file or directory" in refusal(tmp_path / "gone.yaml", PolicyError)
    (tmp_path / "folder.yaml").mkdir()
    assert "folder.yaml: is not a file" in refusal(tmp_path / "folder.yaml", PolicyError)


SIDE = {"objective": 1.0, "prices": [0.1, 0.2]}


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("sides", [], "solution.mixture.sides: must not be empty"),
        (
            "sides",
            [SIDE | {"weights": [0.4]}],
            "solution.mixture: the weights of kind '11' add up to 0.4, must add up to",
        ),
        (
            "sides",
            3 * [SIDE | {"weights": [0.5]}],
            "the weights of kind '11' add up to 1.5, must add up to 1; solve again",
        ),
        ("sides", [SIDE | {"weights": [0.5, 0.5]}], "every side needs a price per row and a weight per kind"),
        ("sides", [SIDE | {"weights": [-1.0]}], "solution.mixture.sides.0.weights.0: must be at least 0 (got -1.0)"),
        ("kinds", ["11", "11"], "every side needs a price per row and a weight per kind"),
        ("kinds", ["1"], "prices and kinds must have one entry for each of the 2 rows"),
    ],
)
def test_a_mixture_that_no_solve_writes_is_refused(policy, where, value, message):
    data = _yaml.read(policy)
    data["solution"]["mixture"][where] = value
    policy.write_text(_yaml.dumps(data), encoding="utf-8")

    assert message in refusal(policy, PolicySchemaError)


@pytest.mark.parametrize("change", [0.25, -0.25, 1e-4])
def test_shares_of_calls_that_do_not_add_up_to_one_are_refused(policy, change):
    data = _yaml.read(policy)
    point = max((point for entry in data["grid"] for point in entry["points"]), key=lambda point: point["share"])
    point["share"] += change if point["share"] + change <= 1 else -abs(change)
    policy.write_text(_yaml.dumps(data), encoding="utf-8")

    assert "the shares of the points in the grid add up to " in refusal(policy, PolicySchemaError)


def test_a_kind_of_query_that_is_listed_twice_in_a_mixture_is_refused(policy):
    data = _yaml.read(policy)
    mixture = data["solution"]["mixture"]
    mixture |= {"kinds": ["11", "11"], "sides": [SIDE | {"weights": [1.0, 1.0]}]}
    policy.write_text(_yaml.dumps(data), encoding="utf-8")

    assert "solution.mixture: kind '11' is listed twice; keep one" in refusal(policy, PolicySchemaError)


def test_an_interval_of_the_trade_off_whose_ends_are_swapped_is_refused(policy):
    data = _yaml.read(policy)
    data["trade_off"][0] |= {"quality_low": 0.9, "quality_high": 0.8}
    policy.write_text(_yaml.dumps(data), encoding="utf-8")

    assert "trade_off.0: quality_low is 0.9, above quality_high, 0.8" in refusal(policy, PolicySchemaError)
