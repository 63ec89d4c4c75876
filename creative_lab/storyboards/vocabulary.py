"""Words of stories and what the drawn world has for them: places, things, people, actions, faces, light, shots.

The miniature picture model knows the words of ``illustrator.captions`` and no others. A word that has a counterpart is
translated; one that has none is named, so that a person sees what the picture cannot show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PLACES: dict[str, tuple[str, ...]] = {
    "city street": ("street", "road", "avenue", "pavement", "sidewalk", "city", "town", "alley", "crossroads", "kerb"),
    "village": ("village", "hamlet", "yard", "courtyard", "settlement", "cottage", "cottages"),
    "park": ("park", "garden", "playground", "lawn", "orchard"),
    "forest": ("forest", "wood", "woods", "jungle", "grove", "trees", "thicket"),
    "mountains": ("mountain", "mountains", "hill", "hills", "peak", "summit", "ridge", "pass", "valley", "cliff"),
    "desert": ("desert", "dune", "dunes", "sands", "oasis"),
    "beach": ("beach", "shore", "coast", "seaside", "sea", "ocean", "bay"),
    "field": ("field", "fields", "meadow", "steppe", "grassland", "farm", "pasture", "plain", "prairie"),
    "market": ("market", "bazaar", "fair", "stall", "stalls", "marketplace"),
    "kitchen": ("kitchen",),
    "living room": ("living room", "home", "house", "lounge", "sofa", "couch", "room", "flat"),
    "office": ("office", "desk", "workplace"),
    "classroom": ("classroom", "school", "blackboard"),
    "workshop": ("workshop", "garage", "studio", "forge", "shed", "factory"),
    "library": ("library", "bookshop", "archive", "reading room"),
}
NEAR_PLACES: dict[str, str] = {
    "harbour": "beach", "harbor": "beach", "port": "beach", "island": "beach", "lake": "beach", "river": "field",
    "square": "market", "shop": "market", "store": "market", "cafe": "kitchen", "café": "kitchen", "bakery": "kitchen",
    "restaurant": "kitchen", "bedroom": "living room", "hospital": "office", "bank": "office", "station": "city street",
    "palace": "library", "museum": "library", "castle": "village", "temple": "village", "bridge": "city street",
    "camp": "field", "tent": "field", "path": "field", "stable": "village", "barn": "village", "hall": "library",
}  # fmt: skip
"""Places that the world lacks, with the nearest that it has."""
NO_PLACES = ("spaceship", "space", "moon", "train", "aeroplane", "airplane", "plane", "boat", "ship", "cave", "sky")
"""Places without any counterpart."""

THINGS: dict[str, tuple[str, ...]] = {
    "horse": ("horse", "horses", "mare", "stallion", "pony"),
    "dog": ("dog", "dogs", "puppy", "hound"),
    "cat": ("cat", "cats", "kitten"),
    "sheep": ("sheep", "lamb", "ram"),
    "camel": ("camel", "camels"),
    "bird": ("bird", "birds", "pigeon", "sparrow", "dove"),
    "car": ("car", "cars", "taxi"),
    "bicycle": ("bicycle", "bicycles", "bike", "bikes"),
    "table": ("table", "tables", "counter"),
    "chair": ("chair", "chairs", "stool", "bench", "armchair"),
    "lamp": ("lamp", "lamps", "lantern"),
    "ball": ("ball", "balls", "football"),
    "umbrella": ("umbrella", "umbrellas", "parasol"),
    "basket": ("basket", "baskets"),
    "suitcase": ("suitcase", "suitcases", "luggage", "trunk"),
    "guitar": ("guitar", "guitars", "dombra", "lute"),
    "kite": ("kite", "kites"),
    "cake": ("cake", "cakes"),
    "flowers": ("flower", "flowers", "bouquet", "roses", "tulips"),
    "book": ("book", "books", "letter", "map", "notebook", "diary"),
    "cup": ("cup", "cups", "mug", "tea", "coffee"),
    "phone": ("phone", "phones", "telephone", "smartphone"),
}
NEAR_THINGS: dict[str, str] = {
    "donkey": "horse", "goat": "sheep", "wolf": "dog", "fox": "dog", "van": "car", "bag": "basket", "sack": "basket",
    "packet": "basket", "box": "suitcase", "chest": "suitcase", "bread": "cake", "pie": "cake", "newspaper": "book",
    "bowl": "cup",
    "duck": "bird", "hen": "bird", "eagle": "bird", "candle": "lamp", "violin": "guitar", "melon": "ball",
}  # fmt: skip
NO_THINGS = (
    "coin", "coins", "gold", "ring", "sword", "robe", "coat", "chips", "crisps", "bottle", "computer", "laptop",
    "television", "window", "door", "gate", "fire", "flag", "drum", "bell", "key", "crown", "treasure", "rope", "drone",
)  # fmt: skip
"""Things without any counterpart that stories often name."""

PEOPLE: tuple[str, ...] = (
    "merchant", "trader", "man", "woman", "boy", "girl", "child", "friend", "neighbour", "neighbor", "mother", "father",
    "mum", "mom", "dad", "grandmother", "grandfather", "grandma", "grandpa", "sister", "brother", "baker", "teacher",
    "farmer", "shepherd", "guard", "king", "queen", "stranger", "person", "customer", "driver", "doctor", "nurse",
    "musician", "painter", "student", "colleague", "boss", "waiter", "seller", "rider", "hunter", "traveller", "judge",
    "gardener", "librarian", "postman", "courier", "aunt", "uncle", "cousin", "daughter", "son", "wife", "husband",
    "elder", "khan", "wizard", "sailor", "fisherman", "poet", "thief", "beggar", "robber", "hero", "heroine", "keeper",
    "nan", "gran", "granny", "grandad", "granddad", "teenager", "toddler", "baby", "lady", "gentleman", "captain",
    "pilot", "soldier", "knight", "prince", "princess", "witch", "clown", "chef", "tailor", "carpenter",
    "policeman", "policewoman", "firefighter", "mayor", "nephew", "niece", "grandson", "granddaughter", "artist",
    "singer", "dancer", "barber", "banker", "cashier", "stepmother", "stepfather", "weaver", "woodcutter", "astronaut",
)  # fmt: skip
GROUPS: dict[str, int] = {
    "crowd": 3, "people": 3, "children": 3, "villagers": 3, "friends": 3, "neighbours": 3, "neighbors": 3, "family": 3,
    "customers": 3, "guests": 3, "everyone": 3, "everybody": 3, "couple": 2, "twins": 2, "parents": 2, "merchants": 3,
    "grandparents": 2, "colleagues": 3, "students": 3, "musicians": 3, "women": 3, "men": 3, "boys": 3, "girls": 3,
    "generations": 3, "cousins": 3, "brothers": 3, "sisters": 3, "kids": 3, "grandchildren": 3, "families": 3,
    "uncles": 3, "aunts": 3, "players": 3, "fans": 3, "passengers": 3, "strangers": 3,
    "audience": 3, "team": 3, "teenagers": 3,
    "sailors": 3, "soldiers": 3, "farmers": 3, "workers": 3, "sons": 3, "daughters": 3, "babies": 3, "relatives": 3,
    "every head": 3, "all heads": 3, "every face": 3, "all eyes": 3, "every eye": 3,
}  # fmt: skip
"""Words for several people and how many faces a picture of them shows at most (the world draws three people)."""

ACTIONS: dict[str, tuple[str, ...]] = {
    "running": ("run", "chase", "hurry", "rush", "race", "flee", "escape", "sprint", "gallop", "catch"),
    "dancing": ("dance", "twirl", "swing"),
    "jumping": ("jump", "leap", "hop", "skip"),
    "cheering": ("cheer", "celebrate", "win", "triumph", "applaud", "shout"),
    "waving": ("wave", "greet", "farewell", "welcome"),
    "reading": ("read", "study"),
    "carrying": ("carry", "bring", "lift", "hold", "deliver", "load", "trade", "buy", "sell", "give", "offer", "take"),
    "kneeling": ("kneel", "crouch", "plant", "pick", "bend", "search", "dig", "mend", "repair"),
    "pointing": ("point", "show", "explain", "lead"),
    "sitting": ("sit", "rest", "eat", "drink", "ride", "drive", "write", "sleep", "doze"),
    "walking": ("walk", "stroll", "wander", "cross", "climb", "leave", "return", "arrive", "travel", "go", "come",
                "follow", "enter", "pass", "head", "set"),
    "standing": ("stand", "wait", "look", "watch", "meet", "talk", "listen", "find", "see", "think", "smile", "stop",
                 "ask", "tell", "wonder", "notice", "stare", "discover", "laugh", "cry", "dream"),
}  # fmt: skip
NO_ACTIONS = ("fly", "swim", "cook", "paint", "sing", "dive", "fall", "fight", "play", "kiss", "hug", "sail", "bake")
"""Actions that the world has no pose for."""
_FORMS = (
    "ran=run running=run fled=flee won=win read=read carried=carry hurried=hurry brought=bring held=hold "
    "bought=buy sold=sell gave=give took=take knelt=kneel dug=dig showed=show led=lead sat=sit sitting=sit "
    "ate=eat drank=drink rode=ride drove=drive wrote=write slept=sleep left=leave went=go goes=go came=come "
    "stood=stand met=meet told=tell found=find saw=see thought=think hurries=hurry carries=carry cries=cry "
    "cried=cry caught=catch lept=leap flew=fly flies=fly swam=swim sang=sing fell=fall fought=fight studies=study "
    "stopped=stop stopping=stop winning=win studied=study swung=swing leapt=leap "
)
_IRREGULAR: dict[str, str] = dict(pair.split("=") for pair in _FORMS.split())
"""Forms of verbs that no rule of spelling gives, and their plain form."""

FACES: dict[str, tuple[str, ...]] = {
    "laughing": ("laugh", "laughs", "laughing", "laughter", "giggles", "joke"),
    "happy": ("happy", "smile", "smiles", "smiling", "proud", "proudly", "glad", "delighted", "joy", "joyful", "grins",
              "cheerful", "happily", "cheers", "celebrates", "love", "friendly"),
    "sad": ("sad", "sadly", "cry", "cries", "weeps", "lonely", "tears", "disappointed", "misses", "lost"),
    "angry": ("angry", "angrily", "furious", "shouts", "argues", "cross with"),
    "surprised": ("surprised", "surprise", "amazed", "astonished", "shocked", "suddenly", "startled", "discovers"),
    "afraid": ("afraid", "scared", "fear", "frightened", "terrified", "nervous", "worried"),
    "thoughtful": ("thinks", "thoughtful", "wonders", "ponders", "curious", "plans", "considers", "dreams", "idea",
                   "studies", "remembers"),
    "disgusted": ("disgusted", "disgust", "yuck", "stinks"),
    "asleep": ("asleep", "sleeps", "sleeping", "dozes", "nap"),
}  # fmt: skip
TIMES: dict[str, tuple[str, ...]] = {
    "dawn": ("dawn", "sunrise", "daybreak"),
    "morning": ("morning", "breakfast"),
    "noon": ("noon", "midday", "lunch", "afternoon", "day"),
    "evening": ("evening", "dusk", "sunset", "dinner", "twilight"),
    "night": ("night", "midnight", "moonlight", "moonlit", "stars", "nightfall"),
}
WEATHERS: dict[str, tuple[str, ...]] = {
    "rain": ("rain", "rains", "rainy", "raining", "storm", "shower"),
    "snow": ("snow", "snows", "snowy", "snowing", "winter"),
    "fog": ("fog", "foggy", "mist", "misty", "haze"),
    "cloudy": ("cloudy", "clouds", "overcast", "grey sky"),
}
SHOTS: dict[str, str] = {
    "ECU": "extreme close-up", "CU": "close-up", "MCU": "medium close-up", "MS": "medium shot",
    "MWS": "medium wide shot", "WS": "wide shot", "EWS": "extreme wide shot",
}  # fmt: skip
"""Abbreviations of shot sizes and the world's words for them. POV and OTS are points of view, not sizes."""
COLOURS = (
    "red", "rust", "orange", "mustard", "yellow", "olive", "green", "mint", "teal", "turquoise", "sky", "blue", "navy",
    "lilac", "purple", "plum", "pink", "coral", "brown", "camel", "cream", "white", "grey", "black",
)  # fmt: skip
NEAR_COLOURS = {"gray": "grey", "golden": "mustard", "gold": "mustard", "violet": "purple", "dark": "black",
                "beige": "cream", "silver": "grey", "scarlet": "red"}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A word of a text and the world's word for it; ``near`` when it is only the nearest, None when there is none."""

    word: str
    world: str | None
    near: bool
    start: int


