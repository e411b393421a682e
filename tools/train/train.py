"""Trains the built-in network on CIFAR-10 and writes its weights.

    python train.py DATA OUTPUT [--threads N] [--device cpu|cuda] [--bf16]

DATA holds `train/CLASS/*.{jpg,png}` and `test/CLASS/*.{jpg,png}`. OUTPUT gets:

    weights.safetensors   folded weights under the library's own names, channels last
    log.jsonl             one line an epoch, then the result
    confusion.csv         test pictures by class (rows: truth) and answer (columns)
    state.pt              what an interrupted run goes on from

With --bf16 products are of bfloat16, which processors that multiply it compute several times
faster: 50 minutes on two cores of 2022, against five hours without. Seeds are fixed; sums of
another number of threads differ in their last bits, so accuracy repeats to some tenths of a point.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.numpy import save_file

from network import CLASSES, Network

SEED = 2019
BATCH = 128
PADDING = 4
# Small crops first: they cost half, and only later steps need to see whole pictures.
CROPS = [24] * 10 + [32] * 50
PEAK_LEARNING_RATE = 0.2
WARMUP = 0.1
MOMENTUM = 0.9
# A network of so few weights needs little to hold it back.
WEIGHT_DECAY = 2e-4
LABEL_SMOOTHING = 0.05


def learning_rate(progress):
    """Up and down in straight lines; `progress` is from 0 to 1."""
    if progress < WARMUP:
        return PEAK_LEARNING_RATE * progress / WARMUP
    return PEAK_LEARNING_RATE * (1 - progress) / (1 - WARMUP)


def load(folder):
    """All pictures of a split: [n, 32, 32, 3] in bytes, and their classes."""
    images, labels = [], []
    for label, name in enumerate(CLASSES):
        files = sorted(p for p in (folder / name).iterdir() if p.suffix in {".jpg", ".png"})
        for file in files:
            with Image.open(file) as image:
                images.append(np.asarray(image.convert("RGB")))
        labels += [label] * len(files)
    return torch.from_numpy(np.stack(images)), torch.tensor(labels)


def to_input(images):
    """Bytes, channels last, to the network's input from -1 to 1."""
    x = images.permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1.0
    return x.contiguous(memory_format=torch.channels_last)


def augmented(padded, index, crop, generator):
    """Random crops of the pictures at `index`, half of them mirrored."""
    n, room = len(index), padded.shape[1] - crop
    top, left = torch.randint(0, room + 1, (2, n, 1), generator=generator)
    columns = torch.arange(crop).expand(n, crop)
    mirrored = torch.rand(n, 1, generator=generator) < 0.5
    columns = torch.where(mirrored, crop - 1 - columns, columns) + left
    rows = torch.arange(crop) + top
    return padded[index[:, None, None], rows[:, :, None], columns[:, None, :]]


@torch.no_grad()
def confusion(network, images, labels, device):
    network.eval()
    matrix = np.zeros((len(CLASSES), len(CLASSES)), dtype=int)
    for at in range(0, len(images), 500):
        answers = network(to_input(images[at : at + 500]).to(device)).argmax(1).cpu()
        np.add.at(matrix, (labels[at : at + 500].numpy(), answers.numpy()), 1)
    return matrix


def accuracy(matrix):
    return float(np.trace(matrix) / matrix.sum())


def named_tensors(network):
    """Folded weights in half precision as the library stores them: output, height, width, input."""
    layers = {"stem": network.stem, "head": network.head}
    for number, block in enumerate(network.blocks, 1):
        layers[f"block{number}/expand"] = block.expand
        if block.depthwise is not None:
            layers[f"block{number}/depthwise"] = block.depthwise
        layers[f"block{number}/project"] = block.project
    tensors = {}
    for name, layer in layers.items():
        weight, bias = layer.folded()
        order = (1, 2, 3, 0) if layer.weight.groups > 1 else (0, 2, 3, 1)
        tensors[f"{name}/weight"], tensors[f"{name}/bias"] = weight.permute(order), bias
    classifier = network.classifier
    tensors["logits/weight"] = classifier.weight[:, None, None, :]
    tensors["logits/bias"] = classifier.bias
    return {k: np.ascontiguousarray(v.detach().half().cpu().numpy()) for k, v in tensors.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    options.output.mkdir(parents=True, exist_ok=True)
    device = torch.device(options.device)

    images, labels = load(options.data / "train")
    test_images, test_labels = load(options.data / "test")
    padding = ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0))
    padded = torch.from_numpy(np.pad(images.numpy(), padding, mode="reflect"))

    network = Network().to(device, memory_format=torch.channels_last)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others}]
    optimizer = torch.optim.SGD(groups, lr=0.0, momentum=MOMENTUM, nesterov=True)

    state, first = options.output / "state.pt", 0
    if state.exists():
        saved = torch.load(state)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["epochs"]
    steps = len(images) // BATCH
    log = (options.output / "log.jsonl").open("a" if first else "w")

    def record(**line):
        print(json.dumps(line), file=log, flush=True)
        print(line, flush=True)

    for epoch, crop in list(enumerate(CROPS))[first:]:
        started, total = time.time(), 0.0
        generator = torch.Generator().manual_seed(SEED + epoch)
        order = torch.randperm(len(images), generator=generator)
        network.train()
        for step in range(steps):
            index = order[step * BATCH : (step + 1) * BATCH]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate((epoch + step / steps) / len(CROPS))
            x = to_input(augmented(padded, index, crop, generator)).to(device)
            y = labels[index].to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=options.bf16):
                logits = network(x)
            loss = F.cross_entropy(logits.float(), y, label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            if not math.isfinite(total):
                raise SystemExit(f"the loss is {total} in epoch {epoch + 1}: lower the learning rate")
        matrix = confusion(network, test_images, test_labels, device)
        record(
            epoch=epoch + 1,
            crop=crop,
            loss=round(total / steps, 4),
            test_accuracy=round(accuracy(matrix), 4),
            seconds=round(time.time() - started),
        )
        saved = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(saved | {"epochs": epoch + 1}, state.with_suffix(".new"))
        state.with_suffix(".new").replace(state)

    matrix = confusion(network, test_images, test_labels, device)
    record(test_accuracy=accuracy(matrix), test_pictures=int(matrix.sum()))
    rows = [",".join(["truth", *CLASSES])]
    rows += [",".join([name, *map(str, row)]) for name, row in zip(CLASSES, matrix)]
    (options.output / "confusion.csv").write_text("\n".join(rows) + "\n")
    metadata = {"network": "mobilenet-edgetpu-cifar10"}
    save_file(named_tensors(network), options.output / "weights.safetensors", metadata)


if __name__ == "__main__":
    main()
