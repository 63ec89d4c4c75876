"""The same adapted layer with a third of the operations.

PEFT computes an adapted linear layer as six to ten small operations forward and as many backward, for any kind of
adapter. Training a LoRA of the plain kind needs three and five. On small models and at small batches, where every
operation costs more to start than to compute, that is most of a step's time; on large ones it saves starts of kernels.
"""

from __future__ import annotations

import functools
from typing import Any

from creative_lab.characters.adapters import NAME


def make_lean(model: Any) -> int:
    """Let all adapted linear layers of ``model`` compute the lean way; returns how many there are.

    The result is that of PEFT up to rounding; layers that are anything but a plain LoRA are left as they are.
    """
    from peft.tuners.lora import Linear

    changed = 0
    for layer in model.modules():
        plain = isinstance(layer, Linear) and list(layer.active_adapters) == [NAME] and not layer.merged
        if plain and not any(layer.lora_variant) and not layer.lora_bias.get(NAME):
            layer.forward = functools.partial(_forward, layer)
            changed += 1
    return changed


def _forward(layer: Any, x: Any, *_: Any, **__: Any) -> Any:
    base = layer.base_layer
    first, second = layer.lora_A[NAME].weight, layer.lora_B[NAME].weight
    dropped = layer.lora_dropout[NAME](x) if layer.training else x
    return _adapted().apply(x, dropped, base.weight, base.bias, first, second, layer.scaling[NAME])


@functools.cache
def _adapted() -> Any:
    import torch

    class Adapted(torch.autograd.Function):
        """y = x Wᵀ + b + scale · (x̃ Aᵀ) Bᵀ, where x̃ is x after dropout; W and b are frozen."""

        @staticmethod
        def forward(ctx: Any, x: Any, dropped: Any, weight: Any, bias: Any, first: Any, second: Any, scale: Any) -> Any:
            same = dropped is x
            dtype, shape = weight.dtype, x.shape
            with torch.autocast(x.device.type, enabled=False):
                flat = x.reshape(-1, shape[-1]).to(dtype)
                other = flat if same else dropped.reshape(-1, shape[-1]).to(dtype)
                a, b = first.to(dtype), second.to(dtype)
                hidden = other @ a.t()
                out = torch.nn.functional.linear(flat, weight, bias).addmm_(hidden, b.t(), alpha=scale)
            ctx.save_for_backward(other, hidden, weight, a, b)
            ctx.same, ctx.scale, ctx.dtypes = same, scale, (x.dtype, first.dtype)
            return out.reshape(*shape[:-1], -1)

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            other, hidden, weight, a, b = ctx.saved_tensors
            with torch.autocast(weight.device.type, enabled=False):
                flat = gradients[0].reshape(-1, weight.shape[0]).to(weight.dtype)
                down = (flat @ b).mul_(ctx.scale)
                of_second = (flat.t() @ hidden).mul_(ctx.scale).to(ctx.dtypes[1])
                of_first = (down.t() @ other).to(ctx.dtypes[1])
                of_x = of_dropped = None
                shape = (*gradients[0].shape[:-1], weight.shape[1])
                if ctx.same:
                    if ctx.needs_input_grad[0]:
                        of_x = torch.addmm(flat @ weight, down, a).reshape(shape).to(ctx.dtypes[0])
                else:
                    if ctx.needs_input_grad[0]:
                        of_x = (flat @ weight).reshape(shape).to(ctx.dtypes[0])
                    if ctx.needs_input_grad[1]:
                        of_dropped = (down @ a).reshape(shape).to(ctx.dtypes[0])
            return of_x, of_dropped, None, None, of_first, of_second, None

    return Adapted