def _pattern(words: Mapping[str, str | None]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))})(?![\w-])", re.IGNORECASE)


def _by_word(exact: Mapping[str, tuple[str, ...]]) -> dict[str, str | None]:
    return {word: world for world, words in exact.items() for word in (world, *words)}


_PLACE_OF: dict[str, str | None] = _by_word(PLACES) | NEAR_PLACES | dict.fromkeys(NO_PLACES)
_THING_OF: dict[str, str | None] = _by_word(THINGS) | NEAR_THINGS | dict.fromkeys(NO_THINGS)
_ACTION_OF: dict[str, str | None] = _by_word(ACTIONS) | dict.fromkeys(NO_ACTIONS)
_PLACE, _THING = _pattern(_PLACE_OF), _pattern(_THING_OF)
_PERSON = _pattern(dict.fromkeys(PEOPLE))
_GROUP = _pattern(dict.fromkeys(GROUPS))
_NOT_A_PLACE = re.compile(
    r"\b(?:passes|to pass|home(?:made|sick)|in plain|head home|by (?:boat|ship|train|(?:aero|air)?plane))\b",
    re.IGNORECASE,
)
_NUMBERS = {"two": 2, "both": 2, "a pair of": 2, "three": 3}
_PREPOSITION = re.compile(r"(?:in|at|on|to|into|through|across|over|from|near|by|of|along|beside|behind|onto|towards?|"
                          r"around|past|outside|inside|up|down|reach(?:es)?|enters?|crosses|leaves)"
                          r"(?:\s+(?!and\b|with\b)[\w-]+){0,3}?\s+$", re.IGNORECASE)  # fmt: skip


