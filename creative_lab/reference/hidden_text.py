"""Characters that a reader does not see and a language model does."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = (
    range(0x200B, 0x2010),  # zero-width space, joiners, direction marks
    range(0x202A, 0x202F),  # direction embeddings and overrides
    range(0x2060, 0x2070),  # word joiner, invisible operators, direction isolates
    range(0xFE00, 0xFE10),  # variation selectors
    range(0xFEFF, 0xFF00),  # byte order mark inside a text
    range(0xE0000, 0xE0080),  # tags: a whole invisible alphabet
    range(0xE0100, 0xE01F0),  # variation selectors supplement
    range(0x00AD, 0x00AE),  # soft hyphen
    range(0x180E, 0x180F),  # Mongolian vowel separator
    range(0x061C, 0x061D),  # Arabic letter mark
)
_ANY = re.compile("[" + "".join(f"{chr(hidden.start)}-{chr(hidden.stop - 1)}" for hidden in _HIDDEN) + "]")
_JOINERS = {"\u200c", "\u200d"}
_JOINING_SCRIPTS = (
    "ARABIC",
    "DEVANAGARI",
    "BENGALI",
    "GUJARATI",
    "GURMUKHI",
    "KANNADA",
    "MALAYALAM",
    "ORIYA",
    "SINHALA",
    "TAMIL",
    "TELUGU",
    "KHMER",
    "MYANMAR",
    "SYRIAC",
)


def strip_hidden(text: str) -> tuple[str, list[str]]:
    """``text`` without invisible characters, and the code points removed (each once, in order).

    Joiners stay between letters of scripts that spell with them, such as Persian and Hindi.
    """
    if text.isascii() or not _ANY.search(text):
        return text, []
    kept: list[str] = []
    removed: dict[str, None] = {}
    for index, character in enumerate(text):
        spells = character in _JOINERS and kept and _joins(kept[-1]) and _joins(text[index + 1 : index + 2])
        if not spells and any(ord(character) in hidden for hidden in _HIDDEN):
            removed[f"U+{ord(character):04X}"] = None
        else:
            kept.append(character)
    return "".join(kept), list(removed)


def _joins(character: str) -> bool:
    return bool(character) and unicodedata.name(character, "").startswith(_JOINING_SCRIPTS)


def control_characters(text: str, *, lines: bool) -> list[str]:
    """Control characters of ``text`` as code points; line breaks and tabs are allowed where ``lines`` are."""
    allowed = "\n\t" if lines else ""
    found = (
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} and character not in allowed
    )
    return list(dict.fromkeys(f"U+{ord(character):04X}" for character in found))
