"""An independent eye for drawn pictures: a small convnet that names what a picture shows and where its joints are.

It learns from the world alone and never meets a text, a latent or a generated picture, so it can say whether the
text-to-picture miniature drew what was asked for. Its own accuracy on true pictures is measured beside it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from creative_lab.illustrator.pose import JOINTS, MIRRORED_JOINTS
from creative_lab.illustrator.scene import SHOTS
from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.autoencoder import to_unit
from creative_lab.miniatures.captioned import ATTRIBUTES, PROP_NAMES
from creative_lab.miniatures.drawn import SHARD, story_plan
from creative_lab.miniatures.latents import choose_format
from creative_lab.miniatures.pools import HELD_OUT, Plan
from creative_lab.miniatures.training import Batch, Recipe, Trainer
from creative_lab.miniatures.writing import half, write_json

if TYPE_CHECKING:
    import torch

NAMED = ("garment colour", "hat", "setting", "shot", "expression")
"""What it names; with the props these are the attributes that pictures from text are judged by."""

_NEAR = frozenset(list(SHOTS)[:4])
_FIRST_HELD_OUT = HELD_OUT // (5 * SHARD) * 5 * SHARD
_MIRRORED = [JOINTS.index(name) for name in MIRRORED_JOINTS]


def truths(numbers: np.ndarray) -> np.ndarray:
    """Numbers of the named attributes (n, 5), -100 where a picture doesn't show one; faces count up to medium shots."""
    names = list(ATTRIBUTES)
    chosen = numbers[:, [names.index(name) for name in NAMED]].copy()
    near = [list(SHOTS).index(shot) for shot in _NEAR]
    far = ~np.isin(numbers[:, names.index("shot")], near)
    chosen[far, NAMED.index("expression")] = -100
    return chosen


def _unit(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def new_judge() -> Any:
    """0.45 M parameters with random values."""
    import torch
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(_unit(width, width), _unit(width, width))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.inner(x)

    class Judge(nn.Module):
        """Features of a grid of 8 × 8 pixels; every question looks where it wants to (attention over the grid)."""

        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                _unit(3, 24, 5, 2), _unit(24, 40, 3, 2), Residual(40), _unit(40, 96, 3, 2), Residual(96), Residual(96)
            )
            questions = len(NAMED) + len(PROP_NAMES)
            self.where = nn.Conv2d(96, questions, 1)
            self.answers = nn.ModuleList(nn.Linear(96, len(ATTRIBUTES[name])) for name in NAMED)
            self.prop = nn.Parameter(torch.randn(len(PROP_NAMES), 96) * 0.1)
            self.prop_bias = nn.Parameter(torch.full((len(PROP_NAMES),), -3.0))
            self.joint = nn.Sequential(_unit(96, 48), nn.Conv2d(48, len(JOINTS), 1))

        def forward(self, pixels: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor, torch.Tensor]:
            """Logits of every attribute and of the props, joints (n, 18, 2) in shares of the sides, their logits."""
            features = self.body(pixels)
            seen = torch.softmax(self.where(features).float().flatten(2), dim=-1)
            looked = seen @ features.float().flatten(2).transpose(1, 2)
            named = [answer(looked[:, place]) for place, answer in enumerate(self.answers)]
            # A thing is there when some place looks like it: a smooth maximum over the grid.
            likeness = torch.einsum("nchw,pc->nphw", features.float(), self.prop).flatten(2)
            props = torch.logsumexp(likeness, dim=-1) - math.log(likeness.shape[-1]) + self.prop_bias
            height, width = features.shape[2:]
            logits = self.joint(features).float().flatten(2)
            heat = torch.softmax(logits, dim=-1).unflatten(2, (height, width))
            x = (heat.sum(2) * ((torch.arange(width, device=heat.device) + 0.5) / width)).sum(-1)
            y = (heat.sum(3) * ((torch.arange(height, device=heat.device) + 0.5) / height)).sum(-1)
            return named, props, torch.stack([x, y], dim=-1), logits.unflatten(2, (height, width))

    return Judge()


