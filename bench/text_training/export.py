"""Write the mean of nets as ONNX: `python -m bench.text_training.export A.npz B.npz NET.onnx`.

Weights are stored as float16, biases as float32; the net computes in float32.

Nets that one grew out of the other have a mean that is better than either.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bench.text_training.model import BODY, DETAIL, GATE, HEAD, STEM, Layer
from fastdeid.kernels.convolutions import LEAK


class _Graph:
    """Nodes and constants, in order; the methods return the name of what a node makes."""

    def __init__(self, named: dict[str, Any]) -> None:
        self._named = named
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], made: str, **given: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [made], **given))
        return made

    def convolution(self, before: str, place: str, layer: Layer) -> str:
        half = self._named[f"{place}.weight"].astype(np.float16)
        kernel = self.constant(f"{place}.weight", half)
        kernel = self.node("Cast", [kernel], f"{place}.single", to=TensorProto.FLOAT)
        bias = self.constant(f"{place}.bias", self._named[f"{place}.bias"])
        return self.node(
            "Conv",
            [before, kernel, bias],
            f"{place}.sum",
            kernel_shape=[layer.side, layer.side],
            strides=[layer.stride, layer.stride],
            dilations=[layer.dilation, layer.dilation],
            pads=[layer.dilation * (layer.side // 2)] * 4,
        )

    def rectified(self, before: str) -> str:
        return self.node("LeakyRelu", [before], f"{before}.rectified", alpha=LEAK)

    def residual(self, before: str, place: str, layer: Layer) -> str:
        changed = self.convolution(before, place, layer)
        return self.rectified(self.node("Add", [changed, before], f"{place}.both"))

    def model(self, made: list[str]) -> onnx.ModelProto:
        sizes = ["n", 2, "rows", "columns"]
        view = helper.make_tensor_value_info("view", TensorProto.FLOAT, sizes)
        found = [
            helper.make_tensor_value_info(
                one, TensorProto.FLOAT, ["n", 1, f"{one}_rows", f"{one}_columns"]
            )
            for one in made
        ]
        graph = helper.make_graph(self.nodes, "text", [view], found, self.constants)
        opset = [helper.make_opsetid("", 13)]
        written = helper.make_model(graph, opset_imports=opset, ir_version=8)
        onnx.checker.check_model(written)
        return written


def _stem(graph: _Graph) -> tuple[str, str]:
    """Add the stem; return what it makes for 4 x 4 and for 8 x 8 samples."""
    name, made = "view", []
    for number, layer in enumerate(STEM):
        name = graph.rectified(graph.convolution(name, f"stem.{number}", layer))
        made.append(name)
    return made[1], made[2]


def model(named: dict[str, Any]) -> onnx.ModelProto:
    """Return the net, of views (n, 2, rows, columns).

    "gate" is whether text may be, per 8 x 8 samples, "text" its likelihood, per 4 x 4 samples.
    """
    graph = _Graph(named)
    fine, coarse = _stem(graph)
    hidden = graph.rectified(graph.convolution(coarse, "gate.0", GATE[0]))
    graph.node("Sigmoid", [graph.convolution(hidden, "gate.1", GATE[1])], "gate")
    for number, layer in enumerate(DETAIL):
        fine = graph.residual(fine, f"detail.{number}", layer)
    for number, layer in enumerate(BODY):
        coarse = graph.residual(coarse, f"body.{number}", layer)
    scales = graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
    wide = graph.node(
        "Resize",
        [coarse, "", scales],
        "wide",
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    both = graph.node("Concat", [fine, wide], "both", axis=1)
    hidden = graph.rectified(graph.convolution(both, "head.0", HEAD[0]))
    graph.node("Sigmoid", [graph.convolution(hidden, "head.1", HEAD[1])], "text")
    return graph.model(["gate", "text"])


def main() -> None:
    """Convert one net, or the mean of several."""
    parser = argparse.ArgumentParser()
    parser.add_argument("nets", type=Path, nargs="+")
    parser.add_argument("onnx", type=Path)
    given = parser.parse_args()
    nets = []
    for path in given.nets:
        with np.load(path) as weights:
            nets.append(dict(weights))
    mean = {name: sum(net[name] for net in nets) / np.float32(len(nets)) for name in nets[0]}
    onnx.save(model(mean), given.onnx)


if __name__ == "__main__":
    main()