def _finds(
    pattern: re.Pattern[str], of: Mapping[str, str | None], near: Mapping[str, str], text: str
) -> Iterator[Found]:
    for match in pattern.finditer(text):
        word = match.group(1).lower()
        yield Found(word, of[word], word in near, match.start())


def places(text: str) -> list[Found]:
    """Places that whole words of ``text`` name, those after a preposition first (``in the market``)."""
    text = _NOT_A_PLACE.sub(lambda match: " " * len(match.group()), text)
    found = list(_finds(_PLACE, _PLACE_OF, NEAR_PLACES, text))
    return sorted(found, key=lambda item: (not _PREPOSITION.search(text[: item.start]), item.start))


def things(text: str) -> list[Found]:
    """Things and animals that whole words of ``text`` name, in order, each of the world's once."""
    seen: dict[str, Found] = {}
    for found in _finds(_THING, _THING_OF, NEAR_THINGS, text):
        seen.setdefault(found.world or found.word, found)
    return list(seen.values())


def people(text: str) -> list[str]:
    """Nouns for single people in ``text``, each once, in order."""
    return list(dict.fromkeys(match.group(1).lower() for match in _PERSON.finditer(text)))


def group_size(text: str) -> int:
    """How many people the words for several people in ``text`` stand for (the largest counts); 0 without one.

    A number in front of the word, as in "two grown cousins", says how many they are.
    """
    return max(
        (_told_number(text[: match.start()], match.group(1).lower()) for match in _GROUP.finditer(text)), default=0
    )


