"""The cost of a prompt is counted from its text: it grows with the text as far as the text does."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import paretoroute as pr
from tests.cases.case_log import PRICES, Row, run_command, write_jsonl

ENGLISH, CHINESE, EMOJI = "document text about rivers and code ", "河流和代码的文本", "🚣🏞🎉🍎"
LENGTHS = (10_000, 60_000, 200_000, 600_000)


def rows_of(texts, tokens, *, cached=None, seed: int = 0) -> list[Row]:
    """Draw a log of two models in which prompts have ``tokens(model, text)`` tokens, billed at the prices."""
    draw = np.random.default_rng(seed)
    rows: list[Row] = []
    for i, text in enumerate(texts):
        for model, (price_in, price_out) in PRICES.items():
            prompt, completion = tokens(model, text), int(draw.integers(50, 300))
            row: Row = {"query_id": f"q{i}", "query": text, "model": model, "prompt_tokens": prompt}
            row |= {
                "quality": float(draw.random() < (0.5 if model == "small" else 0.8)),
                "completion_tokens": completion,
            }
            billed = prompt
            if cached is not None:
                row["cached_prompt_tokens"] = cached(prompt)
                billed = prompt - 0.9 * row["cached_prompt_tokens"]
            row["cost_usd"] = (billed * price_in + completion * price_out) / 1e6
            rows.append(row)
    return rows


def texts_of(alphabet: str, lengths) -> list[str]:
    """Write texts of some lengths in characters, no two alike."""
    return [f"{i} {alphabet * (n // len(alphabet) + 1)}"[:n] for i, n in enumerate(lengths)]


def quarter(model: str, text: str) -> int:
    """Count a quarter of the characters."""
    return len(text) // 4


def spread(least: int, most: int, queries: int = 60) -> list[int]:
    """Draw lengths, as many short as long ones on a scale of logarithms."""
    return [int(n) for n in np.geomspace(least, most, queries)]


def with_frame(model: str, text: str) -> int:
    """Count a quarter of the characters and the system prompt of each model."""
    return len(text) // 4 + {"small": 400, "big": 6000}[model]


LOGS = {
    "plain": rows_of(texts_of(ENGLISH, spread(300, 6_000)), quarter),
    "short": rows_of(texts_of(ENGLISH, [26 + i % 9 for i in range(60)]), quarter),
    "one length": rows_of(texts_of(ENGLISH, [30] * 60), quarter),
    "Chinese": rows_of(texts_of(CHINESE, spread(40, 3_000)), quarter),
    "emoji": rows_of(texts_of(EMOJI, spread(40, 3_000)), quarter),
    "frame": rows_of(texts_of(ENGLISH, spread(300, 6_000)), with_frame),
    "frame, short": rows_of(texts_of(ENGLISH, [26 + i % 9 for i in range(60)]), with_frame),
}


def policy_of(rows: list[Row], folder, **options) -> pr.Policy:
    """Fit a policy on rows."""
    return pr.fit(pr.read_runs(write_jsonl(folder / "runs.jsonl", rows)), **options)


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    @lru_cache
    def policy(name: str) -> pr.Policy:
        return policy_of(LOGS[name], tmp_path_factory.mktemp("log"))

    return policy


def costs(policy: pr.Policy, alphabet: str = ENGLISH, *, messages: bool = False) -> list[float]:
    """Plan texts of four lengths at the dear model."""
    planner = pr.Planner(policy)
    texts = [(alphabet * (n // len(alphabet) + 1))[:n] for n in LENGTHS]
    queries = [[{"role": "user", "content": text}] for text in texts] if messages else texts
    return [planner.plan(query, models=["big"]).expected_cost_usd for query in queries]


def least_costs(rate: float = 0.25, extra: float = 0.0) -> list[float]:
    """Return the costs of the prompts alone at the price of the dear model."""
    return [(rate * n + extra) * PRICES["big"][0] / 1e6 for n in LENGTHS]


@pytest.mark.parametrize(
    ("name", "alphabet"),
    # A log of emoji alone shows a sixteenth of a token per byte of any script beyond ASCII.
    [
        (name, alphabet)
        for name in LOGS
        for alphabet in (ENGLISH, CHINESE, EMOJI)
        if (name, alphabet) != ("emoji", CHINESE)
    ],
)
def test_a_prompt_costs_at_least_a_quarter_token_per_character(policies, name, alphabet):
    planned = costs(policies(name), alphabet)

    assert all(cost >= least for cost, least in zip(planned, least_costs(), strict=True)), planned
    assert planned == sorted(planned)


@pytest.mark.parametrize("name", ["plain", "short", "one length", "frame"])
def test_a_prompt_costs_what_its_tokens_cost_and_no_more(policies, name):
    extra = 6000 if name == "frame" else 0
    completion = 300 * PRICES["big"][1] / 1e6

    for cost, least in zip(costs(policies(name)), least_costs(extra=extra), strict=True):
        assert least <= cost <= 1.02 * least + completion


def test_chat_messages_are_counted_as_texts_are(policies):
    text, chat = costs(policies("plain")), costs(policies("plain"), messages=True)

    assert chat == pytest.approx(text, rel=0.01)
    assert all(one >= least for one, least in zip(chat, least_costs(), strict=True))


def test_prompts_that_are_half_read_from_a_cache_grow_at_the_billed_rate(tmp_path):
    rows = rows_of(texts_of(ENGLISH, spread(300, 6_000)), quarter, cached=lambda prompt: prompt // 2)

    planned = costs(policy_of(rows, tmp_path))

    assert planned == pytest.approx([cost + 175 * 15e-6 for cost in least_costs(0.25 * 0.55)], rel=0.03)


def test_a_cost_that_tokens_do_not_explain_grows_where_the_log_shows_it(tmp_path):
    rows = rows_of(texts_of(ENGLISH, spread(300, 60_000)), quarter)
    rows = [{k: v for k, v in row.items() if not k.endswith("_tokens")} for row in rows]

    policy = policy_of(rows, tmp_path)

    assert not policy.grid.token_prices.priced.any()
    assert costs(policy) == pytest.approx([cost + 175 * 15e-6 for cost in least_costs()], rel=0.1)


def test_a_cost_that_does_not_follow_the_text_stays(tmp_path):
    rows = [{**row, "cost_usd": 0.001 + 0.0001 * (i % 7)} for i, row in enumerate(LOGS["plain"])]
    rows = [{k: v for k, v in row.items() if not k.endswith("_tokens")} for row in rows]

    policy = policy_of(rows, tmp_path)

    assert policy.surface.amount_growth is None
    assert costs(policy) == pytest.approx([0.0013] * 4, rel=0.1)


def test_without_texts_the_panel_of_prompt_tokens_stands(tmp_path):
    rows = [{**row, "embedding": [len(row["query"]) / 1000, float(i // 2 % 3)]} for i, row in enumerate(LOGS["plain"])]
    rows = [{k: v for k, v in row.items() if k != "query"} for row in rows]

    policy = policy_of(rows, tmp_path)
    decision = pr.Planner(policy).plan(None, embedding=[1.0, 2.0])

    assert policy.surface.prompt_growth is None
    assert 0 < decision.expected_cost_usd < 0.03


def test_an_embedding_beside_a_text_leaves_the_count_to_the_text(tmp_path):
    rows = [{**row, "embedding": [float(i // 2 % 5), float(i // 2 % 3)]} for i, row in enumerate(LOGS["plain"])]
    planner = pr.Planner(policy_of(rows, tmp_path))

    alone = planner.plan("x", embedding=[1.0, 2.0], models=["big"]).expected_cost_usd
    text = planner.plan("x" * 600_000, embedding=[1.0, 2.0], models=["big"]).expected_cost_usd

    assert text >= least_costs()[-1] > 50 * alone


def test_the_forecasts_of_the_log_add_up_to_its_tokens_and_are_those_of_the_planner(policies):
    for name in LOGS:
        policy = policies(name)
        sample = policy.calibration_sample
        total, logged = sample.prompt_tokens.sum(0), sample.logged_prompt_tokens.sum(0)

        np.testing.assert_allclose(total, logged, rtol=0.01, err_msg=name)
        if policy.surface.prompt.is_constant:
            texts = {row["query_id"]: row["query"] for row in LOGS[name]}
            order = sorted(texts, key=lambda key: hashlib.sha256(key.encode()).digest())
            planned = np.stack([policy.surface.at_text(texts[key]).prompt_tokens for key in order])
            np.testing.assert_allclose(sample.prompt_tokens, planned, rtol=1e-6, err_msg=name)


@settings(max_examples=30, deadline=None)
@given(
    repeats=st.lists(st.integers(1, 3000), min_size=2, max_size=5, unique=True), unit=st.text(min_size=1, max_size=20)
)
@example(repeats=[1, 2, 3], unit="a")
@example(repeats=[1, 40, 3000], unit="河")
def test_the_expected_cost_rises_with_the_length_of_a_repeated_text(policies, repeats, unit):
    planner = pr.Planner(policies("plain"))

    planned = [planner.plan(f"task {unit * n}", models=["big"]).expected_cost_usd for n in sorted(repeats)]

    assert all(one < two for one, two in zip(planned, planned[1:], strict=False)), planned


def test_a_policy_without_routing_counts_prompts_and_chooses_by_draw_alone(tmp_path):
    policy = policy_of(LOGS["plain"], tmp_path, target=pr.BestTrade(usd_per_quality=1.0))
    solution = policy.document.solution.model_copy(update={"prompt_blind": True})
    blind = pr.Policy(
        policy.document.model_copy(update={"solution": solution}), policy.surface, policy.calibration_sample
    )
    planner = pr.Planner(blind)

    assert all(cost >= least for cost, least in zip(costs(blind), least_costs(), strict=True))
    points = {planner.plan("x" * n, query_id="one").point.name for n in LENGTHS}
    assert len(points) == 1
    asked = {row["query"] for row in LOGS["plain"]}
    mean = np.mean([planner.plan(text, models=["big"]).expected_cost_usd for text in asked])
    assert mean == pytest.approx(planner.plan(None, models=["big"]).expected_cost_usd, rel=0.01)


def test_limits_read_the_counted_prompt(tmp_path):
    context = policy_of(LOGS["plain"], tmp_path, limits=[pr.ContextLength(100_000, "big")])
    planner = pr.Planner(context)

    assert planner.plan("x " * 5_000).point.model in {"small", "big"}
    assert planner.plan("x " * 300_000).point.model == "small"
    capped = planner.plan("x " * 300_000, models=["big"], max_cost_usd=0.4)
    assert capped.status == "infeasible"


def test_a_task_counts_the_prompts_of_its_steps(policies):
    planner = pr.Planner(policies("plain"))

    short = planner.start_task([("write", "x " * 100)], max_cost_usd=10.0).preview()
    long = planner.start_task([("write", "x " * 300_000)], max_cost_usd=10.0).preview()

    price = PRICES[dict(long.points)["write"].partition("@")[0]][0]
    assert long.expected_cost_usd >= 150_000 * price / 1e6 > short.expected_cost_usd


def test_the_command_line_counts_prompts_one_by_one_and_in_files(tmp_path):
    log = write_jsonl(tmp_path / "runs.jsonl", rows_of(texts_of(ENGLISH, spread(300, 60_000)), quarter))
    asked = [{"query": "x" * n, "query_id": str(n)} for n in LENGTHS]
    queries = write_jsonl(tmp_path / "asked.jsonl", asked)

    fitted = run_command(tmp_path, "fit", log, "--max-cost", "0.003", "--out", "p.yaml")
    planned = run_command(tmp_path, "plan", "p.yaml", "--queries", queries, "--format", "jsonl")

    assert (fitted.code, planned.code) == (0, 0), fitted.err + planned.err
    for line, n in zip(map(json.loads, planned.out.splitlines()), LENGTHS, strict=True):
        assert line["expected_cost_usd"] >= n / 4 * PRICES[line["model"]][0] / 1e6, line
