"""A configuration of LiteLLM's proxy with an alias for each point, for proxies that run no code of this package.

The application plans, and asks the proxy for the point by its name, ``model@label``. The log then names the point, and
the fallbacks of each alias are aliases with arguments of their own.

Reference: LiteLLM's documentation, "Overview" of the proxy's ``config.yaml``: ``model_list`` and ``router_settings``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from paretoroute import _yaml
from paretoroute.errors import GridError, TargetError, did_you_mean, one_line, shown
from paretoroute.planner.decision import FALLBACKS
from paretoroute.planner.dialects.litellm_models import family_of
from paretoroute.planner.planner import Planner
from paretoroute.serving.litellm.arguments import StandingCall, standing_calls

OPENING = "# Written by paretoroute export"
HEADER = OPENING + " from the policy {name} ({sha256}); write it anew after each fit.\n"
_PROVIDERS = {"gpt": "openai", "chatgpt": "openai", "claude": "anthropic", "gemini": "gemini"}
_MARKS = {",": "a list of models", "*": "a pattern"}  # as LiteLLM reads them in the name of a model


def config_text(planner: Planner, *, deployments: Mapping[str, str] | None = None) -> str:
    """Return the configuration as YAML.

    Args:
        planner: of the policy, loaded with the dialect ``litellm``.
        deployments: from names of the grid's models to the names that LiteLLM calls, such as ``azure/my-gpt-5``;
            models of OpenAI, Anthropic and Google, and names with a provider, need none.

    Raises:
        GridError: a model's provider is not known, a deployment is given for a model that the grid lacks, or LiteLLM
            would read the name of a point as something else.
    """
    policy = planner.policy
    header = HEADER.format(name=one_line(policy.document.name), sha256=policy.sha256[:12] or "never saved")
    return header + _yaml.dumps(config(planner, deployments=deployments or {}), text_keys=("model_name",))


def config(planner: Planner, *, deployments: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration as plain values; arguments and errors are those of :func:`config_text`."""
    calls = standing_calls(planner)
    named = _deployments([call.point.model for call in calls.values()], deployments)
    for name in calls:
        _check_name(name)
    entries = [_entry(call, named[call.point.model]) for call in calls.values()]
    fallbacks = [{name: others} for name in calls if (others := _fallbacks(planner, calls, name))]
    return {"model_list": entries, **({"router_settings": {"fallbacks": fallbacks}} if fallbacks else {})}


def _entry(call: StandingCall, deployment: str) -> dict[str, Any]:
    decision = call.decision
    return {
        "model_name": call.point.name,
        "litellm_params": {"model": deployment, **call.arguments},
        "model_info": {
            "paretoroute": {
                "model": call.point.model,
                "kind": call.point.budget.kind,
                "label": call.point.budget.label,
                "policy_sha256": decision.policy_sha256,
            }
        },
    }


def _fallbacks(planner: Planner, calls: Mapping[str, StandingCall], name: str) -> list[str]:
    """Return the aliases to try after one that failed, best first: of other models, since outages hit a whole model."""
    points = planner.policy.grid.points
    other_models = np.array([point.model != calls[name].point.model and point.name in calls for point in points])
    if not other_models.any():
        return []
    try:
        decision = planner.plan(None, query_id="", callable=other_models)
    except TargetError:  # the policy's limits leave none of them
        return []
    return [decision.point.name, *decision.fallbacks][:FALLBACKS]


def _deployments(models: list[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the name that LiteLLM calls for each model."""
    for name in given:
        if name not in models:
            raise GridError(f"the grid has no model {shown(name)} to deploy; {did_you_mean(name, models)}")
    named = {model: given.get(model) or _with_provider(model) for model in models}
    unknown = sorted({model for model, deployment in named.items() if not deployment})
    if unknown:
        raise GridError(
            f"the provider of {', '.join(map(shown, unknown))} is not known; give --deployment NAME=PROVIDER/MODEL, "
            f"such as --deployment {shown(unknown[0] + '=hosted_vllm/' + unknown[0])}"
        )
    return named


def _with_provider(model: str) -> str:
    """Return a model's name with its provider; ``""`` where it is not known."""
    if "/" in model:
        return model
    provider = _PROVIDERS.get(model.split("-")[0], "") if family_of(model) else ""
    return f"{provider}/{model}" if provider else ""


def _check_name(name: str) -> None:
    for mark, reading in _MARKS.items():
        if mark in name:
            raise GridError(
                f"point {shown(name)}: LiteLLM reads the name of a model with {mark!r} as {reading}; rename the model "
                "or the budget_label in the log and fit again"
            )
