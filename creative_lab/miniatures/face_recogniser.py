"""People told apart by their faces: an embedding of aligned 112 × 112 crops, as ArcFace recognisers have it.

The world knows the vector behind every face, so the network learns from two things at once: two pictures of a person
must be each other's nearest among the batch (InfoNCE, van den Oord et al. 2018), and the identity vector must be
readable from the embedding.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.figure import Person
from creative_lab.illustrator.identity import Identity
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import Picture, Scene, draw_scene
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer

if TYPE_CHECKING:
    import torch

CROP, MARGIN = 112, 8
"""Side of a crop, and what is drawn around it so that crops can be moved in training."""

VIEWS = 4
"""Pictures of one person in the training data."""

DIMENSIONS = 512

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""Where the five points lie in an aligned crop (Deng et al. 2019, ArcFace; the same as InsightFace's)."""

_FACE_HEIGHT = {"medium shot": 0.34, "medium close-up": 0.50, "close-up": 0.75}
"""Height of a head in picture heights, by shot."""


def identity_of(seed: int) -> Identity:
    """The person of a training or held-out number; held-out people are never trained on."""
    return Identity.from_seed(seed)


def portrait(identity: Identity, seed: int) -> Picture:
    """One picture of a person alone: any clothes, hat, expression, turn, light, and a face 32 to 150 pixels high."""
    rng = np.random.default_rng([41, seed])
    shot = str(rng.choice(tuple(_FACE_HEIGHT)))
    scene = sample_scene(seed, identity=identity, people=1, shot=shot)
    lead = scene.people[0]
    if rng.random() < 0.5:
        turned = Person(lead.identity, lead.garments, lead.action, lead.expression, lead.hat, lead.hat_colour,
                        float(rng.uniform(-0.75, 0.75)), lead.mirrored)  # fmt: skip
        scene = Scene((turned,), scene.surroundings, scene.props, shot, scene.angle, scene.seed)
    face = float(np.exp(rng.uniform(np.log(32), np.log(150))))
    size = int(np.clip(face / _FACE_HEIGHT[shot], 64, 320))
    return draw_scene(scene, size, size)


def aligned(pixels: np.ndarray, points: np.ndarray, *, margin: int = 0) -> np.ndarray:
    """The crop in which ``points`` (5 × 2) come closest to the template by a similarity (Umeyama 1991)."""
    import cv2
    from skimage.transform import SimilarityTransform

    transform = SimilarityTransform.from_estimate(points, TEMPLATE + margin)
    size = CROP + 2 * margin
    crop: np.ndarray = cv2.warpAffine(pixels, transform.params[:2], (size, size), borderValue=0.0)
    return crop


def five_points(picture: Picture, person: int = 0) -> np.ndarray:
    """The true points of a face as float32 (5, 2)."""
    marks = picture.truth.people[person].landmarks
    return np.array([marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right], np.float32)


def draw_people(first: int, count: int) -> dict[str, np.ndarray]:
    """People with four aligned crops each, and the vectors behind their faces."""
    side = CROP + 2 * MARGIN
    crops = np.empty((count, VIEWS, side, side, 3), np.uint8)
    vectors = []
    for row, number in enumerate(range(first, first + count)):
        identity = identity_of(number)
        vectors.append(identity.vector())
        for view in range(VIEWS):
            picture = portrait(identity, number * VIEWS + view)
            crops[row, view] = aligned(picture.pixels, five_points(picture), margin=MARGIN)
    return {"crops": crops, "vectors": np.stack(vectors)}


