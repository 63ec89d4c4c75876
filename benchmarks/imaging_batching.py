"""Variations of a prompt drawn in one batch against one by one: processor seconds a picture and pictures a second.

    .venv/bin/python -m benchmarks.imaging_batching [--pictures 8] [--rounds 5] [--no-write]

The shipped miniature draws at its own size and steps. Contenders take turns (A B C, A B C, …) in one process on two
threads after a warm-up: *naive* calls diffusers' pipeline once for each picture, as most scripts do, *one by one* is
the studio with one picture in a forward pass, *batched* is the studio with all of them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

PROMPT, NEGATIVE = "close-up of a happy person in a red hat, in the park in the morning", "blurred"
MODEL = "miniature-xl"


def main() -> None:
    """Measure, print and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md as it is")
    arguments = parser.parse_args()

    import torch

    torch.set_num_threads(2)
    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        studio = PictureStudio(Settings(home=Path(folder), device="cpu", offline=True))

        def ours(batch: int) -> None:
            request = PictureRequest(MODEL, PROMPT, NEGATIVE, count=arguments.pictures, seed=1, batch_size=batch)
            drawn = studio.generate(request)
            assert len(drawn.pictures) == arguments.pictures

        ours(1)
        # The same weights, in the same memory.
        pipeline = studio._warm[1].pipeline
        first = studio.generate(PictureRequest(MODEL, PROMPT, NEGATIVE, seed=1)).pictures[0].recipe

        def naive() -> None:
            for number in range(arguments.pictures):
                pipeline(
                    PROMPT, negative_prompt=NEGATIVE, width=first.width, height=first.height,
                    num_inference_steps=first.steps, guidance_scale=first.guidance_scale,
                    generator=torch.Generator("cpu").manual_seed(1 + number),
                )  # fmt: skip

        contenders = {"naive": naive, "one by one": lambda: ours(1), "batched": lambda: ours(arguments.pictures)}
        processor: dict[str, list[float]] = {name: [] for name in contenders}
        wall: dict[str, list[float]] = {name: [] for name in contenders}
        for draw in contenders.values():
            draw()
        for _ in range(arguments.rounds):
            for name, draw in contenders.items():
                started, started_processor = time.perf_counter(), time.process_time()
                draw()
                wall[name].append(time.perf_counter() - started)
                processor[name].append(time.process_time() - started_processor)
        parameters = sum(value.numel() for value in pipeline.unet.parameters()) / 1e6

    lines = [
        f"`python -m benchmarks.imaging_batching`: {arguments.pictures} variations of a prompt by the shipped {MODEL} "
        f"(UNet of {parameters:.1f} M parameters), {first.width} × {first.height}, {first.steps} steps, guidance "
        f"{first.guidance_scale:g}, median of {arguments.rounds} rounds, two threads.",
        "",
        "| contender | processor s a picture | pictures a second | against naive, processor | wall |",
        "|---|---:|---:|---:|---:|",
    ]
    spent = {name: statistics.median(values) for name, values in processor.items()}
    taken = {name: statistics.median(values) for name, values in wall.items()}
    lines += [
        f"| {name} | {spent[name] / arguments.pictures:.3f} | {arguments.pictures / taken[name]:.2f} "
        f"| {spent['naive'] / spent[name]:.2f}× | {taken['naive'] / taken[name]:.2f}× |"
        for name in contenders
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        from benchmarks.results import write_section

        write_section("Drawing variations of a prompt", text)


if __name__ == "__main__":
    main()
