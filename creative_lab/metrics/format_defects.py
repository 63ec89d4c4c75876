"""Planters for the classes of fault that the format gate must find."""

from __future__ import annotations

from random import Random

from creative_lab.adaptation.gates.syllables import ceiling, spoken
from creative_lab.adaptation.gates.timing import frames_per_second, starts
from creative_lab.adaptation.script_elements import Element
from creative_lab.metrics.planting import (
    FIT,
    CleanScript,
    DefectClass,
    Planted,
    append,
    insert_sentence,
    said,
    with_draft,
    with_elements,
    with_row,
    with_text,
)

_FOREIGN = {
    "en": ("Endlich sind wir alle zusammen wieder zu Hause.", "Nous avons enfin tout le temps du monde.",
           "Por fin estamos todos juntos en casa otra vez."),
    "de": ("We are finally all together at home again.", "Nous avons enfin tout le temps du monde."),
    "ja": ("We are finally all together at home again.", "Endlich sind wir alle zusammen wieder zu Hause."),
}  # fmt: skip
_DESCRIPTIONS = (
    "Die Kamera fährt langsam durch das Zimmer und bleibt auf dem alten Sessel stehen.",
    "La caméra glisse lentement dans la pièce et s'arrête sur le vieux fauteuil.",
    "カメラはゆっくりと部屋を横切り、古い椅子の上で止まる。",
)
_STYLE = (
    "Warmes Abendlicht, ruhige Bilder, geringe Schärfentiefe und gedeckte Farben wie in einem alten Familienfilm.",
    "Lumière chaude du soir, images calmes, faible profondeur de champ et couleurs douces comme un vieux film.",
)
_FILLER = {
    "en": "And that is exactly what everybody around the table had been quietly hoping for all along.",
    "de": "Und genau das hatten sich alle am Tisch schon die ganze Zeit im Stillen gewünscht.",
    "ja": "それこそが、みんながずっと心の中でひそかに願っていたことでした。",
}
_NUMBER = {"en": "More than {} times.", "de": "Mehr als {} Mal.", "ja": "{}回以上。"}
_PRICE = {"en": "Now {}.", "de": "Jetzt {}.", "ja": "今なら{}。"}
_DATE = {"en": "From {}.", "de": "Ab {}.", "ja": "{}から。"}
_PHONE = {"en": "Call {}.", "de": "Ruf an: {}.", "ja": "お電話は{}。"}
_UNIT = {"en": "It takes {}.", "de": "Es sind {}.", "ja": "あと{}。"}


def _pick(random: Random, options: tuple[str, ...]) -> str:
    return random.choice(options)


def _drop_row(script: CleanScript, random: Random) -> Planted | None:
    rows = list(script.draft.script_rows)
    gone = rows.pop(random.randrange(len(rows)))
    anywhere = frozenset({"required_word", "must_preserve", "brand_name", "legal_line"}) | FIT
    return Planted(
        with_draft(script, script_rows=rows), None, f"row of shot {gone.shot_number} dropped", frozenset(), anywhere
    )


def _double_row(script: CleanScript, random: Random) -> Planted | None:
    rows = list(script.draft.script_rows)
    index = random.randrange(len(rows))
    rows.insert(index, rows[index])
    anywhere = FIT | {"timecode_order", "timecode_overlap"}
    return Planted(with_draft(script, script_rows=rows), None, f"row {index + 1} written twice", frozenset(), anywhere)


def _wrong_shot(script: CleanScript, random: Random) -> Planted | None:
    row = random.randrange(len(script.draft.script_rows))
    return Planted(with_row(script, row, shot_number=f"{row + 41:02}"), row, "shot number changed")


def _bad_timecode(script: CleanScript, random: Random) -> Planted | None:
    row = random.randrange(len(script.draft.script_rows))
    bad = random.choice(["0:05", "00:00:75:00", "00:00:12:48", "00-00-05-00", "5 s", "00:00:05", "", None])
    return Planted(with_row(script, row, timecode_start=bad), row, f"timecode {bad!r}", FIT, FIT | {"timecode_overlap"})


