#!/usr/bin/env python3
"""Compares networks of torchvision and timm with ours on the same weights.

  check.py POCKETVISION        (the command to test; see requirements.txt for what this needs)

Every network gets random weights and random statistics of batch normalisation, is saved as
safetensors, and is run by both on the same random input. Prints the largest difference of
the logarithms of the class probabilities, as a share of their range; fails if one is above 1e-4.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import timm
import torch
import torchvision
from safetensors.torch import save_file

TORCHVISION = ["mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"]
TIMM = [
    "mobilenetv2_050",
    "mobilenetv2_100",
    "mobilenetv2_140",
    "mobilenetv3_large_100",
    "mobilenetv3_small_100",
    "mobilenetv3_small_075",
    "tf_mobilenetv3_large_minimal_100",
    "mobilenet_edgetpu_100",
    "mobilenet_edgetpu_v2_s",
    "mobilenet_edgetpu_v2_m",
    "efficientnet_lite0",
    "efficientnet_es",
]


def randomised(network):
    """The network with statistics that fit its random weights, at no trivial value."""
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        torch.nn.init.uniform_(norm.weight, 0.7, 1.3)
        torch.nn.init.normal_(norm.bias, 0.0, 0.2)
    with torch.no_grad():
        network.train()(torch.randn(8, 3, 224, 224))
        for norm in norms:
            norm.running_mean += 0.1 * norm.running_var.sqrt() * torch.randn_like(norm.running_var)
            norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.8, 1.25)
    return network.eval()


def difference(command, folder, name, network):
    """Largest difference, as a share of the range."""
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        expected = torch.log_softmax(network(image), 1).numpy()
    weights = folder / f"{name}.safetensors"
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, weights)
    np.save(folder / "input.npy", image.numpy())
    arguments = ["run", weights, "--input", folder / "input.npy", "--output", folder, "--json"]
    if name.startswith("tf_"):
        arguments.append("--tensorflow-port")
    ran = subprocess.run([command, *arguments], check=True, capture_output=True)
    actual = np.log(np.load(json.loads(ran.stdout)["outputs"][0]["file"]))
    return float(abs(actual - expected).max() / (expected.max() - expected.min()))


def main():
    torch.manual_seed(1)
    networks = [(name, lambda n=name: torchvision.models.get_model(n)) for name in TORCHVISION]
    networks += [(name, lambda n=name: timm.create_model(n)) for name in TIMM]
    worst = 0.0
    print("| network | largest difference |\n|---|---|")
    for name, create in networks:
        with tempfile.TemporaryDirectory() as folder:
            try:
                share = difference(sys.argv[1], Path(folder), name, randomised(create()))
            except subprocess.CalledProcessError as error:
                print(f"| {name} | {error.stderr.decode().strip()} |")
                worst = 1.0
                continue
        print(f"| {name} | {share:.1e} |")
        worst = max(worst, share)
    return 0 if worst < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