def _told_number(before: str, word: str) -> int:
    number = re.search(rf"\b({'|'.join(_NUMBERS)})\s+(?:[\w'-]+\s+)?$", before, re.IGNORECASE)
    return _NUMBERS[number.group(1).lower()] if number and word.endswith(("s", "men", "children")) else GROUPS[word]


def stem(word: str) -> str:
    """A verb's plain form, by a few rules of English spelling and a list of irregular ones."""
    word = word.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, instead in (
        ("ies", "y"),
        ("ching", "ch"),
        ("ing", ""),
        ("ied", "y"),
        ("ed", ""),
        ("es", ""),
        ("s", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            bare = word[: -len(ending)] + instead
            doubled = bare[:-1] if len(bare) > 3 and bare[-1] == bare[-2] else bare
            for form in (bare, bare + "e", doubled):
                if form in _ACTION_OF:
                    return form
    return word


def is_plain(verb: str) -> bool:
    """Whether a word is the plain form of a known action, as after "I"."""
    return verb.lower() in _ACTION_OF and stem(verb) == verb.lower()


def actions(text: str) -> list[Found]:
    """Actions that words of ``text`` name, in order."""
    found = []
    for match in re.finditer(r"[A-Za-z]+", text):
        plain = stem(match.group())
        if plain in _ACTION_OF and not _is_noun(text, match.start()):
            found.append(Found(match.group().lower(), _ACTION_OF[plain], False, match.start()))
    return found


def _is_noun(text: str, start: int) -> bool:
    """Whether the word at ``start`` follows an article or possessive, as in "a look" or "his walk"."""
    return (
        re.search(r"\b(?:a|an|the|his|her|their|my|our|its|no|this|that)\s+$", text[:start], re.IGNORECASE) is not None
    )


def first_of(table: Mapping[str, tuple[str, ...]], text: str) -> str | None:
    """The key of ``table`` whose words ``text`` names first, in whole words."""
    pattern = _pattern(_by_word(table))
    match = pattern.search(text)
    return _by_word(table)[match.group(1).lower()] if match else None


def colour_before(text: str, start: int) -> str | None:
    """The colour among the up to three words in front of ``start``."""
    for word in reversed(re.findall(r"[A-Za-z]+", text[max(0, start - 40) : start])[-3:]):
        known = NEAR_COLOURS.get(word.lower(), word.lower())
        if known in COLOURS:
            return known
    return None
