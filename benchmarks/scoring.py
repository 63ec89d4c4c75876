"""Scores of many pictures: our batched, shared scoring against each scorer's reference snippet, one picture at a time.

    python -m benchmarks.scoring [--pictures 500] [--large 24] [--write]

The *obvious way* is what the model cards show: for each picture and each scorer open the file, prepare it, encode
picture and text, apply the formula. *Ours* is ``open_pictures`` and ``score_pictures``. Both use the same weights, in
memory before the clock starts, on the same threads, in one run in which they take turns by parts; their values are
compared. The miniatures that are shipped are used, and random weights of the same architecture where one is not there.
``--large`` adds CLIPs of the size of ViT-B/32 with random weights, where the encoders and not the overhead decide.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from creative_lab.weights.measuring import Role  # noqa: E402 - the repository is on the path only now

VARIATIONS = 4
"""Pictures that share one text, as in best of N."""

SIZES = ((512, 512), (640, 360))


def draw(folder: Path, count: int) -> tuple[list[Path], list[str]]:
    """``count`` PNG files and their texts: variations of scenes by different faults."""
    from PIL import Image

    from creative_lab.illustrator.captions import captions
    from creative_lab.illustrator.quality import sample_faults, spoil
    from creative_lab.illustrator.sample import sample_scene
    from creative_lab.illustrator.scene import as_shown, draw_scene

    paths, texts = [], []
    for number in range(count):
        seed = 80_000_000 + number // VARIATIONS
        rng = np.random.default_rng(number)
        scene = sample_scene(seed)
        drawn = draw_scene(scene, *SIZES[number // VARIATIONS % 2])
        picture = spoil(drawn.pixels, sample_faults(0.8, rng), rng)
        paths.append(folder / f"{number:04d}.png")
        Image.fromarray(picture).save(paths[-1], compress_level=1)
        texts.append(captions(as_shown(drawn), count=1)[0])
    return paths, texts


def lab(folder: Path, *, large: bool) -> tuple[Any, dict[str, str]]:
    """Settings of a lab with every scorer of the miniature profile, and what each model's weights are."""
    from creative_lab.settings import Settings
    from creative_lab_tests.vision import tiny

    data, made = folder / "data", {}
    shutil.copytree(ROOT / "data" / "models", data / "models")
    for name in ("presets.json", "score_anchors.json"):
        shutil.copy(ROOT / "data" / name, data / name)
    builders: dict[str, Callable[[Path], Any]] = {
        "clip": lambda place: tiny.clip(place, seed=1, projection=128),
        "preference": lambda place: tiny.clip(place, seed=2, projection=128),
        "aesthetic": lambda place: tiny.laion_head(place, inputs=128, seed=3),
        "vision-language": tiny.fast_vlm,
    }
    if large:
        builders["clip"] = lambda place: base_clip(place, 1)
        builders["preference"] = lambda place: base_clip(place, 2)
        builders["aesthetic"] = lambda place: tiny.laion_head(place, inputs=512, seed=3)
    for name, build in builders.items():
        place = data / "models" / name
        if place.is_dir() and not (large and name != "vision-language"):
            made[name] = "shipped"
            continue
        shutil.rmtree(place, ignore_errors=True)
        build(place)
        made[name] = "random"
    tiny.write_manifest(data / "models")
    return Settings(home=folder / "home", data_dir=data, device="cpu", offline=True), made


