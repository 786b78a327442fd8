"""The safe point of the service: unfamiliar queries go there, and `/metrics` counts them."""

import re

from tests.planner.decisions import EASY_QUERY
from tests.planner_cases import fitted
from tests.serving.http.running import service


def test_unfamiliar_queries_go_to_the_safe_point_and_are_counted():
    with service(fitted().policy_path, safe_point="thinker@8000") as client:
        strange = client.post("/plan", json={"query": "пожалуйста, докажите теорему"}).json()
        masked = client.post("/plan", json={"query": "пожалуйста", "models": ["small"]}).json()
        known = client.post("/plan", json={"query": EASY_QUERY}).json()
        metrics = client.get("/metrics").text

    assert (strange["model"], strange["budget_label"], strange["propensity"]) == ("thinker", "8000", 1.0)
    assert [one["unfamiliar"] for one in (strange, masked, known)] == [True, True, False]
    counted = re.findall(r"^(paretoroute_unfamiliar_decisions_total\S*) (\S+)$", metrics, re.M)
    assert dict(counted) == {
        'paretoroute_unfamiliar_decisions_total{by="safe_point",point="thinker@8000"}': "1.0",
        'paretoroute_unfamiliar_decisions_total{by="policy",point="small@default"}': "1.0",
    }
