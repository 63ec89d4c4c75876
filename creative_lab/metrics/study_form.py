"""The form of a study: one standalone page per rater, with its pictures inside and nothing about their origin."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

from creative_lab.metrics.study import ANCHORS, Definition

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_SIDE = 640
"""Pictures in a form are scaled down to this, so that a form can be sent by mail."""
SECONDS_PER_ITEM = {"rating": 30, "same_person": 10}

LABELS = {
    "rating": [(number, number, words) for number, words in ANCHORS.items()],
    "same_person": [
        ("yes", "Yes", "the same person"),
        ("no", "No", "somebody else"),
        ("cannot_tell", "Cannot tell", "no face to see, or not clear enough"),
    ],
}


def form_page(key: str, form: str, definition: Definition, read: Callable[[str], bytes]) -> str:
    """The page of one form as HTML; ``read`` gives the bytes of a picture by its name.

    Pictures are encoded afresh: neither their recipe nor their name, which is the hash that the lake knows them by,
    travels along. Raises KeyError for an unknown form and OSError for a picture that cannot be read.
    """
    from jinja2 import Environment, FileSystemLoader

    order = definition.forms[form]
    numbers: dict[str, int] = {}
    items = []
    for name in order:
        item = definition.items[name]
        pictures = [numbers.setdefault(picture, len(numbers)) for picture in item.pictures]
        items.append({"name": name, "question": item.question, "pictures": pictures})
    document = {
        "study": key,
        "form": form,
        "items": items,
        "answers": LABELS,
        "pictures": [_embedded(read(picture)) for picture in numbers],
    }
    minutes = max(1, round(sum(SECONDS_PER_ITEM[str(item["question"])] for item in items) / 60))
    # The only value that is not ours is JSON in a script element, where "<" could end it.
    text = json.dumps(document).replace("<", "\\u003c")
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=False).get_template("study_form.html.j2")  # noqa: S701
    return template.render(items=items, minutes=minutes, study_json=text)


def _embedded(data: bytes) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
        image = opened.convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
