"""The page of an adapted script: what changed is marked and nothing else, whatever stands in the script is text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_lab.adaptation.document import Document, marked_changes, render_html
from creative_lab.adaptation.schemas import (
    AdaptationOutput,
    ConceptBrief,
    CulturalBrief,
    Finding,
    GateEvaluation,
    OriginScript,
    ScriptRow,
)

HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>' onload=x {{ 7*7 }} {% if %}"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What a browser would make of a page: elements with their attributes, words, and the words that are marked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.marked: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "ins":
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if "ins" in self.open:
            self.marked[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def row(visual: str, audio: str, shot: str = "1") -> ScriptRow:
    return ScriptRow(
        shot_number=shot, timecode_start="00:00:00:00", duration_seconds=5.0, visual_text=visual, audio_text=audio
    )


def document(
    before: list[ScriptRow],
    after: list[ScriptRow],
    *,
    language: str = "en-GB",
    status: str = "completed",
    name: str = "United Kingdom",
    title: str = "Small Change",
    **more: object,
) -> Document:
    origin = OriginScript(
        client_name="Wrenmoor Bank",
        brand_name="Wrenmoor",
        script_title=title,
        language="en-US",
        total_runtime_seconds=5,
        script_rows=before,
    )
    draft = AdaptationOutput(
        reasoning="",
        code="EMEA-GB",
        name=name,
        language=language,
        visual_style_prompt="grainy film",
        script_rows=after,
    )
    values: dict[str, object] = {
        "spot": "small-change",
        "target": "en-gb",
        "target_name": name,
        "origin": origin,
        "draft": draft,
        "status": status,
        "error_message": None,
        "content_hash": "ab" * 32,
        "writer_model": "embedded/drafter",
        "backend": "miniature",
        "evaluations": [],
    }
    return Document(**(values | more))  # type: ignore[arg-type]


def test_the_changed_words_are_marked_with_what_stood_there_and_no_others() -> None:
    html = marked_changes("VO: “A color TV for $5 in Kansas.”", "VO: “A colour TV for £4 in Kansas.”")
    page = Page(str(html))
    assert page.marked == ["colour", "£4"]
    assert [mark["title"] for mark in page.all("ins")] == ["was: color", "was: $5"]
    assert page.text == "VO: “A colour TV for £4 in Kansas.”"


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_the_texts_are_the_page_shows_the_new_one_and_marks_nothing_in_an_equal_one(
    before: str, after: str
) -> None:
    page = Page(f"<p>{marked_changes(before, after)}</p>")
    assert {tag for tag, _ in page.elements} <= {"p", "ins"}
    expected = after.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    assert page.text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "") == expected
    assert not Page(str(marked_changes(after, after))).marked


def test_a_page_marks_the_changed_row_and_shows_its_origin() -> None:
    before = [row("EXT. DINER.", 'VO: "Gas is $3."'), row("INT. CAR.", 'VO: "Go."', "2")]
    after = [row("EXT. CAFÉ.", 'VO: "Petrol is £3."'), row("INT. CAR.", 'VO: "Go."', "2")]
    page = Page(render_html(document(before, after)))
    assert page.marked == ["CAFÉ", "Petrol", "£"]
    assert page.text.count("Origin") == 2, "one for the picture and one for the sound of the changed row"
    assert 'VO: "Gas is $3."' in page.text
    assert "1 of 2" in page.text
    labels = [attributes for attributes in page.all("b") if attributes.get("class") == "label"]
    assert len(labels) == 2


def test_a_row_that_the_origin_does_not_have_is_marked_as_a_whole() -> None:
    page = Page(render_html(document([row("A.", "B.")], [row("A.", "B."), row("New picture.", "New sound.", "2")])))
    assert page.marked == ["New picture.", "New sound."]
    assert [mark["title"] for mark in page.all("ins")] == ["added", "added"]


def test_a_change_over_several_lines_keeps_the_old_lines_within_the_mark() -> None:
    before = [row("A.", 'SFX: Rain.\nVO: "One." (x)\nMUSIC: "Low" & slow.')]
    page = Page(render_html(document(before, [row("A.", "SILENCE.")])))
    (title,) = {str(mark["title"]) for mark in page.all("ins") if "Rain" in str(mark["title"])}
    assert title.startswith("was: SFX: Rain")
    for mark in page.all("ins"):
        assert set(mark) == {"title"}
    cells = re.sub(r"<details.*?</details>", "", render_html(document(before, [row("A.", "SILENCE.")])), flags=re.S)
    assert "MUSIC" not in Page(cells).text


@pytest.mark.parametrize("place", ["script", "title", "name", "finding", "brief", "origin", "reason"])
def test_whatever_stands_in_a_script_or_reply_is_shown_as_text(place: str) -> None:
    def at(name: str, other: str) -> str:
        return HOSTILE if place == name else other

    finding = Finding(
        check="model_judgement",
        severity="minor",
        location=at("finding", "row 1"),
        description=at("finding", "x"),
        suggestion=at("finding", "y"),
        source="model",
        row=0,
    )
    evaluation = GateEvaluation(
        gate="brand_gate",
        draft_number=1,
        passed=True,
        model_passed=True,
        score=0.9,
        findings=[finding],
        reasoning="",
        summary=at("finding", "good"),
        model_id="m",
        content_hash="ab" * 32,
    )
    hostile = at("script", "fine")
    page = Page(
        render_html(
            document(
                [row(at("origin", "A."), at("origin", "B."))],
                [row(f"SUPER: {hostile}", f"{hostile}\nVO: {hostile}")],
                title=at("title", "Small Change"),
                name=at("name", "UK"),
                evaluations=[evaluation],
                error_message=at("reason", "none"),
                concept=concept(at("brief", "Save.")),
                culture=culture(at("brief", "tea")),
            )
        )
    )
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "img", "iframe", "link", "object", "form"})
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], attributes
    assert "alert(1)" in page.text + str(page.elements)
    assert "{{ 7*7 }}" in page.text + str(page.elements), "a text is no template"


def concept(words: str) -> ConceptBrief:
    return ConceptBrief(
        reasoning="",
        core_message=words,
        emotional_beats=["joy"],
        narrative_structure="arc",
        themes=["home"],
        cultural_assumptions=[],
        must_preserve=[words],
        can_adapt=[],
        brand_voice="warm",
    )


def culture(words: str) -> CulturalBrief:
    return CulturalBrief.model_validate(
        {
            "reasoning": "",
            "market_context": words,
            "substitutions": [{"original": words, "replacement": words, "rationale": words}],
            "tone_adjustments": "",
            "pitfalls": [],
            "opportunities": [],
            "regulatory_notes": "",
        }
    )


@pytest.mark.parametrize(
    ("tag", "direction"), [("ar-AE", "rtl"), ("he-IL", "rtl"), ("fa-IR", "rtl"), ("ps-AF", "rtl"), ("de-DE", "ltr")]
)
def test_spoken_words_run_in_the_direction_of_their_language_although_a_latin_label_leads(
    tag: str, direction: str
) -> None:
    page = Page(render_html(document([row("A.", 'VO: "Hello."')], [row("A.", 'VO: "مرحبا"')], language=tag)))
    cells = [attributes for attributes in page.all("td") if attributes.get("lang") == tag]
    assert [cell["dir"] for cell in cells] == [direction]
    origins = [attributes for attributes in page.all("details") if attributes.get("lang") == "en-US"]
    assert [origin["dir"] for origin in origins] == ["auto"], "the origin keeps its own"


def test_a_language_that_nobody_knows_still_makes_a_page() -> None:
    page = Page(render_html(document([row("A.", "B.")], [row("A.", "C.")], language="qaa-Qaaa-QM")))
    assert "qaa-Qaaa-QM" in page.text


@pytest.mark.parametrize(("status", "stamp"), [("completed", "Gates passed"), ("failed", "Needs a person")])
def test_the_stamp_says_whether_a_person_is_needed(status: str, stamp: str) -> None:
    reason = None if status == "completed" else "the drafter cannot translate"
    page = Page(render_html(document([row("A.", "B.")], [row("A.", "B.")], status=status, error_message=reason)))
    (shown,) = [attributes for attributes in page.all("span") if "stamp" in str(attributes.get("class"))]
    assert shown["class"] == f"stamp {status}"
    assert stamp in page.text
    assert ("cannot translate" in page.text) == (status == "failed")
    assert "ab" * 32 in page.text, "the content that an approval refers to"


def test_a_page_stands_alone() -> None:
    html = render_html(document([row("A.", "B.")], [row("C.", "D.")]))
    page = Page(html)
    assert not page.open
    for _, attributes in page.elements:
        assert not {"src", "href", "srcset", "action", "background"} & set(attributes)
    assert "url(" not in html
    assert "@import" not in html
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv")]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