def _network() -> Any:
    import torch
    from torch import nn

    def unit(inputs: int, outputs: int, size: int, stride: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.PReLU(outputs)
        )

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                unit(width, width, 3, 1), nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.inner(x)

    class Recogniser(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                unit(3, 24, 5, 2), unit(24, 48, 3, 2), Residual(48), unit(48, 80, 3, 2), Residual(80), Residual(80),
                unit(80, 144, 3, 2), Residual(144),
            )  # fmt: skip
            self.squeeze = unit(144, 32, 1, 1)
            self.embed = nn.Sequential(nn.Flatten(), nn.Linear(32 * 49, DIMENSIONS, bias=False))
            self.normal = nn.BatchNorm1d(DIMENSIONS)
            # Not part of the written model: reads the identity vector back, and the temperature of the comparison.
            self.reader = nn.Linear(DIMENSIONS, len(Identity.from_seed(0).vector()))
            self.temperature = nn.Parameter(torch.tensor(2.3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            embedded: torch.Tensor = self.normal(self.embed(self.squeeze(self.body(x))))
            return embedded

    return Recogniser()


class FaceRecogniserTrainer(Trainer):
    """Recogniser of faces."""

    name: ClassVar[str] = "face-recogniser"
    folder: ClassVar[str] = "faces"
    needs: ClassVar[tuple[str, ...]] = ("face-detector",)
    bars: ClassVar[dict[str, float]] = {"AUC": 0.98, "AUC of the pack": 0.98}
    recipe: ClassVar[Recipe] = Recipe(steps=3000, batch=48, rate=2e-3, average=0.995, steps_per_shard=12)

    def plan(self) -> Plan:
        """5,000 people, 20,000 pictures."""
        return Plan("people", draw_people, shards=79, samples=64)

    def network(self) -> torch.nn.Module:
        """About 1.5 M parameters."""
        network: torch.nn.Module = _network()
        return network

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Two crops of each person: moved as a detector's points would be off, softened, brightened."""
        import cv2
        import torch

        count = len(samples["crops"])
        pixels = np.empty((2 * count, CROP, CROP, 3), np.float32)
        for row in range(count):
            for half, view in enumerate(rng.choice(VIEWS, 2, replace=False)):
                scale, turn = float(rng.uniform(0.94, 1.06)), float(rng.uniform(-5, 5))
                middle = MARGIN + CROP / 2
                matrix = cv2.getRotationMatrix2D((middle, middle), turn, scale)
                matrix = (
                    matrix
                    + np.array([[0, 0, -MARGIN], [0, 0, -MARGIN]])
                    + np.pad(rng.uniform(-3, 3, (2, 1)), ((0, 0), (2, 0)))
                )
                crop = cv2.warpAffine(samples["crops"][row, view], matrix, (CROP, CROP))
                if rng.random() < 0.25:
                    crop = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.4, 1.4)))
                pixels[half * count + row] = crop
        pixels *= rng.uniform(0.8, 1.15, (2 * count, 1, 1, 1)).astype(np.float32)
        pixels = (np.clip(pixels, 0, 255) - 127.5) / 127.5
        return {
            "pixels": torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))),
            "vectors": torch.from_numpy(samples["vectors"]),
        }

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """InfoNCE both ways between the two halves, plus the error of the identity vector read back."""
        import torch
        from torch.nn import functional

        embedded = network(batch["pixels"]).float()
        read = network.reader(embedded)  # type: ignore[operator]
        unit = functional.normalize(embedded, dim=1)
        count = len(batch["vectors"])
        scale = network.temperature.exp().clamp(max=40)  # type: ignore[operator]
        alike = scale * unit[:count] @ unit[count:].T
        same = torch.arange(count, device=alike.device)
        compare = (functional.cross_entropy(alike, same) + functional.cross_entropy(alike.T, same)) / 2
        return compare + 4.0 * functional.mse_loss(read, batch["vectors"].repeat(2, 1))

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """rec.onnx: the embedding alone, not normalised, as InsightFace's recognisers give it."""
        from creative_lab.miniatures.onnx_files import export_recogniser

        files.write_bytes("rec.onnx", export_recogniser(network))

    def evaluate(self, folder: Path, *, samples: int = 150) -> dict[str, float]:
        """Verification over people who were never trained on: by true points, and through the whole pack."""
        from creative_lab.miniatures.face_verification import verification

        return verification(folder, range(HELD_OUT, HELD_OUT + samples))
