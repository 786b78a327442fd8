"""LiteLLM: a hook of its proxy that plans each request, and configuration files with an alias for each point.

The proxy loads the hook by the path that its configuration names:

    litellm_settings:
      callbacks: paretoroute.serving.litellm.hook

May import the planner, the importers' reading of messages, and everything below them. LiteLLM itself is imported only
where the proxy asks for ``hook``.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Return ``hook``, which is made of the environment when the proxy first asks for it."""
    if name != "hook":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import os

    from paretoroute.serving.litellm.proxy_hook import hook_from

    globals()["hook"] = made = hook_from(os.environ)
    return made
