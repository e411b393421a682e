//! Convolutions and linear layers: which of their kernels.

use std::ops::Range;
use std::sync::Arc;

use pocketvision_core::op::Conv2d;
use pocketvision_core::{Element, Shape, TensorType};

use super::{Lowered, Lowering, positions, row_bytes};
use crate::kernels::convolution::{Convolution, Matmul};
use crate::kernels::linear_f32::LinearF32;
#[cfg(target_arch = "x86_64")]
use crate::kernels::matmul_bf16::MatmulBf16;
use crate::kernels::matmul_f32::MatmulF32;
use crate::kernels::matmul_i8::MatmulI8;
use crate::kernels::patches::Patches;
use crate::kernels::winograd_f32::WinogradF32;
#[cfg(target_arch = "x86_64")]
use crate::kernels::winograd_i8::{COLUMNS, WinogradI8};
#[cfg(target_arch = "x86_64")]
use crate::simd::Simd;
use crate::simd::Split;

/// A convolution, its tensors, and what its groups have in common.
#[derive(Clone, Copy)]
struct Site<'a> {
    op: &'a Conv2d,
    input: &'a TensorType,
    output: &'a TensorType,
    /// Input channels of a group, and output channels.
    channels: usize,
    filters: usize,
    /// Weights of an output channel.
    depth: usize,
    /// Whether patches are read from bands of the image.
    in_bands: bool,
}

impl Lowering<'_> {
    pub(super) fn convolution(
        self,
        op: &Conv2d,
        input: &TensorType,
        output: &TensorType,
    ) -> Lowered {
        let channels = input.shape.c / op.groups;
        let site = Site {
            op,
            input,
            output,
            channels,
            filters: output.shape.c / op.groups,
            depth: op.window.taps() * channels,
            in_bands: op.groups == 1
                && self.choice.simd.reads_bands()
                && Patches::may_be_read_in_bands(op.window, output.shape),
        };
        if input.element == Element::F32 {
            self.convolution_f32(site)
        } else {
            self.convolution_i8(site)
        }
    }

    fn convolution_f32(self, site: Site<'_>) -> Lowered {
        let Site { op, input, output, depth, .. } = site;
        let bias = self.bias_f32(op.bias, output.shape.c);
        let activation = op.activation;
        let taps = op.window.taps();
        let is_vector = |ty: &TensorType| ty.shape == Shape::vector(ty.shape.c);
        let positions_are_one = is_vector(input) && is_vector(output);
        if self.choice.bf16.is_none() && op.groups == 1 && taps == 1 && positions_are_one {
            let weights = Arc::clone(&self.graph.params()[op.weight.index()].tensor);
            let mut kernel = LinearF32::new(self.choice.simd, weights, bias, activation);
            if !self.choice.few_runs {
                kernel = kernel.with_fixed_weights();
            }
            let granule = LinearF32::COLUMN_GRANULE * size_of::<f32>();
            let split = Split::columns(1, row_bytes(output), granule);
            return Lowered { kernel: Box::new(kernel), split };
        }
        let weights = self.graph.param(op.weight).as_f32().expect("f32 weights");
        let (window, from, to) = (op.window, input.shape, output.shape);
        if op.groups == 1
            && let Some(form) = WinogradF32::pays(window, from, to)
        {
            let shapes = (window, from, to);
            let kernel =
                WinogradF32::new(self.choice.simd, form, shapes, weights, &bias, activation);
            let columns = kernel.column_granule() * size_of::<f32>();
            let (rows, row_bytes) = (positions(to), row_bytes(output));
            let granule = kernel.row_granule();
            let split = Split::balanced(rows, row_bytes, granule, columns, self.threads);
            return Lowered { kernel: Box::new(kernel), split };
        }
        #[cfg(target_arch = "x86_64")]
        if let (Some(proof), 1) = (self.choice.bf16, taps) {
            return self.product(site, |columns| {
                let weights = &weights[columns.start * depth..columns.end * depth];
                MatmulBf16::new(proof, weights, depth, &bias[columns], activation)
            });
        }
        self.product(site, |columns| {
            let weights = &weights[columns.start * depth..columns.end * depth];
            MatmulF32::new(self.choice.simd, weights, depth, &bias[columns], activation)
        })
    }

    fn convolution_i8(self, site: Site<'_>) -> Lowered {
        let Site { op, input, output, depth, .. } = site;
        let weights = self.graph.param(op.weight);
        let (_, input_zero_point) = input.element.per_tensor().expect("one scale");
        let quantization = weights.element().quantization().expect("int8 weights");
        let requantize = self.requantize(op.bias, op.activation, input, weights, output);
        let weights = weights.as_i8().expect("int8 weights");
        #[cfg(target_arch = "x86_64")]
        if let (Simd::Avx2(proof), 1) = (self.choice.simd, op.groups)
            && proof.vnni().is_none()
            && WinogradI8::pays(op.window, input.shape, output.shape)
        {
            let (window, from, to) = (op.window, input.shape, output.shape);
            let (zero_point, input_zero) = (quantization.zero_point(), input_zero_point);
            let kernel = WinogradI8::new(
                proof, window, from, to, weights, zero_point, input_zero, requantize,
            );
            let (rows, row_bytes, granule) =
                (positions(to), row_bytes(output), kernel.row_granule());
            let split = Split::balanced(rows, row_bytes, granule, COLUMNS, self.threads);
            return Lowered { kernel: Box::new(kernel), split };
        }
        self.product(site, |columns| {
            MatmulI8::new(
                self.choice.simd,
                &weights[columns.start * depth..columns.end * depth],
                depth,
                if site.in_bands { op.window.kernel_h } else { 1 },
                quantization.zero_point(),
                input_zero_point,
                requantize.of_channels(columns),
            )
        })
    }

    /// A product for each group, made of the weights of its output channels.
    fn product<M: Matmul + 'static>(
        self,
        site: Site<'_>,
        matmul: impl Fn(Range<usize>) -> M,
    ) -> Lowered {
        let Site { op, input, output, channels, filters, in_bands, .. } = site;
        let group = |group: usize| {
            let matmul = matmul(group * filters..(group + 1) * filters);
            let patches = Patches::new(
                input.shape,
                output.shape,
                op.window,
                group * channels..(group + 1) * channels,
                input.element.bytes(),
                input.element.quantization().map_or(0, |q| q.zero_point() as u8),
                matmul.padded_depth(),
            );
            (if in_bands { patches.in_bands() } else { patches }, matmul)
        };
        // Bands are whole lines of the output.
        let rows = if in_bands { output.shape.w } else { Convolution::<M>::ROW_GRANULE };
        let (positions, row_bytes) = (positions(output.shape), row_bytes(output));
        let split = if op.groups == 1 {
            let columns = Convolution::<M>::COLUMN_GRANULE * size_of::<M::Number>();
            Split::balanced(positions, row_bytes, rows, columns, self.threads)
        } else {
            Split::rows(positions, row_bytes, rows)
        };
        let groups = (0..op.groups).map(group).collect();
        Lowered { kernel: Box::new(Convolution::new(groups)), split }
    }
}
