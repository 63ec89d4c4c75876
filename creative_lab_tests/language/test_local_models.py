"""Local models, on a tiny Llama with random weights and a tokeniser of single characters, made here.

Random weights are the hard case for constrained decoding: nothing but the grammar leads them to JSON.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from creative_lab.language.budget import Budget
from creative_lab.language.client import LanguageClient
from creative_lab.language.errors import CallError
from creative_lab.language.grammar import grammar_of
from creative_lab.language.local_models import LocalModels, pick_device
from creative_lab.language.types import LanguageRequest
from creative_lab.settings import Settings

pytestmark = pytest.mark.slow

CHAT = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"
)


class Note(BaseModel):
    reasoning: str = Field(max_length=12)
    severity: Literal["critical", "major", "minor"]


class Judgement(BaseModel):
    reasoning: str = Field(max_length=12)
    passed: bool
    score: float = Field(ge=0, le=1)
    stars: int = Field(ge=1, le=5)
    seconds: float | None = Field(ge=0)
    notes: list[Note] = Field(max_length=2)


def _make(folder: Path, seed: int, chat_template: str | None = None) -> str:
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = [chr(code) for code in range(32, 127)] + ["\n", "é", "ß"]
    vocabulary = {token: number for number, token in enumerate(["<s>", "</s>", "<unk>", *letters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(".|\n"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=chat_template
    )
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """A model this small only loses time by waiting for other threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _make(tmp_path_factory.mktemp("models") / "first", 1)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _make(tmp_path_factory.mktemp("models") / "second", 2, CHAT)


@pytest.fixture(scope="module")
def local() -> Iterator[LocalModels]:
    models = LocalModels()
    yield models
    models.unload()


ASKED = [{"role": "user", "content": "Judge the draft."}]


def ask(local: LocalModels, model: str, schema: type[BaseModel] | None = Judgement, **options: Any) -> Any:
    return local.generate(model, ASKED, schema=schema, **({"max_tokens": 600} | options))


@pytest.mark.parametrize("seed", range(3))
def test_what_a_random_model_says_always_fits_the_schema(local: LocalModels, first: str, seed: int) -> None:
    answer = ask(local, first, temperature=1.5, seed=seed)
    assert answer.finish_reason == "stop"
    Judgement.model_validate_json(answer.text, strict=True)
    assert answer.completion_tokens > len(answer.text)


def test_greedy_replies_fit_too_and_repeat(local: LocalModels, first: str) -> None:
    once, again = ask(local, first), ask(local, first)
    Judgement.model_validate_json(once.text)
    assert once == again


def test_a_seed_repeats_its_draw_and_leaves_the_process_alone(local: LocalModels, first: str) -> None:
    import torch

    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    texts = [ask(local, first, temperature=1.0, seed=seed).text for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]
    assert torch.equal(before, torch.random.get_rng_state())


def test_one_model_is_resident_and_read_again_only_when_it_changes(first: str, second: str) -> None:
    local = LocalModels()
    ask(local, first, schema=Note)
    ask(local, first, schema=None, max_tokens=4)
    assert (local.loads, local.resident) == (1, first)
    ask(local, second, schema=Note)
    assert (local.loads, local.resident) == (2, second)
    ask(local, second, schema=Note, load_in_4bit=True)
    assert local.loads == 3
    local.unload()
    assert local.resident is None


def test_four_bit_weights_without_cuda_are_a_warning_and_a_normal_load(
    first: str, caplog: pytest.LogCaptureFixture
) -> None:
    if pick_device() == "cuda":
        pytest.skip("this machine has CUDA")
    caplog.set_level(logging.WARNING)
    local = LocalModels()
    Note.model_validate_json(ask(local, first, schema=Note, load_in_4bit=True).text)
    assert "4-bit weights need CUDA" in caplog.text
    assert str(local._model.dtype) == ("torch.float32" if pick_device() == "cpu" else "torch.bfloat16")


def test_a_reply_that_reaches_its_token_cap_says_so(local: LocalModels, first: str) -> None:
    answer = ask(local, first, max_tokens=8)
    assert (answer.finish_reason, answer.completion_tokens) == ("length", 8)


def test_the_time_limit_ends_a_reply_like_the_token_cap(local: LocalModels, first: str) -> None:
    answer = ask(local, first, schema=None, max_tokens=900, temperature=1.0, seed=1, timeout_s=1e-6)
    assert answer.finish_reason == "length"
    assert answer.completion_tokens < 900


