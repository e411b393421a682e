#!/usr/bin/env python3
"""Records what every operator of a TFLite network yields in LiteRT's reference kernels.

    pip install ai-edge-litert==2.3.0 numpy pillow
    record.py NETWORK.tflite PICTURE OUTPUT.npz

The tests of `crates/reference/tests/goldens` compare with such recordings: put those of the
networks that `main.rs` lists in a folder, named after the networks, and set
POCKETVISION_RECORDINGS to it. An array is named after the operator's index in the file, then
`x1`, `x2` and so on for outputs after the first, then operator and tensor.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image


def main() -> None:
    network, picture, output = sys.argv[1:4]
    interpreter = Interpreter(
        network,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    (fed,) = interpreter.get_input_details()
    _, height, width, _ = fed["shape"]
    pixels = Image.open(picture).convert("RGB").resize((width, height), Image.BILINEAR)
    pixels = np.asarray(pixels)[None]
    if fed["dtype"] != np.uint8:
        pixels = (pixels / 127.5 - 1).astype(fed["dtype"])
    interpreter.set_tensor(fed["index"], pixels)
    interpreter.invoke()
    arrays = {"input": pixels}
    for operator in interpreter._get_ops_details():
        for number, tensor in enumerate(operator["outputs"]):
            values = interpreter.get_tensor(tensor)
            if values.dtype == np.int64:
                values = values.astype(np.int32)
            which = f"x{number}" if number else ""
            arrays[f"{operator['index']:03d}{which}_{operator['op_name']}_t{tensor}"] = values
    np.savez(output, **arrays)


if __name__ == "__main__":
    main()
