"""SDXL at its real size with random weights on a GPU: one UNet step, and whole pictures of 1024x1024.

    .venv/bin/python benchmarks/imaging_gpu.py [--pictures 4] [--steps 30] [--rounds 3]

Weights do not change the speed, so none are downloaded. *plain diffusers* calls the pipeline once per picture in
float16 as its documentation does; *ours* is the studio, all pictures in one batch with shared text states. They take
turns after a warm-up. Without a CUDA device the script says so and ends with 0.
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
    """Save a float16 pipeline with SDXL base 1.0's configuration and random weights."""
    import torch
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from creative_lab_tests.imaging import tiny

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float16)
    with torch.device("cuda"):
        unet = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=2,
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        )
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            latent_channels=4,
            sample_size=1024,
            scaling_factor=0.13025,
            force_upcast=True,
        )
        common = {"vocab_size": 514, "bos_token_id": 512, "eos_token_id": 513, "pad_token_id": 513}
        first = CLIPTextModel(
            CLIPTextConfig(
                hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, **common
            )
        )
        second = CLIPTextModelWithProjection(
            CLIPTextConfig(
                hidden_size=1280,
                intermediate_size=5120,
                num_hidden_layers=32,
                num_attention_heads=20,
                projection_dim=1280,
                **common,
            )
        )
    torch.set_default_dtype(torch.float32)
    StableDiffusionXLPipeline(
        vae=vae.eval(),
        text_encoder=first.eval(),
        text_encoder_2=second.eval(),
        tokenizer=tiny.clip_tokenizer(),
        tokenizer_2=tiny.clip_tokenizer(),
        unet=unet.eval(),
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
        add_watermarker=False,
    ).save_pretrained(folder)


def main() -> None:
    """Measure and print, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    import torch

    if not torch.cuda.is_available():
        print("not measured: this machine has no CUDA device")
        return
    from creative_lab.imaging.generation import PictureStudio
    from creative_lab.imaging.parameters import PictureRequest
    from creative_lab.imaging.presets import Overrides
    from creative_lab.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        home, data = Path(folder) / "home", Path(folder) / "data"
        data.mkdir()
        presets = json.loads((ROOT / "data" / "presets.json").read_text())
        (data / "presets.json").write_text(json.dumps(presets))
        build(home / "models" / "stabilityai--stable-diffusion-xl-base-1.0")
        torch.cuda.empty_cache()
        studio = PictureStudio(Settings(home=home, data_dir=data, device="cuda", offline=True))
        wish = Overrides(width=1024, height=1024, steps=arguments.steps, guidance_scale=5.0)

        def ours() -> None:
            studio.generate(
                PictureRequest("sdxl_base", "a red hat", "blue", count=arguments.pictures, seed=1, overrides=wish)
            )

        ours()
        family = studio._warm[1]
        pipeline = family.pipeline

        def plain() -> None:
            for i in range(arguments.pictures):
                pipeline(
                    "a red hat",
                    negative_prompt="blue",
                    width=1024,
                    height=1024,
                    num_inference_steps=arguments.steps,
                    guidance_scale=5.0,
                    generator=torch.Generator("cpu").manual_seed(1 + i),
                )

        seconds: dict[str, list[float]] = {"plain diffusers": [], "ours": []}
        memory: dict[str, int] = {}
        plain()
        for _ in range(arguments.rounds):
            for name, draw in (("plain diffusers", plain), ("ours", ours)):
                torch.cuda.reset_peak_memory_stats()
                torch.cuda.synchronize()
                started = time.perf_counter()
                draw()
                torch.cuda.synchronize()
                seconds[name].append((time.perf_counter() - started) / arguments.pictures)
                memory[name] = torch.cuda.max_memory_allocated()
        step = _unet_step(pipeline)

    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {family.dtype}, {family.placement}")
    print(f"UNet step, one picture with guidance (batch of 2) at 1024x1024: {step * 1000:.1f} ms\n")
    print("| contender | s per picture | peak GB | against plain |")
    print("|---|---|---|---|")
    base = statistics.median(seconds["plain diffusers"])
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"| {name} | {middle:.3f} | {memory[name] / 1e9:.1f} | {base / middle:.2f}× |")


def _unet_step(pipeline: object) -> float:
    import torch

    unet = pipeline.unet  # type: ignore[attr-defined]
    options = {"device": "cuda", "dtype": unet.dtype}
    latents, states = torch.randn(2, 4, 128, 128, **options), torch.randn(2, 77, 2048, **options)
    added = {"text_embeds": torch.randn(2, 1280, **options), "time_ids": torch.zeros(2, 6, **options)}
    times = []
    with torch.inference_mode():
        for _ in range(20):
            torch.cuda.synchronize()
            started = time.perf_counter()
            unet(latents, 500, encoder_hidden_states=states, added_cond_kwargs=added)
            torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
    return statistics.median(times[5:])


if __name__ == "__main__":
    main()
