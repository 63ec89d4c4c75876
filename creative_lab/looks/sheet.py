"""The contact sheet of a day: all its looks on one page, for the screen (masks on hover) and for paper."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from creative_lab.lake.fs import FileSystem
from creative_lab.lake.tables import TableStore
from creative_lab.looks.days import read_day
from creative_lab.looks.tables import GarmentMasks, LookGrades, LookManifests, LookRenders

if TYPE_CHECKING:
    from PIL import Image

    from creative_lab.settings import Settings

PICTURE_WIDTH = 720
"""Width in pixels of a look's picture on the page."""
TINTS = (
    (230, 70, 60), (40, 120, 210), (60, 160, 90), (240, 170, 40), (150, 80, 190), (20, 160, 170), (220, 90, 150),
    (120, 110, 40), (90, 100, 220), (200, 110, 50), (30, 130, 120), (160, 50, 90),
)  # fmt: skip
"""Colours of masks, told apart also side by side."""


@dataclass
class SheetLook:
    """One look of the sheet."""

    look_id: str
    render_no: int
    prompt_id: str
    designer: str
    colourway: str
    swatches: list[str]
    picture: bytes
    """JPEG."""
    masks: bytes | None
    """PNG of the picture's size, transparent where nobody wears anything."""
    garments: list[dict[str, Any]] = field(default_factory=list)
    grade: float | None = None
    grades: int = 0
    doubtful: bool = False
    segmented: bool = False


def day_looks(settings: Settings, day: str) -> list[SheetLook]:
    """The newest rendering of each look of ``day``, by look, with its masks and grades so far."""
    from PIL import Image

    store, files = TableStore(settings), FileSystem.of_lake(settings)
    manifests = {row["look_id"]: row for row in read_day(store, LookManifests, day).to_dicts()}
    renders = read_day(store, LookRenders, day).filter(pl.col("status") == "ok").sort("look_id", "render_no")
    masks = read_day(store, GarmentMasks, day)
    grades = _grades(store)
    found = []
    for render in renders.unique("look_id", keep="last", maintain_order=True).iter_rows(named=True):
        image = Image.open(io.BytesIO(files.read_bytes(render["path"]))).convert("RGB")
        manifest = manifests.get(render["look_id"], {})
        own = masks.filter((pl.col("look_id") == render["look_id"]) & (pl.col("render_no") == render["render_no"]))
        names = {
            piece["garment_id"]: piece.get("name") or piece["garment_id"]
            for outfit in json.loads(manifest.get("outfits") or "[]")
            for piece in (outfit["hero"], *outfit["slots"])
        }
        garments = own.filter(pl.col("kind") == "garment").sort("instance").to_dicts()
        mean, count = grades.get(render["look_id"], (None, 0))
        found.append(
            SheetLook(
                look_id=render["look_id"],
                render_no=render["render_no"],
                prompt_id=render["prompt_id"],
                designer=manifest.get("designer_name") or "",
                colourway=manifest.get("colourway_name") or "",
                swatches=_swatches(manifest),
                picture=_jpeg(image),
                masks=_overlay(garments, image.size) if garments else None,
                garments=[
                    {
                        "model": item["model_index"],
                        "name": names.get(item["garment_id"]) or item["garment_class"],
                        "tint": _hex(TINTS[number % len(TINTS)]),
                    }
                    for number, item in enumerate(garments)
                ],
                grade=mean,
                grades=count,
                doubtful=bool(own["doubtful"].any()) if own.height else False,
                segmented=own.height > 0,
            )
        )
    return found


def _grades(store: TableStore) -> dict[str, tuple[float, int]]:
    """Mean and number of each look's grades; the latest of a grader counts."""
    from creative_lab.looks.grading import counting

    grades = counting(store.scan(LookGrades).filter(pl.col("item_kind") == "look").collect())
    means = grades.group_by("look_id").agg(pl.col("score").mean().alias("mean"), pl.len().alias("count"))
    return {row["look_id"]: (row["mean"], row["count"]) for row in means.iter_rows(named=True)}


def _swatches(manifest: dict[str, Any]) -> list[str]:
    from creative_lab.illustrator.palette import CLOTH

    colours = json.loads(manifest.get("colours") or "[]")
    return [_hex(CLOTH[item["cloth"]]) for item in colours if item.get("cloth") in CLOTH]


