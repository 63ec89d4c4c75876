"""Finishing a draft that came back from a translator: its language, and the English behind each translated line."""

from __future__ import annotations

from creative_lab.adaptation.schemas import AdaptationContext, AdaptationOutput
from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual, render

_FIELDS = {"visual_text": parse_visual, "audio_text": parse_audio}


def finish_translation(
    before: AdaptationOutput, after: AdaptationOutput, context: AdaptationContext
) -> AdaptationOutput:
    """``after`` as a draft in the target's language.

    Where the words that went out (``before``) were English, they are the meaning of the words that came back, and stand
    behind them in parentheses unless the translator gave another English version.
    """
    english = before.language.split("-")[0].lower() == "en" and not context.target_language.lower().startswith("en")
    rows = []
    for old, new in zip(before.script_rows, after.script_rows, strict=True):
        update = {}
        for field, parse in _FIELDS.items() if english else ():
            sent, returned = parse(getattr(old, field)), parse(getattr(new, field))
            if len(sent) == len(returned):
                pieces = [_with_meaning(was, now) for was, now in zip(sent, returned, strict=True)]
                update[field] = render(pieces)
        rows.append(new.model_copy(update=update))
    return after.model_copy(update={"language": context.target_language, "script_rows": rows})


def _with_meaning(was: Element, now: Element) -> Element:
    if not (now.spoken or now.shown) or now.text == was.text or now.translation is not None:
        return now
    return now.with_translation(was.text)
