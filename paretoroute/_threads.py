"""The number of threads of linear algebra in processes that are about to start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let linear algebra use one thread per process, here and in new processes, unless the user has set it.

    Processes share the cores better than threads do, and last digits do not depend on the number of processes. A
    process that has loaded NumPy keeps its threads.
    """
    missing = [name for name in _VARIABLES if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, "1"))
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)
