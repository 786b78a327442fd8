"""The callback as LiteLLM's proxy calls it, with a stand-in for LiteLLM; test_loop.py runs the real proxy."""

import asyncio
import importlib
import json
import sys
import types

import pytest

import paretoroute.serving.litellm as package
from tests.planner.decisions import HARD_QUERY
from tests.planner_cases import fitted
from tests.serving.litellm.cases import record, request

MODULE = "paretoroute.serving.litellm.proxy_hook"


class Router:
    """The proxy's router, with deployments by name and one by a pattern."""

    model_names = frozenset({"small", "thinker"})

    def get_model_list(self, model_name: str) -> list[str]:
        return ["by a pattern"] if model_name == "metered" else []


class Key:
    """A caller's key of the team acme."""

    end_user_id, team_alias = None, "acme"


def usage_updates(*, data, general_settings, route_type, supports_stream_options) -> dict:
    """Answer as LiteLLM's function of this name, by which the proxy asks for the usage of streams."""
    assert (general_settings, route_type) == ({}, "acompletion")
    asks = data.get("stream") is True and supports_stream_options()
    return {"stream_options": {"include_usage": True}, "_litellm_strip_stream_usage": True} if asks else {}


@pytest.fixture
def litellm(monkeypatch):
    """Put a stand-in for LiteLLM into the modules, and load the hook anew."""
    names = ("litellm", "litellm.integrations", "litellm.integrations.custom_logger", "litellm.proxy")
    modules = {name: types.ModuleType(name) for name in names}
    modules["litellm.integrations.custom_logger"].CustomLogger = type("CustomLogger", (), {})
    modules["litellm.proxy"].proxy_server = types.SimpleNamespace(llm_router=Router(), general_settings={})
    modules["litellm.proxy"].common_request_processing = types.SimpleNamespace(
        stream_usage_tracking_updates=usage_updates,
        model_deployments_support_stream_options=lambda model, llm_router, team_id: model != "metered",
    )
    modules["litellm"].drop_params = False
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    yield modules["litellm"]
    sys.modules.pop(MODULE, None)
    vars(package).pop("hook", None)


def hook(**more: str):
    environment = {"PARETOROUTE_POLICY": str(fitted().policy_path), "PARETOROUTE_VOTES": "callers"}
    return importlib.import_module(MODULE).hook_from({**environment, **more})


def planned(made, data, call_type: object = "acompletion"):
    arguments = {"user_api_key_dict": Key(), "cache": None, "data": data, "call_type": call_type}
    return asyncio.run(made.async_pre_call_hook(**arguments))


def test_the_hook_plans_among_the_deployments_of_the_proxy(litellm):
    made = hook()

    data = planned(made, request(HARD_QUERY), types.SimpleNamespace(value="acompletion"))

    assert record(data)["propensity"] == 1.0
    assert {data["model"], *(one["model"] for one in data["fallbacks"])} == {"small", "thinker", "metered"}
    assert made.counts == {"planned": 1}


def test_without_a_router_every_model_may_be_called(litellm):
    sys.modules["litellm.proxy"].proxy_server.llm_router = None

    data = planned(hook(), request(HARD_QUERY))

    assert data["model"] == record(data)["point"]


@pytest.mark.parametrize(("models", "asks"), [(("small", "thinker"), True), (("small", "metered"), False)])
def test_the_usage_of_a_stream_is_asked_for_where_every_model_can_state_it(litellm, models, asks):
    sys.modules["litellm.proxy"].proxy_server.llm_router = types.SimpleNamespace(
        model_names=models, get_model_list=lambda model_name: []
    )

    streamed = planned(hook(), request(HARD_QUERY, stream=True))
    whole = planned(hook(), request(HARD_QUERY))
    asked_by_proxy = planned(hook(), request(HARD_QUERY, stream=True, _litellm_strip_stream_usage=True))

    assert ("stream_options" in streamed, "stream_options" in whole) == (asks, False)
    assert "stream_options" not in asked_by_proxy


def test_a_version_that_asks_for_usage_otherwise_fails_no_request(litellm, caplog):
    del sys.modules["litellm.proxy"].common_request_processing

    data = planned(hook(), request(HARD_QUERY, stream=True))

    assert record(data)["propensity"] == 1.0
    assert "usage of a stream could not be asked for" in caplog.text


def test_a_fallback_is_marked_before_it_is_sent(litellm):
    made = hook()
    data = planned(made, request(HARD_QUERY))
    data["metadata"]["attempted_fallbacks"] = 1

    attempt = asyncio.run(made.async_pre_call_deployment_hook(kwargs=data, call_type=None))

    assert record(attempt)["status"] == "answered_by_fallback"


def test_calls_are_logged_and_a_log_that_fails_fails_no_request(litellm, tmp_path, monkeypatch, caplog):
    made = hook(PARETOROUTE_LOG=str(tmp_path / "calls.jsonl"))
    times = {"response_obj": None, "start_time": None, "end_time": None}

    asyncio.run(made.async_log_success_event(kwargs={"standard_logging_object": {"id": 1}}, **times))
    asyncio.run(made.async_log_failure_event(kwargs={"standard_logging_object": {"id": 2}}, **times))
    asyncio.run(made.async_log_success_event(kwargs={"standard_logging_object": None}, **times))
    (tmp_path / "calls.jsonl").rename(tmp_path / "before.jsonl")
    (tmp_path / "calls.jsonl").mkdir()
    asyncio.run(made.async_log_success_event(kwargs={"standard_logging_object": {"id": 3}}, **times))

    assert [
        json.loads(line)["id"] for line in (tmp_path / "before.jsonl").read_text(encoding="utf-8").splitlines()
    ] == [1, 2]
    assert made.counts == {"not_logged": 1}
    assert "could not be logged" in caplog.text


def test_arguments_that_litellm_may_drop_are_reported_once(litellm, caplog):
    litellm.drop_params = True
    made = hook()

    for _ in range(2):
        planned(made, request(HARD_QUERY))

    assert caplog.text.count("drop_params is on") == 1


def test_the_proxy_finds_the_hook_by_its_path(litellm, monkeypatch):
    monkeypatch.setenv("PARETOROUTE_POLICY", str(fitted().policy_path))
    monkeypatch.setenv("PARETOROUTE_VOTES", "callers")

    made = package.hook

    assert type(made).__name__ == "Hook"
    assert "async_pre_call_hook" in vars(type(made))  # the proxy reads it of the class itself
    assert package.hook is made
    with pytest.raises(AttributeError, match="no attribute 'hok'"):
        _ = package.hok