def test_a_model_whose_chat_knows_no_system_role_still_reads_it(local: LocalModels, second: str) -> None:
    asked = [{"role": "system", "content": "Be brief."}, *ASKED]
    answer = local.generate(second, asked, schema=Note, max_tokens=200)
    assert answer.prompt_tokens == len("<user>Be brief.\n\nJudge the draft.\n<assistant>")


def test_a_prompt_longer_than_the_model_can_read_is_refused(local: LocalModels, first: str) -> None:
    with pytest.raises(CallError, match="does not fit") as caught:
        local.generate(first, [{"role": "user", "content": "x" * 2000}], schema=None, max_tokens=5)
    assert caught.value.kind == "rejected"


class Faulty:
    """Makes the real model's forward pass fail or turn to NaN in its first ``times`` passes."""

    def __init__(self, local: LocalModels, error: Exception | None, times: int) -> None:
        self.error, self.left, self.caps = error, times, list[int]()
        self._hook = local._model.register_forward_hook(self)

    def __call__(self, _module: Any, _inputs: Any, output: Any) -> Any:
        if self.left <= 0:
            return None
        self.left -= 1
        if self.error is not None:
            raise self.error
        output.logits[:] = float("nan")
        return output

    def __enter__(self) -> Faulty:
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


def test_numbers_that_are_none_are_tried_once_more_and_then_raised(local: LocalModels, first: str) -> None:
    ask(local, first)
    with Faulty(local, None, times=1) as fault:
        Judgement.model_validate_json(ask(local, first, temperature=1.0, seed=1).text)
        assert fault.left == 0
    with Faulty(local, None, times=10) as fault, pytest.raises(CallError) as caught:
        ask(local, first, temperature=1.0, seed=1)
    assert caught.value.kind == "model"
    assert fault.left == 8


def test_an_error_of_the_grammar_halves_the_tokens_once(
    local: LocalModels, first: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask(local, first)
    lost = ValueError("No next state found for the current state: 64 with token ID: 5")
    with Faulty(local, lost, times=1):
        answer = ask(local, first, schema=None, max_tokens=64, temperature=1.0, seed=2)
    assert "trying again with 32 tokens" in caplog.text
    assert answer.completion_tokens <= 32
    with Faulty(local, lost, times=10) as fault, pytest.raises(CallError, match="No next state"):
        ask(local, first)
    assert fault.left == 8


def test_weights_that_are_not_safetensors_are_not_read(tmp_path: Path) -> None:
    import torch

    folder = Path(_make(tmp_path / "pickled", 1))
    marker = tmp_path / "executed"

    class Harm:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.system, (f"touch '{marker}'",)

    (folder / "model.safetensors").unlink()
    torch.save({"model.embed_tokens.weight": Harm()}, folder / "pytorch_model.bin")
    with pytest.raises(CallError, match="cannot be loaded"):
        ask(LocalModels(), str(folder))
    assert not marker.exists()


def test_a_model_that_is_not_on_this_machine_is_a_clear_error_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    reached: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: reached.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: reached.append(address))
    with pytest.raises(CallError, match="models pull") as caught:
        ask(LocalModels(), "nobody/no-such-model")
    assert caught.value.kind == "configuration"
    assert reached == []


def test_the_client_answers_from_a_local_model_in_the_studio_profile(
    tmp_path: Path, local: LocalModels, first: str
) -> None:
    settings = Settings(home=tmp_path, profile="studio")
    rows: list[dict[str, Any]] = []
    client = LanguageClient(settings, run_id="r", log=rows.append, local=local)
    request = LanguageRequest("eval-format", first, "Judge.", temperature=1.0, seed=5, max_tokens=600)
    reply = client.structured(request, Judgement, "verdict")
    assert (reply.reply.provider, reply.reply.cost_usd, reply.repaired) == ("transformers", 0.0, False)
    assert rows[0]["completion_tokens"] > 20
    assert Budget(settings, "r").account().spent_tokens > 20


@pytest.mark.parametrize(
    "field, right, wrong",
    [
        (Field(ge=0, le=1), ["0", "1", "0.25", "1.0"], ["2", "-0.1", "1.5", "00"]),
        (Field(ge=0), ["0", "12.5"], ["-1", "012"]),
        (Field(gt=0), ["1", "2.5"], ["0", "-1"]),
        (Field(), ["-3.25", "7"], ["1e9", ".5", "+1"]),
    ],
)
def test_the_grammar_keeps_the_bounds_of_numbers(field: Any, right: list[str], wrong: list[str]) -> None:
    import re

    from pydantic import create_model

    pattern = re.compile(grammar_of(create_model("Bounded", value=(float, field))))
    assert all(pattern.fullmatch(f'{{"value":{number}}}') for number in right)
    assert not any(pattern.fullmatch(f'{{"value":{number}}}') for number in wrong)
