"""Add noise to linear algebra: ``python -m pytest -p tests.rounding`` shows which tests hang on last digits.

Another processor, library or number of threads rounds differently: a product of matrices by 1e-15, a vector of a nearly
repeated singular value by anything in its plane, 500 steps of Adam in float32 by 1e-4. The plugin does the same in this
process, so that an example, test or shipped figure that would fail on some machine fails here: in seconds,
and for machines that nobody has at hand. ``NOISE_SEED`` draws other noise.

Singular vectors and eigenvectors also change their signs, and the factors of QR likewise: LAPACK promises none.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from paretoroute.fitting.methods import latent_skills

ROUNDING = 1e-13  # of results of linear algebra: a hundred times what processors differ by
ADAM = 1e-4  # of parameters after 500 steps in float32, on other instructions
NOISE_SEED = os.environ.get("NOISE_SEED", "0")


def noise_for(values: Any) -> np.random.Generator:
    """Draw from the values themselves: the same inputs give the same bits here, too."""
    return np.random.default_rng(zlib.crc32(NOISE_SEED.encode() + np.ascontiguousarray(values).tobytes()))


def rounded(values: Any, size: float = ROUNDING) -> Any:
    """Multiply every number by 1 + ``size`` times a normal variate; keep integers, and the type and shape of floats."""
    array = np.asarray(values)
    if array.dtype.kind != "f":
        return values
    size = max(size, 4 * float(np.finfo(array.dtype).eps))
    noisy = array * (1 + size * noise_for(array).standard_normal(array.shape))
    return noisy.astype(array.dtype) if array.shape else array.dtype.type(noisy)


def signs(values: Any, count: int) -> Any:
    return noise_for(values).choice([-1.0, 1.0], count)


def svd(original: Callable, matrix: Any, *arguments: Any, **options: Any) -> Any:
    result = original(rounded(matrix), *arguments, **options)
    if not isinstance(result, tuple):
        return rounded(result)
    left, size, right = result
    turned = signs(matrix, size.shape[-1])
    return (
        rounded(left * turned) if left.shape[1] == len(size) else left,
        rounded(size),
        rounded(right * turned[:, None]),
    )


def eigh(original: Callable, matrix: Any, *arguments: Any, **options: Any) -> Any:
    noisy = rounded(np.asarray(matrix))
    values, vectors = original((noisy + np.swapaxes(noisy, -1, -2)) / 2, *arguments, **options)
    return rounded(values), rounded(vectors * signs(matrix, vectors.shape[-1]))


def qr(original: Callable, matrix: Any, *arguments: Any, **options: Any) -> Any:
    result = original(rounded(matrix), *arguments, **options)
    if not isinstance(result, tuple):
        return rounded(result * signs(matrix, result.shape[-2])[:, None])
    turned = signs(matrix, result[1].shape[-2])
    return rounded(result[0] * turned), rounded(result[1] * turned[:, None])


def arguments_rounded(original: Callable, *arguments: Any, **options: Any) -> Any:
    """Call with noisy matrices, the first two at most, where noise in the result would not do: ranks, supports."""
    return original(*map(rounded, arguments[:2]), *arguments[2:], **options)


def result_rounded(original: Callable, *arguments: Any, **options: Any) -> Any:
    return rounded(original(*arguments, **options))


def parameters_rounded(original: Callable, *arguments: Any, **options: Any) -> Any:
    """Return a minimiser whose parameters are noisy."""
    minimise = original(*arguments, **options)

    def noisy(*start: Any) -> Any:
        return {name: rounded(values, ADAM) for name, values in minimise(*start).items()}

    return noisy


def wrapped(module: Any, name: str, noisy: Callable) -> None:
    original = getattr(module, name)
    setattr(module, name, wraps(original)(lambda *arguments, **options: noisy(original, *arguments, **options)))


NOISY: tuple[tuple[Any, str, Callable], ...] = (
    (np.linalg, "svd", svd),
    (np.linalg, "eigh", eigh),
    (np.linalg, "qr", qr),
    *((np.linalg, name, result_rounded) for name in ("inv", "solve", "eigvalsh")),
    (np.linalg, "lstsq", arguments_rounded),
    (np, "einsum", result_rounded),
    (latent_skills, "_minimiser", parameters_rounded),
)


def pytest_configure() -> None:
    for module, name, noisy in NOISY:
        wrapped(module, name, noisy)


def pytest_report_header() -> str:
    return f"linear algebra with noise of {ROUNDING:g}, matrix completion of {ADAM:g}"
