//! What a pipeline is dispatched with before there is anything to compute.
//!
//! Some drivers, software ones above all, turn a shader into machine code when it is first
//! dispatched, which must not delay a first run. So a new pipeline is dispatched at once, by the
//! thread that made it and over no workgroups: nothing is computed, and nothing need be there yet.

use pocketvision_shaders::Shader;

use crate::pipeline::Pipeline;

/// Buffers that nothing reads or writes.
#[derive(Debug)]
pub(crate) struct StandIns {
    params: wgpu::Buffer,
    read: wgpu::Buffer,
    written: [wgpu::Buffer; MOST_WRITTEN],
}

impl StandIns {
    pub(crate) fn new(device: &wgpu::Device) -> Self {
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("stand-in"),
                size: BYTES,
                usage,
                mapped_at_creation: false,
            })
        };
        let storage = || buffer(wgpu::BufferUsages::STORAGE);
        Self {
            params: buffer(wgpu::BufferUsages::UNIFORM),
            read: storage(),
            written: std::array::from_fn(|_| storage()),
        }
    }

    /// Dispatches a pipeline over no workgroups. Errors go to the device's error scope.
    pub(crate) fn dispatch(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        shader: Shader,
        pipeline: &Pipeline,
    ) {
        // No buffer may be read and written, or written twice.
        let buffers = std::iter::once(&self.params)
            .chain(shader.reads().iter().map(|_| &self.read))
            .chain(self.written.iter().take(shader.writes().len()));
        let entries: Vec<_> = buffers
            .enumerate()
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("stand-ins"),
            layout: &pipeline.layout,
            entries: &entries,
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups(0, 1, 1);
        }
        queue.submit([encoder.finish()]);
    }
}

/// Buffers that a shader writes, at most.
const MOST_WRITTEN: usize = 2;
/// Enough for each `params`, each table, and an element of each array.
const BYTES: u64 = 4096;