def _hex(colour: tuple[int, int, int]) -> str:
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"


def _overlay(garments: list[dict[str, Any]], size: tuple[int, int]) -> bytes:
    """The masks as one transparent picture of the page's size: filled lightly, with a firm outline."""
    import cv2
    from PIL import Image

    from creative_lab.vision.garments import from_run_lengths

    width, height = PICTURE_WIDTH, round(PICTURE_WIDTH * size[1] / size[0])
    canvas = np.zeros((height, width, 4), np.uint8)
    for number, item in enumerate(garments):
        rle = json.loads(item["rle"])
        mask = from_run_lengths(rle["counts"], *rle["size"]).astype(np.uint8)
        small = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST))
        rim = small - cv2.erode(small, np.ones((3, 3), np.uint8))
        tint = TINTS[number % len(TINTS)]
        canvas[small > 0] = (*tint, 150)
        canvas[rim > 0] = (*tint, 255)
    out = io.BytesIO()
    Image.fromarray(canvas).save(out, "PNG", optimize=True)
    return out.getvalue()


def _jpeg(image: Image.Image, width: int = PICTURE_WIDTH) -> bytes:
    small = image.resize((width, round(width * image.height / image.width)), 1)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=88)
    return out.getvalue()


def sheet_html(day: str, looks: list[SheetLook], *, title: str = "Looks") -> str:
    """The sheet as one HTML page that needs nothing else; every text is escaped."""
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_PAGE)
    return template.render(day=day, looks=looks, title=title, uri=_uri, models=("left", "middle", "right"))


