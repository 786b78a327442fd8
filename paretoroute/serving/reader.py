"""A process beside the service that reads policies, so that parsing a file takes no time from decisions.

A thread would share the interpreter's lock with the event loop: while it read a policy, decisions took twice as long,
and those that met a call that keeps the lock much longer. The process ends with the service, and when it is idle.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple

from paretoroute.errors import ParetorouteError, PolicyError, file_name
from paretoroute.policy.policy import Policy
from paretoroute.policy.signatures.keys import PublicKey

IDLE_S = 60.0
NICENESS = 10  # decisions come first where cores are few
_TRIES = 2  # the process may end, idle, as it is asked


class _Order(NamedTuple):
    """A policy to read, and the keys of which one must have signed it, if any."""

    path: Path
    trusted_keys: Sequence[PublicKey] | None


class PolicyReader:
    """Reads policies in a process of its own, which is started when it is needed. One thread at a time may use it.

    Args:
        idle_s: seconds without a policy to read, after which the process ends.
    """

    def __init__(self, *, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def read(self, path: Path, *, trusted_keys: Sequence[PublicKey] | None = None) -> Policy:
        """Read a policy, as ``Policy.load`` does.

        Args:
            path: the YAML file.
            trusted_keys: of which one must have signed it; None: it need not be signed.

        Raises:
            PolicyError: the policy cannot be read or trusted, or the process ended over it, as for lack of memory.
        """
        for _ in range(_TRIES):
            try:
                answer = self._ask(_Order(path.absolute(), trusted_keys))
            except (EOFError, OSError):
                self.close()
                continue
            if isinstance(answer, Exception):
                raise answer
            return answer
        raise PolicyError(f"{file_name(path)}: the process that read it ended; check the memory that is left")

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.terminate()
            self._process.join()
            self._process.close()
        self._process = self._pipe = None

    def _ask(self, order: _Order) -> Policy | Exception:
        pipe = self._pipe
        if pipe is None or self._process is None or not self._process.is_alive():
            self.close()
            pipe = self._start()
        pipe.send(order)
        return pipe.recv()

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_read_all, args=(other, self._idle_s), daemon=True, name="policy-reader")
        self._process.start()
        other.close()
        return self._pipe


def _read_all(pipe: Connection, idle_s: float) -> None:
    """Read the policies that are asked for, until the service ends or asks for none for a while."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; the service ends this process itself
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with contextlib.suppress(EOFError, OSError):
        while pipe.poll(idle_s):
            pipe.send(_loaded(pipe.recv()))


def _loaded(order: _Order) -> Policy | Exception:
    try:
        return Policy.load(order.path, trusted_keys=order.trusted_keys)
    except (ParetorouteError, OSError, MemoryError) as error:
        return error
    except Exception as error:  # an error of another package may be one that the service cannot unpickle
        return PolicyError(f"{file_name(order.path)}: {type(error).__name__}: {error}")
