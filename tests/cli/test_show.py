"""show and schema."""

import json

import pytest

from tests.cli.asking import one_line
from tests.planner_cases import command, fitted


def test_show_draws_in_the_terminal_and_to_a_file(tmp_path):
    for name in ("picture.svg", "picture.html"):
        result = command("show", fitted().policy_path, "--out", tmp_path / name)
        assert result.code == 0, result
        assert "org/模型@v1" in result.out
        assert "org/模型@v1" in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("out", ["picture.png", "nowhere/picture.svg"])
def test_show_refuses_a_picture_that_it_cannot_write(tmp_path, out):
    result = command("show", fitted().policy_path, "--out", tmp_path / out)

    one_line(result)
    assert result.out == ""


def test_schema_is_json(tmp_path):
    result = command("schema")

    assert json.loads(result.out)["title"] == "PolicyDocument"
    assert command("schema", "--out", tmp_path / "schema.json").code == 0
    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == json.loads(result.out)
