"""Requests as LiteLLM's proxy hands them to a hook, and rewriters for the policies of the tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import paretoroute as pr
from paretoroute.serving.litellm.rewriting import Caller, Rewriter
from paretoroute.serving.litellm.settings import Settings
from tests.planner_cases import Fitted


def rewriter(fitted: Fitted, **settings: Any) -> Rewriter:
    """Return a rewriter for a policy of several samples, whose callers vote."""
    given = Settings(policy=Path("policy.yaml"), **{"callers_vote": True, **settings})
    return Rewriter(pr.Planner(fitted.policy, dialect="litellm", explore=given.explore), given)


def request(content: Any, **fields: Any) -> dict[str, Any]:
    """Return a request for the planned model."""
    messages = [{"role": "user", "content": content}]
    return {"model": "paretoroute", "messages": messages, "litellm_call_id": "call-1", "metadata": {}, **fields}


def caller(*deployed: str, tenant: str = "", is_deployed: Callable[[str], bool] | None = None) -> Caller:
    """Return a caller of a proxy with deployments of some names; without names, of all models."""
    return Caller(tenant=tenant, is_deployed=is_deployed or (lambda name: not deployed or name in deployed))


def record(data: dict[str, Any]) -> dict[str, Any]:
    """Return what is logged of a decision."""
    return data["metadata"]["spend_logs_metadata"]["paretoroute"]
