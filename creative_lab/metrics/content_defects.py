"""Planters for the classes of fault that the culture, concept and brand gates must find."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

from creative_lab.adaptation.drafter.senses import meant
from creative_lab.adaptation.gates.case import Piece
from creative_lab.adaptation.gates.culture import noun_pattern
from creative_lab.adaptation.gates.words import WORD_END, WORD_START, fold, inflections, says
from creative_lab.metrics.planting import (
    FIT,
    CleanScript,
    DefectClass,
    Planted,
    describe,
    insert_sentence,
    said,
    with_elements,
    with_row,
    with_text,
)

_BARGAIN = {"en": "bargain", "de": "Schnäppchen", "ja": "お買い得"}
_NEUTRAL = {"en": "So it goes.", "de": "So ist das.", "ja": "そういうもの。"}
_BRAND_SIDE = frozenset({"brand_name", "do_not_translate", "required_word", "must_preserve", "row_function"})


def _undone(script: CleanScript, random: Random, *, planned: bool) -> Planted | None:
    """The origin's word back in a row that had the market's; ``planned``: the brief still asks for the change."""
    if script.language != "en":
        return None
    options = []
    for item in script.culture.substitutions:
        back, there = noun_pattern(item.original), noun_pattern(item.replacement)
        if back.search(fold(item.replacement)) or there.search(fold(item.original)):
            continue
        others = [other for other in script.culture.substitutions if other is not item]
        if any(
            back.search(fold(other.original))
            or back.search(fold(other.replacement))
            or noun_pattern(other.original).search(fold(item.original))
            for other in others
        ):
            continue  # "gas" in "gas station": which plan it breaks would be open
        for row, origin in zip(script.rows, script.origin_rows, strict=True):
            text = fold(f"{origin.row.visual_text}\n{origin.row.audio_text}")
            if not back.search(text):
                continue
            for piece in row.pieces:
                match = there.search(fold(piece.text))
                if match is None or script.case.is_legal(piece):
                    continue
                changed = piece.text[: match.start()] + item.original + piece.text[match.end() :]
                if meant(item.original, changed[: match.start()], changed[match.start() + len(item.original) :]):
                    options.append((item, piece, changed))
    if not planned:
        known = _residue_words(script)
        options = [option for option in options if option[0].original.lower() in known]
    if not options:
        return None
    item, piece, changed = random.choice(options)
    result = with_text(script, piece, changed)
    if not planned:
        kept = [other for other in script.culture.substitutions if other is not item]
        result = replace(result, culture=script.culture.model_copy(update={"substitutions": kept}))
    also = FIT | {"spelling_variant", "brand_guideline"}
    return Planted(result, piece.row, f"{item.replacement!r} back to {item.original!r}", also)


def _residue_words(script: CleanScript) -> set[str]:
    """Forms of the origin's market that have another name in the target's."""
    origin, target = script.context.origin_country or "", script.context.country_code or ""
    return {
        form.lower()
        for item in script.context.equivalents
        for form in item.forms.get(origin, [])
        if item.forms.get(target) and form.lower() not in {own.lower() for own in item.forms[target]}
    }


def _left_over(script: CleanScript, random: Random) -> Planted | None:
    return _undone(script, random, planned=False)


def _not_substituted(script: CleanScript, random: Random) -> Planted | None:
    return _undone(script, random, planned=True)


def _misspelled(script: CleanScript, random: Random) -> Planted | None:
    pack = script.context.target_pack
    if pack is None or pack.spelling is None:
        return None
    place = {"american": 0, "british": 1, "canadian": 2}[pack.spelling]
    table = [(item.american, item.british, item.canadian) for item in script.context.spellings]
    right = {form for item in table for form in inflections(item[place])}
    wrong = sorted(
        {
            other
            for item in table
            for other in item
            if other != item[place] and other not in right and meant(other, "", "")
        }
    )
    if not wrong:
        return None
    word = random.choice(wrong)
    return insert_sentence(script, random, f"Think {word}.", f"spelled {word!r}", frozenset({"origin_residue"}))


def _taboo(script: CleanScript, random: Random) -> Planted | None:
    terms = script.context.target_pack.taboos if script.context.target_pack else []
    if script.language == "ja":
        terms = [term for term in terms if not term.isascii()]
    if not terms:
        return None
    term = random.choice(terms)
    end = "。" if script.language == "ja" else "."
    return insert_sentence(
        script, random, f"{term[:1].upper()}{term[1:]}{end}", f"taboo {term!r}", frozenset({"language_spoken"})
    )


def _pitfall(script: CleanScript, random: Random) -> Planted | None:
    word = _BARGAIN[script.language]
    notes = [*script.culture.pitfalls, f"Never say “{word}”: it cheapens the brand here."]
    changed = replace(script, culture=script.culture.model_copy(update={"pitfalls": notes}))
    sentence = {"en": "What a bargain.", "de": "Ein echtes Schnäppchen.", "ja": "お買い得です。"}[script.language]
    return insert_sentence(changed, random, sentence, f"pitfall {word!r}")


def _wrong_season(script: CleanScript, random: Random) -> Planted | None:
    pack = script.context.target_pack
    if pack is None:
        return None
    sentence = {
        "south": random.choice(["Christmas morning, fresh snow on every roof.", "A warm summer evening in July."]),
        "north": random.choice(["Christmas morning, a sweltering terrace.", "A cold winter evening in July."]),
        "tropics": "Christmas morning, fresh snow on every roof.",
    }[pack.hemisphere]
    pieces = [row.index for row in script.rows if row.described and row.described[0].field == "visual_text"]
    row = random.choice(pieces)
    text = script.draft.script_rows[row].visual_text
    if re.search(r"christmas|new year|boxing|winter|summer|spring|autumn|july|december", text, re.IGNORECASE):
        return None
    return Planted(describe(script, row, sentence), row, sentence)


def _forbidden(script: CleanScript, random: Random) -> Planted | None:
    pack, brand = script.context.target_pack, script.context.brand
    if pack is None or brand is None:
        return None
    terms = [
        term for rule in pack.regulations if rule.category in ("*", brand.category) for term in rule.forbidden_terms
    ]
    if not terms:
        return None
    term = random.choice(terms)
    end = "。" if script.language == "ja" else "."
    also = frozenset({"banned_word", "brand_guideline", "taboo", "pitfall", "language_spoken", "spelling_variant"})
    return insert_sentence(script, random, f"{term[:1].upper()}{term[1:]}{end}", f"forbidden {term!r}", also)


def _lost_line(script: CleanScript, random: Random) -> Planted | None:
    """A line that must be kept is replaced wherever it stands."""
    literals = [
        text
        for item in script.concept.must_preserve
        for text in re.findall(r"“([^”]+)”", item)
        if says(_copy(script), text) and says(_origin_copy(script), text)
    ]
    if script.language != "en":
        literals = [text for text in literals if text in script.case.kept_names]
    if not literals:
        return None
    literal = random.choice(literals)
    pattern = re.compile(
        WORD_START
        + r"[\W_]+".join(re.escape(word) for word in re.findall(r"[\w'’&-]+", literal))
        + r"[.!?]?"
        + WORD_END,
        re.IGNORECASE,
    )
    changed = script
    for row in script.rows:
        for name in ("visual_text", "audio_text"):
            text = getattr(changed.draft.script_rows[row.index], name)
            stripped = pattern.sub(_NEUTRAL[script.language], text)
            if stripped != text:
                changed = with_row(changed, row.index, **{name: stripped})
    place = next((row.index for row in script.origin_rows if says("\n".join(p.text for p in row.said), literal)), None)
    also = (
        _BRAND_SIDE
        | FIT
        | {"brand_guideline", "element_missing", "language_spoken", "translation_missing", "legal_line"}
    )
    return Planted(changed, place, f"{literal!r} taken out", also - {"must_preserve"}, also)


def _copy(script: CleanScript) -> str:
    return "\n".join(piece.text for row in script.rows for piece in row.said)


def _origin_copy(script: CleanScript) -> str:
    return "\n".join(piece.text for row in script.origin_rows for piece in row.said)


def _silenced(script: CleanScript, random: Random) -> Planted | None:
    """All words of one kind are gone from a row."""
    options = []
    for row in script.rows:
        others = [piece for piece in row.pieces if piece.field == "audio_text" and not piece.said]
        if row.spoken and others:
            options.append((row.index, "audio_text"))
        if [piece for piece in row.shown if not script.case.is_legal(piece)] and row.described:
            options.append((row.index, "visual_text"))
    if not options:
        return None
    index, name = random.choice(options)
    legal = {piece.element for piece in script.rows[index].shown if script.case.is_legal(piece)}
    changed = with_elements(
        script, index, name, lambda item: None if (item.spoken or item.shown) and item not in legal else item
    )
    also = (_BRAND_SIDE - {"row_function"}) | {"element_missing"}
    return Planted(changed, index, f"no words left in {name}", also, also)


def _dropped_element(script: CleanScript, random: Random) -> Planted | None:
    options = [
        piece
        for row in script.rows
        for piece in row.pieces
        if piece.element.kind in ("sfx", "music")
        and len([other for other in row.pieces if other.field == "audio_text"]) > 1
    ]
    for row in script.rows:
        for group in (row.spoken, [piece for piece in row.shown if not script.case.is_legal(piece)]):
            if len(group) > 1:
                options += group
    if not options:
        return None
    piece = random.choice(options)
    changed = with_elements(script, piece.row, piece.field, lambda item: None if item == piece.element else item)
    return Planted(changed, piece.row, f"{piece.element.kind} dropped", _BRAND_SIDE, _BRAND_SIDE)


def _near(name: str, random: Random) -> str:
    """The name with one slip of the pen: a letter doubled, left out, swapped or changed."""
    at = random.randrange(1, len(name) - 1)
    kind = random.choice(["double", "drop", "swap", "change"])
    if kind == "double":
        return name[:at] + name[at] + name[at:]
    if kind == "drop":
        return name[:at] + name[at + 1 :]
    if kind == "swap" and name[at] != name[at + 1]:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name[:at] + ("z" if name[at] != "z" else "q") + name[at + 1 :]


def _misspelled_name(script: CleanScript, random: Random, names: list[str]) -> Planted | None:
    options = [(piece, name) for piece in said(script) for name in names if name in piece.text]
    if not options:
        return None
    piece, name = random.choice(options)
    wrong = _near(name, random)
    also = (_BRAND_SIDE - {"do_not_translate", "brand_name"}) | FIT | {"language_spoken", "translation_missing"}
    return Planted(
        with_text(script, piece, piece.text.replace(name, wrong)), piece.row, f"{name!r} as {wrong!r}", also, also
    )


def _wrong_brand(script: CleanScript, random: Random) -> Planted | None:
    return _misspelled_name(script, random, list(script.case.brand_names))


def _wrong_name(script: CleanScript, random: Random) -> Planted | None:
    names = [name for name in script.case.kept_names if name not in script.case.brand_names]
    return _misspelled_name(script, random, names)


def _translated_name(script: CleanScript, random: Random) -> Planted | None:
    """A product's name turned into other words."""
    names = [name for name in script.case.kept_names if name not in script.case.brand_names]
    options = [(piece, name) for piece in said(script) for name in names if name in piece.text]
    if not options:
        return None
    piece, name = random.choice(options)
    words = {"en": "the new one", "de": "der Neue", "ja": "新型"}[script.language]
    also = (_BRAND_SIDE - {"do_not_translate"}) | FIT
    also |= {"language_spoken", "brand_guideline", "translation_missing"}
    return Planted(
        with_text(script, piece, piece.text.replace(name, words)), piece.row, f"{name!r} as {words!r}", also, also
    )


