"""The queue of steps: their order, and an estimate of the time that is left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Called with a short description before every step."""


@dataclass(frozen=True)
class Step:
    """One router at one fold.

    Args:
        fold: its number, from 0.
        router: the router's name.
    """

    fold: int
    router: str


class StepQueue:
    """Steps that wait, run and are done, and how long they took.

    Args:
        waiting: steps to do, in their order.
        folds: of the comparison.
        done: number of steps that are done already.
        jobs: number of steps that run at a time.
        progress: called before every step.
        clock: in seconds.
    """

    def __init__(
        self,
        waiting: Sequence[Step],
        *,
        folds: int,
        done: int,
        jobs: int,
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waiting, self._done = deque(waiting), done
        self._folds, self._jobs = folds, jobs
        self._progress, self._clock = progress, clock
        self._started: dict[Step, float] = {}
        self._seconds: dict[str, list[float]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self, fold: int | None = None) -> Step | None:
        """Take the next step and describe it; None if no step waits.

        Args:
            fold: that was prepared, whose steps come first. After it come those of the first fold where no step runs,
                since preparing a fold takes time; None: that fold at once.
        """
        if not self._waiting:
            return None
        busy = {step.fold for step in self._started} - {fold}
        step = min(self._waiting, key=lambda step: (step.fold != fold, step.fold in busy))
        self._waiting.remove(step)
        text = f"fold {step.fold + 1} of {self._folds}: {step.router}"
        if self._done:
            total = self._done + len(self._started) + 1 + len(self._waiting)
            left = self.seconds_left(step)
            text += f" ({self._done} of {total} steps done{'' if left is None else f', about {duration(left)} left'})"
        self._progress(text)
        self._started[step] = self._clock()
        return step

    def finish(self, step: Step) -> None:
        """Mark a running step as done."""
        self._seconds.setdefault(step.router, []).append(self._clock() - self._started.pop(step))
        self._done += 1

    def leave_out(self, step: Step) -> None:
        """Drop the waiting steps of a step's router at later folds."""
        self._waiting = deque(s for s in self._waiting if s.router != step.router or s.fold < step.fold)

    def stop(self) -> None:
        """Drop all waiting steps."""
        self._waiting.clear()

    def seconds_left(self, *more: Step) -> float | None:
        """Estimate the time to the end from the steps that were done here; None before the first.

        A router is taken to need as long as at earlier folds, and one without an earlier fold the mean of the others.

        Args:
            more: steps that neither wait nor run yet.
        """
        mean = {router: sum(seconds) / len(seconds) for router, seconds in self._seconds.items()}
        if not mean:
            return None
        typical, now = sum(mean.values()) / len(mean), self._clock()
        waiting = sum(mean.get(step.router, typical) for step in (*more, *self._waiting))
        running = sum(max(mean.get(step.router, typical) + at - now, 0.0) for step, at in self._started.items())
        return (waiting + running) / self._jobs


def duration(seconds: float) -> str:
    """Write a duration for people.

    Example:
        >>> [duration(seconds) for seconds in (0.2, 42, 170, 7500)]
        ['1 s', '42 s', '3 min', '2 h 05 min']
    """
    if seconds < 59.5:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
