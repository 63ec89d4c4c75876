"""The embedded story breakdown: reads a story by rule, sentence by sentence, with no model, key or network.

It keeps the story's own words. Sentences become scenes (long ones are cut at "then", "while", "but" and their like, the
shortest are joined when there are too many), the hero is found and named in every scene, each recurring thing keeps the
descriptor of its first mention, and a scene without a place stays where the story was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from creative_lab.storyboards import vocabulary as words
from creative_lab.storyboards.breakdown import FRONTAL_CLAUSE, BreakdownReply, Markers, SceneReply
from creative_lab.storyboards.framing import fits_first
from creative_lab.storyboards.record import LEAST_SCENES
from creative_lab.storyboards.sentences import (
    TITLES,
    first_person_count,
    in_third_person,
    is_english,
    seen_in,
    sentences,
    spoken_in,
    without_quotes,
)

MODEL = "embedded/breakdown"

_CUT = re.compile(
    r"\s*(?:;|,\s*(?:and\s+)?then\b|\band\s+then\b|,?\s+while\b|,?\s+until\b|,\s*but\b|,\s*so\b|,\s*and\b(?=\s+\w+s\b)"
    r"|,\s*where\b|\s+before\b|\s+after\b)\s*",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:he|she|they|him|her|his|their|them|himself|herself|i|my|we|our|us)\b", re.IGNORECASE)
_START_PRONOUN = re.compile(r"^(?:he|she|they)\b", re.IGNORECASE)
_LINKED = re.compile(r"^(?:(?:and|but|so|then)\b,?\s+)+(?=(?:he|she|they)\b)", re.IGNORECASE)
_OPENERS = (
    "a an the one on in at when every once she he they it his her their but and then there suddenly finally soon "
    "that this as after before while for with by from to of i we today monday sunday christmas next later now far "
    "near some all no yes snow rain everyone nobody people children inside outside meanwhile together just so if "
    "my our its two three back night morning "
)
_LED_IN = re.compile(
    r"^(?:in|at|on|when|after|before|then|suddenly|finally|soon|later|one|by|with|from|while|as|there|now|every)\b"
    r"(?:\W+\w+){0,5}?\W+(?:he|she)\b",
    re.IGNORECASE,
)
"""A sentence that gets to its subject after a time or a place."""
_NOT_NAMES = frozenset(_OPENERS.split())
"""Words that begin sentences with a capital and are no names."""
_NAME = re.compile(rf"\b(?:(?:{TITLES})\.?\s+)?[A-ZÀ-Ý][a-zà-ÿ]+(?:\s+[A-ZÀ-Ý][a-zà-ÿ]+)?\b")
_SUBJECT_NOUN = re.compile(r"^(?:(?:once|one|long)\b[^.]*?,?\s+)?(?:there\s+(?:was|is|lived|lives)\s+)?(?:an?|the)\s+"
                           r"(?P<noun>(?:[\w'-]+\s+){0,3}?[\w'-]+)\s+(?:who\s+)?(?P<verb>[\w'-]+)",
                           re.IGNORECASE)  # fmt: skip
"""How a story begins that calls its hero by a role: an article, up to three adjectives, the noun, what it does."""
_PLACES_BY = {
    "on": "beach shore coast street road avenue pavement sidewalk kerb hill hills farm steppe sofa couch mountain peak "
          "summit ridge cliff pass island bridge path lawn playground plain prairie dune dunes sands boat ship train "
          "plane aeroplane airplane moon",
    "at": "desk blackboard stall harbour harbor port seaside station crossroads fair workplace",
    "by": "sea ocean bay lake river",
    "among": "trees",
}  # fmt: skip
_PREPOSITION_OF = {noun: preposition for preposition, nouns in _PLACES_BY.items() for noun in nouns.split()}
"""The preposition that goes with a place; the others are "in"."""
_NO_ARTICLE = frozenset({"home", "school"})


@dataclass(frozen=True)
class Hero:
    """Who a story is about: what it is called, and the words that mean it."""

    name: str
    nouns: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that the hero is called."""
        return (self.name, *self.nouns)

    def named_in(self, text: str) -> bool:
        """Whether ``text`` names the hero."""
        return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in self.words)


