"""The simulated season as a page with plots, beside the same season without learning."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from creative_lab.lake.fs import FileSystem
from creative_lab.looks.feedback.season import Season, SeasonPlan, run_season
from creative_lab.looks.wardrobe import Wardrobe, load_wardrobe

if TYPE_CHECKING:
    from PIL import ImageFont

    from creative_lab.settings import Settings

FOLDER = "looks/season"
_INK, _GREY, _LEARNING, _CONTROL = "#20242b", "#8a93a0", "#b4442e", "#4a6b8a"
Line = tuple[str, str, Sequence[float | None]]
"""Name, colour, a value per day."""


@dataclass(frozen=True)
class Estimate:
    """What the shipped query says about vocabulary, and the truth that it does not know."""

    effect: float
    low: float
    high: float
    truth: float

    @property
    def covers(self) -> bool:
        """Whether the 95 % interval holds the truth."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True)
class SeasonReport:
    """Where the report is, and its figures."""

    page: str
    pictures: list[str]
    thumbnail: str
    """The first plot as a small PNG in base64."""
    numbers: dict[str, float | bool]


def estimate_vocabulary(season: Season) -> Estimate:
    """The season's prompts and grades through the analysts' query ``vocabulary_effect``."""
    import duckdb

    from creative_lab.lake.sql_examples import example

    with duckdb.connect() as connection:
        for name, frame in (("look_prompts", season.prompts), ("look_grades", season.grades)):
            types = ", ".join(
                f'"{column}" {"BIGINT" if kind.is_integer() else "DOUBLE" if kind.is_float() else "TIMESTAMPTZ" if kind.is_temporal() else "VARCHAR"}'  # noqa: E501
                for column, kind in frame.schema.items()
            )
            connection.execute(f"CREATE TABLE {name} ({types})")
            places = ", ".join("?" * frame.width)
            connection.executemany(f"INSERT INTO {name} VALUES ({places})", frame.rows())  # noqa: S608 - our own names
        found = connection.execute(example("vocabulary_effect").sql)
        names = [column[0] for column in found.description or []]
        row = dict(zip(names, found.fetchall()[0], strict=True))
    return Estimate(row["effect"], row["low_95"], row["high_95"], season.vocabulary_truth)


def season_numbers(season: Season, control: Season, estimate: Estimate) -> dict[str, float | bool]:
    """The figures that the season is judged by."""
    distances = [day.distance for day in season.days if day.distance is not None]
    return {
        "rise_with_learning": round(season.rise(), 3),
        "rise_without": round(control.rise(), 3),
        "last_week_ahead": round(
            fmean(day.appeal for day in season.days[-7:]) - fmean(day.appeal for day in control.days[-7:]), 3
        ),
        "heroes_least": min(day.heroes for day in season.days),
        "heroes_mean": round(fmean(day.heroes for day in season.days), 1),
        "heroes_mean_without": round(fmean(day.heroes for day in control.days), 1),
        "designers_seen": len(season.designers),
        "designer_least_share": round(min(season.designers.values()) / sum(season.designers.values()), 3),
        "colourways_seen": len(season.colourways),
        "distance_mean": round(fmean(distances), 3),
        "distance_least": round(min(distances), 3),
        "vocabulary_truth": round(estimate.truth, 3),
        "vocabulary_estimate": round(estimate.effect, 3),
        "vocabulary_low": round(estimate.low, 3),
        "vocabulary_high": round(estimate.high, 3),
        "vocabulary_covered": estimate.covers,
    }


def write_season_report(settings: Settings, plan: SeasonPlan, wardrobe: Wardrobe | None = None) -> SeasonReport:
    """Play the season and the one without learning, and write ``index.html`` and the plots below the reports."""
    if wardrobe is None:
        from creative_lab.state.db import session_scope

        with session_scope(settings) as session:
            wardrobe = load_wardrobe(session)
    season = run_season(wardrobe, plan)
    control = run_season(wardrobe, replace(plan, learning=False))
    estimate = estimate_vocabulary(season)
    numbers = season_numbers(season, control, estimate)
    plots = season_plots(season, control)
    files = FileSystem(settings.reports_dir)
    pictures = [files.write_bytes(f"{FOLDER}/{name}.png", data).path for name, _, data in plots]
    page = files.write_bytes(f"{FOLDER}/index.html", _page(plan, numbers, plots).encode())
    return SeasonReport(page.path, pictures, base64.b64encode(_small(plots[0][2])).decode(), numbers)


