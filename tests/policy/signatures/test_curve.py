"""Public keys that anybody can sign for are refused, and so are second encodings of a key."""

import pytest

import paretoroute as pr
from paretoroute.policy.signatures.curve import NEUTRAL, P, Point, decoded, times_eight
from paretoroute.policy.signatures.keys import PrivateKey
from tests.policy.signatures.key_files import PUBLIC_DER, key_pair, pem

ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
Y_8 = int.from_bytes(ORDER_8, "little")
# The eight points whose order divides eight: y, and the lowest bit of x.
SMALL = [(1, 0), (P - 1, 0), (0, 0), (0, 1), (Y_8, 0), (Y_8, 1), (P - Y_8, 0), (P - Y_8, 1)]
OTHER_ENCODINGS = [(P, 0), (P, 1), (P + 1, 0), (P + 1, 1), (1, 1), (P - 1, 1), (2**255 - 1, 0), (P + 3, 0)]


def encoded(y, sign):
    return (y | sign << 255).to_bytes(32, "little")


def test_the_points_of_small_order_are_eight_different_ones():
    points = {decoded(encoded(*one)) for one in SMALL}

    assert len(points) == 8
    assert all(point is not None and times_eight(point) == NEUTRAL for point in points)


@pytest.mark.parametrize("y, sign", SMALL)
def test_a_key_of_small_order_is_refused(tmp_path, y, sign):
    raw = encoded(y, sign)
    path = tmp_path / "weak.pub.pem"
    path.write_bytes(pem("PUBLIC KEY", PUBLIC_DER + raw))

    with pytest.raises(pr.KeyFileError, match="of small order"):
        pr.PublicKey(raw)
    with pytest.raises(pr.KeyFileError, match=r"weak\.pub\.pem: is of small order.*make a new pair"):
        pr.PublicKey.read(path)


@pytest.mark.parametrize("y, sign", OTHER_ENCODINGS)
def test_a_key_that_is_not_canonical_is_refused(y, sign):
    with pytest.raises(pr.KeyFileError, match="no canonical point"):
        pr.PublicKey(encoded(y, sign))


def test_bytes_that_are_no_point_are_refused():
    with pytest.raises(pr.KeyFileError, match="no canonical point"):
        pr.PublicKey(encoded(2, 0))


def test_keys_that_were_made_are_points_of_large_order(tmp_path):
    for i in range(20):
        pair = key_pair(tmp_path, f"key{i}")

        point = decoded(PrivateKey.read(pair.private).public.raw)

        assert point is not None
        assert times_eight(point) != NEUTRAL


def test_decoding_agrees_with_the_base_point():
    base = decoded(encoded(4 * pow(5, -1, P) % P, 0))

    assert base == Point(
        15112221349535400772501151409588531511454012693041857206046113283949847762202, 4 * pow(5, -1, P) % P
    )
