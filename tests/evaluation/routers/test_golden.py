"""Every rule reproduces the outputs of the original code on the cases in ``tests/golden``.

PARETOROUTE_GOLDEN names another folder of the same structure. Every output of every case is compared; a case of an
unknown name, without inputs or without outputs is a failure.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.evaluation.routers.golden import cascades, metrics, pairs, routellm, simple
from tests.evaluation.routers.golden.same import differences, plain

FOLDER = Path(os.environ.get("PARETOROUTE_GOLDEN") or Path(__file__).parents[2] / "golden")
SYSTEMS = {
    "argrouter": simple.ARGROUTER,
    "carrot": simple.CARROT,
    "r2_router": simple.R2_ROUTER,
    "routerbench_knn": simple.ROUTERBENCH_KNN,
    "avengers_pro": simple.AVENGERS_PRO,
    "hybrid_best_route": pairs.HYBRID_BEST_ROUTE,
    "llm_blender": pairs.LLM_BLENDER,
    "routellm": routellm.CASES,
    "frugalgpt": cascades.FRUGALGPT,
    "cascade_routing": cascades.CASCADE_ROUTING | metrics.AUC,
    "routerbench_aiq": metrics.ROUTERBENCH_AIQ,
    "routerarena": metrics.ROUTERARENA,
    "llmrouterbench": metrics.LLMROUTERBENCH,
}
TOLERANCES = {
    "routellm": routellm.TOLERANCE,
    "cascade_routing": cascades.CASCADE_ROUTING_TOLERANCE,
    "llm_blender": pairs.LLM_BLENDER_TOLERANCE,
}
CASES = [(path, k) for path in sorted(FOLDER.glob("*.json")) for k in range(len(json.loads(path.read_bytes())["cases"]))]


@pytest.mark.parametrize(("path", "number"), CASES, ids=lambda value: getattr(value, "stem", str(value)))
def test_a_rule_reproduces_the_original_code(path, number):
    case = json.loads(path.read_bytes())["cases"][number]
    inputs, outputs = case["inputs"], case["outputs"]
    assert inputs and outputs

    ours = plain(SYSTEMS[path.stem][case["name"]](inputs, outputs))

    assert not differences(outputs, ours, {"": 1e-8} | TOLERANCES.get(path.stem, {}))