def _uri(data: bytes) -> str:
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def sheet_png(day: str, looks: list[SheetLook], *, columns: int = 2) -> bytes:
    """The sheet as one picture: pictures with id, designer, colourway and grade below them."""
    from PIL import Image, ImageDraw, ImageFont

    width, gap, band = 560, 28, 66
    height = max((round(width * _aspect(look.picture)) for look in looks), default=315)
    rows = -(-max(1, len(looks)) // columns)
    page = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + band + gap) + gap + 56), (255, 255, 255))
    pen = ImageDraw.Draw(page)
    small, large = ImageFont.load_default(15), ImageFont.load_default(24)
    pen.text((gap, gap - 4), f"Looks of {day}", fill=(20, 20, 24), font=large)
    if not looks:
        pen.text((gap, gap + 60), "No look was rendered on this day.", fill=(90, 90, 96), font=small)
    for number, look in enumerate(looks):
        x = gap + (number % columns) * (width + gap)
        y = gap + 56 + (number // columns) * (height + band + gap)
        image = Image.open(io.BytesIO(look.picture)).resize((width, round(width * _aspect(look.picture))), 1)
        page.paste(image, (x, y))
        pen.text((x, y + height + 8), f"{look.designer} · {look.colourway}", fill=(20, 20, 24), font=small)
        grade = "not graded" if look.grade is None else f"{look.grade:.1f} of 5"
        pen.text((x, y + height + 30), f"{look.prompt_id}   {look.look_id}", fill=(110, 110, 118), font=small)
        pen.text((x + width, y + height + 8), grade, fill=(20, 20, 24), font=small, anchor="ra")
        for place, swatch in enumerate(reversed(look.swatches)):
            right, top = x + width - 1 - 18 * place, y + height + 32
            pen.rectangle((right - 13, top, right, top + 13), fill=swatch, outline=(200, 200, 205))
    out = io.BytesIO()
    page.save(out, "PNG", optimize=True)
    return out.getvalue()


def _aspect(data: bytes) -> float:
    from PIL import Image

    image = Image.open(io.BytesIO(data))
    return float(image.height / image.width)


def write_sheet(settings: Settings, day: str) -> tuple[dict[str, str], list[SheetLook]]:
    """Write the sheet of ``day`` as HTML and PNG below the reports; returns their paths and the looks."""
    looks = day_looks(settings, day)
    files = FileSystem(settings.reports_dir)
    paths = {
        "html": files.write_bytes(f"looks/{day}/sheet.html", sheet_html(day, looks).encode()).path,
        "png": files.write_bytes(f"looks/{day}/sheet.png", sheet_png(day, looks)).path,
    }
    return paths, looks


_PAGE = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} of {{ day }}</title>
<style>
:root { --ink:#17171a; --soft:#6d6d76; --line:#e3e3e8; }
* { box-sizing:border-box }
body { margin:0 auto; max-width:1560px; padding:40px 36px 64px; color:var(--ink); background:#fff;
  font:15px/1.45 "Helvetica Neue",Helvetica,Arial,sans-serif }
header { display:flex; flex-wrap:wrap; gap:4px 24px; align-items:baseline;
  justify-content:space-between; border-bottom:2px solid var(--ink);
  padding-bottom:12px; margin-bottom:28px }
h1 { font-size:30px; font-weight:600; letter-spacing:-.02em; margin:0 }
header p { margin:0; color:var(--soft) }
main { display:grid; grid-template-columns:repeat(auto-fill,minmax(min(560px,100%),1fr)); gap:34px 30px }
article { break-inside:avoid }
figure { margin:0; position:relative; line-height:0; border:1px solid var(--line) }
figure img { width:100%; height:auto; display:block }
figure .masks { position:absolute; inset:0; opacity:0; transition:opacity .15s }
figure:hover .masks, figure:focus .masks { opacity:1 }
h2 { font-size:17px; font-weight:600; margin:12px 0 0; display:flex; gap:12px; align-items:baseline }
h2 .grade { margin-left:auto; font-weight:500; white-space:nowrap }
.grade.none { color:var(--soft); font-weight:400; font-size:14px }
.facts { color:var(--soft); margin:2px 0 8px; display:flex; gap:14px; align-items:center; flex-wrap:wrap }
.swatches { display:inline-flex; gap:3px }
.swatches i { width:14px; height:14px; border:1px solid rgba(0,0,0,.15) }
.worn { display:grid; grid-template-columns:repeat(3,1fr); gap:4px 16px; margin:0; padding:0; font-size:13px }
.worn ul { list-style:none; margin:0; padding:0 }
.worn li { display:flex; gap:7px; align-items:baseline }
.worn li i { flex:none; width:9px; height:9px; border-radius:50%; transform:translateY(0) }
.flag { color:#a33a12; font-size:13px }
.empty { color:var(--soft); font-size:17px }
@media print { body { padding:0; max-width:none } main { grid-template-columns:1fr 1fr 1fr; gap:14px }
  .worn, .facts { font-size:8px; gap:2px 6px } h2 { font-size:11px; margin-top:6px } .screen { display:none }
  header { margin-bottom:14px; padding-bottom:6px } h1 { font-size:20px } .swatches i { width:9px; height:9px }
  .worn li i { width:6px; height:6px } .grade.none { font-size:9px } @page { size:A4 landscape; margin:12mm } }
</style></head><body>
<header><h1>{{ title }} of {{ day }}</h1><p>{{ looks|length }} look{{ '' if looks|length == 1 else 's' }}
{%- if looks %}<span class="screen">; masks appear under the pointer</span>{% endif %}</p></header>
<main>
{% for look in looks %}
<article id="{{ look.look_id }}">
<figure tabindex="0"><img src="{{ uri(look.picture) }}" alt="{{ look.designer }}, {{ look.colourway }}">
{% if look.masks %}<img class="masks" src="{{ uri(look.masks) }}" alt="masks of the garments">{% endif %}</figure>
<h2>{{ look.designer }} · {{ look.colourway }}
{% if look.grade is none %}<span class="grade none">not graded</span>
{% else %}<span class="grade">{{ '%.1f'|format(look.grade) }} of 5 <small>({{ look.grades }})</small></span>
{% endif %}</h2>
<p class="facts"><span>{{ look.prompt_id }}</span><span>look {{ look.look_id }}
{%- if look.render_no > 1 %}, rendering {{ look.render_no }}{% endif %}</span>
<span class="swatches">{% for swatch in look.swatches %}<i style="background:{{ swatch }}"></i>{% endfor %}</span>
{% if look.doubtful %}<span class="flag">masks to be looked at</span>{% endif %}
{% if not look.segmented %}<span class="flag">not segmented yet</span>{% endif %}</p>
<div class="worn">{% for model in range(3) %}<ul aria-label="model on the {{ models[model] }}">
{% for item in look.garments if item.model == model %}<li><i style="background:{{ item.tint }}"></i>{{ item.name }}</li>
{% endfor %}</ul>{% endfor %}</div>
</article>
{% else %}<p class="empty">No look was rendered on this day.</p>
{% endfor %}
</main></body></html>
"""
