"""The question to the writer of garment lines, its reply, and the prompt built around the reply.

The system prompt has six sections in a fixed order. The writer answers with three garment lines only; everything else
of the prompt is fixed: opening, who designed it in which colourway, a label before each line, closing.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from creative_lab.looks.selection import MODELS
from creative_lab.looks.wardrobe import BannedWord, Scene, Wardrobe

TEMPLATE = "look-base-rules"
"""Slug of the base rules in ``prompt_templates``."""
SLUG = "look-compose"
"""Purpose of the calls in ``llm_calls``, and key of the offline writer's rule."""
SECTIONS = (
    "1. Base rules",
    "2. Hero render hints",
    "3. Innovation",
    "4. What we have learned",
    "5. Proven vocabulary",
    "6. Brand guardrails",
)
LABELS = ("The left model wears", "The middle model wears", "The right model wears")
NOTES_GIVEN = 8
FRAGMENTS_GIVEN = 6


class ModelLine(BaseModel):
    """What one model wears."""

    model_config = ConfigDict(extra="ignore")

    index: int = Field(ge=1, le=MODELS, description="1 left, 2 middle, 3 right")
    garment_line: str = Field(min_length=1, description="The garments of this model, and nothing else")
    garments: list[str] = Field(description="Names of the garments in the line")


class LookReply(BaseModel):
    """The writer's reply."""

    model_config = ConfigDict(extra="ignore")

    models: list[ModelLine] = Field(min_length=MODELS, max_length=MODELS)
    exclusions: list[str] = Field(default_factory=list, description="Short noun phrases that must not be seen")
    innovation_notes: str = ""

    @field_validator("models")
    @classmethod
    def _each_model_once(cls, models: list[ModelLine]) -> list[ModelLine]:
        if sorted(line.index for line in models) != list(range(1, MODELS + 1)):
            raise ValueError("each of the models 1, 2 and 3 has one entry")
        return sorted(models, key=lambda line: line.index)


@dataclass(frozen=True)
class Intel:
    """One thing that was learned; see ``learned_intel``."""

    intel_id: str
    kind: str
    scope_kind: str
    scope_key: str | None
    text: str
    support: int = 0
    mean_score: float | None = None
    first_seen: str = ""


@dataclass(frozen=True)
class Brief:
    """Everything that a writer gets for one look."""

    manifest: Mapping[str, Any]
    outfits: Sequence[Mapping[str, Any]]
    notes: tuple[Intel, ...] = ()
    fragments: tuple[Intel, ...] = ()
    arm: str = "without"
    propensity: float = 0.5

    @property
    def innovation_slots(self) -> list[dict[str, Any]]:
        """The slots that ask for something new."""
        return [
            {"model_index": outfit["model_index"], "slot": piece["slot"], "garment_id": piece["garment_id"]}
            for outfit in self.outfits
            for piece in outfit["slots"]
            if piece["is_innovation"]
        ]


@dataclass(frozen=True)
class Composed:
    """A prompt and its garment lines."""

    prompt: str
    lines: tuple[str, ...]
    reply: LookReply = field(compare=False)


def brief_of(manifest: Mapping[str, Any], intel: Sequence[Intel], vocabulary_share: float) -> Brief:
    """The brief of a dealt look: only what was learned about its own designer, colourway and garments.

    Whether proven vocabulary is offered is drawn by the look's seed, so that its effect can be estimated.
    """
    outfits = json.loads(manifest["outfits"])
    scopes = scopes_of(manifest)
    own = [one for one in intel if (one.scope_kind, one.scope_key) in scopes]
    notes = sorted((one for one in own if one.kind == "note"), key=lambda one: (one.first_seen, one.intel_id))
    with_vocabulary = random.Random(f"vocabulary|{manifest['seed']}").random() < vocabulary_share
    return Brief(
        manifest,
        outfits,
        tuple(reversed(notes))[:NOTES_GIVEN],
        tuple(best_fragments(own)) if with_vocabulary else (),
        "with" if with_vocabulary else "without",
        vocabulary_share if with_vocabulary else 1 - vocabulary_share,
    )


def scopes_of(manifest: Mapping[str, Any]) -> set[tuple[str, str | None]]:
    """Scopes of what concerns a dealt look: all looks, its designer, its colourway and its garments."""
    return {
        ("all", None),
        ("designer", manifest["designer"]),
        ("colourway", manifest["colourway"]),
        *(("garment", key) for key in manifest["garment_ids"]),
    }


def best_fragments(intel: Iterable[Intel]) -> list[Intel]:
    """The fragments of ``intel`` that a writer is offered, the best first."""
    fragments = (one for one in intel if one.kind == "vocabulary")
    return sorted(fragments, key=lambda one: (-(one.mean_score or 0.0), -one.support, one.intel_id))[:FRAGMENTS_GIVEN]


def base_values(brief: Brief, wardrobe: Wardrobe) -> dict[str, Any]:
    """Variables of the base rules."""
    manifest = brief.manifest
    signature = next((one.signature for one in wardrobe.designers if one.key == manifest["designer"]), "")
    mood = next((one.mood for one in wardrobe.colourways if one.key == manifest["colourway"]), "")
    scaffold_words = len(scaffold(wardrobe.scene, manifest, ("",) * MODELS).split())
    control = wardrobe.control
    return {
        "designer": manifest["designer_name"],
        "signature": signature,
        "colourway": manifest["colourway_name"],
        "mood": mood,
        "words_least": max(1, control.words_least - scaffold_words),
        "words_most": max(1, control.words_most - scaffold_words),
    }


