"""A Redis server of the tests' own, on a socket in an empty folder, that writes to disk before it answers."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

IS_THERE = shutil.which("redis-server") is not None and importlib.util.find_spec("redis") is not None
needs_redis = pytest.mark.skipif(not IS_THERE, reason="redis-server or redis-py is not installed")


class RedisServer:
    """A server that can be killed and started again on what it wrote.

    Args:
        folder: of its files; a short path, since that of a socket is limited.
        options: of the command line.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options or ("--appendonly", "yes", "--appendfsync", "always")
        self.url = f"unix://{folder}/redis.sock"
        self.start()

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start, and wait until it answers."""
        import redis

        command = ["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save", "", *self.options]
        self._process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                with redis.Redis.from_url(self.url) as client:
                    client.ping()
                return
            except redis.RedisError:  # not listening yet, or reading its file
                time.sleep(0.05)
        raise AssertionError("redis-server does not answer")

    def kill(self) -> None:
        """Kill it as a crash would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