def tell(story: str, *, most: int, hero_name: str | None = None) -> BreakdownReply:
    """A story in at most ``most`` scenes. ``hero_name`` is what the character is called, where it has a name."""
    story = " ".join(story.split())
    hero = find_hero(story, hero_name)
    if _is_first_person(story, hero_name):
        story = in_third_person(story, hero.name)
    beats = _beats(story, most - 1)  # frame 1 introduces everybody
    seen = [seen_in(beat) for beat in beats]
    elements = _elements(" ".join(seen), hero)
    scenes = [_opening(seen, elements, hero)]
    place = ""
    for beat, text in zip(beats, seen, strict=True):
        scene, place = _scene(text, hero, elements, place or _first_place(seen), spoken_in(beat))
        scenes.append(scene)
    last = next((scene for scene in reversed(scenes) if scene.subject_presence != "none"), scenes[-1])
    for number in range(LEAST_SCENES - len(scenes)):
        scenes.append(_closing(last, number))
    return BreakdownReply(
        reasoning=(
            f"Read by rule: {len(beats)} beats of the story's own sentences about {hero.name}; recurring: "
            f"{', '.join(elements.values()) or 'nothing'}. Frame 1 introduces the subject."
        ),
        num_scenes=len(scenes),
        consistency_markers=_markers(without_quotes(story), hero),
        scenes=[scene.model_copy(update={"frame": number}) for number, scene in enumerate(scenes, start=1)],
    )


def find_hero(story: str, name: str | None = None) -> Hero:
    """Whom a story is about: the given name, else the proper name that it uses most, else the role that it begins with.

    A story in the first person is about whoever tells it.
    """
    seen = without_quotes(story)
    if _is_first_person(story, name):
        return Hero(name or "the main character")
    counts: dict[str, int] = {}
    for found in proper_names(seen):
        counts[found] = counts.get(found, 0) + 1
    proper = max(counts, key=lambda word: (counts[word], -seen.index(word.split()[0])), default=None)
    role = _first_role(seen)
    if name:
        same = [word for word in counts if word.lower() == name.lower() or name.lower() in word.lower().split()]
        known = same[0] if same else None
        # A story may call its hero "the boy" although the character has a name.
        nouns = () if known else tuple(filter(None, [proper or role]))
        return Hero(known or name, nouns)
    if proper:
        return Hero(proper)
    if role:
        start = re.search(rf"\b{re.escape(role)}\b", seen, re.IGNORECASE)
        return Hero(f"the {_descriptor(seen, start.start() if start else 0, role)}", (role,))
    return Hero("the main character")


def proper_names(text: str) -> Iterator[str]:
    """Every mention of a proper name in ``text``: words in capitals that are not the first of an ordinary sentence."""
    for match in _NAME.finditer(text):
        parts = [part for part in match.group().split() if part.lower() not in _NOT_NAMES]
        if parts:
            yield " ".join(parts)


def _first_role(seen: str) -> str | None:
    """What a story calls its hero that has no name: its first subject if that is somebody, else the first person."""
    people = words.people(seen)
    begins = _SUBJECT_NOUN.search(seen)
    if begins:
        noun = begins["noun"].split()[-1].lower()
        ordinary = bool(words.things(noun) or words.places(noun) or words.group_size(noun) or _FUNCTION.match(noun))
        if words.actions(begins["verb"]) and not ordinary and not words.actions(noun):
            return noun
    return people[0] if people else None


