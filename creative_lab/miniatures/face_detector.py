"""Faces found in pictures: a single-shot detector with SCRFD's outputs (Guo et al. 2021), as InsightFace loads it.

Nine outputs (scores, boxes and five points at strides 8, 16 and 32, two equal anchors a cell): a score per anchor,
distances from the cell's centre to the box's sides and to the points, both in strides.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.figure import FigureTruth
from creative_lab.illustrator.sample import sample_scene
from creative_lab.illustrator.scene import draw_scene
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer

if TYPE_CHECKING:
    import torch

SIZE = 192
"""Side of the square that training pictures are fitted into."""

STRIDES = (8, 16, 32)
ANCHORS = 2
PEOPLE = 3
SIZES = ((0.0, 40.0), (28.0, 96.0), (72.0, 1e9))
"""Height of the faces that each stride is responsible for; ranges overlap so that no size falls between."""

SEEN = 0.45
"""A face of which less than this share is visible need not be found, and finding it is no mistake."""

DETECTION_SIZE = (256, 256)
"""What ``FaceAnalysis.prepare`` should be given for these pictures."""


def face_rows(people: tuple[FigureTruth, ...]) -> np.ndarray:
    """Up to three faces as rows of box (4), five points (10) and the visible share; missing rows have share -1."""
    rows = np.full((PEOPLE, 15), -1.0, np.float32)
    for index, person in enumerate(people[:PEOPLE]):
        marks = person.landmarks
        points = (marks.left_eye, marks.right_eye, marks.nose, marks.mouth_left, marks.mouth_right)
        rows[index] = [*marks.box, *(value for point in points for value in point), person.face_visible or 0.0]
    return rows


def picture_size(rng: np.random.Generator, longest: int) -> tuple[int, int]:
    """Width and height of a random format between 9:16 and 21:9."""
    aspect = float(rng.choice([1.0, 4 / 3, 16 / 9, 21 / 9, 3 / 4, 9 / 16], p=[0.3, 0.15, 0.3, 0.1, 0.1, 0.05]))
    return (longest, round(longest / aspect)) if aspect >= 1 else (round(longest * aspect), longest)


def draw_scenes(first: int, count: int) -> dict[str, np.ndarray]:
    """Scenes at the top left of a black square, as SCRFD letterboxes them, and their faces."""
    pixels = np.zeros((count, SIZE, SIZE, 3), np.uint8)
    faces = np.empty((count, PEOPLE, 15), np.float32)
    for row, seed in enumerate(range(first, first + count)):
        width, height = picture_size(np.random.default_rng([31, seed]), SIZE)
        picture = draw_scene(sample_scene(seed), width, height, visibility=True)
        pixels[row, :height, :width] = picture.pixels
        faces[row] = face_rows(picture.truth.people)
    return {"pixels": pixels, "faces": faces}


def _network() -> Any:
    import torch
    from torch import nn

    def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.first = block(width, width)
            self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x + self.second(self.first(x)))

    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(block(3, 16, 2), block(16, 32, 2), block(32, 48, 2), Residual(48), Residual(48))
            self.middle = nn.Sequential(block(48, 80, 2), Residual(80), Residual(80))
            self.deep = nn.Sequential(block(80, 128, 2), Residual(128), Residual(128))
            self.sides = nn.ModuleList([nn.Conv2d(width, 48, 1) for width in (48, 80, 128)])
            self.merge = nn.ModuleList([block(48, 48) for _ in STRIDES])
            self.tower = nn.ModuleList([nn.Sequential(block(48, 48), block(48, 48)) for _ in STRIDES])
            self.score = nn.ModuleList([nn.Conv2d(48, ANCHORS, 1) for _ in STRIDES])
            self.box = nn.ModuleList([nn.Conv2d(48, 4 * ANCHORS, 1) for _ in STRIDES])
            self.points = nn.ModuleList([nn.Conv2d(48, 10 * ANCHORS, 1) for _ in STRIDES])
            for heads, start in ((self.score, -4.0), (self.box, 2.0)):
                for head in heads:
                    nn.init.constant_(head.get_parameter("bias"), start)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            """Score logits, boxes and points of each stride, each (batch, cells × anchors, values)."""
            from torch.nn import functional

            near = self.stem(x)
            mid = self.middle(near)
            far = self.deep(mid)
            levels = [side(level) for side, level in zip(self.sides, (near, mid, far), strict=True)]
            levels[1] = levels[1] + functional.interpolate(levels[2], scale_factor=2.0, mode="nearest")
            levels[0] = levels[0] + functional.interpolate(levels[1], scale_factor=2.0, mode="nearest")
            scores: list[torch.Tensor] = []
            boxes: list[torch.Tensor] = []
            points: list[torch.Tensor] = []
            for index in range(len(STRIDES)):
                level = self.tower[index](self.merge[index](levels[index]))
                for values, head, width in (
                    (scores, self.score[index], 1),
                    (boxes, self.box[index], 4),
                    (points, self.points[index], 10),
                ):
                    values.append(head(level).permute(0, 2, 3, 1).reshape(x.shape[0], -1, width))
            return (*scores, *(torch.relu(box) for box in boxes), *points)

    return Detector()


def cell_centres(stride: int, size: int = SIZE) -> np.ndarray:
    """x and y of all anchors' cells, in SCRFD's order: rows of cells, two anchors each, at the cell's top left."""
    count = size // stride
    y, x = np.mgrid[:count, :count]
    return np.repeat(np.stack([x, y], -1).reshape(-1, 2) * stride, ANCHORS, axis=0).astype(np.float32)


