//! Devices that have less than our networks would like: a device is opened with low limits, which
//! wgpu holds us to.

use std::io::Write as _;
use std::slice;

use pocketvision_backend_gpu::{GpuBackend, GpuOptions};
use pocketvision_core::op::{Activation, ActivationKind, Conv2d, Padding, Window};
use pocketvision_core::{
    Backend, CompileError, CompileOptions, Element, Graph, GraphBuilder, Keep, Op, Outputs, Plan,
    Shape, Tensor, TensorType,
};
use pocketvision_reference::ReferenceBackend;

/// A device whose shaders see at most so many bytes of a buffer, and whose dispatches have at
/// most so many workgroups in one dimension.
fn small(binding_bytes: u64, workgroups: u32) -> Option<GpuBackend> {
    let low_limits = Some((binding_bytes, workgroups));
    match GpuBackend::new(GpuOptions { low_limits, ..GpuOptions::default() }) {
        Ok(backend) => Some(backend),
        Err(error) => {
            let required = std::env::var("POCKETVISION_REQUIRE_GPU").is_ok_and(|v| v == "1");
            assert!(!required, "{error}");
            let _ = writeln!(std::io::stderr(), "\n*** IGNORED: {error} ***\n");
            None
        }
    }
}

/// A convolution with integers for weights and a relu: exact in f32.
fn network(batch: usize) -> Graph {
    let mut builder = GraphBuilder::new("network");
    let ty = TensorType::new(Shape::new(batch, 16, 16, 3), Element::F32);
    let input = builder.input("pictures", ty).unwrap();
    let shape = Shape::new(5, 3, 3, 3);
    let weights = (0..shape.elements()).map(|i| (i % 7) as f32 - 3.0).collect();
    let weight = builder.param("weight", Tensor::from_f32(shape, weights).unwrap());
    let window = Window::square(3, 1, Padding::Same);
    let op = Conv2d { window, weight, bias: None, groups: 1, activation: None };
    let conv = builder.push("conv", Op::Conv2d(op), &[input]).unwrap();
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let relu = builder.push("relu", relu, &[conv]).unwrap();
    builder.finish(&[relu]).unwrap()
}

fn pictures(graph: &Graph) -> Tensor {
    let shape = graph.ty(graph.inputs()[0]).shape;
    let values = (0..shape.elements()).map(|i| (i * 31 % 23) as f32 - 11.0);
    Tensor::from_f32(shape, values.collect()).unwrap()
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
    let input = pictures(&graph);
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
    let input = pictures(&graph);
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
