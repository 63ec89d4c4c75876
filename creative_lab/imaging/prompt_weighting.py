"""Prompts for CLIP text encoders: weights, more than 77 tokens, several encoders, clip skip.

``(word:1.3)`` strengthens and ``(word:0.7)`` weakens, as in most tools; ``<lora:…>`` tags of other tools are removed;
a backslash keeps a parenthesis literal. compel is not used: its grammar reads ``(word:1.3)`` as plain text, drops
parentheses, and runs calls such as ``.swap()`` written in a prompt.

Weights act on the encoder's states: ``empty + weight · (state - empty)`` with the states of the empty prompt at the
same positions, as compel and InvokeAI do for weights above one; 0 removes the words, 1 is exactly the plain encoder.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from creative_lab.imaging.errors import ImagingError

MAX_PROMPT = 20_000
"""Most characters of a prompt."""
MAX_WEIGHT = 4.0

_LORA_TAG = re.compile(r"<(?:lora|lyco|hypernet):[^<>]{0,200}>", re.IGNORECASE)
_WEIGHT = re.compile(r":\s*([0-9]{0,2}\.?[0-9]{0,6})\s*\)")


@dataclass(frozen=True)
class Fragment:
    """Text with one weight."""

    text: str
    weight: float


def without_lora_tags(prompt: str) -> str:
    """The prompt without ``<lora:name:0.8>`` tags and the gaps they leave."""
    text = _LORA_TAG.sub(" ", prompt)
    text = re.sub(r"[ \t]+", " ", text)
    return re.sub(r"(?:\s*,\s*){2,}", ", ", text).strip(" ,") if text != prompt else prompt


def parse_weights(prompt: str) -> list[Fragment]:
    """Split a prompt into fragments; nested weights multiply; what is no weight stays text, parentheses included."""
    if len(prompt) > MAX_PROMPT:
        raise ImagingError(f"the prompt has {len(prompt)} characters, more than {MAX_PROMPT}")
    closings = _weighted_groups(prompt)
    fragments: list[Fragment] = []
    weights, text, position = [1.0], "", 0
    ends: list[tuple[int, int]] = []

    def flush() -> None:
        nonlocal text
        if text:
            weight = min(math.prod(weights), MAX_WEIGHT)
            if fragments and fragments[-1].weight == weight:
                fragments[-1] = Fragment(fragments[-1].text + text, weight)
            else:
                fragments.append(Fragment(text, weight))
            text = ""

    while position < len(prompt):
        if ends and position == ends[-1][0]:
            flush()
            weights.pop()
            position = ends.pop()[1]
        elif prompt[position] == "\\" and prompt[position + 1 : position + 2] in {"(", ")", "\\"}:
            text += prompt[position + 1]
            position += 2
        elif position in closings:
            flush()
            colon, after, weight = closings[position]
            weights.append(weight)
            ends.append((colon, after))
            position += 1
        else:
            text += prompt[position]
            position += 1
    flush()
    return fragments or [Fragment("", 1.0)]


def _weighted_groups(prompt: str) -> dict[int, tuple[int, int, float]]:
    """Opening position → (position of the colon, position after the group, weight) of every ``(…:number)``."""
    groups: dict[int, tuple[int, int, float]] = {}
    opened: list[int] = []
    position = 0
    while position < len(prompt):
        letter = prompt[position]
        if letter == "\\":
            position += 2
            continue
        if letter == "(":
            opened.append(position)
        elif letter == ":" and opened and (found := _WEIGHT.match(prompt, position)) and found[1] not in {"", "."}:
            groups[opened.pop()] = (position, found.end(), min(float(found[1]), MAX_WEIGHT))
            position = found.end()
            continue
        elif letter == ")" and opened:
            opened.pop()
        position += 1
    return groups


def plain_text(prompt: str) -> str:
    """The prompt without weights, for models that read plain language."""
    return "".join(fragment.text for fragment in parse_weights(without_lora_tags(prompt))).strip()


def truncate_keeping_triggers(prompt: str, triggers: Sequence[str], tokenizer: Any) -> tuple[str, str | None]:
    """The legacy mode: one window of 75 tokens, triggers first and whole, the prompt cut to what is left.

    Returns the text and a note when something was cut.
    """
    room = tokenizer.model_max_length - 2

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"])

    text = plain_text(prompt)
    words = [word.strip() for group in triggers for word in group.split(",") if word.strip()]
    head = ", ".join(dict.fromkeys(words))
    for word in words:
        text = re.sub(rf"(?:,\s*)?(?<!\w){re.escape(word)}(?!\w)", "", text, flags=re.IGNORECASE)
    text = text.strip(" ,")
    start = f"{head}, " if head and text else head
    if len(ids(start + text)) <= room:
        return start + text, None
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(ids(start + text[:middle])) <= room else (low, middle - 1)
    kept = text[:low].rstrip()
    if low < len(text) and not text[low].isspace() and " " in kept:
        kept = kept.rsplit(" ", 1)[0]
    return (start + kept).strip(" ,"), f"prompt cut to {room} tokens; left out: {text[len(kept) :].strip()[:200]!r}"


class ClipPromptEncoder:
    """Text states of prompts for a pipeline with one or two CLIP encoders (SD 1.5, SDXL)."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        second = getattr(pipeline, "text_encoder_2", None)
        self.sdxl = second is not None
        pairs = [(pipeline.tokenizer, pipeline.text_encoder)]
        if self.sdxl:
            pairs.append((pipeline.tokenizer_2, second))
        self.pairs = [(tokenizer, encoder) for tokenizer, encoder in pairs if encoder is not None]

    def encode(self, prompt: str, negative: str | None, *, guided: bool, clip_skip: int | None) -> dict[str, Any]:
        """Keyword arguments for the pipeline: embeddings of prompt and, where ``guided``, of the negative prompt.

        Both have the same number of 77-token chunks. Shapes: [1, 77·chunks, width] and, for SDXL, pooled [1, width].
        A missing negative prompt becomes zeros where the pipeline says so (``force_zeros_for_empty_prompt``).
        """
        import torch

        texts = [prompt] if not guided else [prompt, negative or ""]
        with torch.inference_mode():
            states, pooled = self._encode(texts, clip_skip)
        answer: dict[str, Any] = {"prompt_embeds": states[:1]}
        if self.sdxl:
            answer["pooled_prompt_embeds"] = pooled[:1]
        if guided:
            zeros = self.sdxl and negative is None and self.pipeline.config.force_zeros_for_empty_prompt
            answer["negative_prompt_embeds"] = torch.zeros_like(states[1:]) if zeros else states[1:]
            if self.sdxl:
                answer["negative_pooled_prompt_embeds"] = torch.zeros_like(pooled[1:]) if zeros else pooled[1:]
        return answer

    def _encode(self, texts: list[str], clip_skip: int | None) -> tuple[Any, Any]:
        import torch

        fragments = [parse_weights(without_lora_tags(text)) for text in texts]
        chunked = [[_chunks(tokenizer, parts) for parts in fragments] for tokenizer, _ in self.pairs]
        longest = max(len(chunks) for per_encoder in chunked for chunks in per_encoder)
        halves, pooled = [], None
        for (tokenizer, encoder), per_text in zip(self.pairs, chunked, strict=True):
            filler = _chunk(tokenizer, [])
            rows = [row for chunks in per_text for row in chunks + [filler] * (longest - len(chunks))]
            weighted = any(weight != 1 for _, weights in rows for weight in weights)
            ids = torch.tensor([row[0] for row in rows] + ([filler[0]] if weighted else []))
            states, sums = self._states(encoder, ids, clip_skip)
            if weighted:
                empty, states, sums = states[-1:], states[:-1], None if sums is None else sums[:-1]
                scale = torch.tensor([row[1] for row in rows], dtype=states.dtype, device=states.device)[..., None]
                states = torch.where(scale == 1, states, empty + scale * (states - empty))
            halves.append(states.reshape(len(texts), longest * states.shape[1], states.shape[2]))
            if sums is not None:
                pooled = sums.reshape(len(texts), longest, -1)[:, 0]  # the first chunk names the subject
        return torch.cat(halves, dim=-1), pooled

    def _states(self, encoder: Any, ids: Any, clip_skip: int | None) -> tuple[Any, Any]:
        from diffusers.utils.torch_utils import get_module_execution_device

        out = encoder(ids.to(get_module_execution_device(encoder)), output_hidden_states=True)
        skip = 0 if clip_skip is None else clip_skip
        depth = len(out.hidden_states) - 1
        if skip + 2 > depth:
            raise ImagingError(f"clip skip {skip} is too deep for a text encoder of {depth} layers")
        if self.sdxl:
            return out.hidden_states[-(skip + 2)], getattr(out, "text_embeds", None)
        if clip_skip is None:
            return out.last_hidden_state, None
        # diffusers 0.42 looks for encoder.text_model here, which transformers 5 no longer has.
        norm = getattr(encoder, "final_layer_norm", None) or encoder.text_model.final_layer_norm
        return norm(out.hidden_states[-(skip + 1)]), None


