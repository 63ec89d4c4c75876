"""Vision language models in transformers' image-text-to-text format: captions, and the probability of a yes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.vision.batches import in_batches
from creative_lab.vision.types import Ask
from creative_lab.weights.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from creative_lab.weights.libraries import Device
    from creative_lab.weights.measuring import HostedVision, MeasuringPreset

BATCH = 16
CAPTION_TOKENS = 150


MOST_ASPECT = 100
"""Longest side in shortest sides that processors of pictures are given; they refuse twice that."""


def padded(picture: np.ndarray) -> np.ndarray:
    """``picture``, widened with white when it is a mere line, which processors refuse."""
    height, width = picture.shape[:2]
    more_rows = max(0, -(-width // MOST_ASPECT) - height)
    more_columns = max(0, -(-height // MOST_ASPECT) - width)
    if not more_rows and not more_columns:
        return np.require(picture, requirements="W")  # torch warns of arrays that it may not write to
    return np.pad(picture, ((0, more_rows), (0, more_columns), (0, 0)), constant_values=255)


def token_pattern(processor: Any, *more: str) -> re.Pattern[str]:
    """What finds the processor's special tokens, and ``more``, in the words of a person.

    There they would stand for pictures, or for the end of a turn, that nobody gave.
    """
    tokenizer = processor.tokenizer
    named = [getattr(processor, f"{kind}_token", None) for kind in ("image", "video", "audio")]
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    # A few tokenizers pad with a plain word or sign, which a text may well hold.
    tokens = {str(token) for token in (*tokenizer.all_special_tokens, *named, *added) if token and len(str(token)) > 2}
    tokens = {token for token in tokens if not token.isalnum()} | set(more)
    choices = "|".join(re.escape(token) for token in sorted(tokens, key=len, reverse=True))
    return re.compile(rf"(?:\s*(?:{choices}))+\s*" if choices else r"(?!)")


def plain_words(text: str, tokens: re.Pattern[str]) -> str:
    """``text`` with a space for whatever :func:`token_pattern` finds in it."""
    return tokens.sub(" ", text).strip() if tokens.search(text) else text


class VisionLanguage:
    """A vision language model folder; one loaded model both describes and answers."""

    def __init__(self, folder: Path, *, preset: MeasuringPreset, device: Device, batch: int = BATCH) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.slug, self.preset, self.device, self.batch = preset.slug, preset, device, batch
        self.dtype = torch.float32 if device == "cpu" else getattr(torch, preset.dtype)
        self.model: Any = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True, dtype=self.dtype)
        self.model.eval().to(device)
        self.processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        # Replies are read from the end of each row, so that rows of different length must end together.
        self.processor.tokenizer.padding_side = "left"
        self.yes = self._first_token(preset.yes)
        self._tokens = token_pattern(self.processor)

    def _first_token(self, word: str) -> int:
        numbers = self.processor.tokenizer(word, add_special_tokens=False)["input_ids"]
        if not numbers or numbers[0] == self.processor.tokenizer.unk_token_id:
            raise ModelError(f"{self.slug}: its tokenizer does not know {word!r}")
        return int(numbers[0])

    def prompt(self, question: str) -> str:
        """``question`` about one picture in the words of the model's chat template."""
        if getattr(self.processor, "chat_template", None):
            talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
            made: str = self.processor.apply_chat_template(talk, add_generation_prompt=True, tokenize=False)
            return made
        return f"{getattr(self.processor, 'image_token', '<image>')}{question}"

    def _inputs(self, pictures: Sequence[np.ndarray], questions: Sequence[str]) -> dict[str, torch.Tensor]:
        made = self.processor(
            images=[[padded(picture)] for picture in pictures],
            text=[self.prompt(question) for question in questions],
            padding=True,
            return_tensors="pt",
        )
        return {
            name: value.to(self.device, self.dtype) if value.is_floating_point() else value.to(self.device)
            for name, value in made.items()
        }

    def caption(self, pictures: Sequence[np.ndarray], *, prompt: str | None = None) -> list[str]:
        """One caption per picture, chosen greedily so that it is repeatable."""
        import torch

        asked = plain_words(prompt, self._tokens) if prompt else self.preset.caption_prompt

        def write(batch: Sequence[np.ndarray]) -> np.ndarray:
            with torch.inference_mode():
                inputs = self._inputs(batch, [asked] * len(batch))
                tokens = self.model.generate(**inputs, max_new_tokens=CAPTION_TOKENS, do_sample=False)
            new = tokens[:, inputs["input_ids"].shape[1] :]
            texts = self.processor.batch_decode(new, skip_special_tokens=True)
            return np.array([text.strip() for text in texts], dtype=object)

        return [str(text) for text in in_batches(write, pictures, self.batch)] if len(pictures) else []

    def yes_probabilities(self, pictures: Sequence[np.ndarray], texts: Sequence[str]) -> np.ndarray:
        """VQAScore (Lin et al. 2024): P("Yes") as the first token of the answer to the catalogue's question, (n,).

        The probability is the softmax over the whole vocabulary at one decoding step, as in the reference for chat
        models. Special tokens of the processor inside a text are left out.
        """
        import torch

        pairs = list(zip(pictures, texts, strict=True))

        def ask(batch: Sequence[tuple[np.ndarray, str]]) -> np.ndarray:
            words = [plain_words(text, self._tokens) for _, text in batch]
            questions = [self.preset.question.replace("{text}", text) for text in words]
            with torch.inference_mode():
                inputs = self._inputs([picture for picture, _ in batch], questions)
                # Of a vocabulary of 150,000 words only the last place is wanted.
                logits = self.model(**inputs, logits_to_keep=1).logits
                made: np.ndarray = logits[:, -1].float().softmax(-1)[:, self.yes].cpu().numpy()
                return made

        if not pairs:
            return np.empty(0, np.float32)
        # Texts of like length share a batch, so that little of it is padding.
        order = np.argsort([len(text) for text in texts], kind="stable")
        sorted_answers = in_batches(ask, [pairs[place] for place in order], self.batch)
        answers = np.empty_like(sorted_answers)
        answers[order] = sorted_answers
        return answers


class HostedCaptioner:
    """Captions by a hosted model, through a callable that the caller's room makes from its own client."""

    def __init__(self, entry: HostedVision, ask: Ask) -> None:
        self.slug, self._entry, self._ask = entry.slug, entry, ask

    def caption(self, pictures: Sequence[np.ndarray], *, prompt: str | None = None) -> list[str]:
        """One reply per picture, as it came: telling refusals from captions is the caller's."""
        asked = prompt or self._entry.caption_prompt
        return [self._ask(asked, picture).strip() for picture in pictures]
