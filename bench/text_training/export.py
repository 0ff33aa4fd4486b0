"""Write a trained net as ONNX: `python -m bench.text_training.export NET.npz NET.onnx`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bench.text_training.train import LAYERS


def model(named: dict[str, Any]) -> onnx.ModelProto:
    """Return the net: views (n, 2, rows, columns) to likelihoods (n, 1, rows / 4, columns / 4)."""
    nodes, constants, name = [], [], "view"
    for number, (side, _, _, stride, dilation) in enumerate(LAYERS):
        kernel = np.ascontiguousarray(named[f"w{number}"].transpose(3, 2, 0, 1))
        constants += [
            numpy_helper.from_array(kernel, f"w{number}"),
            numpy_helper.from_array(named[f"b{number}"], f"b{number}"),
        ]
        pad, last = dilation * (side // 2), number == len(LAYERS) - 1
        nodes.append(
            helper.make_node(
                "Conv",
                [name, f"w{number}", f"b{number}"],
                [f"c{number}"],
                kernel_shape=[side, side],
                strides=[stride, stride],
                dilations=[dilation, dilation],
                pads=[pad] * 4,
            )
        )
        before, name = name, f"c{number}"
        if side == 3 and stride == 1:
            nodes.append(helper.make_node("Add", [name, before], [f"s{number}"]))
            name = f"s{number}"
        after = "text" if last else f"h{number}"
        nodes.append(helper.make_node("Sigmoid" if last else "Relu", [name], [after]))
        name = after
    sizes = {"view": ["n", 2, "rows", "columns"], "text": ["n", 1, "cell_rows", "cell_columns"]}
    given, found = (
        helper.make_tensor_value_info(one, TensorProto.FLOAT, size) for one, size in sizes.items()
    )
    graph = helper.make_graph(nodes, "text", [given], [found], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("net", type=Path)
    parser.add_argument("onnx", type=Path)
    given = parser.parse_args()
    with np.load(given.net) as named:
        onnx.save(model(dict(named)), given.onnx)


if __name__ == "__main__":
    main()
