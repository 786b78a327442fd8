"""Planning loads few modules, and needs none of the packages of the extra ``fit``."""

import pytest

from paretoroute.errors import FIT_PACKAGES
from tests.processes import ROOT, python, without

MOST_MODULES = 35
NEVER = ("fitting", "calibration", "runs", "evaluation", "report", "cli", "solver.coupled", "solver.single")
NEVER += ("policy.signatures",)  # where no key is trusted
SHIPPED = sorted((ROOT / "policies").glob("*.yaml"))
PLAN = "import paretoroute as pr\nplanner = pr.Planner.load({path!r}{more})\ndecision = planner.plan('Who wrote it?')\n"


def lines(code: str, folder) -> list[str]:
    """Run code in a fresh process; return the lines it prints."""
    done = python("-c", code, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_both_shipped_policies_are_tried():
    assert [path.stem for path in SHIPPED] == ["demo-max-cost", "demo-same-quality"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_planning_loads_at_most_35_of_our_modules_and_none_of_fitting(path, tmp_path):
    code = PLAN.format(path=str(path), more="") + "import sys\nprint(*sys.modules, sep='\\n')"

    modules = [name.partition(".") for name in lines(code, tmp_path)]
    loaded = {rest for package, _, rest in modules if package == "paretoroute"}

    assert "cryptography" not in {package for package, *_ in modules}
    assert len(loaded) <= MOST_MODULES, sorted(loaded)
    assert [name for name in loaded if any(f"{name}.".startswith(f"{package}.") for package in NEVER)] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_host_without_the_fit_extra_plans_with_dialects_in_batches_and_tasks(path, tmp_path):
    code = (
        without(*FIT_PACKAGES, "pandas")
        + PLAN.format(path=str(path), more=", dialect='openai'")
        + "print(decision.request_kwargs('openai')['model'], decision.request_kwargs('litellm')['model'])\n"
        + "print(len(planner.plan_batch(['a', 'b', None], query_ids=['1', '2', '3'], max_cost_usd=1.0)))\n"
        + "task = planner.start_task(['plan', ('write', 'Write it.')], max_cost_usd=0.01)\n"
        + "print(task.plan('plan', 'Plan it.').status, task.preview().status)\n"
        + "exploring = pr.Planner(planner.policy, explore=0.5)\n"
        + "print(exploring.preview_exploration().calls > 0, exploring.plan('a', query_id='1').propensity < 1)\n"
        + "print(sorted(name for name in sys.modules if name in {packages}))\n".replace(
            "{packages}", repr(FIT_PACKAGES)
        )
    )

    models, batch, task, explored, loaded = lines(code, tmp_path)

    assert len(set(models.split())) == 1
    assert batch == "3"
    assert "infeasible" not in task
    assert explored == "True True"
    assert loaded == "[]"
