"""The public names, their documentation, and silence: only the command line prints."""

import ast
import inspect
from pathlib import Path

import pytest

import paretoroute
from tests.planner_cases import fitted
from tests.processes import python

PUBLIC = """
    Allowance AllowanceError Balance DecisionLog LedgerError Pace RedisLedger Reservation SqliteLedger
    BestTrade ContextLength Forbid LimitedSolution MaxCallCost MaxCallLatency MaxCostOf MaxMeanLatency MaxShare
    EncoderError MinQualityOf DriftReport MissingExtraError Monitor OnnxEncoder PlanPreview Require Task parse_limit
    Budget Calibrated Decision DialectError ExplorationPreview Forecast Frontier Grid GridError MaxCost MinQuality
    ParetorouteError Planner
    Point Policy PolicyChecksumError PolicyError PolicySchemaError Price QueryError Replay Runs RunsError Solution
    CertificateError Certified NotCertified certify verify
    KeyFileError PublicKey SignatureError sign_policy verify_signature
    Comparison TargetError calibrate compare demo_runs fit frontier import_runs read_grid read_prices read_runs replay
    solve
""".split()
FOLDER = Path(paretoroute.__path__[0])
SOURCES = sorted(FOLDER.rglob("*.py"))
MAY_PRINT = {"cli", "__main__.py"}


def test_the_public_names_are_exactly_these():
    assert paretoroute.__all__ == sorted(PUBLIC)
    assert dir(paretoroute) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_can_be_imported_and_is_documented(name):
    value = getattr(paretoroute, name)

    assert value.__name__ == name
    assert inspect.getdoc(value)


def test_names_of_before_stay_importable_but_are_not_listed():
    assert paretoroute.Outlook is paretoroute.PlanPreview  # pyright: ignore[reportAttributeAccessIssue]  # of before
    assert paretoroute.WorkflowRun is paretoroute.Task  # pyright: ignore[reportAttributeAccessIssue]  # of before


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="'paretoroute' has no attribute 'Router'"):
        _ = paretoroute.Router  # pyright: ignore[reportAttributeAccessIssue]  # refused


def test_type_checkers_see_the_same_names_as_everyone_else():
    tree = ast.parse((FOLDER / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.asname
        for block in tree.body
        if isinstance(block, ast.If)
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }

    assert seen == set(paretoroute.__all__)


def test_every_module_opens_with_what_it_is_about():
    silent = [path.name for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]

    assert silent == []


def _overload(node: ast.AST) -> bool:
    return any(ast.unparse(decorator) == "overload" for decorator in getattr(node, "decorator_list", ()))


@pytest.mark.parametrize("path", SOURCES, ids=[path.relative_to(FOLDER).as_posix() for path in SOURCES])
def test_every_public_function_and_class_has_a_docstring(path):
    silent = []

    def look(node: ast.AST, where: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if child.name.startswith("_") or _overload(child):
                continue
            if ast.get_docstring(child) is None:
                silent.append(where + child.name)
            if isinstance(child, ast.ClassDef):
                look(child, f"{where}{child.name}.")

    look(ast.parse(path.read_text(encoding="utf-8")), "")

    assert silent == []


@pytest.mark.parametrize("path", SOURCES, ids=[path.relative_to(FOLDER).as_posix() for path in SOURCES])
def test_only_the_command_line_prints(path):
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert "print" not in calls or path.relative_to(FOLDER).parts[0] in MAY_PRINT


def test_loading_and_planning_need_no_jax_and_importing_no_arrow(tmp_path):
    code = (
        "import sys, paretoroute\n"
        "assert 'numpy' not in sys.modules, 'import paretoroute loads numpy'\n"
        f"planner = paretoroute.Planner.load({str(fitted().policy_path)!r})\n"
        "planner.plan('which comes next: apple')\n"
        "print([name for name in ('jax', 'optax', 'scipy', 'pyarrow', 'pandas', 'rich') if name in sys.modules])\n"
    )

    done = python("-c", code, cwd=tmp_path)

    assert (done.stdout.strip(), done.stderr) == ("[]", "")
