"""Worker processes that do the steps of a comparison.

Workers are spawned, never forked: a fork of a process that runs JAX may hang. They ignore Ctrl-C, which ends them
through this process, and they end by themselves when it is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.reduction import ForkingPickler

from paretoroute._threads import one_thread_each
from paretoroute.errors import ParetorouteError, TargetError, one_line
from paretoroute.evaluation.protocol.outer_fold import FoldResult, LeftOut, OuterFold
from paretoroute.evaluation.protocol.steps.queue import Step, StepQueue
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.base import Router


@dataclass(frozen=True)
class _Failure:
    """An error in a worker."""

    error: Exception


@dataclass(frozen=True)
class _Worker:
    """A process, and this side of its connection."""

    process: SpawnProcess
    connection: Connection

    @classmethod
    def start(cls, context: SpawnContext) -> _Worker:
        """Start a worker, which then waits for its job."""
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _interrupts_blocked():
            process.start()
        theirs.close()
        return cls(process, ours)

    def result(self) -> FoldResult | LeftOut | _Failure:
        """Receive the result of a step.

        Raises:
            ParetorouteError: the process has died.
        """
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            raise self._death() from None

    def send(self, data: bytes) -> None:
        """Send a pickled object.

        Raises:
            ParetorouteError: the process has died.
        """
        try:
            self.connection.send_bytes(data)
        except OSError:
            raise self._death() from None

    def _death(self) -> ParetorouteError:
        """Return the error about a process that has died."""
        self.process.join()
        code = self.process.exitcode or 0
        cause = f"signal {-code}; was it out of memory?" if code < 0 else f"exit code {code}"
        return ParetorouteError(
            f"a worker process ended without a result ({cause}); run the same again, with fewer jobs if memory is short"
        )

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.connection.close()
        self.process.terminate()
        self.process.join()


def in_workers(
    study: Study, routers: Sequence[Router], queue: StepQueue, *, jobs: int
) -> Generator[tuple[Step, FoldResult | LeftOut], None, None]:
    """Do the steps of a queue in worker processes, and yield each result as it comes.

    Where steps fail, those that run are still finished, and then the error of the first of the failed ones is raised.

    Raises:
        TargetError: a router cannot be sent to another process.
        ParetorouteError: a process has died.
    """
    job = _packed(study, routers)
    context, workers = multiprocessing.get_context("spawn"), []
    try:
        with one_thread_each():
            for _ in range(jobs):
                workers.append(_Worker.start(context))
        for worker in workers:
            worker.send(job)
        yield from _results(workers, queue)
    finally:
        for worker in workers:
            worker.end()


def _results(workers: Sequence[_Worker], queue: StepQueue) -> Iterator[tuple[Step, FoldResult | LeftOut]]:
    idle: list[tuple[_Worker, int | None]] = [(worker, None) for worker in reversed(workers)]  # with its last fold
    busy = dict[Connection, tuple[_Worker, Step]]()
    failures: list[tuple[Step, Exception]] = []
    while True:
        while idle and (step := queue.start(idle[-1][1])) is not None:
            worker, _ = idle.pop()
            worker.send(bytes(ForkingPickler.dumps(step)))
            busy[worker.connection] = worker, step
        if not busy:
            break
        for ready in wait(list(busy)):
            worker, step = busy.pop(ready)  # type: ignore[arg-type]  # wait returns some of the connections it was given
            result = worker.result()
            idle.append((worker, step.fold))
            queue.finish(step)
            if isinstance(result, _Failure):
                failures.append((step, result.error))
                queue.stop()
            else:
                yield step, result
    if failures:
        raise min(failures, key=lambda failure: failure[0].fold)[1]


def _packed(study: Study, routers: Sequence[Router]) -> bytes:
    try:
        return bytes(ForkingPickler.dumps((study, tuple(routers))))
    except Exception as error:  # of any kind: a router's own __reduce__ may raise
        for router in routers:
            _require_portable(router)
        raise TargetError(f"the routers cannot be sent to worker processes ({one_line(error)}); use 1 job") from error


def _require_portable(router: Router) -> None:
    try:
        ForkingPickler.dumps(router)
    except Exception as error:
        raise TargetError(
            f"router {router.name!r} cannot be sent to worker processes ({one_line(error)}); define its class at the "
            "top of a module, or use 1 job"
        ) from error


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in this thread: processes that are started meanwhile keep it blocked."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection) -> None:
    """Do steps as they are asked for, until the connection closes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    fold: OuterFold | None = None
    try:
        study, routers = connection.recv()
        by_name = {router.name: router for router in routers}
        while True:
            step = connection.recv()
            if fold is None or fold.number != step.fold:
                fold = OuterFold(study, step.fold)
            connection.send(_done(fold, by_name[step.router]))
    except (EOFError, OSError):
        return


def _done(fold: OuterFold, router: Router) -> FoldResult | LeftOut | _Failure:
    try:
        return fold.judge(router)
    except Exception as error:
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        try:
            pickle.loads(ForkingPickler.dumps(error))
        except Exception:  # some errors cannot be copied
            error = RuntimeError(f"{type(error).__name__}: {one_line(error)}")
        return _Failure(error)


def _end_with_parent() -> None:
    """End this process when the one that started it ends, even if that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
