"""What the text-to-picture miniature and its adapters are worth: drawn by diffusers, judged by independent eyes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from creative_lab.illustrator.scene import Picture, as_shown, draw_scene, shown_props
from creative_lab.miniatures.captioned import PROP_NAMES, attribute_numbers
from creative_lab.miniatures.drawn import SQUARE, poses, staged_scene
from creative_lab.miniatures.pools import HELD_OUT

STEPS, GUIDANCE = 16, 3.0
"""What the preset draws with."""

_BATCH = 10
_LIMBS = slice(0, 14)
"""Joints of the body; eyes and ears say little about a pose."""


def load_pipeline(folder: Path, *, controlnet: Path | None = None, adapter: Path | None = None) -> Any:
    """The miniature as diffusers loads it, in float32, with a ControlNet or an IP-Adapter where one is given."""
    import torch
    from diffusers import ControlNetModel, StableDiffusionXLControlNetPipeline, StableDiffusionXLPipeline

    from creative_lab.imaging.devices import quiet_libraries

    quiet_libraries()
    options: dict[str, Any] = {"torch_dtype": torch.float32, "local_files_only": True}
    if controlnet:
        net = ControlNetModel.from_pretrained(controlnet, **options)
        pipeline = StableDiffusionXLControlNetPipeline.from_pretrained(folder, controlnet=net, **options)
    else:
        pipeline = StableDiffusionXLPipeline.from_pretrained(folder, **options)
    if adapter:
        pipeline.load_ip_adapter(
            str(adapter), subfolder="", weight_name="ip_adapter.safetensors", image_encoder_folder="image_encoder",
            local_files_only=True,
        )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(
    pipeline: Any,
    texts: Sequence[str],
    *,
    first_seed: int = 0,
    size: tuple[int, int] = SQUARE,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    **pictures: Sequence[Any],
) -> np.ndarray:
    """uint8 pictures of ``texts``, each from a seed of its own; ``pictures`` are conditions, one for each text."""
    import torch

    drawn = []
    for start in range(0, len(texts), _BATCH):
        part = list(texts[start : start + _BATCH])
        conditions = {key: list(values[start : start + _BATCH]) for key, values in pictures.items()}
        if "ip_adapter_image" in conditions:
            # diffusers would give every text of the batch all the references: each is to get its own.
            embeddings = [_embeddings(pipeline, conditions["ip_adapter_image"])]
            pipeline.prepare_ip_adapter_image_embeds = lambda *_, made=embeddings, **__: made
            conditions = {"ip_adapter_image_embeds": embeddings}
        generators = [torch.Generator().manual_seed(first_seed + start + n) for n in range(len(part))]
        result = pipeline(
            part, width=size[0], height=size[1], num_inference_steps=steps, guidance_scale=guidance,
            generator=generators, output_type="np", **conditions,
        ).images  # fmt: skip
        drawn.append((result * 255).round().astype(np.uint8))
    return np.concatenate(drawn)


def _embeddings(pipeline: Any, references: Sequence[Any]) -> Any:
    """Embeddings (2n, 1, d) of reference pictures, those of none (zeros) first, as guidance wants them."""
    import torch

    pixels = pipeline.feature_extractor(list(references), return_tensors="pt").pixel_values
    with torch.inference_mode():
        found = pipeline.image_encoder(pixels).image_embeds[:, None]
    return torch.cat([torch.zeros_like(found), found])


def held_out(first: int, count: int, *, alone: bool = False, shots: Sequence[str] = ()) -> list[tuple[int, Picture]]:
    """Held-out seeds and their true pictures, of people alone and of some shots if so wished."""
    found: list[tuple[int, Picture]] = []
    seed = HELD_OUT + first
    while len(found) < count:
        scene = staged_scene(seed)
        if (not alone or len(scene.people) == 1) and (not shots or scene.shot in shots):
            found.append((seed, draw_scene(scene, *SQUARE)))
        seed += 1
    return found


def full_caption(picture: Picture, seed: int, *, identity: bool = True) -> str:
    """A caption that says everything that can be seen."""
    from creative_lab.illustrator.captions import captions

    return captions(as_shown(picture), seed=seed, count=1, identity=identity)[0]


def _props(pictures: Sequence[Picture]) -> np.ndarray:
    named = np.zeros((len(pictures), len(PROP_NAMES)), np.uint8)
    for row, picture in enumerate(pictures):
        for place in shown_props(picture):
            named[row, PROP_NAMES.index(picture.truth.scene.props[place].name)] = 1
    return named


def attributes_right(
    folder: Path, root: Path, *, samples: int, steps: int = STEPS, guidance: float = GUIDANCE
) -> dict[str, float]:
    """Share of the named attributes that the judge finds as the caption says: of each, and the mean of all six.

    "judge on true pictures" is how often it is right about the pictures that the captions come from: nobody can be
    found to draw better than that.
    """
    from creative_lab.miniatures.judge import compared, load_judge
    from creative_lab.miniatures.manifest import model_folder

    judge = load_judge(model_folder("judge", root=root))
    seeds, pictures = zip(*held_out(0, samples), strict=True)
    texts = [full_caption(picture, seed) for picture, seed in zip(pictures, seeds, strict=True)]
    drawn = draw(load_pipeline(folder), texts, steps=steps, guidance=guidance)
    numbers = np.stack([attribute_numbers(picture.truth.scene) for picture in pictures])
    props = _props(pictures)
    truth = compared(judge, np.stack([picture.pixels for picture in pictures]), numbers, props)
    found = compared(judge, drawn, numbers, props)
    result = {"attributes right": found.pop("accuracy"), **found}
    return result | {"judge on true pictures": truth["accuracy"]}


def pose_error_removed(folder: Path, root: Path, *, samples: int) -> dict[str, float]:
    """Mean error of the joints, in picture heights, with and without the pose, and the share that the pose removes."""
    from PIL import Image

    from creative_lab.miniatures.judge import joint_error, load_judge
    from creative_lab.miniatures.latents import FOLDER
    from creative_lab.miniatures.manifest import model_folder
    from creative_lab.miniatures.pose_control import control_picture

    judge = load_judge(model_folder("judge", root=root))
    shots = ("medium shot", "medium wide shot", "wide shot")
    seeds, pictures = zip(*held_out(100_000, samples, alone=True, shots=shots), strict=True)
    texts = [full_caption(picture, seed) for picture, seed in zip(pictures, seeds, strict=True)]
    joints = np.stack([poses(picture)[0] for picture in pictures])
    controls = [Image.fromarray(control_picture(poses(picture), *SQUARE)) for picture in pictures]
    pipeline = model_folder(FOLDER, root=root)
    with_pose = draw(load_pipeline(pipeline, controlnet=folder), texts, image=controls)
    without = draw(load_pipeline(pipeline), texts)

    def error(drawn: np.ndarray) -> float:
        return joint_error(judge, drawn, joints, limbs=_LIMBS)

    true = error(np.stack([picture.pixels for picture in pictures]))
    led, free = error(with_pose), error(without)
    return {
        "joint error removed": 1 - led / free, "error with pose": led, "error without": free,
        "judge's error on true pictures": true,
    }  # fmt: skip


def face_cosine_gained(folder: Path, root: Path, *, samples: int, scale: float = 1.0) -> dict[str, float]:
    """Mean cosine of drawn faces to the reference's face, with the reference and by text alone, and the difference.

    Faces are found and embedded by the shipped pack; where it finds none the cosine counts as 0.
    """
    from PIL import Image

    from creative_lab.miniatures.latents import FOLDER
    from creative_lab.miniatures.manifest import model_folder
    from creative_lab.miniatures.references import portrait

    pipeline = model_folder(FOLDER, root=root)
    shots = ("close-up", "medium close-up")
    seeds, pictures = zip(*held_out(200_000, samples, alone=True, shots=shots), strict=True)
    people = [picture.truth.scene.people[0].identity for picture in pictures]
    texts = [full_caption(picture, seed, identity=False) for picture, seed in zip(pictures, seeds, strict=True)]
    references = [portrait(identity, seed).pixels for identity, seed in zip(people, seeds, strict=True)]
    embed = _embedder(model_folder("faces", root=root))
    wanted = [embed(pixels) for pixels in references]
    adapted = load_pipeline(pipeline, adapter=folder)
    adapted.set_ip_adapter_scale(scale)
    with_reference = draw(adapted, texts, ip_adapter_image=[Image.fromarray(pixels) for pixels in references])
    alone = draw(load_pipeline(pipeline), texts)
    result = {}
    for name, drawn in (
        ("with", with_reference),
        ("text alone", alone),
        ("true picture", [p.pixels for p in pictures]),
    ):
        found = [embed(pixels) for pixels in drawn]
        pairs = [0.0 if a is None or b is None else float(a @ b) for a, b in zip(wanted, found, strict=True)]
        result[f"cosine, {name}"] = float(np.mean(pairs))
        result[f"faces found, {name}"] = float(np.mean([vector is not None for vector in found]))
    return {"face cosine gained": result["cosine, with"] - result["cosine, text alone"], **result}


def _embedder(faces: Path) -> Any:
    import cv2

    from creative_lab.miniatures.face_detector import DETECTION_SIZE
    from creative_lab.miniatures.face_measures import load_faces

    pack = load_faces(faces, DETECTION_SIZE)

    def embed(pixels: np.ndarray) -> np.ndarray | None:
        large = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        found = pack.get(np.ascontiguousarray(large[..., ::-1]), max_num=1)
        vector: np.ndarray | None = found[0].normed_embedding if found else None
        return vector

    return embed


__all__ = [
    "GUIDANCE", "STEPS", "attributes_right", "draw", "face_cosine_gained", "full_caption", "held_out",
    "load_pipeline", "pose_error_removed",
]  # fmt: skip
