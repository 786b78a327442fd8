"""A host without the extra ``fit``: whatever needs it names the command that installs it."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from paretoroute.errors import (
    FIT_PACKAGES,
    SERVE_PACKAGES,
    SIGNATURE_PACKAGES,
    MissingExtraError,
    ParetorouteError,
    fit_extra,
    needs_fit_extra,
)
from tests.processes import ROOT, python, without

POLICY = ROOT / "policies" / "demo-max-cost.yaml"
RUNS = ROOT / "paretoroute" / "data" / "demo_runs.parquet"
INSTALL = "pip install 'paretoroute[fit]'"

RUN_DEMO = "sys.argv = ['paretoroute', 'demo']\nfrom paretoroute.__main__ import main\nmain()\n"
WITHOUT_EXTRAS = without(*FIT_PACKAGES, "pandas", "sklearn") + "import paretoroute as pr\n"


def answer(program: str, tmp_path: Path) -> str:
    """Run a program where the extras are not installed; return what it prints."""
    done = python("-c", WITHOUT_EXTRAS + program, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


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


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_needs_no_extra(option, tmp_path):
    started = (
        f"import runpy; sys.argv = ['paretoroute', '{option}']; runpy.run_module('paretoroute', run_name='__main__')"
    )

    done = python("-c", WITHOUT_EXTRAS + started, cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"paretoroute {version('paretoroute')}\n", "")


@pytest.mark.parametrize("package", ["rich", "pyarrow"])
def test_a_command_that_lacks_one_package_names_it_and_exits_with_2(package, tmp_path):
    done = python("-c", without(package) + RUN_DEMO, cwd=tmp_path)

    assert done.returncode == 2
    assert re.fullmatch(
        f"paretoroute: .* needs {package}, which is not installed; run: {re.escape(INSTALL)}\n", done.stderr
    )


def test_a_target_alone_is_solved_without_the_extra(tmp_path):
    solving = "import numpy as np; print(pr.solve(pr.Forecast(np.eye(2), np.eye(2)), pr.MaxCost(usd=0.4)).status)"

    assert answer(solving, tmp_path) == "met"


def test_the_packages_of_the_extras_are_those_of_the_project_file():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    fit, serve, signatures = (
        {requirement.partition(">")[0].replace("-", "_") for requirement in project["optional-dependencies"][extra]}
        for extra in ("fit", "serve", "signatures")
    )

    assert set(FIT_PACKAGES) == fit | {"jaxlib"}  # which jax installs
    assert set(SERVE_PACKAGES) == serve - fit - {"httptools"}  # uvicorn does without; typer and rich are checked first
    assert set(SIGNATURE_PACKAGES) == signatures | {"cffi", "_cffi_backend"}  # which cryptography installs


def test_python_m_paretoroute_is_the_command(tmp_path):
    done = python("-m", "paretoroute", "--help", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: paretoroute" in done.stdout


def test_a_module_that_is_missing_deep_in_a_call_is_named_by_its_package():
    @needs_fit_extra
    def fit_something() -> None:
        raise ModuleNotFoundError("No module named 'jax.numpy'", name="jax.numpy")

    with pytest.raises(MissingExtraError, match="fit_something needs jax, which is not installed") as caught:
        fit_something()

    assert isinstance(caught.value, ImportError) and isinstance(caught.value, ParetorouteError)


def test_another_missing_module_is_not_blamed_on_the_extra():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), fit_extra("the test"):
        import no_such_module  # noqa: F401  # pyright: ignore[reportMissingImports]  # it must not exist
