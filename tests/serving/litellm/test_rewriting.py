"""Requests for the planned model become those of the planner's points, whatever goes wrong."""

import logging
from dataclasses import replace

import pytest

import paretoroute as pr
from paretoroute.errors import DialectError, GridError
from paretoroute.serving.litellm.arguments import POINT_ARGUMENTS, standing_calls
from paretoroute.serving.litellm.rewriting import load
from paretoroute.serving.litellm.settings import Settings
from tests.planner.decisions import EASY_QUERY, HARD_QUERY
from tests.planner_cases import Fitted, fitted, no_signal
from tests.serving.litellm.cases import caller, record, request, rewriter

MODELS = ("small", "thinker", "org/模型@v1", "metered")


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL + 1, logger="paretoroute.serving.litellm")


def drawn() -> Fitted:
    """Return a policy for which all queries look alike, so that it draws between two points."""
    return no_signal()._replace(policy=no_signal().policy.solve(pr.MaxCost(usd=0.0003)))


@pytest.mark.parametrize(
    ("case", "texts"), [(fitted, (EASY_QUERY, HARD_QUERY)), (drawn, ("please say which comes next: apple pear",) * 2)]
)
def test_a_request_becomes_that_of_the_planners_point(case, texts):
    policy = case().policy
    planner, ours = pr.Planner(policy, dialect="litellm"), rewriter(case())
    points = set()

    for i in range(12):
        data = request(texts[i % 2], litellm_call_id=f"call-{i}")
        decision = planner.plan(data["messages"], query_id=f"call-{i}")
        ours.rewrite(data, "acompletion", caller(*MODELS))

        expected = decision.request_kwargs("litellm")
        assert {name: data.get(name) for name in ("model", *POINT_ARGUMENTS)} == {
            "model": decision.model,
            **{name: expected.get(name) for name in POINT_ARGUMENTS},
        }
        assert (record(data)["point"], record(data)["propensity"]) == (decision.point.name, decision.propensity)
        assert record(data)["expected_cost_usd"] == decision.expected_cost_usd
        assert record(data)["policy_sha256"] == policy.sha256
        points.add(decision.point.name)

    assert len(points) > 1
    assert ours.counts == {"planned": 12}


def test_parts_of_a_message_are_read_as_in_the_log():
    parts = [{"type": "text", "text": HARD_QUERY}]
    plain, parted = request(HARD_QUERY), request(parts)

    for data in (plain, parted):
        rewriter(fitted()).rewrite(data, "acompletion", caller(*MODELS))

    assert {**record(plain), "decision_id": ""} == {**record(parted), "decision_id": ""}


@pytest.mark.parametrize("messages", [None, [], "text", [{"role": "user"}], [1], {"role": 5}, [{"content": "\ud800"}]])
def test_messages_without_text_are_planned_by_the_means(messages):
    data = request("") | {"messages": messages}

    rewriter(fitted()).rewrite(data, "acompletion", caller(*MODELS))

    assert record(data)["status"] in ("fallback", "met", "unfamiliar")
    assert data["model"] in MODELS


@pytest.mark.parametrize("call_type", ["aembedding", "acompletion"])
def test_other_requests_stay_as_they_are(call_type):
    data = request(EASY_QUERY, reasoning_effort="low")
    data["model"] = "paretoroute" if call_type == "aembedding" else "small"
    before = {**data, "metadata": {}}

    ours = rewriter(fitted())
    ours.rewrite(data, call_type, caller())

    assert (data, ours.counts) == (before, {})


def test_what_the_caller_asks_for_does_not_change_the_point():
    asked = {"reasoning_effort": "high", "reasoning": {"effort": "high"}, "thinking": {"type": "disabled"}, "n": 3}
    asked |= {"output_config": {"effort": "max"}, "additional_drop_params": ["reasoning_effort"], "drop_params": True}
    asked |= {"context_window_fallbacks": [{"small": ["large"]}], "content_policy_fallbacks": [{"small": ["large"]}]}
    extra = {"reasoning_effort": "high", "max_tokens": 9, "seed": 1}
    plain, changed = request(HARD_QUERY), request(HARD_QUERY, temperature=0.5, extra_body=extra, **asked)

    for data in (plain, changed):
        rewriter(fitted()).rewrite(data, "acompletion", caller(*MODELS))

    assert (changed.pop("temperature"), changed.pop("extra_body")) == (0.5, {"seed": 1})
    for data in (plain, changed):
        del data["metadata"]
    assert changed == plain