def _legal_piece(script: CleanScript) -> Piece | None:
    return next((piece for row in script.rows for piece in row.said if script.case.is_legal(piece)), None)


def _legal_altered(script: CleanScript, random: Random) -> Planted | None:
    piece = _legal_piece(script)
    if piece is None:
        return None
    words = piece.text.split(" ")
    if len(words) < 3:
        changed = piece.text[:-2] + piece.text[-1:]
    else:
        at = random.randrange(len(words) - 1)
        changed = " ".join(words[:at] + words[at + 1 :])
    also = FIT | {
        "element_missing",
        "row_function",
        "language_spoken",
        "number_format",
        "translation_missing",
        "currency_format",
    }
    return Planted(with_text(script, piece, changed), piece.row, "a word of the legal line left out", also)


def _legal_missing(script: CleanScript, _: Random) -> Planted | None:
    piece = _legal_piece(script)
    if piece is None:
        return None
    changed = with_elements(script, piece.row, piece.field, lambda item: None if item == piece.element else item)
    return Planted(changed, piece.row, "legal line left out", _BRAND_SIDE)


def _legal_of_another(script: CleanScript, random: Random) -> Planted | None:
    piece, brand = _legal_piece(script), script.context.brand
    if piece is None or brand is None:
        return None
    own = brand.legal_lines.get(script.context.country_code or "", "")
    lines = sorted(
        {line for line in brand.legal_lines.values() if line not in own and own not in line and line.isascii()}
    )
    if not lines:
        return None
    line = random.choice(lines)
    also = FIT | {"element_missing", "row_function", "language_spoken"}
    return Planted(with_text(script, piece, line), piece.row, f"legal line “{line}”", also)


