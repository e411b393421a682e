#!/usr/bin/env python3
"""Checks `pocketvision evaluate` against other people's tools (see requirements.txt).

  check.py POCKETVISION detect MODEL FOLDER    average precision, by pycocotools
  check.py POCKETVISION segment MODEL FOLDER   mean intersection over union, by NumPy
  check.py POCKETVISION maps MODEL PHOTO ...   class maps, by LiteRT's reference kernels
  check.py --expected                          figures that a test of the crate vision holds

FOLDER holds photos. For `detect` a folder `labels` in it has YOLO's lines for each, COCO's 80
classes; for `segment` a folder `semantic` has masks of COCO's categories and MODEL is of
Pascal VOC. Two things are shown. First, our figures and theirs for the boxes and maps that we
found: they must be equal. Second, if MODEL is a .tflite file, the figures of what LiteRT finds
with the same network on the same photos, with its own kernels and with XNNPACK's. Those two
disagree in last bits, and over few photos that shows; ours may be half a point from the first.

`maps` needs no truth: the class of every pixel must be that of LiteRT's reference kernels.

With --reference LiteRT runs its reference kernels too (slow: many seconds a photo). They are the
specification that ours follow: their figures must be ours, and half a point from the optimised
kernels is then shown and not judged.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

LARGEST_DIFFERENCE = 0.5  # points, between us and LiteRT's optimised kernels
ROUNDING = 1e-6  # points, between us and LiteRT's reference kernels
REFERENCE = "reference"
KERNELS = {"LiteRT": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "with XNNPACK": "AUTO", REFERENCE: "BUILTIN_REF"}
FIGURES = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100"]
UNUSED = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
CATEGORIES = [number for number in range(1, 91) if number not in UNUSED]
VOC_OF_COCO = {1: 15, 2: 2, 3: 7, 4: 14, 5: 1, 6: 6, 7: 19, 9: 4, 16: 3, 17: 8, 18: 12, 19: 13,
               20: 17, 21: 10, 44: 5, 62: 9, 63: 18, 64: 16, 67: 11, 72: 20}


def run(pocketvision, *arguments):
    return json.loads(subprocess.check_output([pocketvision, *map(str, arguments), "--json"]))


def coco_figures(images, truth, found, categories):
    """AP, AP50, AP75, AP by size, AR by number, from 0 to 1."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": images, "annotations": truth,
                        "categories": [{"id": category} for category in categories]}
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(found), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return [float(figure) for figure in judge.stats[:9]]


def yolo_truth(folder, photos):
    images, truth = [], []
    for photo in photos:
        width, height = Image.open(photo).size
        images.append({"id": photo.name, "width": width, "height": height})
        for line in (folder / "labels" / f"{photo.stem}.txt").read_text().splitlines():
            number, *sides = line.split()
            x, y, w, h = map(np.float32, sides)
            # As the command computes it: sides in shares, then in pixels, in 32 bits.
            two = np.float32(2)
            left, right = (x - w / two) * np.float32(width), (x + w / two) * np.float32(width)
            top, bottom = (y - h / two) * np.float32(height), (y + h / two) * np.float32(height)
            bounds = [float(left), float(top), float(right) - float(left), float(bottom) - float(top)]
            truth.append({"id": len(truth) + 1, "image_id": photo.name, "iscrowd": 0,
                          "category_id": CATEGORIES[int(number)], "bbox": bounds,
                          "area": bounds[2] * bounds[3]})
    return images, truth


def interpreter(model, name):
    """LiteRT with the kernels of a name."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    kernels = getattr(OpResolverType, KERNELS[name])
    interpreter = Interpreter(str(model), num_threads=2, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    return interpreter


def interpreters(model, reference):
    """LiteRT with its own kernels, then with XNNPACK's, then with its reference kernels, by name."""
    for name in KERNELS:
        if name != REFERENCE or reference:
            yield name, interpreter(model, name)


def network_input(interpreter, photo):
    port = interpreter.get_input_details()[0]
    _, height, width, _ = port["shape"]
    pixels = np.asarray(Image.open(photo).convert("RGB").resize((width, height), Image.BILINEAR))
    if port["dtype"] == np.float32:
        pixels = (pixels / 127.5 - 1).astype(np.float32)
    return pixels[None]


def litert(interpreter, photo):
    port = interpreter.get_input_details()[0]
    interpreter.set_tensor(port["index"], network_input(interpreter, photo))
    interpreter.invoke()
    return [interpreter.get_tensor(output["index"])[0] for output in interpreter.get_output_details()]


def is_good(name, ours, theirs, reference):
    """Whether figures are as near as the kernels of a name should be."""
    if name == REFERENCE:
        return np.allclose(ours, theirs, atol=ROUNDING)
    return name != "LiteRT" or reference or abs(ours[0] - theirs[0]) <= LARGEST_DIFFERENCE


def show(name, figures, labels):
    print(f"  {name:12}", "  ".join(f"{label} {figure:7.3f}" for label, figure in zip(labels, figures)))


