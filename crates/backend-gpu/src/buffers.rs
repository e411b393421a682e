//! What is uploaded once, when compiling: constants and the shaders' params.

use crate::device::Device;
use crate::schedule::{Dispatch, Schedule};

/// All blobs on the device, packed into as few buffers as its limits allow.
pub(crate) struct Constants {
    pub(crate) chunks: Vec<wgpu::Buffer>,
    /// Buffer and offset of each blob.
    pub(crate) places: Vec<(usize, u64)>,
}

impl Constants {
    pub(crate) fn upload(device: &Device, schedule: &Schedule) -> Self {
        let alignment = device.binding_alignment();
        let limit = device.max_buffer_bytes().min(LARGEST_CHUNK_BYTES);
        let mut sizes: Vec<u64> = Vec::new();
        let mut places = Vec::with_capacity(schedule.blobs.len());
        for blob in &schedule.blobs {
            let bytes = blob.bytes().len() as u64;
            let offset = sizes.last().map(|size| size.next_multiple_of(alignment));
            let offset = match offset.filter(|offset| offset + bytes <= limit) {
                Some(offset) => offset,
                None => {
                    sizes.push(0);
                    0
                }
            };
            let chunk = sizes.len() - 1;
            sizes[chunk] = offset + bytes;
            places.push((chunk, offset));
        }
        let contents = |chunk: usize| {
            let blobs = schedule.blobs.iter().zip(&places);
            blobs.filter_map(move |(blob, place)| {
                (place.0 == chunk).then_some((place.1, blob.bytes()))
            })
        };
        let chunk = |(chunk, &size): (usize, &u64)| filled(device, size, contents(chunk));
        let chunks = sizes.iter().enumerate().map(chunk).collect();
        Self { chunks, places }
    }
}

/// The uniform `params` of all dispatches in one buffer.
pub(crate) struct Params {
    pub(crate) buffer: wgpu::Buffer,
    stride: u64,
    sizes: Vec<u64>,
}

impl Params {
    pub(crate) fn upload(device: &Device, dispatches: &[Dispatch]) -> Self {
        // Uniforms are read in rows of 16 bytes.
        let size = |dispatch: &Dispatch| (4 * dispatch.params.len() as u64).next_multiple_of(16);
        let sizes: Vec<u64> = dispatches.iter().map(size).collect();
        let largest = sizes.iter().copied().max().unwrap_or(16);
        let stride = largest.next_multiple_of(device.binding_alignment());
        let mut bytes = vec![0; (stride as usize * dispatches.len()).max(16)];
        for (record, dispatch) in bytes.chunks_exact_mut(stride as usize).zip(dispatches) {
            let params: &[u8] = bytemuck::cast_slice(&dispatch.params);
            record[..params.len()].copy_from_slice(params);
        }
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = buffer(device, "params", bytes.len() as u64, usage);
        device.queue.write_buffer(&buffer, 0, &bytes);
        Self { buffer, stride, sizes }
    }

    pub(crate) fn binding(&self, index: usize) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: index as u64 * self.stride,
            size: wgpu::BufferSize::new(self.sizes[index]),
        })
    }
}

/// A buffer of constants, with these bytes at their offsets.
fn filled<'a>(
    device: &Device,
    size: u64,
    contents: impl Iterator<Item = (u64, &'a [u8])>,
) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    if device.has_processor_memory() {
        // In place: staging memory would have to be found, filled and copied.
        let buffer = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("weights"),
            size,
            usage: usage | wgpu::BufferUsages::MAP_WRITE,
            mapped_at_creation: true,
        });
        if let Ok(mut view) = buffer.get_mapped_range_mut(..) {
            for (offset, bytes) in contents {
                view.slice(offset as usize..offset as usize + bytes.len()).copy_from_slice(bytes);
            }
        }
        buffer.unmap();
        return buffer;
    }
    let buffer = buffer(device, "weights", size, usage | wgpu::BufferUsages::COPY_DST);
    for (offset, bytes) in contents {
        device.queue.write_buffer(&buffer, offset, bytes);
    }
    buffer
}

/// An unmapped buffer.
pub(crate) fn buffer(
    device: &Device,
    label: &str,
    size: u64,
    usage: wgpu::BufferUsages,
) -> wgpu::Buffer {
    let descriptor =
        wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
    device.device.create_buffer(&descriptor)
}

/// Constants are split into buffers of at most this size, which every driver can place.
const LARGEST_CHUNK_BYTES: u64 = 256 << 20;
