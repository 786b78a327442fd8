"""The bearer token: what it guards, and how it is compared."""

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="httpx2, with which Starlette tests, is not installed")

from paretoroute.serving.http.gate import BearerToken
from tests.serving.http.running import error_of, service

TOKEN = "c0ffee-0123456789"


@pytest.mark.parametrize("path", ["/plan", "/plan_batch", "/forecast", "/policy", "/metrics", "/nope"])
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer é",
    ],
)
def test_without_the_token_nothing_about_the_policy_is_answered(path, header):
    with service(token=BearerToken(TOKEN, source="test")) as client:
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        answer = client.request("POST" if path.startswith("/plan") else "GET", path, headers=headers)

    assert error_of(answer, 401)["where"] == "Authorization"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_with_the_token_all_is_answered_and_open_paths_need_none():
    with service(token=BearerToken(f"{TOKEN}\n", source="test")) as client:
        for scheme in ("Bearer", "bearer"):
            headers = {"Authorization": f"{scheme} {TOKEN}"}
            assert client.post("/plan", json={"query": "x"}, headers=headers).status_code == 200
        for path in ("/", "/healthz", "/openapi.json"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert "smollm2" not in answer.text  # they tell nothing about the policy


@pytest.mark.parametrize("token", ["", " \n", "two words", "ключ", "a\tb", "a\nb"])
def test_a_token_that_no_header_can_carry_is_refused(token):
    from paretoroute.errors import QueryError

    with pytest.raises(QueryError, match="the place"):
        BearerToken(token, source="the place")


def test_the_token_is_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda one, other: compared.append((one, other)) or one == other)

    token = BearerToken(TOKEN, source="test")

    assert token.is_in(f"Bearer {TOKEN}") and not token.is_in("Bearer x") and not token.is_in("")
    assert {len(side) for pair in compared for side in pair} == {32}  # hashes, whatever the lengths of the tokens
    assert TOKEN not in repr(vars(token))
