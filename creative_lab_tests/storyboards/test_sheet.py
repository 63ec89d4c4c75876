"""The documents of a storyboard, opened and read as their readers would."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from creative_lab.imaging.errors import ImagingError
from creative_lab.lake.pictures import PictureStore
from creative_lab.settings import Settings
from creative_lab.storyboards import picturing, work
from creative_lab.storyboards.line_art import LineArtStudio
from creative_lab.storyboards.sheet import documents
from creative_lab.storyboards.sheet.animatic import animatic, subtitle_files
from creative_lab.storyboards.sheet.contact import contact_sheet
from creative_lab.storyboards.sheet.cues import LINE, LINES, columns, film_cues, hasty
from creative_lab.storyboards.sheet.gathering import FPS, Sheet, SheetFrame, gather, in_time, timecode
from creative_lab.storyboards.sheet.page import render_page
from creative_lab.storyboards.sheet.pdf import sign_off_pdf
from creative_lab.storyboards.sheet.timeline import timeline
from creative_lab_tests.storyboards.conftest import Drawn, go, keep

STORY = (
    'Mara finds a kite in the park. "Look, <b>mine</b> & yours," she says. She runs. Snow falls over the village. '
    "She waves."
)


@pytest.fixture
def broken_third(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scene 3 cannot be drawn."""
    draw = LineArtStudio.generate

    def broken(self: LineArtStudio, request: Any, **options: Any) -> Any:
        if request.seeds[0] // 1000 == 2:
            raise ImagingError("the brush is broken")
        return draw(self, request, **options)

    monkeypatch.setattr(LineArtStudio, "generate", broken)
    yield


def drawn(settings: Settings, key: str = "board", **changes: Any) -> Drawn:
    source = {"kind": "story", "story": STORY, "character": "mara"}
    given = {"num_variations": 2, "width": 128, "height": 72, **changes}
    keep(settings, key=key, title="Kite <script>", source=source, method="wireframe", settings=given)
    return go(settings, key, store=True)


def sheet_of(settings: Settings, made: Drawn, key: str = "board") -> Sheet:
    tables = made.tables
    return gather(
        work.record_of(settings, key),
        PictureStore(settings),
        scenes=tables["storyboard_scenes"],
        frames=tables["storyboard_frames"],
        scores=tables["quality_scores"],
        candidates=tables["frame_candidates"],
    )


def test_every_document_of_a_storyboard_with_a_missing_frame_opens_and_says_so(
    line_lab: Settings, broken_third: None
) -> None:
    del broken_third
    made = drawn(line_lab)
    sheet = sheet_of(line_lab, made)
    count = len(sheet.frames)
    assert [frame.drawn for frame in sheet.frames] == [True, True, False, *[True] * (count - 3)]

    from PIL import Image

    picture = Image.open(io.BytesIO(contact_sheet(sheet)))
    assert picture.format == "PNG" and picture.width > 1000

    data, note = sign_off_pdf(sheet)
    assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF") and note is None
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == (
        2 if count <= 6 else -(-count // 6) + (not 1 <= count % 6 <= 3)
    )

    import opentimelineio as otio

    told: Any = otio.adapters.read_from_string(timeline(sheet).decode(), "otio_json")
    track = told.tracks[0]
    assert len(track) == count and isinstance(track[2], otio.schema.Gap)
    assert track[1].media_reference.target_url == "frames/frame_002.png"
    assert track[2].metadata["creative_lab"]["status"] == "failed"
    assert told.duration().to_seconds() == pytest.approx(sheet.seconds)
    starts = [track.range_of_child_at_index(index).start_time.to_seconds() for index in range(count)]
    assert starts == pytest.approx([frame.row["start_seconds"] for frame in sheet.frames])

    page = render_page(sheet)
    assert (
        "<script>alert" not in page
        and "Kite &lt;script&gt;" in page
        and "Look, &lt;b&gt;mine&lt;/b&gt; &amp; yours" in page
    )
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page), "the page stands alone"
    assert page.count("data:image/png;base64,") == count - 1 and "the brush is broken" in page