def detect(pocketvision, model, folder, photos, reference):
    images, truth = yolo_truth(folder, photos)
    ours = run(pocketvision, "evaluate", model, folder)
    ours = [ours[figure] for figure in FIGURES]
    report = run(pocketvision, "detect", *photos, "--model", model, "--min-score", 0)
    found = []
    for image in report["images"]:
        for thing in image["objects"]:
            left, top, right, bottom = (thing["box"][side] for side in ("left", "top", "right", "bottom"))
            found.append({"image_id": Path(image["image"]).name, "category_id": thing["class"] + 1,
                          "bbox": [left, top, right - left, bottom - top], "score": thing["score"]})
    theirs = [100 * figure for figure in coco_figures(images, truth, found, CATEGORIES)]
    show("evaluate", ours, FIGURES)
    show("pycocotools", theirs, FIGURES)
    good = np.allclose(ours, theirs, atol=1e-6)
    if model.suffix == ".tflite":
        for name, interpreter in interpreters(model, reference):
            found = []
            for photo, image in zip(photos, images):
                boxes, classes, scores, count = litert(interpreter, photo)
                width, height = image["width"], image["height"]
                for (top, left, bottom, right), number, score in list(zip(boxes, classes, scores))[:int(count)]:
                    left, right = np.clip([left, right], 0, 1) * width
                    top, bottom = np.clip([top, bottom], 0, 1) * height
                    found.append({"image_id": photo.name, "category_id": int(number) + 1, "score": float(score),
                                  "bbox": [left, top, right - left, bottom - top]})
            tflite = [100 * figure for figure in coco_figures(images, truth, found, CATEGORIES)]
            show(name, tflite, FIGURES)
            good = is_good(name, ours, tflite, reference) and good
    return good


def segment(pocketvision, model, folder, photos, reference):
    photos = [photo for photo in photos if (folder / "semantic" / f"{photo.stem}.png").is_file()]
    labels = ["mean IoU", "pixels"]
    ours = run(pocketvision, "evaluate", model, folder, "--mask-classes", "coco")
    ours = [ours["mean_iou"], ours["pixel_accuracy"]]
    show("evaluate", ours, labels)
    table = np.zeros(256, np.uint8)
    table[0] = 255
    for coco, voc in VOC_OF_COCO.items():
        table[coco] = voc
    good = True
    for name, interpreter in interpreters(model, reference):
        confusion = np.zeros((256, 256), np.int64)
        for photo in photos:
            found = litert(interpreter, photo)[0]
            mask = Image.open(folder / "semantic" / f"{photo.stem}.png")
            mask = table[np.asarray(mask.resize(found.shape[::-1], Image.NEAREST))]
            counts = mask != 255
            np.add.at(confusion, (mask[counts], found[counts]), 1)
        right, there = np.diag(confusion), confusion.sum(1) > 0
        union = confusion.sum(0) + confusion.sum(1) - right
        tflite = [100 * (right[there] / union[there]).mean(), 100 * right.sum() / confusion.sum()]
        show(name, tflite, labels)
        good = is_good(name, ours, tflite, reference) and good
    return good


def maps(pocketvision, model, photos):
    judge = interpreter(model, REFERENCE)
    differing = 0
    for photo in photos:
        theirs = litert(judge, photo)[0]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "input.npy"
            np.save(file, network_input(judge, photo))
            report = run(pocketvision, "run", model, "--input", file, "--output", Path(folder) / "out")
            ours = np.load(report["outputs"][0]["file"]).reshape(theirs.shape)
        print(f"  {photo.name}: {(ours != theirs).sum()} of {ours.size} pixels differ", flush=True)
        differing += (ours != theirs).sum()
    return differing == 0


class Dice:
    """The numbers of the test in crates/vision/src/accuracy/average_precision/mod.rs."""

    def __init__(self, state):
        self.state = state

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0xFFFFFFFF
        return (self.state >> 16) % limit


def expected(crowds):
    dice = Dice(7)
    images, truth, found = [], [], []

    def find(image, box, number):
        score = dice.below(1000) / 1000
        found.append({"image_id": image, "category_id": number, "bbox": box, "score": score})

    for image in range(1, 41):
        images.append({"id": image})
        for _ in range(dice.below(6)):
            number = dice.below(3)
            left, top = dice.below(500), dice.below(400)
            w, h = 8 + dice.below(150), 8 + dice.below(150)
            crowd = dice.below(10) == 0 and crowds
            truth.append({"id": len(truth) + 1, "image_id": image, "category_id": number,
                          "bbox": [left, top, w, h], "area": w * h, "iscrowd": int(crowd)})
            for _ in range(dice.below(3)):
                right, down = dice.below(w // 3 + 1), dice.below(h // 3 + 1)
                wider, higher = dice.below(w // 4 + 1), dice.below(h // 4 + 1)
                seen_as = (number + 1) % 3 if dice.below(8) == 0 else number
                find(image, [left + right // 2, top + down // 2, w + wider, h + higher], seen_as)
        for _ in range(dice.below(4)):
            number = dice.below(4)
            left, top = dice.below(500), dice.below(400)
            w, h = 1 + dice.below(200), 1 + dice.below(200)
            find(image, [left, top, w, h], number)
    return coco_figures(images, truth, found, range(4))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expected", action="store_true")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("arguments", nargs="*", metavar="POCKETVISION detect|segment|maps MODEL FOLDER|PHOTO")
    options = parser.parse_args()
    if options.expected:
        for crowds in (False, True):
            print(expected(crowds))
        return 0
    if options.arguments[1:2] == ["maps"] and len(options.arguments) > 3:
        pocketvision, _, model, *photos = options.arguments
        good = maps(pocketvision, Path(model), [Path(photo) for photo in photos])
        print("good" if good else "TOO FAR APART")
        return 0 if good else 1
    if len(options.arguments) != 4 or options.arguments[1] not in ("detect", "segment"):
        parser.error("POCKETVISION, detect or segment, MODEL and FOLDER are expected")
    pocketvision, task, model, folder = options.arguments
    folder = Path(folder)
    photos = sorted(photo for photo in folder.iterdir() if photo.suffix in (".jpg", ".png"))
    good = {"detect": detect, "segment": segment}[task](
        pocketvision, Path(model), folder, photos, options.reference)
    print("good" if good else "TOO FAR APART")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
