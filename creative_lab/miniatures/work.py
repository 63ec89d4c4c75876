"""Training, validating and shipping one miniature: what the commands call."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from creative_lab.lake.fs import FileSystem
from creative_lab.miniatures.checkpoints import discard_checkpoint
from creative_lab.miniatures.manifest import models_root, write_manifest
from creative_lab.miniatures.pools import Pool, world_version
from creative_lab.miniatures.registry import trainer
from creative_lab.miniatures.training import Recipe, Run, Trainer
from creative_lab.miniatures.writing import write_json
from creative_lab.settings import Settings

CARD = "card.json"


def machine(device: str) -> str:
    """The processor or card that a model was trained on, in words."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = f"{names[0]}, {len(names)} cores" if names else model
    return model


def train(
    name: str,
    settings: Settings,
    *,
    device: str = "cpu",
    budget_minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    workers: int = 1,
    threads: int = 1,
    fresh: bool = False,
    samples: int = 150,
    say: Callable[[str], None] = print,
) -> dict[str, float]:
    """Train ``name``, write it below the models' root with its card and hashes, and return what was measured.

    A run that was interrupted is continued; ``fresh`` begins again.
    """
    import torch

    torch.set_num_threads(threads)
    maker = trainer(name, models_root(settings))
    recipe = replace(maker.recipe, seed=seed, device=device)
    if steps:
        recipe = replace(recipe, steps=steps)
    state = FileSystem(settings.home / "miniatures" / name)
    if fresh:
        discard_checkpoint(state)
    with Pool(maker.plan(), cache_folder(settings), workers=workers) as pool:
        run = Run(maker, recipe, state, pool, say=say)
        if run.progress.step:
            say(f"{name}: continuing at step {run.progress.step}")
        progress = run.train(budget_s=budget_minutes * 60 if budget_minutes else None)
    network = run.averaged_network()
    maker.export(network, FileSystem(maker.root / maker.folder))
    write_manifest(maker.root, maker.folder)
    card = {
        "trainer": name,
        "recipe": asdict(recipe),
        "parameters": sum(value.numel() for value in network.parameters()),
        "steps": progress.step,
        "samples": progress.step * recipe.batch,
        "minutes": round(progress.seconds / 60, 1),
        "samples_per_second": round(progress.step * recipe.batch / max(1e-9, progress.seconds), 1),
        "final_loss": round(sum(progress.losses[-50:]) / len(progress.losses[-50:]), 4),
        "machine": machine(device),
        "threads": threads,
        "world": world_version(),
    }
    measured = validate(maker, samples=samples, training=card, say=say)
    for other in maker.writes:
        measured |= validate(trainer(other, maker.root), samples=samples, training=card, say=say)
    return measured


def cache_folder(settings: Settings) -> Path:
    """Where pictures drawn ahead wait."""
    return settings.home / "miniatures" / "pictures"


def read_card(folder: Path) -> dict[str, Any]:
    """A model folder's card: trainer → how it was trained and what was measured."""
    path = folder / CARD
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def validate(
    maker: Trainer, *, samples: int, training: dict[str, Any] | None = None, say: Callable[[str], None] = print
) -> dict[str, float]:
    """Measure a written model on held-out samples and keep the figures in its card and the manifest.

    ``training`` is how it was trained; what another trainer taught it before is kept under "before".
    """
    folder = maker.root / maker.folder
    begun = time.monotonic()
    measured = {key: round(value, 4) for key, value in maker.evaluate(folder, samples=samples).items()}
    card = read_card(folder)
    entry = card.setdefault(maker.name, {})
    if training:
        before = {key: entry[key] for key in ("trainer", "steps", "samples", "minutes") if key in entry}
        entry.update(training)
        if before and before.get("trainer", maker.name) != training["trainer"]:
            entry["before"] = before
    entry.update(
        measured=measured,
        bars={
            key: {"bar": bar, "measured": measured[key], "met": measured[key] >= bar} for key, bar in maker.bars.items()
        },
        held_out_samples=samples,
    )
    write_json(FileSystem(folder), CARD, card)
    write_manifest(maker.root, maker.folder)
    for key, bar in maker.bars.items():
        verdict = "met" if measured[key] >= bar else "missed"
        say(f"{maker.name}: {key} {measured[key]:.4f}, bar {bar} {verdict} ({time.monotonic() - begun:.0f} s)")
    return measured


def peek(name: str, settings: Settings, folder: Path, *, samples: int) -> dict[str, float]:
    """Measure the checkpoint of a run that still goes on, written into ``folder``."""
    import torch

    torch.set_num_threads(1)
    maker = trainer(name, models_root(settings))
    plan = maker.plan()
    run = Run(maker, _recipe_of(settings, name, maker), FileSystem(settings.home / "miniatures" / name),
              Pool(plan, cache_folder(settings), workers=0))  # fmt: skip
    maker.export(run.averaged_network(), FileSystem(folder))
    return maker.evaluate(folder, samples=samples)


def _recipe_of(settings: Settings, name: str, maker: Trainer) -> Recipe:
    from creative_lab.miniatures.checkpoints import load_checkpoint

    found = load_checkpoint(FileSystem(settings.home / "miniatures" / name))
    if found is None:
        raise FileNotFoundError(f"{name} has no checkpoint below {settings.home / 'miniatures'}")
    return replace(maker.recipe, **found[1])
