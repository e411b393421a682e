"""The built-in network in PyTorch: MobileNetEdgeTPU's blocks at CIFAR-10's size.

The table is that of crates/core/src/models/mobilenet_edgetpu_cifar.rs. Near the input, where
channels are few, a dense 3x3 convolution expands; later a pointwise and a depthwise one do.
There is no squeeze-and-excite and no swish, so it quantizes well and suits a systolic array.
"""

from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
STEM_CHANNELS = 16
HEAD_CHANNELS = 128


class Block(NamedTuple):
    fused: bool
    stride: int
    inner_channels: int
    channels: int


BLOCKS = [
    Block(True, 2, 64, 32),
    Block(True, 1, 64, 32),
    Block(True, 1, 64, 32),
    Block(True, 2, 128, 64),
    Block(True, 1, 128, 64),
    Block(False, 1, 256, 64),
    Block(False, 1, 256, 64),
]


class Convolution(nn.Module):
    """A convolution with TensorFlow's SAME padding, batch normalisation, and perhaps ReLU."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1, relu=True):
        super().__init__()
        self.weight = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = relu
        nn.init.kaiming_normal_(self.weight.weight, mode="fan_in", nonlinearity="relu")
        # Sides are even, so a stride of 2 reads one pixel beyond the end and none before.
        before, after = (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2
        self.padding = (before, after, before, after)

    def forward(self, x):
        before, after = self.padding[:2]
        if before == after:
            conv = self.weight
            x = F.conv2d(x, conv.weight, None, conv.stride, before, 1, conv.groups)
        else:
            x = self.weight(F.pad(x, self.padding))
        x = self.norm(x)
        return F.relu(x, inplace=True) if self.relu else x

    def folded(self):
        """Weight and bias with the normalisation multiplied in."""
        norm = self.norm
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = self.weight.weight * scale[:, None, None, None]
        return weight, norm.bias - norm.running_mean * scale


class InvertedBottleneck(nn.Module):
    """Expand and filter, by one dense convolution or two, then project; add where shapes allow."""

    def __init__(self, inputs, block):
        super().__init__()
        if block.fused:
            self.expand = Convolution(inputs, block.inner_channels, 3, block.stride)
            self.depthwise = None
        else:
            self.expand = Convolution(inputs, block.inner_channels)
            inner = block.inner_channels
            self.depthwise = Convolution(inner, inner, 3, block.stride, groups=inner)
        self.project = Convolution(block.inner_channels, block.channels, relu=False)
        self.residual = block.stride == 1 and inputs == block.channels

    def forward(self, x):
        y = self.expand(x)
        if self.depthwise is not None:
            y = self.depthwise(y)
        y = self.project(y)
        return x + y if self.residual else y


class Network(nn.Module):
    """Images [n, 3, 32, 32] from -1 to 1 in, ten logits out."""

    def __init__(self):
        super().__init__()
        self.stem = Convolution(3, STEM_CHANNELS, 3)
        channels, blocks = STEM_CHANNELS, []
        for block in BLOCKS:
            blocks.append(InvertedBottleneck(channels, block))
            channels = block.channels
        self.blocks = nn.ModuleList(blocks)
        self.head = Convolution(channels, HEAD_CHANNELS)
        self.classifier = nn.Linear(HEAD_CHANNELS, len(CLASSES))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.classifier(self.head(x).mean((2, 3)))
