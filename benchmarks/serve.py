"""Load the service for benchmarks/README.md: python benchmarks/serve.py [--seconds 60] [--where] [POLICY POLICY].

The real command serves on a free port of the loopback while one policy file is replaced by the other every second. One
client, then 64 that never pause, then arrivals at half of the rate that these reach, in even steps and at random
(Poisson), each timed from when it was due. ``--where`` compares where a decision is computed instead: in the loop, in
threads, in processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from paretoroute.planner.planner import Planner

ROOT = Path(__file__).parents[1]
POLICIES = [ROOT / "policies" / f"demo-{name}.yaml" for name in ("max-cost", "same-quality")]
CLIENTS = 64
CHARACTERS = 500
WORDS = (
    "prove lemma poem river sort list capital of winter translate number vowel theorem word count add divide".split()
)


@dataclass
class Answers:
    """The answers that clients got.

    Args:
        seconds: of each request, from when it was due.
        failures: requests without a decision of one of the policies.
        duration_s: of the whole phase.
        policies: hashes of the policies that decided.
    """

    seconds: list[float] = field(default_factory=list)
    failures: int = 0
    duration_s: float = 0.0
    policies: set[str] = field(default_factory=set)

    def ms(self, quantile: float) -> float:
        """Return a quantile of the latencies in milliseconds."""
        return 1000 * float(np.quantile(self.seconds, quantile))

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.seconds) / self.duration_s


class Connection(asyncio.Protocol):
    """A connection that is kept open and asks one question at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read an answer, which may come in parts."""
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if blank and length and len(body) >= int(length[1]) and self._answer:
            self._buffer = b""
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the question that waits, if any."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("the service closed the connection"))

    async def ask(self, request: bytes, answers: Answers, *, due: float) -> None:
        """Ask, and note how long the answer took."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)  # pyright: ignore[reportAttributeAccessIssue]  # of a socket
        try:
            status, body = await self._answer
        except ConnectionError:
            answers.failures += 1
            return
        answers.seconds.append(time.perf_counter() - due)
        if status == 200:
            answers.policies.add(json.loads(body)["policy_sha256"])
        else:
            answers.failures += 1


def requests() -> list[bytes]:
    """Return requests of 500 characters."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, CHARACTERS))[:CHARACTERS] for _ in range(200)]
    bodies = [json.dumps({"query": text}).encode() for text in texts]
    head = b"POST /plan HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return [head % len(body) + body for body in bodies]


async def connect(port: int, count: int) -> list[Connection]:
    """Open connections."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]


async def saturate(port: int, *, clients: int, seconds: float) -> Answers:
    """Let clients ask without a pause."""
    answers, asked, start = Answers(), requests(), time.perf_counter()

    async def client(connection: Connection, number: int) -> None:
        while time.perf_counter() - start < seconds:
            number += 1
            await connection.ask(asked[number % len(asked)], answers, due=time.perf_counter())

    await asyncio.gather(*(client(one, 7 * i) for i, one in enumerate(await connect(port, clients))))
    answers.duration_s = time.perf_counter() - start
    return answers


