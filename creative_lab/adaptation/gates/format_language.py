"""Format gate: spoken and shown words in the target's language with a translation, everything else in English."""

from __future__ import annotations

import re
from collections.abc import Iterator

from creative_lab.adaptation.gates.case import Case, Check, Piece, finding
from creative_lab.adaptation.gates.identify import Guess, enough, guess, own_script
from creative_lab.adaptation.gates.words import fold, same_words, tokens
from creative_lab.adaptation.schemas import Finding

_QUOTED = re.compile(r"[\"“„«「『][^\"”“»」』\n]*[\"”“»」』]|(?<!\w)'[^'\n]+'(?!\w)")
_LETTERS = re.compile(r"[^\W\d_]")
_MISPLACED = re.compile(r"[(（\[{][^()（）\[\]{}]*[A-Za-z]{2}[^()（）\[\]{}]*[)）\]}]\s*$")


def language_code(case: Case) -> Iterator[Finding]:
    """The draft says that it is in the target's language."""
    import langcodes

    target = case.context.target_language
    try:
        base = (langcodes.get(case.draft.language.replace("_", "-")).language or "").lower()
        known = langcodes.tag_is_valid(case.draft.language.replace("_", "-"))
    except langcodes.LanguageTagError:
        base, known = "", False
    if not known:
        try:
            base = (langcodes.find(case.draft.language).language or "").lower()
        except LookupError:
            base = ""
        yield finding(
            "language_code",
            "minor" if base == case.language else "critical",
            f"The draft's language {case.draft.language!r} is not a language tag.",
            f"Set language to {target!r}.",
            "language",
        )
    elif base != case.language:
        yield finding(
            "language_code",
            "critical",
            f"The draft says it is in {case.draft.language!r}; the target speaks {target!r}.",
            f"Write the script in {case.context.target_language_name} and set language to {target!r}.",
            "language",
        )


def language_spoken(case: Case) -> Iterator[Finding]:
    """Spoken and shown words are in the target's language: the script as a whole, then each row that is clear."""
    name, origin = case.context.target_language_name, case.context.origin.language.split("-")[0].lower()
    texts = {row.index: [(piece, _words(case, piece)) for piece in row.said] for row in case.rows}
    wrong: list[tuple[Piece, str]] = []
    rows_with_words = 0
    for index, pieces in texts.items():
        spoken_here = [(piece, text) for piece, text in pieces if _LETTERS.search(text)]
        rows_with_words += bool(spoken_here)
        for piece, text in spoken_here:
            if language := _foreign(case, piece, text, origin):
                wrong.append((piece, language))
        del index
    wrong_rows = sorted({piece.row for piece, _ in wrong})
    whole = " ".join(text for pieces in texts.values() for _, text in pieces)
    opinion = guess(whole, case.language, origin) if enough(whole) or own_script(case.language) else None
    mostly = opinion is not None and opinion.contradicts(0.8) and rows_with_words > 2
    if mostly or (len(wrong_rows) > 2 and len(wrong_rows) > rows_with_words / 2):
        language = opinion.other if mostly and opinion else wrong[0][1]
        rows = f" (rows {', '.join(str(row + 1) for row in wrong_rows)})" if wrong_rows else ""
        yield finding(
            "language_spoken",
            "critical",
            f"The spoken and shown words are in {_name(language)}, not in {name}{rows}.",
            f"Translate every VO, DIALOGUE, SUPER, TITLE, TEXT and CARD into {name}, "
            "each followed by its English translation in parentheses.",
        )
        return
    for piece, language in wrong:
        yield finding(
            "language_spoken",
            "critical",
            f"“{piece.text}” is in {_name(language)}, not in {name}.",
            f"Say it in {name}.",
            piece,
        )


