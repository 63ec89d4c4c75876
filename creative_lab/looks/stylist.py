"""The offline writer of garment lines: it works by rule from the manifest, and says so in the row of its prompt.

It names every garment with its silhouette, colour and cloth, and gives as much detail as the prompt has room for.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from creative_lab.language.types import Drafter, LanguageRequest
from creative_lab.looks.composing import SLUG, Brief, LookReply, ModelLine, scaffold
from creative_lab.looks.wardrobe import Control, Scene
from creative_lab.looks.words import as_pattern, count_words

STYLIST_MODEL = "embedded/stylist"

_LEVELS = range(5, -1, -1)
"""From every detail down to bare names in plain colours."""
_NOVELTIES = {
    "top": ("with seams that are taped on the outside", "in a cloth needled from two layers of gauze"),
    "bottom": ("with a hem that is weighted by a hidden cord", "in a cloth woven with a paper weft"),
    "shoes": ("with an upper that is knitted in one piece", "with a sole the colour of the lining"),
    "over": ("with a lining that shows at every edge", "in a felt that was pressed over a mould"),
    "accent": ("folded from a single piece without a seam", "with a surface like brushed clay"),
}
_ABSENT = (
    ("hats", None),
    ("sunglasses", None),
    ("umbrellas", None),
    ("visible lettering", None),
    ("props on the floor", None),
    ("extra handbags", "bag"),
    ("scarves", "scarf"),
    ("wide belts", "belt"),
    ("gloves", None),
    ("heavy jewellery", None),
)


def stylists() -> dict[str, Drafter]:
    """The stylist's function by the purpose of the call, as the language client wants it."""
    return {SLUG: _write}


def _write(request: LanguageRequest, schema: type[BaseModel]) -> BaseModel:
    inputs = request.inputs
    brief, scene, control = inputs["brief"], inputs["scene"], inputs["control"]
    reply = style(brief, scene, control, seed=request.seed or 0)
    return reply if isinstance(reply, schema) else schema.model_validate(reply.model_dump())


def style(brief: Brief, scene: Scene, control: Control, *, seed: int) -> LookReply:
    """Three garment lines for a look, as detailed as the bounds of the prompt's length allow."""
    rng = random.Random(f"stylist|{brief.manifest['seed']}|{seed}")
    novelties = _novelties(brief, rng)
    fragments = _fragments(brief, rng)
    # Three quarters of the way from the least to the most: full, with room for a correction.
    aim = control.words_least + (control.words_most - control.words_least) * 3 // 4
    for level in _LEVELS:
        lines = [_garment_line(outfit, level, novelties, fragments) for outfit in brief.outfits]
        if count_words(scaffold(scene, brief.manifest, lines)) <= aim:
            break
    return LookReply(
        models=[
            ModelLine(
                index=outfit["model_index"] + 1,
                garment_line=line,
                garments=[piece["name"] for piece in (outfit["hero"], *outfit["slots"])],
            )
            for outfit, line in zip(brief.outfits, lines, strict=True)
        ],
        exclusions=_exclusions(brief.outfits, rng),
        innovation_notes="; ".join(f"{key}: {words if level else 'felt'}" for key, words in novelties.items()),
    )


def _garment_line(
    outfit: Mapping[str, Any], level: int, novelties: Mapping[str, str], fragments: Mapping[int, str]
) -> str:
    hero, slots = outfit["hero"], outfit["slots"]
    text = f"the {hero['name']}, {hero['silhouette_hint']}, in {_colour(hero)}"
    if level >= 2:
        text += f" {hero['fabric'][0]}"
    if hero["pattern"] != "plain":
        text += f" with {_PATTERNS[hero['pattern']]}"
    if level >= 3:
        text += f", {hero['details'][0]}"
    if level >= 5 and len(hero["details"]) > 1:
        text += f" and {hero['details'][1]}"
    if level and (fragment := fragments.get(outfit["model_index"])):
        text += f", {fragment}"
    others = [_piece(piece, level, novelties) for piece in slots]
    if others:
        text += ", with " + (others[0] if len(others) == 1 else ", ".join(others[:-1]) + " and " + others[-1])
    return text


_PATTERNS = {
    "stripes": "stripes",
    "checks": "checks",
    "dots": "dots",
    "floral": "a scattered flower print",
    "herringbone": "a herringbone weave",
}


def _piece(piece: Mapping[str, Any], level: int, novelties: Mapping[str, str]) -> str:
    text = f"the {piece['name']} in {_colour(piece) if level else piece['colour']}"
    if piece["is_innovation"]:
        return f"{text} {novelties[piece['garment_id']]}" if level else f"{text} felt"
    if level >= 4:
        text += f" {piece['fabric'][0]}"
    if piece["pattern"] != "plain":
        text += f" {piece['pattern']}"
    return text


def _novelties(brief: Brief, rng: random.Random) -> dict[str, str]:
    return {
        piece["garment_id"]: rng.choice(_NOVELTIES.get(piece["slot"], _NOVELTIES["accent"]))
        for outfit in brief.outfits
        for piece in outfit["slots"]
        if piece["is_innovation"]
    }


def _fragments(brief: Brief, rng: random.Random) -> dict[int, str]:
    """A proven fragment for up to two of the models."""
    offered = [" ".join(one.text.split()) for one in brief.fragments]
    rng.shuffle(offered)
    places = rng.sample(range(len(brief.outfits)), k=min(2, len(offered), len(brief.outfits)))
    return dict(zip(places, offered, strict=False))


def _exclusions(outfits: Sequence[Mapping[str, Any]], rng: random.Random) -> list[str]:
    worn = {piece["category"] for outfit in outfits for piece in (outfit["hero"], *outfit["slots"])}
    free = [phrase for phrase, category in _ABSENT if category not in worn]
    return rng.sample(free, k=min(6, len(free)))


def _colour(piece: Mapping[str, Any]) -> str:
    name, cloth = piece["colour_name"], piece["colour"]
    # "Enamel blue" says it twice when the name holds the plain word already.
    return name if as_pattern(cloth).search(name) else f"{name} {cloth}"
