"""A story's sentences: where they end, what is said in them, who tells them, and whether they are English.

Quoted words are heard, not seen: nothing that is looked for in a picture is looked for in them.
"""

from __future__ import annotations

import re

from creative_lab.storyboards import vocabulary as words

_QUOTE = re.compile(r"[\"“„]([^\"“”„]{1,1000})[\"”“]")
_MARK = "\ue000"
"""Stands for a quotation while the sentence around it is read."""
_ENDS = re.compile(r"[.!?…]+[\"”’']?(\s+)(?=[\"“„‘'A-ZÀ-Ý0-9])")
TITLES = "Dr|Mr|Mrs|Ms|Prof|St|Capt|Sgt|Rev"
"""What stands before a name, with or without a full stop."""
_ABBREVIATED = re.compile(rf"(?:\b(?:{TITLES}|Sr|Jr|Mt|vs)|(?<!\w)[B-HJ-Z])\.$")
_WHO = r"(?:he|she|they|i|we|(?:the|a|an|his|her|my|their)\s+(?:[\w'’-]+\s+){0,2}?[\w'’-]+|(?-i:[A-ZÀ-Ý])[\w'’-]*)"
_SAYS = (
    r"(?:says?|said|asks?|asked|shouts?|shouted|whispers?|whispered|calls?|called|cries|cried|repl(?:ies|ied|y)|"
    r"answers?|answered|adds?|added|explains?|explained|laughs?|laughed|thinks?|thought)"
)
_DONE = rf"\b(?=\s*(?:[,.!?…;:]|{_MARK}|$)|\s+(?:and|as|while|who|but|in|on|at|from|with|to|\w+ly|\w+ing)\b)"
"""Where a speaker's name may end, so that "the old man" is taken whole."""
_HOW = rf"(?:\s+\w+ly)?(?:\s+(?:(?:back\s+)?to\s+)?(?:him|her|them|me|us|{_WHO}){_DONE})?"
_BEFORE = re.compile(rf"(?:(?:,\s*)?\band\s+{_SAYS}|\b{_WHO}\s+{_SAYS}){_HOW}\s*[,:]?\s*{_MARK}", re.IGNORECASE)
_AFTER = re.compile(
    rf"{_MARK}\s*,?\s*(?:(?P<who>{_WHO})\s+{_SAYS}\b|{_SAYS}\s+(?P<whom>{_WHO}){_DONE}){_HOW}(?P<more>\s+and\s+)?",
    re.IGNORECASE,
)


def without_quotes(text: str) -> str:
    """``text`` without what is said in it."""
    return _QUOTE.sub(" ", text)


def spoken_in(text: str) -> str | None:
    """What is said in ``text``, one speech after another; None where nobody speaks."""
    return " / ".join(said.strip().rstrip(", ") for said in _QUOTE.findall(text) if said.strip(" ,")) or None


def seen_in(text: str) -> str:
    """``text`` without what is said in it and without who says it: what a picture of it can show."""
    marked = _QUOTE.sub(_MARK, text.replace(_MARK, " "))
    # Somebody who speaks and does something stays: "Mine," says Mara and runs.
    marked = _AFTER.sub(lambda found: f" {found['who'] or found['whom']} " if found["more"] else _MARK, marked)
    seen = _BEFORE.sub(" ", marked).replace(_MARK, " ")
    seen = re.sub(r"\s+([,.!?])", r"\1", " ".join(seen.split()))
    seen = re.sub(r"([.!?…])[,.](?!\.)", r"\1", seen)
    return seen.strip(" ,;:").lstrip(".!? ")


def sentences(story: str) -> list[str]:
    """The sentences of a story, each with its quotations whole; one that is only speech stays with the one before.

    The first stays with the one after, where it is only speech.
    """
    quoted = [found.span() for found in _QUOTE.finditer(story)]
    parts, start = [], 0
    for found in _ENDS.finditer(story):
        end = found.start(1)
        within = any(left < end < right for left, right in quoted)
        if not within and not _ABBREVIATED.search(story[start:end]):
            parts.append(story[start:end].strip())
            start = found.end()
    parts.append(story[start:].strip())
    told: list[str] = []
    for part in parts:
        if told and (not _is_seen(part) or not _is_seen(told[0])):
            told[-1] = f"{told[-1]} {part}"
        elif _is_seen(part) or _QUOTE.search(part):
            told.append(part)
    return told or [story]


