#!/usr/bin/env python3
"""Runs networks that we wrote in LiteRT or ONNX Runtime and compares with our own results.

  check.py POCKETVISION [MODEL ...]      (the command to test; see requirements.txt)

A model is a name (see `pocketvision models`) or a file; without any, every built-in network is
checked. Each is written in float, in float with a photo's bytes as its input, and in int8, at 96
pixels and at its own size, and run by both on the same random input. Integers are run with LiteRT's reference kernels and must be equal in
every bit. Floats are run with its default kernels and may differ by 1e-4 of the range of the
logarithms of the probabilities (of the outputs, where they are no probabilities).

With --format onnx the files are ONNX and ONNX Runtime runs them, its own graph rewriting off.
ONNX leaves the rounding of integers to the runtime: they are shown and not judged.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter, OpResolverType

LARGEST_DIFFERENCE = 1e-4
SMALL_INPUT = 96
FORMS = [
    ("", ["--precision", "f32"]),
    (", bytes", ["--precision", "f32", "--pixels", "--normalization", "torchvision"]),
    ("", ["--precision", "int8"]),
]


def pocketvision(command, *arguments):
    """The report of a command that succeeds."""
    ran = subprocess.run([command, *arguments, "--json"], capture_output=True, check=False)
    if ran.returncode != 0:
        raise RuntimeError(ran.stderr.decode().strip())
    return json.loads(ran.stdout)


def litert_outputs(file, inputs, reference):
    """What LiteRT yields; with its reference kernels or those it takes by itself."""
    resolver = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    interpreter = Interpreter(str(file), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], value.reshape(detail["shape"]))
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def onnxruntime_session(file):
    """The network as the file says it, operator by operator."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def onnxruntime_outputs(file, inputs):
    """What ONNX Runtime yields for inputs in N, C, H, W."""
    session = onnxruntime_session(file)
    names = [entry.name for entry in session.get_inputs()]
    outputs = session.run(None, dict(zip(names, inputs, strict=True)))
    return [o.transpose(0, 2, 3, 1) if o.ndim == 4 else o for o in outputs]


def random_onnx_inputs(file, generator):
    """As random_inputs, of an ONNX file."""
    inputs = []
    for entry in onnxruntime_session(file).get_inputs():
        if entry.type == "tensor(float)":
            values = generator.uniform(-1.0, 1.0, entry.shape).astype(np.float32)
        else:
            dtype = np.dtype(entry.type.removeprefix("tensor(").removesuffix(")"))
            limits = np.iinfo(dtype)
            values = generator.integers(limits.min, limits.max + 1, entry.shape).astype(dtype)
        inputs.append(values)
    return inputs


def random_inputs(file, generator):
    """Numbers of the type and shape that the file's inputs have."""
    interpreter = Interpreter(str(file), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    inputs = []
    for detail in interpreter.get_input_details():
        if detail["dtype"] == np.float32:
            values = generator.uniform(-1.0, 1.0, detail["shape"])
        else:
            limits = np.iinfo(detail["dtype"])
            values = generator.integers(limits.min, limits.max + 1, detail["shape"])
        inputs.append(values.astype(detail["dtype"]))
    return inputs


def difference(ours, theirs):
    """Largest difference of floats as a share of the range; of integers in steps."""
    ours = ours.reshape(theirs.shape)
    if theirs.dtype != np.float32:
        return int(np.abs(ours.astype(int) - theirs.astype(int)).max())
    if theirs.min() > 0.0 and np.isclose(theirs.sum(-1), 1.0, atol=1e-3).all():
        ours, theirs = np.log(ours), np.log(theirs)
    return float(np.abs(ours - theirs).max() / max(np.ptp(theirs), 1e-30))


def check(command, model, options, generator, form):
    """Precision and the largest difference of one network."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        file = folder / f"network.{form}"
        converted = pocketvision(command, "convert", model, file, *options)
        make = random_onnx_inputs if form == "onnx" else random_inputs
        inputs = make(file, generator)
        arguments = []
        for number, value in enumerate(inputs):
            if form == "onnx" and value.ndim == 4:
                value = np.ascontiguousarray(value.transpose(0, 2, 3, 1))
            np.save(folder / f"input{number}.npy", value)
            arguments += ["--input", folder / f"input{number}.npy"]
        saved = pocketvision(
            command, "run", model, *arguments, "--output", folder / "out", *options
        )["outputs"]
        ours = [np.load(output["file"]) for output in saved]
        if form == "onnx":
            theirs = onnxruntime_outputs(file, inputs)
        else:
            theirs = litert_outputs(file, inputs, reference=converted["precision"] != "f32")
        pairs = zip(ours, theirs, strict=True)
        return converted["precision"], max(difference(a, b) for a, b in pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", help="the pocketvision command")
    parser.add_argument("models", nargs="*", help="names or files [default: all built in]")
    parser.add_argument("--small-only", action="store_true", help="only at 96 pixels")
    parser.add_argument("--format", choices=["tflite", "onnx"], default="tflite")
    chosen = parser.parse_intermixed_args()

    listed = pocketvision(chosen.command, "models")["models"]
    built_in = {row["name"] for row in listed if row["file"] is None}
    generator = np.random.default_rng(1)
    failures = 0
    print("| network | input | precision | largest difference |\n|---|---|---|---|", flush=True)
    for model in chosen.models or sorted(built_in):
        variants = [("as it is", [])]
        if model in built_in:
            sizes = [["--size", str(SMALL_INPUT)]] + ([] if chosen.small_only else [[]])
            variants = [
                (f"{size[-1] if size else 'own size'}{name}", [*precision, *size])
                for size in sizes
                for name, precision in FORMS
            ]
        for size, options in variants:
            try:
                precision, found = check(
                    chosen.command, model, options, generator, chosen.format
                )
                limit = LARGEST_DIFFERENCE if precision == "f32" else 0
                judged = precision == "f32" or chosen.format == "tflite"
                failures += judged and not found <= limit
                found = f"{found:.1e}" if isinstance(found, float) else f"{found} steps"
            except RuntimeError as error:
                precision, found = "", f"FAILED: {error}"
                failures += 1
            name = Path(model).name
            print(f"| {name} | {size} | {precision} | {found} |", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
