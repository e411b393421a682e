//! Which adapters there are, and which is best.

use std::fmt;

use pocketvision_shaders::{LARGE_WORKGROUP_SIZE, Shader};

use crate::GpuError;

/// A graphics adapter of this machine, as one driver offers it. A card with two drivers is
/// listed twice.
///
/// ```no_run
/// use pocketvision_backend_gpu::{AdapterKind, GpuBackend};
///
/// for adapter in GpuBackend::adapters() {
///     let software = adapter.kind == AdapterKind::Software;
///     println!("{adapter}{}", if software { " (no graphics hardware)" } else { "" });
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdapterSummary {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: AdapterKind,
    /// The interface it is reached by: `vulkan`, `metal`, `dx12` or `gl`.
    pub api: &'static str,
    /// Its driver and the driver's version.
    pub driver: String,
    /// What it has that plans may use: `f16`, `subgroups`, `timestamps`.
    pub features: Vec<&'static str>,
}

/// What an adapter is, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AdapterKind {
    /// A graphics card.
    Discrete,
    /// Part of the processor's chip.
    Integrated,
    /// A share of a card, lent to a virtual machine.
    Virtual,
    /// The driver does not say.
    Other,
    /// No graphics hardware: a driver that computes on the processor.
    Software,
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Other => "unknown kind",
            Self::Software => "software",
        })
    }
}

impl fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {}", self.name, self.kind, self.api)?;
        // A browser does not tell.
        let separator = if self.driver.is_empty() { "" } else { ", " };
        write!(f, "{separator}{})", self.driver)
    }
}

impl AdapterSummary {
    pub(crate) fn new(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Other => AdapterKind::Other,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
        };
        let api = match info.backend {
            wgpu::Backend::Noop => "noop",
            wgpu::Backend::Vulkan => "vulkan",
            wgpu::Backend::Metal => "metal",
            wgpu::Backend::Dx12 => "dx12",
            wgpu::Backend::Gl => "gl",
            wgpu::Backend::BrowserWebGpu => "browser",
        };
        let features = [
            (wgpu::Features::SHADER_F16, "f16"),
            (wgpu::Features::SUBGROUP, "subgroups"),
            (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
        ];
        let has = adapter.features();
        Self {
            kind,
            api,
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            features: features.iter().filter(|(f, _)| has.contains(*f)).map(|f| f.1).collect(),
            // Browsers may keep it to themselves.
            name: if info.name.is_empty() { "unnamed adapter".into() } else { info.name },
        }
    }

    /// Lower is better: real hardware first, then the interfaces made for computing.
    fn rank(&self) -> (AdapterKind, bool) {
        (self.kind, self.api == "gl")
    }
}

/// All adapters that can run the shaders, best first.
pub(crate) async fn all() -> Vec<(wgpu::Adapter, AdapterSummary)> {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    let backends = descriptor.backends;
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters: Vec<_> = instance
        .enumerate_adapters(backends)
        .await
        .into_iter()
        .filter(can_run_shaders)
        .map(|adapter| {
            let summary = AdapterSummary::new(&adapter);
            (adapter, summary)
        })
        .collect();
    #[cfg(target_family = "wasm")]
    if let (Some((_, summary)), Some(name)) =
        (adapters.first_mut(), crate::browser::adapter_name().await)
    {
        summary.name = name;
    }
    adapters.sort_by_key(|(_, summary)| summary.rank());
    adapters
}

/// The best adapter, of those whose name contains `name` if one is given.
pub(crate) async fn choose(
    name: Option<&str>,
) -> Result<(wgpu::Adapter, AdapterSummary), GpuError> {
    let mut adapters = all().await;
    if adapters.is_empty() {
        return Err(GpuError::NoAdapter { backends: std::env::var("WGPU_BACKEND").ok() });
    }
    let summaries: Vec<_> = adapters.iter().map(|(_, summary)| summary.clone()).collect();
    Ok(adapters.swap_remove(position(&summaries, name)?))
}

/// Position of the first adapter whose name contains `name`, whatever its case.
fn position(summaries: &[AdapterSummary], name: Option<&str>) -> Result<usize, GpuError> {
    let Some(name) = name else { return Ok(0) };
    let wanted = name.to_lowercase();
    let matches = |summary: &AdapterSummary| summary.name.to_lowercase().contains(&wanted);
    summaries.iter().position(matches).ok_or_else(|| GpuError::NoSuchAdapter {
        name: name.to_owned(),
        available: summaries.iter().map(ToString::to_string).collect(),
    })
}

/// The most that a shader binds.
pub(crate) fn storage_buffers() -> usize {
    Shader::ALL.iter().map(|s| s.reads().len() + s.writes().len()).max().unwrap_or(0)
}

fn can_run_shaders(adapter: &wgpu::Adapter) -> bool {
    let computes =
        adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
    let limits = adapter.limits();
    computes
        && limits.max_storage_buffers_per_shader_stage as usize >= storage_buffers()
        && limits.max_compute_invocations_per_workgroup >= LARGE_WORKGROUP_SIZE
        && limits.max_compute_workgroup_size_x >= LARGE_WORKGROUP_SIZE
        && limits.max_compute_workgroup_storage_size
            >= wgpu::Limits::defaults().max_compute_workgroup_storage_size
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(name: &str, kind: AdapterKind, api: &'static str) -> AdapterSummary {
        AdapterSummary { name: name.into(), kind, api, driver: "1.0".into(), features: vec![] }
    }

    #[test]
    fn hardware_is_better_than_software_and_vulkan_than_gl() {
        let mut adapters = [
            summary("llvmpipe", AdapterKind::Software, "vulkan"),
            summary("card", AdapterKind::Discrete, "gl"),
            summary("chip", AdapterKind::Integrated, "vulkan"),
            summary("card", AdapterKind::Discrete, "vulkan"),
        ];
        adapters.sort_by_key(AdapterSummary::rank);
        let order: Vec<_> = adapters.iter().map(|a| (a.name.as_str(), a.api)).collect();
        let expected =
            [("card", "vulkan"), ("card", "gl"), ("chip", "vulkan"), ("llvmpipe", "vulkan")];
        assert_eq!(order, expected);
    }

    #[test]
    fn a_part_of_the_name_is_enough_and_a_wrong_one_lists_all() {
        let adapters = [
            summary("NVIDIA H200", AdapterKind::Discrete, "vulkan"),
            summary("llvmpipe", AdapterKind::Software, "vulkan"),
        ];
        assert_eq!(position(&adapters, Some("PIPE")), Ok(1));
        assert_eq!(position(&adapters, None), Ok(0));
        let message = position(&adapters, Some("radeon")).unwrap_err().to_string();
        assert!(message.contains("NVIDIA H200 (discrete, vulkan, 1.0), llvmpipe"), "{message}");
    }
}