def _late_timecode(script: CleanScript, random: Random) -> Planted | None:
    rows = script.draft.script_rows
    if len(rows) < 2:
        return None
    row = random.randrange(1, len(rows))
    changed = with_row(script, row, timecode_start=rows[row - 1].timecode_start)
    return Planted(changed, row, "starts with the row before it", FIT, FIT | {"timecode_overlap"})


def _long_row(script: CleanScript, random: Random) -> Planted | None:
    rows = script.draft.script_rows
    row = random.randrange(len(rows) - 1)
    changed = with_row(script, row, duration_seconds=round((rows[row].duration_seconds or 2) + 1.5, 2))
    return Planted(changed, row, "lasts into the next row", frozenset({"timecode_runtime"}), FIT)


def _past_the_end(script: CleanScript, random: Random) -> Planted | None:
    rows = script.draft.script_rows
    row = len(rows) - 1
    if random.random() < 0.5:
        changed = with_row(script, row, duration_seconds=(rows[row].duration_seconds or 2) + 2)
        return Planted(changed, row, "last row runs over")
    seconds = script.context.origin.total_runtime_seconds
    changed = with_row(script, row, timecode_start=f"00:{seconds // 60:02}:{seconds % 60:02}:00")
    return Planted(changed, row, "last row starts after the end", frozenset(), frozenset({"timecode_overlap"}))


def _emptied(script: CleanScript, random: Random) -> Planted | None:
    row, name = random.randrange(len(script.draft.script_rows)), random.choice(["visual_text", "audio_text"])
    anywhere = frozenset({"required_word", "must_preserve", "legal_line", "row_function", "element_missing"})
    anywhere |= {"brand_name", "do_not_translate"} | FIT
    return Planted(
        with_row(script, row, **{name: random.choice(["", "  \n"])}), row, f"{name} emptied", frozenset(), anywhere
    )


def _wrong_code(script: CleanScript, random: Random) -> Planted | None:
    other = random.choice([code for code in ("fr-FR", "es-MX", "pt-BR") if not code.startswith(script.language)])
    return Planted(with_draft(script, language=other), None, f"language {other}")


def _foreign_words(script: CleanScript, random: Random) -> Planted | None:
    case = script.case
    options = [
        piece
        for piece in said(script, shown=False)
        if case.masked(piece.text) == piece.text.replace("’", "'") and not any(char.isdigit() for char in piece.text)
    ]
    if not options:
        return None
    piece = random.choice(options)
    words = _pick(random, _FOREIGN[script.language])
    anywhere = frozenset({"required_word", "must_preserve"})
    return Planted(with_text(script, piece, words), piece.row, f"says “{words}”", FIT | {"brand_guideline"}, anywhere)


def _untranslated(script: CleanScript, random: Random) -> Planted | None:
    if script.context.shares_language:
        return None
    pairs = []
    for row, origin in zip(script.rows, script.origin_rows, strict=True):
        for piece, source in zip(row.spoken, origin.spoken, strict=False):
            if len(script.case.masked(source.text).split()) >= 3 and not any(char.isdigit() for char in source.text):
                pairs.append((piece, source.text))
    if not pairs:
        return None
    piece, words = random.choice(pairs)
    also = FIT | {"translation_missing", "number_format", "unit_system", "currency_format"}
    return Planted(with_text(script, piece, words), piece.row, f"still says “{words}”", also)


def _foreign_description(script: CleanScript, random: Random) -> Planted | None:
    row = random.randrange(len(script.rows))
    words = _pick(random, _DESCRIPTIONS)
    first = True

    def change(element: Element) -> Element:
        nonlocal first
        if element.kind == "description" and first:
            first = False
            return element.with_text(words)
        return element

    return Planted(with_elements(script, row, "visual_text", change), row, "description not in English",
                   frozenset({"row_function"}))  # fmt: skip


def _foreign_style(script: CleanScript, random: Random) -> Planted | None:
    return Planted(with_draft(script, visual_style_prompt=_pick(random, _STYLE)), None, "style prompt not in English")


