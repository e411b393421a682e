//! From a schedule to device objects.

use std::sync::Arc;
#[cfg(not(target_family = "wasm"))]
use std::thread;

use pocketvision_core::{Graph, MemoryUse};

use crate::answers::Answers;
use crate::buffers::{Constants, Params, buffer};
use crate::device::Device;
use crate::frame::{Frame, Readback, Upload};
use crate::pipeline::Pipeline;
use crate::profile::Timestamps;
use crate::schedule::{BlobKind, Conversion, Dispatch, Kernel, Operand, Port, Schedule};

/// Everything that a plan has on one device.
#[derive(Debug)]
pub(crate) struct Assembly {
    pub(crate) device: Arc<Device>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) memory: MemoryUse,
    pub(crate) timestamps: Option<Timestamps>,
    /// Runs that a batch takes.
    pub(crate) parts: usize,
    steps: Vec<Step>,
}

/// A dispatch for the device.
#[derive(Debug)]
struct Step {
    pipeline: Arc<Pipeline>,
    bind_group: wgpu::BindGroup,
    workgroups: (u32, u32),
}

/// A dispatch for people.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) dispatch: Dispatch,
    pub(crate) node_name: String,
    pub(crate) macs: u64,
    pub(crate) bytes: u64,
}

impl Assembly {
    /// Compiles what is not compiled yet, uploads weights and makes all buffers. Runs follow
    /// [`Self::prepare`], or [`Self::record_ahead`] of a frame.
    pub(crate) async fn new(
        device: Arc<Device>,
        graph: &Graph,
        schedule: &Schedule,
        parts: usize,
    ) -> Result<Self, String> {
        let kernels: Vec<_> = schedule.dispatches.iter().map(|step| step.kernel).collect();
        let (pipelines, constants) = compile_and_upload(&device, &kernels, schedule).await?;
        let owned = Arc::clone(&device);
        let build = || Self::build(owned, graph, schedule, pipelines, constants, parts);
        device.checked(build).await
    }

    /// Makes ready for runs: the driver has finished what it compiles, and each frame's first run
    /// is recorded.
    pub(crate) async fn prepare(&mut self) -> Result<(), String> {
        let submission = self.device.checked(|| self.device.queue.submit([])).await?;
        self.device.wait_for(submission).await?;
        for frame in 0..self.frames.len() {
            self.record_ahead(frame).await?;
        }
        Ok(())
    }

    fn build(
        device: Arc<Device>,
        graph: &Graph,
        schedule: &Schedule,
        pipelines: Vec<Arc<Pipeline>>,
        constants: Constants,
        parts: usize,
    ) -> Self {
        let slots: Vec<wgpu::Buffer> = schedule
            .slot_bytes
            .iter()
            .map(|&size| {
                let usage = wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_DST
                    | wgpu::BufferUsages::COPY_SRC;
                buffer(&device, "activations", size, usage)
            })
            .collect();
        let locate = |operand: Operand| match operand {
            Operand::Value(value) => (&slots[schedule.values[value].slot], 0),
            Operand::Blob(blob) => {
                let (chunk, offset) = constants.places[blob];
                (&constants.chunks[chunk], offset)
            }
        };
        let bind = |operand: Operand| {
            let (buffer, offset) = locate(operand);
            let size = wgpu::BufferSize::new(schedule.operand_bytes(operand));
            wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size })
        };

        let params = Params::upload(&device, &schedule.dispatches);
        let steps = schedule.dispatches.iter().zip(pipelines).enumerate();
        let steps: Vec<Step> = steps
            .map(|(index, (dispatch, pipeline))| {
                let written = dispatch.outputs.iter().map(|&value| bind(Operand::Value(value)));
                let resources = std::iter::once(params.binding(index))
                    .chain(dispatch.reads.iter().map(|&read| bind(read)))
                    .chain(written);
                let entries: Vec<_> = resources
                    .enumerate()
                    .map(|(binding, resource)| wgpu::BindGroupEntry {
                        binding: binding as u32,
                        resource,
                    })
                    .collect();
                let bind_group = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some(dispatch.kernel.shader.name()),
                    layout: &pipeline.layout,
                    entries: &entries,
                });
                Step { pipeline, bind_group, workgroups: dispatch.workgroups }
            })
            .collect();

        let upload = |port: &Port| {
            let size = schedule.operand_bytes(port.operand);
            let is_dense = port.conversion == Conversion::Dense;
            Upload {
                staging: device.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("upload"),
                    size,
                    usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
                    mapped_at_creation: true,
                }),
                conversion: port.conversion,
                padded: vec![0; if is_dense { 0 } else { size as usize }],
                target: locate(port.operand).0.clone(),
            }
        };
        let readback = |port: &Port| {
            let (source, source_offset) = locate(port.operand);
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            let size = schedule.operand_bytes(port.operand);
            let staging = buffer(&device, "readback", size, usage);
            Readback { source: source.clone(), source_offset, staging, conversion: port.conversion }
        };
        let frame = |_| Frame {
            uploads: schedule.inputs.iter().map(upload).collect(),
            readbacks: schedule.outputs.iter().map(readback).collect(),
            recorded: None,
            answers: Arc::new(Answers::default()),
            submission: None,
        };
        let frames: Vec<Frame> = (0..FRAMES).map(frame).collect();

        let staging_bytes = |frame: &Frame| {
            let padded = |upload: &Upload| upload.padded.len() as u64;
            let up = frame.uploads.iter().map(|upload| upload.staging.size() + padded(upload));
            let up: u64 = up.sum();
            let down: u64 = frame.readbacks.iter().map(|readback| readback.staging.size()).sum();
            up + down
        };
        let tables = schedule.blob_bytes(BlobKind::Table);
        let staging: u64 = frames.iter().map(staging_bytes).sum();
        let memory = MemoryUse {
            weight_bytes: schedule.blob_bytes(BlobKind::Weights),
            activation_bytes: schedule.slot_bytes.iter().sum(),
            scratch_bytes: tables + params.buffer.size() + staging,
        };
        let layers = layers(graph, schedule, parts as u64);
        Self { device, layers, frames, memory, timestamps: None, parts, steps }
    }

    /// Dispatches of one run.
    pub(crate) fn dispatch_count(&self) -> usize {
        self.steps.len()
    }

    /// Records a frame's next run.
    pub(crate) async fn record_ahead(&mut self, frame: usize) -> Result<(), String> {
        let commands = self.device.checked(|| self.record(&self.frames[frame])).await?;
        self.frames[frame].recorded = Some(commands);
        Ok(())
    }

    /// One whole run: inputs in, one compute pass, outputs out.
    fn record(&self, frame: &Frame) -> wgpu::CommandBuffer {
        let mut encoder = self.encoder();
        record_uploads(frame, &mut encoder);
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for step in &self.steps {
                step.dispatch(&mut pass, step.workgroups);
            }
        }
        record_readbacks(frame, &mut encoder);
        encoder.finish()
    }

    /// A run with a pass for each dispatch, and timestamps around each: slower than a usual
    /// run, but the only way to tell them apart.
    pub(crate) fn record_timed(&self, timestamps: &Timestamps) -> wgpu::CommandBuffer {
        let frame = &self.frames[0];
        let mut encoder = self.encoder();
        record_uploads(frame, &mut encoder);
        for (index, step) in self.steps.iter().enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(timestamps.of_pass(index)),
            });
            step.dispatch(&mut pass, step.workgroups);
        }
        record_readbacks(frame, &mut encoder);
        timestamps.record_readback(&mut encoder);
        encoder.finish()
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }
}

