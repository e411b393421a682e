//! The device that all plans of a backend are made on, and the one in its place when it is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::GpuError;
use crate::backend::GpuOptions;
use crate::device::Device;

/// The device that plans are made on, and that takes its place when it is lost.
#[derive(Debug)]
pub(crate) struct SharedDevice {
    options: GpuOptions,
    current: Mutex<Arc<Device>>,
}

impl SharedDevice {
    pub(crate) async fn open(options: GpuOptions) -> Result<Self, GpuError> {
        let current = Mutex::new(Arc::new(Device::open(&options).await?));
        Ok(Self { options, current })
    }

    pub(crate) fn current(&self) -> Arc<Device> {
        Arc::clone(&self.lock())
    }

    /// Opens a new device in the place of one that is lost, unless another plan did already.
    pub(crate) async fn replace(&self, lost: &Arc<Device>) -> Result<(), GpuError> {
        if Arc::ptr_eq(&self.lock(), lost) {
            let device = Arc::new(Device::open(&self.options).await?);
            let mut current = self.lock();
            if Arc::ptr_eq(&current, lost) {
                *current = device;
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Device>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