def _is_first_person(story: str, name: str | None) -> bool:
    """Whether the hero tells the story: it says "I" more often than it says any name, and not the character's."""
    told = first_person_count(story)
    seen = without_quotes(story)
    if not told or (name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", seen, re.IGNORECASE)):
        return False
    names = [found for found in proper_names(seen) if found not in ("My", "Our", "We", "Me")]
    return told >= max((names.count(found) for found in names), default=0)


def unread(story: str) -> list[str]:
    """What a person should know about a story that the rules cannot read: nothing for one in English."""
    if is_english(story):
        return []
    return ["the story does not seem to be in English, and only English is read by rule: check who is in every scene"]


def recast(story: str, name: str | None) -> str:
    """The story with the character in its hero's part: the hero's proper name becomes the character's.

    It stays as it is where it names the character already, calls its hero by no name, or where the name may be a
    place's: no sentence begins with it, or somebody is in, at, from or near it.
    """
    hero = find_hero(story, name)
    if not name or not hero.nouns or not hero.nouns[0][:1].isupper():
        return story
    told = re.escape(hero.nouns[0])
    begins = re.search(rf"(?:^|[.!?…]\s+){told}\b", story)
    placed = re.search(rf"\b(?:in|at|from|near|through|over|into|across)\s+{told}\b", story, re.IGNORECASE)
    return re.sub(rf"\b{told}\b", hero.name, story) if begins and not placed else story


def _beats(story: str, most: int) -> list[str]:
    beats = sentences(story)
    while len(beats) < LEAST_SCENES - 1:
        longest = max(range(len(beats)), key=lambda i: len(beats[i]) if len(_cut(beats[i])) > 1 else 0)
        parts = _cut(beats[longest])
        if len(parts) < 2:
            break
        beats[longest : longest + 1] = parts
    while len(beats) > most:
        index = min(range(len(beats) - 1), key=lambda i: len(beats[i]) + len(beats[i + 1]))
        beats[index : index + 2] = [f"{beats[index].rstrip('.!? ')}, {_lowered(beats[index + 1])}"]
    return beats


def _cut(sentence: str) -> list[str]:
    """A sentence in two where it changes to something else; each part keeps at least three words."""
    for match in _CUT.finditer(sentence):
        left, right = sentence[: match.start()].strip(" ,"), sentence[match.end() :].strip(" ,")
        whole = without_quotes(left) + without_quotes(right)
        if len(seen_in(left).split()) >= 3 and len(seen_in(right).split()) >= 3 and not re.search(r"[\"“”„]", whole):
            return [left, right]
    return [sentence]


def _lowered(text: str) -> str:
    first = text.split(maxsplit=1)[0] if text.split() else ""
    return text[:1].lower() + text[1:] if first.lower() in _NOT_NAMES else text


def _elements(told: str, hero: Hero) -> dict[str, str]:
    """Things, animals and people of the story, each with one descriptor: the adjectives of its first mention."""
    found: dict[str, str] = {}
    for thing in words.things(told):
        found[thing.word] = _descriptor(told, thing.start, thing.word)
    for person in words.people(told):
        if person not in hero.nouns:
            start = re.search(rf"\b{person}\b", told, re.IGNORECASE)
            assert start is not None
            found[person] = _descriptor(told, start.start(), person)
    return found


_FUNCTION = re.compile(
    r"^(?:a|an|the|his|her|their|my|our|its|some|with|and|of|to|in|on|at|into|from|is|are|was|by|for|two|three|"
    r"this|that|every|no|another|who|which|or|as|near|beside|under|over|behind|through|but|then|up|down|off|out|"
    r"about|like|it|him|them|finds|sees|meets|reads|gets|buys|sells|gives|takes|has|have|had|holds|brings|carries|rides)$",
    re.IGNORECASE,
)


def _descriptor(text: str, start: int, word: str) -> str:
    """A noun with the adjectives in front of it: the words back to its article, if that is at most three words off."""
    within = re.split(r"[.!?…,;:]", text[max(0, start - 60) : start])[-1]
    before = re.findall(r"[\w'’-]+", within)[-4:]
    adjectives: list[str] = []
    for candidate in reversed(before):
        if _FUNCTION.match(candidate) or candidate.endswith(("'s", "’s")):
            return " ".join([*reversed(adjectives), word])
        adjectives.append(candidate.lower())
        if len(adjectives) > 2:
            break
    near = before[-1].lower() if before else ""
    is_adjective = near in (*words.COLOURS, *words.NEAR_COLOURS)
    return f"{near} {word}" if is_adjective else word


def _opening(seen: list[str], elements: dict[str, str], hero: Hero) -> SceneReply:
    """Frame 1: the hero from the front, where the story begins, with what fits beside a face of its key elements."""
    told = " ".join(seen)
    counts = {word: len(re.findall(rf"\b{re.escape(word)}\b", told, re.IGNORECASE)) for word in elements}
    most_told = sorted(elements, key=lambda word: (-counts[word], list(elements).index(word)))[:2]
    key = [word for word in most_told if fits_first(word)]
    place = _first_place(seen)
    with_them = f" with the {' and the '.join(elements[word] for word in key)}" if key else ""
    description = f"{_sentence_case(hero.name)}{with_them}, {place}, {FRONTAL_CLAUSE}"
    return SceneReply(
        description=description,
        background=place,
        elements=[elements[word] for word in key],
        people_visible=1 + sum(word in words.PEOPLE for word in key),
    )


def _scene(text: str, hero: Hero, elements: dict[str, str], place: str, spoken: str | None) -> tuple[SceneReply, str]:
    text = text.rstrip(".!?… ")
    if len(text.split()) < 2:
        text = f"{hero.name} speaks"
    text = _LINKED.sub("", text)
    named = hero.named_in(text)
    if not named and _START_PRONOUN.search(text):
        several = text[:4].lower() == "they"
        text = _START_PRONOUN.sub(f"{hero.name} and the others" if several else hero.name, text, count=1)
        named = True
    elif not named and _LED_IN.search(text):
        text = re.sub(r"\b(?:he|she)\b", hero.name, text, count=1, flags=re.IGNORECASE)
        named = True
    present = named or bool(_PRONOUN.search(text)) or (_acts(text) and not _has_own_subject(text))
    if present and not named:
        text = _with_name(text, hero.name) if _has_own_subject(text) else f"{hero.name} {_lowered(text)}"
    own = _own_place(text)
    if own:
        place = own
    inside: list[str] = []
    for word, descriptor in elements.items():
        mention = re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)
        if mention is None:
            continue
        inside.append(descriptor)
        if descriptor.lower() not in text.lower():
            # Adjectives of the descriptor that the beat repeats are part of what is replaced.
            known = "|".join(re.escape(part) for part in descriptor.split()[:-1])
            repeated = re.search(rf"\b(?:(?:{known})\s+)*{re.escape(word)}\b", text, re.IGNORECASE) if known else None
            mention = repeated or mention
            text = text[: mention.start()] + descriptor + text[mention.end() :]
    if not own:
        text = f"{text}, {place}"
    others = [word for word in words.people(text) if word not in hero.nouns]
    titled = {name for name in proper_names(text) if "." in name and name != hero.name}
    together = max(len(others) + len(titled), words.group_size(text), 1 if "and the others" in text else 0)
    faces = (1 if present else 0) + together
    return (
        SceneReply(
            description=_sentence_case(text),
            background=place,
            elements=inside,
            subject_presence="full" if present else "none",
            people_visible=min(faces, 3),
            dialogue=spoken,
        ),
        place,
    )


