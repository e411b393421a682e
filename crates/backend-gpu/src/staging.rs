//! The way in and out: staging buffers that live as long as their plan.

use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use pocketvision_core::{Port, Tensor};

use crate::device::Device;
use crate::layout;

/// An input on its way to the device: written to `staging`, which stays mapped between runs.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) staging: wgpu::Buffer,
    pub(crate) padded: Vec<u8>,
    pub(crate) target: wgpu::Buffer,
}

/// An output on its way back.
#[derive(Debug)]
pub(crate) struct Readback {
    pub(crate) source: wgpu::Buffer,
    pub(crate) source_offset: u64,
    pub(crate) staging: wgpu::Buffer,
}

/// Answers to requests for mapping staging buffers.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(crate) sender: Sender<Result<(), wgpu::BufferAsyncError>>,
    pub(crate) receiver: Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Upload {
    pub(crate) fn write(&mut self, tensor: &Tensor) -> Result<(), String> {
        let mut view = self.staging.get_mapped_range_mut(..).map_err(|error| error.to_string())?;
        if tensor.bytes().len() == self.padded.len() {
            view.copy_from_slice(tensor.bytes());
        } else {
            let element_bytes = tensor.element().bytes();
            layout::pack(tensor.shape().c, element_bytes, tensor.bytes(), &mut self.padded);
            view.copy_from_slice(&self.padded);
        }
        drop(view);
        self.staging.unmap();
        Ok(())
    }
}

impl Readback {
    pub(crate) fn read(&self, port: &Port, tensor: &mut Tensor) -> Result<(), String> {
        let view = self.staging.get_mapped_range(..).map_err(|error| error.to_string())?;
        layout::unpack(port.ty.shape.c, port.ty.element.bytes(), &view, tensor.bytes_mut());
        drop(view);
        self.staging.unmap();
        Ok(())
    }
}

impl Mapped {
    pub(crate) fn request(&self, buffer: &wgpu::Buffer, mode: wgpu::MapMode) {
        let sender = self.sender.clone();
        buffer.map_async(mode, .., move |result| {
            // The receiver is gone only if the plan is.
            let _ = sender.send(result);
        });
    }

    /// Waits for a submission and for the answers to as many requests.
    pub(crate) fn wait(
        &self,
        device: &Device,
        submission: wgpu::SubmissionIndex,
        requests: usize,
    ) -> Result<(), String> {
        let wait =
            wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(LONGEST_RUN) };
        device.device.poll(wait).map_err(|error| format!("waiting for the device: {error}"))?;
        for _ in 0..requests {
            // Another thread that polls the device may be the one to answer, a little later.
            match self.receiver.recv_timeout(LONGEST_ANSWER) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    return Err(device.failure().unwrap_or_else(|| error.to_string()));
                }
                Err(_) => return Err("the device did not hand back its memory".into()),
            }
        }
        device.failure().map_or(Ok(()), Err)
    }
}

/// A run that takes longer is given up: no network needs it, and a hang must end.
const LONGEST_RUN: Duration = Duration::from_secs(600);
/// How long after the end of a run its memory may still be in another thread's hands.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);