def test_the_animatic_lasts_as_long_as_its_frames_and_subtitles_are_in_time(line_lab: Settings) -> None:
    import av

    sheet = sheet_of(line_lab, drawn(line_lab))
    short = replace(sheet, frames=in_time(told(f, duration_seconds=0.4) for f in sheet.frames))
    film = animatic(short, width=128, height=72)
    with av.open(io.BytesIO(film), "r") as opened:
        stream = opened.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 128, 72)
        pictures = len(list(opened.decode(stream)))
        assert pictures == round(short.seconds * FPS) == 10 * len(short.frames)
    cues = film_cues(sheet)
    spoken = next(frame for frame in sheet.frames if frame.scene["dialogue"])
    assert len(cues) == 1 and cues[0].start_ms == round(spoken.row["start_seconds"] * 1000)
    assert cues[0].end_ms == round((spoken.row["start_seconds"] + spoken.seconds) * 1000)


def told(frame: SheetFrame, scene: dict[str, Any] | None = None, **row: Any) -> SheetFrame:
    """The frame with other words or timing."""
    return replace(frame, row={**frame.row, **row}, scene={**frame.scene, **(scene or {})})


def test_twelve_frames_of_two_and_a_half_seconds_are_750_pictures_in_every_document(line_lab: Settings) -> None:
    import av
    import opentimelineio as otio

    sheet = sheet_of(line_lab, drawn(line_lab))
    words = {"dialogue": "Come.", "shown_text": None}
    frames = [told(replace(sheet.frames[0], number=n), words, duration_seconds=2.5) for n in range(1, 13)]
    sheet = replace(sheet, frames=in_time(frames))
    with av.open(io.BytesIO(animatic(sheet, width=64, height=36, burnt_in=False)), "r") as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 750
    made: Any = otio.adapters.read_from_string(timeline(sheet).decode(), "otio_json")
    track = made.tracks[0]
    assert made.duration().value == 750 and sheet.seconds == 30
    starts = [int(track.range_of_child_at_index(index).start_time.value) for index in range(12)]
    assert starts == [frame.first for frame in sheet.frames]
    assert all(abs(first - index * 62.5) <= 0.5 for index, first in enumerate(starts)), "no frame is half a picture off"
    assert [cue.first for cue in film_cues(sheet)] == starts
    assert "00:00:27,520 --> 00:00:30,000" in subtitle_files(sheet)["srt"].decode()


LONG = (
    "I have carried this letter all the way from the harbour, through the rain and over the hill. Nobody in the "
    "library would tell me whose hand it was! So I came to ask {you}, and I will not go before I know <all> of it."
)


def test_long_dialogue_is_cut_into_short_cues_that_keep_every_word_in_the_film_and_beside_it(
    line_lab: Settings,
) -> None:
    import av
    import numpy as np

    sheet = sheet_of(line_lab, drawn(line_lab))
    words = {"dialogue": LONG, "shown_text": "The Library of Letters, open every day from nine to five"}
    frames = [sheet.frames[0], told(sheet.frames[1], words, duration_seconds=9), *sheet.frames[2:]]
    sheet = replace(sheet, frames=in_time(frames))
    frame = sheet.frames[1]
    cues = [cue for cue in film_cues(sheet) if frame.first <= cue.first < frame.last]
    assert len(cues) >= 4 and all(len(cue.lines) <= LINES for cue in cues)
    assert all(columns(line) <= LINE for cue in cues for line in cue.lines)
    assert " ".join(line for cue in cues for line in cue.lines) == f"{LONG} [{words['shown_text']}]"
    assert [cue.first for cue in cues] == [frame.first, *(cue.last for cue in cues[:-1])]
    assert cues[-1].last == frame.last
    assert cues[0].lines[-1].endswith(","), "a long sentence is cut where it breathes"
    files = {kind: data.decode() for kind, data in subtitle_files(sheet).items()}
    assert "{you}" in files["srt"] and "{you}" in files["vtt"] and "&lt;all&gt;" in files["vtt"]
    assert files["srt"].count("-->") == len(film_cues(sheet))
    with av.open(io.BytesIO(animatic(sheet, width=320, height=180)), "r") as opened:
        film = [picture.to_ndarray(format="gray").astype(int) for picture in opened.decode(video=0)]
    lower = [picture[108:] for picture in film]
    for cue in cues:
        inside = np.abs(lower[cue.first] - lower[cue.last - 1]).mean()
        assert np.abs(lower[cue.first] - lower[cue.first - 1]).mean() > inside + 1, "the words change with the cue"


