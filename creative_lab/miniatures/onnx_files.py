"""Face networks as ONNX files of the names and shapes that InsightFace expects."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def _export(network: Any, example: torch.Tensor, inputs: list[str], outputs: list[str], axes: dict[str, Any]) -> bytes:
    import torch

    stream = io.BytesIO()
    torch.onnx.export(
        network, (example,), stream,  # type: ignore[arg-type]
        input_names=inputs, output_names=outputs, dynamic_axes=axes, opset_version=17,
        dynamo=False, do_constant_folding=True,
    )  # fmt: skip
    return with_small_weights(stream.getvalue())


def with_small_weights(data: bytes) -> bytes:
    """The same graph with its large weights stored as int8 and one scale for each output channel (symmetric weight-only
    quantisation, as onnxruntime's tools have it); they are multiplied out in fp32 when the file is loaded.

    It leaves a quarter of the file. Nothing is rounded but the weights, and a ``Cast`` and a ``Mul`` of constants are
    folded away at loading, where ``DequantizeLinear`` would run with every picture.
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_from_string(data)
    graph = model.graph
    opened = []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2 or np.prod(tensor.dims) < 256:
            continue
        name, weight = tensor.name, numpy_helper.to_array(tensor)
        largest = np.abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True)
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(np.rint(weight / scale).astype(np.int8), f"{name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
        opened += [
            helper.make_node("Cast", [f"{name}.int8"], [f"{name}.steps"], to=TensorProto.FLOAT, name=f"{name}.cast"),
            helper.make_node("Mul", [f"{name}.steps", f"{name}.scale"], [name], name=f"{name}.open"),
        ]
    nodes = [*opened, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def export_detector(network: torch.nn.Module) -> bytes:
    """A detector in SCRFD's output format; scores become probabilities, the batch axis is left out."""
    import torch
    from torch import nn

    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            outputs = self.inner(x)
            return tuple(torch.sigmoid(value[0]) if index < 3 else value[0] for index, value in enumerate(outputs))

    names = [f"{kind}_{stride}" for kind in ("score", "bbox", "kps") for stride in (8, 16, 32)]
    axes: dict[str, Any] = {"input.1": {2: "height", 3: "width"}, **{name: {0: "anchors"} for name in names}}
    return _export(Written().eval(), torch.zeros(1, 3, 192, 192), ["input.1"], names, axes)


def export_recogniser(network: torch.nn.Module) -> bytes:
    """A recogniser of 112 × 112 crops with a free batch size and one output, the embedding."""
    import torch

    return _export(
        network.eval(), torch.zeros(1, 3, 112, 112), ["input.1"], ["embedding"],
        {"input.1": {0: "batch"}, "embedding": {0: "batch"}},
    )  # fmt: skip
