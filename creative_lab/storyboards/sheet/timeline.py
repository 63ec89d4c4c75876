"""The timeline: an OpenTimelineIO file with a clip per frame, which editing programs open."""

from __future__ import annotations

from typing import Any

from creative_lab.storyboards.sheet.gathering import FPS, Sheet, SheetFrame


def timeline(sheet: Sheet, *, folder: str = "frames") -> bytes:
    """OTIO JSON: one video track of stills in their timing; markers carry what is heard and shown.

    Pictures are named relative to the file, in ``folder``. A frame without a picture is a gap of its length, so that
    what follows stays in its place.
    """
    import opentimelineio as otio

    def span(frame: SheetFrame) -> Any:
        length = otio.opentime.RationalTime(frame.last - frame.first, FPS)
        return otio.opentime.TimeRange(otio.opentime.RationalTime(0, FPS), length)

    made = otio.schema.Timeline(name=sheet.record.title, global_start_time=otio.opentime.RationalTime(0, FPS))
    made.metadata["creative_lab"] = {"storyboard": sheet.key, "method": sheet.record.method, "backend": sheet.backend}
    track = otio.schema.Track(name="Storyboard", kind=otio.schema.TrackKind.Video)
    made.tracks.append(track)
    for frame in sheet.frames:
        name = f"{frame.number:03d} {frame.scene['shot'] or ''}".strip()
        if frame.data is None:
            gap = otio.schema.Gap(source_range=span(frame))
            gap.name = name
            gap.metadata["creative_lab"] = {"status": frame.row["status"], "reason": frame.row["reason"]}
            track.append(gap)
            continue
        media = otio.schema.ExternalReference(target_url=f"{folder}/{frame.file}", available_range=span(frame))
        clip = otio.schema.Clip(name=name, media_reference=media, source_range=span(frame))
        clip.metadata["creative_lab"] = {
            key: value
            for key, value in {
                "description": frame.row["description"],
                "seed": frame.row["seed"],
                "overall": frame.row["overall"],
                "sha256": frame.row["sha256"],
                "camera": frame.scene["camera"],
                "script_row": frame.scene["script_row"],
            }.items()
            if value is not None
        }
        for kind, colour in (
            ("dialogue", otio.schema.MarkerColor.GREEN),
            ("shown_text", otio.schema.MarkerColor.YELLOW),
        ):
            if frame.scene[kind]:
                clip.markers.append(
                    otio.schema.Marker(
                        name=frame.scene[kind][:80],
                        marked_range=span(frame),
                        color=colour,
                        metadata={"creative_lab": {kind: frame.scene[kind]}},
                    )
                )
        track.append(clip)
    return str(otio.adapters.write_to_string(made, "otio_json")).encode()
