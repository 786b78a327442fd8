"""Plain arguments are read as the command-line library reads them; all others are left to it."""

import functools
import inspect
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from paretoroute.cli.arguments.plain_call import plain_call
from paretoroute.cli.plan import plan
from tests.processes import ROOT, python

POLICY = ROOT / "policies" / "demo-max-cost.yaml"


def read_by_library(arguments: list[str]) -> dict:
    """The arguments that the library calls the command with."""
    seen, app = {}, typer.Typer()
    app.command()(functools.wraps(plan)(lambda **given: seen.update(given)))
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return seen


@pytest.mark.parametrize(
    "arguments",
    [
        ["p.yaml", "Hi"],
        ["p.yaml", "Hi there", "--max-cost", "0.01", "--min-quality", "1e-1", "--format", "json"],
        ["--models", "a,b", "p.yaml", "--max-latency", "3", "", "--query-id", "7"],
        ["p.yaml", "Hi", "--trusted-key", "a.pem", "--trusted-key", "b.pem", "--explore", ".05"],
        ["p.yaml", "--queries", "q.jsonl", "--tag", "x", "--tenant", "y", "--step", "z", "--request", "openai"],
        ["p.yaml", "Hi", "--previous", "m@low", "--cached-tokens", "10", "--switch-margin", "0", "--safe-point", "m"],
    ],
)
def test_plain_arguments_are_those_of_the_library(arguments):
    call = plain_call(plan, arguments)
    by_library = read_by_library(arguments)

    assert call is not None
    assert call.items() <= by_library.items()
    declared = inspect.signature(plan).parameters
    left_out = {name: value for name, value in by_library.items() if name not in call}
    assert all(not value or value == declared[name].default for name, value in left_out.items())
    assert {type(call[name]) for name in ("policy", "queries") if name in call} <= {type(Path())}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["p.yaml", "Hi", "--cap", "1"],
        ["p.yaml", "Hi", "more"],
        ["p.yaml", "Hi", "--max-cost"],
        ["p.yaml", "Hi", "--max-cost", "one"],
        ["p.yaml", "Hi", "--max-cost", "nan"],
        ["p.yaml", "Hi", "--max-cost", "-1"],
        ["p.yaml", "Hi", "--max-cost", "1_0"],
        ["p.yaml", "Hi", "--max-cost=1"],
        ["p.yaml", "Hi", "--tag", "a", "--tag", "b"],
        ["p.yaml", "--", "-Hi"],
        ["p.yaml", "-"],
    ],
)
def test_other_arguments_are_left_to_the_library(arguments):
    assert plain_call(plan, arguments) is None


def test_a_plan_from_the_command_line_loads_what_a_pipe_needs_and_no_other_command(tmp_path):
    code = (
        "import sys\nfrom paretoroute.cli.main import main\n"
        f"sys.argv = ['paretoroute', 'plan', {str(POLICY)!r}, 'Hi']\nmain()\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = python("-c", code, cwd=tmp_path)
    loaded = set(done.stderr.split())

    assert done.returncode == 0 and done.stdout.startswith("call")
    assert loaded & {"rich", "paretoroute.cli.fit", "paretoroute.cli.compare", "paretoroute.runs.values"} == set()
