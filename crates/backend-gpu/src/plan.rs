//! A compiled network: device objects, and what one run does with them.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use pocketvision_core::{
    CompileError, CompileOptions, Graph, MemoryUse, Outputs, Plan, Profile, RunError, Signature,
    Tensor,
};

use crate::BACKEND_NAME;
use crate::buffers::{Constants, Params, buffer};
use crate::device::Device;
use crate::pipeline::Pipeline;
use crate::profile::Timestamps;
use crate::schedule::{BlobKind, Dispatch, Operand, Schedule};
use crate::staging::{Mapped, Readback, Upload};

/// A network compiled by [`crate::GpuBackend`].
#[derive(Debug)]
pub struct GpuPlan {
    device: Arc<Device>,
    signature: Signature,
    layers: Vec<Layer>,
    steps: Vec<Step>,
    uploads: Vec<Upload>,
    readbacks: Vec<Readback>,
    /// The command buffer of the next run, recorded while the last one was running.
    recorded: Option<wgpu::CommandBuffer>,
    mapped: Mapped,
    timestamps: Option<Timestamps>,
    memory: MemoryUse,
    /// What broke this plan.
    broken: Option<String>,
}

/// A dispatch for the device.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) bind_group: wgpu::BindGroup,
    pub(crate) workgroups: (u32, u32),
}

/// A dispatch for people.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) dispatch: Dispatch,
    pub(crate) node_name: String,
    pub(crate) macs: u64,
    pub(crate) bytes: u64,
}

impl GpuPlan {
    pub(crate) fn new(
        device: Arc<Device>,
        graph: &Graph,
        options: &CompileOptions,
        schedule: Schedule,
    ) -> Result<Self, CompileError> {
        let failed = |message| CompileError::Device { backend: BACKEND_NAME, message };
        let mut pipelines = Vec::with_capacity(schedule.dispatches.len());
        for dispatch in &schedule.dispatches {
            pipelines.push(device.pipeline(dispatch.kernel).map_err(failed)?);
        }
        let signature = Signature::new(graph, options);
        let owned = Arc::clone(&device);
        let mut plan = device
            .checked(|| Self::build(owned, graph, signature, schedule, pipelines))
            .map_err(failed)?;
        plan.warm_up().map_err(failed)?;
        plan.recorded = Some(device.checked(|| plan.record()).map_err(failed)?);
        Ok(plan)
    }

    /// Dispatches of one run.
    pub fn dispatch_count(&self) -> usize {
        self.steps.len()
    }

    fn build(
        device: Arc<Device>,
        graph: &Graph,
        signature: Signature,
        schedule: Schedule,
        pipelines: Vec<Arc<Pipeline>>,
    ) -> Self {
        let constants = Constants::upload(&device, &schedule);
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
                let resources = std::iter::once(params.binding(index))
                    .chain(dispatch.reads.iter().map(|&read| bind(read)))
                    .chain([bind(Operand::Value(dispatch.output))]);
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

        let uploads: Vec<Upload> = schedule
            .inputs
            .iter()
            .map(|&value| {
                let size = schedule.values[value].bytes;
                let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
                Upload {
                    staging: device.device.create_buffer(&wgpu::BufferDescriptor {
                        label: Some("upload"),
                        size,
                        usage,
                        mapped_at_creation: true,
                    }),
                    padded: vec![0; size as usize],
                    target: slots[schedule.values[value].slot].clone(),
                }
            })
            .collect();
        let readbacks: Vec<Readback> = schedule
            .outputs
            .iter()
            .map(|&output| {
                let (source, source_offset) = locate(output);
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                let size = schedule.operand_bytes(output);
                let staging = buffer(&device, "readback", size, usage);
                Readback { source: source.clone(), source_offset, staging }
            })
            .collect();

        let staging_bytes = uploads.iter().map(|upload| 2 * upload.staging.size()).sum::<u64>()
            + readbacks.iter().map(|readback| readback.staging.size()).sum::<u64>();
        let tables = schedule.blob_bytes(BlobKind::Table);
        let memory = MemoryUse {
            weight_bytes: schedule.blob_bytes(BlobKind::Weights),
            activation_bytes: schedule.slot_bytes.iter().sum(),
            scratch_bytes: tables + params.buffer.size() + staging_bytes,
        };
        let layers = layers(graph, &schedule);
        let (sender, receiver) = channel();
        Self {
            device,
            signature,
            layers,
            steps,
            uploads,
            readbacks,
            recorded: None,
            mapped: Mapped { sender, receiver },
            timestamps: None,
            memory,
            broken: None,
        }
    }

