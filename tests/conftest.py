"""Shared fits, each made once a session, since a fit takes a second; their logs are those of ``synthetic_log``."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if looks := os.environ.keys() & {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"}:
    for variable in looks:  # how output is to look is up to each test
        del os.environ[variable]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads only wait for one another
if "JAX_COMPILATION_CACHE_DIR" not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
    # Nearly all of a small fit is compilation; programs of the same shapes are compiled once a session. JAX writes them
    # in place, so that a worker could read half of what another writes: each has a folder of its own.
    compiled = tempfile.mkdtemp(prefix="paretoroute-jax-")
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

import pytest
from hypothesis import HealthCheck, settings

from paretoroute.fitting.fit import fit
from paretoroute.fitting.result import Fit
from paretoroute.grid import Grid
from paretoroute.policy.policy import Policy
from paretoroute.runs.table import Runs
from paretoroute.targets import MaxCost
from tests.synthetic_log import fitted, make_runs

pytest.register_assert_rewrite("tests.solver.instances", "tests.policy.documents")  # asserts that show their figures

# No test depends on the clock: a busy machine is no failure.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")

# What compare keeps lies in a folder of the session, never among the user's own files.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="paretoroute-cache-")
atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)

SIGNAL = {"holes": 0.2, "latency": True}


@pytest.fixture(scope="session")
def signal_runs() -> Runs:
    """Log 240 queries of three kinds that want different points, a fifth of the cells missing."""
    return make_runs(**SIGNAL)


@pytest.fixture(scope="session")
def signal_fit(signal_runs) -> tuple[Fit, Grid]:
    return fitted(signal_runs)


@pytest.fixture(scope="session")
def signal_policy(signal_runs) -> Policy:
    """The same log by the front door."""
    return fit(signal_runs, MaxCost(usd=0.002))


@pytest.fixture(scope="session")
def no_signal_runs() -> Runs:
    """Every kind wants the same points: the text tells nothing."""
    return make_runs(signal=False)


@pytest.fixture(scope="session")
def no_signal_policy(no_signal_runs) -> Policy:
    return fit(no_signal_runs, MaxCost(usd=0.002))
