# ruff: noqa: E501 -- one entry per line keeps these tables readable
"""The words and pictures that carry an emotion or a theme in a script."""

from __future__ import annotations

BEATS: tuple[tuple[str, str], ...] = (
    (
        "tension",
        r"storm|rush\w*|late\b|lost|alone|worr\w+|nervous|stuck|broken|dark|argu\w+|hesitat\w*|freez\w+|frozen|cr(?:y|ies|ied|ying)\b"
        r"|hold(?:s|ing) (?:the|her|his) (?:breath|door)|problem|trouble|stall\w*|crash\w*|fear\w*|tough|shakes (?:her|his) head",
    ),
    (
        "quiet",
        r"silen\w+|hush\w*|quiet\w*|still\b|nobody (?:moves?|talks?|has to talk)|nothing else|empty\w*|pause\w*|waits?\b|alone|dusk|dawn|held",
    ),
    (
        "longing",
        r"remember\w*|years ago|used to|faded|missing|miss(?:es)? (?:her|him|you|home)|far (?:away|off)|home\b|old\b|almost gone|goodbye\w*",
    ),
    (
        "curiosity",
        r"what(?:'s|’s)? all this|\?|looks? up|turns? (?:to|around)|discover\w*|finds?\b|opens? (?:the|a|her|his) (?:door|box|letter|card|drawer|envelope)|snaps? to|glance\w*",
    ),
    (
        "warmth",
        r"smil\w+|hug\w*|embrac\w*|laugh\w*|together|famil(?:y|ies)|mother|father|mom|mum|dad|grandm\w+|warm\w*|gentl\w+|kiss\w*|hand(?:s)? (?:in|on)|shoulders?",
    ),
    (
        "humour",
        r"deadpan|absurd\w*|comic|funny|grin\w*|cheek full|innocent|sneak(?:s|ed|ing)?\b|caught|joke\w*|far too many|terrible seriousness|the dog\b|crunch\w*",
    ),
    (
        "delight",
        r"delight\w*|crunch\w*|golden|taste\w*|savou?r\w*|sparkl\w*|firework\w*|candy|danc\w+|cheer\w*|sings?\b|play\w*",
    ),
    (
        "pride",
        r"proud\w*|pride|graduat\w+|win\w*\b|first (?:day|time|step)|achiev\w+|grow(?:n|s)? (?:up|into)|did it|made it|trophy",
    ),
    (
        "resolve",
        r"try(?:ing)? (?:out )?again|again\b|decid\w+|nods?\b|yes\b|ready|let(?:'s|’s) go|begins?\b|starts?\b|open an?\b|rounds up",
    ),
    (
        "release",
        r"breath let go|sigh\w*|at last|finally|relie\w+|let(?:s)? go|erupts?|resolves?|lifts?\b|talking at once|relax\w*|sunset",
    ),
)
"""An emotion and the words and pictures that carry it, in the order in which ties are settled."""

THEMES: tuple[tuple[str, str], ...] = (
    ("family", r"famil|mother|father|mom\b|mum\b|dad\b|son\b|daughter|grandm|grandp|parents?|kids?\b|child"),
    ("growing up", r"years ago|newborn|first day|college|school|aged? \d|, (?:[1-9]|1\d),|grow"),
    ("home and the road", r"home\b|road|drive|highway|journey|miles|kilomet|car\b|exit"),
    ("shared food", r"dinner|lunch|table|snack|chips?\b|crisps?\b|taste|crunch|kitchen|diner|bag of"),
    ("money and care", r"save|saving|change\b|account|bank|purchase|coins?|receipt"),
    ("friendship", r"friend|mates?\b|neighbou?r|team"), ("work and effort", r"office|shift|boss|deadline|training|practi[cs]e|trying"),
    ("nature", r"mountain|forest|beach|river|leaves|wind|rain|sea\b|field"), ("play and sport", r"game|match\b|goal|ball|stadium|play"),
    ("technology", r"app\b|phone|screen|hybrid|electric|smart\b|connected"), ("quiet", r"silen|quiet|hush"),
)  # fmt: skip

ASSUMPTIONS: tuple[tuple[str, str], ...] = (
    (
        "Holiday",
        r"Thanksgiving|Christmas|Halloween|Easter|New Year['’]s(?: Eve| Day)?|Fourth of July|4th of July|Independence Day|Memorial Day|Labor Day|Boxing Day|Bonfire Night|St Patrick['’]s Day|Canada Day|Australia Day|Anzac Day|Diwali|Holi|Eid|Ramadan|Chinese New Year|Lunar New Year|Mother['’]s Day|Father['’]s Day|Valentine['’]s Day|Super Bowl",
    ),
    (
        "Sport",
        r"(?i:american football|football|baseball|softball|basketball|cricket|rugby|ice hockey|hockey|soccer|netball|hurling|camogie|lacrosse|tailgat\w+|touchdown|home run|wicket|penalty shoot-?out)",
    ),
    (
        "School term",
        r"(?i:kindergarten|high school|middle school|elementary school|primary school|secondary school|college|freshman|senior year|prom\b|homecoming|dorm(?: room)?|sixth form|a[- ]levels|varsity)",
    ),
    (
        "Institution",
        r"FDIC|FSCS|IRS|HMRC|DMV|DVLA|NHS|Medicare|Social Security|401\(?k\)?|USPS|Royal Mail|911\b|999\b|PTA",
    ),
    (
        "Food",
        r"(?i:cotton candy|candyfloss|apple pie|pumpkin pie|turkey dinner|fries|barbecue|cookout|potluck|sunday roast|fish and chips|braai|pavlova|biscuits and gravy|chips\b|crisps\b|soda\b)",
    ),
    ("Road", r"(?i:highway|freeway|motorway|interstate|turnpike|dual carriageway|school bus)"),
    ("Climate", r"(?i:snow\w*|first frost|fall (?:leaves|colou?rs?)|autumn leaves|heatwave|monsoon)"),
)
"""What a script takes for granted about the country it was written in, by kind."""