def _banned(script: CleanScript, random: Random) -> Planted | None:
    words = script.context.brand.banned_words if script.context.brand else []
    if not words:
        return None
    word = random.choice(words)
    written = word
    if script.language == "en" and word.isalpha() and random.random() < 0.5:
        written = random.choice(
            sorted(form for form in inflections(word) if form.endswith(("s", "ed", "ing", "er")) and "'" not in form)
            or [word]
        )
    sentence = {"en": f"Now {written}.", "de": f"Jetzt {written}.", "ja": f"{written}です。"}[script.language]
    also = frozenset(
        {
            "forbidden_term",
            "taboo",
            "pitfall",
            "brand_guideline",
            "language_spoken",
            "origin_residue",
            "spelling_variant",
        }
    )
    return insert_sentence(script, random, sentence, f"banned {written!r}", also)


def _required_gone(script: CleanScript, random: Random) -> Planted | None:
    brand = script.context.brand
    tag = script.context.target_language.lower()
    lines = [item.text for item in brand.required_words if item.language.lower() == tag] if brand else []
    lines = [line for line in lines if len(line.split()) > 1 and says(_copy(script), line)]
    if not lines:
        return None
    line = random.choice(lines)
    pattern = re.compile(re.escape(line.rstrip(".!?")) + r"[.!?]?", re.IGNORECASE)
    changed = script
    for row in script.rows:
        for name in ("visual_text", "audio_text"):
            text = getattr(changed.draft.script_rows[row.index], name)
            changed = with_row(changed, row.index, **{name: pattern.sub(_NEUTRAL[script.language], text)})
    place = next((row.index for row in script.origin_rows if says("\n".join(p.text for p in row.said), line)), None)
    also = FIT | {"must_preserve", "brand_guideline"}
    return Planted(changed, place, f"{line!r} taken out", also, also)


