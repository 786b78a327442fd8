"""The recipe for LiteLLM's router in the page, run as it stands against a provider on loopback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cases.case_log import run_command, write_jsonl
from tests.serving.litellm.provider import HARD, OUTAGE, full_log, provider
from tests.serving.litellm.proxy import PYTHON, ROOT, reason_to_skip

pytestmark = pytest.mark.skipif(bool(reason_to_skip()), reason=reason_to_skip() or "it runs")

PAGE = ROOT / "docs" / "howto" / "litellm.md"
ASK = """
import asyncio, json, sys, time
import litellm
from litellm.integrations.custom_logger import CustomLogger


class Log(CustomLogger):
    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        payload = kwargs["standard_logging_object"]
        print(json.dumps({key: payload[key] for key in ("model_group", "metadata", "messages")}), flush=True)


litellm.callbacks = [Log()]
for text in json.loads(sys.argv[1]):
    answer([{"role": "user", "content": text}])
time.sleep(1)  # payloads are logged by another thread
"""


def test_the_recipe_calls_the_planned_point_and_logs_the_decision(tmp_path):
    write_jsonl(tmp_path / "full.jsonl", full_log())
    assert run_command(tmp_path, "fit", "full.jsonl", "--max-cost", "0.0012", "--out", "policy.yaml").code == 0
    assert run_command(tmp_path, "export", "policy.yaml", "--format", "litellm", "--out", "points.yaml").code == 0
    (recipe,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    texts = ["name the capital city of country 3", f"prove the {HARD} number 7 of algebra", f"{HARD} in an {OUTAGE}"]

    with provider() as models:
        rows = run(recipe + ASK, texts, folder=tmp_path, url=models.url)

    assert [row["messages"][-1]["content"] for row in rows] == texts
    for row in rows:
        record = row["metadata"]["spend_logs_metadata"]["paretoroute"]
        assert 0 < record["propensity"] <= 1
        if OUTAGE not in row["messages"][-1]["content"]:
            assert row["model_group"] == f"{record['model']}@{record['budget_label']}"
    answered = models.bodies[-1]
    assert answered["model"] == "gpt-4.1-mini" and "reasoning_effort" not in answered


def run(program: str, texts: list[str], *, folder: Path, url: str) -> list[dict]:
    environment = {
        **os.environ,
        "OPENAI_API_BASE": url,
        "OPENAI_API_KEY": "none",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [PYTHON or sys.executable, "-c", program, json.dumps(texts)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
