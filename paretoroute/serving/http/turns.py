"""Where decisions are computed: short ones in the event loop, long ones in a thread, and batches a little at a time.

A decision takes about a millisecond of one core. A process would add more than that to its latency, and a thread would
halve the throughput (``benchmarks/README.md``). A batch gives the loop back after each slice, so that single queries go
between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

LONG = 20_000  # characters of a query or bytes of JSON, which take several milliseconds: work for the thread
SLICE_S = 0.002  # of a batch, before other requests have their turn

T = TypeVar("T")


class Turns:
    """Shares the processor among requests."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="planning")
        self._batches = asyncio.Lock()

    def close(self) -> None:
        """End the thread once its work is done."""
        self._thread.shutdown()

    async def compute(self, work: Callable[[], T], *, size: int) -> T:
        """Return the result of work on so many bytes or characters."""
        return work() if size <= LONG else await self.in_thread(work)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Return the result of long work, while the loop serves others."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def compute_all(self, works: Sequence[Callable[[], T]], *, sizes: Sequence[int] = ()) -> list[T]:
        """Return the results of a batch; between its slices, and those of other batches, single queries run.

        Args:
            works: in order.
            sizes: of each; without them all are short.
        """
        results: list[T] = []
        while len(results) < len(works):
            async with self._batches:  # one slice of all batches in a turn of the loop
                end = time.perf_counter() + SLICE_S
                for i in range(len(results), len(works)):
                    results.append(await self.compute(works[i], size=sizes[i] if sizes else 0))
                    if time.perf_counter() > end:
                        break
                await asyncio.sleep(0)
        return results
