//! One inference on its way: staging buffers, the commands of its run, and what it waits for.
//!
//! A plan has a few frames that take turns. They share the activation buffers, which the queue
//! uses in order; only what the processor touches exists once for each, so that it can fill
//! one frame while the device works on another.

use std::sync::Arc;

use half::f16;
use pocketvision_core::{Outputs, Signature, Tensor};

use crate::answers::Answers;
use crate::batch::Part;
use crate::device::Device;
use crate::layout;
use crate::schedule::Conversion;

/// One inference on its way.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) uploads: Vec<Upload>,
    pub(crate) readbacks: Vec<Readback>,
    /// The commands of its next run, recorded while another was running.
    pub(crate) recorded: Option<wgpu::CommandBuffer>,
    pub(crate) answers: Arc<Answers>,
    /// What it has submitted and not collected.
    pub(crate) submission: Option<wgpu::SubmissionIndex>,
}

/// An input on its way to the device: written to `staging`, which stays mapped between runs.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) staging: wgpu::Buffer,
    pub(crate) conversion: Conversion,
    /// Where it is padded and converted; empty if it is not.
    pub(crate) padded: Vec<u8>,
    pub(crate) target: wgpu::Buffer,
}

/// An output on its way back.
#[derive(Debug)]
pub(crate) struct Readback {
    pub(crate) source: wgpu::Buffer,
    pub(crate) source_offset: u64,
    pub(crate) staging: wgpu::Buffer,
    pub(crate) conversion: Conversion,
}

impl Frame {
    /// Submits commands on a part of these inputs, and asks for the memory of inputs and
    /// outputs, and of `also`, back.
    pub(crate) async fn submit(
        &mut self,
        device: &Device,
        inputs: &[Tensor],
        part: Part,
        commands: wgpu::CommandBuffer,
        also: Option<&wgpu::Buffer>,
    ) -> Result<(), String> {
        for (upload, tensor) in self.uploads.iter_mut().zip(inputs) {
            upload.write(tensor, part)?;
        }
        self.answers.clear();
        let submit = || {
            let submission = device.queue.submit([commands]);
            for upload in &self.uploads {
                Answers::request(&self.answers, &upload.staging, wgpu::MapMode::Write);
            }
            for readback in &self.readbacks {
                Answers::request(&self.answers, &readback.staging, wgpu::MapMode::Read);
            }
            if let Some(buffer) = also {
                Answers::request(&self.answers, buffer, wgpu::MapMode::Read);
            }
            submission
        };
        self.submission = Some(device.checked(submit).await?);
        Ok(())
    }

    fn request_count(&self, also: usize) -> usize {
        self.uploads.len() + self.readbacks.len() + also
    }

    /// Whether its results lie in mapped memory.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn is_done(&self, device: &Device) -> Result<bool, String> {
        device.poll(wgpu::PollType::Poll)?;
        self.answers.have_come(self.request_count(0))
    }

    /// Waits until its results, and those of so many more requests, lie in mapped memory.
    pub(crate) async fn wait(&mut self, device: &Device, also: usize) -> Result<(), String> {
        let requests = self.request_count(also);
        let submission = self.submission.take().ok_or("nothing is submitted")?;
        let come = self.answers.come_after(device, submission, requests).await;
        device.failure().map_or(come, Err)
    }

    /// Copies a part of the outputs out of mapped memory.
    pub(crate) fn collect(
        &self,
        signature: &Signature,
        outputs: &mut Outputs,
        part: Part,
    ) -> Result<(), String> {
        let ports = self.readbacks.iter().zip(&signature.outputs);
        for ((readback, port), (_, tensor)) in ports.zip(outputs.iter_mut()) {
            readback.read(port.ty.shape.c, tensor, part)?;
        }
        Ok(())
    }
}

impl Upload {
    fn write(&mut self, tensor: &Tensor, part: Part) -> Result<(), String> {
        let mut view = self.staging.get_mapped_range_mut(..).map_err(|error| error.to_string())?;
        let (channels, element_bytes) = (tensor.shape().c, tensor.element().bytes());
        let bytes = &tensor.bytes()[part.of(tensor.bytes().len())];
        let padded = &mut self.padded;
        match self.conversion {
            Conversion::Dense => view.slice(..bytes.len()).copy_from_slice(bytes),
            Conversion::Padded => {
                layout::pack(channels, element_bytes, bytes, padded);
                view.copy_from_slice(padded);
            }
            Conversion::FlipSigns => {
                layout::pack(channels, element_bytes, bytes, padded);
                padded.iter_mut().for_each(|byte| *byte ^= 0x80);
                view.copy_from_slice(padded);
            }
            Conversion::Half => {
                let halves: &mut [f16] = bytemuck::cast_slice_mut(padded);
                layout::pack_half(channels, bytemuck::cast_slice(bytes), halves);
                view.copy_from_slice(padded);
            }
        }
        drop(view);
        self.staging.unmap();
        Ok(())
    }
}

impl Readback {
    fn read(&self, channels: usize, tensor: &mut Tensor, part: Part) -> Result<(), String> {
        let view = self.staging.get_mapped_range(..).map_err(|error| error.to_string())?;
        let element_bytes = tensor.element().bytes();
        let range = part.of(tensor.bytes().len());
        let bytes = &mut tensor.bytes_mut()[range];
        match self.conversion {
            Conversion::Half => {
                let dense: &mut [f32] = bytemuck::cast_slice_mut(bytes);
                layout::unpack_half(channels, bytemuck::cast_slice(&view), dense);
            }
            Conversion::Dense => bytes.copy_from_slice(&view[..bytes.len()]),
            Conversion::Padded | Conversion::FlipSigns => {
                layout::unpack(channels, element_bytes, &view, bytes);
            }
        }
        if self.conversion == Conversion::FlipSigns {
            bytes.iter_mut().for_each(|byte| *byte ^= 0x80);
        }
        drop(view);
        self.staging.unmap();
        Ok(())
    }
}
