"""LoRA training: our loop against the way of diffusers' own SDXL LoRA script, at the same loss.

    .venv/bin/python -m benchmarks.lora_training [--steps 8] [--rounds 4] [--batch 4] [--no-write]

All train the same adapters on the same model (the shipped miniature, else a random one of about its shape) in turns
(A B C, A B C, …) in one process on one thread. *diffusers' way* does in every step what
``train_text_to_image_lora_sdxl.py`` does: read and transform the picture files, encode them with the autoencoder in
float32, encode the token numbers with both text encoders, then a step of the UNet with PEFT's layers and AdamW. It runs
with our batch, and with batch 1 as its documentation calls it. *Ours* reads latents and text states that were computed
once and computes adapted layers with fewer operations. With the same batch it sees the same pictures, noise and
timesteps, and the losses are compared step by step. Computing the cache is timed too.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks import results
from creative_lab.characters import adapters
from creative_lab.characters.encoding import encode, text_states, tokens
from creative_lab.characters.losses import sample_noise, weighted_error
from creative_lab.characters.recipe import MINIATURE, STANDARD, TrainingRecipe
from creative_lab.characters.samples import draw, read_description
from creative_lab.characters.training import LoraTrainer
from creative_lab.characters.training_data import TrainingData
from creative_lab.lake.fs import FileSystem
from creative_lab.settings import REPOSITORY_ROOT
from creative_lab.vision.pictures import open_picture

CAPTION = "orla_kez in the park in the morning, medium close-up, number {number}"


def pipeline_of(folder: Path) -> tuple[Any, str]:
    """The shipped miniature, or a random pipeline of about its shape, and what it is."""
    from diffusers import StableDiffusionXLPipeline

    shipped = REPOSITORY_ROOT / "data" / "models" / "miniature-xl"
    if (shipped / "model_index.json").is_file():
        return StableDiffusionXLPipeline.from_pretrained(shipped, local_files_only=True), "the shipped miniature-xl"
    from benchmarks.imaging_batching import build

    build(folder)
    return StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True), "a random SDXL of 9 M parameters"


class DiffusersWay:
    """The loop of diffusers' script: nothing is remembered from one step to the next but the adapters."""

    def __init__(self, pipeline: Any, files: list[bytes], captions: list[str], recipe: TrainingRecipe) -> None:
        import torch
        from torchvision import transforms

        self.pipeline, self.recipe, self.files = pipeline, recipe, files
        with Image.open(io.BytesIO(files[0])) as image:
            side = image.width
        self.transform = transforms.Compose(
            [
                transforms.Resize(side, interpolation=transforms.InterpolationMode.LANCZOS),
                transforms.CenterCrop(side),
                transforms.ToTensor(),
                transforms.Normalize([0.5], [0.5]),
            ]
        )
        self.first, self.second = tokens(pipeline.tokenizer, captions), tokens(pipeline.tokenizer_2, captions)
        own = adapters.attach(pipeline, recipe)[adapters.UNET]
        self.parameters = [value for _, value in own]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=recipe.learning_rate, betas=(recipe.beta1, recipe.beta2),
            weight_decay=recipe.weight_decay, eps=recipe.epsilon,
        )  # fmt: skip
        self.time_ids = torch.tensor([[side, side, 0, 0, side, side]], dtype=torch.float32)

    def step(self, number: int, chosen: list[int], schedule: Any, rate: float) -> float:
        """Step ``number`` (from 0) on the pictures ``chosen``, with the noise that our loop draws for it."""
        import torch

        recipe, pipeline = self.recipe, self.pipeline
        pipeline.unet.train()
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + number)
        torch.manual_seed(recipe.seed * 1_000_003 + number)
        pictures = [self.transform(Image.open(io.BytesIO(self.files[n])).convert("RGB")) for n in chosen]
        with torch.no_grad():
            found = pipeline.vae.encode(torch.stack(pictures)).latent_dist
            scale = pipeline.vae.config.scaling_factor
            latents = (found.mean + found.std * torch.randn(found.mean.shape, generator=generator)) * scale
            states, pooled = text_states(pipeline, self.first[chosen], self.second[chosen])
        noise = sample_noise(latents, recipe.noise_offset, generator)
        timesteps = torch.randint(0, len(schedule.alphas), (len(chosen),), generator=generator)
        said = pipeline.unet(
            schedule.noisy(latents, noise, timesteps), timesteps, encoder_hidden_states=states,
            added_cond_kwargs={"text_embeds": pooled, "time_ids": self.time_ids.repeat(len(chosen), 1)},
            return_dict=False,
        )[0]  # fmt: skip
        target = schedule.target(latents, noise, timesteps)
        loss = weighted_error(said, target, schedule.weights(timesteps, recipe.snr_gamma))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, recipe.max_grad_norm or float("inf"))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(loss.detach())


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8, help="steps per round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--write", action=argparse.BooleanOptionalAction, default=True, help="into RESULTS.md")
    arguments = parser.parse_args()

    import copy

    import torch

    torch.set_num_threads(1)
    steps = arguments.steps * arguments.rounds
    changes: dict[str, Any] = {
        "batch_size": arguments.batch,
        "max_steps": steps,
        "checkpoint_every": 10**6,
        "dropout": 0.0,
        # The layers that diffusers' script adapts.
        "unet_targets": STANDARD.unet_targets,
    }
    recipe = MINIATURE.changed(changes)
    with tempfile.TemporaryDirectory() as folder:
        pipeline, what = pipeline_of(Path(folder) / "model")
        drawn = draw(read_description(REPOSITORY_ROOT / "data" / "characters" / "orla"))
        pictures = [open_picture(photograph.data) for photograph in drawn]
        captions = [CAPTION.format(number=number) for number in range(len(pictures))]
        side = (pictures[0].shape[0], pictures[0].shape[1])
        begun = time.process_time()
        data = TrainingData.of(
            {
                photograph.name: encode(pipeline, pixels, caption, original=side, crop=(0, 0))
                for photograph, pixels, caption in zip(drawn, pictures, captions, strict=True)
            }
        )
        caching = time.process_time() - begun
        files = [photograph.data for photograph in drawn]

        def another() -> Any:
            return type(pipeline)(**{name: copy.deepcopy(part) for name, part in pipeline.components.items()})

        theirs = DiffusersWay(another(), files, captions, recipe)
        alone = DiffusersWay(another(), files, captions, recipe)
        ours = LoraTrainer(pipeline, data, recipe, FileSystem(Path(folder) / "state"))
        spent: dict[str, list[float]] = {"ours": [], "theirs": [], "theirs, one by one": []}
        worst = 0.0
        for first in range(0, steps, arguments.steps):
            numbers = range(first, first + arguments.steps)
            rates = [recipe.learning_rate * recipe.learning_factor(number + 1, steps) for number in numbers]
            marks = [time.process_time()]
            own = [ours._step(number + 1)["loss"] for number in numbers]
            marks.append(time.process_time())
            others = [
                theirs.step(number, ours._plan.batch(number), ours._schedule, rate)
                for number, rate in zip(numbers, rates, strict=True)
            ]
            marks.append(time.process_time())
            for number, rate in zip(numbers, rates, strict=True):
                alone.step(number, ours._plan.batch(number)[:1], ours._schedule, rate)
            marks.append(time.process_time())
            pictures_seen = (arguments.batch, arguments.batch, 1)
            for name, begin, end, seen in zip(spent, marks, marks[1:], pictures_seen, strict=False):
                spent[name].append((end - begin) / len(numbers) / seen)
            worst = max(worst, *(abs(a - b) / b for a, b in zip(own, others, strict=True)))
    best = {name: min(values) for name, values in spent.items()}
    median = {name: statistics.median(values) for name, values in spent.items()}
    labels = {
        "ours": f"Creative Lab, batch {arguments.batch}",
        "theirs": f"diffusers' way, batch {arguments.batch}",
        "theirs, one by one": "diffusers' way, batch 1",
    }
    lines = [
        f"| {labels[name]} | {1 / best[name]:.1f} | {1 / median[name]:.1f} | {best[name] / best['ours']:.2f} |"
        for name in spent
    ]
    text = "\n".join(
        [
            f"`python -m benchmarks.lora_training`: {what}, {steps} steps each in {arguments.rounds} "
            "turns, one thread.",
            "",
            "| contender | pictures per CPU second, best round | median round | time against ours |",
            "|---|---:|---:|---:|",
            *lines,
            "",
            f"With the same batch the losses differ by at most {worst:.1e} (relative) in any step. Computing the cache "
            f"of {len(files)} pictures, mirrored ones included, took {caching:.1f} CPU seconds once.",
        ]
    )
    print(text)
    if arguments.write:
        results.write_section("LoRA training: steps per second", text)


if __name__ == "__main__":
    main()
