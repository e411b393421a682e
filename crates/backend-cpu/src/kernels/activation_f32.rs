//! Elementwise functions of floats.

use pocketvision_core::op::ActivationKind;

use super::Kernel;
use super::epilogue_f32::EpilogueF32;
use crate::simd::{Inputs, Simd, Tile};

/// `out[i] = activation(in[i])`.
#[derive(Debug)]
pub(crate) struct ActivationF32 {
    simd: Simd,
    kind: ActivationKind,
}

impl ActivationF32 {
    pub(crate) const fn new(simd: Simd, kind: ActivationKind) -> Self {
        Self { simd, kind }
    }
}

impl Kernel for ActivationF32 {
    fn name(&self) -> String {
        format!("{:?} f32 {}", self.kind, self.simd.level())
    }

    fn run(&self, inputs: &Inputs<'_>, tile: &mut Tile<'_>, _: &mut [u8]) {
        let input: &[f32] = inputs.numbers(0);
        tile.for_each_run(|offset, run| {
            let run: &mut [f32] = bytemuck::cast_slice_mut(run);
            run.copy_from_slice(&input[offset / 4..][..run.len()]);
            activate(self.simd, Some(self.kind), run);
        });
    }
}

/// Applies an activation in place.
pub(crate) fn activate(simd: Simd, activation: Option<ActivationKind>, numbers: &mut [f32]) {
    if activation.is_none() {
        return;
    }
    let (epilogue, second_pass) = EpilogueF32::new(activation);
    match second_pass {
        Some(kind) => numbers.iter_mut().for_each(|x| *x = kind.apply(*x)),
        None => simd.vectorize(
            #[inline(always)]
            || numbers.iter_mut().for_each(|x| *x = epilogue.apply(*x)),
        ),
    }
}
