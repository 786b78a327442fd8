"""The command line: what it answers, with which exit code, and that bad input leaves nothing behind."""

from importlib.metadata import version

import pytest

from tests.cli.asking import QUERY, one_line
from tests.planner_cases import command, fitted
from tests.processes import python


@pytest.mark.parametrize("arguments", [(), ("fit",), ("fit", "log.jsonl"), ("fly",), ("plan", "p.yaml", "--cap", "1")])
def test_wrong_usage_exits_2(arguments):
    assert command(*arguments).code == 2


def test_a_policy_that_cannot_be_read_is_refused_by_every_command(tmp_path):
    (tmp_path / "broken.yaml").write_text("schema: 1\n  name: [", encoding="utf-8")
    (tmp_path / "lonely.yaml").write_bytes(fitted().policy_path.read_bytes())

    for name, message in (
        ("gone.yaml", "gone.yaml"),
        ("broken.yaml", "broken.yaml"),
        ("lonely.yaml", "is missing; copy it"),
    ):
        path = tmp_path / name
        for arguments in (
            ("plan", path, QUERY),
            ("replay", path, fitted().runs_path),
            ("solve", path, "--max-cost", "1", "--out", tmp_path / "o.yaml"),
        ):
            assert message in one_line(command(*arguments)), (name, arguments)
    assert not (tmp_path / "o.yaml").exists()


def test_debug_shows_the_trace_and_the_line():
    result = command("--debug", "plan", fitted().policy_path, QUERY, "--models", "large")

    assert result.code == 2
    assert "Traceback (most recent call last)" in result.err
    assert result.err.splitlines()[-1].startswith("paretoroute: unknown model 'large'")


def test_every_command_has_help():
    for name in ("fit", "solve", "plan", "replay", "compare", "show", "demo", "schema"):
        result = command(name, "--help")
        assert result.code == 0
        assert "Usage: paretoroute" in result.out


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_that_of_the_package(option):
    assert command(option) == (0, f"paretoroute {version('paretoroute')}\n", "")


def test_the_installed_process_gives_the_exit_code_and_no_wrapped_lines(tmp_path):
    bad, good = (
        python("-m", "paretoroute", "plan", policy, QUERY, cwd=tmp_path)
        for policy in ("gone.yaml", fitted().policy_path)
    )

    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("paretoroute: gone.yaml")
    assert good.returncode == 0
    assert [line for line in good.stdout.splitlines() if line.startswith("why")][0].endswith("per 1,000 queries.")
