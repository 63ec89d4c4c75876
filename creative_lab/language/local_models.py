"""Language models on this machine, through transformers, held to a schema by outlines.

One model is resident at a time. It is loaded on first use and again only when the model id or the 4-bit flag changes;
the same loaded model serves every schema, because the schema acts on the choice of tokens and not on the weights.
Only safetensors weights are read, no code of a model's author runs, and nothing is downloaded unless allowed.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from creative_lab.language.errors import CallError
from creative_lab.language.grammar import grammar_of
from creative_lab.language.remote import Answer
from creative_lab.settings import Settings

log = logging.getLogger(__name__)

_GRAMMARS_KEPT = 16
_MIN_TOKENS = 16


class LocalModels:
    """The resident model of this process. ``allow_download`` lets missing files be fetched from Hugging Face."""

    def __init__(self, *, allow_download: bool = False) -> None:
        self._allow_download = allow_download
        # Weights, grammar state and random generator are shared: one answer at a time.
        self._lock = threading.RLock()
        self._loaded: tuple[str, bool] | None = None
        self._model: Any = None
        self._tokenizer: Any = None
        self._outlines: Any = None
        self._grammars: dict[str, Any] = {}
        self.loads = 0
        """How often weights were read; tests and the log of operations look at it."""

    def generate(
        self,
        model_id: str,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: type[BaseModel] | None,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
        load_in_4bit: bool = False,
        timeout_s: float | None = None,
    ) -> Answer:
        """The model's answer to ``messages``; with ``schema`` every token is held to its JSON grammar.

        The answer's ``finish_reason`` is ``length`` when ``max_tokens`` or ``timeout_s`` ended it. After an error of
        numbers (NaN, inf, bad probabilities) the device's cache is cleared and the same is tried once more; after an
        error of the grammar it is tried once more with half the tokens. What fails then is a :class:`CallError` of
        kind ``model``.
        """
        with self._lock:
            self._ensure(model_id, load_in_4bit)
            mended_numbers = mended_grammar = False
            while True:
                failure: str
                try:
                    return self._generate(
                        messages, schema, max_tokens, temperature=temperature, seed=seed, timeout_s=timeout_s
                    )
                except CallError:
                    raise
                except (RuntimeError, ValueError) as error:
                    failure = f"{model_id} failed: {' '.join(str(error).split())[:200]}"
                    if _is_of_numbers(error) and not mended_numbers:
                        mended_numbers = True
                        log.warning("%s; clearing the cache and trying again", failure)
                        _clear_cache()
                        continue
                    if _is_of_grammar(error) and not mended_grammar and max_tokens // 2 >= _MIN_TOKENS:
                        mended_grammar = True
                        max_tokens //= 2
                        log.warning("%s; trying again with %d tokens", failure, max_tokens)
                        continue
                raise CallError(failure, "model")

    def unload(self) -> None:
        """Free the resident model, so that another kind of model gets the memory."""
        with self._lock:
            self._model = self._tokenizer = self._outlines = self._loaded = None
            self._grammars.clear()
            gc.collect()
            _clear_cache()

    @property
    def resident(self) -> str | None:
        """Id of the loaded model."""
        return self._loaded[0] if self._loaded else None

    def _ensure(self, model_id: str, load_in_4bit: bool) -> None:
        if self._loaded == (model_id, load_in_4bit):
            return
        # The old model goes first: two do not fit where one does.
        self.unload()
        import outlines
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        device = pick_device()
        # Everything is loaded from a folder: given a repository's id, transformers asks the network for some files even
        # with local_files_only.
        common = {"local_files_only": True, "trust_remote_code": False}
        options: dict[str, Any] = {"use_safetensors": True, **common}
        options["dtype"] = torch.float32 if device == "cpu" else torch.bfloat16
        if load_in_4bit:
            quantisation = _four_bit(device)
            if quantisation is not None:
                options |= {"quantization_config": quantisation, "device_map": {"": device}}
        try:
            folder = self._folder(model_id)
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, **common)
            model: Any = AutoModelForCausalLM.from_pretrained(folder, **options)
        except (OSError, ValueError, ImportError) as error:
            told = " ".join(str(error).split())[:200]
            raise CallError(
                f"the model {model_id} cannot be loaded from this machine ({told}); fetch it with `models pull`, or "
                "set CREATIVE_LAB_LLM_API_BASE to a server that has it",
                "configuration",
            ) from None
        if "device_map" not in options:
            model = model.to(device)
        model.eval()
        self._model, self._tokenizer = model, tokenizer
        self._outlines = outlines.from_transformers(model, tokenizer)
        self._loaded = (model_id, load_in_4bit)
        self.loads += 1

    def _folder(self, model_id: str) -> str:
        if Path(model_id).is_dir():
            return model_id
        from huggingface_hub import snapshot_download

        return snapshot_download(
            model_id,
            local_files_only=not self._allow_download,
            allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"],
        )

    def _generate(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: type[BaseModel] | None,
        max_tokens: int,
        *,
        temperature: float,
        seed: int | None,
        timeout_s: float | None,
    ) -> Answer:
        import torch
        from transformers import LogitsProcessorList

        inputs = self._tokenizer(self._prompt(messages), return_tensors="pt", add_special_tokens=not self._has_chat)
        inputs = {name: inputs[name].to(self._model.device) for name in ("input_ids", "attention_mask")}
        used = int(inputs["input_ids"].shape[1])
        context = getattr(self._model.config, "max_position_embeddings", None)
        if context:
            if used + _MIN_TOKENS > context:
                raise CallError(f"the prompt of {used} tokens does not fit into the model's {context}", "rejected")
            max_tokens = min(max_tokens, context - used)
        options: dict[str, Any] = {
            "max_new_tokens": max_tokens,
            "do_sample": temperature > 0,
            "pad_token_id": self._tokenizer.pad_token_id,
            "max_time": timeout_s,
        }
        if temperature > 0:
            options |= {"temperature": temperature, "top_p": 0.9}
        if schema is not None:
            processor = self._grammar(schema)
            processor.reset()
            options["logits_processor"] = LogitsProcessorList([processor])
        # outlines compiles one small function, which takes longer than it saves and needs a C compiler.
        with torch.inference_mode(), torch.compiler.set_stance("force_eager"), _seeded(seed):
            output = self._model.generate(**inputs, **options)
        made = output[0, used:]
        ended = made.numel() > 0 and int(made[-1]) in self._ends()
        return Answer(
            text=self._tokenizer.decode(made, skip_special_tokens=True),
            prompt_tokens=used,
            completion_tokens=int(made.numel()),
            finish_reason="stop" if ended else "length",
        )

    @property
    def _has_chat(self) -> bool:
        return bool(getattr(self._tokenizer, "chat_template", None))

    def _prompt(self, messages: Sequence[Mapping[str, str]]) -> str:
        if not self._has_chat:
            return "\n\n".join(message["content"] for message in messages) + "\n\n"
        import jinja2

        options = {"tokenize": False, "add_generation_prompt": True}
        turns = [dict(message) for message in messages]
        try:
            return str(self._tokenizer.apply_chat_template(turns, **options))
        except jinja2.TemplateError:
            # Some models (Gemma 2) know no system role: its text then opens the first question.
            merged = [turn for turn in turns if turn["role"] != "system"]
            told = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
            if not told or not merged:
                raise CallError("the model's chat template does not take these messages", "model") from None
            merged[0] = {**merged[0], "content": f"{told}\n\n{merged[0]['content']}"}
            return str(self._tokenizer.apply_chat_template(merged, **options))

    def _ends(self) -> set[int]:
        ends = {self._tokenizer.eos_token_id}
        configured = getattr(self._model.generation_config, "eos_token_id", None)
        return ends | set(configured if isinstance(configured, list) else [configured])

    def _grammar(self, schema: type[BaseModel]) -> Any:
        from outlines.backends import get_regex_logits_processor

        text = json.dumps(schema.model_json_schema())
        if text not in self._grammars:
            while len(self._grammars) >= _GRAMMARS_KEPT:
                self._grammars.pop(next(iter(self._grammars)))
            self._grammars[text] = get_regex_logits_processor(None, self._outlines, grammar_of(schema))
        return self._grammars[text]


_shared: LocalModels | None = None
_shared_lock = threading.Lock()


def shared_local_models(_settings: Settings) -> LocalModels:
    """The one loader of this process: two would mean two resident models."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = LocalModels()
        return _shared


def pick_device() -> str:
    """``mps``, ``cuda`` or ``cpu``, the first that is there."""
    import torch

    if torch.backends.mps.is_available():
        return "mps"
    return "cuda" if torch.cuda.is_available() else "cpu"


def _four_bit(device: str) -> Any:
    """Settings for 4-bit weights (nf4, double quantisation), or None with a warning where that is not possible."""
    import importlib.util

    if device != "cuda":
        log.warning("4-bit weights need CUDA; loading the model normally on %s", device)
        return None
    if importlib.util.find_spec("bitsandbytes") is None:
        log.warning("4-bit weights need the package bitsandbytes; loading the model normally")
        return None
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Draw from ``seed`` inside the block and leave the process's own random state as it was."""
    import torch

    if seed is None:
        yield
        return
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed % 2**63)
        yield


def _clear_cache() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _is_of_numbers(error: BaseException) -> bool:
    text = str(error).lower()
    return "probability" in text or "nan" in text.replace(",", " ").replace("`", " ").split() or "inf" in text.split()


def _is_of_grammar(error: BaseException) -> bool:
    text = str(error).lower()
    return "next state" in text or "fsm" in text or "no allowed token" in text or "token id" in text
