"""Who is in a reference picture: the small ``CLIPVisionModelWithProjection`` of the reference adapter.

It learns as the face recogniser does: two portraits of a person must be each other's nearest in the batch, and the
vector behind the face must be readable from the embedding. Unlike the recogniser it takes whole portraits as well as
faces cut out of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.identity import Identity
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.clip import MEAN, STD
from creative_lab.miniatures.clip import to_tensor as normalised
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.references import PORTRAIT, face_crop, portrait, references_plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.writing import write_json, write_pretrained

if TYPE_CHECKING:
    import torch

SIDE, WIDTH, LAYERS, PATCH, DIMENSIONS = 112, 128, 4, 14, 128


def views(portraits: np.ndarray, faces: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Portraits (n, side, side, 3) as the encoder may get them: whole, or more or less cut to the face."""
    import cv2

    shown = np.empty((len(portraits), SIDE, SIDE, 3), np.uint8)
    for row, (pixels, face) in enumerate(zip(portraits, faces, strict=True)):
        if rng.random() < 0.25:
            shown[row] = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            continue
        size = float(max(face[2] - face[0], face[3] - face[1]))
        moved = face + np.tile(rng.uniform(-0.08, 0.08, 2) * size, 2)
        shown[row] = face_crop(pixels, moved, SIDE, room=float(rng.uniform(1.1, 1.8)))
    return shown


def new_image_encoder() -> Any:
    """0.8 M parameters with random values."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config: Any = CLIPVisionConfig
    return CLIPVisionModelWithProjection(
        config(
            hidden_size=WIDTH, intermediate_size=3 * WIDTH, num_hidden_layers=LAYERS, num_attention_heads=4,
            image_size=SIDE, patch_size=PATCH, projection_dim=DIMENSIONS, hidden_act="gelu",
            attn_implementation="eager",
        )
    )  # fmt: skip


def load_image_encoder(folder: Path) -> Any:
    """The written encoder, loaded by transformers, in float32."""
    import torch
    from transformers import CLIPVisionModelWithProjection

    return CLIPVisionModelWithProjection.from_pretrained(
        folder / "image_encoder", local_files_only=True, dtype=torch.float32, attn_implementation="eager"
    ).eval()


def write_image_encoder(encoder: Any, files: FileSystem) -> None:
    """image_encoder/ with the preprocessing that diffusers derives from its side."""
    write_pretrained(encoder, files, prefix="image_encoder/", dtype="float32")
    write_json(files, "image_encoder/preprocessor_config.json", {
        "image_processor_type": "CLIPImageProcessor", "do_resize": True, "size": {"shortest_edge": SIDE},
        "resample": 3, "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE}, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True, "image_mean": list(MEAN),
        "image_std": list(STD),
    })  # fmt: skip


class ImageEncoderTrainer(Trainer):
    """The image encoder by itself, before the adapter learns with it."""

    name: ClassVar[str] = "image-encoder"
    folder: ClassVar[str] = "miniature-reference"
    needs: ClassVar[tuple[str, ...]] = ("autoencoder",)
    bars: ClassVar[dict[str, float]] = {"AUC of portraits": 0.95}
    recipe: ClassVar[Recipe] = Recipe(
        steps=4000, batch=40, rate=1.2e-3, weight_decay=0.05, average=0.995, warm_up=200, steps_per_shard=10,
        first_shards=4,
    )  # fmt: skip

    def plan(self) -> Plan:
        """10,000 people with two portraits each."""
        return references_plan(self.root, 160)

    def network(self) -> torch.nn.Module:
        """The encoder with its reader of faces' vectors, which is not written."""
        import torch
        from torch import nn

        network = nn.ModuleDict(
            {"encoder": new_image_encoder(), "reader": nn.Linear(DIMENSIONS, len(Identity.from_seed(0).vector()))}
        )
        network.register_parameter("temperature", nn.Parameter(torch.tensor(2.3)))
        return network

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Two views of each person."""
        import torch

        shown = np.concatenate([views(samples["portraits"][:, v], samples["faces"][:, v], rng) for v in (0, 1)])
        return {"pixels": normalised(shown), "vectors": torch.from_numpy(samples["vectors"])}

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """InfoNCE between the two views, and the error of the vector read back."""
        import torch
        from torch.nn import functional

        parts: Any = network
        embedded = parts["encoder"](pixel_values=batch["pixels"]).image_embeds.float()
        read = parts["reader"](embedded)
        unit = functional.normalize(embedded, dim=1)
        count = len(batch["vectors"])
        alike = parts.temperature.exp().clamp(max=40) * unit[:count] @ unit[count:].T
        same = torch.arange(count, device=alike.device)
        compare = (functional.cross_entropy(alike, same) + functional.cross_entropy(alike.T, same)) / 2
        return compare + 10.0 * functional.mse_loss(read, batch["vectors"].repeat(2, 1))

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """image_encoder/ alone."""
        write_image_encoder(network["encoder"], files)  # type: ignore[index]

    def evaluate(self, folder: Path, *, samples: int = 150) -> dict[str, float]:
        """Verification of unseen people by whole portraits, and by faces cut out of them."""
        import torch

        from creative_lab.miniatures.face_verification import area_under_curve, pair_similarities

        encoder = load_image_encoder(folder)
        drawn, faces, people = [], [], []
        for number in range(HELD_OUT, HELD_OUT + samples):
            for view in range(3):
                picture = portrait(Identity.from_seed(number), number * 3 + view)
                drawn.append(picture.pixels)
                faces.append(np.asarray(picture.truth.people[0].landmarks.box, np.float32))
                people.append(number)
        result = {}
        for name, room in (("AUC of portraits", None), ("AUC of faces", 1.35)):
            vectors = []
            for pixels, face in zip(drawn, faces, strict=True):
                whole = np.array([0, 0, PORTRAIT, PORTRAIT], np.float32)
                shown = face_crop(pixels, whole if room is None else face, SIDE, room=room or 1.0)
                with torch.inference_mode():
                    vectors.append(encoder(pixel_values=normalised(shown[None])).image_embeds[0].numpy())
            result[name] = area_under_curve(*pair_similarities(np.stack(vectors), np.array(people)))
        return result
