"""The net as PyTorch sees it: a stem, a gate that stops early, a body, and the answer per cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fastdeid.kernels.convolutions import LEAK
from fastdeid.pixels.weights import read_weights


class Layer(NamedTuple):
    """A convolution: side of its kernel, channels in and out, stride, dilation."""

    side: int
    before: int
    after: int
    stride: int = 1
    dilation: int = 1


# The stem answers for 4 x 4 and then 8 x 8 samples; the body goes on with these, and the answer is
# given for 4 x 4 samples from both.
STEM: Final = (Layer(5, 2, 12, 2), Layer(3, 12, 24, 2), Layer(3, 24, 32, 2))
GATE: Final = (Layer(3, 32, 12), Layer(1, 12, 1))
DETAIL: Final = (Layer(3, 24, 24),)
BODY: Final = tuple(Layer(3, 32, 32, 1, dilation) for dilation in (1, 2, 1, 1, 2, 1))
HEAD: Final = (Layer(1, 56, 24), Layer(3, 24, 1))
PARTS: Final = {"stem": STEM, "gate": GATE, "detail": DETAIL, "body": BODY, "head": HEAD}

Named = dict[str, Any]


def _rectified(sums: Tensor) -> Tensor:
    """Return what is passed on: of what is below 0 a share, or it would never be learnt from."""
    return functional.leaky_relu(sums, LEAK)


def _convolution(layer: Layer) -> nn.Conv2d:
    pad = layer.dilation * (layer.side // 2)
    return nn.Conv2d(
        layer.before, layer.after, layer.side, layer.stride, pad, dilation=layer.dilation
    )


class Net(nn.Module):  # type: ignore[misc,unused-ignore]
    """Maps planes (n, 2, rows, columns) to logits of the gate and of text, a side 8 and 4."""

    def __init__(self) -> None:
        super().__init__()
        for name, layers in PARTS.items():
            setattr(self, name, nn.ModuleList(_convolution(layer) for layer in layers))

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Return both logits."""
        stem, gate, detail, body, head = (list(getattr(self, name)) for name in PARTS)
        fine = _rectified(stem[1](_rectified(stem[0](planes))))
        coarse = _rectified(stem[2](fine))
        passed = gate[1](_rectified(gate[0](coarse)))
        for layer in detail:
            fine = _rectified(fine + layer(fine))
        for layer in body:
            coarse = _rectified(coarse + layer(coarse))
        both = torch.cat([fine, functional.interpolate(coarse, scale_factor=2, mode="nearest")], 1)
        return passed[:, 0], head[1](_rectified(head[0](both)))[:, 0]


def initial(seed: int) -> Net:
    """Return a net of random weights, He et al. 2015."""
    net = Net()
    renew(net, list(PARTS), seed)
    return net.to(memory_format=torch.channels_last)


def renew(net: Net, parts: Sequence[str], seed: int) -> None:
    """Begin some parts anew, with random weights."""
    rng = np.random.default_rng(seed)
    for name in parts:
        for layer in getattr(net, name):
            fan = layer.weight[0].numel()
            drawn = rng.standard_normal(tuple(layer.weight.shape)) * np.sqrt(2 / fan)
            layer.weight.data = torch.from_numpy(drawn.astype(np.float32))
            layer.bias.data.zero_()


def save(path: Path, net: Net) -> None:
    """Write the weights as float32 arrays, named as in the net."""
    named = {name: value.contiguous().numpy() for name, value in net.state_dict().items()}
    np.savez(path, **named)


def load(path: Path) -> Net:
    """Read what `save` wrote, or a net as ONNX that was made from it.

    What is unknown there begins at 0: a residual layer that changes nothing.
    """
    net = Net()
    known = net.state_dict()
    if path.suffix == ".onnx":
        named = read_weights(path.read_bytes())
    else:
        with np.load(path) as arrays:
            named = dict(arrays)
    unknown = {name: np.zeros(value.shape, np.float32) for name, value in known.items()}
    found = {name: value for name, value in named.items() if name in known}
    both = unknown | found
    net.load_state_dict({name: torch.tensor(value) for name, value in both.items()})
    return net.to(memory_format=torch.channels_last)
