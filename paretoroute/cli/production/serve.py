"""The command ``serve``: decide over HTTP, for callers that are not Python."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli.arguments.completion import one_of
from paretoroute.cli.arguments.options import PolicyFile
from paretoroute.cli.arguments.trust import TrustedKeys, read_trusted_keys
from paretoroute.cli.console import print_error, print_text
from paretoroute.errors import SERVE_PACKAGES, QueryError, extra

if TYPE_CHECKING:
    from paretoroute.serving.http.gate import BearerToken
    from paretoroute.serving.reload import ReloadingPolicy

TOKEN_VARIABLE = "PARETOROUTE_TOKEN"

_Dialect = Annotated[
    str | None,
    typer.Option(
        "--request",
        metavar="DIALECT",
        help="Also return the arguments for a client: anthropic, gemini, litellm, mistral, openai, "
        "openai_responses, vllm; a request may name another.",
        autocompletion=one_of("anthropic", "gemini", "litellm", "mistral", "openai", "openai_responses", "vllm"),
    ),
]
_Explore = Annotated[
    float,
    typer.Option(
        "--explore", metavar="SHARE", help="Share of the calls that go to points which the policy would not call."
    ),
]
_SafePoint = Annotated[
    str | None,
    typer.Option("--safe-point", metavar="POINT", help="Point for queries that are unlike the logged ones."),
]
_TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help=f"File with the bearer token that requests need; without it the variable {TOKEN_VARIABLE}, if set.",
    ),
]
_AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        metavar="NAME",
        help="Name that callers ask for, such as router.example.com, *.example.com or *; may be repeated. Without it "
        "and without a token only the loopback and --host are answered.",
    ),
]
_ReloadEvery = Annotated[
    float,
    typer.Option(
        "--reload-every", metavar="SECONDS", min=0, help="Interval of checks for a changed policy; 0: only at SIGHUP."
    ),
]


def serve(
    policy: PolicyFile,
    *,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; other machines reach 0.0.0.0 or ::.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8000,
    request: _Dialect = None,
    explore: _Explore = 0.0,
    safe_point: _SafePoint = None,
    trusted_key: TrustedKeys = None,
    token_file: _TokenFile = None,
    allowed_host: _AllowedHosts = None,
    reload_every: _ReloadEvery = 1.0,
    max_body: Annotated[int, typer.Option("--max-body", min=1, help="Largest request in bytes.")] = 2**20,
    max_batch: Annotated[int, typer.Option("--max-batch", min=1, help="Largest number of queries in a batch.")] = 1000,
) -> None:
    """Serve a policy over HTTP.

    POST /plan, /plan_batch, /forecast; GET /, /policy, /metrics, /healthz, /openapi.json. A changed policy file is read
    without dropping a request; if it is bad, the reason is logged and the old policy stays in use. SIGTERM stops the
    service after running requests are answered.
    """
    with extra("serve", SERVE_PACKAGES, "the command serve"):
        from paretoroute.serving import server
        from paretoroute.serving.http.app import Settings
        from paretoroute.serving.http.hosts import AllowedHosts
    from paretoroute import report
    from paretoroute.serving.reader import PolicyReader
    from paretoroute.serving.reload import ReloadingPolicy

    token = _read_token(token_file)
    settings = Settings(
        page=report.to_html,
        token=token,
        hosts=AllowedHosts.of(host, allowed_host or ()) if allowed_host or token is None else None,
        reload_every_s=reload_every,
        most_body_bytes=max_body,
        most_queries=max_batch,
    )
    trusted, reader = read_trusted_keys(trusted_key), PolicyReader()
    live = ReloadingPolicy(
        policy, dialect=request, explore=explore, safe_point=safe_point, trusted_keys=trusted, reader=reader
    )
    listener = server.bind(host, port)
    if settings.token is None and not server.is_loopback(listener):
        print_error(
            f"warning: other machines reach {server.url_of(listener)}, and no token is set: whoever reaches it may "
            f"plan and read the policy. Set {TOKEN_VARIABLE} or --token-file."
        )
    _log_to_stderr()
    server.run(live, settings, listener=listener, on_start=lambda: _print_start(live, server.url_of(listener)))


def _read_token(path: Path | None) -> BearerToken | None:
    """Return the token of the file or of the environment; None without one.

    Raises:
        QueryError: the file cannot be read, or the token is empty or cannot stand in a header.
    """
    from paretoroute.serving.http.gate import BearerToken

    if path is None:
        token = os.environ.get(TOKEN_VARIABLE)
        return None if token is None else BearerToken(token, source=TOKEN_VARIABLE)
    try:
        return BearerToken(path.read_text(encoding="utf-8"), source=f"--token-file {path}")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise QueryError(f"--token-file {path}: cannot be read: {reason}; check the path") from None


def _print_start(live: ReloadingPolicy, url: str) -> None:
    print_text(f"serving  {live.current.document.name} on {url} (explorer page: {url}/)")
    sys.stdout.flush()


def _log_to_stderr() -> None:
    """Log the service's own messages, and warnings of its server; queries are never logged."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
