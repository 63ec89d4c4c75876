"""What a picture must not show: short noun phrases, never against the look itself, merged into one suffix."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

from creative_lab.looks.words import count_words, lemmas

PREFIX = "Avoid:"
TOKENS_PER_WORD = 1.4
"""Tokens of a word of fashion prose in the tokenisers of image models, rounded up: a budget must not be overrun."""

_LEAD = re.compile(
    r"^(?:(?:please|do not|don't|never|avoid|no|not|without|any|a|an|the|show|showing|include)\s+)+", re.I
)
_SENTENCE = re.compile(
    r"\b(?:is|are|was|were|be|been|being|should|must|may|can|could|will|would|has|have|had|do|does|did|make|makes|"
    r"looks?|keep|use|add|wear|wears|wearing|because|if|when|while|which|who|it|they|them|you|we)\b",
    re.IGNORECASE,
)
_NOT_A_PHRASE = re.compile(r"[^\w\s'’/-]|\d{4,}", re.UNICODE)


@dataclass(frozen=True)
class Candidate:
    """A phrase somebody wants to exclude, and who: the manifest's writer, or a learned kill phrase."""

    text: str
    source: str


@dataclass
class Negatives:
    """The phrases that were kept, in order, and per source how many were offered, kept and dropped for what."""

    phrases: list[str] = field(default_factory=list)
    sources: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """One sentence that begins with ``Avoid:``, or nothing."""
        return f"{PREFIX} {', '.join(self.phrases)}." if self.phrases else ""


def noun_phrase(text: str, *, most_words: int) -> str | None:
    """``text`` as a bare noun phrase in lower case, or None when it is a sentence, too long or empty."""
    phrase = _LEAD.sub("", " ".join(text.split()).strip(" .,;:!\"'")).lower()
    if not phrase or _NOT_A_PHRASE.search(phrase) or _SENTENCE.search(phrase) or not lemmas(phrase):
        return None
    return phrase if count_words(phrase) <= most_words else None


def choose(
    candidates: Iterable[Candidate],
    *,
    own: Iterable[str],
    cap: int,
    most_words: int,
    prompt: str,
    token_limit: int,
) -> Negatives:
    """The phrases of the suffix, learned kill phrases and the writer's in the order given.

    ``own`` are texts about the look's own designer, colourway and garments: a phrase that shares a base form with
    them is dropped, so that "black coat" never stands against a black look. Phrases that say the same are kept once.
    The suffix stops at the last whole phrase that fits into ``token_limit`` together with ``prompt``.
    """
    mine = {base for text in own for base in lemmas(text)}
    found = Negatives()
    seen: set[frozenset[str]] = set()
    room = token_limit - tokens(prompt) - tokens(PREFIX)
    for candidate in candidates:
        tally = found.sources.setdefault(candidate.source, {"offered": 0, "kept": 0})
        tally["offered"] += 1
        phrase = noun_phrase(candidate.text, most_words=most_words)
        bases = frozenset(lemmas(phrase)) if phrase else frozenset()
        if phrase is None:
            why = "no_phrase"
        elif bases & mine:
            why = "own_entity"
        elif bases in seen:
            why = "twice"
        elif len(found.phrases) >= cap:
            why = "cap"
        elif tokens(phrase) + 1 > room:
            why = "budget"
        else:
            seen.add(bases)
            room -= tokens(phrase) + 1
            found.phrases.append(phrase)
            tally["kept"] += 1
            continue
        tally[why] = tally.get(why, 0) + 1
    return found


def tokens(text: str) -> int:
    """An upper estimate of the tokens of ``text``."""
    return ceil(count_words(text) * TOKENS_PER_WORD)


def merged(prompt: str, suffix: str) -> str:
    """The prompt as an image model without a field for negatives gets it: the suffix stands once, at the end."""
    return f"{prompt} {suffix}" if suffix else prompt