def base_clip(folder: Path, seed: int) -> None:
    """A CLIP of the size of ViT-B/32 with random weights and the small tokenizer."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    from creative_lab_tests.imaging.tiny import clip_tokenizer

    torch.manual_seed(seed)
    ids = {"vocab_size": 514, "bos_token_id": 512, "eos_token_id": 513, "pad_token_id": 513}
    CLIPModel(CLIPConfig(text_config=ids, vision_config={"patch_size": 32})).eval().save_pretrained(folder)
    clip_tokenizer().save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)


class Obvious:
    """The scorers as their model cards and papers use them."""

    def __init__(self, models: Path, preset: dict[str, Any]) -> None:
        import torch
        from safetensors.torch import load_file
        from transformers import (
            AutoImageProcessor,
            AutoModelForImageTextToText,
            AutoProcessor,
            AutoTokenizer,
            CLIPModel,
        )

        self.clips = {
            name: (
                CLIPModel.from_pretrained(models / name, dtype=torch.float32).eval(),
                AutoImageProcessor.from_pretrained(models / name),
                AutoTokenizer.from_pretrained(models / name),
            )
            for name in ("clip", "preference")
        }
        weights = {key: value.float() for key, value in load_file(models / "aesthetic" / "head.safetensors").items()}
        self.layers = [
            (weights[f"layers.{number}.weight"], weights[f"layers.{number}.bias"])
            for number in sorted({int(key.split(".")[1]) for key in weights})
        ]
        folder = models / "vision-language"
        self.language = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = AutoProcessor.from_pretrained(folder)
        self.question = preset.get("question", 'Does this figure show "{text}"? Please answer yes or no.')
        self.yes = self.processor.tokenizer(preset.get("yes", "Yes"), add_special_tokens=False)["input_ids"][0]

    def _image(self, name: str, path: Path) -> Any:
        from PIL import Image

        model, processor, _ = self.clips[name]
        found = model.get_image_features(**processor(images=Image.open(path).convert("RGB"), return_tensors="pt"))
        found = getattr(found, "pooler_output", found)
        return found / found.norm(dim=-1, keepdim=True)

    def _text(self, name: str, text: str) -> Any:
        model, _, tokenizer = self.clips[name]
        inputs = tokenizer(text, padding=True, truncation=True, max_length=77, return_tensors="pt")
        found = model.get_text_features(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask)
        found = getattr(found, "pooler_output", found)
        return found / found.norm(dim=-1, keepdim=True)

    def pickscore(self, path: Path, text: str) -> float:
        """exp(logit_scale) · cosine."""
        scale = self.clips["preference"][0].logit_scale.exp()
        return float(scale * (self._text("preference", text) @ self._image("preference", path).T)[0, 0])

    def clipscore(self, path: Path, text: str) -> float:
        """2.5 · max(cosine, 0)."""
        return 2.5 * max(float((self._text("clip", text) @ self._image("clip", path).T)[0, 0]), 0.0)

    def aesthetic(self, path: Path, _text: str) -> float:
        """The head's layers one after the other."""
        import torch

        hidden = self._image("preference", path)
        for weight, bias in self.layers:
            hidden = torch.nn.functional.linear(hidden, weight, bias)
        return float(hidden[0, 0])

    def vqascore(self, path: Path, text: str) -> float:
        """P(yes) in the first generated token."""
        from PIL import Image

        content = [{"type": "image"}, {"type": "text", "text": self.question.replace("{text}", text)}]
        if getattr(self.processor, "chat_template", None):
            prompt = self.processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
            )
        else:
            prompt = f"{getattr(self.processor, 'image_token', '<image>')}{content[1]['text']}"
        inputs = self.processor(text=[prompt], images=[Image.open(path).convert("RGB")], return_tensors="pt")
        made = self.language.generate(
            **inputs, max_new_tokens=1, do_sample=False, output_scores=True, return_dict_in_generate=True
        )
        return float(made.scores[0].softmax(-1)[0, self.yes])

    def score(self, path: Path, text: str) -> dict[str, float]:
        """All scorers for one picture."""
        import torch

        with torch.no_grad():
            return {name: getattr(self, name)(path, text) for name in ROLES}


ROLES: tuple[Role, ...] = ("pickscore", "clipscore", "vqascore", "aesthetic")


def compare(count: int, *, large: bool, parts: int) -> dict[str, Any]:
    """Times of both in seconds, the largest difference, and what was measured."""
    from creative_lab.vision.models import VisionModels
    from creative_lab.vision.pictures import open_picture, open_pictures
    from creative_lab.vision.scoring import score_pictures

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings, weights = lab(folder, large=large)
        (folder / "pictures").mkdir()
        paths, texts = draw(folder / "pictures", count)
        preset = next(
            entry
            for entry in json.loads((settings.data_dir / "presets.json").read_text())["measuring"]
            if entry["slug"] == "miniature-vision-language"
        )
        obvious = Obvious(settings.data_dir / "models", preset)
        roles = ROLES[:2] + ROLES[3:] if large else ROLES
        with VisionModels(settings) as models:
            models.scorers()
            warm = score_pictures(models, [open_picture(paths[0])], "warm up", roles=roles)
            assert all(warm[0].raw[role] is not None for role in roles)
            obvious.score(paths[0], "warm up")
            times = {"obvious": 0.0, "ours": 0.0}
            cpu = dict(times)
            theirs: list[dict[str, float]] = []
            ours: list[Any] = []
            for part in np.array_split(np.arange(count), parts):
                chosen = [(paths[row], texts[row]) for row in part]
                start, used = time.perf_counter(), time.process_time()
                for path, text in chosen:
                    theirs.append(_some(obvious, path, text, roles))
                times["obvious"] += time.perf_counter() - start
                cpu["obvious"] += time.process_time() - used
                start, used = time.perf_counter(), time.process_time()
                opened = open_pictures([path for path, _ in chosen])
                ours += score_pictures(models, opened, [text for _, text in chosen], roles=roles)
                times["ours"] += time.perf_counter() - start
                cpu["ours"] += time.process_time() - used
        scale = models_scale(obvious)
        apart = {
            role: max(abs(row.raw[role] - other[role]) for row, other in zip(ours, theirs, strict=True))
            / (scale if role == "pickscore" else 1.0)
            for role in roles
        }
    return {"times": times, "cpu": cpu, "apart": apart, "weights": weights, "count": count, "roles": roles}


