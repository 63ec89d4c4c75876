# ruff: noqa: E501 -- one line per word keeps this table readable

"""Words with two senses: when a replacement is meant and when it would be a howler.

"Fall leaves" become autumn leaves, "prices fall" stay; "gas" for the car becomes petrol, a gas stove stays. A guard
looks at the words around the place. Where it says no, the word stays as it is: a missed swap reads foreign, a wrong
one reads absurd.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_DETERMINER = (
    r"(?:the|a|an|this|that|these|those|my|your|our|his|her|their|its|every|each|any|no|some|one|two|three|four)"
)


@dataclass(frozen=True)
class Guard:
    """Patterns for the words before and after. Any ``yes`` allows, any ``no`` forbids; else ``otherwise`` decides."""

    yes_before: str = ""
    yes_after: str = ""
    no_before: str = ""
    no_after: str = ""
    otherwise: bool = True

    def allows(self, before: str, after: str) -> bool:
        """Whether the sense that the rule means stands between ``before`` and ``after``."""
        before, after = before[-60:], after[:60]
        if (self.no_before and _ends(self.no_before, before)) or (self.no_after and _begins(self.no_after, after)):
            return False
        if (self.yes_before and _ends(self.yes_before, before)) or (self.yes_after and _begins(self.yes_after, after)):
            return True
        return self.otherwise


@lru_cache(maxsize=512)
def _compiled(pattern: str, end: bool) -> re.Pattern[str]:
    joined = rf"(?:^|(?<=[^\w]))(?:{pattern})[ \n-]+$" if end else rf"[ \n-]+(?:{pattern})(?:\W|$)"
    return re.compile(joined, re.IGNORECASE)


def _ends(pattern: str, text: str) -> bool:
    return bool(_compiled(pattern, True).search(text))


def _begins(pattern: str, text: str) -> bool:
    return bool(_compiled(pattern, False).match(text))


_NOUN = Guard(
    yes_before=_DETERMINER, no_before="to|will|can|could|would|don't|not|i|you|we|they|never|please", otherwise=False
)
_ADVERSE = "in|for|off|asleep|apart|behind|down|over|out|short|under|into|on|through|to|from|away|back|at|silent|quiet"
_SEASON = "this|last|next|every|early|late|mid|by|until|since|all|each|it's|in|of|in the|of the|deep|crisp|one"

GUARDS: dict[str, Guard] = {
    "purchase": Guard(yes_before="to|can|will|could|you|we|they|and|please", no_before=_DETERMINER + "|first|next|last|your", otherwise=False),
    # seasons
    "fall": Guard(
        yes_before=_SEASON,
        yes_after=r"colou?rs?|colou?red|leaves|leaf|foliage|season|semester|term|weekend|evenings?|mornings?|days?|air|sun|light|breeze|"
        r"collection|fashion|semester|harvest|break|winter|spring|wind|festival|again|and winter",
        no_before="to|will|can|could|would|might|may|may not|shall|must|didn't|don't|doesn't|won't|can't|i|you|we|they|it|prices?|rates?"
        r"|snow|rain|a|free|never|tears|let it|hard",
        no_after=_ADVERSE,
        otherwise=False,
    ),
    "spring": Guard(yes_before=_SEASON, no_before="to|will|can|a|hot", otherwise=True),
    # cars and roads
    "gas": Guard(
        no_after=r"stoves?|ovens?|cookers?|hobs?|bills?|grills?|leaks?|boilers?|fireplaces?|lines?|heating|heaters?|company|masks?|ranges?|lamps?",
        no_before="natural|greenhouse|tear|laughing|exhaust|a|noble|cooking",
    ),
    "hood": Guard(yes_before="the car's|car|under the|pops the|engine", yes_after="of (?:the|a|his|her|their) (?:car|truck|van|wagon)",
                  no_before="his|her|my|robin|red riding|neighbou?r|a|his jacket's", otherwise=False),
    "trunk": Guard(no_before="tree|swimming|swim|elephant's|palm|oak|its|thick", no_after="of (?:a|an|the) (?:tree|oak|palm|elephant)|line"),
    "boot": Guard(yes_before="the car's|car|in the|into the|open the|the", no_before="ankle|walking|football|left|right|rubber|wellington|hiking|muddy",
                  otherwise=False),
    "trailer": Guard(no_before="film|movie|the new|teaser"),
    "truck": Guard(no_before="fire|food|pickup|hand|monster"),
    "pavement": Guard(no_before="wet|the wet", otherwise=True),
    "subway": Guard(no_after="sandwich|tiles?"),
    "wagon": Guard(no_before="covered|hay|horse-drawn|little red"),
    "tire": Guard(yes_before=_DETERMINER + "|flat|spare|front|rear|back|winter|summer|snow|car|bike|new|worn|left|right",
                  yes_after="swing|tread|pressure|iron|shop|tracks?|marks?", no_after="of|out|easily|quickly|him|her|them|me|us",
                  no_before="to|never|don't|i|you|we|they|not", otherwise=False),
    "tires": Guard(no_before="he|she|it|never|that|who", no_after="of|out|easily|quickly|him|her|them|me|us"),
    "tired": Guard(otherwise=False), "tiring": Guard(otherwise=False), "tirable": Guard(otherwise=False),
    "curb": Guard(yes_before=_DETERMINER + "|to|at", no_before="to the extent|help|will|can|and to", otherwise=False),
    # house and street
    "yard": Guard(no_before=r"school|ship|scrap|junk|farm|lumber|railroad|rail|\d+|hundred|ten|twenty|fifty|forty", no_after="line|stick"),
    "flat": Guard(yes_before="my|your|our|his|her|their|a new|new|a tiny|tiny|the whole|council|of the|in a|to the|city|first", yes_after="share|mate|in|on|with|above",
                  no_before="lies|lay|is|are|falls|fall|fell|laid|very|so|goes|went", no_after="tyres?|tires?|fees?|rates?|screens?|out|packs?|roof|white|bread|hand", otherwise=False),
    "lift": Guard(yes_before="the|a|hotel|glass|service", yes_after="doors?|shaft|button", no_before="to|will|can|gives? (?:me|you|us|him|her) a|need a|want a|ski|face",
                  no_after="off|up|him|her|it|them|us|me|the|your|our|my|his", otherwise=False),
    "tap": Guard(yes_before="the|a|kitchen|bathroom|dripping|running|cold|hot", no_before="to|just|and|then|a", no_after="to|on|in|your|his|her|the|dance|here", otherwise=False),
    "bin": Guard(no_before="storage|toy|has|recycling"),
    "post": Guard(otherwise=False, yes_before="in the|by|the morning's", yes_after="office|box|man"),
    "mobile": Guard(yes_before="my|your|his|her|their|our|a|the", no_after="apps?|banking|home|phones?|network|data|games?|first", otherwise=False),
    "torch": Guard(no_before="olympic|blow|tiki|flaming"),
    "till": Guard(yes_before="the|a|shop", yes_after="receipt|rings|drawer", otherwise=False),
    "line": Guard(yes_before="in|stand in|standing in|wait in|waiting in|long|the checkout|cut in", no_after="of|up|dance|break|by",
                  no_before="a|the|on|finish|tag|legal|story|goal|bottom|time|dead|into a|every|each", otherwise=False),
    "lot": Guard(otherwise=False), "apartment": Guard(no_after="complex"),
    # food
    "chips": Guard(no_before="chocolate|choc|micro|computer|wood|poker|paint|casino|silicon|memory", no_after="away|off"),
    "chip": Guard(no_before="chocolate|choc|micro|computer|a blue|blue|silicon|memory|poker", no_after="in|away|off|and pin|cookies?|reader"),
    "jelly": Guard(no_after="beans?|fish|babies", no_before="royal|petroleum"),
    "biscuit": Guard(no_before="dog"), "cookie": Guard(no_after="settings?|policy|consent|banner|jar"),
    "soda": Guard(no_before="baking|club|cream", no_after="bread|water|crystals|farls?"),
    "pants": Guard(no_before="he|she|it|dog|breathless|and|who", no_after="heavily|hard|happily|and|for"),
    "suspenders": Guard(), "vest": Guard(no_before="bulletproof|safety|life|hi-vis"),
    "jumper": Guard(no_after="cables?|leads?", no_before="high|long|show|base|bungee|puddle"),
    "candy": Guard(no_before="eye|arm|cotton", no_after="crush|cane|apple"),
    "sweets": Guard(), "rubbish": Guard(no_before="talking|talks|absolute|is|was|that's|utter"),
    # money and paper
    "check": Guard(yes_before="(?:pay|bank|blank|paper|big|fat|monthly|first|last|rent|tax|refund|government|reali[sz]e (?:a|the)|"
                   r"writes? (?:a|the|you a|him a|her a)|cash(?:es|ing)? (?:a|the|your|his|her)|deposit(?:s|ed)? (?:a|the|your|his|her)|sign(?:s|ed)? (?:a|the))",
                   no_before="to|please|just|always|and|then|double|spell|body|sound|reality|rain|in|health|background|credit|security|hat", otherwise=False),
    "checks": Guard(yes_before="pay|write|writing|cash|paper|bounced|no more|rent|bank", otherwise=False),
    "checked": Guard(otherwise=False), "checking": Guard(yes_after="accounts?", otherwise=False), "checker": Guard(otherwise=False),
    "checkers": Guard(otherwise=False),
    "bill": Guard(yes_before=r"(?:one|five|ten|twenty|fifty|hundred|\d+|\$\d+)[- ](?:dollar[- ])?|dollar|crumpled|crisp", otherwise=False),
    "note": Guard(yes_before="five-pound|ten-pound|twenty-pound|five pound|ten pound|pound", otherwise=False),
    "draft": Guard(yes_after="beers?|lager|ale|excluder", yes_before="cold|a cold", otherwise=False),
    "drafts": Guard(otherwise=False), "drafted": Guard(otherwise=False), "drafting": Guard(otherwise=False),
    "program": Guard(no_before="computer|software|to", no_after="code|files?"),
    "programs": Guard(no_before="computer|software"), "programed": Guard(otherwise=False), "programing": Guard(otherwise=False),
    "story": Guard(yes_before="(?:one|two|three|four|five|ten|single|multi|second|third|upper)", otherwise=False),
    "stories": Guard(yes_before="(?:two|three|four|five|six|ten|twenty|thirty)", otherwise=False),
    "storied": Guard(otherwise=False),
    "meter": Guard(yes_before=r"(?:\d+|hundred|square|cubic|per|a|every|each)", no_before="parking|water|smart|taxi|electric|gas|the|light", otherwise=False),
    "meters": Guard(no_before="parking|water|smart|electric|gas|light"), "metered": Guard(otherwise=False), "metering": Guard(otherwise=False),
    "practice": Guard(yes_before="to|i|you|we|they|must|can|should|will|don't|and", no_before="soccer|football|baseball|band|team|piano|in|into|best|of|the|a|law|legal|medical|for|from|at|after", otherwise=False),
    "practices": Guard(yes_before="he|she|who", otherwise=False),
    "practiced": Guard(), "practicing": Guard(),
    "license": Guard(yes_before=_DETERMINER + "|driver's|driving|learner's|marriage|fishing|provisional", yes_after="plates?|number", no_before="to|will|can", otherwise=False),
    "licensed": Guard(otherwise=False), "licensing": Guard(otherwise=False), "licenser": Guard(otherwise=False),
    "gray": Guard(no_before="Dorian|Mr|Ms|Mrs|Dr"),
    "inquire": Guard(), "mold": Guard(), "plow": Guard(no_before="to"),
    "vise": _NOUN, "ax": _NOUN, "sulfur": Guard(), "cozy": Guard(), "disk": Guard(otherwise=False), "disc": Guard(otherwise=False),
    # school and work
    "school": Guard(otherwise=True), "college": Guard(no_after="fund"), "grade": Guard(no_before="a|the|make the|top"),
    "vacation": Guard(), "holiday": Guard(no_before="bank|public|the|this|happy", otherwise=True),
    "term": Guard(yes_before="school|spring|autumn|summer|this|next|last", yes_after="time|starts|ends", otherwise=False),
    "cart": Guard(yes_before="shopping|grocery|the|her|his|your|full", no_before="golf|go|horse and|apple|dog", no_after="horse"),
    "trolley": Guard(no_before="tram"), "football": Guard(no_after="\\(soccer\\)", no_before="american|gaelic|australian|aussie rules|table"),
    "cot": Guard(), "crib": Guard(no_after="sheet|notes?"), "dummy": Guard(no_before="crash|crash-test|you|shop", no_after="run"),
    "plaster": Guard(no_before="wet|crumbling|of|the", no_after="of|wall|ceiling"), "rubber": Guard(otherwise=False),
    "queue": Guard(), "garden": Guard(no_before="botanical|flower|vegetable|herb|rose|secret|kitchen|beer", no_after="gnome|cent(?:er|re)"),
}  # fmt: skip
"""By word in lower case."""

NAMES_AND_WORDS = frozenset(
    [
        "will",
        "mark",
        "may",
        "june",
        "grace",
        "hope",
        "faith",
        "joy",
        "rose",
        "dawn",
        "art",
        "bill",
        "frank",
        "rich",
        "sunny",
        "chase",
        "grant",
    ]
)
"""Given names that are words too: taken as names only in a speaker's label or where they are capitals inside a sentence."""


def meant(word: str, before: str, after: str) -> bool:
    """Whether a replacement of ``word`` is meant between ``before`` and ``after``."""
    guard = GUARDS.get(word.lower()) or GUARDS.get(word.lower().removesuffix("s"))
    return guard.allows(before, after) if guard else True


def guarded(word: str) -> bool:
    """Whether the senses of a word can be told apart here."""
    return word.lower() in GUARDS or word.lower().removesuffix("s") in GUARDS
