"""A host that only plans: what it loads, and what it is told when it asks for the rest."""

import ast
import re
from pathlib import Path

import pytest

import paretoroute
import paretoroute as pr
from tests.processes import python

FOLDER = Path(paretoroute.__path__[0])
POLICY = Path(__file__).parents[1] / "policies" / "demo-max-cost.yaml"
RUNS = FOLDER / "data" / "demo_runs.parquet"
EXTRA = ("jax", "jaxlib", "optax", "scipy", "pyarrow", "orjson", "rich", "typer", "pandas", "sklearn")
INSTALL = "pip install 'paretoroute[fit]'"
MOST_MODULES = 35

# Stands before every program: a finder that refuses what the extras install, as if it were not there.
WITHOUT_EXTRAS = f"""
import sys
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRA}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refusing())
import paretoroute as pr
"""
PLAN = f"""
planner = pr.Planner.load({str(POLICY)!r})
decision = planner.plan("What is 8 times 7?", query_id="a")
"""


def answer(program: str, tmp_path: Path) -> str:
    """Run a program where the extras are not installed; return what it prints."""
    done = python("-c", WITHOUT_EXTRAS + program, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def holds_code(module: str) -> bool:
    """Whether a module holds more than a docstring."""
    path = FOLDER.joinpath(*module.split(".")[1:])
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
    return any(not isinstance(node, ast.Expr) for node in ast.parse(source).body)


def test_a_shipped_policy_is_loaded_and_plans(tmp_path):
    with_extras = pr.Planner.load(POLICY).plan("What is 8 times 7?", query_id="a")

    said = answer(PLAN + "print(decision.status, decision.point.name, decision.propensity)", tmp_path)

    assert said == f"{with_extras.status} {with_extras.point.name} {with_extras.propensity}"


def test_planning_loads_few_modules_and_none_that_fits_or_calibrates(tmp_path):
    listing = "print(*sorted(name for name in sys.modules if name.partition('.')[0] == 'paretoroute'))"
    loaded = answer(PLAN + listing, tmp_path).split()

    assert "paretoroute.planner.planner" in loaded
    for away in ("fitting", "calibration", "runs", "evaluation", "report", "cli", "solver.coupled", "solver.solve"):
        assert not [name for name in loaded if f"{name}.".startswith(f"paretoroute.{away}.")], away
    code = [name for name in loaded if holds_code(name)]
    assert len(code) <= MOST_MODULES, code


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("pr.fit", "paretoroute.fit"),
        ("pr.demo_runs()", "read_runs"),
        (f"pr.read_runs({str(RUNS)!r})", "read_runs"),
        (f"pr.Policy.load({str(POLICY)!r}).solve(pr.MaxCost(usd=1e-5))", "Policy.solve"),
        (
            "pr.solve(pr.Forecast(np.ones((3, 2)), np.ones(2)), pr.MaxCost(2), [pr.MaxShare(0.5, (0,))])",
            "solve with limits",
        ),
    ],
)
def test_what_the_extra_brings_names_the_command_that_installs_it(call, name, tmp_path):
    program = f"""
import numpy as np
try:
    {call}
except pr.MissingExtraError as error:
    print(error)
"""

    said = answer(program, tmp_path)

    assert re.fullmatch(f"{re.escape(name)} needs .*, which is not installed; run: {re.escape(INSTALL)}", said), said


def test_the_command_without_the_extra_names_the_command_that_installs_it(tmp_path):
    started = "import runpy; sys.argv = ['paretoroute', '--help']; runpy.run_module('paretoroute', run_name='__main__')"

    done = python("-c", WITHOUT_EXTRAS + started, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("paretoroute: the command paretoroute needs typer, which is not installed; run: ")
    assert done.stderr.endswith(f"{INSTALL}\n")