def models_scale(obvious: Obvious) -> float:
    """PickScore's factor: its difference is given in cosines."""
    return float(obvious.clips["preference"][0].logit_scale.exp())


def _some(obvious: Obvious, path: Path, text: str, roles: tuple[Role, ...]) -> dict[str, float]:
    import torch

    with torch.no_grad():
        return {role: getattr(obvious, role)(path, text) for role in roles}


def lines(result: dict[str, Any], label: str) -> list[str]:
    """Rows of the table."""
    rows = []
    for name in ("obvious", "ours"):
        wall, cpu = result["times"][name], result["cpu"][name]
        ratio, ratio_cpu = result["times"]["obvious"] / wall, result["cpu"]["obvious"] / cpu
        title = "one picture, one scorer at a time" if name == "obvious" else "Creative Lab"
        rows.append(
            f"| {label} | {title} | {result['count'] / wall:.1f} | {1000 * cpu / result['count']:.1f} "
            f"| {ratio:.1f}× | {ratio_cpu:.1f}× |"
        )
    return rows


def main() -> None:
    """Measure, print, and write the section when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument(
        "--large", type=int, default=24, help="pictures for CLIPs of the size of ViT-B/32; 0 leaves out"
    )
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    arguments = parser.parse_args()

    import torch

    from creative_lab.weights.libraries import quiet_transformers

    quiet_transformers()
    small = compare(arguments.pictures, large=False, parts=5)
    table = lines(small, f"miniatures, {arguments.pictures} pictures, four scorers")
    apart = dict(small["apart"])
    if arguments.large:
        big = compare(arguments.large, large=True, parts=2)
        table += lines(big, f"ViT-B/32 size, random weights, {arguments.large} pictures, three scorers")
        apart.update({f"{role} (B/32)": value for role, value in big["apart"].items()})
    random = [name for name, state in small["weights"].items() if state == "random"]
    text = "\n".join(
        [
            f"`python -m benchmarks.scoring`: PNG files of {' and '.join(f'{w} × {h}' for w, h in SIZES)} pixels, "
            f"{VARIATIONS} variations per text, scored by PickScore, CLIPScore, VQAScore and the aesthetic head; "
            f"the same weights in memory, float32, {torch.get_num_threads()} threads; both took turns by parts of the "
            "pictures. The obvious way is each scorer's reference snippet: open, prepare, encode, formula.",
            "",
            "| models | contender | pictures/s | CPU ms per picture | faster (wall) | faster (CPU) |",
            "|---|---|---:|---:|---:|---:|",
            *table,
            "",
            "Largest difference of a value (PickScore in cosines): "
            + ", ".join(f"{role} {value:.1e}" for role, value in apart.items())
            + ".",
            "",
            "What is saved: a file is opened once instead of once per scorer, prepared once instead of three times, "
            "encoded twice instead of three times (PickScore and the aesthetic head share a tower), a text once "
            "instead of once per variation, and all of it in batches. The larger the encoders, the less this is. "
            + (f"Not trained yet, so random weights of the architecture: {', '.join(random)}." if random else ""),
        ]
    )
    print(text)
    if arguments.write:
        from benchmarks.results import write_section

        write_section("Scoring pictures", text)
    assert max(apart.values()) < 1e-5, apart


if __name__ == "__main__":
    main()