def assign(faces: np.ndarray, stride: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """For one picture and stride: what each anchor must say (1 face, 0 nothing, -1 anything), and which face it is of.

    An anchor is a face's when its cell lies within one and a half strides of the face's middle (as in FCOS, Tian et
    al. 2019) and the face's size is the stride's; other cells inside it say what they like there. To the strides of
    other sizes the face is nothing, or they would find its head and shoulders.
    """
    centres = cell_centres(stride)
    target = np.zeros(len(centres), np.float32)
    owner = np.zeros(len(centres), np.int64)
    for index in np.argsort([-(row[2] - row[0]) * (row[3] - row[1]) for row in faces]):
        left, top, right, bottom = (float(value) for value in faces[index][:4])
        visible = float(faces[index][14])
        if visible < 0:
            continue
        inside = (
            (centres[:, 0] > left - stride / 2) & (centres[:, 0] < right + stride / 2)
            & (centres[:, 1] > top - stride / 2) & (centres[:, 1] < bottom + stride / 2)
        )  # fmt: skip
        if visible < SEEN:
            target[inside & (target == 0)] = -1
            continue
        height = bottom - top
        # The middle of what can be seen: a face that the picture cuts still has cells of its own.
        x, y = (np.clip([left, right], 0, SIZE).mean(), np.clip([top, bottom], 0, SIZE).mean())
        reach = max(stride * 0.75, min(1.5 * stride, 0.3 * height))
        near = np.maximum(abs(centres[:, 0] - x), abs(centres[:, 1] - y)) <= reach
        if low <= height < high:
            target[inside & (target == 0)] = -1
            target[near], owner[near] = 1, index
        elif low * 0.8 <= height < high * 1.25:
            target[near & (target == 0)] = -1
    return target, owner


class FaceDetectorTrainer(Trainer):
    """Detector with five points."""

    name: ClassVar[str] = "face-detector"
    folder: ClassVar[str] = "faces"
    bars: ClassVar[dict[str, float]] = {"AP50": 0.95}
    recipe: ClassVar[Recipe] = Recipe(steps=6000, batch=16, rate=2e-3, average=0.995, steps_per_shard=12)

    def plan(self) -> Plan:
        """8,000 scenes."""
        return Plan("face-scenes", draw_scenes, shards=63, samples=128)

    def network(self) -> torch.nn.Module:
        """About 1.2 M parameters."""
        network: torch.nn.Module = _network()
        return network

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Scenes moved, scaled (0.6–1.7) and mirrored, with what every anchor must say."""
        import cv2
        import torch

        count = len(samples["pixels"])
        pixels = np.empty((count, SIZE, SIZE, 3), np.float32)
        told: dict[str, list[np.ndarray]] = {"target": [], "box": [], "points": []}
        for row in range(count):
            scale = float(np.exp(rng.uniform(np.log(0.6), np.log(1.7))))
            flip = bool(rng.random() < 0.5)
            slack = SIZE * (scale - 1)
            x, y = (-float(rng.uniform(0, slack)) if slack > 0 else float(rng.uniform(0, -slack)) for _ in range(2))
            sign = -1.0 if flip else 1.0
            matrix = np.array([[sign * scale, 0, x + (scale * SIZE if flip else 0)], [0, scale, y]])
            pixels[row] = cv2.warpAffine(samples["pixels"][row], matrix, (SIZE, SIZE), flags=cv2.INTER_AREA)
            faces = moved_faces(samples["faces"][row], matrix, flip)
            parts = [assign(faces, stride, *size) for stride, size in zip(STRIDES, SIZES, strict=True)]
            owner = np.concatenate([part[1] for part in parts])
            told["target"].append(np.concatenate([part[0] for part in parts]))
            told["box"].append(faces[owner, :4])
            told["points"].append(faces[owner, 4:14])
        pixels *= rng.uniform(0.75, 1.2, (count, 1, 1, 1)).astype(np.float32)
        pixels = (np.clip(pixels, 0, 255) - 127.5) / 128.0
        return {
            "pixels": torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))),
            **{key: torch.from_numpy(np.stack(value)) for key, value in told.items()},
        }

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Focal loss for scores (Lin et al. 2017), generalised IoU for boxes, smooth L1 for points in face heights."""
        import torch
        from torch.nn import functional
        from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

        outputs = [value.float() for value in network(batch["pixels"])]
        scores = torch.cat(outputs[:3], 1)[..., 0]
        target = batch["target"]
        told = target >= 0
        count = max(1.0, float((target == 1).sum()))
        focal = sigmoid_focal_loss(scores[told], target[told], alpha=0.5, gamma=2.0, reduction="sum") / count
        centres = torch.from_numpy(np.concatenate([cell_centres(stride) for stride in STRIDES])).to(scores.device)
        strides = torch.cat([torch.full((len(cell_centres(s)),), float(s)) for s in STRIDES]).to(scores.device)
        mine = target == 1
        where = mine.nonzero()[:, 1]
        step = strides[where, None]
        distance = torch.cat(outputs[3:6], 1)[mine] * step
        origin = centres[where]
        found = torch.cat([origin - distance[:, :2], origin + distance[:, 2:]], 1)
        boxes = generalized_box_iou_loss(found, batch["box"][mine], reduction="sum") / count
        points = torch.cat(outputs[6:9], 1)[mine] * step + origin.repeat(1, 5)
        height = (batch["box"][mine][:, 3:4] - batch["box"][mine][:, 1:2]).clamp(min=4)
        error = (points - batch["points"][mine]) / height * 10
        return (
            focal
            + 1.5 * boxes
            + 3.0 * functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="sum") / count / 10
        )

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """det.onnx, with a batch of one and free height and width (multiples of 32)."""
        from creative_lab.miniatures.onnx_files import export_detector

        files.write_bytes("det.onnx", export_detector(network))

    def evaluate(self, folder: Path, *, samples: int = 300) -> dict[str, float]:
        """Average precision at IoU 0.5 and the mean error of the points, through ``FaceAnalysis`` alone."""
        from creative_lab.miniatures.face_measures import average_precision, load_detector

        detector = load_detector(folder, DETECTION_SIZE)
        return average_precision(detector, range(HELD_OUT, HELD_OUT + samples))


def moved_faces(faces: np.ndarray, matrix: np.ndarray, flip: bool) -> np.ndarray:
    """Rows of faces after an affine map without rotation; mirroring swaps left and right points.

    What the map pushes out of the square is no longer visible.
    """
    result = faces.copy()
    there = faces[:, 14] >= 0
    xs, ys = np.array([0, 2, 4, 6, 8, 10, 12]), np.array([1, 3, 5, 7, 9, 11, 13])
    result[:, xs] = faces[:, xs] * matrix[0, 0] + matrix[0, 2]
    result[:, ys] = faces[:, ys] * matrix[1, 1] + matrix[1, 2]
    if flip:
        result = result[:, [2, 1, 0, 3, 6, 7, 4, 5, 8, 9, 12, 13, 10, 11, 14]]

    def inside(rows: np.ndarray) -> np.ndarray:
        clipped = np.clip(rows[:, :4], 0, SIZE)
        area = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
        return (clipped[:, 2] - clipped[:, 0]) * (clipped[:, 3] - clipped[:, 1]) / np.maximum(area, 1e-6)

    result[there, 14] = faces[there, 14] * inside(result[there]) / np.maximum(inside(faces[there]), 1e-6)
    result[~there] = -1
    return result