    /// Dispatches one workgroup of each pipeline: some drivers, software ones above all, turn a
    /// shader into machine code when it is first dispatched, which must not delay a first run.
    fn warm_up(&self) -> Result<(), String> {
        let submission = self.device.checked(|| {
            let mut encoder = self.encoder();
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                let mut warm: Vec<&Arc<Pipeline>> = Vec::new();
                for step in &self.steps {
                    if !warm.iter().any(|pipeline| Arc::ptr_eq(pipeline, &step.pipeline)) {
                        warm.push(&step.pipeline);
                        step.dispatch(&mut pass, (1, 1));
                    }
                }
            }
            self.device.queue.submit([encoder.finish()])
        })?;
        self.mapped.wait(&self.device, submission, 0)
    }

    /// Records one whole run: inputs in, one compute pass, outputs out.
    fn record(&self) -> wgpu::CommandBuffer {
        let mut encoder = self.encoder();
        self.record_uploads(&mut encoder);
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for step in &self.steps {
                step.dispatch(&mut pass, step.workgroups);
            }
        }
        self.record_readbacks(&mut encoder);
        encoder.finish()
    }

    /// Records one whole run with a pass and two timestamps for each dispatch.
    fn record_timed(&self, timestamps: &Timestamps) -> wgpu::CommandBuffer {
        let mut encoder = self.encoder();
        self.record_uploads(&mut encoder);
        for (index, step) in self.steps.iter().enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(timestamps.of_pass(index)),
            });
            step.dispatch(&mut pass, step.workgroups);
        }
        self.record_readbacks(&mut encoder);
        timestamps.record_readback(&mut encoder);
        encoder.finish()
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    fn record_uploads(&self, encoder: &mut wgpu::CommandEncoder) {
        for upload in &self.uploads {
            let size = upload.staging.size();
            encoder.copy_buffer_to_buffer(&upload.staging, 0, &upload.target, 0, size);
        }
    }

    fn record_readbacks(&self, encoder: &mut wgpu::CommandEncoder) {
        for Readback { source, source_offset, staging } in &self.readbacks {
            encoder.copy_buffer_to_buffer(source, *source_offset, staging, 0, staging.size());
        }
    }

    /// Everything up to the outputs lying in mapped memory.
    fn execute(
        &mut self,
        inputs: &[Tensor],
        commands: wgpu::CommandBuffer,
        record_ahead: bool,
    ) -> Result<(), String> {
        for (upload, tensor) in self.uploads.iter_mut().zip(inputs) {
            upload.write(tensor)?;
        }
        let device = Arc::clone(&self.device);
        let submission = device.checked(|| {
            let submission = self.device.queue.submit([commands]);
            for upload in &self.uploads {
                self.mapped.request(&upload.staging, wgpu::MapMode::Write);
            }
            for readback in &self.readbacks {
                self.mapped.request(&readback.staging, wgpu::MapMode::Read);
            }
            if let Some(timestamps) = self.timestamps.as_ref().filter(|_| !record_ahead) {
                self.mapped.request(timestamps.staging(), wgpu::MapMode::Read);
            }
            submission
        })?;
        if record_ahead {
            self.recorded = Some(device.checked(|| self.record())?);
        }
        let timed = usize::from(!record_ahead && self.timestamps.is_some());
        let requests = self.uploads.len() + self.readbacks.len() + timed;
        self.mapped.wait(&device, submission, requests)
    }

    /// Copies the outputs out of mapped memory.
    fn collect(&self, outputs: &mut Outputs) -> Result<(), String> {
        let ports = self.readbacks.iter().zip(&self.signature.outputs);
        for ((readback, port), (_, tensor)) in ports.zip(outputs.iter_mut()) {
            readback.read(port, tensor)?;
        }
        Ok(())
    }

    /// Checks the arguments, and that nothing is broken.
    fn check(&self, inputs: &[Tensor]) -> Result<(), RunError> {
        self.signature.check_inputs(inputs)?;
        match self.broken.clone().or_else(|| self.device.failure()) {
            None => Ok(()),
            Some(message) => Err(Self::error(message)),
        }
    }

    /// After a failed run staging buffers may be in any state: later runs fail at once.
    fn break_with(&mut self, message: String) -> RunError {
        self.broken = Some(format!("an earlier run failed ({message}); compile the network again"));
        Self::error(message)
    }

    fn error(message: String) -> RunError {
        RunError::Device { backend: BACKEND_NAME, message }
    }
}

