"""Compare single routines on real inputs: python experiments/before_after/routines.py --before DIR --after DIR LOGS...

The tree of ``--before`` fits each log and plans for a few targets while the inputs of the routines are recorded; it has
to have the flat layout of 0eb1350, whose private names are read here. Each tree then runs its own routines on these
inputs, twice, so that compiling does not count in the second time.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from run import read, targets

# Where the routines live, newest layout last.
HOMES = {
    "isotonic": (("paretoroute.calibration", "isotonic"), ("paretoroute.calibration.isotonic", "isotonic")),
    "prices": (("paretoroute.price_fit", "_nonnegative"), ("paretoroute.fitting.points.token_prices", "_nonnegative")),
    "stack": (("paretoroute.stacking", "stack"), ("paretoroute.fitting.methods.stacking", "stack")),
    "k-means": (
        ("paretoroute.routers.clusters", "k_means"),
        ("paretoroute.evaluation.routers.methods.clusters", "cluster_centres"),
    ),
}
SIZES = (10, 30, 60)  # numbers of clusters


def routine(name: str):
    """Return a routine of the tree on the path, called with the arguments of the flat layout."""
    if name == "stack":
        stack = at_home(name)
        return lambda *args: stack(*args[:4], folds=args[4])
    if name == "k-means" and importlib.util.find_spec("paretoroute.routers"):
        from paretoroute.routers.clusters import lloyd, starts

        return lambda vectors, clusters, *, seed: lloyd(vectors, starts(vectors, clusters, seed=seed))
    return at_home(name)


def at_home(name: str):
    """Import a routine from wherever the tree has it."""
    for module, attribute in HOMES[name]:
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError):
            continue
    raise SystemExit(f"{name} is at none of {HOMES[name]}; add its home to HOMES")


def record(log: str, out: str) -> None:
    """Fit a log with recording routines and save the arguments of every call."""
    from paretoroute.featurizer import fit_texts

    import paretoroute as pr
    from paretoroute import calibration, price_fit, stacking

    calls: dict[str, list] = {name: [] for name in HOMES}

    def recording(name, function):
        def call(*args):
            calls[name].append(args)
            return function(*args)

        return call

    calibration.isotonic = recording("isotonic", calibration.isotonic)
    price_fit._nonnegative = recording("prices", price_fit._nonnegative)
    stacking.stack = recording("stack", stacking.stack)
    runs = read(log)
    policy = pr.fit(runs, seed=0)
    for _, target in targets(runs):
        policy.solve(target)
    features = fit_texts(runs.texts, seed=0)[1]
    calls["k-means"] = [(features, size) for size in SIZES]
    Path(out).write_bytes(pickle.dumps(calls))


def replay(inputs: str, out: str) -> None:
    """Run the tree's routines on recorded inputs; save outputs and the seconds of two passes."""
    results = {}
    for name, calls in pickle.loads(Path(inputs).read_bytes()).items():
        function, seconds, more = routine(name), [], {"seed": 0} if name == "k-means" else {}
        outputs = []
        for _ in range(2):
            start = time.perf_counter()
            outputs = [function(*args, **more) for args in calls]
            seconds.append(time.perf_counter() - start)
        results[name] = outputs, seconds
    Path(out).write_bytes(pickle.dumps(results))


def penalised_error(forecasts, targets, query_weight, pool, weights) -> float:
    """Compute what stacking minimises, summed over the components, given weights ``(heads, components)``.

    The shared weights are those that minimise the pooled error exactly, the same for every ``weights``.
    """
    root = np.sqrt(query_weight)[:, None]
    rows, goal = forecasts * root, targets * root
    shared = shared_weights(rows, goal)
    pull = pool * (rows**2).sum(axis=(0, 1)) / max(query_weight.sum() * len(rows), 1e-12)
    error = (np.einsum("hik,hk->ik", rows, weights) - goal) ** 2
    return float(error.sum() + (pull * (weights - shared[:, None]) ** 2).sum())