def _chunks(tokenizer: Any, fragments: Sequence[Fragment]) -> list[tuple[list[int], list[float]]]:
    """Windows of [start, up to 75 tokens, end, padding] with a weight per token, split between words."""
    room = tokenizer.model_max_length - 2
    tokens: list[tuple[int, float]] = []
    for fragment in fragments:
        ids = tokenizer(fragment.text, add_special_tokens=False, truncation=False)["input_ids"]
        tokens += [(token, fragment.weight) for token in ids]
    chunks = []
    while len(tokens) > room:
        pieces = tokenizer.convert_ids_to_tokens([token for token, _ in tokens[:room]])
        ends = [place + 1 for place, piece in enumerate(pieces) if piece.endswith("</w>")]
        cut = ends[-1] if ends and ends[-1] > room // 2 else room
        chunks.append(_chunk(tokenizer, tokens[:cut]))
        tokens = tokens[cut:]
    return [*chunks, _chunk(tokenizer, tokens)] if tokens or not chunks else chunks


def _chunk(tokenizer: Any, tokens: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    padding = tokenizer.model_max_length - 2 - len(tokens)
    ids = [tokenizer.bos_token_id, *(token for token, _ in tokens), tokenizer.eos_token_id]
    weights = [1.0, *(weight for _, weight in tokens), 1.0]
    return ids + [tokenizer.pad_token_id] * padding, weights + [1.0] * padding
