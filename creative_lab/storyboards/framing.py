"""How close a picture may come so that what it is about stays in it."""

from __future__ import annotations

from creative_lab.storyboards import vocabulary as words

SIZES = ("ECU", "CU", "MCU", "MS", "MWS", "WS", "EWS")
"""Shot sizes from the closest to the widest."""
_CLOSEST = {"umbrella": "MCU", "kite": "MCU", "flowers": "MCU", "book": "MS", "cup": "MWS", "phone": "MWS",
            "horse": "MWS", "camel": "MWS", "car": "MWS", "bicycle": "MWS", "sheep": "MWS"}  # fmt: skip
"""The closest shot that shows a thing beside somebody or in somebody's hands, as the illustrator places it; what is not
here stands on the ground and takes a wide shot."""
_FIRST = "MS"
"""Frame 1 comes no further away than this: every other frame's face is compared with its."""
_KNOWN = "MWS"
"""The widest shot in which somebody can be known again by the face."""
_LARGE = frozenset({"table"})
"""Things on the ground of which a medium wide shot shows enough."""
_TALL = frozenset({"horse", "camel"})
"""Animals as tall as people: a near shot cuts them, and still shows what they are."""


def widest(*shots: str) -> str:
    """The widest of some shot sizes."""
    return max(shots, key=SIZES.index)


def room_for(description: str, wanted: str, *, first: bool, face_kept: bool = False) -> str:
    """``wanted``, or the closest shot that shows everything that a description names.

    In frame 1 (``first``) the face counts more: what it cannot show beside a face does not widen it. Nor does a thing
    widen a picture in which a face is to be known again (``face_kept``) so far that it can't be.
    """
    things = [thing.world for thing in words.things(description) if thing.world]
    needed = [_CLOSEST.get(thing, "WS") for thing in things]
    most = _FIRST if first else _KNOWN if face_kept else SIZES[-1]
    if not first and face_kept:
        needed = [_KNOWN if thing in _LARGE else shot for thing, shot in zip(things, needed, strict=True)]
    return widest(wanted, *(shot for shot in needed if widest(shot, most) == most))


def cuts_off(shot: str, thing: str) -> bool:
    """Whether a shot of this size shows nothing of a thing of the world."""
    return thing not in _TALL and shot in SIZES and widest(shot, _CLOSEST.get(thing, "WS")) != shot


def fits_first(word: str) -> bool:
    """Whether frame 1 can show what a word names beside a face; what the world lacks takes no room."""
    return not any(thing.world and cuts_off(_FIRST, thing.world) for thing in words.things(word))
