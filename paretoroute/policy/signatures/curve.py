"""Points of Ed25519's curve, -x^2 + y^2 = 1 + d x^2 y^2 modulo 2^255 - 19, as public keys encode them.

A key of small order is no key: signatures that anybody can make hold for it. An encoding is the 32 bytes of y, the
lowest first, with the lowest bit of x in the highest bit. It is canonical if y < 2^255 - 19, and if that bit is 0 where
x is 0; other encodings of the same point would give one key two ids.

References:
    Josefsson and Liusvaara (2017), "Edwards-Curve Digital Signature Algorithm (EdDSA)", RFC 8032, section 5.1.3.
    Chalkias, Garillot and Nikolaenko (2020), "Taming the many EdDSAs", section 2 and Table 1.
"""

from __future__ import annotations

from typing import NamedTuple

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
_ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


class Point(NamedTuple):
    """A point by its coordinates."""

    x: int
    y: int


NEUTRAL = Point(0, 1)


def fault_of_key(raw: bytes) -> str:
    """Return why 32 bytes are no public key to trust, or ``""``."""
    point = decoded(raw)
    if point is None:
        return "is no canonical point of Ed25519's curve"
    if times_eight(point) == NEUTRAL:
        return "is of small order, so that anybody can make signatures that hold for it"
    return ""


def decoded(raw: bytes) -> Point | None:
    """Return the point that 32 bytes encode; None if there is none, or the encoding is not canonical."""
    number = int.from_bytes(raw, "little")
    y, sign = number % 2**255, number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P  # of x; the denominator is never 0, since -1/d is no square
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * _ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return Point(x if x % 2 == sign else P - x, y)


def times_eight(point: Point) -> Point:
    """Return eight times a point: the neutral point if, and only if, its order divides eight."""
    for _ in range(3):
        point = _doubled(point)
    return point


def _doubled(point: Point) -> Point:
    x, y = point
    term = D * x * x * y * y
    return Point(2 * x * y * pow(1 + term, -1, P) % P, (y * y + x * x) * pow(1 - term, -1, P) % P)
