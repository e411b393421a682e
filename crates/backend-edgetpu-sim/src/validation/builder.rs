//! Networks as sizes alone, layer by layer.

use pocketvision_core::Shape;
use pocketvision_core::op::{Padding, Window};

use crate::{Layer, LayerKind, Workload};

/// Builds a [`Workload`] without weights. A layer is known by its index.
#[derive(Debug, Default)]
pub(super) struct Builder {
    workload: Workload,
}

impl Builder {
    /// A network with one image as its input.
    pub(super) fn image(height: usize, width: usize, channels: usize) -> (Self, usize) {
        let mut builder = Self::default();
        let shape = Shape::new(1, height, width, channels);
        let input = builder.push(LayerKind::Input, None, shape, shape, 0, &[]);
        (builder, input)
    }

    pub(super) fn finish(mut self, outputs: &[usize]) -> Workload {
        self.workload.set_outputs(outputs.to_vec());
        self.workload
    }

    pub(super) fn shape(&self, layer: usize) -> Shape {
        self.workload.layers()[layer].output
    }

    /// A convolution with a square window.
    pub(super) fn conv(
        &mut self,
        from: usize,
        kernel: usize,
        channels: usize,
        stride: usize,
        padding: Padding,
    ) -> usize {
        self.conv_window(from, channels, Window::square(kernel, stride, padding))
    }

    /// A convolution with SAME padding and a window of so many rows and columns.
    pub(super) fn conv_of(
        &mut self,
        from: usize,
        (kernel_h, kernel_w): (usize, usize),
        channels: usize,
    ) -> usize {
        let window = Window { kernel_h, kernel_w, ..Window::square(1, 1, Padding::Same) };
        self.conv_window(from, channels, window)
    }

    fn conv_window(&mut self, from: usize, channels: usize, window: Window) -> usize {
        let input = self.shape(from);
        let output = Shape { c: channels, ..slide(&window, input) };
        let (taps, input_channels) = (window.taps(), input.c);
        let kind = LayerKind::Convolution { taps, input_channels, groups: 1 };
        let macs = (output.elements() * taps * input_channels) as u64;
        self.push(kind, Some(window), input, output, macs, &[from])
    }

    /// A depthwise convolution of 3 x 3 with SAME padding.
    pub(super) fn depthwise(&mut self, from: usize, stride: usize, dilation: usize) -> usize {
        let input = self.shape(from);
        let window = Window {
            dilation_h: dilation,
            dilation_w: dilation,
            ..Window::square(3, stride, Padding::Same)
        };
        let output = slide(&window, input);
        let kind = LayerKind::Depthwise { taps: window.taps() };
        let macs = (output.elements() * window.taps()) as u64;
        self.push(kind, Some(window), input, output, macs, &[from])
    }

    /// A pool over small windows.
    pub(super) fn pool(
        &mut self,
        from: usize,
        kernel: usize,
        stride: usize,
        padding: Padding,
    ) -> usize {
        let window = Window::square(kernel, stride, padding);
        let input = self.shape(from);
        self.push(LayerKind::Vector, Some(window), input, slide(&window, input), 0, &[from])
    }

    /// The average of the whole image.
    pub(super) fn global_pool(&mut self, from: usize) -> usize {
        let input = self.shape(from);
        self.push(LayerKind::GlobalPool, None, input, Shape::vector(input.c), 0, &[from])
    }

    /// A fully connected layer; it flattens what it reads.
    pub(super) fn linear(&mut self, from: usize, channels: usize) -> usize {
        let input_channels = self.shape(from).elements();
        let input = Shape::vector(input_channels);
        let kind = LayerKind::Convolution { taps: 1, input_channels, groups: 1 };
        let macs = (input_channels * channels) as u64;
        self.push(kind, None, input, Shape::vector(channels), macs, &[from])
    }

    pub(super) fn add(&mut self, a: usize, b: usize) -> usize {
        let shape = self.shape(a);
        self.push(LayerKind::Vector, None, shape, shape, 0, &[a, b])
    }

    /// Channels of several layers beside each other.
    pub(super) fn concat(&mut self, parts: &[usize]) -> usize {
        let c = parts.iter().map(|&part| self.shape(part).c).sum();
        let shape = Shape { c, ..self.shape(parts[0]) };
        self.push(LayerKind::Vector, None, shape, shape, 0, parts)
    }

    /// Twice the height and width: the second half of a transposed convolution of stride 2.
    pub(super) fn upsample(&mut self, from: usize) -> usize {
        let input = self.shape(from);
        let output = Shape { h: 2 * input.h, w: 2 * input.w, ..input };
        self.push(LayerKind::Vector, None, input, output, 0, &[from])
    }

    /// A function of each number, as softmax.
    pub(super) fn pointwise(&mut self, from: usize) -> usize {
        let shape = self.shape(from);
        self.push(LayerKind::Vector, None, shape, shape, 0, &[from])
    }

    fn push(
        &mut self,
        kind: LayerKind,
        window: Option<Window>,
        input: Shape,
        output: Shape,
        macs: u64,
        inputs: &[usize],
    ) -> usize {
        let layer = Layer {
            kind,
            window,
            input,
            output,
            input_bytes: inputs.iter().map(|&i| self.shape(i).elements() as u64).sum(),
            output_bytes: output.elements() as u64,
            macs,
            per_channel_scales: false,
        };
        self.workload.push(layer, inputs)
    }
}

fn slide(window: &Window, input: Shape) -> Shape {
    let (h, w) = window.output(input).expect("windows of built-in networks fit");
    Shape { h, w, ..input }
}
