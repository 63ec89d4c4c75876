"""Captions and answers about pictures: a FastVLM (Vasu et al. 2025) in transformers' format.

A small residual network from timm sees the picture as sixteen tokens, a Qwen2 decoder of three layers speaks. At first
only the pictures' side learns, to name attributes, which costs little; then both learn captions for two kinds of prompt
and yes/no questions. All texts about one picture share one pass: each sees the picture and itself, and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.captioned import ATTRIBUTES, PROP_NAMES
from creative_lab.miniatures.chat import MEAN, PROMPT, SIDE, STD, TOKENS, make_tokenizer, processor_files
from creative_lab.miniatures.drawn import is_wide, story_plan
from creative_lab.miniatures.pools import Plan
from creative_lab.miniatures.questions import (
    FULL_PROMPTS,
    SCENE_PROMPTS,
    caption,
    figure_question,
    question,
    seen_numbers,
    truth,
)
from creative_lab.miniatures.training import Batch, Recipe, Trainer

if TYPE_CHECKING:
    import torch

CHANNELS, WIDTH, LAYERS, HEADS = (24, 56, 128, 192), 128, 3, 4
QUESTIONS = 6
SHARDS = 160
LOOKING = 6
"""How many pictures a step sees for each one, as long as only the pictures' side learns."""


