//! One inference on its way: staging buffers, the commands of its run, and what it waits for.
//!
//! A plan has a few frames that take turns. They share the activation buffers, which the queue
//! uses in order; only what the processor touches exists once for each, so that it can fill
//! one frame while the device works on another.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use half::f16;
use pocketvision_core::{Outputs, Signature, Tensor};

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
    /// Submits commands on these inputs, and asks for the memory of inputs and outputs, and of
    /// `also`, back.
    pub(crate) fn submit(
        &mut self,
        device: &Device,
        inputs: &[Tensor],
        commands: wgpu::CommandBuffer,
        also: Option<&wgpu::Buffer>,
    ) -> Result<(), String> {
        for (upload, tensor) in self.uploads.iter_mut().zip(inputs) {
            upload.write(tensor)?;
        }
        self.answers.clear();
        let submission = device.checked(|| {
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
        })?;
        self.submission = Some(submission);
        Ok(())
    }

    fn request_count(&self, also: usize) -> usize {
        self.uploads.len() + self.readbacks.len() + also
    }

    /// Whether its results lie in mapped memory.
    pub(crate) fn is_done(&self, device: &Device) -> Result<bool, String> {
        device.poll(wgpu::PollType::Poll)?;
        self.answers.have_come(self.request_count(0))
    }

    /// Waits until its results, and those of so many more requests, lie in mapped memory.
    pub(crate) fn wait(&mut self, device: &Device, also: usize) -> Result<(), String> {
        let requests = self.request_count(also);
        let submission = self.submission.take();
        let begin = Instant::now();
        // A short spin: going to sleep and waking up costs as much as a small network.
        while begin.elapsed() < SPIN {
            device.poll(wgpu::PollType::Poll)?;
            if self.answers.have_come(requests)? {
                return device.failure().map_or(Ok(()), Err);
            }
            std::hint::spin_loop();
        }
        device.poll(wgpu::PollType::Wait {
            submission_index: submission,
            timeout: Some(LONGEST_RUN),
        })?;
        self.answers.wait(requests).map_err(|error| device.failure().unwrap_or(error))?;
        device.failure().map_or(Ok(()), Err)
    }

    /// Copies the outputs out of mapped memory.
    pub(crate) fn collect(
        &self,
        signature: &Signature,
        outputs: &mut Outputs,
    ) -> Result<(), String> {
        let ports = self.readbacks.iter().zip(&signature.outputs);
        for ((readback, port), (_, tensor)) in ports.zip(outputs.iter_mut()) {
            readback.read(port.ty.shape.c, tensor)?;
        }
        Ok(())
    }
}

impl Upload {
    fn write(&mut self, tensor: &Tensor) -> Result<(), String> {
        let mut view = self.staging.get_mapped_range_mut(..).map_err(|error| error.to_string())?;
        let (channels, element_bytes) = (tensor.shape().c, tensor.element().bytes());
        let padded = &mut self.padded;
        match self.conversion {
            Conversion::None if tensor.bytes().len() == padded.len() => {
                view.copy_from_slice(tensor.bytes());
            }
            Conversion::None => {
                layout::pack(channels, element_bytes, tensor.bytes(), padded);
                view.copy_from_slice(padded);
            }
            Conversion::FlipSigns => {
                layout::pack(channels, element_bytes, tensor.bytes(), padded);
                padded.iter_mut().for_each(|byte| *byte ^= 0x80);
                view.copy_from_slice(padded);
            }
            Conversion::Half => {
                let halves: &mut [f16] = bytemuck::cast_slice_mut(padded);
                layout::pack_half(channels, tensor.as_f32().unwrap_or_default(), halves);
                view.copy_from_slice(padded);
            }
        }
        drop(view);
        self.staging.unmap();
        Ok(())
    }
}

impl Readback {
    fn read(&self, channels: usize, tensor: &mut Tensor) -> Result<(), String> {
        let view = self.staging.get_mapped_range(..).map_err(|error| error.to_string())?;
        let element_bytes = tensor.element().bytes();
        match self.conversion {
            Conversion::Half => {
                let dense: &mut [f32] = bytemuck::cast_slice_mut(tensor.bytes_mut());
                layout::unpack_half(channels, bytemuck::cast_slice(&view), dense);
            }
            Conversion::None | Conversion::FlipSigns => {
                layout::unpack(channels, element_bytes, &view, tensor.bytes_mut());
            }
        }
        if self.conversion == Conversion::FlipSigns {
            tensor.bytes_mut().iter_mut().for_each(|byte| *byte ^= 0x80);
        }
        drop(view);
        self.staging.unmap();
        Ok(())
    }
}

/// Answers to requests for mapping staging buffers. Another thread that polls the device may be
/// the one that they come by.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    come: Mutex<Come>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Come {
    count: usize,
    error: Option<String>,
}

impl Answers {
    fn lock(&self) -> std::sync::MutexGuard<'_, Come> {
        self.come.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clear(&self) {
        *self.lock() = Come::default();
    }

    fn request(answers: &Arc<Self>, buffer: &wgpu::Buffer, mode: wgpu::MapMode) {
        let answers = Arc::clone(answers);
        buffer.map_async(mode, .., move |result| {
            let mut come = answers.lock();
            come.count += 1;
            if let Err(error) = result {
                come.error = Some(error.to_string());
            }
            answers.more.notify_all();
        });
    }

    fn have_come(&self, count: usize) -> Result<bool, String> {
        let come = self.lock();
        match &come.error {
            Some(error) => Err(error.clone()),
            None => Ok(come.count >= count),
        }
    }

    fn wait(&self, count: usize) -> Result<(), String> {
        let is_missing = |come: &mut Come| come.count < count && come.error.is_none();
        let waited = self.more.wait_timeout_while(self.lock(), LONGEST_ANSWER, is_missing);
        let (come, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        match &come.error {
            Some(error) => Err(error.clone()),
            None if timeout.timed_out() => Err("the device did not hand back its memory".into()),
            None => Ok(()),
        }
    }
}

/// How long a wait begins with polling.
const SPIN: Duration = Duration::from_micros(50);
/// A run that takes longer is given up: no network needs it, and a hang must end.
const LONGEST_RUN: Duration = Duration::from_secs(600);
/// How long after the end of a run its memory may still be in another thread's hands.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);