/// Uploads constants while other threads compile: drivers keep a processor busy for longer.
#[cfg(not(target_family = "wasm"))]
async fn compile_and_upload(
    device: &Device,
    kernels: &[Kernel],
    schedule: &Schedule,
) -> Result<(Vec<Arc<Pipeline>>, Constants), String> {
    let upload = || pollster::block_on(device.checked(|| Constants::upload(device, schedule)));
    let (pipelines, constants) = thread::scope(|scope| {
        let uploading = scope.spawn(upload);
        let pipelines = pollster::block_on(device.pipelines(kernels));
        (pipelines, uploading.join())
    });
    let constants = constants.map_err(|_| "a thread that uploaded weights panicked")??;
    Ok((pipelines?, constants))
}

/// Uploads constants, and compiles.
#[cfg(target_family = "wasm")]
async fn compile_and_upload(
    device: &Device,
    kernels: &[Kernel],
    schedule: &Schedule,
) -> Result<(Vec<Arc<Pipeline>>, Constants), String> {
    let pipelines = device.pipelines(kernels).await?;
    let constants = device.checked(|| Constants::upload(device, schedule)).await?;
    Ok((pipelines, constants))
}

impl Step {
    fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, workgroups: (u32, u32)) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(workgroups.0, workgroups.1, 1);
    }
}

fn record_uploads(frame: &Frame, encoder: &mut wgpu::CommandEncoder) {
    for Upload { staging, target, .. } in &frame.uploads {
        encoder.copy_buffer_to_buffer(staging, 0, target, 0, staging.size());
    }
}

fn record_readbacks(frame: &Frame, encoder: &mut wgpu::CommandEncoder) {
    for Readback { source, source_offset, staging, .. } in &frame.readbacks {
        encoder.copy_buffer_to_buffer(source, *source_offset, staging, 0, staging.size());
    }
}

/// What profiles say of each dispatch. A node's multiply-accumulates go to its last one.
fn layers(graph: &Graph, schedule: &Schedule, parts: u64) -> Vec<Layer> {
    let dispatches = &schedule.dispatches;
    let layer = |(index, dispatch): (usize, &Dispatch)| {
        let is_last = dispatches.get(index + 1).is_none_or(|next| next.nodes != dispatch.nodes);
        let nodes = || dispatch.nodes.iter().map(|&id| graph.node(id));
        let names: Vec<&str> = nodes().map(|node| node.name.as_str()).collect();
        Layer {
            node_name: names.join(" + "),
            macs: if is_last {
                parts * nodes().map(|node| graph.node_macs(node)).sum::<u64>()
            } else {
                0
            },
            bytes: parts * schedule.dispatch_bytes(dispatch),
            dispatch: dispatch.clone(),
        }
    };
    dispatches.iter().enumerate().map(layer).collect()
}

/// Inferences that may be on their way at once: one is filled while the device works on another.
pub(crate) const FRAMES: usize = 2;
