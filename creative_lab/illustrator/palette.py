"""One palette for the whole world: muted, warm, with a few strong accents, so that every picture belongs together."""

from __future__ import annotations

from creative_lab.illustrator.painter import Colour

CLOTH: dict[str, Colour] = {
    "red": (201, 66, 58),
    "rust": (181, 90, 48),
    "orange": (231, 132, 56),
    "mustard": (222, 170, 52),
    "yellow": (243, 207, 92),
    "olive": (127, 130, 62),
    "green": (66, 133, 88),
    "mint": (158, 208, 180),
    "teal": (38, 126, 130),
    "turquoise": (76, 182, 186),
    "sky": (134, 188, 226),
    "blue": (58, 104, 184),
    "navy": (40, 54, 98),
    "lilac": (178, 160, 214),
    "purple": (118, 76, 150),
    "plum": (110, 50, 88),
    "pink": (234, 148, 170),
    "coral": (238, 122, 104),
    "brown": (122, 82, 56),
    "camel": (196, 152, 104),
    "cream": (242, 230, 204),
    "white": (246, 244, 240),
    "grey": (142, 146, 154),
    "black": (44, 44, 52),
}
"""The 24 colours of clothes and things."""

SKIN: tuple[Colour, ...] = (
    (253, 224, 200),
    (246, 206, 176),
    (233, 184, 148),
    (214, 158, 116),
    (186, 128, 88),
    (154, 100, 66),
    (120, 76, 52),
    (92, 58, 42),
)
"""Skin from the lightest to the darkest."""

HAIR: dict[str, Colour] = {
    "black": (38, 32, 36),
    "dark brown": (74, 50, 38),
    "brown": (116, 78, 50),
    "red": (170, 82, 42),
    "blond": (220, 178, 104),
    "grey": (150, 150, 154),
    "white": (232, 230, 226),
}

LEATHER: Colour = (104, 68, 46)
WOOD: Colour = (158, 112, 72)
STONE: Colour = (166, 160, 150)
IRON: Colour = (96, 102, 112)
LEAF: Colour = (92, 142, 78)
EARTH: Colour = (178, 142, 100)
BACKDROP: Colour = (250, 250, 250)