def _no_translation(script: CleanScript, random: Random) -> Planted | None:
    options = [piece for piece in said(script) if piece.element.translation]
    if script.language == "en" or not options:
        return None
    piece = random.choice(options)
    text = getattr(script.draft.script_rows[piece.row], piece.field)
    raw = piece.element.raw
    bare = raw.replace(f" ({piece.element.translation})", "")
    return Planted(
        with_row(script, piece.row, **{piece.field: text.replace(raw, bare, 1)}), piece.row, "translation left out"
    )


def _square_brackets(script: CleanScript, random: Random) -> Planted | None:
    options = [piece for piece in said(script) if piece.element.translation]
    if script.language == "en" or not options:
        return None
    piece = random.choice(options)
    text = getattr(script.draft.script_rows[piece.row], piece.field)
    inner = piece.element.translation
    opening, closing = random.choice([("[", "]"), ("{", "}"), ("（", "）")])
    changed = text.replace(f"({inner})", f"{opening}{inner}{closing}", 1)
    also = frozenset({"content_markup"}) if opening == "{" else frozenset()
    result = with_row(script, piece.row, **{piece.field: changed})
    return Planted(result, piece.row, f"translation in {opening}{closing}", also)


def _too_many_words(script: CleanScript, random: Random) -> Planted | None:
    options = said(script, shown=False)
    piece = random.choice(options)
    rows = script.draft.script_rows
    fps = frames_per_second(script.context.origin.script_rows, script.context.origin_country)
    begin = starts(rows, fps)
    speaking = sorted({other.row for other in options})
    later = [row for row in speaking if row > piece.row]
    end = begin[later[0]] if later else float(script.context.origin.total_runtime_seconds)
    window = (end or 0) - (begin[piece.row] or 0)
    limit = ceiling(script.language)[0] * max(window, rows[piece.row].duration_seconds or 0)
    changed, text = script, piece.text
    while spoken(text, script.language).syllables <= 1.08 * limit:
        text = f"{text} {_FILLER[script.language]}"
    changed = with_text(script, piece, text)
    return Planted(changed, piece.row, "more words than the window holds", frozenset({"brand_guideline"}),
                   frozenset({"voice_over_slack"}))  # fmt: skip


def _too_long_super(script: CleanScript, random: Random) -> Planted | None:
    options = [
        piece
        for piece in said(script, spoken=False)
        if (script.draft.script_rows[piece.row].duration_seconds or 9) < 5.5
    ]
    if not options:
        return None
    piece = random.choice(options)
    return Planted(
        append(script, piece, _FILLER[script.language]),
        piece.row,
        "super longer than its hold",
        frozenset({"super_words", "translation_missing"}),
    )


def _crowded_super(script: CleanScript, random: Random) -> Planted | None:
    options = said(script, spoken=False)
    if not options:
        return None
    piece = random.choice(options)
    changed = with_text(
        script, piece, " ".join([piece.text, *[_FILLER[script.language]] * (5 if script.language == "ja" else 2)])
    )
    return Planted(
        changed, piece.row, "super of more than three lines", frozenset({"super_hold", "translation_missing"})
    )


def _foreign_number(script: CleanScript, random: Random) -> Planted | None:
    number = {"de": "1,250.50", "ja": "1.250,5"}.get(script.language, "1.250,5")
    if script.market == "IN" and random.random() < 0.5:
        number = "1,250,000"
    return insert_sentence(script, random, _NUMBER[script.language].format(number), f"number {number}")


def _foreign_money(script: CleanScript, random: Random) -> Planted | None:
    dollars = script.context.target_pack is not None and script.context.target_pack.currency in (
        "AUD",
        "CAD",
        "NZD",
        "SGD",
        "USD",
    )
    amounts = ["£4.99", "€5", "₹450"] if dollars else ["$4.99", "US$5", "¥500"]
    if script.market in ("GB", "IE"):
        amounts = ["$4.99", "20 dollars", "¥500"]
    elif script.market == "IN":
        amounts = ["$4.99", "£5", "20 dollars"]
    elif script.language == "de":
        amounts = ["4,99 $", "£5", "4.99 €"]
    elif script.language == "ja":
        amounts = ["$5", "€5", "5ドル"]
    amount = random.choice(amounts)
    return insert_sentence(script, random, _PRICE[script.language].format(amount), f"amount {amount}")


