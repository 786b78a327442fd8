"""Encode texts by a local ONNX model, and refuse folders that hold none."""

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.encoders.onnx import EMBEDDING_PACKAGES
from paretoroute.errors import EncoderError
from tests.encoders.tiny_model import TABLE, WORDS, write_model
from tests.processes import python, without
from tests.synthetic_log import make_runs

pytest.importorskip("onnxruntime", reason="the extra embeddings is not installed")
pytest.importorskip("tokenizers", reason="the extra embeddings is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("encoders") / "tiny")


def unit_mean(text: str) -> np.ndarray:
    vector = TABLE[[WORDS.index(word) if word in WORDS else 0 for word in text.lower().split()]].mean(0)
    return vector / np.linalg.norm(vector)


def test_a_text_is_the_mean_of_its_tokens_at_length_1(folder):
    texts = ["a rose is red", "A tulip", "red red"]

    vectors = pr.OnnxEncoder(folder)(texts)

    np.testing.assert_allclose(vectors, [unit_mean(text) for text in texts], rtol=1e-6)


def test_a_text_has_the_same_bits_alone_and_among_others(folder):
    encoder, texts = pr.OnnxEncoder(folder), ["a rose is red", "is", "a rose rose rose is red red"]

    together = encoder(texts)

    assert all(np.array_equal(together[i], encoder([text])[0]) for i, text in enumerate(texts))


def test_the_first_token_and_the_cut_are_settings_of_the_fingerprint(folder):
    encoder, first, cut = (pr.OnnxEncoder(folder, **more) for more in ({}, {"pooling": "first"}, {"most_tokens": 2}))

    np.testing.assert_allclose(first(["is red"]), [[0.6, 0, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(cut(["a rose is red"]), [unit_mean("a rose")], rtol=1e-6)
    assert len({encoder.fingerprint, first.fingerprint, cut.fingerprint}) == 3
    assert encoder.fingerprint == pr.OnnxEncoder(folder, threads=2).fingerprint


def test_a_changed_model_tokenizer_or_file_of_weights_changes_the_fingerprint(tmp_path, folder):
    prints = {pr.OnnxEncoder(folder).fingerprint, pr.OnnxEncoder(write_model(tmp_path / "same")).fingerprint}
    assert len(prints) == 1

    other = write_model(tmp_path / "other", table=2 * TABLE)
    prints.add(pr.OnnxEncoder(other).fingerprint)
    (other / "model.onnx_data").write_bytes(b"weights")
    prints.add(pr.OnnxEncoder(other).fingerprint)
    (other / "tokenizer.json").write_bytes((other / "tokenizer.json").read_bytes() + b" ")
    prints.add(pr.OnnxEncoder(other).fingerprint)

    assert len(prints) == 4


def test_a_folder_without_a_usable_model_is_refused(tmp_path):
    with pytest.raises(EncoderError, match="empty: holds no model.onnx or onnx/model.onnx"):
        (tmp_path / "empty").mkdir()
        pr.OnnxEncoder(tmp_path / "empty")
    broken = write_model(tmp_path / "broken")
    (broken / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EncoderError, match="model.onnx: is no ONNX model that can be run"):
        pr.OnnxEncoder(broken)
    with pytest.raises(EncoderError, match="model.onnx: reads pixels; a model of texts reads input_ids"):
        pr.OnnxEncoder(write_model(tmp_path / "images", input_name="pixels"))
    (broken / "tokenizer.json").write_text("{}")
    with pytest.raises(EncoderError, match="tokenizer.json: is no tokenizer"):
        pr.OnnxEncoder(broken)
    (broken / "tokenizer.json").unlink()
    with pytest.raises(EncoderError, match="broken: holds no tokenizer.json"):
        pr.OnnxEncoder(broken)


def test_settings_out_of_range_are_refused(folder):
    with pytest.raises(EncoderError, match="pooling must be 'mean' or 'first', got 'max'"):
        pr.OnnxEncoder(folder, pooling="max")  # type: ignore[arg-type]  # the fault
    with pytest.raises(EncoderError, match="most_tokens must be at least 1, got 0"):
        pr.OnnxEncoder(folder, most_tokens=0)


def test_a_policy_names_its_encoder_and_the_planner_refuses_another(folder, tmp_path):
    encoder = pr.OnnxEncoder(folder)
    pr.fit(make_runs(queries=60), pr.MaxCost(usd=0.003), encoder=encoder).save(tmp_path / "p.yaml")

    planner = pr.Planner.load(tmp_path / "p.yaml", encoder=pr.OnnxEncoder(folder))

    second = planner.policy.document.features.second
    assert (second.kind, second.name, second.fingerprint) == ("encoder", "onnx tiny", encoder.fingerprint)
    assert planner.plan("Write a rose that is red").status in ("met", "slack", "unfamiliar")
    with pytest.raises(pr.PolicyError, match="fitted with the encoder 'onnx tiny'; pass it as encoder="):
        pr.Planner.load(tmp_path / "p.yaml")
    with pytest.raises(pr.PolicyError, match="the encoder returns other numbers than 'onnx tiny' did at the fit"):
        pr.Planner.load(tmp_path / "p.yaml", encoder=pr.OnnxEncoder(folder, pooling="first"))


def test_without_the_extra_an_encoder_names_the_command_that_installs_it(folder, tmp_path):
    code = without(*EMBEDDING_PACKAGES) + (
        "import paretoroute as pr\n"
        f"try:\n    pr.OnnxEncoder({str(folder)!r})\nexcept pr.MissingExtraError as error:\n    print(error)\n"
    )

    done = python("-c", code, cwd=tmp_path)

    assert "which is not installed; run: pip install 'paretoroute[embeddings]'" in done.stdout, done.stderr