def season_plots(season: Season, control: Season) -> list[tuple[str, str, bytes]]:
    """Name, title and PNG of each plot."""

    def both(name: str) -> list[Line]:
        return [
            ("with learning", _LEARNING, [getattr(day, name) for day in season.days]),
            ("without", _CONTROL, [getattr(day, name) for day in control.days]),
        ]

    return [
        ("appeal", title := "Mean true appeal of a day's looks", chart(f"{title} (simulated)", both("appeal"))),
        (
            "grades",
            title := "Mean grade, and the true appeal that it stands for",
            chart(
                f"{title} (simulated)",
                [
                    ("grade", _LEARNING, [day.score for day in season.days]),
                    ("true appeal", _INK, [day.appeal for day in season.days]),
                ],
            ),
        ),
        ("heroes", title := "Distinct hero garments a day", chart(f"{title} (simulated)", both("heroes"), zero=True)),
        (
            "distance",
            title := "Garments unlike the day before (1 is all)",
            chart(f"{title} (simulated)", both("distance"), zero=True),
        ),
        (
            "range",
            title := "Designers and colourways a day",
            chart(
                f"{title} (simulated)",
                [
                    ("designers", _LEARNING, [day.designers for day in season.days]),
                    ("colourways", _CONTROL, [day.colourways for day in season.days]),
                ],
                zero=True,
            ),
        ),
        (
            "fragments",
            title := "Proven fragments that are offered",
            chart(
                f"{title} (simulated)",
                [("fragments", _LEARNING, [day.active_fragments for day in season.days])],
                zero=True,
            ),
        ),
    ]


def chart(title: str, lines: Sequence[Line], *, zero: bool = False, size: tuple[int, int] = (960, 420)) -> bytes:
    """A line chart as PNG: a value per day, gaps where there is none, the axis from 0 where asked for."""
    from PIL import Image, ImageDraw

    width, height = size
    left, right, top, bottom = 70, width - 30, 70, height - 50
    values = [value for _, _, line in lines for value in line if value is not None]
    low, high = (0.0 if zero else min(values)), max(values)
    margin = 0.08 * (high - low or 1.0)
    low, high = (low if zero else low - margin), high + margin
    days = max(len(line) for _, _, line in lines)
    image = Image.new("RGB", size, "#fbfaf7")
    draw = ImageDraw.Draw(image)
    draw.text((left, 16), title, fill=_INK, font=_font(22))
    for step in range(5):
        value = low + (high - low) * step / 4
        y = bottom - (bottom - top) * step / 4
        draw.line((left, y, right, y), fill="#e3e0d8", width=1)
        draw.text((left - 10, y), f"{value:.2f}" if high - low < 10 else f"{value:.0f}", fill=_GREY, font=_font(15),
                  anchor="rm")  # fmt: skip
    for day in range(0, days, 5):
        draw.text((_x(day, days, left, right), bottom + 10), str(day + 1), fill=_GREY, font=_font(15), anchor="ma")
    draw.text((right, bottom + 28), "day", fill=_GREY, font=_font(15), anchor="ra")
    place = left
    for name, colour, line in lines:
        points = [
            (_x(day, days, left, right), bottom - (bottom - top) * (value - low) / (high - low))
            for day, value in enumerate(line)
            if value is not None
        ]
        draw.line(points, fill=colour, width=3, joint="curve")
        draw.line((place, 56, place + 24, 56), fill=colour, width=4)
        draw.text((place + 32, 56), name, fill=_INK, font=_font(15), anchor="lm")
        place += 60 + int(draw.textlength(name, font=_font(15)))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _x(day: int, days: int, left: int, right: int) -> float:
    return left + (right - left) * day / max(days - 1, 1)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _small(data: bytes) -> bytes:
    from PIL import Image

    image = Image.open(io.BytesIO(data))
    image.thumbnail((480, 210))
    out = io.BytesIO()
    image.quantize(32).save(out, "PNG", optimize=True)
    return out.getvalue()


def _page(plan: SeasonPlan, numbers: dict[str, float | bool], plots: list[tuple[str, str, bytes]]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(name.replace('_', ' '))}</td><td>{value}</td></tr>" for name, value in numbers.items()
    )
    pictures = "".join(
        f'<figure><img alt="{html.escape(title)}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
        f"<figcaption>{html.escape(title)}</figcaption></figure>"
        for _, title, data in plots
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated season {plan.seed}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;color:{_INK};background:#fbfaf7;max-width:62rem;margin:2rem auto;
padding:0 1rem}}
img{{width:100%}}figure{{margin:1.5rem 0}}figcaption{{color:{_GREY}}}td{{padding:.15rem 1.5rem .15rem 0}}
.mark{{background:{_LEARNING};color:#fff;padding:.1rem .6rem;border-radius:.3rem}}</style>
<h1>A season of learning <span class="mark">simulated</span></h1>
<p>{plan.days} days of {plan.looks_per_day} looks, {plan.graders} graders whose taste nobody knows, seed {plan.seed}.
Dealing, the draw of the vocabulary arm, learning and dials are the ones that the lab uses; graders and writer are
simulated, and no picture was drawn. The line “without” is the same season with nothing learned.</p>
<table>{rows}</table>{pictures}</html>
"""
