"""What a training caption may say: the trigger, and everything but the character's looks and clothes.

A LoRA learns what captions leave out: whatever belongs to the character has to be unsaid, so that the trigger takes it
up. What breaks a rule is put right where that is safe, and named; what cannot be put right waits for a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

SHORTEST, LONGEST = 40, 100
"""Length of a caption in characters, trigger included."""
_TOO_SHORT = 15
"""Characters besides the trigger below which a caption says nothing."""

Status = Literal["ready", "mended", "needs_person", "refused", "failed"]

_REFUSAL = re.compile(
    r"""(?ix)
    \b(i\s*['’]?\s*a?m|we\s+are)\s+(very\s+|really\s+|so\s+)?(sorry|afraid|unable|not\s+able|not\s+allowed)\b
    | ^\W*(sorry|apologies|unfortunately)\b
    | \b(i|we)\s+(can\s*['’]?\s*not|can\s*['’]\s*t|could\s*n['’]t|will\s+not|won\s*['’]\s*t|do\s+not|don['’]t)
      \s+(\w+\s+){0,2}(help|assist|describe|identify|provide|caption|comply|comment|recogni[sz]e|discuss|fulfil|do)\b
    | \bas\s+an?\s+(ai|artificial|language\s+model|assistant)\b
    | \b(against|violates?)\s+(\w+\s+){1,3}(polic(y|ies)|guidelines)\b
    | \bi\s+must\s+(decline|refuse)\b
    """
)

_QUOTES = "\"'`“”„‘’«»‹›"
_LABEL = re.compile(r"^(?:the\s+)?(?:image\s+)?(?:caption|description|answer)\s*(?:is)?\s*[:\-–]\s*", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLOTHES = _words(
    """coat coats jacket jackets blazer cardigan shirt shirts t-shirt tshirt blouse jumper sweater pullover hoodie
    sweatshirt vest waistcoat suit tuxedo uniform dress gown robe kaftan kimono tunic jumpsuit overalls skirt trousers
    pants jeans shorts leggings tights stockings socks boots trainers sneakers shoes sandals heels scarf shawl tie
    necktie bow-tie belt gloves mittens hat hats cap beanie beret hood turban headscarf helmet crown apron cape cloak
    poncho clothes clothing outfit costume garment garments attire jewellery jewelry necklace earring earrings
    bracelet sleeve sleeves collar pocket buttons top-hat"""
)
"""Words for what is worn."""

LOOKS = _words(
    """hair hairstyle haircut fringe bangs braid braids ponytail bun curls dreadlocks afro beard moustache mustache
    goatee stubble sideburns eyebrow eyebrows eyelashes freckle freckles wrinkles dimples scar tattoo glasses
    spectacles sunglasses complexion skin eyes nose lips jaw chin cheekbones ears head forehead build physique
    figure"""
)
"""Words for parts of a person that make the looks."""

ADJECTIVES = _words(
    """bearded moustached bald balding blond blonde brunette redhead red-haired dark-haired fair-haired grey-haired
    white-haired curly-haired long-haired short-haired black-haired brown-haired blue-eyed brown-eyed green-eyed
    freckled bespectacled young old older elderly middle-aged tall slim slender stocky muscular chubby handsome
    beautiful pretty attractive dark-skinned light-skinned fair-skinned pale tanned wrinkled"""
)
"""Words that say looks by themselves; they can be taken out without hurting the sentence."""

_NOUNS = "person|man|woman|boy|girl|guy|lady|figure|character|individual|male|female|someone|somebody"
_SUBJECT = re.compile(rf"\b(?:(?:an?|the|one)\s+)?((?:[a-z-]+\s+){{0,2}}?)(?:{_NOUNS})\b", re.IGNORECASE)
_BORDER = re.compile(
    r"(?=[,;:.])|(?=\s(?:and|in|on|at|with|without|wearing|dressed|clad|next|beside|near|under|behind|before|while|who|"
    r"that|against|by|from|inside|outside|through|during|showing|\w+ing)\b)"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z-]*")


@dataclass
class Judged:
    """A reply that was looked at. ``caption`` is None when there is nothing to train with."""

    caption: str | None
    status: Status
    mended: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether it may be trained with."""
        return self.status in {"ready", "mended"}


def is_refusal(text: str) -> bool:
    """Whether a reply declines instead of describing."""
    return bool(_REFUSAL.search(text))


def judge(raw: str, trigger: str) -> Judged:
    """Put a captioner's reply right, and say what was done and what is left to a person."""
    text = " ".join(raw.split())
    if is_refusal(text):
        return Judged(None, "refused", problems=[f"the captioner declined: {text[:120]}"])
    mended: list[str] = []
    problems: list[str] = []
    text = _changed(text, _without_quotes(text), "quotes and labels removed", mended)
    if not _WORD.search(text):
        return Judged(None, "failed", mended, ["the captioner's reply says nothing"])
    text = _changed(text, _with_trigger(text, trigger), "trigger added", mended)
    text = _changed(text, _without_looks(text, trigger), "clothes and looks removed", mended)
    if len(text) > LONGEST:
        text = _changed(text, _shortened(text, trigger), f"shortened to {LONGEST} characters", mended)
    left = looks_said(text, trigger)
    if left:
        problems.append(f"still says looks or clothes: {', '.join(left)}")
    rest = len(text.replace(trigger, "").strip(" ,"))
    if rest < _TOO_SHORT:
        problems.append(f"says too little besides the trigger ({rest} characters)")
    if len(text) > LONGEST:
        problems.append(f"{len(text)} characters, at most {LONGEST} are wanted")
    if problems:
        return Judged(text, "needs_person", mended, problems)
    if len(text) < SHORTEST:
        # Still a caption: a person may make it say more, training does not have to wait for that.
        problems.append(f"{len(text)} characters, at least {SHORTEST} are wanted")
    return Judged(text, "mended" if mended else "ready", mended, problems)


def looks_said(text: str, trigger: str) -> list[str]:
    """Words of ``text`` for clothes or looks; the trigger is not looked at."""
    words = _WORD.findall(text.replace(trigger, " ").lower())
    return sorted({word for word in words if word in CLOTHES | LOOKS | ADJECTIVES})


def _changed(before: str, after: str, what: str, mended: list[str]) -> str:
    if after != before:
        mended.append(what)
    return after


def _without_quotes(text: str) -> str:
    while True:
        stripped = _LABEL.sub("", text.strip().strip(_QUOTES).strip())
        if stripped == text:
            break
        text = stripped
    # A quotation mark that has no partner is left over from the reply; an apostrophe between letters is not.
    text = re.sub(r"[\"“”„«»`]", "", text)
    return " ".join(re.sub(r"(?<!\w)['‘’]|['‘’](?!\w)", "", text).split())


def _with_trigger(text: str, trigger: str) -> str:
    found = re.search(rf"(?<![\w-]){re.escape(trigger)}(?![\w-])", text, re.IGNORECASE)
    if found:
        return text[: found.start()] + trigger + text[found.end() :]
    pronoun = re.match(r"(?:he|she|they|it)\b", text, re.IGNORECASE)
    if pronoun:
        return trigger + text[pronoun.end() :]
    subject = _SUBJECT.search(text)
    if subject and subject.start() < len(text) // 2:
        mood = " ".join(word for word in subject.group(1).split() if word.lower() not in ADJECTIVES)
        return f"{text[: subject.start()]}{mood + ' ' if mood else ''}{trigger}{text[subject.end() :]}"
    return f"{trigger}, {text[:1].lower()}{text[1:]}"


def _parts(text: str) -> list[str]:
    return [part for part in _BORDER.split(text) if part]


def _without_looks(text: str, trigger: str) -> str:
    kept: list[str] = []
    for part in _parts(text):
        words = {word.lower() for word in _WORD.findall(part.replace(trigger, " "))}
        if words & (CLOTHES | LOOKS) and trigger not in part:
            continue
        plain = part
        for word in words & ADJECTIVES:
            plain = re.sub(rf"\s?\b{re.escape(word)}\b", "", plain, flags=re.IGNORECASE)
        kept.append(plain)
    left = "".join(kept)
    return text if left == text else _tidy(left)


def _shortened(text: str, trigger: str) -> str:
    parts = _parts(text)
    while len(parts) > 1 and len(_tidy("".join(parts))) > LONGEST and trigger not in parts[-1]:
        parts.pop()
    return _tidy("".join(parts))


def _tidy(text: str) -> str:
    text = re.sub(r"\s+([,;:.])", r"\1", " ".join(text.split()))
    text = re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", text)
    text = re.sub(r"^(?:and|with|who|is|,|;|:)\s+", "", text.strip(" ,;:"))
    return re.sub(r"\s+(?:and|with|in|who|is|wearing|a|an|the)$", "", text).strip(" ,;:")
