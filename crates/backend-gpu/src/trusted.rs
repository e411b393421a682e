//! The calls of wgpu that are unsafe, and why they are sound here.

#![allow(unsafe_code)]

/// A module of one of our shaders, without the counters that wgpu puts into each loop to end
/// it, and without the branches that it puts around each division. Both cost: a loop with a
/// counter in memory is not unrolled. Accesses stay within their buffers as before.
pub(crate) fn shader_module(
    device: &wgpu::Device,
    label: &str,
    source: String,
) -> wgpu::ShaderModule {
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    };
    let checks = wgpu::ShaderRuntimeChecks {
        force_loop_bounding: false,
        int_div_checks: false,
        ..wgpu::ShaderRuntimeChecks::checked()
    };
    // SAFETY: the text is that of `pocketvision_shaders` and of nobody else. Each of its loops
    // counts up by a constant to a bound that does not change, and each divisor is a constant,
    // or a dimension of a tensor, which is never 0.
    unsafe { device.create_shader_module_trusted(descriptor, checks) }
}

/// A cache of compiled pipelines that begins with `data`, which an earlier cache of this
/// adapter returned, or empty.
pub(crate) fn pipeline_cache(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor =
        wgpu::PipelineCacheDescriptor { label: Some("pocketvision"), data, fallback: true };
    // SAFETY: the bytes come from a file that holds what `PipelineCache::get_data` returned,
    // with a checksum that was verified; wgpu and the driver check by themselves that they are
    // of this version and adapter, and begin with an empty cache if not.
    unsafe { device.create_pipeline_cache(&descriptor) }
}
