"""Pictures from text: a Stable Diffusion XL (Podell et al. 2023) whose UNet is 500 times smaller.

The first text encoder learns together with the UNet; the second is the CLIP miniature's text tower as it is, which also
gives the pooled embedding. The UNet predicts the velocity (Salimans and Ho 2022) under the cosine schedule (Nichol and
Dhariwal 2021), which suits pictures as small as these and starts from pure noise, so that nights come out dark.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.captioned import unpacked
from creative_lab.miniatures.latents import FOLDER, choose_format, face_weight, latents_plan, prop_weight, time_ids
from creative_lab.miniatures.manifest import model_folder
from creative_lab.miniatures.pools import Plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.words import LENGTH, load_tokenizer, tokenizer_files
from creative_lab.miniatures.writing import half, write_json, write_link, write_pretrained
from creative_lab.weights.libraries import plain_attention

if TYPE_CHECKING:
    import torch

WIDTHS, HEADS = (96, 128), (3, 4)
TEXT_WIDTH, TEXT_LAYERS = 64, 3
TIME_WIDTH, TIME_IDS = 256, 32
_DROPPED = 0.1
"""Share of captions that are left out, so that guidance has something to be guided away from."""
_WIDE = 0.2
_FACE = 2.0
"""How much more an error within the first person's face counts: moods and people are told by a few small lines."""
_PROP = 2.0
"""The same for the boxes of props, which are named in a word and cover a few latents."""

SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler", "num_train_timesteps": 1000, "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction", "timestep_spacing": "trailing",
}  # fmt: skip
STEPS = 1000


def cumulative_alphas() -> torch.Tensor:
    """Share of the signal's variance at each of the 1000 times, as diffusers' schedulers have it."""
    from diffusers import DDPMScheduler

    scheduler: Any = DDPMScheduler(beta_schedule=str(SCHEDULER["beta_schedule"]))
    alphas: torch.Tensor = scheduler.alphas_cumprod
    return alphas


def new_unet(latents: int, context: int, pooled: int) -> Any:
    """A UNet in SDXL's shape (added size ids and pooled text) with random weights.

    Unlike SDXL it has attention at its finest level too: on the coarser one a cell covers 16 pixels, which is most of a
    face and all of a thing.
    """
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=16, in_channels=latents, out_channels=latents, block_out_channels=WIDTHS, layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D",) * 2, up_block_types=("CrossAttnUpBlock2D",) * 2,
        transformer_layers_per_block=(1, 1), attention_head_dim=HEADS, cross_attention_dim=context,
        use_linear_projection=True, norm_num_groups=16, time_embedding_dim=TIME_WIDTH,
        addition_embed_type="text_time", addition_time_embed_dim=TIME_IDS,
        projection_class_embeddings_input_dim=pooled + 6 * TIME_IDS,
    )  # fmt: skip


def new_text_encoder(tokenizer: Any) -> Any:
    """The small text encoder that learns with the UNet."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config: Any = CLIPTextConfig
    return CLIPTextModel(
        config(
            vocab_size=len(tokenizer), hidden_size=TEXT_WIDTH, intermediate_size=3 * TEXT_WIDTH,
            num_hidden_layers=TEXT_LAYERS, num_attention_heads=2, max_position_embeddings=LENGTH, hidden_act="gelu",
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id, attn_implementation="eager",
        )
    )  # fmt: skip


def clip_text_tower(root: Path) -> Any:
    """The CLIP miniature's text tower with its projection, frozen, in float32."""
    import torch
    from transformers import CLIPTextModelWithProjection

    folder = model_folder("clip", root=root)
    tower = CLIPTextModelWithProjection.from_pretrained(folder, local_files_only=True, dtype=torch.float32,
                                                        attn_implementation="eager")  # fmt: skip
    return tower.requires_grad_(False).eval()