def _foreign(case: Case, piece: Piece, text: str, origin: str) -> str | None:
    """The language an element is in, when that is clearly not the target's."""
    if case.is_legal(piece):
        return None  # the brand gate holds legal lines to their letter
    origin_row = case.origin_of(piece.row)
    if origin != case.language and origin_row is not None and len(tokens(text)) >= 2:
        originals = [other.text for other in origin_row.said]
        if any(same_words(original, piece.text) for original in originals):
            return origin
    opinion = guess(text, case.language, origin)
    if opinion is None:
        return None
    if opinion.decided_by_script:
        letters = len(_LETTERS.findall(text))
        return opinion.other if opinion.contradicts(0.7) and letters > 3 else None
    return opinion.other if enough(text) and opinion.contradicts(0.93) else None


def language_description(case: Case) -> Iterator[Finding]:
    """Descriptions, effects, music and the style prompt are in English, for the crew that shoots them."""
    for row in case.rows:
        for piece in row.described:
            text = _QUOTED.sub(" ", case.masked(piece.text))
            if (opinion := _not_english(text, case.language)) is not None:
                yield finding(
                    "language_description",
                    "major",
                    f"The description is in {_name(opinion.other)}: “{piece.text[:80]}”.",
                    "Write descriptions, SFX and music cues in English.",
                    piece,
                )
    prompt = case.masked(case.draft.visual_style_prompt)
    if not prompt.strip():
        yield finding(
            "style_prompt_missing",
            "major",
            "visual_style_prompt is empty.",
            "Describe the look of the film in English, in one or two sentences.",
            "visual_style_prompt",
        )
    elif (opinion := _not_english(prompt, case.language)) is not None:
        yield finding(
            "language_style_prompt",
            "critical",
            f"The style prompt is in {_name(opinion.other)}.",
            "Write visual_style_prompt in English.",
            "visual_style_prompt",
        )


def _not_english(text: str, target: str) -> Guess | None:
    opinion = guess(text, "en", target)
    if opinion is None:
        return None
    if opinion.decided_by_script:
        return opinion
    return opinion if enough(text) and opinion.contradicts(0.93) else None


def translations(case: Case) -> Iterator[Finding]:
    """In other languages than English, each spoken and shown element carries its English translation in parentheses."""
    if case.english:
        return
    for row in case.rows:
        for piece in row.said:
            element = piece.element
            if not _LETTERS.search(case.masked(piece.text) if not case.is_legal(piece) else piece.text):
                continue  # names and numbers read the same in English
            if element.translation is None:
                if _MISPLACED.search(piece.text):
                    yield finding(
                        "translation_style",
                        "minor",
                        f"The translation stands inside the quotes of “{piece.text[:60]}”.",
                        'Write: "words" (translation).',
                        piece,
                    )
                    continue
                yield finding(
                    "translation_missing",
                    "major",
                    f"“{piece.text[:60]}” has no English translation.",
                    "Add the English translation in parentheses after the closing quote.",
                    piece,
                )
                continue
            if not element.translation.strip() or same_words(element.translation, piece.text):
                yield finding(
                    "translation_missing",
                    "major",
                    f"The brackets after “{piece.text[:60]}” hold no English translation.",
                    "Give the meaning in English in the parentheses.",
                    piece,
                )
            elif element.bracket != "(":
                yield finding(
                    "translation_style",
                    "minor",
                    f"The translation stands in “{element.bracket}”, not in parentheses.",
                    f"Write ({element.translation}).",
                    piece,
                )
            elif (opinion := _not_english(case.masked(element.translation), case.language)) is not None:
                yield finding(
                    "translation_missing",
                    "major",
                    f"The words in parentheses are in {_name(opinion.other)}, not in English.",
                    "Give the meaning in English in the parentheses.",
                    piece,
                )


def _words(case: Case, piece: Piece) -> str:
    """The words of an element that belong to a language: without names to keep and numbers."""
    words = case.masked(fold(piece.text)).split()
    return " ".join(word for word in words if not any(char.isdigit() for char in word))


def _name(code: str) -> str:
    import langcodes

    return langcodes.get(code).display_name("en")


CHECKS: tuple[Check, ...] = (language_code, language_spoken, language_description, translations)
