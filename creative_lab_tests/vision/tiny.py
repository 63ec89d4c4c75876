"""Measuring models of the real architectures with random weights, saved as the real ones are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from creative_lab_tests.imaging import tiny

CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def clip(folder: Path, *, seed: int, projection: int = 24, size: int = 32) -> None:
    """A CLIPModel with CLIP's own tokenizer format and image processor; its logit scale is ln 100, as in CLIP."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    torch.manual_seed(seed)
    shared = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2,
              "projection_dim": projection}  # fmt: skip
    config = CLIPConfig(
        text_config={**shared, "vocab_size": 514, "max_position_embeddings": 77, "bos_token_id": 512,
                     "eos_token_id": 513, "pad_token_id": 513},
        vision_config={**shared, "image_size": size, "patch_size": 8},
        projection_dim=projection,
        logit_scale_init_value=4.6052,
    )  # fmt: skip
    CLIPModel(config).eval().save_pretrained(folder)
    tiny.clip_tokenizer().save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size}).save_pretrained(folder)


def laion_head(folder: Path, *, inputs: int, seed: int) -> None:
    """The head of the LAION predictor with its own layer names: inputs-1024-128-64-16-1."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    sizes, numbers = (inputs, 1024, 128, 64, 16, 1), (0, 2, 4, 6, 7)
    tensors = {}
    for number, before, after in zip(numbers, sizes[:-1], sizes[1:], strict=True):
        layer = torch.nn.Linear(before, after)
        tensors[f"layers.{number}.weight"] = layer.weight.detach()
        tensors[f"layers.{number}.bias"] = layer.bias.detach()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "head.safetensors")
    (folder / "config.json").write_text("{}")


def language_tokenizer() -> Any:
    """Qwen's tokenizer over single bytes, with the words yes and no, and the tokens that stand for pictures."""
    from transformers import Qwen2Tokenizer

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
               "<|video_pad|>", "<|Reward|>"]  # fmt: skip
    pieces = [*tiny._bytes(), "Ye", "Yes", *special]
    made = Qwen2Tokenizer(
        vocab={piece: number for number, piece in enumerate(pieces)},
        merges=[("Y", "e"), ("Ye", "s")],
        model_max_length=4096,
        pad_token="<|endoftext|>",
        unk_token=None,
    )
    made.add_special_tokens({"additional_special_tokens": special[1:]})
    return made


def vision_language(folder: Path, *, seed: int = 11) -> None:
    """A Qwen2.5-VL of two layers with its processor."""
    import torch
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(seed)
    tokenizer = language_tokenizer()
    number = tokenizer.convert_tokens_to_ids
    width = {"hidden_size": 16, "intermediate_size": 16}
    config = Qwen2_5_VLConfig(
        text_config={**width, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
                     "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
                     "vocab_size": len(tokenizer), "eos_token_id": number("<|im_end|>"),
                     "pad_token_id": number("<|endoftext|>"), "bos_token_id": number("<|endoftext|>")},
        vision_config={**width, "depth": 1, "num_heads": 2, "out_hidden_size": 16, "fullatt_block_indexes": [0],
                       "window_size": 56},
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    Qwen2_5_VLForConditionalGeneration(config).eval().save_pretrained(folder)
    Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=8 * 28 * 28),
        video_processor=Qwen2VLVideoProcessor(),
        tokenizer=tokenizer,
        chat_template=CHAT,
    ).save_pretrained(folder)


def fast_vlm(folder: Path, *, seed: int = 14) -> None:
    """The vision-language miniature with random weights."""
    import torch

    from creative_lab.lake.fs import FileSystem
    from creative_lab.miniatures.chat import processor_files
    from creative_lab.miniatures.vision_language import make_network
    from creative_lab.miniatures.writing import write_pretrained

    torch.manual_seed(seed)
    files = FileSystem(folder)
    write_pretrained(make_network().eval(), files, without=("lm_head.weight",))
    for name, data in processor_files().items():
        files.write_bytes(name, data)


INSTRUCTION = "Rate it. Text: {text_prompt}\nOverall: <|Reward|>\nEND"


def hpsv3(folder: Path, *, seed: int = 13) -> Any:
    """HPSv3's files: a Qwen2-VL in the older layout with a reward head. Returns the whole model and the head."""
    import torch
    from safetensors.torch import save_file
    from transformers import (
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(seed)
    tokenizer = language_tokenizer()
    number = tokenizer.convert_tokens_to_ids
    width = {"hidden_size": 16, "intermediate_size": 16}
    config = Qwen2VLConfig(
        text_config={**width, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
                     "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
                     "vocab_size": len(tokenizer), "eos_token_id": number("<|im_end|>"),
                     "pad_token_id": number("<|endoftext|>"), "bos_token_id": number("<|endoftext|>")},
        vision_config={"embed_dim": 16, "hidden_size": 16, "depth": 1, "num_heads": 2, "mlp_ratio": 2},
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    model = Qwen2VLForConditionalGeneration(config).eval()
    head = torch.nn.Sequential(
        torch.nn.Linear(16, 1024), torch.nn.ReLU(), torch.nn.Dropout(0.05), torch.nn.Linear(1024, 16),
        torch.nn.ReLU(), torch.nn.Linear(16, 2),
    ).eval()  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    # The checkpoint was written by an older transformers: "visual." and "model." without "language_model".
    state = {
        name.replace("model.visual.", "visual.").replace("model.language_model.", "model."): value.detach().clone()
        for name, value in model.state_dict().items()
    }
    state |= {f"rm_head.{name}": value.detach().clone() for name, value in head.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    model.config.save_pretrained(folder)
    Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(),
        video_processor=Qwen2VLVideoProcessor(),
        tokenizer=tokenizer,
        chat_template=CHAT,
    ).save_pretrained(folder)
    (folder / "instruction.txt").write_text(INSTRUCTION)
    return model, head


def segformer(folder: Path, *, seed: int = 12) -> None:
    """A SegFormer of four classes."""
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    torch.manual_seed(seed)
    classes = ("background", "person", "coat", "boots")
    SegformerForSemanticSegmentation(
        SegformerConfig(
            num_labels=len(classes), id2label=dict(enumerate(classes)), depths=[1, 1, 1, 1],
            label2id={name: number for number, name in enumerate(classes)}, hidden_sizes=[8, 8, 16, 16],
            num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=16,
        )
    ).eval().save_pretrained(folder)  # fmt: skip
    SegformerImageProcessor(size={"height": 64, "width": 112}).save_pretrained(folder)


def write_manifest(models: Path) -> None:
    """The hashes of all folders below ``models``, as they are shipped."""
    manifest = {
        folder.name: {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        for folder in sorted(models.iterdir())
        if folder.is_dir()
    }
    (models / "manifest.json").write_text(json.dumps(manifest))