def text_states(first: Any, second: Any, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Joined next-to-last states (n, 77, width) of both encoders and the pooled embedding of the second."""
    import torch

    own = first(input_ids=ids, output_hidden_states=True).hidden_states[-2]
    with torch.no_grad():
        clip = second(input_ids=ids, output_hidden_states=True)
    return torch.cat([own, clip.hidden_states[-2]], dim=-1), clip.text_embeds


class TextToPictureTrainer(Trainer):
    """UNet and first text encoder over the latents of story pictures."""

    name: ClassVar[str] = "miniature-xl"
    folder: ClassVar[str] = FOLDER
    needs: ClassVar[tuple[str, ...]] = ("autoencoder", "clip")
    bars: ClassVar[dict[str, float]] = {"attributes right": 0.85}
    recipe: ClassVar[Recipe] = Recipe(
        steps=8000, batch=32, rate=1e-3, weight_decay=0.01, warm_up=200, average=0.998, steps_per_shard=8,
        first_shards=10,
    )  # fmt: skip
    shards: ClassVar[int] = 160

    def plan(self) -> Plan:
        """41,000 story pictures with six captions each."""
        return latents_plan(self.root, self.shards)

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer of both encoders."""
        return load_tokenizer()

    def network(self) -> torch.nn.Module:
        """UNet (4.6 M parameters) and first text encoder (0.2 M); the CLIP tower and the noise stand beside them."""
        from torch import nn

        from creative_lab.miniatures.autoencoder import LATENTS

        clip = clip_text_tower(self.root)
        width, pooled = clip.config.hidden_size, clip.config.projection_dim
        network = nn.ModuleDict(
            {"unet": new_unet(LATENTS, TEXT_WIDTH + width, pooled), "text": new_text_encoder(self.tokenizer)}
        )
        plain_attention(network["unet"])
        # Kept out of the module's parameters: neither checkpoints nor optimiser need what doesn't learn.
        object.__setattr__(network, "clip", clip)
        object.__setattr__(network, "alphas", cumulative_alphas())
        return network

    def choose(self, rng: np.random.Generator, available: int, batch: int) -> np.ndarray:
        """Samples of one format: a fifth of the batches are wide."""
        return choose_format(rng, available, batch, wide_share=_WIDE)

    def tokens(self, samples: dict[str, np.ndarray], rng: np.random.Generator, *, dropped: float) -> torch.Tensor:
        """Token numbers (n, 77) of one caption of each sample, of which a share is empty."""
        rows = np.arange(len(samples["captions"]))
        texts = unpacked(samples["captions"][rows, rng.integers(samples["captions"].shape[1], size=len(rows))])
        texts = ["" if rng.random() < dropped else text for text in texts]
        ids: torch.Tensor = self.tokenizer(
            texts, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
        )["input_ids"]
        return ids

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Latents, and one of the captions of each."""
        import torch

        latents = torch.from_numpy(samples["latents"].astype(np.float32))
        weight = face_weight(samples["marks"], *latents.shape[-2:], more=_FACE)
        weight += prop_weight(samples["boxes"], *latents.shape[-2:], more=_PROP)
        return {
            "latents": latents,
            "ids": self.tokens(samples, rng, dropped=_DROPPED),
            "time_ids": time_ids(len(latents), latents),
            "weight": torch.from_numpy(weight),
        }

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Squared error of the predicted velocity, more where a face is."""
        parts: Any = network
        noisy, times, velocity = noised(batch["latents"], parts.alphas)
        states, pooled = text_states(parts["text"], parts.clip.to(noisy.device), batch["ids"])
        added = {"text_embeds": pooled, "time_ids": batch["time_ids"]}
        found = parts["unet"](noisy, times, states, added_cond_kwargs=added).sample
        return weighted_error(found, velocity, batch["weight"])

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """Everything of the pipeline but its autoencoder."""
        parts: Any = network
        write_pipeline(parts["unet"], parts["text"], parts.clip, files)

    def evaluate(self, folder: Path, *, samples: int = 150) -> dict[str, float]:
        """Share of the named attributes of held-out captions that an independent classifier finds in the pictures."""
        from creative_lab.miniatures.picture_measures import attributes_right

        return attributes_right(folder, self.root, samples=samples)


def noised(latents: torch.Tensor, alphas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noisy latents, their times and the velocity to predict.

    Times are stratified over the batch and lie more often (in proportion to the time) where there is more noise than
    signal: there it is decided what a picture shows and where. What is left of the error below is mostly the
    autoencoder's own grain, which nothing predicts.
    """
    import torch

    count = len(latents)
    spread = (torch.arange(count) + torch.rand(count)) / count
    times = (spread.sqrt() * STEPS).long().clamp(max=STEPS - 1).to(latents.device)
    noise = torch.randn_like(latents)
    share = alphas.to(latents.device)[times][:, None, None, None]
    signal, rest = share.sqrt(), (1 - share).sqrt()
    return signal * latents + rest * noise, times, signal * noise - rest * latents


def weighted_error(found: torch.Tensor, velocity: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean squared error of velocities (n, channels, height, width) under weights (n, height, width) of places."""
    error = (found.float() - velocity).square().mean(1)
    return (error * weight).mean() / weight.mean()


def without_adapter(unet: Any) -> Any:
    """The UNet without the IP-Adapter that was put into it to learn."""
    config = unet.config
    plain = new_unet(
        config.in_channels, config.cross_attention_dim, config.projection_class_embeddings_input_dim - 6 * TIME_IDS
    )
    own = plain.state_dict().keys()
    plain.load_state_dict({key: value for key, value in unet.state_dict().items() if key in own})
    return plain.eval()


def write_pipeline(unet: Any, first: Any, second: Any, files: FileSystem) -> None:
    """UNet, text encoders, tokenizers, scheduler and the index of a ``StableDiffusionXLPipeline``."""
    from safetensors.torch import save

    write_json(files, "unet/config.json", {**dict(unet.config), "_class_name": "UNet2DConditionModel"})
    files.write_bytes(
        "unet/diffusion_pytorch_model.safetensors", save(half(unet.state_dict()), metadata={"format": "pt"})
    )
    write_pretrained(first, files, prefix="text_encoder/", dtype="float32")
    write_pretrained(second, files, prefix="text_encoder_2/", dtype="float32")
    if (files.root.parent / "clip" / "model.safetensors").is_file():
        # It is that CLIP's text tower as it is: transformers takes its part of the whole file, and 2.5 MB are saved.
        write_link(files, "text_encoder_2/model.safetensors", "../../clip/model.safetensors")
    for folder in ("tokenizer", "tokenizer_2"):
        for name, data in tokenizer_files().items():
            files.write_bytes(f"{folder}/{name}", data)
    write_json(files, "scheduler/scheduler_config.json", SCHEDULER)
    write_json(files, "model_index.json", {
        "_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": False,
        "scheduler": ["diffusers", SCHEDULER["_class_name"]], "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"], "feature_extractor": [None, None], "image_encoder": [None, None],
    })  # fmt: skip
