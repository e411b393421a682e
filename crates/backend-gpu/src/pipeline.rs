//! From shader text to something that can be dispatched.

use pocketvision_shaders::{ENTRY_POINT, HAS_WEIGHT_ZERO_POINT, Shader};

use crate::schedule::Kernel;

/// A compiled kernel.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) pipeline: wgpu::ComputePipeline,
    pub(crate) layout: wgpu::BindGroupLayout,
}

impl Pipeline {
    /// Compiles a kernel. Errors go to the device's error scope.
    pub(crate) fn new(device: &wgpu::Device, kernel: Kernel) -> Self {
        let shader = kernel.shader;
        let label = Some(shader.name());
        // Checked: an index that is wrong by a bug of ours reads or writes nothing it must not.
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label,
            source: wgpu::ShaderSource::Wgsl(shader.source().into()),
        });
        let entries = layout_entries(shader);
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label,
            entries: &entries,
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let constants: Vec<(&str, f64)> = kernel
            .has_weight_zero_point
            .map(|value| (HAS_WEIGHT_ZERO_POINT, f64::from(u8::from(value))))
            .into_iter()
            .collect();
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(ENTRY_POINT),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // Every shader writes its workgroup memory before it reads it.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        Self { pipeline, layout }
    }
}

/// The uniform, the buffers read, the buffer written.
fn layout_entries(shader: Shader) -> Vec<wgpu::BindGroupLayoutEntry> {
    let uniform = wgpu::BufferBindingType::Uniform;
    let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
    std::iter::once(uniform)
        .chain(shader.reads().iter().map(|_| storage(true)))
        .chain([storage(false)])
        .enumerate()
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        })
        .collect()
}
