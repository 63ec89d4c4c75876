"""Drafts that go out to translators as XLIFF and come back as drafts that the gates can look at."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from creative_lab.adaptation.context import build_context
from creative_lab.adaptation.gates.identify import guess
from creative_lab.adaptation.rows import output_of
from creative_lab.adaptation.schemas import AdaptationContext, AdaptationOutput
from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual, render
from creative_lab.adaptation.xliff import export_xliff, import_xliff
from creative_lab.lake.tables import TableStore
from creative_lab.settings import Settings

_FIELDS = {"visual_text": parse_visual, "audio_text": parse_audio}


def export_adaptation(settings: Settings, session: Session, spot: str, target: str) -> bytes:
    """The last draft of a spot for a target as XLIFF, whether its gates passed or not.

    Raises ValueError when there is no draft.
    """
    return export_xliff(_last_draft(settings, spot, target), build_context(session, spot, target))


def translated_draft(settings: Settings, session: Session, spot: str, target: str, document: Path) -> AdaptationOutput:
    """The last draft of a spot for a target with a translator's words from an XLIFF file.

    Raises ValueError naming the file when it cannot be read or does not belong to the last draft.
    """
    draft = _last_draft(settings, spot, target)
    try:
        imported = import_xliff(document.read_bytes(), draft).draft
    except (ValueError, OSError) as error:
        raise ValueError(f"{document}: {error}") from error
    return finish_translation(draft, imported, build_context(session, spot, target))


def finish_translation(
    before: AdaptationOutput, after: AdaptationOutput, context: AdaptationContext
) -> AdaptationOutput:
    """``after`` as a draft in the target's language.

    Where the words that went out (``before``) were English, they are the meaning of the words that came back, and stand
    behind them in parentheses unless the translator gave another English version.
    """
    english = not context.target_language.lower().startswith("en") and _english_went_out(before, context)
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


def _english_went_out(draft: AdaptationOutput, context: AdaptationContext) -> bool:
    """Whether the words without a translation are English; also in a draft that came back half translated before."""
    if draft.language.split("-")[0].lower() == "en":
        return True
    pieces = [
        piece for row in draft.script_rows for field, parse in _FIELDS.items() for piece in parse(getattr(row, field))
    ]
    untranslated = [piece.text for piece in pieces if (piece.spoken or piece.shown) and piece.translation is None]
    found = guess(" ".join(untranslated), "en", context.target_language.split("-")[0].lower())
    return found is not None and found.expected > 0.5


def _with_meaning(was: Element, now: Element) -> Element:
    if not (now.spoken or now.shown) or now.text == was.text or now.translation is not None:
        return now
    return now.with_translation(was.text)


def _last_draft(settings: Settings, spot: str, target: str) -> AdaptationOutput:
    store, key = TableStore(settings), {"spot": spot, "target": target}
    draft = output_of(store.read("adapted_scripts", [key])) if store.exists("adapted_scripts", key) else None
    if draft is None:
        raise ValueError(f"there is no draft of {spot} for {target}: adapt the spot first")
    return draft
