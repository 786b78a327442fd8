"""The header Host: a foreign name that points to this machine is not answered."""

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="httpx2, with which Starlette tests, is not installed")

from paretoroute.errors import QueryError
from paretoroute.serving.http.gate import BearerToken
from paretoroute.serving.http.hosts import AllowedHosts
from tests.serving.http.running import error_of, service

LOOPBACK = AllowedHosts.of("127.0.0.1")


@pytest.mark.parametrize(
    "header",
    [
        "localhost",
        "LOCALHOST:8000",
        "localhost.",
        "app.localhost:1",
        "127.0.0.1:8000",
        "127.0.0.2",
        "[::1]:8000",
        "[::1]",
    ],
)
def test_the_loopback_is_answered_by_each_of_its_names(header):
    assert LOOPBACK.allow(header)


@pytest.mark.parametrize(
    "header",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "evil.example/127.0.0.1",
        "192.168.1.5",
        "[2001:db8::1]:80",
        "0.0.0.0",
        "",
        ":8000",
        "[]",
        "2130706433",
    ],
)
def test_other_names_are_not(header):
    assert not LOOPBACK.allow(header)


def test_a_service_on_all_addresses_answers_to_addresses_and_to_no_name():
    for bound in ("0.0.0.0", "::"):
        hosts = AllowedHosts.of(bound)
        assert hosts.allow("192.168.1.5:8000") and hosts.allow("[2001:db8::1]:8000") and hosts.allow("localhost")
        assert not hosts.allow("evil.example")


def test_the_bound_name_and_further_ones_are_answered():
    hosts = AllowedHosts.of("Router.internal", ["api.example.com", "*.example.org", "10.0.0.7"])

    for header in ("router.internal:80", "API.example.com", "a.b.example.org", "10.0.0.7:8000"):
        assert hosts.allow(header)
    for header in ("example.org", "xexample.org", "other.example.com", "10.0.0.8"):
        assert not hosts.allow(header)
    assert AllowedHosts.of("127.0.0.1", ["*"]).allow("anything.example")


@pytest.mark.parametrize("name", ["", "http://example.com", "example.com:80", "a b", "*x.example.com", "ключ.example"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(QueryError, match="--allowed-host"):
        AllowedHosts.of("127.0.0.1", [name])


@pytest.mark.parametrize("path", ["/", "/healthz", "/policy", "/metrics", "/openapi.json", "/plan"])
def test_a_rebound_name_reads_nothing(path):
    with service(hosts=LOOPBACK) as client:
        method = "POST" if path == "/plan" else "GET"
        refused = client.request(method, path, headers={"Host": "evil.example:8000"})
        answered = client.get("/healthz", headers={"Host": "127.0.0.1:8000"})

    assert error_of(refused, 400)["where"] == "Host"
    assert "smollm2" not in refused.text
    assert answered.status_code == 200


def test_the_host_is_looked_at_before_the_token():
    with service(hosts=LOOPBACK, token=BearerToken("secret", source="test")) as client:
        headers = {"Authorization": "Bearer secret", "Host": "evil.example"}

        assert error_of(client.get("/policy", headers=headers), 400)["where"] == "Host"
        assert client.get("/policy", headers={**headers, "Host": "localhost"}).status_code == 200


def test_one_foreign_name_among_two_is_refused():
    with service(hosts=LOOPBACK) as client:
        answer = client.get("/healthz", headers=[("Host", "localhost"), ("Host", "evil.example")])

    assert error_of(answer, 400)["where"] == "Host"
