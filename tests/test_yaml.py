"""Strict YAML: what is read back equals what was written, and anything unsafe is refused."""

import enum
import math

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from paretoroute import _yaml
from paretoroute._yaml import MAX_DEPTH, MAX_EVENTS, TEXT_KEYS, YamlError, dumps, loads, loads_bytes, read

NUMBERS = st.integers(-(10**60), 10**60) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
CONFUSABLE = st.sampled_from(
    "1 1.5 1e5 .5 -0 0x10 1_000 1:30 off No TRUE null ~ .nan .inf = << - ? & * ! | > % @ # a:b".split()
)
LABELS = (
    TEXTS | CONFUSABLE | st.sampled_from(["", " ", "a: b", "a #b", "- a", "?", "---", "...", "2026-01-01", "a\n b"])
)
SCALARS = st.none() | st.booleans() | NUMBERS | LABELS
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(LABELS.filter(lambda k: k not in TEXT_KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


class Kind(enum.StrEnum):
    SAMPLES = "samples"


class Level(enum.IntEnum):
    HIGH = 2


@pytest.fixture(params=["C parser", "Python parser"])
def parser(request):
    if request.param == "Python parser":
        return yaml.SafeLoader
    if not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    return yaml.CSafeLoader


def refusal(text: str, parser=_yaml.PARSER) -> str:
    with pytest.raises(YamlError) as caught:
        loads(text, name="policy.yaml", parser=parser)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("policy.yaml")
    return message


@given(DATA)
def test_what_is_written_is_read_back_unchanged(data):
    again = loads(dumps(data), name="policy.yaml")

    assert repr(data) == repr(again), "types, order and the sign of zero count too"


@given(DATA)
def test_any_yaml_reader_takes_what_is_written_for_the_same(data):
    """A reviewer's own tools must not see other values than we do."""
    assert repr(data) == repr(yaml.load(dumps(data), Loader=yaml.SafeLoader))


@given(st.dictionaries(st.sampled_from(sorted(TEXT_KEYS)), LABELS | st.lists(LABELS, max_size=3)))
def test_labels_survive_whatever_they_look_like(data):
    assert data == loads(dumps(data), name="policy.yaml")


@given(DATA)
def test_what_is_written_is_printable_lines(data):
    assert all(line.isprintable() for line in dumps(data).split("\n"))


@given(st.text(alphabet="[]{},:-?&*!|>'\"%@#~ \n\ta1.e", max_size=40))
def test_any_text_is_data_or_a_typed_error(text):
    try:
        loads(text, name="policy.yaml")
    except YamlError:
        pass


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("12", 12), ("-3", -3), ("+3", 3), ("0", 0), ("0.25", 0.25), ("1e-06", 1e-06), ("1.5E+3", 1500.0), (".5", 0.5),
        ("true", True), ("false", False), ("null", None),
    ],
)  # fmt: skip
def test_plain_decimals_and_three_words_have_a_meaning(plain, value, parser):
    assert repr({"x": value}) == repr(loads(f"x: {plain}", name="policy.yaml", parser=parser))


@pytest.mark.parametrize(
    "plain",
    "1:30 off no Yes TRUE Null ~ 0x10 0o7 007 1_000 2026-01-01 .nan .inf -.inf nan inf 1e400 -1e999 ١٢ 12- = <<".split()
    + ["9" * 5000, "1e" + "9" * 100],
)
def test_everything_else_stays_the_text_that_stands_there(plain, parser):
    assert {"x": plain} == loads(f"x: {plain}", name="policy.yaml", parser=parser)


@pytest.mark.parametrize("quoted", ['"12"', "'12'", '"true"', '"null"', '""'])
def test_a_quoted_value_is_text(quoted, parser):
    assert {"x": quoted[1:-1]} == loads(f"x: {quoted}", name="policy.yaml", parser=parser)


def test_a_value_left_out_is_null(parser):
    assert {"x": None, "label": None} == loads("x:\nlabel:", name="policy.yaml", parser=parser)


def test_names_and_labels_are_read_as_text_even_unquoted(parser):
    text = "points:\n- {label: 16000, amount: 16000}\n- {label: off, amount: null}\nmodel: [4, 1e5]\nof: null\n7: 7"

    data = loads(text, name="policy.yaml", parser=parser)

    points = [{"label": "16000", "amount": 16000}, {"label": "off", "amount": None}]
    assert {"points": points, "model": ["4", "1e5"], "of": "null", "7": 7} == data


