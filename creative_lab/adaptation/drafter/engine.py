"""All rules of one spot and one target together: takes rows, gives adapted rows and every change with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from creative_lab.adaptation.drafter import dates, legal, money, protection, seasons, staging, units
from creative_lab.adaptation.drafter.lexicon import Swap, spelling_finder, swap_finder
from creative_lab.adaptation.drafter.matching import Change, Finder, Outcome, apply
from creative_lab.adaptation.schemas import AdaptationContext, ScriptRow
from creative_lab.adaptation.script_elements import Element, parse_audio, parse_visual, render
from creative_lab.reference.market_packs import MarketPack


@dataclass(frozen=True)
class Engine:
    """The rules that move a script of ``context``'s origin to its target, with these planned swaps.

    With another language than the origin's, words that are spoken or shown are not touched: no rule can translate.
    """

    context: AdaptationContext
    swaps: tuple[Swap, ...] = ()

    @cached_property
    def packs(self) -> tuple[MarketPack, MarketPack] | None:
        """Formats of the origin and of the target, or None where one is unknown or both are the same."""
        origin, target = self.context.origin_pack, self.context.target_pack
        if origin is None or target is None or origin.country == target.country:
            return None
        if not self.context.shares_language:
            target = target.model_copy(update={"locale": self.context.origin.language, "spelling": origin.spelling})
        return origin, target

    @cached_property
    def protected(self) -> list[str]:
        """Terms that stay as they are."""
        return protection.protected_terms(self.context)

    @cached_property
    def legal(self) -> legal.LegalLines:
        """The legal lines of both markets."""
        return legal.lines_of(self.context)

    @cached_property
    def _step(self) -> int:
        """Units of the currency that the script's round-up goes to; 0 where it speaks of none."""
        if self.packs is None:
            return 0
        whole = "\n".join(row.audio_text + row.visual_text for row in self.context.origin.script_rows)
        return money.round_up_step(whole, *self.packs)

    @cached_property
    def _reasons(self) -> dict[str, str]:
        return {swap.original: swap.why for swap in self.swaps}

    @cached_property
    def _swaps(self) -> Finder:
        return swap_finder(self.swaps)

    @cached_property
    def _spelling(self) -> Finder:
        if self.packs is None:
            return spelling_finder((), None, None)
        return spelling_finder(self.context.spellings, self.packs[0].spelling, self.packs[1].spelling)

    def text(self, text: str, *, row_text: str = "", described: bool = False) -> Outcome:
        """One text by all rules; ``row_text`` is the whole row, ``described`` marks a description for the crew."""
        finders: list[Finder] = [self._swaps]
        if self.packs is not None:
            origin, target = self.packs
            fixed = seasons.holds_fixed_day(row_text or text)
            finders += [
                lambda t: dates.phone_finder(t, origin, target),
                lambda t: money.finder(t, origin, target, step=self._step),
                lambda t: units.finder(t, origin, target),
                lambda t: dates.finder(t, origin, target),
                lambda t: seasons.finder(t, origin, target, fixed_day=fixed),
                self._spelling,
            ]
            if target.hemisphere == "tropics" and origin.hemisphere != "tropics":
                finders.append(seasons.timeless_finder)
            if described:
                finders.insert(1, lambda t: staging.finder(t, origin, target))
        outcome = apply(text, finders, protection.spans(text, self.protected))
        outcome.changes = [replace(change, why=self._reasons.get(change.why, change.why)) for change in outcome.changes]
        return outcome

    def rows(self, rows: Sequence[ScriptRow]) -> tuple[list[ScriptRow], list[Change]]:
        """Rows by all rules; numbers, timecodes and durations stay as they are."""
        adapted: list[ScriptRow] = []
        changes: list[Change] = []
        for index, row in enumerate(rows):
            whole = f"{row.visual_text}\n{row.audio_text}"
            visual = [self._element(e, whole, index, "visual", changes) for e in parse_visual(row.visual_text)]
            audio = [self._element(e, whole, index, "audio", changes) for e in parse_audio(row.audio_text)]
            visual, audio = (self._without_foreign_legal(part, index, changes) for part in (visual, audio))
            if self.packs is not None:
                visual, audio = (self._reseason(part, whole, index, changes) for part in (visual, audio))
            adapted.append(row.model_copy(update={"visual_text": render(visual), "audio_text": render(audio)}))
        return adapted, changes

    def _without_foreign_legal(self, part: list[Element], index: int, changes: list[Change]) -> list[Element]:
        """Elements without the origin's legal line, where the target's market has none: it speaks of another law."""
        if not part or not self.legal.missing or not self.context.shares_language:
            return part
        result = []
        for element in part:
            rest = legal.without(element.text, self.legal.origin) if element.spoken or element.shown else None
            if rest is not None:
                why = "the origin's legal line; none is on file for this market"
                changes.append(
                    Change(self.legal.origin, "", "legal_line", why, index, "visual" if element.shown else "audio")
                )
            if rest is None or rest:
                result.append(element if rest is None else element.with_text(rest))
        if not result:
            bare = replace(part[0], kind="description", lead="", join="", translation=None, tail="")
            return [replace(bare, text="Hold on the picture.")]
        return result

    def _reseason(self, part: list[Element], whole: str, index: int, changes: list[Change]) -> list[Element]:
        """Seasons of a row whose holiday became one of another time of the year."""
        feasts = [change.replacement for change in changes if change.row == index and change.kind == "holiday"]
        season = seasons.season_of(feasts, self.packs[1]) if self.packs else None
        if season is None or seasons.holds_fixed_day(whole):
            return part
        result = []
        for element in part:
            outcome = apply(element.text, [lambda t: seasons.season_finder(t, season)])
            changes += [replace(change, row=index, place="visual") for change in outcome.changes]
            result.append(element.with_text(outcome.text))
        return result

    def _element(self, element: Element, whole: str, index: int, place: str, changes: list[Change]) -> Element:
        said = element.spoken or element.shown
        if said and self.context.shares_language and (line := legal.replaced(element, self.legal)) is not None:
            if line != element.text:
                changes.append(
                    Change(element.text, line, "legal_line", f"legal line of {self.context.country_code}", index, place)
                )
            return element.with_text(line)
        if said and self.legal.is_legal(element):
            return element
        if element.speaker:
            lead = self._named(element.lead, index, place, changes)
            element = replace(element, lead=lead)
        if said and not self.context.shares_language:
            return element
        outcome = self.text(element.text, row_text=whole, described=not said)
        changes += [replace(change, row=index, place=place) for change in outcome.changes]
        if element.translation:
            translated = self.text(element.translation, row_text=whole)
            element = element.with_translation(translated.text)
        return element.with_text(outcome.text)

    def _named(self, lead: str, index: int, place: str, changes: list[Change]) -> str:
        """A label with the speaker's name: only planned swaps apply to it."""
        outcome = apply(lead, [self._swaps], protection.spans(lead, self.protected))
        changes += [
            replace(change, row=index, place=place, why=self._reasons.get(change.why, change.why))
            for change in outcome.changes
        ]
        return outcome.text
