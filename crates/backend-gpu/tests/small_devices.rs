//! Devices that have less than our networks would like: a device is opened with low limits, which
//! wgpu holds us to.

mod adapter;
mod exact;

use std::slice;

use pocketvision_backend_gpu::{GpuBackend, GpuOptions};
use pocketvision_core::{
    Backend, CompileError, CompileOptions, Graph, Keep, Outputs, Plan, Shape, Tensor,
};
use pocketvision_reference::ReferenceBackend;

/// A device whose shaders see at most so many bytes of a buffer, and whose dispatches have at
/// most so many workgroups in one dimension.
fn small(binding_bytes: u64, workgroups: u32) -> Option<GpuBackend> {
    let low_limits = Some((binding_bytes, workgroups));
    adapter::open(GpuOptions { low_limits, ..GpuOptions::default() })
}

fn network(batch: usize) -> Graph {
    exact::network("pictures", Shape::new(batch, 16, 16, 3))
}

fn expected(graph: &Graph, options: &CompileOptions, input: &Tensor) -> Outputs {
    let mut plan = ReferenceBackend::new().compile(graph, options).unwrap();
    plan.run(slice::from_ref(input)).unwrap()
}

#[test]
fn dispatches_are_folded_where_few_workgroups_fit_one_dimension() {
    let Some(backend) = small(1 << 20, 8) else { return };
    let graph = network(6);
    let options = CompileOptions::default();
    let mut plan = backend.compile(&graph, &options).unwrap();
    let input = exact::image(&graph, 0);
    let outputs = plan.run(slice::from_ref(&input)).unwrap();
    assert_eq!(outputs, expected(&graph, &options, &input));
}

#[test]
fn a_batch_that_no_binding_holds_runs_in_parts() {
    // A picture is 4 KiB on the device and becomes 8 KiB: two fit a binding, six do not.
    let Some(backend) = small(16 << 10, 8) else { return };
    let graph = network(6);
    let options = CompileOptions::default();
    let mut plan = backend.compile_plan(&graph, &options).unwrap();
    assert_eq!(plan.parts(), 3);
    let input = exact::image(&graph, 0);
    let expected = expected(&graph, &options, &input);
    for _ in 0..3 {
        assert_eq!(plan.run(slice::from_ref(&input)).unwrap(), expected);
    }
    let profile = plan.profile(slice::from_ref(&input)).unwrap();
    assert_eq!(profile.layers.iter().map(|layer| layer.macs).sum::<u64>(), graph.macs());
    let error = plan.submit(&[input]).unwrap_err().to_string();
    assert!(error.contains("3 parts"), "{error}");
}

#[test]
fn one_picture_that_no_binding_holds_is_refused_by_name() {
    let Some(backend) = small(7 << 10, 8) else { return };
    for (batch, keep) in [(1, Keep::Outputs), (6, Keep::Outputs), (1, Keep::EveryNode)] {
        match backend.compile(&network(batch), &CompileOptions { keep }) {
            Err(CompileError::TooLarge { node, limit_bytes, .. }) => {
                let first = if batch == 1 { "conv" } else { "pictures" };
                assert_eq!((node.as_str(), limit_bytes), (first, 7 << 10));
            }
            other => panic!("{:?}", other.map(|_| "compiled")),
        }
    }
}
