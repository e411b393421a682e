//! How tensors lie in the device's memory: channels padded to whole quads.
//!
//! See the essay of [`pocketvision_shaders`]. On the host a tensor is dense; [`pack`] and
//! [`unpack`] convert. Where the channels are a multiple of four, both are a plain copy.

use half::f16;
use half::slice::HalfFloatSliceExt;
use pocketvision_core::{Element, Shape};

/// Channels in one quad.
pub(crate) const LANES: usize = 4;

/// Channels of a shape in quads, rounded up.
pub(crate) const fn quads(channels: usize) -> usize {
    channels.div_ceil(LANES)
}

/// Quads of a whole tensor.
pub(crate) const fn tensor_quads(shape: Shape) -> usize {
    shape.n * shape.pixels() * quads(shape.c)
}

/// Bytes of a tensor on the device.
pub(crate) const fn device_bytes(shape: Shape, element: &Element) -> u64 {
    tensor_quads(shape) as u64 * (LANES * element.bytes()) as u64
}

/// Copies a dense tensor of `element_bytes` a number into its padded form. Padded channels
/// are left as they are.
pub(crate) fn pack(channels: usize, element_bytes: usize, dense: &[u8], padded: &mut [u8]) {
    let (from, to) = (channels * element_bytes, quads(channels) * LANES * element_bytes);
    match (from, to) {
        // Pictures, in bytes and in floats.
        (3, 4) => return pack_of_size::<3, 4>(dense, padded),
        (12, 16) => return pack_of_size::<12, 16>(dense, padded),
        _ => {}
    }
    for (padded, dense) in padded.chunks_exact_mut(to).zip(dense.chunks_exact(from)) {
        padded[..from].copy_from_slice(dense);
    }
}

/// As [`pack`], of sizes that the compiler knows: moves in the place of calls.
fn pack_of_size<const FROM: usize, const TO: usize>(dense: &[u8], padded: &mut [u8]) {
    let (padded, dense) = (padded.as_chunks_mut::<TO>().0, dense.as_chunks::<FROM>().0);
    for (padded, dense) in padded.iter_mut().zip(dense) {
        padded[..FROM].copy_from_slice(dense);
    }
}

/// Copies a padded tensor of `element_bytes` a number into its dense form.
pub(crate) fn unpack(channels: usize, element_bytes: usize, padded: &[u8], dense: &mut [u8]) {
    let (to, from) = (channels * element_bytes, quads(channels) * LANES * element_bytes);
    if to == from {
        dense.copy_from_slice(&padded[..dense.len()]);
        return;
    }
    for (dense, padded) in dense.chunks_exact_mut(to).zip(padded.chunks_exact(from)) {
        dense.copy_from_slice(&padded[..to]);
    }
}

/// As [`pack`], from f32 to half precision.
pub(crate) fn pack_half(channels: usize, dense: &[f32], padded: &mut [f16]) {
    for (padded, dense) in
        padded.chunks_exact_mut(quads(channels) * LANES).zip(dense.chunks_exact(channels))
    {
        padded[..channels].convert_from_f32_slice(dense);
    }
}

/// As [`unpack`], from half precision to f32.
pub(crate) fn unpack_half(channels: usize, padded: &[f16], dense: &mut [f32]) {
    for (dense, padded) in
        dense.chunks_exact_mut(channels).zip(padded.chunks_exact(quads(channels) * LANES))
    {
        padded[..channels].convert_to_f32_slice(dense);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_pads_each_pixel_and_unpacking_undoes_it() {
        let dense: Vec<u8> = (1..=10).collect();
        let mut padded = [0; 16];
        pack(5, 1, &dense, &mut padded);
        assert_eq!(padded, [1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 8, 9, 10, 0, 0, 0]);
        let mut back = [0; 10];
        unpack(5, 1, &padded, &mut back);
        assert_eq!(back[..], dense);
    }

    #[test]
    fn pictures_are_padded_as_all_else_is() {
        let dense: Vec<u8> = (1..=6).collect();
        let mut padded = [9; 8];
        pack(3, 1, &dense, &mut padded);
        assert_eq!(padded, [1, 2, 3, 9, 4, 5, 6, 9]);
    }

    #[test]
    fn wider_elements_and_whole_quads() {
        let dense: Vec<u8> = (0..24).collect();
        let mut padded = [0; 32];
        pack(3, 4, &dense, &mut padded);
        assert_eq!(padded[..12], dense[..12]);
        assert_eq!(padded[16..28], dense[12..]);
        assert_eq!(device_bytes(Shape::new(1, 1, 2, 3), &Element::F32), 32);
        let mut copy = [0; 24];
        unpack(8, 1, &dense, &mut copy);
        assert_eq!(copy[..], dense);
    }
}
