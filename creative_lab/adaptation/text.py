"""Making text from people, files and models safe to show to a model: nothing invisible is left in it."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
_CONTROLS_KEPT = "\n\t"
_VARIATION_SELECTORS = (range(0xFE00, 0xFE0F), range(0xE0100, 0xE01F0))
"""Selectors that can carry hidden bytes; U+FE0F is left, which only asks for the coloured form of an emoji."""


def visible(text: str) -> str:
    """``text`` without characters that a reader cannot see but a model can read.

    Removed are control and format characters (zero-width spaces, bidirectional overrides, tag characters, byte-order
    marks) and variation selectors. Joiners stay where scripts need them: between characters beyond ASCII. Line ends
    become ``\\n``.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = []
    for position, character in enumerate(text):
        if character in _JOINERS:
            around = text[position - 1 : position] + text[position + 1 : position + 2]
            if len(around) == 2 and not any(neighbour.isascii() or neighbour in _JOINERS for neighbour in around):
                kept.append(character)
        elif character in _CONTROLS_KEPT or not _hidden(character):
            kept.append(character)
    return "".join(kept)


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") or any(
        ord(character) in block for block in _VARIATION_SELECTORS
    )
