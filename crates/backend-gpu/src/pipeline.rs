//! From shader text to something that can be dispatched.

use pocketvision_shaders::{ENTRY_POINT, Shader};

use crate::trusted;

/// A compiled kernel.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) pipeline: wgpu::ComputePipeline,
    pub(crate) layout: wgpu::BindGroupLayout,
}

impl Pipeline {
    /// Compiles a shader from its text. Errors go to the device's error scope.
    pub(crate) fn new(
        device: &wgpu::Device,
        shader: Shader,
        source: String,
        cache: Option<&wgpu::PipelineCache>,
    ) -> Self {
        let label = Some(shader.name());
        let module = trusted::shader_module(device, shader.name(), source);
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
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(ENTRY_POINT),
            compilation_options: wgpu::PipelineCompilationOptions {
                // Every shader writes its workgroup memory before it reads it.
                zero_initialize_workgroup_memory: false,
                ..wgpu::PipelineCompilationOptions::default()
            },
            cache,
        });
        Self { pipeline, layout }
    }
}

/// The uniform, the buffers read, the buffers written.
fn layout_entries(shader: Shader) -> Vec<wgpu::BindGroupLayoutEntry> {
    let uniform = wgpu::BufferBindingType::Uniform;
    let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
    std::iter::once(uniform)
        .chain(shader.reads().iter().map(|_| storage(true)))
        .chain(shader.writes().iter().map(|_| storage(false)))
        .enumerate()
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        })
        .collect()
}
