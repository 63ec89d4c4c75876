"""Variations of a prompt drawn in one batch against one by one: pictures per second of CPU and of wall time.

    .venv/bin/python benchmarks/imaging_batching.py [--pictures 8] [--rounds 5] [--size 64] [--steps 8]

An SDXL pipeline of about 9 million parameters with random weights. Contenders take turns (A B C, A B C, …) in one
process on two threads after a warm-up: *naive* calls the pipeline once per picture, as most scripts do, *one by one* is
our studio with one picture per forward pass, *batched* is our studio with all of them. The table gives the median and,
because other programs disturb a shared machine, the best round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def build(folder: Path) -> None:
    """Save the pipeline: an autoencoder by four, two text encoders, a UNet of three levels with attention."""
    import torch
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    from creative_lab_tests.imaging import tiny

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        block_out_channels=(64, 128, 192),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(2, 4, 6),
        cross_attention_dim=32,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=16 + 6 * 32,
    )
    vae = AutoencoderKL(
        block_out_channels=(32, 64, 64),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=4,
        sample_size=64,
    )
    StableDiffusionXLPipeline(
        vae=vae.eval(),
        text_encoder=tiny.clip_text(projection=False, seed=1),
        text_encoder_2=tiny.clip_text(projection=True, seed=2),
        tokenizer=tiny.clip_tokenizer(),
        tokenizer_2=tiny.clip_tokenizer(),
        unet=unet.eval(),
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear"),
        add_watermarker=False,
    ).save_pretrained(folder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8)
    arguments = parser.parse_args()

    import torch

    torch.set_num_threads(2)
    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.imaging.presets import Overrides
    from creative_lab.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        build(data / "models" / "miniature-xl")
        presets = json.loads((ROOT / "data" / "presets.json").read_text())
        (data / "presets.json").write_text(json.dumps(presets))
        studio = PictureStudio(Settings(home=Path(folder) / "home", data_dir=data, device="cpu", offline=True))
        wish = Overrides(width=arguments.size, height=arguments.size, steps=arguments.steps, guidance_scale=4.0)

        def ours(batch: int) -> None:
            request = PictureRequest(
                "miniature-xl", "a red hat", "blue", count=arguments.pictures, seed=1, overrides=wish, batch_size=batch
            )
            drawn = studio.generate(request)
            assert len(drawn.pictures) == arguments.pictures

        ours(1)
        pipeline = studio._warm[1].pipeline  # the same weights, in the same memory

        def naive() -> None:
            for i in range(arguments.pictures):
                pipeline(
                    "a red hat",
                    negative_prompt="blue",
                    width=arguments.size,
                    height=arguments.size,
                    num_inference_steps=arguments.steps,
                    guidance_scale=4.0,
                    generator=torch.Generator("cpu").manual_seed(1 + i),
                )

        contenders = {"naive": naive, "one by one": lambda: ours(1), "batched": lambda: ours(arguments.pictures)}
        cpu: dict[str, list[float]] = {name: [] for name in contenders}
        wall: dict[str, list[float]] = {name: [] for name in contenders}
        for draw in contenders.values():
            draw()
        for _ in range(arguments.rounds):
            for name, draw in contenders.items():
                started, started_cpu = time.perf_counter(), time.process_time()
                draw()
                wall[name].append(time.perf_counter() - started)
                cpu[name].append(time.process_time() - started_cpu)

    parameters = sum(p.numel() for p in pipeline.unet.parameters()) / 1e6
    print(
        f"UNet {parameters:.1f} M parameters, {arguments.pictures} pictures of {arguments.size}x{arguments.size}, "
        f"{arguments.steps} steps, {arguments.rounds} rounds, torch {torch.__version__}, 2 threads\n"
    )
    print("| contender | figure | CPU s per picture | pictures per wall s | CPU against naive | wall against naive |")
    print("|---|---|---|---|---|---|")
    for figure, of in (("median", statistics.median), ("best", min)):
        for name in contenders:
            c, w = of(cpu[name]), of(wall[name])
            print(
                f"| {name} | {figure} | {c / arguments.pictures:.3f} | {arguments.pictures / w:.2f} "
                f"| {of(cpu['naive']) / c:.2f}× | {of(wall['naive']) / w:.2f}× |"
            )


if __name__ == "__main__":
    main()
