"""A decision has an id, makes the arguments of its request, and is logged as a row that is read back."""

import paretoroute as pr
from paretoroute.planner.decision import Alternative
from paretoroute.planner.outputs.reasons import against
from tests.planner.decisions import EASY_QUERY, mask
from tests.planner_cases import fitted, make_rows, no_signal, write_rows


def test_request_arguments_make_exactly_the_point_that_was_planned():
    planner = pr.Planner(fitted().policy)

    voted = planner.plan(EASY_QUERY, callable=mask("org/模型@v1@maj@5"))
    plain = planner.plan(EASY_QUERY, callable=mask("small@default"))

    assert voted.output_cap_tokens is not None
    assert voted.request_kwargs("openai") == {
        "model": "org/模型@v1",
        "n": 5,
        "max_completion_tokens": voted.output_cap_tokens // 5,
    }
    assert plain.request_kwargs("litellm") == {"model": "small", "max_tokens": plain.output_cap_tokens}


def test_rows_of_decisions_are_read_back_as_runs_once_the_outcome_is_known(tmp_path):
    planner = pr.Planner(no_signal().policy)
    decisions = {
        f"id-{i}": planner.plan(row["query"], query_id=f"id-{i}") for i, row in enumerate(make_rows(12, seed=1)[::5])
    }
    rows = [
        {**decision.to_row(), "query": f"text {key}", "quality": 1.0, "cost_usd": 0.001}
        for key, decision in decisions.items()
    ]

    runs = pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows))

    assert runs.set_aside_count == 0
    assert runs.query_ids == tuple(sorted(decisions))
    for i, (query, point) in enumerate(zip(runs.query, runs.point, strict=True)):
        decision = decisions[runs.query_ids[query]]
        assert runs.points[point] == decision.point
        assert runs.propensity[i] == decision.propensity


def test_decisions_have_ids_of_their_own():
    planner = pr.Planner(fitted().policy)

    assert len({planner.plan(EASY_QUERY).id for _ in range(100)}) == 100


def test_the_decision_names_the_file_that_decided():
    planner = pr.Planner.load(fitted().policy_path)

    assert planner.plan(EASY_QUERY).policy_sha256 == fitted().policy.sha256 != ""


def test_a_difference_of_cost_is_written_without_an_exponent():
    cheap, dear = Alternative("a@low", 0.5, 1e-09), Alternative("b@low", 0.4, 3e-09)

    assert against(cheap, dear) == "against b@low: +10.0 quality points, -$0.000002 per 1,000 queries"
    assert against(dear, cheap).endswith("+$0.000002 per 1,000 queries")