impl Plan for GpuPlan {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        self.check(inputs)?;
        self.signature.check_outputs(outputs)?;
        let result = match self.recorded.take() {
            Some(commands) => self.execute(inputs, commands, true),
            None => Err("no commands are recorded".into()),
        };
        result.and_then(|()| self.collect(outputs)).map_err(|message| self.break_with(message))
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        self.check(inputs)?;
        if self.steps.is_empty() || !self.device.has_timestamps() {
            let mut outputs = Outputs::for_signature(&self.signature);
            let start = Instant::now();
            self.run_into(inputs, &mut outputs)?;
            let latency_ms = 1e3 * start.elapsed().as_secs_f64();
            return Ok(crate::profile::untimed(&self.layers, latency_ms));
        }
        self.profile_timed(inputs).map_err(|message| self.break_with(message))
    }

    fn memory(&self) -> MemoryUse {
        self.memory
    }
}

impl GpuPlan {
    fn profile_timed(&mut self, inputs: &[Tensor]) -> Result<Profile, String> {
        let device = Arc::clone(&self.device);
        if self.timestamps.is_none() {
            let timestamps = device.checked(|| Timestamps::new(&device, self.steps.len()))?;
            self.timestamps = Some(timestamps);
        }
        let timestamps = self.timestamps.take().ok_or("no timestamps")?;
        let commands = device.checked(|| self.record_timed(&timestamps));
        self.timestamps = Some(timestamps);
        let start = Instant::now();
        self.execute(inputs, commands?, false)?;
        let mut outputs = Outputs::for_signature(&self.signature);
        self.collect(&mut outputs)?;
        let latency_ms = 1e3 * start.elapsed().as_secs_f64();
        let timestamps = self.timestamps.as_ref().ok_or("no timestamps")?;
        crate::profile::timed(&self.layers, &timestamps.read(&device)?, latency_ms)
    }
}

impl Step {
    fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, workgroups: (u32, u32)) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(workgroups.0, workgroups.1, 1);
    }
}

/// What profiles say of each dispatch. A node's multiply-accumulates go to its last one.
fn layers(graph: &Graph, schedule: &Schedule) -> Vec<Layer> {
    let dispatches = &schedule.dispatches;
    let layer = |(index, dispatch): (usize, &Dispatch)| {
        let node = graph.node(dispatch.node);
        let is_last = dispatches.get(index + 1).is_none_or(|next| next.node != dispatch.node);
        Layer {
            node_name: node.name.clone(),
            macs: if is_last { graph.node_macs(node) } else { 0 },
            bytes: schedule.dispatch_bytes(dispatch),
            dispatch: dispatch.clone(),
        }
    };
    dispatches.iter().enumerate().map(layer).collect()
}
