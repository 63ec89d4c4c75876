"""What a prompt must hold before anything is rendered from it: scene, words, length, and its own entities only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from creative_lab.looks.wardrobe import BannedWord, Scene, Wardrobe
from creative_lab.looks.words import as_pattern, count_words

SCENE_DRIFT = "SCENE DRIFT"

_CONTRADICTIONS: dict[str, re.Pattern[str]] = {
    "backdrop": re.compile(
        r"\b(?:back(?:drop|ground)|street|beach|forest|garden path|runway|catwalk|in a room|landscape|skyline)\b", re.I
    ),
    "spacing": re.compile(
        r"\b(?:arm in arm|holding hands|shoulder to shoulder|overlapping|leaning (?:on|against)|hugging|embracing|"
        r"close together|touching (?:the|her|his|another))\b",
        re.I,
    ),
    "frame": re.compile(
        r"\b(?:portrait (?:format|frame|crop)|vertical frame|square (?:format|frame|crop)|[149]:[135]\d?)\b", re.I
    ),
    "length": re.compile(r"\b(?:close[- ]ups?|half[- ]length|three[- ]quarter length|head ?shots?)\b", re.I),
    "model_count": re.compile(
        r"\b(?:(?:one|two|four|five|six|single|fourth|another|second|extra)"
        r" (?:models?|wom[ae]n|m[ae]n|figures?)|crowd)\b",
        re.I,
    ),
}
"""Words in a garment line that take back what the scene says."""


@dataclass(frozen=True)
class Own:
    """The entities of one look: names that its prompt must hold, and keys that tell them from foreign ones."""

    designer: str
    designer_name: str
    colourway: str
    colourway_name: str
    garments: tuple[tuple[tuple[str, str], ...], ...]
    """Per model (key, name) of each garment, the hero first."""

    @classmethod
    def of(cls, manifest: Mapping[str, Any], outfits: Sequence[Mapping[str, Any]]) -> Own:
        """From a row of ``look_manifests`` and its outfits."""
        return cls(
            manifest["designer"],
            manifest["designer_name"],
            manifest["colourway"],
            manifest["colourway_name"],
            tuple(
                tuple((piece["garment_id"], piece["name"]) for piece in (outfit["hero"], *outfit["slots"]))
                for outfit in outfits
            ),
        )


class Validator:
    """The rules of one wardrobe, compiled once."""

    def __init__(self, wardrobe: Wardrobe) -> None:
        self.scene: Scene = wardrobe.scene
        self.control = wardrobe.control
        self.banned = [(word, as_pattern(word.word)) for word in wardrobe.banned_words]
        self._wardrobe = wardrobe

    @cached_property
    def _names(self) -> list[tuple[str, str, re.Pattern[str]]]:
        return [(kind, key, as_pattern(name)) for kind, key, name in self._entities()]

    def _entities(self) -> list[tuple[str, str, str]]:
        rows = (
            ("designer", self._wardrobe.designers),
            ("colourway", self._wardrobe.colourways),
            ("garment", self._wardrobe.garments),
        )
        return [(kind, one.key, one.name) for kind, found in rows for one in found]

    @cached_property
    def _own_words(self) -> re.Pattern[str]:
        """Names of the wardrobe, the longest first; whatever they are made of, they say nothing about the scene."""
        names = {name for _, _, name in self._entities()}
        names |= {colour.name for colourway in self._wardrobe.colourways for colour in colourway.colours}
        longest_first = sorted(names, key=lambda name: (-len(name), name))
        return re.compile(rf"\b(?:{'|'.join(re.escape(name) for name in longest_first)})\b", re.I)

    def reasons(self, prompt: str, lines: Sequence[str], own: Own) -> list[str]:
        """Why ``prompt`` may not be rendered; empty when it may. ``lines`` are its garment lines, a model each."""
        found = [f"scene_drift:{name}" for name in self.drift(prompt, lines)]
        found += [f"forbidden_vocab:{word.word}" for word in self.forbidden(prompt)]
        words = count_words(prompt)
        if not self.control.words_least <= words <= self.control.words_most:
            found.append(f"word_count:{words}")
        return found + self.entity_faults(prompt, lines, own)

    def drift(self, prompt: str, lines: Sequence[str]) -> list[str]:
        """Invariants of the scene that the prompt does not state, or that a garment line takes back."""
        lost = [name for name, phrase in self.scene.invariants.items() if not as_pattern(phrase).search(prompt)]
        # "Street Lamp yellow" is a colour of the wardrobe and no street.
        text = self._own_words.sub(" ", "\n".join(lines))
        denied = [name for name, pattern in _CONTRADICTIONS.items() if name not in lost and pattern.search(text)]
        return [name for name in self.scene.invariants if name in lost or name in denied]

    def forbidden(self, text: str) -> list[BannedWord]:
        """Banned words that stand in ``text``."""
        return [word for word, pattern in self.banned if pattern.search(text)]

    def substituted(self, text: str) -> tuple[str, list[BannedWord]]:
        """``text`` with banned words replaced by their substitutes (those without one stay), and what was found."""
        found = []
        for word, pattern in self.banned:
            if not pattern.search(text):
                continue
            found.append(word)
            if word.substitute:
                text = pattern.sub(lambda match, to=word.substitute: _in_case_of(match.group(), to), text)  # type: ignore[misc]
        return text, found

    def entity_faults(self, prompt: str, lines: Sequence[str], own: Own) -> list[str]:
        """Entities of the look that are missing or on the wrong model, and entities of others that are there."""
        faults = []
        if not as_pattern(own.designer_name).search(prompt):
            faults.append(f"missing_designer:{own.designer}")
        if not as_pattern(own.colourway_name).search(prompt):
            faults.append(f"missing_colourway:{own.colourway}")
        if len(lines) != len(own.garments):
            faults.append(f"garment_lines:{len(lines)}")
        for line, garments in zip(lines, own.garments, strict=False):
            faults += [f"missing_garment:{key}" for key, name in garments if not as_pattern(name).search(line)]
        mine = {("designer", own.designer), ("colourway", own.colourway)}
        worn = [{key for key, _ in garments} for garments in own.garments]
        mine |= {("garment", key) for keys in worn for key in keys}
        for kind, key, pattern in self._names:
            if (kind, key) not in mine:
                if pattern.search(prompt):
                    faults.append(f"foreign_{kind}:{key}")
            elif kind == "garment":
                faults += [
                    f"misplaced_garment:{key}"
                    for line, keys in zip(lines, worn, strict=False)
                    if key not in keys and pattern.search(line)
                ]
        return faults


def loud(reasons: Sequence[str]) -> str:
    """The reasons in one line, scene drift first and not to be overlooked."""
    drift = [reason.partition(":")[2] for reason in reasons if reason.startswith("scene_drift:")]
    rest = [reason for reason in reasons if not reason.startswith("scene_drift:")]
    parts = ([f"{SCENE_DRIFT}: {', '.join(drift)}"] if drift else []) + rest
    return "; ".join(parts)


def _in_case_of(found: str, substitute: str) -> str:
    if found.isupper() and len(found) > 1:
        return substitute.upper()
    return substitute[:1].upper() + substitute[1:] if found[:1].isupper() else substitute
