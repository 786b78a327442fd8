"""Turns: single queries run between the slices of batches, and long work leaves the loop free."""

import asyncio
import threading
import time

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from paretoroute.serving.http.turns import LONG, SLICE_S, Turns


def work_of(results, name, seconds=0.0):
    def work():
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
        results.append(name)
        return name

    return work


def test_single_queries_run_between_the_slices_of_batches():
    async def main():
        turns, order = Turns(), []
        batches = [
            asyncio.create_task(turns.compute_all([work_of(order, f"batch {b}", SLICE_S) for _ in range(20)]))
            for b in range(3)
        ]
        for _ in range(5):
            await asyncio.sleep(0)
            await turns.compute(work_of(order, "single"), size=10)
        singles_at = [i for i, name in enumerate(order) if name == "single"]
        answers = await asyncio.gather(*batches)
        turns.close()
        return order, singles_at, answers

    order, singles_at, answers = asyncio.run(main())

    assert answers == [[f"batch {b}"] * 20 for b in range(3)]
    assert len(singles_at) == 5 and singles_at[-1] < 20  # 60 works of batches were waiting
    assert {name for name in order[:20]} > {"batch 0", "batch 1", "batch 2"}  # batches take turns, too


def test_a_batch_of_cheap_works_is_not_one_turn_each():
    async def main():
        turns, loops = Turns(), 0

        async def count():
            nonlocal loops
            while True:
                loops += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        answer = await turns.compute_all([lambda: 1] * 10_000)
        counting.cancel()
        turns.close()
        return answer, loops

    answer, loops = asyncio.run(main())

    assert answer == [1] * 10_000
    assert loops < 5000


def test_long_work_runs_in_another_thread_and_short_work_here():
    async def main():
        turns = Turns()
        here = await turns.compute(threading.get_ident, size=LONG)
        there = await turns.compute_all([threading.get_ident] * 2, sizes=[LONG + 1, 0])
        turns.close()
        return here, there

    here, there = asyncio.run(main())

    assert here == threading.get_ident() == there[1] != there[0]


def test_an_error_in_a_batch_ends_it_and_no_other():
    async def main():
        turns = Turns()
        bad = asyncio.create_task(turns.compute_all([lambda: 1, lambda: 1 / 0]))
        good = asyncio.create_task(turns.compute_all([lambda: 2] * 3))
        done = await asyncio.gather(bad, good, return_exceptions=True)
        turns.close()
        return done

    error, good = asyncio.run(main())

    assert isinstance(error, ZeroDivisionError)
    assert good == [2, 2, 2]