def test_words_that_are_wider_or_more_than_the_time_allows_are_kept_and_reported(line_lab: Settings) -> None:
    sheet = sheet_of(line_lab, drawn(line_lab))
    chinese = {
        "dialogue": "风筝飞过公园，孩子们在雪地里奔跑，老人坐在长椅上微笑着看着他们，直到太阳落山。",
        "shown_text": None,
    }
    frames = [
        told(sheet.frames[0], chinese, duration_seconds=6),
        told(sheet.frames[1], {"dialogue": LONG}, duration_seconds=0.08),
    ]
    short = replace(sheet, frames=in_time(frames))
    cues = film_cues(short)
    wide = [line for cue in cues if cue.first < short.frames[1].first for line in cue.lines]
    assert "".join(wide) == chinese["dialogue"] and max(map(columns, wide)) <= LINE
    hurried = [cue for cue in cues if cue.first >= short.frames[1].first]
    assert " ".join(line for cue in hurried for line in cue.lines) == LONG
    assert len(hurried) == 2 and hasty(short) == [2]


def test_the_sign_off_shows_every_word_that_is_signed(line_lab: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from fpdf import FPDF

    sheet = sheet_of(line_lab, drawn(line_lab))
    title = "Kite in the park, " + "a campaign with a long name, " * 6
    giant = {"dialogue": " ".join(f"word{n}" for n in range(900)), "shown_text": "Open every day " * 12 + "end"}
    moves = {"camera": "slow dolly in from the left while the crane rises above the roofs of the whole town, to stop"}
    frames = [told(sheet.frames[0], giant, description="She looks up at the kite. " * 20 + "Last."),
              told(sheet.frames[1], moves), *sheet.frames[2:]]  # fmt: skip
    sheet = replace(sheet, frames=in_time(frames), record=sheet.record.model_copy(update={"title": title.strip()}))
    written: dict[int, list[str]] = {}
    bottom = []
    cell = FPDF.cell

    def spy(self: FPDF, *args: Any, **kwargs: Any) -> Any:
        written.setdefault(self.page, []).append(str(args[2]))
        bottom.append(self.y + args[1])
        return cell(self, *args, **kwargs)

    monkeypatch.setattr(FPDF, "cell", spy)
    data, note = sign_off_pdf(sheet)
    assert data.startswith(b"%PDF-") and note is None and max(bottom) < 210
    everything = " ".join(line for lines in written.values() for line in lines)
    assert "…" not in everything and "..." not in everything
    for frame in sheet.frames:
        for said in (frame.row["description"], frame.scene["dialogue"], frame.scene["shown_text"], title):
            assert all(word in everything for word in (said or "").split()), said
    assert all(word in everything for word in moves["camera"].split())
    assert "1, continued" in everything
    total = len(written)
    assert all(any(line == f"page {page} of {total}" for line in lines) for page, lines in written.items())


def test_what_is_ordinary_stands_behind_the_i_and_only_a_fallback_in_red(line_lab: Settings) -> None:
    sheet = sheet_of(line_lab, drawn(line_lab))
    frames = [
        told(sheet.frames[0], notes=["no LoRA: the subject is not in this scene"], fallback=None),
        told(sheet.frames[1], notes=[], fallback="the model ran out of memory"),
    ]
    page = render_page(replace(sheet, frames=in_time(frames)))
    red = " ".join(re.findall(r'<p class="note">(.*?)</p>', page))
    assert "the model ran out of memory" in red and "no LoRA" not in red
    assert "<h3>Notes</h3><p>no LoRA: the subject is not in this scene</p>" in page
    assert documents.metadata(replace(sheet, frames=frames))["frames"][0]["notes"] == frames[0].row["notes"]


def test_a_report_of_a_story_that_opens_on_a_landscape_knows_which_frame_the_others_are_like(
    line_lab: Settings,
) -> None:
    sheet = sheet_of(line_lab, drawn(line_lab))
    frames = [told(f, is_reference=f.number == 2, clip_identity=0.8 if f.number > 2 else None) for f in sheet.frames]
    sheet = replace(sheet, frames=frames)
    assert sheet.anchor == 2 and documents.report(sheet)["frames_without_consistency"] == [1]
    assert "likeness to frame 2" in render_page(sheet)


def test_the_facts_follow_the_specification_and_report_the_seed_of_the_chosen_picture(line_lab: Settings) -> None:
    made = drawn(line_lab)
    sheet = sheet_of(line_lab, made)
    facts = documents.metadata(sheet)
    assert {"story", "mode", "lora", "base_model", "base_seed", "temperature", "steps", "cfg", "sizes", "thresholds",
            "frames", "totals", "timings", "cost"} <= set(facts)  # fmt: skip
    assert facts["sizes"] == ["128x72"] and facts["base_model"] == "embedded/illustrator"
    for frame, row in zip(facts["frames"], made.frames(), strict=True):
        assert frame["seed"] == row["seed"]
        assert {item["seed"] for item in frame["attempts"]} >= {row["seed"]}
        best = next(item for item in frame["attempts"] if item["rank"] == 1)
        assert best["seed"] == row["seed"]
    report = documents.report(sheet)
    assert report["average_consistency"] is None and report["num_frames"] == len(sheet.frames)
    assert report["frames_without_consistency"], "frames that could not be measured are named, not dropped"
    scenes = documents.scene_breakdown(sheet)
    assert scenes["story"] == STORY and scenes["decided_by"] == "embedded/breakdown"
    assert json.loads(documents.as_json(documents.drawn_prompts(sheet)))[0]["seed"] == made.frames()[0]["seed"]


def test_all_files_are_written_below_the_reports_folder_and_methods_stand_side_by_side(line_lab: Settings) -> None:
    other = drawn(line_lab, "other", base_seed=7)
    made = drawn(line_lab)
    tables = made.tables
    scenes, frames = tables["storyboard_scenes"], tables["storyboard_frames"]
    rows = picturing.sheet_rows(
        line_lab,
        "board",
        scenes,
        frames.with_columns(backend=pl.lit("miniature")),
        tables["quality_scores"],
        tables["frame_candidates"],
        run_id="run",
        video=False,
    )
    folder = line_lab.reports_dir / "storyboards" / "board"
    names = {row["path"].rsplit("/", 1)[1] for row in rows.iter_rows(named=True)}
    assert {"contact_sheet.png", "index.html", "storyboard.pdf", "timeline.otio", "animatic.srt", "metadata.json",
            "scene_breakdown.json", "report.json", "sdxl_prompts.json"} <= names  # fmt: skip
    assert all(
        (line_lab.reports_dir / row["path"]).stat().st_size == row["bytes"] for row in rows.iter_rows(named=True)
    )
    first = made.frames()[0]
    assert (folder / "frames" / "frame_001.png").read_bytes() == PictureStore(line_lab).read(first["path"])
    boards = json.loads(
        re.search(r'<script type="application/json" id="boards">(.*?)</script>', (folder / "index.html").read_text(),
                  re.DOTALL).group(1)  # type: ignore[union-attr]
    )  # fmt: skip
    assert {board["key"] for board in boards} == {"board", "other"}
    assert all(len(board["frames"]) == len(other.frames()) for board in boards)
    assert boards[0]["frames"]["1"]["src"] != boards[1]["frames"]["1"]["src"]


def test_what_a_client_signs_has_a_hash_that_changes_with_every_picture_and_word(line_lab: Settings) -> None:
    sheet = sheet_of(line_lab, drawn(line_lab))
    other = replace(sheet.frames[1], row={**sheet.frames[1].row, "description": "something else"})
    changed = replace(sheet, frames=[sheet.frames[0], other, *sheet.frames[2:]])
    assert sheet.content_hash != changed.content_hash == replace(changed).content_hash


def test_letters_that_no_font_here_has_are_named_in_a_note_and_not_lost_silently(line_lab: Settings) -> None:
    sheet = sheet_of(line_lab, drawn(line_lab))
    frame = replace(sheet.frames[0], row={**sheet.frames[0].row, "description": "凧を見つける Mara"})
    _, note = sign_off_pdf(replace(sheet, frames=[frame, *sheet.frames[1:]]))
    from creative_lab.storyboards.sheet.fonts import text_fonts

    fonts = text_fonts()
    if fonts and "CJK" in fonts[0].name:
        pytest.skip("this machine has a font for these letters")
    assert note is not None and "凧" in note


@pytest.mark.parametrize(("seconds", "code"), [(0, "00:00:00"), (1.52, "00:01:13"), (61.0, "01:01:00")])
def test_a_timecode_counts_pictures_at_25_a_second(seconds: float, code: str) -> None:
    assert timecode(seconds) == code
