//! When each dispatch began and ended.

use pocketvision_core::{Clock, LayerCost, Profile};

use crate::BACKEND_NAME;
use crate::assembly::Layer;
use crate::device::Device;

/// Timestamp queries: two for each dispatch.
#[derive(Debug)]
pub(crate) struct Timestamps {
    sets: Vec<wgpu::QuerySet>,
    dispatches: usize,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
}

impl Timestamps {
    pub(crate) fn new(device: &Device, dispatches: usize) -> Self {
        let sets = (0..dispatches.div_ceil(DISPATCHES_PER_SET))
            .map(|_| {
                device.device.create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some("timestamps"),
                    ty: wgpu::QueryType::Timestamp,
                    count: 2 * DISPATCHES_PER_SET as u32,
                })
            })
            .collect();
        let buffer = |label, usage| {
            device.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: (dispatches.next_multiple_of(DISPATCHES_PER_SET) * BYTES_PER_DISPATCH) as u64,
                usage,
                mapped_at_creation: false,
            })
        };
        let resolve = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let read = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        Self {
            sets,
            dispatches,
            resolved: buffer("resolved timestamps", resolve),
            staging: buffer("timestamps", read),
        }
    }

    /// The timestamps around a pass that holds one dispatch.
    pub(crate) fn of_pass(&self, dispatch: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        let first = 2 * (dispatch % DISPATCHES_PER_SET) as u32;
        wgpu::ComputePassTimestampWrites {
            query_set: &self.sets[dispatch / DISPATCHES_PER_SET],
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        }
    }

    pub(crate) fn record_readback(&self, encoder: &mut wgpu::CommandEncoder) {
        for (index, set) in self.sets.iter().enumerate() {
            let first = index * DISPATCHES_PER_SET;
            let count = (self.dispatches - first).min(DISPATCHES_PER_SET) as u32;
            let offset = (first * BYTES_PER_DISPATCH) as u64;
            encoder.resolve_query_set(set, 0..2 * count, &self.resolved, offset);
        }
        let size = self.staging.size();
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, size);
    }

    pub(crate) fn staging(&self) -> &wgpu::Buffer {
        &self.staging
    }

    /// Milliseconds of each dispatch, once the staging buffer is mapped.
    pub(crate) fn read(&self, device: &Device) -> Result<Vec<f64>, String> {
        let ms_per_tick = f64::from(device.queue.get_timestamp_period()) * 1e-6;
        let view = self.staging.get_mapped_range(..).map_err(|error| error.to_string())?;
        let ticks: &[[u64; 2]] = bytemuck::cast_slice(&view);
        let ms = |&[begin, end]: &[u64; 2]| end.saturating_sub(begin) as f64 * ms_per_tick;
        let times = ticks[..self.dispatches].iter().map(ms).collect();
        drop(view);
        self.staging.unmap();
        Ok(times)
    }
}

/// A profile from the device's clock.
pub(crate) fn timed(
    layers: &[Layer],
    dispatch_ms: &[f64],
    latency_ms: f64,
) -> Result<Profile, String> {
    if dispatch_ms.len() != layers.len() {
        return Err(format!("{} timestamps for {} dispatches", dispatch_ms.len(), layers.len()));
    }
    let rows = layers.iter().zip(dispatch_ms);
    let rows = rows.map(|(layer, &ms)| LayerCost { latency_ms: ms, ..row(layer) }).collect();
    Ok(Profile::new(BACKEND_NAME, Clock::DeviceTimestamp, rows, latency_ms))
}

/// A profile of a device that cannot tell its dispatches apart: only the total is measured.
pub(crate) fn untimed(layers: &[Layer], latency_ms: f64) -> Profile {
    let rows = layers.iter().map(row).collect();
    Profile::new(BACKEND_NAME, Clock::HostWall, rows, latency_ms)
}

fn row(layer: &Layer) -> LayerCost {
    let kernel = layer.dispatch.kernel.shader.name();
    let node = layer.dispatch.nodes.last().copied();
    let cost = LayerCost::new(node, layer.node_name.clone(), kernel);
    LayerCost { macs: layer.macs, bytes: layer.bytes, ..cost }
}

/// Two timestamps of 8 bytes.
const BYTES_PER_DISPATCH: usize = 16;
/// A quarter of the largest query set; its bytes are a multiple of 256, as resolving needs.
const DISPATCHES_PER_SET: usize = 512;
