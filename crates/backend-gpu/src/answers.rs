//! What the device hands back later: staging buffers that become mapped, work that is done.
//!
//! Natively somebody has to ask the device for news, and waiting blocks; a browser brings news
//! between two turns of a page's program, which therefore awaits them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(target_family = "wasm")]
use self::browser::Waiter;
#[cfg(not(target_family = "wasm"))]
use self::native::Waiter;

/// Answers to requests. Another thread that polls the device may be the one that they come by.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    come: Mutex<Come>,
    waiter: Waiter,
}

#[derive(Debug, Default)]
struct Come {
    count: usize,
    error: Option<String>,
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Come> {
        self.come.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Come::default();
    }

    /// Asks for a buffer to be mapped.
    pub(crate) fn request(answers: &Arc<Self>, buffer: &wgpu::Buffer, mode: wgpu::MapMode) {
        let answers = Arc::clone(answers);
        buffer.map_async(mode, .., move |result| answers.record(result.err()));
    }

    fn record(&self, error: Option<wgpu::BufferAsyncError>) {
        let mut come = self.lock();
        come.count += 1;
        if let Some(error) = error {
            come.error = Some(error.to_string());
        }
        drop(come);
        self.waiter.wake();
    }

    /// Whether so many answers have come.
    pub(crate) fn have_come(&self, count: usize) -> Result<bool, String> {
        let come = self.lock();
        match &come.error {
            Some(error) => Err(error.clone()),
            None => Ok(come.count >= count),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use std::sync::{Condvar, PoisonError};
    use std::time::{Duration, Instant};

    use super::{Answers, Come};
    use crate::device::Device;

    #[derive(Debug, Default)]
    pub(super) struct Waiter(Condvar);

    impl Waiter {
        pub(super) fn wake(&self) {
            self.0.notify_all();
        }
    }

    impl Answers {
        /// Waits for so many answers, which come after a submission is done.
        pub(crate) async fn come_after(
            &self,
            device: &Device,
            submission: wgpu::SubmissionIndex,
            count: usize,
        ) -> Result<(), String> {
            let begin = Instant::now();
            // A short spin: going to sleep and waking up costs as much as a small network.
            let spin = if device.is_processor() { SHORT_SPIN } else { SPIN };
            while begin.elapsed() < spin {
                device.poll(wgpu::PollType::Poll)?;
                if self.have_come(count)? {
                    return Ok(());
                }
                std::hint::spin_loop();
            }
            device.wait_for(submission).await?;
            let is_missing = |come: &mut Come| come.count < count && come.error.is_none();
            let waited = self.waiter.0.wait_timeout_while(self.lock(), LONGEST_ANSWER, is_missing);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            match self.have_come(count)? {
                true => Ok(()),
                false => Err("the device did not hand back its memory".into()),
            }
        }
    }

    /// How long a wait begins with polling: as long as a card takes for most networks.
    const SPIN: Duration = Duration::from_millis(2);
    /// The same where the device needs the processor that waits for it.
    const SHORT_SPIN: Duration = Duration::from_micros(50);
    /// How long after the end of a run its memory may still be in another thread's hands.
    const LONGEST_ANSWER: Duration = Duration::from_secs(30);
}

#[cfg(target_family = "wasm")]
mod browser {
    use std::future::poll_fn;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::task::{Poll, Waker};

    use super::Answers;
    use crate::device::Device;

    #[derive(Debug, Default)]
    pub(super) struct Waiter(Mutex<Option<Waker>>);

    impl Waiter {
        pub(super) fn wake(&self) {
            let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
            waker.into_iter().for_each(Waker::wake);
        }
    }

    impl Answers {
        /// Waits for so many answers. They come by themselves, an error when the device is lost.
        pub(crate) async fn come_after(
            &self,
            _: &Device,
            _: wgpu::SubmissionIndex,
            count: usize,
        ) -> Result<(), String> {
            self.come(count).await
        }

        /// Waits for so many answers.
        pub(crate) async fn come(&self, count: usize) -> Result<(), String> {
            let ask = poll_fn(|context| match self.have_come(count) {
                Ok(false) => {
                    let waker = Some(context.waker().clone());
                    *self.waiter.0.lock().unwrap_or_else(PoisonError::into_inner) = waker;
                    Poll::Pending
                }
                Ok(true) => Poll::Ready(Ok(())),
                Err(error) => Poll::Ready(Err(error)),
            });
            ask.await
        }

        /// Asks for an answer when all that was submitted is done.
        pub(crate) fn expect_work_done(answers: &Arc<Self>, queue: &wgpu::Queue) {
            let answers = Arc::clone(answers);
            queue.on_submitted_work_done(move || answers.record(None));
        }
    }
}