def _with_name(text: str, name: str) -> str:
    """The hero's name for the first pronoun of a sentence whose subject is somebody else."""
    text, count = re.subn(r"\b(?:him|them)\b", name, text, count=1, flags=re.IGNORECASE)
    if not count:
        text, count = re.subn(
            r"\b(?:his|their|her)\b(?=\s+(?!(?:a|an|the|some|to|in|at|and|with)\b)\w)",
            f"{name}'s",
            text,
            count=1,
            flags=re.IGNORECASE,
        )
    if not count:
        text, count = re.subn(r"\b(?:he|she|they|her)\b", name, text, count=1, flags=re.IGNORECASE)
    return text if count else f"{text}, with {name}"


def _acts(text: str) -> bool:
    return bool(words.actions(text))


def _has_own_subject(text: str) -> bool:
    """Whether a text begins with a subject other than the hero: an article or a noun before its first verb."""
    first = text.split(maxsplit=1)[0].lower() if text.split() else ""
    return first in {"a", "an", "the", "snow", "rain", "people", "everyone", "children", "two", "three", "some"} or (
        words.stem(first) not in {item for known in words.ACTIONS.values() for item in known}
        and not first.endswith("ing")
        and first not in {"to", "then", "so", "but", "and", "until", "while", "at", "in", "on", "from", "with"}
    )


def place_phrase(noun: str) -> str:
    """A place with its preposition: "in the park", "on the beach", "by the sea", "at home"."""
    if noun in _NO_ARTICLE:
        return f"at {noun}"
    return f"{_PREPOSITION_OF.get(noun, 'in')} the {noun}"


def _own_place(text: str) -> str:
    """The place that a sentence names, as a phrase; empty without one."""
    found = words.places(text)
    return place_phrase(found[0].word) if found else ""


def _first_place(seen: list[str]) -> str:
    """Where the story begins: the first place that it names; a park when it names none."""
    return next((place for place in map(_own_place, seen) if place), "in a park")


def _closing(last: SceneReply, number: int) -> SceneReply:
    what = ("a closer look at the face", "the wider view of the place", "the last look")[number % 3]
    return last.model_copy(
        update={"description": f"{last.description.rstrip('. ')}, {what}", "dialogue": None, "frame": None}
    )


def _markers(story: str, hero: Hero) -> Markers:
    time = words.first_of(words.TIMES, story) or "noon"
    weather = words.first_of(words.WEATHERS, story)
    face = words.first_of(words.FACES, story)
    light = {"dawn": "soft pink light of dawn", "morning": "clear morning light", "noon": "even daylight",
             "evening": "warm low sun of the evening", "night": "blue moonlight"}[time]  # fmt: skip
    return Markers(
        style="illustrated story frames in one hand, clean shapes",
        color_palette="muted, warm colours with a few strong accents",
        lighting=light + (f", {weather}" if weather else ""),
        composition="subject in the middle third, head room kept",
        mood={"sad": "wistful", "angry": "tense", "afraid": "tense", "laughing": "cheerful", "happy": "cheerful",
              "surprised": "playful", "thoughtful": "calm"}.get(face or "", "calm"),
        subject_description=f"{hero.name}, the same face, hair and build in every frame",
    )  # fmt: skip


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
