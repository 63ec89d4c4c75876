"""Making text from people, files and models safe to show to a model: nothing invisible is left in it."""

from __future__ import annotations

import unicodedata

from creative_lab.reference.hidden_text import strip_hidden


def visible(text: str) -> str:
    """``text`` without characters that a reader cannot see but a model can read; line ends become ``\\n``."""
    if text.isascii() and text.isprintable():
        return text
    shown, _ = strip_hidden(text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(letter for letter in shown if letter in "\n\t" or unicodedata.category(letter) != "Cc")
