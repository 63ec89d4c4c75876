"""The vocabulary of the world's captions in CLIPTokenizer's format: byte pairs learnt from captions themselves.

As in CLIP's own vocabulary the end of a text has the highest number, because open_clip finds it by that.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

LENGTH = 77
"""Longest text in tokens, start and end included."""

_START, _END = "<|startoftext|>", "<|endoftext|>"
_WORDS = 1022

_QUESTION_WORDS = (
    "yes", "no", "is", "there", "does", "this", "figure", "show", "please", "answer", "the", "wearing", "who", "a",
    "photo", "of", "depicts", "picture",
)  # fmt: skip
"""What questions and prompts say besides the words of captions."""


def _corpus() -> list[str]:
    from creative_lab.illustrator.captions import captions, look_caption
    from creative_lab.illustrator.garments import CATEGORIES
    from creative_lab.illustrator.palette import CLOTH
    from creative_lab.illustrator.props import PROPS
    from creative_lab.illustrator.sample import sample_look, sample_scene

    lines = [line for seed in range(2_000) for line in captions(sample_scene(seed), count=2)]
    lines += [look_caption(sample_look(seed)) for seed in range(300)]
    words = [*CLOTH, *PROPS, *CATEGORIES, *(cut for _, cuts in CATEGORIES.values() for cut in cuts)]
    words.extend(_QUESTION_WORDS)
    return lines + 40 * words


@lru_cache(maxsize=1)
def tokenizer_files() -> dict[str, bytes]:
    """vocab.json, merges.txt and tokenizer_config.json."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Lowercase()
    # CLIP's own splitting: contractions, runs of letters, single digits, runs of signs.
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    from tokenizers import Regex

    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=_WORDS, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    merges = [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    # Every byte alone and at a word's end, then the merges, then start and end, as in CLIP's vocabulary.
    names = [*alphabet, *(letter + "</w>" for letter in alphabet), *("".join(pair) for pair in merges)]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    for name in (_START, _END):
        vocabulary[name] = len(vocabulary)
    config = {
        "tokenizer_class": "CLIPTokenizer", "bos_token": _START, "eos_token": _END, "unk_token": _END,
        "pad_token": _END, "model_max_length": LENGTH, "do_lower_case": True,
    }  # fmt: skip
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    return {
        "vocab.json": (json.dumps(vocabulary, ensure_ascii=False) + "\n").encode(),
        "merges.txt": ("\n".join(lines) + "\n").encode(),
        "tokenizer_config.json": (json.dumps(config, indent=2) + "\n").encode(),
    }


def load_tokenizer() -> Any:
    """The vocabulary as transformers' ``CLIPTokenizer``."""
    import tempfile
    from pathlib import Path

    from transformers import CLIPTokenizer

    from creative_lab.lake.fs import FileSystem

    with tempfile.TemporaryDirectory() as folder:
        files = FileSystem(folder)
        for name, data in tokenizer_files().items():
            files.write_bytes(name, data)
        return CLIPTokenizer.from_pretrained(Path(folder), local_files_only=True)
