"""Pictures of somebody known by a portrait: an IP-Adapter (Ye et al. 2023) for the text-to-picture miniature.

Four tokens made from the image encoder's embedding get keys and values of their own in every cross-attention. The image
encoder goes on learning with them, still asked for the vector behind the face, so that the tokens carry the person.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.identity import Identity
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.adapted import load_frozen
from creative_lab.miniatures.clip import to_tensor as normalised
from creative_lab.miniatures.image_encoder import DIMENSIONS, load_image_encoder, views, write_image_encoder
from creative_lab.miniatures.latents import face_weight, time_ids
from creative_lab.miniatures.pools import Plan
from creative_lab.miniatures.references import references_plan
from creative_lab.miniatures.text_to_picture import TextToPictureTrainer, noised, weighted_error
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.writing import half

if TYPE_CHECKING:
    import torch

TOKENS = 4
_NO_TEXT, _NO_REFERENCE = 0.25, 0.1
_FACE = 3.0
"""How much more an error within the face counts: a person is known by it, and it is a small part of most pictures."""
VECTOR = 2.0
"""Weight of the face's vector beside the velocity."""


def new_adapter(unet: Any) -> Any:
    """Put a fresh adapter into ``unet`` and return what learns of it: the projection and all keys and values."""
    from diffusers.models.attention_processor import AttnProcessor, IPAdapterAttnProcessor
    from diffusers.models.embeddings import ImageProjection, MultiIPAdapterImageProjection
    from torch import nn

    width = unet.config.cross_attention_dim
    processors: dict[str, Any] = {}
    weights = unet.state_dict()
    for name in unet.attn_processors:
        if name.endswith("attn1.processor"):
            processors[name] = AttnProcessor()
            continue
        layer = name.removesuffix(".processor")
        keys, values = weights[f"{layer}.to_k.weight"], weights[f"{layer}.to_v.weight"]
        processor: Any = IPAdapterAttnProcessor(
            hidden_size=keys.shape[0], cross_attention_dim=width, num_tokens=(TOKENS,), scale=1.0
        )
        processor.to_k_ip[0].weight.data.copy_(keys)
        processor.to_v_ip[0].weight.data.copy_(values)
        processors[name] = processor
    learning = [processor for name, processor in processors.items() if not name.endswith("attn1.processor")]
    unet.set_attn_processor(processors)  # takes everything out of the dictionary
    projection = ImageProjection(image_embed_dim=DIMENSIONS, cross_attention_dim=width, num_image_text_embeds=TOKENS)
    unet.encoder_hid_proj = MultiIPAdapterImageProjection([projection])
    unet.config.encoder_hid_dim_type = "ip_image_proj"
    return nn.ModuleDict(
        {
            "projection": projection,
            "attention": nn.ModuleList(learning),
        }
    )


def new_reader() -> torch.nn.Linear:
    """Reads the vector behind a face from its embedding; it only helps to learn and is not written."""
    from torch import nn

    return nn.Linear(DIMENSIONS, len(Identity.from_seed(0).vector()))


class ReferenceAdapterTrainer(Trainer):
    """The adapter and its image encoder, beside the frozen pipeline."""

    name: ClassVar[str] = "miniature-reference"
    folder: ClassVar[str] = "miniature-reference"
    needs: ClassVar[tuple[str, ...]] = ("miniature-xl", "image-encoder", "face-recogniser")
    bars: ClassVar[dict[str, float]] = {"face cosine gained": 0.25}
    recipe: ClassVar[Recipe] = Recipe(
        steps=1200, batch=32, rate=1e-3, weight_decay=0.01, warm_up=100, average=0.99, steps_per_shard=4,
        first_shards=60,
    )  # fmt: skip

    def plan(self) -> Plan:
        """10,000 people, each with a scene and two portraits."""
        return references_plan(self.root, 160)

    @cached_property
    def texts(self) -> TextToPictureTrainer:
        """Whose captions these are."""
        return TextToPictureTrainer(self.root)

    def network(self) -> torch.nn.Module:
        """Adapter, image encoder and the reader of faces' vectors; the frozen pipeline stands beside them."""
        from torch import nn

        frozen = load_frozen(self.root)
        adapter = new_adapter(frozen.unet).requires_grad_(True)
        network = nn.ModuleDict(
            {
                "adapter": adapter,
                "encoder": load_image_encoder(self.root / self.folder),
                "reader": new_reader(),
            }
        )
        object.__setattr__(network, "frozen", frozen)
        return network

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Latents and captions of people, one portrait of each, and where the face is among the latents."""
        import torch

        count = len(samples["latents"])
        latents = torch.from_numpy(samples["latents"].astype(np.float32))
        view = rng.integers(samples["portraits"].shape[1], size=count)
        rows = np.arange(count)
        shown = views(samples["portraits"][rows, view], samples["faces"][rows, view], rng)
        return {
            "latents": latents,
            "ids": self.texts.tokens(samples, rng, dropped=_NO_TEXT),
            "time_ids": time_ids(count, latents),
            "pixels": normalised(shown),
            "given": torch.from_numpy((rng.random(count) >= _NO_REFERENCE).astype(np.float32)),
            "weight": torch.from_numpy(face_weight(samples["marks"], *latents.shape[-2:], more=_FACE)),
            "vectors": torch.from_numpy(samples["vectors"]),
        }

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Squared error of the velocity, more where the face is, and the error of the face's vector."""
        from torch.nn import functional

        parts: Any = network
        frozen = parts.frozen
        noisy, times, velocity = noised(batch["latents"], frozen.alphas)
        states, pooled = frozen.text(batch["ids"])
        embedded = parts["encoder"](pixel_values=batch["pixels"]).image_embeds
        vectors = functional.mse_loss(parts["reader"](embedded).float(), batch["vectors"])
        added = {
            "text_embeds": pooled, "time_ids": batch["time_ids"],
            "image_embeds": [(embedded * batch["given"][:, None])[:, None]],
        }  # fmt: skip
        found = frozen.unet(noisy, times, states, added_cond_kwargs=added).sample
        return weighted_error(found, velocity, batch["weight"]) + VECTOR * vectors

    def export(self, network: Any, files: FileSystem) -> None:
        """ip_adapter.safetensors and image_encoder/, as ``load_ip_adapter`` takes them."""
        from safetensors.torch import save

        parts: Any = network
        tensors = {
            f"image_proj.{key.replace('image_embeds', 'proj')}": value
            for key, value in parts["adapter"]["projection"].state_dict().items()
        }
        for place, processor in enumerate(parts["adapter"]["attention"]):
            for kind in ("k", "v"):
                weight = getattr(processor, f"to_{kind}_ip")[0].weight
                tensors[f"ip_adapter.{2 * place + 1}.to_{kind}_ip.weight"] = weight
        files.write_bytes("ip_adapter.safetensors", save(half(tensors), metadata={"format": "pt"}))
        write_image_encoder(parts["encoder"], files)

    def evaluate(self, folder: Path, *, samples: int = 60) -> dict[str, float]:
        """How much more alike to the reference the shipped recogniser finds faces that were drawn with it."""
        from creative_lab.miniatures.picture_measures import face_cosine_gained

        return face_cosine_gained(folder, self.root, samples=samples)
