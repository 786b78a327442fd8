"""Fallbacks of an answer of the service."""

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="httpx2, with which Starlette tests, is not installed")

from tests.serving.cases import QUESTION
from tests.serving.http.running import service


def test_fallbacks_have_arguments_of_their_own():
    with service() as client:
        answer = client.post("/plan", json={"query": QUESTION, "request": "openai"}).json()

    models = [arguments["model"] for arguments in answer["fallback_requests"]]
    assert models == [name.rpartition("@")[0] for name in answer["fallbacks"]] != []
    assert all(arguments["n"] >= 1 and arguments["max_completion_tokens"] for arguments in answer["fallback_requests"])