def test_mappings_inside_a_named_list_are_plain_data_again(parser):
    assert {"model": [{"x": 1}]} == loads("model: [{x: 1}]", name="policy.yaml", parser=parser)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: 2\na: 3", 3, "key 'a' is given twice"),
        ("a: {b: 1, b: 1}", 1, "key 'b' is given twice"),
        ("a: 1\n'a': 2", 2, "key 'a' is given twice"),
        ("a: 1\nb: &x 2", 2, "anchor"),
        ("a: &x [1]", 1, "anchor"),
        ("a: *x", 1, "alias"),
        ("a: !!python/object/apply:os.system [ls]", 1, "tag"),
        ("a: !x {}", 1, "tag"),
        ("a: ! b", 1, "tag"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("? [a]\n: 1", 1, "key"),
        ("? {a: 1}\n: 1", 1, "key"),
        ("a: 1\nb: ]", 2, "not YAML"),
        ("a:\n\tb: 1", 2, "not YAML"),
        ("a: 1\nb: x\x00", 2, "character '\\x00'"),
        ("a: \ud800", 1, "character '\\ud800'"),
    ],
)
def test_a_refusal_names_the_line_and_the_reason(text, line, reason, parser):
    message = refusal(text, parser)

    assert f"line {line}: " in message
    assert reason in message


def test_an_empty_file_is_refused(parser):
    assert "is empty" in refusal("# only a comment\n", parser)


@pytest.mark.parametrize("escape", [r'"\ud800"', r'"\U00110000"', r'"\x"'])
def test_escapes_that_are_no_character_are_refused(escape, parser):
    refusal(f"a: {escape}", parser)


@pytest.mark.parametrize("brackets", ["[", "{a: ", "- ", "? ", "{? ", "[a: "])
def test_a_million_nested_collections_are_refused_at_once(brackets, parser):
    events = 0

    class Counting(parser):
        def get_event(self):
            nonlocal events
            events += 1
            return super().get_event()

    refusal(brackets * 1_000_000, Counting)

    # A level opens with at most four events (of "[a: ": a list, a mapping, a key, and the list in it); libyaml may
    # refuse before the first.
    assert events < 4 * MAX_DEPTH + 10


def test_nesting_is_allowed_up_to_the_limit(parser):
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH

    assert deepest == repr(loads(deepest, name="policy.yaml", parser=parser))
    assert "deeper" in refusal(f"[{deepest}]", parser)


def test_an_alias_bomb_is_refused_before_it_grows(parser):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]

    assert "anchor" in refusal("\n".join(lines), parser)


def test_too_many_items_are_refused():
    assert "more than 200000 items" in refusal("[" + "a," * MAX_EVENTS + "]")


def test_too_long_a_text_is_refused(parser):
    assert "more than 65536 characters" in refusal("a: " + "x" * 65537, parser)


def test_too_large_a_file_is_refused_without_reading_it_all(tmp_path):
    with open(tmp_path / "big.yaml", "wb") as file:
        file.truncate(2**36)  # sparse: it takes no room on the disk

    with pytest.raises(YamlError, match="^big.yaml: is larger than"):
        read(tmp_path / "big.yaml")


@pytest.mark.parametrize("content", [b"\xff\xfea\x00", b"a: \xc3\x28", b"\x80"])
def test_a_file_that_is_not_utf8_is_refused(content, tmp_path):
    (tmp_path / "x.yaml").write_bytes(content)

    with pytest.raises(YamlError, match="line 1: is not UTF-8 text"):
        read(tmp_path / "x.yaml")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: two\r\n")

    assert {"a": 1, "b": "two"} == read(tmp_path / "x.yaml")


