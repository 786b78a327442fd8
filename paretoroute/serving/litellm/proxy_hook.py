"""The callback that LiteLLM's proxy calls. LiteLLM passes arguments by name, so that the names here are its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paretoroute.serving.litellm.call_log import CallLog
from paretoroute.serving.litellm.rewriting import LOGGER, Caller, Rewriter, load
from paretoroute.serving.litellm.settings import Settings

try:
    from litellm.integrations.custom_logger import (  # pyright: ignore[reportMissingImports]  # the proxy's own package
        CustomLogger,
    )
except ImportError:  # the proxy always has it; what reads every module of this package may not
    CustomLogger = object


class Hook(CustomLogger):  # pyright: ignore[reportGeneralTypeIssues]  # LiteLLM's class is not installed for checks
    """Plans the requests for one model name, and writes the log if there is one.

    Args:
        rewriter: plans and rewrites requests.
        call_log: for the payloads of all calls of the proxy, or None.
    """

    def __init__(self, rewriter: Rewriter, call_log: CallLog | None = None) -> None:
        super().__init__()
        self._rewriter, self._call_log = rewriter, call_log
        self._has_warned = False

    @property
    def counts(self) -> dict[str, int]:
        """Requests ``planned``, of these ``unfamiliar``, ``failed``, ``not_planned``; ``fallbacks``, ``not_logged``.

        ``previous_ignored``: requests whose previous call in the conversation could not be used.
        """
        return dict(self._rewriter.counts)

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """Plan a request for the planned model."""
        self._warn_of_dropped_arguments()
        caller = Caller(tenant=_tenant(user_api_key_dict), is_deployed=_deployed())
        if self._rewriter.rewrite(data, str(getattr(call_type, "value", call_type)), caller):
            _ask_for_usage(data, getattr(user_api_key_dict, "team_id", None))
        return data

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
        """Log a call that answers in place of one that failed as what it is."""
        return self._rewriter.marked_fallback(kwargs)

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Log an answered call."""
        self._log(kwargs)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Log a failed call."""
        self._log(kwargs)

    def _log(self, kwargs: Mapping[str, Any]) -> None:
        payload = kwargs.get("standard_logging_object")
        if self._call_log is None or not isinstance(payload, Mapping):
            return
        try:
            self._call_log.append(payload)
        except Exception:  # a full disk must not fail the requests
            LOGGER.exception("a call could not be logged")
            self._rewriter.counts["not_logged"] += 1

    def _warn_of_dropped_arguments(self) -> None:
        import litellm  # pyright: ignore[reportMissingImports]  # the proxy's own package

        if litellm.drop_params and not self._has_warned:
            self._has_warned = True
            LOGGER.error("drop_params is on: LiteLLM may drop what makes a point, and call another; switch it off")


def hook_from(environment: Mapping[str, str]) -> Hook:
    """Return the hook for the settings in an environment.

    Raises:
        ParetorouteError: a setting or the policy cannot be used; the proxy does not start then.
        OSError: the log cannot be opened for writing.
    """
    settings = Settings.from_environment(environment)
    return Hook(load(settings), CallLog(settings.log) if settings.log else None)


def _deployed() -> Any:
    """Return whether the proxy has a deployment of a name, as a function; without a router it may have any."""
    from litellm.proxy import proxy_server  # pyright: ignore[reportMissingImports]  # the proxy's own package

    router = proxy_server.llm_router
    if router is None:
        return lambda name: True
    return lambda name: name in router.model_names or bool(router.get_model_list(model_name=name))


def _ask_for_usage(data: dict[str, Any], team_id: str | None) -> None:
    """Ask for the usage of a stream, and keep it from a caller that did not ask; else its tokens are not logged.

    The proxy does so before the hook, but only where it knows that the model asked for can state its usage.
    """
    if data.get("_litellm_strip_stream_usage"):
        return
    try:
        from litellm.proxy import (  # pyright: ignore[reportMissingImports]  # the proxy's own package
            common_request_processing,
            proxy_server,
        )

        names = (data["model"], *(fallback["model"] for fallback in data["fallbacks"]))
        can_state_usage = common_request_processing.model_deployments_support_stream_options
        updates = common_request_processing.stream_usage_tracking_updates(
            data=data,
            general_settings=proxy_server.general_settings,
            route_type="acompletion",
            supports_stream_options=lambda: all(
                can_state_usage(model=name, llm_router=proxy_server.llm_router, team_id=team_id) for name in names
            ),
        )
    except Exception:  # of a version that does it otherwise; the request is worth more than its tokens
        LOGGER.exception("the usage of a stream could not be asked for")
    else:
        data.update(updates)


def _tenant(key: object) -> str:
    """Return the end user, else the team of a key, as the importer reads them from the log."""
    fields = (getattr(key, name, None) for name in ("end_user_id", "team_alias", "team_id"))
    return next((field for field in fields if isinstance(field, str) and field), "")
