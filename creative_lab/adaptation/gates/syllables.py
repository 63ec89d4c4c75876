"""How many syllables (or morae) a text takes to say, and how many a second a voice can say, by language.

Ceilings scale the rates that F. Pellegrino, C. Coupé and E. Marsico measured ("A cross-language perspective on speech
information rate", Language 87(3), 2011; C. Coupé et al., Science Advances 5(9), 2019) to the English ceiling of voice
practice: above about 210 to 220 words a minute a spot sounds rushed, which is 5.5 syllables a second at 1.5 syllables
a word. A rate that was not measured there is marked as an estimate in ``docs/guides/gates.md``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

ENGLISH_CEILING = 5.5
_MEASURED = {"en": 6.19, "de": 5.97, "fr": 7.18, "it": 6.99, "ja": 7.84, "zh": 5.18, "es": 7.82, "vi": 5.25}
_ESTIMATED = {
    "pt": 7.0, "nl": 6.2, "sv": 6.0, "da": 6.2, "nb": 6.2, "no": 6.2, "fi": 7.2, "pl": 6.4, "cs": 6.4, "tr": 7.1,
    "ko": 7.0, "hi": 6.6, "ar": 6.0, "ru": 6.4, "el": 7.0, "hu": 6.6, "th": 5.0, "id": 6.6,
}  # fmt: skip

KANJI_MORAE = 1.9
"""Average morae of one kanji in running text, over its Sino-Japanese and native readings (estimate)."""
ARABIC_SYLLABLES_PER_LETTER = 0.6
"""Arabic writes no short vowels, so letters are counted instead of syllables (estimate)."""

_VOWELS = re.compile(r"[aeiouyàâäáãåæèêëéìîïíòôöóõøœùûüúýÿāēīōūąęıİ]+", re.IGNORECASE)
_CYRILLIC_VOWELS = re.compile(r"[аеёиоуыэюяіїєө]", re.IGNORECASE)
_GREEK_VOWELS = re.compile(r"(?:ου|αι|ει|οι|υι|αυ|ευ|[αεηιουωάέήίόύώϊϋΐΰ])", re.IGNORECASE)
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc]")
_SMALL_KANA = re.compile("[ぁぃぅぇぉゃゅょゎァィゥェォャュョヮ]")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff々]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3]")
_DEVANAGARI_CONSONANT = re.compile("[\u0915-\u0939\u0958-\u095f]")
_DEVANAGARI_INDEPENDENT = re.compile("[\u0904-\u0914]")
_THAI_VOWEL = re.compile("[\u0e30-\u0e3a\u0e40-\u0e44\u0e2d\u0e47]")
_SILENT_E = re.compile(r"(?:[^aeiouyl]e|[^aeiouy]les|[aeiouy]le|[^aeiouydt]ed|[^aeiouyscxzg]es|[^aeiouysc]hes)$")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f'’]\d+)*")
_SYMBOLS = {"$": 2, "£": 1, "€": 2, "¥": 1, "₹": 2, "%": 2, "&": 1, "@": 1, "°": 2, "+": 1}


@dataclass(frozen=True)
class Spoken:
    """How long a text is to say: syllables (morae in Japanese), and whether they are an estimate."""

    syllables: float
    estimated: bool


def ceiling(language: str) -> tuple[float, bool]:
    """Syllables a second above which a spot sounds rushed, and whether the rate is an estimate."""
    base = language.split("-", maxsplit=1)[0].lower()
    rate = _MEASURED.get(base)
    scaled = round(ENGLISH_CEILING * (rate or _ESTIMATED.get(base, 6.19)) / 6.19, 2)
    return scaled, rate is None


@lru_cache(maxsize=4096)
def spoken(text: str, language: str) -> Spoken:
    """Count what a voice says, digits read out in the language.

    Latin scripts: the larger of the vowel groups and the hyphenation points of pyphen's dictionaries, per word.
    Japanese: kana exactly, kanji by average. Chinese and Korean: one syllable a character. Arabic: by letters.
    """
    base = language.split("-", maxsplit=1)[0].lower()
    total = float(sum(_SYMBOLS.get(char, 0) for char in text))
    estimated = False
    for number in _NUMBER.findall(text):
        words, guessed = _read_out(number, base)
        counted = _letters(words, base)
        total += counted.syllables
        estimated |= guessed or counted.estimated
    counted = _letters(_NUMBER.sub(" ", text), base)
    return Spoken(total + counted.syllables, estimated or counted.estimated)


def _letters(text: str, base: str) -> Spoken:
    total, estimated = 0.0, False
    kana, kanji = len(_KANA.findall(text)) - len(_SMALL_KANA.findall(text)), len(_HAN.findall(text))
    if base == "ja":
        total += kana + KANJI_MORAE * kanji
        estimated |= kanji > 0
    else:
        total += kana + kanji
    total += len(_HANGUL.findall(text))
    if arabic := len(_ARABIC.findall(text)):
        total += ARABIC_SYLLABLES_PER_LETTER * arabic
        estimated = True
    if consonants := len(_DEVANAGARI_CONSONANT.findall(text)):
        words = len(re.findall(r"[\u0900-\u097f]+", text))
        # An unwritten a follows each consonant but a joined (virama) one, and is dropped at most word ends.
        total += max(words, consonants - text.count("\u094d") - words // 2) + len(_DEVANAGARI_INDEPENDENT.findall(text))
        estimated = True
    if thai := len(_THAI_VOWEL.findall(text)):
        total += thai
        estimated = True
    total += len(_CYRILLIC_VOWELS.findall(text)) + len(_GREEK_VOWELS.findall(text))
    for word in _WORD.findall(text):
        plain = "".join(char for char in word if "LATIN" in unicodedata.name(char, "") or char in "'’")
        if plain:
            total += _latin(plain, base)
    return Spoken(total, estimated)


@lru_cache(maxsize=16384)
def _latin(word: str, base: str) -> int:
    letters = word.replace("’", "'")
    if len(letters) <= 5 and letters.isupper() and not _VOWELS.search(letters):
        return len(letters) + 2 * letters.count("W")  # spelled out: "TV", "SFX"
    groups = _groups(letters.lower(), base)
    dictionary = _hyphenation(base)
    points = len(dictionary.positions(letters)) + 1 if dictionary is not None else 1
    return max(1, groups, points)


def _groups(word: str, base: str) -> int:
    count = len(_VOWELS.findall(word))
    if base == "en":
        stem = re.sub(r"'(?:s|t|d|ll|re|ve|m)$", "", word)
        if _SILENT_E.search(stem):
            count -= 1
        count += len(re.findall(r"ia(?!n\b)|io(?!n|us)|iet|reat(?=i)|[aeo]i?ing\b|uous|ism\b|[^r]n't$", stem))
    elif base in ("es", "it", "pt"):
        count += len(re.findall(r"[aeo][aeo]|[aeo][íú]|[íú][aeo]", word))
    elif base == "fr":
        count -= bool(re.search(r"[^aeiouyé](?:e|es|ent)$", word)) and count > 1
    return max(count, 1)


@lru_cache(maxsize=64)
def _hyphenation(base: str) -> Any:
    import pyphen

    tag = {"en": "en_US", "de": "de_DE", "pt": "pt_BR", "nb": "nb_NO", "no": "nb_NO"}.get(base)
    name = tag or pyphen.language_fallback(base)
    return pyphen.Pyphen(lang=name) if name in pyphen.LANGUAGES else None


@lru_cache(maxsize=4096)
def _read_out(number: str, base: str) -> tuple[str, bool]:
    """A number in words, and whether another language had to stand in."""
    import num2words

    plain = re.sub(r"[\u00a0\u202f'’]", "", number)
    last = max(plain.rfind("."), plain.rfind(","))
    decimals = plain[last + 1 :] if last >= 0 else ""
    if last >= 0 and len(decimals) != 3:
        plain = re.sub(r"[.,]", "", plain[:last]) + "." + decimals
    else:
        plain = re.sub(r"[.,]", "", plain)
    if len(plain) > 15 or (len(plain) > 7 and "." not in plain):
        plain = plain.replace(".", "")
        return " ".join(num2words.num2words(int(digit)) for digit in plain), base != "en"
    value = float(plain) if "." in plain else int(plain)
    for tag, guessed in ((base, False), ("en", base != "en")):
        try:
            if tag == "en" and isinstance(value, int) and 1100 <= value <= 2099 and plain == number:
                return num2words.num2words(value, to="year"), guessed
            return str(num2words.num2words(value, lang=tag)), guessed
        except (NotImplementedError, OverflowError, TypeError, ValueError, KeyError, IndexError):
            continue
    return " ".join("two" for _ in plain), True
