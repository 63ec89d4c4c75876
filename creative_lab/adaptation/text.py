"""Making text from people, files and models safe to show to a model: nothing invisible is left in it."""

from __future__ import annotations

import re
import unicodedata

_KEPT = "\n\t\u200c\u200d"
_JOINER = re.compile(r"(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f\u200c\u200d])")
"""Joiners that do not stand between two characters beyond ASCII."""
_VARIATION_SELECTORS = (range(0xFE00, 0xFE0F), range(0xE0100, 0xE01F0))
"""Selectors that can carry hidden bytes; U+FE0F is left, which only asks for the coloured form of an emoji."""


def visible(text: str) -> str:
    """``text`` without characters that a reader cannot see but a model can read.

    Removed are control and format characters (zero-width spaces, bidirectional overrides, tag characters, byte-order
    marks) and variation selectors. Joiners stay where scripts need them: between characters beyond ASCII. Line ends
    become ``\\n``.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(letter for letter in text if letter in _KEPT or not _hidden(letter))
    return _JOINER.sub("", text)


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") or any(
        ord(character) in block for block in _VARIATION_SELECTORS
    )