def make_network() -> Any:
    """A FastVLM of 2 M parameters with random weights."""
    from transformers import FastVlmConfig, FastVlmForConditionalGeneration

    tokenizer = make_tokenizer()
    config = FastVlmConfig(
        vision_config={
            "model_type": "timm_wrapper", "architecture": "resnet18", "do_pooling": False, "hidden_size": CHANNELS[-1],
            "num_labels": 0,
            "model_args": {
                "layers": [1, 1, 2, 1], "channels": list(CHANNELS), "stem_type": "deep", "stem_width": 8,
            },
        },
        text_config={
            "model_type": "qwen2", "vocab_size": len(tokenizer), "hidden_size": WIDTH, "intermediate_size": 3 * WIDTH,
            "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": HEADS,
            "max_position_embeddings": 512, "tie_word_embeddings": True, "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), image_seq_length=TOKENS,
        tie_word_embeddings=True,
    )  # fmt: skip
    return FastVlmForConditionalGeneration(config)


def pack(
    texts: list[list[tuple[list[int], list[int]]]], end: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Texts of each picture side by side, without the picture's own tokens.

    ``texts`` holds (prompt, answer) as token numbers. Returns tokens, positions, the number of the text that each token
    is of (0 = padding), what must follow each token (-100 = anything), and whether that is part of a caption.
    """
    length = max(sum(len(prompt) + len(answer) for prompt, answer in row) for row in texts)
    tokens = np.full((len(texts), length), end, np.int64)
    positions, parts = np.zeros_like(tokens), np.zeros_like(tokens)
    after, long = np.full_like(tokens, -100), np.zeros(tokens.shape, bool)
    for index, row in enumerate(texts):
        start = 0
        for number, (prompt, answer) in enumerate(row, start=1):
            # The end of an answer is only ever predicted.
            whole, size = [*prompt, *answer], len(prompt) + len(answer)
            place = slice(start, start + size)
            tokens[index, place], parts[index, place] = whole, number
            positions[index, place] = TOKENS + np.arange(size)
            after[index, start + len(prompt) - 1 : start + size] = [*answer, end]
            long[index, place] = len(answer) > 1
            start += size
    return tokens, positions, parts, after, long


class VisionLanguageTrainer(Trainer):
    """A FastVLM over story scenes."""

    name: ClassVar[str] = "vision-language"
    folder: ClassVar[str] = "vision-language"
    bars: ClassVar[dict[str, float]] = {"yes/no": 0.90, "caption F1": 0.90}
    recipe: ClassVar[Recipe] = Recipe(
        steps=3300, batch=20, rate=2e-3, average=0.995, warm_up=100, steps_per_shard=2, first_shards=10
    )

    def plan(self) -> Plan:
        """40,000 scenes, the same that the text-to-picture miniature learns from."""
        return story_plan(SHARDS)

    def choose(self, rng: np.random.Generator, available: int, batch: int) -> np.ndarray:
        """Pictures of one format, a quarter of the steps wide ones; more of them while the pool still grows."""
        plan = self.plan()
        if available < plan.samples:
            return super().choose(rng, available, batch)
        wide = bool(rng.random() < 0.25)
        grown = range(available // plan.samples)
        shards = [shard for shard in grown if is_wide(shard) == wide] or list(grown)
        if available < plan.shards * plan.samples:
            batch *= LOOKING
        return rng.choice(shards, batch) * plan.samples + rng.integers(plan.samples, size=batch)

    def network(self) -> torch.nn.Module:
        """The FastVLM, and readers of attributes from its picture's features, which are not shipped."""
        import torch
        from torch import nn

        whole = make_network()
        # Convolutions over channels that lie side by side take a third less time on processors.
        whole.model.vision_tower.to(memory_format=torch.channels_last)
        network = nn.ModuleDict(
            {
                "model": whole.model,
                "attributes": nn.Linear(2 * CHANNELS[-1], sum(len(options) for options in ATTRIBUTES.values())),
                "props": nn.Linear(2 * CHANNELS[-1], len(PROP_NAMES)),
            }
        )
        # Its last layer is tied to the words' embeddings, and a checkpoint must hold no tensor twice.
        object.__setattr__(network, "whole", whole)
        return network

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Pictures moved by some pixels, mirrored, brightened; for each a caption and seven questions."""
        import cv2
        import torch

        count = len(samples["pixels"])
        pixels = np.empty((count, SIDE, SIDE, 3), np.float32)
        for row, picture in enumerate(samples["pixels"]):
            square = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            square = np.roll(square, rng.integers(-4, 5, 2), axis=(0, 1))
            pixels[row] = square[:, ::-1] if rng.random() < 0.5 else square
        pixels *= rng.uniform(0.92, 1.08, (count, 1, 1, 1)).astype(np.float32)
        normal = (np.clip(pixels, 0, 255) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
        made: Batch = {
            "pixels": torch.from_numpy(np.ascontiguousarray(normal.transpose(0, 3, 1, 2))),
            "numbers": torch.from_numpy(seen_numbers(samples["numbers"])),
            "props": torch.from_numpy(samples["props"].astype(np.float32)),
        }
        if count <= self.recipe.batch:
            made |= self._texts(samples, rng)
        return made

    def _texts(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        import torch

        tokenizer = make_tokenizer()
        said: list[tuple[str, str]] = []
        for numbers, props in zip(samples["numbers"], samples["props"], strict=True):
            seen, things = truth(numbers, props)
            looks = bool(rng.random() < 0.5)
            said.append((str(rng.choice(FULL_PROMPTS if looks else SCENE_PROMPTS)), caption(seen, things, looks=looks)))
            said += [question(seen, things, rng)[:2] for _ in range(QUESTIONS)]
            said.append(figure_question(seen, things, rng)[:2])
        prompts = tokenizer([PROMPT.format(prompt) for prompt, _ in said])["input_ids"]
        answers = tokenizer([answer for _, answer in said])["input_ids"]
        each = QUESTIONS + 2
        pairs = list(zip(prompts, answers, strict=True))
        rows = [pairs[start : start + each] for start in range(0, len(pairs), each)]
        tokens, positions, parts, after, long = pack(rows, tokenizer.eos_token_id)
        parts = np.pad(parts, ((0, 0), (TOKENS, 0)), constant_values=-1)
        # A token sees what comes before it in its own text, and the picture; padding sees itself.
        mine = parts[:, :, None] == parts[:, None, :]
        allowed = (mine | (parts == -1)[:, None, :]) & np.tri(parts.shape[1], dtype=bool)
        picture = np.broadcast_to(np.arange(TOKENS), (len(rows), TOKENS))
        return {
            "tokens": torch.from_numpy(tokens),
            "positions": torch.from_numpy(np.concatenate([picture, positions], axis=1)),
            "allowed": torch.from_numpy(allowed[:, None]),
            "after": torch.from_numpy(after),
            "long": torch.from_numpy(long),
        }

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Cross-entropy of attributes and things; of captions and answers too, when there are any."""
        import torch
        from torch.nn import functional

        parts: Any = network
        model = parts["model"]
        pixels = batch["pixels"].contiguous(memory_format=torch.channels_last)
        features = model.vision_tower(pixels).last_hidden_state
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
        named = 4 * functional.binary_cross_entropy_with_logits(parts["props"](pooled).float(), batch["props"])
        logits = parts["attributes"](pooled).float().split([len(options) for options in ATTRIBUTES.values()], dim=1)
        for index, part in enumerate(logits):
            numbers = batch["numbers"][:, index]
            if bool((numbers >= 0).any()):
                named = named + functional.cross_entropy(part, numbers, ignore_index=-100) / len(ATTRIBUTES)
        if "tokens" not in batch:
            return named
        picture = model.multi_modal_projector(features.flatten(2).permute(0, 2, 1))
        texts = model.language_model.embed_tokens(batch["tokens"])
        hidden = model.language_model(
            inputs_embeds=torch.cat([picture, texts.to(picture.dtype)], 1), attention_mask=batch["allowed"],
            position_ids=batch["positions"], use_cache=False,
        ).last_hidden_state[:, TOKENS:]  # fmt: skip
        answered = batch["after"] >= 0
        words = functional.linear(hidden[answered], model.language_model.embed_tokens.weight)
        entropy = functional.cross_entropy(words.float(), batch["after"][answered], reduction="none")
        long = batch["long"][answered]
        # The end after yes or no is soon known; it would halve the mean.
        return named + entropy[long].mean() + 2 * entropy[~long].mean()

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """What ``AutoModelForImageTextToText`` and ``AutoProcessor`` load."""
        from creative_lab.miniatures.writing import write_pretrained

        parts: Any = network
        write_pretrained(parts.whole, files, without=("lm_head.weight",))
        for name, data in processor_files().items():
            files.write_bytes(name, data)

    def evaluate(self, folder: Path, *, samples: int = 150) -> dict[str, float]:
        """Answers to questions and attributes named in captions, over held-out scenes."""
        from creative_lab.miniatures.chat_measures import measure

        return measure(folder, samples)