def test_a_lower_cap_of_the_caller_counts_where_the_point_can_be_called_under_it():
    ours = rewriter(fitted())
    for name, cap, expected in (("small", 20, 20), ("thinker@8000", 8100, 8100), ("thinker@8000", 500, None)):
        for field in ("max_tokens", "max_completion_tokens"):
            data = request(EASY_QUERY, **{field: cap})
            ours.rewrite(data, "acompletion", caller(name))

            assert record(data)["point"].startswith(name)
            assert data["max_tokens"] == expected or (expected is None and data["max_tokens"] > 8000)
            assert "max_completion_tokens" not in data


def test_every_fallback_has_its_own_arguments_and_clears_the_others():
    ours = rewriter(fitted())
    standing = standing_calls(pr.Planner(fitted().policy, dialect="litellm"))
    data = request(HARD_QUERY)

    ours.rewrite(data, "acompletion", caller(*standing))

    decision = pr.Planner(fitted().policy, dialect="litellm").plan(data["messages"], query_id="call-1")
    assert [one["model"] for one in data["fallbacks"]] == list(decision.fallbacks)
    for one in data["fallbacks"]:
        arguments = {name: value for name, value in one.items() if name != "model"}
        assert set(arguments) == set(POINT_ARGUMENTS)
        assert {name: value for name, value in arguments.items() if value is not None} == standing[
            one["model"]
        ].arguments


def test_an_alias_of_the_point_is_preferred_to_its_model():
    data, names = request(EASY_QUERY), fitted().policy.grid.names

    rewriter(fitted()).rewrite(data, "acompletion", caller(*names, *MODELS))

    assert data["model"] == record(data)["point"]


def test_points_that_the_proxy_lacks_are_never_called_and_named_once(caplog):
    caplog.set_level(logging.ERROR, logger="paretoroute.serving.litellm")
    ours = rewriter(fitted())

    for i in range(3):
        data = request(HARD_QUERY, litellm_call_id=str(i))
        ours.rewrite(data, "acompletion", caller("small", "metered"))
        assert {data["model"], *(one["model"] for one in data["fallbacks"])} == {"small", "metered"}

    assert len(caplog.records) == 1
    assert "thinker@2000" in caplog.records[0].getMessage()


def broken(ours, monkeypatch) -> None:
    def fail(*arguments, **limits):
        raise RuntimeError("no memory")

    monkeypatch.setattr(ours._planner, "plan", fail)


def test_where_planning_fails_the_safe_point_answers(monkeypatch):
    ours = rewriter(fitted())
    safe = pr.Planner(fitted().policy).plan(None, query_id="").point.name
    broken(ours, monkeypatch)
    data = request(HARD_QUERY, reasoning_effort="high", max_tokens=2200)

    ours.rewrite(data, "acompletion", caller(*fitted().policy.grid.names))

    assert record(data) == {"point": safe, "status": "failed", "reason": "RuntimeError: no memory"}
    assert data["model"] == safe
    assert "reasoning_effort" not in data
    assert data["max_tokens"] == 2200
    assert len(data["fallbacks"]) == 3
    assert ours.counts == {"failed": 1}


def test_a_broken_router_of_the_proxy_does_not_fail_the_request():
    data = request(HARD_QUERY)

    def fail(name: str) -> bool:
        raise RuntimeError("restarting")

    rewriter(fitted()).rewrite(data, "acompletion", caller(is_deployed=fail))

    assert data["model"] == record(data)["point"]


def test_without_any_deployment_the_proxy_names_the_safe_points_model():
    ours, data = rewriter(fitted(), safe_point="thinker@2000"), request(HARD_QUERY)

    ours.rewrite(data, "acompletion", caller("another"))

    assert (data["model"], data["thinking"]["budget_tokens"], data["fallbacks"]) == ("thinker", 2000, [])


