"""Words that the rule-based prompt enhancement chooses from."""

from __future__ import annotations

QUALITY = ("crisp detail", "refined finish", "balanced exposure", "true colour", "clean edges")

STYLE = {
    "photography": ("natural light", "editorial photograph", "shallow depth of field", "honest skin texture", "candid"),
    "artistic": (
        "painterly texture",
        "expressive brushwork",
        "harmonious palette",
        "layered pigments",
        "hand-made feel",
    ),
    "realistic": ("lifelike materials", "believable light", "accurate proportions", "quiet realism", "fine surfaces"),
    "cinematic": ("film still", "motivated lighting", "colour grade of a feature film", "anamorphic look", "soft haze"),
}

TECHNICAL = {
    "photography": ("50 mm lens", "f/2.8", "softbox from the left", "sharp focus on the subject", "full-frame sensor"),
    "artistic": (
        "visible canvas grain",
        "strong silhouette",
        "limited palette",
        "careful negative space",
        "rim of light",
    ),
    "realistic": ("physically based shading", "soft shadows", "neutral white balance", "even sharpness", "wide gamut"),
    "cinematic": (
        "35 mm film grain",
        "2.39:1 framing",
        "practical lights in frame",
        "low key light",
        "slow dolly mood",
    ),
}

SUBJECTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "people": (
        ("person", "people", "man", "men", "woman", "women", "child", "children", "girl", "boy", "face", "portrait"),
        ("expressive face", "natural posture", "well-formed hands"),
    ),
    "landscape": (
        ("landscape", "mountain", "mountains", "forest", "beach", "sea", "lake", "river", "valley", "field", "desert"),
        ("sense of depth", "layered distance", "weather in the air"),
    ),
    "animals": (
        ("animal", "animals", "dog", "dogs", "cat", "cats", "horse", "bird", "birds", "fish", "fox", "bear"),
        ("detailed fur and feathers", "alert eyes", "natural stance"),
    ),
    "buildings": (
        ("building", "buildings", "house", "houses", "city", "street", "tower", "bridge", "castle", "church"),
        ("straight verticals", "tactile facades", "clear scale"),
    ),
}

NEGATIVE = "blurry, low resolution, distorted anatomy, extra fingers, watermark, signature, text, compression artefacts"

LINE_ART = (
    "clean black outlines",
    "pure white background",
    "closed shapes to fill in",
    "even line weight",
    "simple shapes",
    "open areas",
)
LINE_QUALITY = ("print-ready", "smooth curves", "uncluttered page", "well centred")
LINE_SUBJECTS = {
    "people": ("friendly faces in few lines", "simple clothes with large areas"),
    "landscape": ("large shapes of land and sky", "few bold details"),
    "animals": ("rounded friendly shapes", "fur shown by a few strokes"),
    "buildings": ("plain walls with clear windows", "simple perspective"),
}
LINE_NEGATIVE = "colour, shading, gradients, texture, grey tones, photograph, hatching, blur, text, watermark"

DETECTION = (
    ("coloring-book", ("coloring", "colouring", "line art", "lineart", "outline", "outlines", "coloring book")),
    ("photography", ("photo", "photos", "photograph", "photography", "camera", "lens", "dslr", "bokeh", "selfie")),
    (
        "artistic",
        ("art", "painting", "painted", "illustration", "watercolour", "watercolor", "sketch", "drawing", "oil"),
    ),
    ("cinematic", ("cinematic", "film", "movie", "cinema", "scene from", "trailer", "blockbuster")),
)
"""Styles and the words that call for them, in the order in which they are tried."""
