"""The LAION aesthetic predictor: a head of linear layers over a CLIP picture embedding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from creative_lab.weights.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.(weight|bias)$")


class AestheticHead:
    """Ratings of about 1–10 from L2-normalised embeddings (improved-aesthetic-predictor, Schuhmann 2022).

    Its five linear layers have no activation between them, so that together they are one: a vector and a number,
    multiplied out once in double precision when the head is loaded.
    """

    def __init__(self, folder: Path, *, slug: str) -> None:
        from safetensors.numpy import load_file

        self.slug = slug
        layers: dict[int, dict[str, np.ndarray]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            for name, values in load_file(path).items():
                if found := _LAYER.search(name):
                    layers.setdefault(int(found[1]), {})[found[2]] = values.astype(np.float64)
        chain = [layers[number] for number in sorted(layers)]
        if not chain or any(set(layer) != {"weight", "bias"} for layer in chain):
            raise ModelError(f"{folder}: no linear layers named layers.N.weight and layers.N.bias")
        weight, bias = chain[0]["weight"], chain[0]["bias"]
        for layer in chain[1:]:
            if layer["weight"].shape[1] != weight.shape[0]:
                raise ModelError(f"{folder}: the layers do not fit together")
            weight, bias = layer["weight"] @ weight, layer["weight"] @ bias + layer["bias"]
        if weight.shape[0] != 1:
            raise ModelError(f"{folder}: the last layer gives {weight.shape[0]} numbers instead of one")
        self.weight, self.bias = weight[0], float(bias[0])

    @property
    def dimensions(self) -> int:
        """Length of the embeddings that it takes."""
        return int(self.weight.shape[0])

    def rate(self, embeddings: np.ndarray) -> np.ndarray:
        """Ratings (n,) of L2-normalised embeddings (n, dimensions)."""
        return embeddings.astype(np.float64) @ self.weight + self.bias
