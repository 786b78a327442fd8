"""A service that answers in this process, and its errors; needs the extra ``serve`` and httpx2."""

from contextlib import contextmanager

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="httpx2, with which Starlette tests, is not installed")

from starlette.testclient import TestClient

from paretoroute import report
from paretoroute.serving.http.app import Service, Settings
from paretoroute.serving.reload import ReloadingPolicy
from tests.serving.cases import MAX_COST


@contextmanager
def service(path=MAX_COST, *, dialect=None, explore=0.0, safe_point=None, **settings):
    live = ReloadingPolicy(path, dialect=dialect, explore=explore, safe_point=safe_point)
    made = Service(live, Settings(page=report.to_html, **settings))
    with TestClient(made.app(), raise_server_exceptions=False) as client:
        client.service = made
        yield client


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"} and set(answer.json()["error"]) == {"type", "where", "message"}
    assert "Traceback" not in answer.text and ".py" not in answer.text
    return answer.json()["error"]