async def arrive(port: int, *, rate: float, seconds: float, is_random: bool) -> Answers:
    """Ask in even steps or at random times, whether or not earlier questions are answered."""
    answers, asked, rng = Answers(), requests(), np.random.default_rng(1)
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in await connect(port, CLIENTS):
        idle.put_nowait(connection)

    async def ask(number: int, due: float) -> None:
        connection = await idle.get()
        await connection.ask(asked[number % len(asked)], answers, due=due)
        idle.put_nowait(connection)

    start = due = time.perf_counter()
    tasks = []
    while due - start < seconds:
        due += rng.exponential(1 / rate) if is_random else 1 / rate
        while (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(max(left - 0.002, 0))  # a timer of the loop is a millisecond late
        tasks.append(asyncio.create_task(ask(len(tasks), due)))
    await asyncio.gather(*tasks)
    answers.duration_s = time.perf_counter() - start
    return answers


@contextmanager
def service(policies: list[Path], *, reload_every_s: float) -> Iterator[int]:
    """Serve a policy whose file is replaced all the time, and yield the port."""
    with tempfile.TemporaryDirectory() as folder:
        served = Path(folder) / "policy.yaml"
        for policy in policies:
            for side in policy.parent.glob("*.safetensors"):
                shutil.copy(side, folder)
        shutil.copy(policies[0], served)
        command = [sys.executable, "-m", "paretoroute", "serve", str(served), "--port", "0", "--reload-every", "0.5"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL, cwd=ROOT, start_new_session=True
        )
        assert process.stdout is not None
        started = re.search(r":(\d+) \(", process.stdout.readline())
        assert started is not None, "the service did not start"
        stop = threading.Event()
        replacing = threading.Thread(target=_replace, args=(served, policies, stop, reload_every_s))
        replacing.start()
        try:
            yield int(started[1])
        finally:
            stop.set()
            replacing.join()
            process.terminate()
            print(f"exit code after SIGTERM: {process.wait(60)}")


def _replace(served: Path, policies: list[Path], stop: threading.Event, every_s: float) -> None:
    """Replace the file by the other policy, in one step, as a save does."""
    number = 0
    while not stop.wait(every_s):
        number += 1
        new = served.with_suffix(".new")
        shutil.copy(policies[number % len(policies)], new)
        os.replace(new, served)


def measure(policies: list[Path], seconds: float) -> None:
    """Load the service, and print its latencies and the ratios that matter."""
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    with service(policies, reload_every_s=1.0) as port:
        asyncio.run(saturate(port, clients=1, seconds=2))  # warm up
        one = asyncio.run(saturate(port, clients=1, seconds=seconds))
        many = asyncio.run(saturate(port, clients=CLIENTS, seconds=seconds))
        even = asyncio.run(arrive(port, rate=many.rate / 2, seconds=seconds, is_random=False))
        half = asyncio.run(arrive(port, rate=many.rate / 2, seconds=seconds, is_random=True))
    print(f"load average after: {os.getloadavg()[0]:.1f}")
    table = Table("load", "requests", "failed", "per s", "p50 ms", "p99 ms", "policies")
    loads = {"one client": one, f"{CLIENTS} clients": many, "half of capacity, even": even, "half, random": half}
    for name, answers in loads.items():
        figures = [
            f"{answers.rate:.0f}",
            f"{answers.ms(0.5):.2f}",
            f"{answers.ms(0.99):.2f}",
            str(len(answers.policies)),
        ]
        table.add_row(name, str(len(answers.seconds)), str(answers.failures), *figures)
    Console().print(table)
    for name, ratio, goal in (
        ("p99 at half of capacity, even / p50 of one client", even.ms(0.99) / one.ms(0.5), "at most 5"),
        ("p99 at half of capacity, random / p50 of one client", half.ms(0.99) / one.ms(0.5), "at most 5"),
        (f"p99 / p50 of {CLIENTS} clients", many.ms(0.99) / many.ms(0.5), "at most 3"),
        (f"throughput of {CLIENTS} clients / of one", many.rate / one.rate, "at least 0.8"),
    ):
        print(f"{name}: {ratio:.2f} ({goal})")


_planner: Planner | None = None


def _load(policy: Path) -> None:
    global _planner
    _planner = Planner.load(policy)


def _decide(text: str) -> str:
    assert _planner is not None
    return _planner.plan(text).model


async def _asked(decide: Callable[[str], Awaitable[str]], *, clients: int, seconds: float) -> Answers:
    """Let clients of the loop itself ask without a pause."""
    answers, start = Answers(), time.perf_counter()
    texts = [json.loads(request.partition(b"\r\n\r\n")[2])["query"] for request in requests()]

    async def client(number: int) -> None:
        while (due := time.perf_counter()) - start < seconds:
            number += 1
            await decide(texts[number % len(texts)])
            answers.seconds.append(time.perf_counter() - due)
            await asyncio.sleep(0)

    await asyncio.gather(*(client(7 * i) for i in range(clients)))
    answers.duration_s = time.perf_counter() - start
    return answers


def compare_places(policy: Path, seconds: float) -> None:
    """Compare where a decision is computed, without HTTP."""
    _load(policy)
    table = Table("place", "one client: p50 ms", f"{CLIENTS} clients: per s", "p99 / p50")
    pools: dict[str, Callable[[], Executor] | None] = {
        "the loop": None,
        "one thread": lambda: ThreadPoolExecutor(1),
        "two threads": lambda: ThreadPoolExecutor(2),
        "two processes": lambda: ProcessPoolExecutor(2, initializer=_load, initargs=(policy,)),
    }
    for name, make in pools.items():
        pool = make() if make else None

        async def decide(text: str, pool: Executor | None = pool) -> str:
            return await asyncio.get_running_loop().run_in_executor(pool, _decide, text) if pool else _decide(text)

        asyncio.run(_asked(decide, clients=CLIENTS, seconds=1))
        one = asyncio.run(_asked(decide, clients=1, seconds=seconds))
        many = asyncio.run(_asked(decide, clients=CLIENTS, seconds=seconds))
        table.add_row(name, f"{one.ms(0.5):.2f}", f"{many.rate:.0f}", f"{many.ms(0.99) / many.ms(0.5):.2f}")
        if pool:
            pool.shutdown()
    Console().print(table)


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policies", nargs="*", type=Path, default=POLICIES, help="two policies that replace each other")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each load")
    parser.add_argument("--where", action="store_true", help="compare where a decision is computed")
    arguments = parser.parse_args()
    if arguments.where:
        compare_places(arguments.policies[0], min(arguments.seconds, 5.0))
    else:
        measure(arguments.policies, min(arguments.seconds, 60.0))


if __name__ == "__main__":
    main()
