"""The vision-language miniature's processor: its vocabulary, its pictures and the form of its prompts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

SIDE, PATCH = 128, 32
"""Side of the square that pictures are squashed into, and of the part of it behind one picture token."""

TOKENS = (SIDE // PATCH) ** 2
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGE, END = "<image>", "<|endoftext|>"
_WORDS = 1400

PROMPT = "{}\nassistant:"
"""What stands after the picture; the answer follows with a space before it."""

_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}{{ ' ' }}{% endif %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% endif %}{% endfor %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% endif %}{% if message['role'] == 'assistant' %}{{ '<|endoftext|>' }}{% else %}{{ '\\nassistant:' }}{% endif %}"
    "{% endfor %}"
)
"""Chats as transformers writes them; whatever is not the assistant's turn waits for its answer."""


def _corpus() -> list[str]:
    from creative_lab.illustrator.captions import captions
    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.miniatures.captioned import PROP_NAMES, attribute_numbers
    from creative_lab.miniatures.questions import FULL_PROMPTS, SCENE_PROMPTS, caption, figure_question, question, truth

    lines = [*FULL_PROMPTS, *SCENE_PROMPTS] * 20
    for seed in range(800):
        scene, rng = sample_scene(seed), np.random.default_rng([67, seed])
        props = np.array([name in {prop.name for prop in scene.props} for name in PROP_NAMES])
        seen, things = truth(attribute_numbers(scene), props)
        lines += [caption(seen, things, looks=True), figure_question(seen, things, rng)[0], *captions(scene, count=1)]
        lines += [PROMPT.format(question(seen, things, rng)[0]) + " yes no" for _ in range(4)]
    return lines


@lru_cache(maxsize=1)
def make_tokenizer() -> Any:
    """A byte-level vocabulary (Radford et al. 2019) learnt from captions and questions, all in small letters."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    # A space before every text: "yes" alone is the same token as the answer "yes" in a chat.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_WORDS, special_tokens=[END, IMAGE], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer.train_from_iterator(_corpus(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=END, additional_special_tokens=[IMAGE],
        padding_side="left", model_max_length=512,
    )  # fmt: skip


def make_processor() -> Any:
    """transformers' ``LlavaProcessor``, which FastVLM models use."""
    from transformers import CLIPImageProcessor, LlavaProcessor

    pictures = CLIPImageProcessor(
        size={"height": SIDE, "width": SIDE}, crop_size={"height": SIDE, "width": SIDE}, do_center_crop=False,
        resample=2, image_mean=list(MEAN), image_std=list(STD), do_convert_rgb=True,
    )  # fmt: skip
    return LlavaProcessor(
        image_processor=pictures, tokenizer=make_tokenizer(), patch_size=PATCH, vision_feature_select_strategy="full",
        num_additional_image_tokens=0, image_token=IMAGE, chat_template=_TEMPLATE,
    )  # fmt: skip


def processor_files() -> dict[str, bytes]:
    """The processor as transformers saves it."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        make_processor().save_pretrained(folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
