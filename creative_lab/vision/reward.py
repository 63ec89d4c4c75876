"""HPSv3 (Ma et al. 2025): human preference by a Qwen2-VL with a reward head."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from creative_lab.vision.batches import in_batches
from creative_lab.vision.language import padded, plain_words, token_pattern
from creative_lab.weights.errors import ModelError, ModelNotHere

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from creative_lab.weights.libraries import Device

INSTRUCTION = "instruction.txt"
"""The words that the model was trained to be asked with; they belong to its authors and come with its repository."""

REWARD_TOKEN = "<|Reward|>"  # noqa: S105 - a token of text
PIXELS = 256 * 28 * 28
"""Every picture is scaled to about this many pixels, as in the authors' inference."""

_WRONG = ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs")
_HEAD = re.compile(r"^rm_head\.(\d+)\.(weight|bias)$")


class PreferenceReward:
    """A folder with HPSv3's weights: mu of the preference, in the model's own unit (about 0–14)."""

    def __init__(self, folder: Path, *, slug: str, device: Device, dtype: str = "bfloat16", batch: int = 4) -> None:
        import torch
        from transformers import AutoProcessor

        self.slug, self.device, self.batch = slug, device, batch
        self.dtype = torch.float32 if device == "cpu" else getattr(torch, dtype)
        try:
            self.instruction = (folder / INSTRUCTION).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ModelNotHere(f"{slug}: there is no {folder / INSTRUCTION} with the words to ask it by") from error
        if "{text_prompt}" not in self.instruction or self.instruction.count(REWARD_TOKEN) != 1:
            raise ModelError(f"{folder / INSTRUCTION}: has to hold {{text_prompt}} and one {REWARD_TOKEN}")
        self.processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self.processor.tokenizer.padding_side = "right"
        self._tokens = token_pattern(self.processor, REWARD_TOKEN)
        self.reward_token = int(self.processor.tokenizer.convert_tokens_to_ids(REWARD_TOKEN))
        self.backbone, self.head = _load(folder, slug, self.dtype, device)

    def rewards(self, pictures: Sequence[np.ndarray], texts: Sequence[str]) -> np.ndarray:
        """mu of each picture for its text, float32 (n,). Special tokens inside a text are left out."""
        import torch

        def judge(batch: Sequence[tuple[np.ndarray, str]]) -> np.ndarray:
            asked = []
            for _, text in batch:
                words = self.instruction.replace("{text_prompt}", plain_words(text, self._tokens))
                talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": words}]}]
                asked.append(self.processor.apply_chat_template(talk, tokenize=False, add_generation_prompt=True))
            inputs = self.processor(
                images=[[padded(picture)] for picture, _ in batch],
                text=asked,
                padding=True,
                return_tensors="pt",
                min_pixels=PIXELS,
                max_pixels=PIXELS,
            )
            with torch.inference_mode():
                hidden = self._hidden({name: value.to(self.device) for name, value in inputs.items()})
                where = inputs["input_ids"].to(self.device) == self.reward_token
                made: np.ndarray = self.head(hidden[where].float())[:, 0].cpu().numpy()
                return made

        pairs = list(zip(pictures, texts, strict=True))
        return in_batches(judge, pairs, self.batch) if pairs else np.empty(0, np.float32)

    def _hidden(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Last hidden states. Positions count words and picture patches alike, as the model was trained."""
        import torch

        embedded = self.backbone.get_input_embeddings()(inputs["input_ids"])
        seen = self.backbone.get_image_features(inputs["pixel_values"].to(self.dtype), inputs["image_grid_thw"])
        parts = getattr(seen, "pooler_output", seen)
        patches = torch.cat(list(parts)) if not isinstance(parts, torch.Tensor) else parts
        places = (inputs["input_ids"] == self.backbone.config.image_token_id).unsqueeze(-1).expand_as(embedded)
        embedded = embedded.masked_scatter(places, patches.to(embedded.dtype))
        hidden: torch.Tensor = self.backbone.language_model(
            inputs_embeds=embedded, attention_mask=inputs["attention_mask"], use_cache=False
        )[0]
        return hidden


def _load(folder: Path, slug: str, dtype: torch.dtype, device: Device) -> tuple[Any, Any]:
    """The Qwen2-VL without its language head, and the reward head (linear, ReLU, linear, ReLU, linear) in float32."""
    from safetensors.torch import load_file
    from torch import nn
    from transformers import AutoConfig, Qwen2VLModel

    state: dict[str, torch.Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        state.update(load_file(path))
    head_state = {name: value.float() for name, value in state.items() if _HEAD.match(name)}
    numbers = sorted({int(found[1]) for name in head_state if (found := _HEAD.match(name))})
    if len(numbers) != 3:
        raise ModelError(f"{slug}: {folder} has no reward head of three layers (rm_head)")
    layers: list[nn.Module] = []
    for place, number in enumerate(numbers):
        weight = head_state[f"rm_head.{number}.weight"]
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": weight, "bias": head_state[f"rm_head.{number}.bias"]})
        layers += [linear, nn.ReLU()] if place < 2 else [linear]

    body = {_renamed(name): value for name, value in state.items() if not name.startswith(("rm_head.", "lm_head."))}
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    # The token of the reward was added to the vocabulary, which the configuration may not say.
    config.text_config.vocab_size = int(body["language_model.embed_tokens.weight"].shape[0])
    loaded: Any = Qwen2VLModel.from_pretrained(
        None, config=config, state_dict=body, dtype=dtype, output_loading_info=True
    )
    backbone, report = loaded
    wrong = {kind: sorted(map(str, report[kind]))[:3] for kind in _WRONG if report.get(kind)}
    if wrong:
        raise ModelError(f"{slug}: the weights in {folder} do not fit a Qwen2-VL: {wrong}")
    return backbone.eval().to(device), nn.Sequential(*layers).eval().to(device)


def _renamed(name: str) -> str:
    """A tensor's name in today's transformers, from today's or the older layout."""
    name = name.removeprefix("model.") if re.match(r"^model\.(visual|language_model)\.", name) else name
    return f"language_model.{name.removeprefix('model.')}" if name.startswith("model.") else name
