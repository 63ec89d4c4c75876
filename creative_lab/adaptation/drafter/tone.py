# ruff: noqa: E501 -- one entry per line keeps the registers readable
"""How a persona is spoken to: a few words, the energy of the punctuation, and what the camera should look for.

Adjustments are modest on purpose. A persona changes copy only where the copy has a reason to change: words of a register
that does not suit the listener. Nothing is concluded from origin, faith or income.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from creative_lab.adaptation.drafter.lexicon import Swap
from creative_lab.adaptation.drafter.matching import Match
from creative_lab.adaptation.schemas import PersonaFacts

_BRITISH = ("GB", "IE", "AU", "NZ", "ZA")


@dataclass(frozen=True)
class Register:
    """A way of speaking: what calls for it, its words, whether it is calm, and its cue for the camera.

    ``prices`` says how a price is put: "just" is added before it, "-just" takes such a word away.
    """

    name: str
    calls: str
    words: tuple[tuple[str, str], ...]
    advice: str
    camera: str
    calm: bool = False
    prices: str = ""


REGISTERS = (
    Register(
        "sober",
        r"sceptic|skeptic|understated|no[- ]nonsense|test reports?|small print|analytic|cautious",
        (("amazing", "good"), ("incredible", "remarkable"), ("unbelievable", "remarkable"), ("awesome", "good"),
         ("ultimate", "complete"), ("revolutionary", "new"), ("unbeatable", "good")),
        "Facts first; no superlatives, no exclamation marks, no 'just' or 'only' before a price.",
        "plain observational camera, nothing staged that a viewer could doubt",
        calm=True,
        prices="-just",
    ),
    Register(
        "calm and respectful",
        r"senior|retire[ed]|retirement|pension|older|65\+|60\+|over[- ]6\d|empty[- ]nest|silver|age → (?:65|75)",
        (("kids", "children"), ("guys", "everyone"), ("awesome", "wonderful"), ("grab", "pick up"), ("hey", "hello"),
         ("stuff", "things"), ("yeah", "yes"), ("wanna", "want to"), ("gonna", "going to")),
        "Full words, no slang, no hurry; end on certainty rather than on an exclamation mark.",
        "unhurried framing, faces with a life behind them, legible type",
        calm=True,
    ),
    Register(
        "relaxed and quick",
        r"gen[- ]?z|generation z|teen|student|youth|young adult|16[-–]24|18[-–]2\d|first[- ]job|gamer|campus|mobile first",
        (("hello", "hey"), ("children", "kids"), ("purchase", "buy"), ("telephone", "phone"), ("wonderful", "brilliant"),
         ("delighted", "chuffed"), ("assistance", "help"), ("television", "TV"), ("at once", "in one go")),
        "Short sentences, everyday words, no talking down; let the picture carry the joke.",
        "cast in their late teens and twenties, natural light, quick but readable cuts",
        prices="just",
    ),
    Register(
        "plain about money",
        r"bargain|budget|deal|price[- ]?(?:conscious|sensitive|led)|thrift|saver\b|frugal|discount|coupon",
        (("affordable", "great-value"), ("inexpensive", "great-value"), ("luxurious", "comfortable"),
         ("indulge in", "enjoy")),
        "Say the price early and plainly; no luxury words.",
        "everyday homes and shops, the price super clear and steady",
        prices="just",
    ),
    Register(
        "elegant",
        r"premium|luxury|affluent|high[- ](?:income|net)|executive|connoisseur|discerning",
        (("cheap", "well-priced"), ("grab", "choose"), ("stuff", "things"), ("awesome", "remarkable"),
         ("guys", "everyone")),
        "Understate: no bargain words, no exclamation marks.",
        "composed frames, fewer cuts, real materials in close-up",
        calm=True,
        prices="-just",
    ),
    Register(
        "warm and practical",
        r"famil|parents?\b|mum|mom\b|school[- ]run|children|toddler|multi-generation|household",
        (("children", "kids"), ("purchase", "buy"), ("residence", "home"), ("consume", "eat")),
        "Practical warmth: kids rather than children, home rather than house.",
        "a lived-in family home, hands busy, interruptions welcome",
    ),
    Register(
        "straight to the point",
        r"commut|professional|busy|urban|metro|city|career|start[- ]?up|digital|early adopter",
        (("in order to", "to"), ("purchase", "buy"), ("utilize", "use"), ("utilise", "use"), ("telephone", "phone"),
         ("automobile", "car"), ("immediately", "now")),
        "Get to the point; one idea per line.",
        "city light, transit and screens in frame, brisk but calm rhythm",
    ),
    Register(
        "grounded in nature",
        r"outdoor|eco\b|green|sustainab|rural|farm|countryside|nature|adventur|hik|surf",
        (("purchase", "buy"), ("utilise", "use")),
        "Concrete outdoor words; no green absolutes.",
        "weather and landscape present in every exterior, muted natural palette",
    ),
)  # fmt: skip


def register_of(persona: PersonaFacts | None) -> Register | None:
    """The register that a persona calls for most often in its name, description and segments; None without a call."""
    if persona is None:
        return None
    text = " | ".join([persona.name, persona.name, persona.description, *persona.segments, *persona.segments])
    counts = [(len(re.findall(rf"\b(?:{r.calls})", text, re.IGNORECASE)), -order) for order, r in enumerate(REGISTERS)]
    best = max(counts)
    return REGISTERS[-best[1]] if best[0] else None


def swaps(persona: PersonaFacts | None, country: str | None) -> tuple[Swap, ...]:
    """The persona's words, as swaps for words that are spoken or shown."""
    register = register_of(persona)
    if register is None:
        return ()
    local = {"mum": "mum" if country in _BRITISH else "mom", "chuffed": "chuffed" if country in _BRITISH else "thrilled",
             "brilliant": "brilliant" if country in _BRITISH else "awesome"}  # fmt: skip
    why = f"{register.name} register for {persona.name if persona else ''}"
    return tuple(
        Swap(old, local.get(new, new), "tone", why) for old, new in register.words if local.get(new, new) != old
    )


def finder(text: str, register: Register, *, voice: bool, small: float) -> Iterator[Match]:
    """The energy of the brand's own punctuation (``voice``: not in dialogue) and how a price up to ``small`` is put."""
    why = f"{register.name} register"
    if register.calm and voice:
        for match in re.finditer(r"(?<=\w)!+", text):
            yield Match(match.start(), match.end(), ".", "tone", why)
    money = r"(?:[A-Z]{0,2}[$£€₹]|R\d)"
    if register.prices == "just":
        for match in re.finditer(rf"\b(?:[Ff]rom|[Ff]or|[Ww]ith)(?= ?{money}\s?(?P<price>\d[\d,\u00a0]*))", text):
            if float(re.sub(r"\D", "", match.group("price"))) <= small:
                yield Match(match.start(), match.end(), f"{match.group(0)} {register.prices}", "tone", why)
    elif register.prices == "-just":
        for match in re.finditer(rf"\b(?:just|only) (?={money})", text):
            yield Match(match.start(), match.end(), "", "tone", why)
