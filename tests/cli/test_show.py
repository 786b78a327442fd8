"""show and schema."""

import json

import pytest

from tests.cli.asking import one_line
from tests.planner_cases import command, fitted


def test_show_draws_in_the_terminal_and_to_a_file(tmp_path):
    for name in ("picture.svg", "picture.html"):
        said = command("show", fitted().policy_path, "--out", tmp_path / name)
        assert said.code == 0, said
        assert "org/模型@v1" in said.out
        assert "org/模型@v1" in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("out", ["picture.png", "nowhere/picture.svg"])
def test_show_refuses_a_picture_that_it_cannot_write(tmp_path, out):
    said = command("show", fitted().policy_path, "--out", tmp_path / out)

    one_line(said)
    assert said.out == ""


def test_schema_is_json(tmp_path):
    said = command("schema")

    assert json.loads(said.out)["title"] == "PolicyDocument"
    assert command("schema", "--out", tmp_path / "schema.json").code == 0
    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == json.loads(said.out)
