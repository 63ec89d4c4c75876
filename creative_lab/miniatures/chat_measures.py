"""How well the vision-language miniature sees: answers and captions against the truth, by the library's own calls."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from creative_lab.illustrator.scene import draw_scene, shown_props
from creative_lab.miniatures.captioned import PROP_NAMES, attribute_numbers
from creative_lab.miniatures.drawn import story_scene
from creative_lab.miniatures.pools import HELD_OUT
from creative_lab.miniatures.questions import (
    FULL_PROMPTS,
    SCENE_PROMPTS,
    Truth,
    caption,
    figure_question,
    question,
    truth,
)
from creative_lab.miniatures.reworded import said

LOOKS = ("hat", "garment", "hair", "colour")
"""What a caption without looks must not name."""

ASKED = 4
_BATCH = 64


class LoadedChat:
    """A vision-language folder, loaded by transformers' auto classes, in float32 on the CPU."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self.model: Any = AutoModelForImageTextToText.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32
        ).eval()

    def _inputs(self, pictures: list[np.ndarray], prompts: list[str]) -> Any:
        chats = [
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}] for prompt in prompts
        ]
        texts = [self.processor.apply_chat_template(chat, add_generation_prompt=True) for chat in chats]
        return self.processor(images=pictures, text=texts, padding=True, return_tensors="pt")

    def answers(self, pictures: list[np.ndarray], prompts: list[str], *, longest: int = 90) -> list[str]:
        """What the model says about each picture when it is asked its prompt; always the likeliest word."""
        import torch

        made: list[str] = []
        for start in range(0, len(pictures), _BATCH):
            inputs = self._inputs(pictures[start : start + _BATCH], prompts[start : start + _BATCH])
            with torch.inference_mode():
                tokens = self.model.generate(**inputs, max_new_tokens=longest, do_sample=False)
            new = tokens[:, inputs["input_ids"].shape[1] :]
            made += [text.strip() for text in self.processor.batch_decode(new, skip_special_tokens=True)]
        return made

    def yes(self, pictures: list[np.ndarray], questions: list[str]) -> np.ndarray:
        """P(yes) of each question: the share of "yes" in the probability of "yes" and "no" as the first word."""
        import torch

        numbers = [self.processor.tokenizer(word)["input_ids"][0] for word in ("yes", "no")]
        found: list[np.ndarray] = []
        for start in range(0, len(pictures), _BATCH):
            inputs = self._inputs(pictures[start : start + _BATCH], questions[start : start + _BATCH])
            with torch.inference_mode():
                logits = self.model(**inputs).logits[:, -1, numbers]
            found.append(logits.float().softmax(1)[:, 0].numpy())
        return np.concatenate(found)


def held_out(samples: int) -> list[tuple[np.ndarray, Truth, tuple[str, ...]]]:
    """Pictures that were never trained on, larger than in training, and what they show."""
    drawn = []
    for number in range(samples):
        scene = story_scene(HELD_OUT + number)
        picture = draw_scene(scene, *((256, 256) if number % 4 else (384, 216)))
        props = np.zeros(len(PROP_NAMES), np.uint8)
        for place in shown_props(picture):
            props[PROP_NAMES.index(scene.props[place].name)] = 1
        drawn.append((picture.pixels, *truth(attribute_numbers(scene), props)))
    return drawn


def attribute_counts(found: str, wanted: str) -> tuple[int, int, int]:
    """How many named attributes two captions share, and how many each names."""
    mine, true = (Counter((kind, word) for kind, words in said(text).items() for word in words)
                  for text in (found, wanted))  # fmt: skip
    return (mine & true).total(), mine.total(), true.total()


def _f1(pairs: list[tuple[str, str]]) -> float:
    both, mine, true = np.sum([attribute_counts(found, wanted) for found, wanted in pairs], axis=0)
    return float(2 * both / max(1, mine + true))


def measure(folder: Path, samples: int) -> dict[str, float]:
    """Share of right answers, all and by kind; F1 of named attributes, of all captions and by kind of prompt."""
    chat, drawn, rng = LoadedChat(folder), held_out(samples), np.random.default_rng(71)
    pictures = [pixels for pixels, _, _ in drawn]
    result: dict[str, float] = {}
    pairs: dict[bool, list[tuple[str, str]]] = {}
    for looks, prompts in ((False, SCENE_PROMPTS), (True, FULL_PROMPTS)):
        found = chat.answers(pictures, [prompts[number % len(prompts)] for number in range(samples)])
        pairs[looks] = [
            (text, caption(seen, things, looks=looks)) for text, (_, seen, things) in zip(found, drawn, strict=True)
        ]
    asked = [
        (pixels, *(figure_question if turn == 0 else question)(seen, things, rng))
        for pixels, seen, things in drawn
        for turn in range(ASKED)
    ]
    yes = chat.yes([pixels for pixels, *_ in asked], [text for _, text, *_ in asked]) > 0.5
    right = np.array([found == (answer == "yes") for found, (_, _, answer, _) in zip(yes, asked, strict=True)])
    kinds = np.array([kind for *_, kind in asked])
    result |= {
        "yes/no": float(right.mean()),
        "caption F1": _f1(pairs[False] + pairs[True]),
        "caption F1 without looks": _f1(pairs[False]),
        "caption F1 in full": _f1(pairs[True]),
        "looks named against the prompt": float(np.mean([bool(set(LOOKS) & set(said(t))) for t, _ in pairs[False]])),
    }
    for kind in sorted({name for text in pairs.values() for _, wanted in text for name in said(wanted)}):
        counts = [
            (len(set(said(t).get(kind, ())) & set(said(w).get(kind, ()))), len(said(w).get(kind, ())))
            for t, w in pairs[True]
        ]
        both, true = np.sum(counts, axis=0)
        result[f"{kind} named"] = float(both / max(1, true))
    return result | {f"yes/no {kind}": float(right[kinds == kind].mean()) for kind in sorted(set(kinds))}
