"""The exceptions of the package as a tree; each message names what is wrong, where, and what to do.

    ParetorouteError
    ├── RunsError          a log that cannot be used, or in strict mode its first bad row
    ├── GridError          a grid or price file that cannot be used; a point that is not in the grid
    ├── TargetError        a target or limit out of range, such as a negative cost or a quality above 1
    ├── QueryError         a query that cannot be planned: wrong type, wrong embedding width
    ├── EncoderError       an encoder that cannot be loaded, or whose vectors cannot be used
    ├── PolicyError        a policy that cannot be read or trusted
    │   ├── PolicySchemaError     unknown key, wrong type, NaN, a newer schema
    │   ├── PolicyChecksumError   the side file is missing, elsewhere, or was changed after the policy was saved
    │   ├── CertificateError      a policy has no certificate, or one that does not hold for the runs given
    │   └── SignatureError        a policy has no signature of a trusted key, or one that does not hold
    ├── KeyFileError       a file that holds no key to sign or to verify policies with
    ├── AllowanceError     an allowance that cannot pay for a call
    ├── LedgerError        a ledger that cannot be used, or a reservation that is not in it
    ├── DialectError       a point that a request dialect cannot express
    ├── YamlError          a YAML file that is not safe, plain data; defined in ``paretoroute._yaml``
    └── MissingExtraError  a package of an optional extra is not installed; also an ImportError

All are ``ValueError``: the caller passed something that has to change.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from numbers import Integral, Real
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

FIT_PACKAGES = ("jax", "jaxlib", "optax", "orjson", "pyarrow", "rich", "scipy", "typer")
SERVE_PACKAGES = ("prometheus_client", "starlette", "uvicorn")
SIGNATURE_PACKAGES = ("_cffi_backend", "cffi", "cryptography")

_COMPARED_CHARACTERS, _COMPARED_NAMES = 200, 2000  # of names that may be meant

_MOST_CHARACTERS = 4000  # of a message
_MOST_ITEMS = 1_000_000  # of an argument; a range may have any number

P = ParamSpec("P")
R = TypeVar("R")


def one_line(value: object, limit: int = 120) -> str:
    """Return text for one line of a message: without control characters, cut at ``limit`` characters."""
    try:
        text = str(value)
    except ValueError:  # a whole number of more digits than Python writes
        text = "a number of thousands of digits"
    except Exception:  # of the value's own __str__
        text = f"a {type(value).__name__}"
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def file_name(path: Path) -> str:
    """Return the name of a file for a message: that of the path as a whole where it has none, as ``.`` has."""
    return one_line(path.name or path)


def shown(value: object) -> str:
    """Return a value as a message shows it: as code, on one line."""
    try:
        return one_line(ascii(value))
    except Exception:  # it holds such a number, or its own __repr__ raises
        return f"a {type(value).__name__}"


class ParetorouteError(ValueError):
    """Base of every error that this package raises on purpose; a message of thousands of characters is cut.

    Args:
        message: the text.
    """

    def __init__(self, message: str = "") -> None:
        if len(message) > _MOST_CHARACTERS:
            message = f"{message[: _MOST_CHARACTERS - 1000]} ... {message[-900:]}"
        super().__init__(message)


class RunsError(ParetorouteError):
    """A log that cannot be used."""


class GridError(ParetorouteError):
    """A grid or price file that cannot be used, or a point that is not in the grid."""


class TargetError(ParetorouteError):
    """A target or limit that is out of range."""


class QueryError(ParetorouteError):
    """A query that cannot be planned."""


class EncoderError(ParetorouteError):
    """An encoder that cannot be loaded, or whose vectors cannot be used."""


class PolicyError(ParetorouteError):
    """A policy that cannot be read or trusted."""


class PolicySchemaError(PolicyError):
    """A policy file with an unknown key, a wrong type, a NaN or a newer schema."""


class PolicyChecksumError(PolicyError):
    """A side file that is missing, lies elsewhere, or was changed after the policy was saved."""


class CertificateError(PolicyError):
    """A policy without a certificate, or with one that does not hold for the runs given."""


class SignatureError(PolicyError):
    """A policy without a signature of a trusted key, or with one that does not hold for its bytes."""


class KeyFileError(ParetorouteError):
    """A file that holds no key to sign or to verify policies with, or one that cannot be read or decrypted."""


class AllowanceError(ParetorouteError):
    """An allowance that cannot pay for a call; nothing is reserved, and the call must not be made.

    Args:
        message: the text.
        tenant: whose account is short; None: the shared one.
        left_usd: money left on that account.
        needed_usd: money that the call needs at least, or NaN where nothing bounds its cost.
    """

    def __init__(
        self, message: str = "", *, tenant: str | None = None, left_usd: float = 0.0, needed_usd: float = math.nan
    ) -> None:
        super().__init__(message)
        self.tenant, self.left_usd, self.needed_usd = tenant, left_usd, needed_usd


class LedgerError(ParetorouteError):
    """A ledger that cannot be used, or a reservation that is not in it."""


class DialectError(ParetorouteError):
    """A point that a request dialect cannot express."""


class MissingExtraError(ParetorouteError, ImportError):
    """A package of an optional extra that is not installed."""


def expect(name: str, value: object, kinds: type | tuple[type, ...], error: type[ParetorouteError]) -> None:
    """Refuse an argument of another type.

    Args:
        name: of the argument, as the subject of the message.
        value: what was given.
        kinds: the types that are allowed.
        error: to raise.
    """
    if not isinstance(value, kinds):
        allowed = " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
        raise error(f"{name} must be of type {allowed}, got {shown(value)}")


def checked_path(path: object, error: type[ParetorouteError]) -> Path:
    """Return a path that is given as text or as an object that stands for one; refuse anything else."""
    from pathlib import Path

    expect("the path", path, (str, os.PathLike), error)
    try:
        return Path(path)  # pyright: ignore[reportArgumentType]  # checked above
    except Exception:  # of the object's own __fspath__, or it returns bytes
        raise error(f"the path must be text or a path, got {shown(path)}") from None


def expect_items(name: str, value: object, kinds: type | tuple[type, ...], error: type[ParetorouteError]) -> None:
    """Refuse an argument that is no sequence or set of values of some types; the arguments are those of `expect`."""
    if isinstance(value, str):  # a sequence of characters
        raise error(f"{name} must be a list, got the text {shown(value)}; write [{shown(value)}]")
    if not isinstance(value, Sequence | Set):  # an array is neither
        raise error(f"{name} must be a list, got {shown(value)}")
    if len(value) > _MOST_ITEMS:
        raise error(f"{name} must be a list of at most {_MOST_ITEMS:,} items, got {len(value):,}")
    for item in value:
        expect(f"each of {name}", item, kinds, error)


def expect_seed(value: object, error: type[ParetorouteError]) -> None:
    """Refuse a seed that is no whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise error(f"seed must be a whole number of at least 0, got {shown(value)}")


