"""A question that each model was asked in words of its own is one query, where the ids of the tool state so."""

import json

from tests.runs.importers import foreign_benchmarks as bench
from tests.runs.importers import foreign_logs as make

TOLD = "samples that each model was asked in its own words, by the ids of the tool: 2; each is one query"
ASKED = ("How many sides has a cube?", "How many legs has a spider?")


def queries(log):
    """Return the text of each query by its id, which is one."""
    texts = {}
    for row in log.rows:
        query = row["query"]
        text = query if isinstance(query, str) else json.dumps(query)
        assert texts.setdefault(row["query_id"], text) == text
    return sorted(texts.values())


def harness(folder, model, template, **changes):
    samples = [
        bench.harness_sample(i, arguments={"gen_args_0": {"arg_0": template.format(asked), "arg_1": {}}})
        | {"doc": {"question": asked}, **changes}
        for i, asked in enumerate(ASKED)
    ]
    return bench.harness(folder, model, *samples)


def test_documents_of_lm_eval_are_queries_whatever_the_template(tmp_path):
    files = [*harness(tmp_path, "tiny", "{}"), *harness(tmp_path, "big", "<|user|>{}<|assistant|>")]

    log = make.imported("lm-eval", *files)

    assert queries(log) == sorted(ASKED)
    assert TOLD in make.notes(log)


def test_two_prompts_of_one_model_are_compared_and_stay_two_queries(tmp_path):
    later = harness(tmp_path / "b", "tiny", "Think first. {}")
    later = [path.rename(path.with_name(path.name.replace("2026-11-26", "2026-11-27"))) for path in later]
    files = [*harness(tmp_path / "a", "tiny", "{}"), *later]

    assert len(queries(make.imported("lm-eval", *files))) == 4


def test_documents_that_differ_are_two_queries_though_their_numbers_are_equal(tmp_path):
    files = [*harness(tmp_path, "tiny", "{}"), *harness(tmp_path, "big", "User: {}", doc_hash="another")]

    assert len(queries(make.imported("lm-eval", *files))) == 4


def task_log(folder, model, template, asked=ASKED, **changes):
    samples = [
        make.eval_sample(i, input=template.format(text), uuid=f"{model}{i}", events=[], model_usage={}) | changes
        for i, text in enumerate(asked, start=1)
    ]
    header = make.eval_header(model=model)
    return make.document(folder / f"{model}.json", {**header, "samples": samples})


def test_samples_of_inspect_are_queries_where_templates_alone_differ(tmp_path):
    files = [task_log(tmp_path, "tiny", "{}"), task_log(tmp_path, "big", "Answer in one word. {} Be brief.")]

    log = make.imported("inspect", *files)

    assert queries(log) == sorted(ASKED)
    assert TOLD in make.notes(log)


def test_samples_of_inspect_may_be_wrapped_for_every_model(tmp_path):
    files = [task_log(tmp_path, "tiny", "User: {} Bot:"), task_log(tmp_path, "big", "[INST] {} [/INST]")]

    assert len(queries(make.imported("inspect", *files))) == 2


def test_numbers_of_samples_of_another_order_join_nothing(tmp_path):
    files = [task_log(tmp_path, "tiny", "{}"), task_log(tmp_path, "big", "{}!", asked=ASKED[::-1])]

    assert len(queries(make.imported("inspect", *files))) == 4


def result(number, provider, prompt, test, asked):
    return make.promptfoo_result(
        number,
        provider={"id": f"openai:chat:{provider}"},
        prompt={"raw": prompt.format(asked)},
        testIdx=test,
        vars={"question": asked},
    )


def test_tests_of_promptfoo_are_queries_where_each_provider_has_its_prompt(tmp_path):
    prompts = {"gpt-5-mini": "{}", "gpt-4.1": "You are an expert. {}"}
    results = [
        result(10 * i + j, provider, prompt, i, asked)
        for i, asked in enumerate(ASKED)
        for j, (provider, prompt) in enumerate(prompts.items())
    ]
    both = [*results, *(result(90 + i, "gpt-5-mini", "Guess: {}", i, asked) for i, asked in enumerate(ASKED))]

    joined = make.imported("promptfoo", make.document(tmp_path / "r.json", {"results": {"results": results}}))
    compared = make.imported("promptfoo", make.document(tmp_path / "c.json", {"results": {"results": both}}))

    assert queries(joined) == sorted(ASKED)
    assert len(queries(compared)) == 6
