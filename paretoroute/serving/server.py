"""The process of the service: its socket, its signals, and the server that runs the application.

SIGTERM and SIGINT end it once the running requests are answered; SIGHUP reads the policy file at once.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from paretoroute.serving.http.app import Service, Settings
from paretoroute.serving.reload import ReloadingPolicy

GRACE_S = 30  # for running requests, after which they are cancelled
KEEP_ALIVE_S = 65  # longer than the 60 s of common load balancers, so that they close a connection first
BACKLOG = 2048
COLLECT_AFTER = (20_000, 50, 100)  # objects; those of requests end by their reference counts
SWITCH_S = 0.0005  # between threads: a long query, or a policy that arrives, holds up a decision no longer than this


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 takes a free one.

    Raises:
        OSError: the address is unknown, in use, or not one of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]  # the address, once more
        raise OSError(f"cannot listen on {host}, port {port}: {reason}; choose another --host or --port") from None
    # Connections inherit it. asyncio leaves it out, since this socket does not name its protocol, and an answer, whose
    # head and body are written apart, would then wait 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only this machine reaches a socket."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """Return the address of a socket as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(policy: ReloadingPolicy, settings: Settings, *, listener: socket.socket, on_start: Callable[[], None]) -> None:
    """Serve a policy until a signal ends the process; call it in the main thread.

    Args:
        policy: that decides.
        settings: limits and token.
        listener: the socket, which is closed at the end.
        on_start: called once requests are answered.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()  # later collections look at the objects of requests alone
    gc.set_threshold(*COLLECT_AFTER)
    asyncio.run(_serve(policy, settings, listener=listener, on_start=on_start))


async def _serve(
    policy: ReloadingPolicy, settings: Settings, *, listener: socket.socket, on_start: Callable[[], None]
) -> None:
    service = Service(policy, settings)
    config = uvicorn.Config(
        service.app(),
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, on_start=on_start)
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, service.wake.set)
    await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends the process as any other program, where uvicorn raises the signal that ended it once more."""

    def __init__(self, config: uvicorn.Config, *, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
