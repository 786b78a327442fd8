"""Every rule reproduces the outputs of the original code on the cases in ``tests/golden``.

PARETOROUTE_GOLDEN names another folder of the same structure. Every output of every case is compared; a case of an
unknown name, without inputs or without outputs is a failure, and so is a folder without cases.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.evaluation.routers.golden import bandit, cascades, masrouter, metrics, pairs, routellm, simple
from tests.evaluation.routers.golden.same import differences, plain

OWN = Path(__file__).parents[2] / "golden"
FOLDER = Path(os.environ.get("PARETOROUTE_GOLDEN") or OWN)
SYSTEMS = {
    "argrouter": simple.ARGROUTER,
    "avengers_pro": simple.AVENGERS_PRO,
    "carrot": simple.CARROT,
    "cascade_routing": cascades.CASCADE_ROUTING | metrics.AUC,
    "frugalgpt": cascades.FRUGALGPT,
    "hybrid_best_route": pairs.HYBRID_BEST_ROUTE,
    "llm_blender": pairs.LLM_BLENDER,
    "llmrouterbench": metrics.LLMROUTERBENCH,
    "masrouter": masrouter.CASES,
    "paretobandit": bandit.CASES,
    "r2_router": simple.R2_ROUTER,
    "routellm": routellm.CASES,
    "routerarena": metrics.ROUTERARENA,
    "routerbench_aiq": metrics.ROUTERBENCH_AIQ,
    "routerbench_knn": simple.ROUTERBENCH_KNN,
}
TOLERANCE = {"": 1e-8}
TOLERANCES = {
    "cascade_routing": cascades.CASCADE_ROUTING_TOLERANCE,
    "llm_blender": pairs.LLM_BLENDER_TOLERANCE,
    "routellm": routellm.TOLERANCE,
}


def cases(path):
    return json.loads(path.read_bytes())["cases"]


CASES = [(path, k) for path in sorted(FOLDER.glob("*.json")) for k in range(len(cases(path)))]


def mismatches(system, case):
    """List where our outputs of one case differ from the original's."""
    inputs, outputs = case["inputs"], case["outputs"]
    assert inputs and outputs
    ours = plain(SYSTEMS[system][case["name"]](inputs, outputs))
    return differences(outputs, ours, TOLERANCE | TOLERANCES.get(system, {}))


@pytest.mark.parametrize(("path", "number"), CASES, ids=lambda value: getattr(value, "stem", str(value)))
def test_a_rule_reproduces_the_original_code(path, number):
    if path.stem not in SYSTEMS:
        pytest.skip(f"{path.name} is of no system that is compared")

    assert not mismatches(path.stem, cases(path)[number])


def test_the_folder_holds_cases_of_every_system():
    systems = {path.stem for path, _ in CASES}

    assert systems
    assert FOLDER != OWN or systems == set(SYSTEMS)


def test_a_case_of_an_unknown_name_or_without_its_inputs_fails():
    case = cases(OWN / "argrouter.json")[0]

    assert not mismatches("argrouter", case)
    with pytest.raises(KeyError):
        mismatches("argrouter", case | {"name": "decision_k11"})
    with pytest.raises(AssertionError):
        mismatches("argrouter", case | {"inputs": {}})
    with pytest.raises(KeyError):
        mismatches("argrouter", case | {"inputs": {k: v for k, v in case["inputs"].items() if k != "coef"}})


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_a_changed_output_is_noticed(system):
    case = cases(OWN / f"{system}.json")[0]
    outputs = json.loads(json.dumps(case["outputs"]), parse_float=lambda text: float(text) + 0.05)

    assert mismatches(system, case | {"outputs": outputs})
    assert mismatches(system, case | {"outputs": case["outputs"] | {"another": 1.0}})
