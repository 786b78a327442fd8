"""Deployments of Azure, whose names are their owner's: the point is the model that answered."""

import pytest

from tests.runs.importers import foreign_logs as make

DATED = "gpt-4.1-mini-2025-04-14"
PRICED = {"model_map_key": f"azure/{DATED}", "model_map_value": {"input_cost_per_token": 4e-7}}
UNPRICED = {"model_map_key": "azure/my-deployment", "model_map_value": None}


def model_of(folder, **changes):
    asked = {"model": "my-deployment", "custom_llm_provider": "azure", **changes}
    files = (
        make.lines(folder / "calls.jsonl", [make.payload(**asked)]),
        make.lines(folder / "s.jsonl", [make.call_score(1)]),
    )
    (row,) = make.imported("litellm", files[0], scores=files[1]).rows
    return row["model"]


@pytest.mark.parametrize(
    "changes",
    [
        {"response": {"model": DATED}},
        {"response": {"model": f"azure/{DATED}"}, "model": "azure/my-deployment"},
        {"response": "redacted-by-litellm", "model_map_information": PRICED},
        {"response": {"model": "gpt-5"}, "model_group": "gpt-5", "model_map_information": PRICED},
        {"response": {"model": DATED}, "model_map_information": UNPRICED},
        {"response": {"model": DATED}, "model": "gpt-4o", "custom_llm_provider": "azure_ai"},
    ],
)
def test_the_model_behind_a_deployment_is_the_point(tmp_path, changes):
    assert model_of(tmp_path, **changes) == "gpt-4.1-mini"


@pytest.mark.parametrize(
    "changes, model",
    [
        ({"response": {"model": "gpt-5"}, "model_group": "gpt-5"}, "my-deployment"),  # the name that a client used
        ({"response": {"model": "pareto"}}, "my-deployment"),
        ({"response": {}}, "my-deployment"),
        ({"response": {"model": DATED}, "model": "gpt-4.1-mini"}, "gpt-4.1-mini"),
        ({"response": {"model": DATED}, "model": "gpt-5-mini", "custom_llm_provider": "openai"}, "gpt-5-mini"),
    ],
)
def test_the_name_stays_where_the_log_does_not_say_which_model_answered(tmp_path, changes, model):
    assert model_of(tmp_path, **changes) == model


@pytest.mark.parametrize("changes", [{"metadata": {"model_map_information": PRICED}}, {}])
def test_spend_logs_name_it_in_their_answer_or_in_the_price_that_was_looked_up(tmp_path, changes):
    answer = "pareto" if changes else DATED
    row = make.spend_row(
        model="azure/my-deployment",
        custom_llm_provider="azure",
        request={"model": "pareto", "messages": make.user()},
        response=make.json.dumps({"model": answer, "choices": [{"message": {"content": "seven"}}]}),
        **changes,
    )
    scores = make.lines(tmp_path / "scores.jsonl", [{"request_id": "req-1", "value": 1}])

    (read,) = make.imported("litellm-spend", make.lines(tmp_path / "spend.jsonl", [row]), scores=scores).rows

    assert read["model"] == "gpt-4.1-mini"


@pytest.mark.parametrize(
    "asked, answered, model",
    [
        ("openai/azure/my-deployment", DATED, "gpt-4.1-mini"),
        ("openai/azure/gpt-4.1-mini", DATED, "gpt-4.1-mini"),
        ("openai/azure/my-deployment", "", "my-deployment"),
        ("openai/gpt-5-mini", DATED, "gpt-5-mini"),
    ],
)
def test_inspect_ai_names_it_in_the_output_of_a_call(tmp_path, asked, answered, model):
    event = make.model_event(asked, output={"model": answered, "usage": {"input_tokens": 7, "output_tokens": 9}})
    sample = make.eval_sample(events=[event], model_usage={asked: {"input_tokens": 7, "output_tokens": 9}})

    (row,) = make.imported(
        "inspect", make.document(tmp_path / "log.json", make.eval_header(asked, samples=[sample]))
    ).rows

    assert (row["model"], row["prompt_tokens"], row["completion_tokens"]) == (model, 7, 9)