def shared_weights(rows, goal):
    """Solve for the weights that all components but the first share, ``(heads,)``."""
    from scipy.optimize import nnls

    first = 1 if goal.shape[1] > 1 else 0
    return nnls(rows[:, :, first:].reshape(len(rows), -1).T, goal[:, first:].ravel())[0]


def report(log: str, calls: dict, old: dict, new: dict) -> None:
    """Print how the routines' outputs and times differ."""
    print("+".join(Path(part).name for part in log.split("+")))
    for name, inputs in calls.items():
        (before, old_seconds), (after, new_seconds) = old[name], new[name]
        print(f"  {name}, {len(inputs)} calls: {times(old_seconds)} before, {times(new_seconds)} after")
        if not inputs:
            continue
        if name == "k-means":
            for (vectors, size), one, other in zip(inputs, before, after, strict=True):
                tight = [inertia(vectors, centres) for centres in (one, other)]
                print(f"    {size} clusters: inertia {tight[0]:.6g} before, {tight[1]:.6g} after")
        elif name == "stack":
            print(f"    weights differ by up to {most(before, after):.2g}")
            for args, one, other in zip(inputs, before, after, strict=True):
                errors = [penalised_error(*args[:3], 100.0, weights[-1]) for weights in (one, other)]
                excess, cond = errors[0] / errors[1] - 1, condition(*args[:3])
                print(f"    {args[0].shape}: error before {100 * excess:+.2g}% of that after; condition {cond:.1e}")
        else:
            size = max(np.abs(output).max() for output in before)
            print(f"    largest difference {most(before, after):.2g}, largest value {size:.2g}")


def times(seconds: list[float]) -> str:
    """Format the seconds of the two passes."""
    return f"{seconds[0]:.3f} s (again {seconds[1]:.3f} s)"


def most(before: list, after: list) -> float:
    """Compute the largest difference between two lists of arrays."""
    return max(float(np.abs(one - other).max()) for one, other in zip(before, after, strict=True))


def condition(forecasts, targets, query_weight) -> float:
    """Compute the condition number of the pooled Gram matrix of the heads."""
    rows = (forecasts * np.sqrt(query_weight)[:, None])[:, :, 1 if targets.shape[1] > 1 else 0 :]
    rows = rows.reshape(len(rows), -1)
    return float(np.linalg.cond(rows @ rows.T))


def inertia(vectors, centres) -> float:
    """Sum the squared distances to the nearest centres."""
    square = (vectors**2).sum(1)[:, None] - 2 * vectors @ centres.T + (centres**2).sum(1)
    return float(square.min(axis=1).sum())


def worker(tree: str, *words: str) -> None:
    """Run this file in a process of its own, with a tree first on the path."""
    subprocess.run([sys.executable, __file__, *words], check=True, env={**os.environ, "PYTHONPATH": tree}, cwd=tree)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--before", required=True, help="source tree in the flat layout of 0eb1350")
    parser.add_argument("--after", required=True, help="another one")
    args = parser.parse_args()
    before, after = str(Path(args.before).resolve()), str(Path(args.after).resolve())
    for log in args.logs:
        place = "+".join(part if part == "demo" else str(Path(part).resolve()) for part in log.split("+"))
        with tempfile.TemporaryDirectory() as folder:
            inputs, old, new = (str(Path(folder) / name) for name in ("inputs", "old", "new"))
            worker(before, "--record", place, inputs)
            worker(before, "--replay", inputs, old)
            worker(after, "--replay", inputs, new)
            report(log, *(pickle.loads(Path(path).read_bytes()) for path in (inputs, old, new)))
        sys.stdout.flush()


if __name__ == "__main__":
    modes = {"--record": record, "--replay": replay}
    mode = modes.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if mode:
        mode(*sys.argv[2:])
    else:
        main()
