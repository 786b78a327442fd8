"""sign and verify-signature, and the commands that can require a signature."""

import os
import re
import sys

import pytest

import paretoroute as pr
from tests.cli.asking import one_line
from tests.planner_cases import command
from tests.policy.signatures.key_files import key_pair, signature_of
from tests.policy.signatures.test_keys import encrypted
from tests.processes import python, without
from tests.serving.cases import SAME_QUALITY, policy_in, replace

STARTED = "import runpy\nsys.argv = ['paretoroute', *{!r}]\nrunpy.run_module('paretoroute', run_name='__main__')\n"


MODELS = ("gemma3-270m", "gemma3-270m+steps", "smollm2-135m")
LITELLM = ["--format", "litellm", *(f"--deployment={model}=hosted_vllm/{model}" for model in MODELS)]


@pytest.fixture
def ops(tmp_path):
    (tmp_path / "keys").mkdir()
    return key_pair(tmp_path / "keys")


def test_a_policy_is_signed_verified_and_planned_with(tmp_path, ops):
    policy = policy_in(tmp_path)

    signed = command("sign", policy, "--key", ops.private)
    verified = command("verify-signature", policy, "--trusted-key", ops.public)
    planned = command("plan", policy, "Who wrote it?", "--format", "json", "--trusted-key", ops.public)
    exported = command("export", policy, *LITELLM, "--trusted-key", ops.public)

    assert signed.code == verified.code == planned.code == exported.code == 0
    assert ops.key.id in signed.out and signature_of(policy).name in " ".join(signed.out.split())
    assert ops.key.id in verified.out and "ops.pub.pem" in verified.out


@pytest.mark.parametrize("name", ["plan", "export", "verify-signature"])
def test_commands_refuse_a_policy_that_no_trusted_key_signed(name, tmp_path, ops):
    policy, other = policy_in(tmp_path), key_pair(ops.public.parent, "other")
    more = {"plan": ["Who wrote it?"], "export": LITELLM, "verify-signature": []}[name]

    unsigned = one_line(command(name, policy, *more, "--trusted-key", ops.public))
    pr.sign_policy(policy, key=other.private)
    wrong = one_line(command(name, policy, *more, "--trusted-key", ops.public))
    both = command(name, policy, *more, "--trusted-key", ops.public, "--trusted-key", other.public)
    replace(policy, SAME_QUALITY.read_bytes())
    changed = one_line(command(name, policy, *more, "--trusted-key", other.public))

    assert unsigned.startswith("policy.yaml: is not signed: policy.yaml.sig is missing beside policy.yaml")
    assert wrong.startswith(
        f"policy.yaml: its file of signatures names key {other.key.id[:16]}, and trusted is key {ops.key.id[:16]}"
    )
    assert both.code == 0
    assert changed.startswith(f"policy.yaml: was changed or replaced after key {other.key.id[:16]} (other.pub.pem)")


def test_the_environment_names_trusted_keys_and_the_option_wins(tmp_path, ops, monkeypatch):
    policy, other = policy_in(tmp_path), key_pair(ops.public.parent, "other")
    pr.sign_policy(policy, key=ops.private)
    monkeypatch.setenv("PARETOROUTE_TRUSTED_KEYS", str(other.public))

    assert "file of signatures names" in one_line(command("plan", policy, "x"))
    assert command("plan", policy, "x", "--trusted-key", ops.public).code == 0
    monkeypatch.setenv("PARETOROUTE_TRUSTED_KEYS", os.pathsep.join(map(str, (other.public, ops.public))))
    assert command("plan", policy, "x").code == 0
    assert "ops.pub.pem" in command("verify-signature", policy).out
    monkeypatch.setenv("PARETOROUTE_TRUSTED_KEYS", "")
    for arguments in (("plan", policy, "x"), ("verify-signature", policy), ("export", policy, *LITELLM)):
        assert "PARETOROUTE_TRUSTED_KEYS holds an empty path" in one_line(command(*arguments))


def test_a_misspelt_variable_does_not_switch_the_check_off(tmp_path, monkeypatch):
    monkeypatch.setenv("PARETOROUTE_TRUSTED_KEY", "ops.pub.pem")

    assert "write PARETOROUTE_TRUSTED_KEYS" in one_line(command("plan", policy_in(tmp_path), "x"))


def test_an_empty_option_does_not_switch_the_check_off(tmp_path, ops):
    policy = policy_in(tmp_path)

    assert command("plan", policy, "x", "--trusted-key", "").code == 2


def test_verify_signature_without_a_key_names_the_option(tmp_path, monkeypatch):
    monkeypatch.delenv("PARETOROUTE_TRUSTED_KEYS", raising=False)

    message = one_line(command("verify-signature", policy_in(tmp_path)))

    assert message == ("no key is trusted; name a public key: --trusted-key FILE, or set PARETOROUTE_TRUSTED_KEYS")


def test_an_encrypted_key_takes_its_passphrase_from_the_environment(tmp_path, ops, monkeypatch):
    policy, locked = policy_in(tmp_path), tmp_path / "locked.pem"
    locked.write_bytes(encrypted(b"ops".ljust(32, b"."), b"open sesame"))
    monkeypatch.delenv("PARETOROUTE_KEY_PASSPHRASE", raising=False)

    assert "set PARETOROUTE_KEY_PASSPHRASE" in one_line(command("sign", policy, "--key", locked))
    assert not signature_of(policy).exists()
    monkeypatch.setenv("PARETOROUTE_KEY_PASSPHRASE", "open sesame")
    result = command("sign", policy, "--key", locked)

    assert result.code == 0 and "sesame" not in result.out + result.err
    assert pr.verify_signature(policy, trusted_keys=[ops.public]) == ops.key


@pytest.mark.skipif(sys.platform == "win32", reason="links are those of POSIX")
def test_sign_prints_where_the_signature_of_a_link_lies(tmp_path, ops):
    policy = policy_in(tmp_path)
    (tmp_path / "deployed").mkdir()
    link = tmp_path / "deployed" / "current.yaml"
    link.symlink_to(policy)

    result = command("sign", link, "--key", ops.private)

    assert result.code == 0 and signature_of(policy).exists()
    assert str(signature_of(policy.resolve())) in result.out.replace("\n", "")


def test_without_the_extra_signing_and_requiring_name_the_command_that_installs_it(tmp_path, ops):
    policy = policy_in(tmp_path)
    pr.sign_policy(policy, key=ops.private)
    lacking = without("cryptography")
    for arguments, purpose in (
        (["sign", policy, "--key", ops.private], "signing a policy"),
        (["plan", policy, "x", "--trusted-key", ops.public], "verifying a signature"),
    ):
        done = python("-c", lacking + STARTED.format([str(argument) for argument in arguments]), cwd=tmp_path)

        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(
            rf"paretoroute: {purpose} needs cryptography, which is not installed; "
            r"run: pip install 'paretoroute\[signatures\]'\n",
            done.stderr,
        )
