"""serve: what is checked before it listens."""

import re
import socket

import pytest

from paretoroute.policy.signatures.sign import sign_policy
from tests.cli.asking import one_line
from tests.planner_cases import command
from tests.policy.signatures.key_files import key_pair
from tests.processes import ROOT, python, without
from tests.serving.cases import policy_in

POLICY = ROOT / "policies" / "demo-max-cost.yaml"
STARTED = (
    "import runpy\nsys.argv = ['paretoroute', 'serve', {!r}, *{!r}]\n"
    "runpy.run_module('paretoroute', run_name='__main__')\n"
)


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "prometheus_client"])
def test_the_command_without_its_extra_names_the_command_that_installs_it(package, tmp_path):
    done = python("-c", without(package) + STARTED.format(str(POLICY), []), cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        rf"paretoroute: the command serve needs {package}, which is not installed; "
        r"run: pip install 'paretoroute\[serve\]'\n",
        done.stderr,
    )


def test_planning_and_the_other_commands_load_no_server(tmp_path):
    code = "import sys\nimport paretoroute.cli.main, paretoroute.planner.planner\n"
    code += "print([name for name in ('starlette', 'uvicorn', 'prometheus_client') if name in sys.modules])"

    assert python("-c", code, cwd=tmp_path).stdout == "[]\n"


def test_the_extra_alone_installs_what_the_command_needs(tmp_path):
    pytest.importorskip("starlette", reason="the extra serve is not installed")
    lacking = without("jax", "jaxlib", "optax", "orjson", "pyarrow", "scipy", "pandas", "sklearn")
    done = python("-c", lacking + STARTED.format(str(POLICY), ["--host", "no such host"]), cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("paretoroute: cannot listen on no such host")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--request", "nobody"], "dialect 'nobody' is unknown"),
        (["--request", "anthropic"], "dialect 'anthropic' cannot express points"),
        (["--explore", "1"], "explore must leave calls to the policy"),
        (["--allowed-host", "http://x"], "--allowed-host 'http://x': write the name or the address that callers use"),
        (["--token-file", "/no/such/file"], "--token-file /no/such/file: cannot be read: No such file or directory"),
    ],
)
def test_serve_refuses_what_it_could_not_serve_with(options, reason):
    pytest.importorskip("starlette", reason="the extra serve is not installed")

    result = command("serve", POLICY, "--host", "no such host", *options)

    assert result.code == 2 and result.out == ""
    assert reason in result.err


def test_serve_refuses_a_policy_that_no_trusted_key_signed(tmp_path, monkeypatch):
    pytest.importorskip("starlette", reason="the extra serve is not installed")
    policy, ops = policy_in(tmp_path), key_pair(tmp_path)

    assert "policy.yaml: is not signed" in one_line(command("serve", policy, "--trusted-key", ops.public))
    sign_policy(policy, key=ops.private)
    refused = one_line(command("serve", policy, "--trusted-key", ops.public, "--host", "no such host"))
    assert refused.startswith("cannot listen on no such host")  # the signature holds
    monkeypatch.setenv("PARETOROUTE_TRUSTED_KEYS", str(ops.private))
    assert "ops.pem: holds a private key where the public one is expected" in one_line(command("serve", policy))


def test_serve_refuses_a_policy_that_cannot_be_read(tmp_path):
    pytest.importorskip("starlette", reason="the extra serve is not installed")

    assert "missing.yaml" in one_line(command("serve", tmp_path / "missing.yaml"))


def test_serve_refuses_an_empty_token(tmp_path, monkeypatch):
    pytest.importorskip("starlette", reason="the extra serve is not installed")
    (tmp_path / "token").write_text("\n", encoding="utf-8")
    monkeypatch.setenv("PARETOROUTE_TOKEN", "")

    assert "PARETOROUTE_TOKEN: the token is empty" in one_line(command("serve", POLICY))
    assert "token: the token is empty" in one_line(command("serve", POLICY, "--token-file", tmp_path / "token"))


def test_serve_names_a_port_that_is_in_use():
    pytest.importorskip("starlette", reason="the extra serve is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        error = one_line(command("serve", POLICY, "--port", port))

    assert error == f"cannot listen on 127.0.0.1, port {port}: Address already in use; choose another --host or --port"


@pytest.mark.parametrize("token", [None, "c0ffee"])
def test_serve_warns_where_others_reach_it_and_no_token_is_set(token, monkeypatch):
    pytest.importorskip("starlette", reason="the extra serve is not installed")
    started = []
    monkeypatch.setattr(
        "paretoroute.serving.server.run", lambda *args, **kwargs: started.append(kwargs["listener"].close())
    )
    if token is not None:
        monkeypatch.setenv("PARETOROUTE_TOKEN", token)

    other = command("serve", POLICY, "--host", "0.0.0.0", "--port", "0")
    own = command("serve", POLICY, "--port", "0")

    assert len(started) == 2
    assert own.err == ""
    assert ("no token is set" in other.err) == (token is None)