class JudgeTrainer(Trainer):
    """The independent classifier."""

    name: ClassVar[str] = "judge"
    folder: ClassVar[str] = "judge"
    bars: ClassVar[dict[str, float]] = {"accuracy": 0.90}
    recipe: ClassVar[Recipe] = Recipe(
        steps=4000, batch=32, rate=2e-3, weight_decay=0.02, average=0.995, steps_per_shard=10, first_shards=30
    )

    def plan(self) -> Plan:
        """Story pictures."""
        return story_plan(160)

    def network(self) -> torch.nn.Module:
        """The judge."""
        network: torch.nn.Module = new_judge()
        return network

    def choose(self, rng: np.random.Generator, available: int, batch: int) -> np.ndarray:
        """Pictures of one format."""
        return choose_format(rng, available, batch, wide_share=0.2)

    def batch(self, samples: dict[str, np.ndarray], rng: np.random.Generator) -> Batch:
        """Pictures, half of them mirrored, a third softened as an autoencoder softens, with the truth about them."""
        import cv2
        import torch

        pixels, joints = samples["pixels"].copy(), samples["joints"][:, 0]
        for row in range(len(pixels)):
            if rng.random() < 0.5:
                pixels[row] = pixels[row][:, ::-1]
                joints[row] = joints[row][_MIRRORED] * (-1, 1) + (1, 0)
            if rng.random() < 0.35:
                pixels[row] = cv2.GaussianBlur(pixels[row], (0, 0), float(rng.uniform(0.4, 1.1)))
            if rng.random() < 0.2:
                noise = rng.normal(0, rng.uniform(2, 8), pixels[row].shape)
                pixels[row] = np.clip(pixels[row] + noise, 0, 255).astype(np.uint8)
        alone = samples["numbers"][:, list(ATTRIBUTES).index("people")] == 0
        inside = ((joints > 0) & (joints < 1)).all(-1) & alone[:, None]
        return {
            "pixels": to_unit(pixels), "named": torch.from_numpy(truths(samples["numbers"])),
            "props": torch.from_numpy(samples["props"].astype(np.float32)),
            "joints": torch.from_numpy(joints.astype(np.float32)), "inside": torch.from_numpy(inside),
        }  # fmt: skip

    def loss(self, network: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """Cross-entropy of what is named, and of the cells and places of the joints of people who are alone."""
        import torch
        from torch.nn import functional

        named, props, joints, cells = network(batch["pixels"])
        # Most things are not in most pictures; those that are count more.
        more = props.new_full((), 5.0)
        total = 10 * functional.binary_cross_entropy_with_logits(props, batch["props"], pos_weight=more)
        for place, logits in enumerate(named):
            truth = batch["named"][:, place]
            if bool((truth >= 0).any()):
                total = total + functional.cross_entropy(logits, truth, ignore_index=-100)
        inside = batch["inside"]
        if bool(inside.any()):
            height, width = cells.shape[2:]
            place = (batch["joints"][inside] * torch.tensor([width, height])).long()
            cell = place[:, 1].clamp(0, height - 1) * width + place[:, 0].clamp(0, width - 1)
            total = total + 10 * (joints - batch["joints"])[inside].abs().mean()
            total = total + 0.5 * functional.cross_entropy(cells[inside].flatten(1), cell)
        return total

    def export(self, network: torch.nn.Module, files: FileSystem) -> None:
        """judge.safetensors and what its outputs mean."""
        from safetensors.torch import save

        files.write_bytes("judge.safetensors", save(half(network.state_dict())))
        names = {name: list(ATTRIBUTES[name]) for name in NAMED}
        write_json(files, "config.json", {"attributes": names, "props": list(PROP_NAMES), "joints": list(JOINTS)})

    def evaluate(self, folder: Path, *, samples: int = 150) -> dict[str, float]:
        """Accuracy on held-out true pictures: of each attribute, of the props, their mean, and the joints' error."""
        from creative_lab.miniatures.drawn import draw_story

        story = draw_story(_FIRST_HELD_OUT, samples)
        judge = load_judge(folder)
        right = compared(judge, story["pixels"], story["numbers"], story["props"])
        return right | {"joint error": joint_error(judge, story["pixels"], story["joints"][:, 0], story["numbers"])}


def load_judge(folder: Path) -> Any:
    """The written judge in float32."""
    from safetensors.torch import load_file

    judge = new_judge()
    judge.load_state_dict({key: value.float() for key, value in load_file(folder / "judge.safetensors").items()})
    return judge.eval()


def judged(judge: Any, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of the named attributes (n, 5), logits of the props (n, 22) and joints (n, 18, 2) of uint8 pictures."""
    import torch

    named, props, joints = [], [], []
    with torch.inference_mode():
        for start in range(0, len(pictures), 32):
            found = judge(to_unit(pictures[start : start + 32]))
            named.append(torch.stack([logits.argmax(1) for logits in found[0]], dim=1).numpy())
            props.append(found[1].numpy())
            joints.append(found[2].numpy())
    return np.concatenate(named), np.concatenate(props), np.concatenate(joints)


def compared(judge: Any, pictures: np.ndarray, numbers: np.ndarray, props: np.ndarray) -> dict[str, float]:
    """Share of right answers for each attribute, for props, and the mean of the six.

    A prop is right when it is among the judge's likeliest, as many as were named.
    """
    named, logits, _ = judged(judge, pictures)
    wanted = truths(numbers)
    result = {}
    for place, name in enumerate(NAMED):
        shown = wanted[:, place] >= 0
        if shown.any():
            result[name] = float((named[shown, place] == wanted[shown, place]).mean())
    if props.any():
        named_props = props.astype(bool)
        places = (-logits).argsort(1).argsort(1)  # 0 for the likeliest
        result["prop"] = float((places < named_props.sum(1, keepdims=True))[named_props].mean())
    return {"accuracy": float(np.mean(list(result.values()))), **result}


def joint_error(
    judge: Any,
    pictures: np.ndarray,
    joints: np.ndarray,
    numbers: np.ndarray | None = None,
    limbs: slice = slice(None),
) -> float:
    """Mean distance of the joints that lie in the picture from where they should be, in picture heights.

    ``joints`` (n, 18, 2) are in shares of width and height; with ``numbers`` only people who are alone count, with
    ``limbs`` only some joints.
    """
    found = judged(judge, pictures)[2]
    inside = ((joints > 0) & (joints < 1)).all(-1)
    chosen = np.zeros_like(inside)
    chosen[:, limbs] = True
    inside &= chosen
    if numbers is not None:
        inside &= (numbers[:, list(ATTRIBUTES).index("people")] == 0)[:, None]
    aspect = np.array([pictures.shape[2] / pictures.shape[1], 1.0])
    distance = np.linalg.norm((found - joints) * aspect, axis=-1)
    return float(distance[inside].mean())
