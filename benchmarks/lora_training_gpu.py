"""LoRA training at SDXL's real size with random weights: steps per second, peak memory, share of the card's limit.

    .venv/bin/python -m benchmarks.lora_training_gpu [--steps 50] [--batch 4] [--rank 64] [--compile] [--tiny]

Random weights and random cached data cost as much as real ones. 14.19 TFLOP per sample and step at rank 16 (14.56 at
rank 64, no gradient checkpointing, 1024 × 1024) were counted with the real configuration; the limit of an H100 or
H200 is taken as 790 dense bf16 TFLOP per second. ``--tiny`` runs the same code on a processor with a small model, to
see that it works; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from types import SimpleNamespace
from typing import Any

from benchmarks import results
from creative_lab.characters.recipe import STANDARD
from creative_lab.characters.training import LoraTrainer
from creative_lab.characters.training_data import PARTS, TrainingData
from creative_lab.lake.fs import FileSystem

LIMIT = 790.0
"""Dense bf16 TFLOP per second measured on an H200."""
_PER_SAMPLE = {16: 14.19, 64: 14.56}
_WARM = 5


def real_unet() -> Any:
    """SDXL base's UNet with random weights, made on the card."""
    import torch
    from diffusers import UNet2DConditionModel

    with torch.device("cuda"):
        return UNet2DConditionModel(
            sample_size=128,
            in_channels=4,
            out_channels=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            block_out_channels=(320, 640, 1280),
            layers_per_block=2,
            cross_attention_dim=2048,
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        ).to(torch.bfloat16)


def data_of(pictures: int, side: int, width: int, pooled: int, device: str) -> TrainingData:
    """Random latents and text states of ``pictures`` square pictures; ``side`` is that of the latents."""
    import torch

    generator = torch.Generator().manual_seed(0)

    def parts() -> dict[str, Any]:
        made = {name: torch.randn(4, side, side, generator=generator) for name in PARTS[:4]}
        made["spread"], made["mirrored_spread"] = made["spread"].abs() * 0.1, made["mirrored_spread"].abs() * 0.1
        return made | {
            "states": torch.randn(77, width, generator=generator),
            "pooled": torch.randn(pooled, generator=generator),
            "tokens": torch.zeros(77, dtype=torch.long),
            "tokens_2": torch.zeros(77, dtype=torch.long),
            "time_ids": torch.tensor([side * 8, side * 8, 0, 0, side * 8, side * 8], dtype=torch.float32),
        }

    return TrainingData.of({f"p{number}": parts() for number in range(pictures)}, device)


def main() -> None:
    """Measure and print; on a card, write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rank", type=int, default=64, choices=sorted(_PER_SAMPLE))
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()

    import torch
    from diffusers import EulerDiscreteScheduler

    from creative_lab_tests.imaging import tiny

    device = "cpu" if arguments.tiny else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA card here: nothing was measured (--tiny runs the same code on a processor).")
        return
    unet = tiny.unet(sdxl=True) if arguments.tiny else real_unet()
    sizes = (16, 32, 16) if arguments.tiny else (128, 2048, 1280)
    pipeline = SimpleNamespace(
        unet=unet, vae=tiny.vae(), text_encoder=tiny.clip_text(projection=False, seed=1),
        text_encoder_2=tiny.clip_text(projection=True, seed=2),
        scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
    )  # fmt: skip
    changes: dict[str, Any] = {
        "batch_size": arguments.batch,
        "rank": arguments.rank,
        "alpha": arguments.rank / 2,
        "compile": arguments.compile,
        "max_steps": arguments.steps + _WARM,
        "precision": "float32" if arguments.tiny else "bfloat16",
    }
    recipe = STANDARD.changed(changes)
    data = data_of(8, *sizes, device)

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    with tempfile.TemporaryDirectory() as folder:
        trainer = LoraTrainer(pipeline, data, recipe, FileSystem(folder), device=device)
        begun = time.perf_counter()
        for step in range(1, _WARM + 1):
            trainer._step(step)
        wait()
        warm_s = time.perf_counter() - begun
        taken = []
        for step in range(_WARM + 1, _WARM + arguments.steps + 1):
            begun = time.perf_counter()
            trainer._step(step)
            wait()
            taken.append(time.perf_counter() - begun)
    seconds = statistics.median(taken)
    tflops = _PER_SAMPLE[arguments.rank] * arguments.batch / seconds
    peak = f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if device == "cuda" else "not measured"
    what = "a tiny model on a processor" if arguments.tiny else "SDXL, 1024²"
    share = "no share of a limit" if arguments.tiny else f"{tflops:.0f} TFLOP/s, {tflops / LIMIT:.0%} of {LIMIT:.0f}"
    samples = arguments.batch / seconds
    text = "\n".join(
        [
            f"`python -m benchmarks.lora_training_gpu`: {what}, batch {arguments.batch}, rank {arguments.rank}, "
            f"{'compiled' if arguments.compile else 'eager'}, median of {arguments.steps} steps after {_WARM} "
            f"({warm_s:.1f} s).",
            "",
            f"- {1 / seconds:.2f} steps/s, {samples:.1f} samples/s; 500 steps in {500 * seconds:.0f} s",
            f"- peak memory {peak}",
            f"- {share}",
        ]
    )
    print(text)
    if device == "cuda":
        kind = "compiled" if arguments.compile else "eager"
        results.write_section(f"LoRA training at SDXL's size on a GPU ({kind})", text)


if __name__ == "__main__":
    main()
