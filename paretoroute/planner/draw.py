"""Random numbers for queries without an id: each process that plans has a stream of its own."""

from __future__ import annotations

import os

import numpy as np


class Stream:
    """A stream of random numbers that no other process, copy or thread draws from.

    A forked process, a copy and an unpickled stream would repeat this one's numbers, so that workers of one planner
    would all choose alike: they start a stream of their own, seeded by the operating system.

    Args:
        seed: of the numbers in this process; None: from the operating system.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._generator, self._process = np.random.default_rng(seed), os.getpid()

    def __reduce__(self) -> tuple[type[Stream], tuple[()]]:
        return Stream, ()

    def next(self) -> float:
        """Return the next number, uniform in [0, 1)."""
        if self._process != os.getpid():
            self._generator, self._process = np.random.default_rng(), os.getpid()
        return float(self._generator.random())