def system_prompt(base_rules: str, brief: Brief, wardrobe: Wardrobe) -> str:
    """The six sections, in order."""
    bodies = (
        base_rules.strip(),
        _hints(brief),
        _innovation(brief),
        "\n".join(f"- ({one.scope_kind} {one.scope_key or 'any'}) {_line(one.text)}" for one in brief.notes)
        or "Nothing yet about this designer, this colourway or these garments.",
        _vocabulary(brief),
        "\n".join(_guardrail(word) for word in wardrobe.banned_words) or "None.",
    )
    return "\n\n".join(f"## {title}\n{body}" for title, body in zip(SECTIONS, bodies, strict=True))


def user_prompt(brief: Brief, faults: Sequence[str] = ()) -> str:
    """The manifest as JSON and, on another try, what was wrong with the last reply."""
    outfits = [
        {
            "index": outfit["model_index"] + 1,
            "hero": _shown(outfit["hero"]),
            "slots": [_shown(p) for p in outfit["slots"]],
        }
        for outfit in brief.outfits
    ]
    text = "Manifest:\n" + json.dumps(
        {
            "designer": brief.manifest["designer_name"],
            "colourway": brief.manifest["colourway_name"],
            "models": outfits,
        },
        ensure_ascii=False,
        indent=1,
    )
    if faults:
        text += "\n\nYour last reply was refused. Mend all of this:\n" + "\n".join(f"- {fault}" for fault in faults)
    return text


def scaffold(scene: Scene, manifest: Mapping[str, Any], lines: Sequence[str]) -> str:
    """The whole prompt around three garment lines."""
    lock = f"Designed by {manifest['designer_name']} in the colourway {manifest['colourway_name']}."
    labelled = [f"{label} {line}" for label, line in zip(LABELS, lines, strict=True)]
    return " ".join([scene.opening.strip(), lock, *labelled, scene.closing.strip()])


def compose(scene: Scene, manifest: Mapping[str, Any], reply: LookReply) -> Composed:
    """The prompt of a reply; labels that the writer repeated and loose ends of its lines are tidied."""
    lines = tuple(_tidy(line.garment_line) for line in reply.models)
    return Composed(scaffold(scene, manifest, lines), lines, reply)


def scene_hash(scene: Scene) -> str:
    """SHA-256 of the words that no prompt may change."""
    return hashlib.sha256(f"{scene.opening.strip()}\n{scene.closing.strip()}".encode()).hexdigest()


def _hints(brief: Brief) -> str:
    lines = ["Repeat each hero's silhouette word for word. Invent no garment and leave none out."]
    for outfit in brief.outfits:
        hero = outfit["hero"]
        lines.append(f"Model {outfit['model_index'] + 1}, hero: {hero['name']} in {_colour(hero)}")
        lines.append(f"  silhouette: {hero['silhouette_hint']}")
        lines.append(f"  palette: {', '.join([*hero['fabric'], *hero['details']])}")
        for piece in outfit["slots"]:
            lines.append(f"  {piece['slot']}: {piece['name']} in {_colour(piece)}: {piece['silhouette_hint']}")
            if not piece["is_innovation"]:
                lines.append(f"    palette: {', '.join([*piece['fabric'], *piece['details']])}")
    return "\n".join(lines)


def _innovation(brief: Brief) -> str:
    names = {
        (outfit["model_index"], piece["garment_id"]): piece["name"]
        for outfit in brief.outfits
        for piece in outfit["slots"]
    }
    slots = brief.innovation_slots
    if not slots:
        return "No slot of this look asks for anything new."
    lines = ["Keep the silhouette of these pieces and give them a fabric or a detail that the wardrobe has not seen:"]
    lines += [
        f"- model {slot['model_index'] + 1}, {slot['slot']}: {names[slot['model_index'], slot['garment_id']]}"
        for slot in slots
    ]
    return "\n".join([*lines, "Say in innovation_notes what is new."])


def _vocabulary(brief: Brief) -> str:
    if not brief.fragments:
        return "Use your own words."
    lines = ["These words did well; use those that suit the garments, as they stand:"]
    for one in brief.fragments:
        grades = f", mean grade {one.mean_score:.1f}" if one.mean_score is not None else ""
        lines.append(f'- "{_line(one.text)}" ({one.support} grades{grades})')
    return "\n".join(lines)


def _guardrail(word: BannedWord) -> str:
    return f'- never "{word.word}": ' + (f'write "{word.substitute}"' if word.substitute else "leave it out")


def _shown(piece: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"name": piece["name"], "colour": _colour(piece), "cut": piece["cut"]}
    if piece["pattern"] != "plain":
        kept["pattern"] = piece["pattern"]
    return kept


def _colour(piece: Mapping[str, Any]) -> str:
    """The colourway's name for the colour and the plain word, such as "Wet Slate grey"."""
    return f"{piece['colour_name']} {piece['colour']}"


def _line(text: str) -> str:
    """Notes of people as one line: they are material, and must not look like another section."""
    return " ".join(text.split()).lstrip("#").strip()


def _tidy(line: str) -> str:
    text = " ".join(line.split())
    for label in LABELS:
        if text.lower().startswith(label.lower()):
            text = text[len(label) :].lstrip(" :,")
    return text.rstrip(" .;,") + "." if text else text
