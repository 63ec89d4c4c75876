"""The catalogue of models that draw, as tables that analysts can join with pictures and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dataframely as dy

from creative_lab.imaging.catalogue import Catalogue
from creative_lab.lake import columns
from creative_lab.lake.schemas import TableSchema, table, table_frame

if TYPE_CHECKING:
    import polars as pl


def _number(comment: str) -> dy.Float64:
    return dy.Float64(nullable=True, metadata={"comment": comment})


@table("diffusion_models")
class DiffusionModels(TableSchema):
    """Models that draw, here or behind an API, one row each."""

    slug = columns.key("Slug of the model")
    label = columns.text("Name of the model")
    kind = columns.text("model, hosted, controlnet, ip-adapter")
    architecture = columns.text("Family whose code draws with it", nullable=True)
    state = columns.text("Whether its weights are on this machine")
    licence = columns.text("Licence of the weights, or terms of the provider")
    commercial = dy.Bool(nullable=True, metadata={"comment": "Whether commercial use is allowed; null when unknown"})
    size_bytes = dy.Int64(nullable=True, min=0, metadata={"comment": "Size of the weights"})
    vram_mb = dy.Int64(nullable=True, min=0, metadata={"comment": "Memory of the accelerator that it takes"})
    steps = dy.Int64(nullable=True, min=0, metadata={"comment": "Steps unless a request says otherwise"})
    guidance_scale = _number("Guidance unless a request says otherwise")
    cost_per_picture_usd = _number("Price of one picture of a hosted model; null when unknown or none")
    roles = columns.texts("Roles that it fills, as profile/role")


@table("loras")
class Loras(TableSchema):
    """LoRAs of the catalogue; those of characters are in lora_weights."""

    slug = columns.key("Slug of the LoRA")
    label = columns.text("Name of the LoRA")
    architecture = columns.text("Family that it fits")
    theme = columns.text("What it is about")
    triggers = columns.text("Words that call it, separated by commas")
    strength = columns.measure("Strength unless a request says otherwise")
    licence = columns.text("Licence", nullable=True)
    is_active = columns.flag("Whether it may be used")


def model_rows(catalogue: Catalogue) -> pl.DataFrame:
    """Rows of ``diffusion_models``."""
    models = {entry.slug: entry for entry in catalogue.presets.models}
    prices = {entry.slug: entry.cost_per_image_usd for entry in catalogue.presets.hosted}
    rows = []
    for listed in catalogue.listing():
        if listed.kind in {"lora", "measuring"}:
            continue
        preset = models.get(listed.slug)
        row = {**vars(listed), "roles": list(listed.roles), "cost_per_picture_usd": prices.get(listed.slug)}
        if preset is not None:
            row |= {"steps": preset.steps, "guidance_scale": preset.guidance_scale}
        rows.append(row)
    return table_frame(DiffusionModels, rows)


def lora_rows(catalogue: Catalogue) -> pl.DataFrame:
    """Rows of ``loras``."""
    rows = [
        {
            "slug": lora.slug, "label": lora.label, "architecture": lora.base_architecture, "theme": lora.theme,
            "triggers": lora.prompt, "strength": lora.settings.strength,
            "licence": lora.licence.name if lora.licence else None, "is_active": lora.is_active,
        }
        for lora in catalogue.presets.loras
    ]  # fmt: skip
    return table_frame(Loras, rows)
