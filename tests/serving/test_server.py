"""The process: it reloads without a dropped request, keeps the old policy, and ends once requests are answered."""

import hashlib
import json
import signal
import socket
import threading

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from paretoroute.policy.signatures.sign import sign_policy
from paretoroute.serving import server
from tests.policy.signatures.key_files import key_pair
from tests.serving.cases import MAX_COST, QUESTION, SAME_QUALITY, policy_in, replace
from tests.serving.process import serve


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_requests_go_on_through_reloads_a_bad_policy_and_the_end(tmp_path):
    path = policy_in(tmp_path)
    with serve(path, "--reload-every", "0.05") as service:
        answers, stop = [], threading.Event()

        def ask():
            while not stop.is_set():
                answers.append(service.post("/plan", {"query": QUESTION}))

        asking = [threading.Thread(target=ask) for _ in range(2)]
        for thread in asking:
            thread.start()

        def served():
            return service.post("/plan", {"query": QUESTION})[1]["policy_sha256"]

        for policy in (SAME_QUALITY, MAX_COST, SAME_QUALITY):
            replace(path, policy.read_bytes())
            assert service.wait(lambda: served() == sha256_of(path))
        replace(path, b"schema: 99\n")
        service.wait(lambda: 'paretoroute_policy_reloads_total{result="bad"} 1.0' in service.get("/metrics")[1])
        assert served() == sha256_of(SAME_QUALITY)
        assert "the old policy" in service.log.read_text(encoding="utf-8")
        stop.set()
        for thread in asking:
            thread.join()
        batch = []
        running = threading.Thread(
            target=lambda: batch.append(service.post("/plan_batch", {"queries": [{"query": QUESTION * 20}] * 400}))
        )
        running.start()
        before = service.wait(lambda: decisions(service) > len(answers) + 5)  # the batch has begun
        assert before
        code = service.end(signal.SIGTERM)
        running.join()

    assert {status for status, _ in answers} == {200}
    assert {answer["policy_sha256"] for _, answer in answers} <= {sha256_of(MAX_COST), sha256_of(SAME_QUALITY)}
    assert batch[0][0] == 200 and len(batch[0][1]["decisions"]) == 400
    assert code == 0
    assert "Traceback" not in service.log.read_text(encoding="utf-8")


def decisions(service):
    lines = service.get("/metrics")[1].splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("paretoroute_decisions_total"))


def test_a_signal_reads_the_policy_at_once_and_the_token_comes_from_the_environment(tmp_path):
    path = policy_in(tmp_path)
    with serve(path, "--reload-every", "0", "--request", "openai", PARETOROUTE_TOKEN="c0ffee") as service:
        assert service.post("/plan", {"query": "x"})[0] == 401
        status, answer = service.post("/plan", {"query": "x"}, Authorization="Bearer c0ffee")
        assert status == 200 and answer["request"]["model"] == answer["model"]
        replace(path, SAME_QUALITY.read_bytes())
        service.process.send_signal(signal.SIGHUP)

        def served():
            return service.post("/plan", {"query": "x"}, Authorization="Bearer c0ffee")[1]["policy_sha256"]

        assert service.wait(lambda: served() == sha256_of(SAME_QUALITY))
        assert service.end(signal.SIGINT) == 0
        assert "c0ffee" not in service.log.read_text(encoding="utf-8")


def test_a_service_that_requires_a_signature_keeps_its_policy_until_the_new_one_is_signed(tmp_path):
    path, ops = policy_in(tmp_path), key_pair(tmp_path)
    sign_policy(path, key=ops.private)
    with serve(path, "--reload-every", "0.05", "--trusted-key", ops.public) as service:

        def served():
            return service.post("/plan", {"query": QUESTION})[1]["policy_sha256"]

        replace(path, SAME_QUALITY.read_bytes())
        assert service.wait(lambda: json.loads(service.get("/healthz")[1])["policy_is_current"] is False)
        assert served() == sha256_of(MAX_COST)
        assert "was changed or replaced after key" in service.log.read_text(encoding="utf-8")
        sign_policy(path, key=ops.private)
        assert service.wait(lambda: served() == sha256_of(SAME_QUALITY))


def test_a_batch_does_not_hold_up_single_queries(tmp_path):
    with serve(policy_in(tmp_path)) as service:
        batch = {"queries": [{"query": QUESTION * 20}] * 1000}
        answers = []
        running = threading.Thread(target=lambda: answers.append(service.post("/plan_batch", batch)))
        running.start()
        single = 0
        while not answers:
            single += service.post("/plan", {"query": QUESTION})[0] == 200
        running.join()

    assert answers[0][0] == 200
    assert single >= 5, "a batch of 125 chunks lets single queries go between"


def test_a_body_above_the_limit_is_refused_in_words_that_the_client_reads(tmp_path):
    with serve(policy_in(tmp_path), "--max-body", "10000") as service:
        status, answer = service.post("/plan", {"query": "x" * 100_000})
        assert (status, answer["error"]["where"]) == (413, "body")
        with socket.create_connection(("127.0.0.1", service.port)) as raw:
            raw.sendall(b"GARBAGE\r\n\r\n")
            assert b"400" in raw.recv(1000)
        assert service.get("/healthz")[0] == 200


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_head():
    with server.bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_only_the_loopback_is_listened_on_unless_told_otherwise():
    with server.bind("127.0.0.1", 0) as own, server.bind("0.0.0.0", 0) as every:
        assert server.is_loopback(own) and not server.is_loopback(every)
        assert server.url_of(own) == f"http://127.0.0.1:{own.getsockname()[1]}"
        with pytest.raises(OSError, match=r"cannot listen on 127.0.0.1, port \d+: .* choose another --host or --port"):
            server.bind("127.0.0.1", own.getsockname()[1])
    with pytest.raises(OSError, match="cannot listen on no such host"):
        server.bind("no such host", 0)


def test_without_a_token_a_foreign_name_is_answered_only_where_it_is_allowed(tmp_path):
    def statuses(service):
        return [service.post("/plan", {"query": QUESTION}, Host=name)[0] for name in ("localhost", "my.example")]

    with serve(policy_in(tmp_path)) as service:
        assert statuses(service) == [200, 400]
        service.end(signal.SIGTERM)
    with serve(policy_in(tmp_path), "--allowed-host", "my.example") as service:
        assert statuses(service) == [200, 200]
        service.end(signal.SIGTERM)