def _foreign_unit(script: CleanScript, random: Random) -> Planted | None:
    system = script.context.target_pack.measurement if script.context.target_pack else "metric"
    options = {
        "metric": ["12 miles", "60 mph", "8 oz", "70°F"],
        "uk": ["12 km", "90 km/h", "70°F"],
        "us": ["12 km", "20 °C"],
    }[system]
    if script.language == "de":
        options = ["12 Meilen", "60 mph", "70 °F"]
    if script.language == "ja":
        options = ["12マイル", "8オンス", "70°F"]
    quantity = random.choice(options)
    return insert_sentence(script, random, _UNIT[script.language].format(quantity), f"quantity {quantity}")


def _foreign_date(script: CleanScript, random: Random) -> Planted | None:
    if script.market == "CA":
        return None  # every order is in use there
    date = {"US": "25/12/2026", "DE": "12/25/2026", "JP": "25/12/2026"}.get(script.market, "12/25/2026")
    if script.language == "en" and random.random() < 0.4:
        date = "25 December" if script.market == "US" else "December 25"
    return insert_sentence(script, random, _DATE[script.language].format(date), f"date {date}")


def _foreign_phone(script: CleanScript, random: Random) -> Planted | None:
    american = script.market in ("US", "CA")
    number = random.choice(["020 7946 0123", "+44 20 7946 0123"] if american else ["(212) 555-0147", "+1 212 555 0147"])
    return insert_sentence(
        script, random, _PHONE[script.language].format(number), f"number {number}", frozenset({"number_format"})
    )


def _markup(script: CleanScript, random: Random) -> Planted | None:
    piece = random.choice(said(script))
    text = piece.text
    kinds = {
        "bold": f"**{text}**", "placeholder": f"{text} {{{{price}}}}", "insert": f"{text} [INSERT PRICE]",
        "invisible": text[:1] + "\u200b" + text[1:], "html": f"{text}&nbsp;", "newline": text + "\\n",
        "todo": f"{text} TBD",
    }  # fmt: skip
    kind = random.choice(sorted(kinds))
    also = FIT | {"brand_name", "required_word", "must_preserve", "do_not_translate", "row_function"}
    also |= {"translation_missing"}
    return Planted(with_text(script, piece, kinds[kind]), piece.row, kind, also, also)


def _json_remains(script: CleanScript, random: Random) -> Planted | None:
    row = random.randrange(len(script.draft.script_rows))
    text = script.draft.script_rows[row].audio_text
    return Planted(
        with_row(script, row, audio_text=f'{text}\n"visual_text": '),
        row,
        "JSON key left",
        FIT | {"translation_missing", "element_missing", "language_spoken"},
    )


FORMAT_DEFECTS: tuple[DefectClass, ...] = tuple(
    DefectClass(check, "format_gate", planters)
    for check, planters in (
        ("row_count", (_drop_row, _double_row)),
        ("shot_number", (_wrong_shot,)),
        ("timecode_syntax", (_bad_timecode,)),
        ("timecode_order", (_late_timecode,)),
        ("timecode_overlap", (_long_row,)),
        ("timecode_runtime", (_past_the_end,)),
        ("empty_text", (_emptied,)),
        ("language_code", (_wrong_code,)),
        ("language_spoken", (_foreign_words, _untranslated)),
        ("language_description", (_foreign_description,)),
        ("language_style_prompt", (_foreign_style,)),
        ("translation_missing", (_no_translation,)),
        ("translation_style", (_square_brackets,)),
        ("voice_over_fit", (_too_many_words,)),
        ("super_hold", (_too_long_super,)),
        ("super_words", (_crowded_super,)),
        ("number_format", (_foreign_number,)),
        ("currency_format", (_foreign_money,)),
        ("unit_system", (_foreign_unit,)),
        ("date_format", (_foreign_date,)),
        ("phone_format", (_foreign_phone,)),
        ("content_markup", (_markup, _json_remains)),
    )
)