def test_a_missing_file_and_a_folder_are_named_without_their_path(tmp_path):
    with pytest.raises(YamlError, match="^gone.yaml: cannot be read: No such file"):
        read(tmp_path / "gone.yaml")
    with pytest.raises(YamlError, match=f"^{tmp_path.name}: is not a file"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"a": [1.0, math.nan]}, "a.1: nan cannot be written"),
        ({"a": math.inf}, "a: inf cannot be written"),
        ({"a": 10**5000}, "a: an integer of more than 64 digits"),
        ({"a": object}, "a: <class 'object'> cannot be written"),
        ({"a": "x\ud800"}, "a: holds half a character"),
        ({"a": {1: 2}}, "a: key 1 is not text"),
        ({"a": "x" * 65537}, "a: holds a text of more"),
        ({"k" * 1001: 1}, "longer than 1000 characters"),
        ({"label": 16000}, "label: must be text, got 16000"),
        ({"model": [None]}, "model.0: must be text, got None"),
    ],
)
def test_data_that_would_not_be_read_back_is_not_written(data, reason):
    with pytest.raises(YamlError) as caught:
        dumps(data)

    assert reason in str(caught.value)


def test_data_nested_in_itself_is_not_written():
    data: dict = {}
    data["self"] = data

    with pytest.raises(YamlError, match="nests deeper"):
        dumps(data)


@pytest.mark.parametrize("char", ["k", "\x85", "\U000e0001"])
def test_long_keys_are_read_back_or_refused(char, parser):
    for length in (80, 99, 127, 128, 200, 998):
        data = {char * length: {char * length: [1]}}
        try:
            text = dumps(data)
        except YamlError as error:
            assert "longer than 1000 characters" in str(error)
        else:
            assert data == loads(text, name="policy.yaml", parser=parser) == yaml.safe_load(text)


@pytest.mark.parametrize(("value", "written"), [(1e-06, "1.0e-06"), (-5e22, "-5.0e+22"), (1.5e-07, "1.5e-07")])
def test_exponents_are_numbers_to_yaml_1_1_too(value, written):
    assert f"x: {written}\n" == dumps({"x": value})


def test_numpy_floats_and_enumerations_are_written_as_the_plain_values_they_are():
    data = {"share": np.float64(0.5), "kind": Kind.SAMPLES, "level": Level.HIGH}

    assert "share: 0.5\nkind: samples\nlevel: 2\n" == dumps(data)


def test_collections_stand_on_one_line_only_if_they_fit():
    row = {f"key_{i}": 0.123456 for i in range(10)}

    lines = dumps({"row": row, "rows": [row, row], "long": [row | {str(i): "x" * 30 for i in range(9)}]}).splitlines()

    assert lines[:2] == ["row:", "  key_0: 0.123456"]
    assert [len(line) for line in lines if line.startswith("  - {")] == [174, 174]
    assert all(len(line) <= 240 for line in lines)


def test_the_deepest_data_that_is_written_can_be_read():
    data = 1
    for level in range(MAX_DEPTH):
        data = [data] if level % 2 else {"a": data}

    assert data == loads(dumps(data), name="policy.yaml")


def test_a_policy_like_file_reads_like_a_table():
    data = {
        "schema": 1,
        "target": {"kind": "max_cost", "usd": 1e-06},
        "grid": [
            {"model": "gpt-5", "points": [{"kind": "effort", "label": "low"}, {"kind": "effort", "label": "off"}]}
        ],
        "binds": [],
        "text": "Größe 漢字 \u202e\x85",
    }

    assert (
        "# first\n"
        "schema: 1\n"
        "target: {kind: max_cost, usd: 1.0e-06}\n"
        "\n"
        "# What may be called.\n"
        "# And its prices.\n"
        "grid:\n"
        '  - model: "gpt-5"\n'
        "    points:\n"
        '      - {kind: effort, label: "low"}\n'
        '      - {kind: effort, label: "off"}\n'
        "binds: []\n"
        'text: "Größe 漢字 \\u202e\\x85"\n'
    ) == dumps(data, comments={"schema": "first", "grid": "What may be called.\nAnd its prices."})


@pytest.mark.parametrize("text", ["a: 1\n\ufeffb: 2\n", "a: [1,\ufeff 2]\n", "\ufeff\ufeffa: 1\n"])
def test_a_byte_order_mark_inside_the_text_is_refused_since_parsers_disagree_about_it(text):
    with pytest.raises(YamlError, match=r"holds the character '.ufeff'; write it as an escape in quotes"):
        loads_bytes(text.encode(), name="a.yaml")


def test_a_byte_order_mark_in_front_of_the_file_or_as_an_escape_is_read():
    assert loads_bytes("\ufeffa: 1\n".encode(), name="a.yaml") == {"a": 1}
    assert loads(dumps({"a": "x\ufeff"}), name="a.yaml") == {"a": "x\ufeff"}