def _against_guideline(script: CleanScript, random: Random) -> Planted | None:
    guidelines = script.context.brand.guidelines if script.context.brand else ""
    sentences = [
        text for text in re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n", guidelines) if re.search(r"\b(?:[Nn]ever|no)\b", text)
    ]
    terms = [term for text in sentences for term in re.findall(r"(?<!\w)'([a-z][^']{2,40})'(?!\w)", text)]
    known = {word.lower() for word in script.context.brand.banned_words} if script.context.brand else set()
    terms = [term for term in terms if term.lower() not in known]
    if not terms:
        return None
    term = random.choice(terms)
    sentence = {"en": f"It is {term}.", "de": f"Das ist {term}.", "ja": f"{term}です。"}[script.language]
    also = frozenset({"forbidden_term", "taboo", "pitfall", "banned_word", "language_spoken", "origin_residue"})
    return insert_sentence(script, random, sentence, f"against a guideline: {term!r}", also)


CONTENT_DEFECTS: tuple[DefectClass, ...] = (
    DefectClass("origin_residue", "culture_gate", (_left_over,)),
    DefectClass("substitution_missing", "culture_gate", (_not_substituted,)),
    DefectClass("spelling_variant", "culture_gate", (_misspelled,)),
    DefectClass("taboo", "culture_gate", (_taboo,)),
    DefectClass("pitfall", "culture_gate", (_pitfall,)),
    DefectClass("season_mismatch", "culture_gate", (_wrong_season,)),
    DefectClass("forbidden_term", "culture_gate", (_forbidden,)),
    DefectClass("must_preserve", "concept_gate", (_lost_line,)),
    DefectClass("row_function", "concept_gate", (_silenced,)),
    DefectClass("element_missing", "concept_gate", (_dropped_element,)),
    DefectClass("brand_name", "brand_gate", (_wrong_brand,)),
    DefectClass("do_not_translate", "brand_gate", (_wrong_name, _translated_name)),
    DefectClass("legal_line", "brand_gate", (_legal_altered, _legal_missing, _legal_of_another)),
    DefectClass("banned_word", "brand_gate", (_banned,)),
    DefectClass("required_word", "brand_gate", (_required_gone,)),
    DefectClass("brand_guideline", "brand_gate", (_against_guideline,)),
)
