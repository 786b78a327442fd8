"""export: an alias per point for LiteLLM's proxy, printed or written, never over a file of another's."""

import pytest
import yaml

from tests.cli.asking import one_line
from tests.planner_cases import command, fitted

DEPLOYED = [
    argument for name in ("small", "thinker", "metered") for argument in ("--deployment", f"{name}=openai/{name}-1")
]


def export(*arguments: object):
    return command("export", fitted().policy_path, *arguments)


def test_a_configuration_is_printed_or_written_again_and_again(tmp_path):
    out = tmp_path / "points.yaml"

    printed = export("--format", "litellm", *DEPLOYED)
    for _ in range(2):
        written = export("--format", "litellm", *DEPLOYED, "--out", out)
        assert written.code == 0, written
        assert "5 points" in written.out

    assert printed.out == out.read_text(encoding="utf-8")
    models = {entry["litellm_params"]["model"] for entry in yaml.safe_load(printed.out)["model_list"]}
    assert models == {"openai/small-1", "openai/thinker-1", "openai/metered-1", "org/模型@v1"}


def test_a_file_of_another_is_never_written_over(tmp_path):
    out = tmp_path / "config.yaml"
    out.write_text("model_list: []\n", encoding="utf-8")

    result = export("--format", "litellm", *DEPLOYED, "--out", out)

    assert "was not written by export" in one_line(result)
    assert out.read_text(encoding="utf-8") == "model_list: []\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "litelm"), "--format 'litelm' cannot be written; write litellm"),
        (("--format", "semantic-router"), "cannot weigh quality against cost per query"),
        (("--format", "litellm"), "the provider of 'metered', 'small', 'thinker' is not known"),
        (("--format", "litellm", "--deployment", "small"), "write NAME=MODEL"),
        (("--format", "litellm", *DEPLOYED, "--deployment", "small=b"), "'small' has one already"),
        (("--format", "litellm", "--deployment", "smal=b"), "no model 'smal' to deploy; near: 'small'"),
        (("--format", "litellm", *DEPLOYED, "--out", "nowhere/points.yaml"), "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_exported_is_refused(arguments, message):
    assert message in one_line(export(*arguments))