def test_the_safe_point_can_be_named():
    ours, data = rewriter(fitted(), safe_point="thinker@8000"), request(EASY_QUERY)

    ours.rewrite(data, "atext_completion", caller(*MODELS))

    assert data["model"] == "thinker"
    assert record(data) == {"status": "not_planned", "reason": "route atext_completion"}
    assert ours.counts == {"not_planned": 1}
    with pytest.raises(GridError, match="near: 'thinker@2000'"):
        rewriter(fitted(), safe_point="thinker@20")


def test_a_safe_point_that_the_policy_excludes_is_refused():
    policy = pr.fit(fitted().runs, pr.MaxCost(usd=0.002), limits=[pr.Forbid(("metered",))])

    with pytest.raises(GridError, match="SAFE_POINT 'metered@default' is excluded by the policy's limits"):
        rewriter(fitted()._replace(policy=policy), safe_point="metered@default")


def test_points_that_need_a_vote_are_refused_unless_callers_vote():
    with pytest.raises(DialectError, match="'org/模型@v1@maj@5' answer with several.*PARETOROUTE_VOTES=callers"):
        rewriter(fitted(), callers_vote=False)


def test_a_policy_is_loaded_by_its_path(tmp_path):
    settings = Settings(policy=fitted().policy_path, callers_vote=True)
    data = request(EASY_QUERY)

    load(settings).rewrite(data, "completion", caller())

    assert record(data)["policy_sha256"] == fitted().policy.sha256
    with pytest.raises(DialectError, match="several choices"):
        load(replace(settings, callers_vote=False))


def test_metadata_of_the_callers_key_is_not_changed():
    of_key = {"team": "a", "paretoroute": "old"}
    data = request(EASY_QUERY, metadata={"spend_logs_metadata": of_key, "user_api_key": "k"})

    rewriter(fitted()).rewrite(data, "acompletion", caller())

    assert of_key == {"team": "a", "paretoroute": "old"}
    assert data["metadata"]["user_api_key"] == "k"
    assert data["metadata"]["spend_logs_metadata"]["team"] == "a"
    assert record(data)["status"] in ("met", "slack")


@pytest.mark.parametrize("metadata", [None, "text"])
def test_a_request_without_metadata_is_logged_too(metadata):
    data = request(EASY_QUERY, metadata=metadata)

    rewriter(fitted()).rewrite(data, "acompletion", caller())

    assert record(data)["propensity"] == 1.0


def test_tag_and_tenant_reach_the_planner(monkeypatch):
    ours, given = rewriter(fitted()), {}
    plan = ours._planner.plan
    monkeypatch.setattr(ours._planner, "plan", lambda query, **limits: given.update(limits) or plan(query, **limits))
    data = request(EASY_QUERY, metadata={"tags": ["User-Agent: openai", "support", "late"]})

    ours.rewrite(data, "acompletion", caller(tenant="acme"))

    assert (given["tag"], given["tenant"], given["query_id"]) == ("support", "acme", "call-1")


def test_a_fallback_has_a_record_of_its_own():
    ours, data = rewriter(fitted()), request(HARD_QUERY)
    ours.rewrite(data, "acompletion", caller(*MODELS))
    planned, fallback = record(data), data["fallbacks"][0]
    metadata = data["metadata"] | {"attempted_fallbacks": 1, "model_group": fallback["model"]}

    assert ours.marked_fallback(data) is None
    attempt = ours.marked_fallback({**data, **fallback, "metadata": metadata})

    decision = pr.Planner(fitted().policy, dialect="litellm").plan(data["messages"], query_id="call-1")
    assert attempt is not None
    assert record(attempt) == {
        "decision_id": planned["decision_id"],
        "status": "answered_by_fallback",
        "point": decision.fallbacks[0],
        "failed_point": planned["point"],
    }
    assert record(data) == planned
    assert ours.counts["fallbacks"] == 1


def test_a_fallback_that_is_no_point_is_logged_without_one():
    ours, data = rewriter(fitted()), request(HARD_QUERY)
    ours.rewrite(data, "acompletion", caller(*MODELS))
    metadata = data["metadata"] | {"attempted_fallbacks": 1, "model_group": "another"}

    attempt = ours.marked_fallback({**data, "metadata": metadata})

    assert attempt is not None
    assert record(attempt)["point"] is None
    for request_without in ({}, {"metadata": None}, {"metadata": {"attempted_fallbacks": 1}}):
        assert ours.marked_fallback(request_without) is None
