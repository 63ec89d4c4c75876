"""What a LoRA of the miniature learns: identity of drawn faces over the steps of a training, for the sample characters.

    .venv/bin/python -m benchmarks.lora_identity [--steps 300] [--characters orla,bram,sanni] [--no-write]

Trains with the recipe for miniatures on the shipped miniature-xl. Captions are the drawn world's own, put through the
rules for captions, so the figures don't depend on a captioner. Pictures are drawn from the recipe's four fixed prompts
with two seeds each; *own* is the mean cosine of their faces with the character's mean face (a picture without a face
counts as 0), *others* the highest such mean for the other sample characters. The character's own training pictures
give the highest value that can be expected.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import results
from creative_lab.characters.base_model import BaseModel, choose, loaded
from creative_lab.characters.caption_rules import judge
from creative_lab.characters.encoding import encode
from creative_lab.characters.identity import IdentityJudge
from creative_lab.characters.lora_training import Subject, learn
from creative_lab.characters.recipe import MINIATURE
from creative_lab.characters.samples import SampleCharacter, draw, read_description, scenes
from creative_lab.characters.training_data import TrainingData
from creative_lab.illustrator.captions import captions
from creative_lab.lake.pictures import PictureStore
from creative_lab.settings import REPOSITORY_ROOT, Settings
from creative_lab.vision.models import VisionModels
from creative_lab.vision.pictures import open_picture

FOLDER = REPOSITORY_ROOT / "data" / "characters"


def data_of(base: BaseModel, sample: SampleCharacter, pictures: dict[str, np.ndarray]) -> TrainingData:
    """Training data of a sample with the world's captions."""
    parts = {}
    for (name, pixels), scene in zip(pictures.items(), scenes(sample), strict=True):
        judged = judge(captions(scene, count=1)[0], sample.trigger)
        if judged.usable and judged.caption:
            size = (pixels.shape[0], pixels.shape[1])
            parts[name] = encode(base.pipeline, pixels, judged.caption, original=size, crop=(0, 0))
    return TrainingData.of(parts)


def main() -> None:
    """Train, measure and print; write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=MINIATURE.max_steps)
    parser.add_argument("--characters", default=",".join(sorted(path.name for path in FOLDER.iterdir())))
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=True, help="into RESULTS.md")
    arguments = parser.parse_args()

    import torch

    torch.set_num_threads(1)
    prompts, seeds = MINIATURE.validation_prompts, MINIATURE.validation_seeds
    changes = {
        "max_steps": arguments.steps,
        "checkpoint_every": arguments.every,
        "validation_prompts": [*prompts, *prompts],
        "validation_seeds": [*seeds, *(seed + 1 for seed in seeds)],
    }
    samples = {path.name: read_description(path) for path in sorted(FOLDER.iterdir())}
    pictures = {
        key: {drawn.name: open_picture(drawn.data) for drawn in draw(sample)} for key, sample in samples.items()
    }
    lines = ["| character | step | loss | own | others | faces |", "|---|---:|---:|---:|---:|---:|"]
    notes = []
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), device="cpu")
        models = VisionModels(settings)
        faces = models.faces()
        if faces is None:
            print(f"nothing was measured: {models.missing('faces')}")
            return
        judges = {key: IdentityJudge(faces, list(own.values())) for key, own in pictures.items()}
        store = PictureStore(settings)
        for key in arguments.characters.split(","):
            own = list(pictures[key].values())
            begun = time.process_time()
            with loaded(settings, choose(settings)) as base:
                data = data_of(base, samples[key], pictures[key])
                subject = Subject(key, samples[key].trigger, own)
                learnt = learn(settings, subject, base, data, key, MINIATURE.changed(changes), faces=faces)
            spent = time.process_time() - begun
            for row in learnt.checkpoints:
                drawn = [
                    np.asarray(Image.open(io.BytesIO(store.read(picture["path"]))).convert("RGB"))
                    for picture in learnt.validation
                    if picture["step"] == row["step"]
                ]
                others = max(other.judge(drawn).mean for name, other in judges.items() if name != key)
                loss = "" if row["loss"] is None else f"{row['loss']:.4f}"
                found = f"{row['faces_found']}/{row['pictures']}"
                mark = " (chosen)" if row["chosen"] else ""
                lines.append(
                    f"| {key} | {row['step']}{mark} | {loss} | {row['identity']:.3f} | {others:.3f} | {found} |"
                )
            ceiling = judges[key].judge(own).mean
            notes.append(f"{key}: own training pictures {ceiling:.3f}, {spent:.0f} CPU seconds in all")
    text = "\n".join(
        [
            f"`python -m benchmarks.lora_identity`: miniature-xl, {arguments.steps} steps of the recipe for "
            "miniatures.",
            "",
            *lines,
            "",
            "; ".join(notes) + ".",
        ]
    )
    print(text)
    if arguments.write:
        results.write_section("LoRA training: identity over steps", text)


if __name__ == "__main__":
    main()