def real(name: str, value: object) -> float:
    """Return a real number as a float.

    Raises:
        TargetError: it is of another type, such as text or a boolean, or too large for a float.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        hint = "; pass a number, without quotes" if isinstance(value, str) else ""
        raise TargetError(f"{name} must be a number, got {shown(value)}{hint}")
    try:
        return float(value)
    except OverflowError:
        raise TargetError(f"{name} must be below 1e308, got a whole number of more digits") from None


def positive(name: str, value: float) -> float:
    """Return a finite number greater than 0.

    Raises:
        TargetError: it is another number; the message names it.
    """
    number = real(name, value)
    if not (math.isfinite(number) and number > 0):
        raise TargetError(f"{name} must be a positive number, got {number:.12g}")
    return number


def not_negative(name: str, value: float) -> float:
    """Return a finite number of at least 0.

    Raises:
        TargetError: it is another number; the message names it.
    """
    number = real(name, value)
    if not (math.isfinite(number) and number >= 0):
        raise TargetError(f"{name} must be a finite number of at least 0, got {number:.12g}")
    return number


def fraction(name: str, value: float) -> float:
    """Return a number in [0, 1].

    Raises:
        TargetError: it is another number; the message names it, and asks whether percent were meant.
    """
    number = real(name, value)
    if not 0 <= number <= 1:
        raise TargetError(f"{name} must lie in [0, 1], got {number:.12g}.{percent_hint(number)}")
    return number


def percent_hint(number: float) -> str:
    """Ask whether a number beyond 1 is meant as percent, as the last sentence of a message."""
    return " Percent? Divide by 100." if 1 < number <= 100 else ""


@contextmanager
def extra(name: str, packages: Collection[str], purpose: str) -> Iterator[None]:
    """Name the command that installs an extra if one of its packages is missing.

    Args:
        name: of the extra.
        packages: that it installs, as they are imported.
        purpose: what needs the extra, as the subject of the message.

    Raises:
        MissingExtraError: a package of the extra is not installed. Any other import error passes unchanged.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in packages:
            raise
        message = f"{purpose} needs {package}, which is not installed; run: pip install 'paretoroute[{name}]'"
        raise MissingExtraError(message) from None


def fit_extra(purpose: str) -> AbstractContextManager[None]:
    """Name the command that installs the extra ``fit`` if one of its packages is missing; see :func:`extra`."""
    return extra("fit", FIT_PACKAGES, purpose)


def needs_fit_extra(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a public function that imports packages of the extra ``fit`` when called; see :func:`fit_extra`."""

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        with fit_extra(function.__qualname__):
            return function(*args, **kwargs)

    return checked


def close_names(name: str, names: Iterable[str], *, most: int, cutoff: float) -> list[str]:
    """Return the names most like ``name``, best first: at most ``most``, of a similarity of ``cutoff`` or more.

    Names are compared by their first 200 characters, and only the first 2,000 of them: the time grows with the product.
    """
    by_start = {one[:_COMPARED_CHARACTERS]: one for one in itertools.islice(names, _COMPARED_NAMES)}
    import difflib  # loaded only for a message, as pathlib is only for a path: planning starts sooner

    near = difflib.get_close_matches(name[:_COMPARED_CHARACTERS], list(by_start), n=most, cutoff=cutoff)
    return [by_start[start] for start in near]


def name_some(names: Iterable[str], *, most: int = 5) -> str:
    """Quote the first names and count the rest, so that a message stays short.

    Example:
        >>> name_some(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(one_line(repr(name), 60) for name in names[:most]) + more


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """Return the hint ``near: 'a', 'b'`` for an unknown name: the five most like it, or the first five of all.

    Example:
        >>> did_you_mean("smal", ["small", "thinker"])
        "near: 'small'"
    """
    near = close_names(name, names, most=5, cutoff=0.3) or names[:5]
    return f"near: {', '.join(one_line(repr(one)) for one in near)}"
