"""A policy that is read again when its file changes; the old one decides until a new one is ready.

The policies are swapped in whole: a request keeps the policy that it began with, and a file that cannot be read or
trusted changes nothing but the report.
"""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from paretoroute.errors import DialectError
from paretoroute.planner.dialects import load as load_dialect
from paretoroute.planner.planner import Planner
from paretoroute.policy.files import real_path
from paretoroute.policy.policy import Policy
from paretoroute.policy.schema import PolicyDocument
from paretoroute.policy.signatures.keys import PublicKey, read_trusted_keys
from paretoroute.policy.signatures.signature_file import signature_path
from paretoroute.serving.reader import PolicyReader

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0  # a copy may bring the side file after the YAML


class ServedPolicy:
    """A policy in memory, with a planner for each dialect that requests name.

    Args:
        policy: to follow.
        dialect: of requests that name none; every point must be expressible in it.
        explore: share of the calls that explore, in [0, 1).
        safe_point: the point for unfamiliar queries, or None.

    Raises:
        DialectError: a point cannot be expressed in the dialect, or several are sent as the same request.
        GridError: the safe point is not in the grid.
        PolicyError: the policy needs a feature function, which only Python callers have.
        TargetError: the share to explore is out of range.
    """

    def __init__(
        self, policy: Policy, *, dialect: str | None = None, explore: float = 0.0, safe_point: str | None = None
    ) -> None:
        self.policy, self.dialect, self.explore, self._safe_point = policy, dialect, explore, safe_point
        self._planners: dict[str | None, Planner | DialectError] = {}
        self._planners[dialect] = Planner(policy, dialect=dialect, explore=explore, safe_point=safe_point)

    @property
    def document(self) -> PolicyDocument:
        """Content of the YAML file."""
        return self.policy.document

    def planner(self, dialect: str | None = None) -> Planner:
        """Return the planner of a dialect; None: that of requests that name none.

        Raises:
            DialectError: the dialect is unknown, or the policy has a point that it cannot express.
        """
        name = self.dialect if dialect is None else dialect
        planner = self._planners.get(name)
        if planner is None:
            planner = self._planners[name] = self._new_planner(name)
        if isinstance(planner, DialectError):
            raise DialectError(str(planner))
        return planner

    def _new_planner(self, dialect: str | None) -> Planner | DialectError:
        """Return a planner, or why there is none, which stays so for this policy."""
        if dialect is not None:
            load_dialect(dialect)  # an unknown name is refused before it takes memory
        try:
            return Planner(self.policy, dialect=dialect, explore=self.explore, safe_point=self._safe_point)
        except DialectError as error:
            return error


@dataclass(frozen=True, slots=True)
class Reload:
    """One attempt to read the policy file again.

    Args:
        before: sha256 of the policy that was served until then.
        after: sha256 of the policy that is served now; the same where the file could not be used.
        error: why the file could not be used; ``""`` where it could.
    """

    before: str
    after: str
    error: str


class FileState(NamedTuple):
    """The marks of one version of a file, seen without reading it."""

    path: Path
    modified_ns: int
    size: int
    inode: int


class ReloadingPolicy:
    """The policy of a file, read again when the file changes. One thread at a time may call :meth:`refresh`.

    Args:
        path: the YAML file.
        dialect: of requests that name none, or None.
        explore: share of the calls that explore.
        safe_point: the point for unfamiliar queries, or None; a policy without it is a bad one.
        trusted_keys: public keys, or files of them, which are read once. The policy must be signed by one of them, at
            first and whenever it is read again; None: it need not be signed.
        reader: process that reads the file when it changes; None: it is read here.
        clock: seconds that never run backwards.

    Raises:
        PolicyError: the policy cannot be read or trusted.
        KeyFileError: a file holds no public key.
        DialectError: a point cannot be expressed in the dialect.
        GridError: the safe point is not in the grid.
        TargetError: the share to explore is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        dialect: str | None = None,
        explore: float = 0.0,
        safe_point: str | None = None,
        trusted_keys: Sequence[str | os.PathLike[str] | PublicKey] | None = None,
        reader: PolicyReader | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self._dialect, self._explore, self._clock = Path(path), dialect, explore, clock
        self._safe_point, self._reader = safe_point, reader
        self._trusted_keys = None if trusted_keys is None else read_trusted_keys(trusted_keys)
        self._state = self._look()
        self.current = self._served(Policy.load(self.path, trusted_keys=self._trusted_keys))
        self.error = ""
        self._retry_at, self._pause_s = 0.0, FIRST_RETRY_S

    def refresh(self, *, force: bool = False) -> Reload | None:
        """Read the file if it changed since the last attempt, or if that failed some time ago; None: nothing new.

        Args:
            force: read it in any case.
        """
        state = self._look()
        is_new = force or state != self._state
        if not is_new and not (self.error and self._clock() >= self._retry_at):
            return None
        self._state = state
        before, error = self.current.policy.sha256, self.error
        try:
            served = self._read()
        except Exception as problem:  # the old policy stays, even after an error nobody foresaw
            self._fail(str(problem) or type(problem).__name__, is_new=is_new)
        else:
            self.error, self._pause_s = "", FIRST_RETRY_S
            if served.policy.sha256 != before:
                self.current = served
        is_same = self.current.policy.sha256 == before and self.error == error
        return None if is_same and not is_new else Reload(before, self.current.policy.sha256, self.error)

    def _fail(self, error: str, *, is_new: bool) -> None:
        self.error = error
        self._pause_s = FIRST_RETRY_S if is_new else min(2 * self._pause_s, LAST_RETRY_S)
        self._retry_at = self._clock() + self._pause_s

    def close(self) -> None:
        """End the process that reads the file, if any."""
        if self._reader is not None:
            self._reader.close()

    def _read(self) -> ServedPolicy:
        read = Policy.load if self._reader is None else self._reader.read
        return self._served(read(self.path, trusted_keys=self._trusted_keys))

    def _look(self) -> tuple[FileState, ...]:
        """Return the state of the policy file and, if it must be signed, of the file of its signatures."""
        state = _state_of(self.path)
        return (state,) if self._trusted_keys is None else (state, _state_of(signature_path(state.path)))

    def _served(self, policy: Policy) -> ServedPolicy:
        return ServedPolicy(policy, dialect=self._dialect, explore=self._explore, safe_point=self._safe_point)


def _state_of(path: Path) -> FileState:
    """Return the state of a file, through links; of a missing one, its path alone."""
    real = real_path(path)
    with suppress(OSError, ValueError):  # ValueError: a path with a null character
        about = real.stat()
        return FileState(real, about.st_mtime_ns, about.st_size, about.st_ino)
    return FileState(real, 0, 0, 0)


async def watch(
    policy: ReloadingPolicy, report: Callable[[Reload], None], *, every_s: float, wake: asyncio.Event
) -> None:
    """Refresh a policy for ever, in a thread beside the event loop.

    Args:
        policy: to refresh.
        report: called in the loop after each attempt.
        every_s: seconds between two looks at the file; 0: only when woken.
        wake: set to read the file at once.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="policy-reload") as thread:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), every_s or None)
            force = wake.is_set()
            wake.clear()
            refresh = functools.partial(policy.refresh, force=force)
            attempt = await asyncio.get_running_loop().run_in_executor(thread, refresh)
            if attempt is not None:
                report(attempt)