def _is_seen(part: str) -> bool:
    return re.search(r"[A-Za-zÀ-ÿ]{2}", seen_in(part)) is not None


_FIRST_PERSON = re.compile(r"\b(?:I(?=['’ ]\s*[a-z])|[Mm]y(?=\s)|[Mm]e|[Ww]e(?=['’ ]\s*[a-z])|[Oo]ur)\b")
_CONTRACTED = {"'m": " is", "'ve": " has", "'d": " had", "'ll": " will"}
_THIRD = {"am": "is", "have": "has", "do": "does", "don't": "doesn't", "haven't": "hasn't"}


def first_person_count(story: str) -> int:
    """How often a story's teller speaks of himself or herself, speech apart."""
    return len(_FIRST_PERSON.findall(without_quotes(story)))


def in_third_person(story: str, name: str) -> str:
    """A story told by its hero as one about ``name``; what is said in it stays word for word."""
    parts, start = [], 0
    for found in _QUOTE.finditer(story):
        parts += [_third(story[start : found.start()], name), found.group()]
        start = found.end()
    return "".join([*parts, _third(story[start:], name)])


def _third(text: str, name: str) -> str:
    parts = re.split(r"(?<=[.!?…])(?=\s)", text.replace("’", "'"))
    return "".join(_sentence_in_third(part, name) for part in parts)


def _sentence_in_third(sentence: str, name: str) -> str:
    others = f"{name} and the others"
    text = re.sub(r"\bI('m|'ve|'d|'ll)\b", lambda found: name + _CONTRACTED[found.group(1)], sentence)
    text = re.sub(r"\bI\s+([a-z']+)", lambda found: f"{name} {_third_form(found.group(1))}", text)
    text = re.sub(r"\bI\b", name, text)
    text = re.sub(r"\b[Ww]e('re|'ve|'d|'ll)?\b", lambda found: others + _many(found), text)
    owner = "their" if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) else f"{name}'s"
    instead = {"my": owner, "our": owner, "me": name, "us": others, "mine": "theirs", "ours": "theirs",
               "myself": "themself", "ourselves": "themselves"}  # fmt: skip
    for pronoun, replaced in instead.items():
        text = re.sub(rf"\b{pronoun}\b", replaced, text, flags=re.IGNORECASE)
    return re.sub(r"^(\W*)(\w)", lambda found: found.group(1) + found.group(2).upper(), text)


def _many(found: re.Match[str]) -> str:
    return {"'re": " are", "'ve": " have", "'d": " had", "'ll": " will"}.get(found.group(1) or "", "")


def _third_form(verb: str) -> str:
    """A verb after "I" as it is after a name: forms of the present change, others stay."""
    if verb in _THIRD:
        return _THIRD[verb]
    if not words.is_plain(verb):
        return verb
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else f"{verb}s"


_SMALL_WORDS = (
    "the a an and of to in on at is are was were be been he she it they i we you his her their my our its him them "
    "with for from by into as but that this then there when while not have has had who which out up one after before "
    "through over under near all some every"
)
_ENGLISH = frozenset(_SMALL_WORDS.split())
_LEAST_ENGLISH = 0.2
"""Least share of an English text's words that are small words or known actions; ordinary English has 0.3 to 0.5."""


def is_english(text: str) -> bool:
    """Whether a text is in English, as far as its small words and verbs tell; fewer than six words say too little."""
    found = re.findall(r"[^\W\d_]+", text.lower())
    plain = [word for word in found if re.fullmatch(r"[a-z]+", word)]
    if len(found) < 6:
        return 2 * len(plain) >= len(found)
    return sum(word in _ENGLISH or bool(words.actions(word)) for word in plain) >= _LEAST_ENGLISH * len(found)
