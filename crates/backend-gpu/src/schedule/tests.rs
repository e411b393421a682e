//! What the planner promises.

use std::collections::HashSet;

use pocketvision_core::models::{self, BuildOptions, Precision};
use pocketvision_core::op::{
    Activation, ActivationKind, Add, Axis, Concat, Conv2d, Normalize, Padding, Reshape, Softmax,
    Window,
};
use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType, passes};

use super::*;
use crate::adapter::AdapterKind;

const LIMITS: Limits = Limits {
    max_binding_bytes: 128 << 20,
    max_workgroups_per_dimension: 65535,
    memory_vectors: 960,
    tuning: Tuning::ALL[3],
    is_half: false,
    subgroup_size: None,
};

/// As for a graphics card.
const CARD: Limits = Limits { tuning: Tuning::for_kind(AdapterKind::Discrete, true), ..LIMITS };

/// As for software with subgroups.
const SOFTWARE: Limits = Limits { tuning: Tuning::for_kind(AdapterKind::Software, true), ..LIMITS };

fn relu() -> Op {
    Op::Activation(Activation { kind: ActivationKind::Relu })
}

fn chain(length: usize, shape: Shape) -> Graph {
    let mut builder = GraphBuilder::new("chain");
    let mut node = builder.input("x", TensorType::new(shape, Element::F32)).unwrap();
    for i in 0..length {
        node = builder.push(format!("relu_{i}"), relu(), &[node]).unwrap();
    }
    builder.finish(&[node]).unwrap()
}

#[test]
fn a_chain_runs_in_two_buffers() {
    let schedule = Schedule::new(&chain(9, Shape::new(1, 4, 4, 8)), Keep::Outputs, LIMITS).unwrap();
    assert_eq!(schedule.dispatches.len(), 9);
    assert_eq!(schedule.slot_bytes, [512, 512]);
}

#[test]
fn keeping_every_node_gives_each_a_buffer() {
    let schedule =
        Schedule::new(&chain(9, Shape::new(1, 4, 4, 8)), Keep::EveryNode, LIMITS).unwrap();
    assert_eq!(schedule.slot_bytes.len(), 10);
    assert_eq!(schedule.outputs.len(), 10);
}

#[test]
fn no_dispatch_writes_a_buffer_that_it_reads_or_that_is_needed_later() {
    let mut builder = GraphBuilder::new("branches");
    let ty = TensorType::new(Shape::new(1, 5, 7, 6), Element::F32);
    let x = builder.input("x", ty).unwrap();
    let a = builder.push("a", relu(), &[x]).unwrap();
    let b = builder.push("b", relu(), &[a]).unwrap();
    let sum = builder.push("sum", Op::Add(Add { activation: None }), &[a, b]).unwrap();
    let both = Op::Concat(Concat::along(Axis::Channels));
    let both = builder.push("both", both, &[x, sum, b]).unwrap();
    let graph = builder.finish(&[both]).unwrap();
    let schedule = Schedule::new(&graph, Keep::Outputs, LIMITS).unwrap();

    let slot = |value: usize| schedule.values[value].slot;
    let mut holder: Vec<Option<usize>> = vec![None; schedule.slot_bytes.len()];
    for input in schedule.input_values() {
        holder[slot(input)] = Some(input);
    }
    for dispatch in &schedule.dispatches {
        for read in &dispatch.reads {
            if let Operand::Value(value) = *read {
                assert_eq!(holder[slot(value)], Some(value));
                assert_ne!(slot(value), slot(dispatch.outputs[0]));
            }
        }
        holder[slot(dispatch.outputs[0])] = Some(dispatch.outputs[0]);
    }
    for output in &schedule.outputs {
        let Operand::Value(value) = output.operand else { panic!("a constant") };
        assert_eq!(holder[slot(value)], Some(value));
    }
}

#[test]
fn reshaping_is_free_unless_padding_moves() {
    let reshaped = |from: Shape, to: Shape| {
        let mut builder = GraphBuilder::new("reshape");
        let x = builder.input("x", TensorType::new(from, Element::F32)).unwrap();
        let y = builder.push("y", Op::Reshape(Reshape { shape: to }), &[x]).unwrap();
        let graph = builder.finish(&[y]).unwrap();
        Schedule::new(&graph, Keep::Outputs, LIMITS).unwrap().dispatches.len()
    };
    assert_eq!(reshaped(Shape::new(1, 2, 3, 8), Shape::vector(48)), 0);
    assert_eq!(reshaped(Shape::new(1, 2, 3, 5), Shape::new(1, 6, 1, 5)), 0);
    assert_eq!(reshaped(Shape::new(1, 2, 3, 5), Shape::vector(30)), 1);
}

#[test]
fn too_large_a_tensor_is_refused_by_name() {
    let limits = Limits { max_binding_bytes: 100, ..LIMITS };
    let graph = chain(1, Shape::new(1, 4, 4, 1));
    let error = Schedule::new(&graph, Keep::Outputs, limits).unwrap_err();
    assert_eq!(error.to_string(), "gpu: node 'x' needs 256 bytes, the limit is 100");
}

#[test]
fn long_dispatches_are_split_over_two_dimensions() {
    let limits = Limits { max_workgroups_per_dimension: 10, ..LIMITS };
    assert_eq!(limits.workgroups(Work::Workgroups(10)), (10, 1));
    assert_eq!(limits.workgroups(Work::Workgroups(23)), (8, 3));
    assert_eq!(limits.workgroups(Work::Invocations(64 * 10 + 1)), (6, 2));
    let mut builder = GraphBuilder::new("rows");
    let ty = TensorType::new(Shape::new(1, 5, 5, 3), Element::F32);
    let x = builder.input("x", ty).unwrap();
    let y = builder.push("y", Op::Softmax(Softmax { beta: 1.0 }), &[x]).unwrap();
    let graph = builder.finish(&[y]).unwrap();
    let schedule = Schedule::new(&graph, Keep::Outputs, limits).unwrap();
    assert_eq!(schedule.dispatches[0].workgroups, (9, 3));
}

fn built_in(name: &str, precision: Precision) -> Graph {
    let definition = models::find(name).unwrap();
    let options = BuildOptions { precision, ..definition.options() };
    passes::optimize(&definition.build(&options).unwrap()).unwrap()
}

fn with_pixel_input(graph: &Graph) -> Graph {
    let normalize = Normalize { mean: [127.5; 3], std: [127.5; 3] };
    passes::take_pixels(graph, normalize).unwrap()
}

/// Dispatches, pipelines, and the kilobytes that all dispatches read and write.
fn counts(graph: &Graph, limits: Limits) -> (usize, usize, u64) {
    let schedule = Schedule::new(graph, Keep::Outputs, limits).unwrap();
    let dispatches = &schedule.dispatches;
    let bytes: u64 = dispatches.iter().map(|d| schedule.dispatch_bytes(d)).sum();
    (dispatches.len(), schedule.kernels().len(), bytes / 1000)
}

/// No timing says more about a network of one image on a graphics card than these.
#[test]
fn networks_take_few_dispatches() {
    for (name, precision, most) in [
        ("mobilenet-v3-large", Precision::F32, (42, 18, 45_200)),
        ("mobilenet-v3-large", Precision::Int8, (50, 23, 14_300)),
        ("mobilenet-edgetpu-1.0", Precision::F32, (39, 16, 35_300)),
        ("mobilenet-edgetpu-1.0", Precision::Int8, (38, 13, 9_400)),
        ("mobilenet-v2-1.0", Precision::F32, (37, 11, 50_000)),
        ("mobilenet-v2-1.0", Precision::Int8, (37, 11, 13_100)),
    ] {
        let counts = counts(&built_in(name, precision), LIMITS);
        let fits = counts.0 <= most.0 && counts.1 <= most.1 && counts.2 <= most.2;
        assert!(fits, "{name} {precision:?}: {counts:?} are more than {most:?}");
    }
}

#[test]
fn subgroups_share_sums_only_where_there_are_any() {
    let graphs = [Precision::F32, Precision::Int8].map(|p| built_in("mobilenet-v3-large", p));
    for graph in &graphs {
        let kernels =
            |limits: Limits| Schedule::new(graph, Keep::Outputs, limits).unwrap().kernels();
        assert!(kernels(LIMITS).iter().all(|kernel| !kernel.variant.has_subgroups));
        let with = kernels(Limits { subgroup_size: Some(32), ..LIMITS });
        let shares = |kernel: &&Kernel| kernel.variant.has_subgroups;
        let mut shaders: Vec<&str> =
            with.iter().filter(shares).map(|kernel| kernel.shader.name()).collect();
        shaders.sort_unstable();
        shaders.dedup();
        let element = if graph.ty(graph.inputs()[0]).element.is_float() { "f32" } else { "int8" };
        let expected = ["product", "product_pool", "softmax", "squeeze_excite"];
        assert_eq!(shaders, expected.map(|name| format!("{element}/{name}")));
        let products = with
            .iter()
            .filter(|kernel| matches!(kernel.shader, Shader::ProductF32 | Shader::ProductInt8));
        // A layer with too little to share has a tile for each invocation, or for a few.
        for Kernel { variant, .. } in products {
            assert!(variant.split == 32 || !variant.has_subgroups);
            assert!(variant.split <= 16 || variant.has_subgroups);
        }
    }
}

/// Small bands would compute many rows of the expansion again for their borders.
#[test]
fn little_workgroup_memory_leaves_expansions_alone() {
    let graph = built_in("mobilenet-v3-large", Precision::F32);
    let shaders = |memory_vectors: u32| -> Vec<Shader> {
        let limits = Limits { memory_vectors, ..LIMITS };
        let schedule = Schedule::new(&graph, Keep::Outputs, limits).unwrap();
        schedule.kernels().iter().map(|kernel| kernel.shader).collect()
    };
    assert!(shaders(960).contains(&Shader::ExpandDepthwiseF32));
    assert!(!shaders(256).contains(&Shader::ExpandDepthwiseF32));
    assert!(shaders(256).contains(&Shader::DepthwiseProjectF32));
}

/// The first layer reads a picture as the caller has it, alone or with its projection: three floats a
/// pixel, or three bytes that it normalizes.
#[test]
fn pictures_take_no_dispatch_and_no_padding() {
    for (name, of_floats, of_bytes) in [
        ("mobilenet-v3-large", Shader::Conv2dColors, Shader::Conv2dPixels),
        ("mobilenet-edgetpu-1.0", Shader::Conv2dProjectColors, Shader::Conv2dProjectPixels),
        ("mobilenet-v2-1.0", Shader::Conv2dColors, Shader::Conv2dPixels),
    ] {
        let floats = built_in(name, Precision::F32);
        let pixels = with_pixel_input(&floats);
        let (before, after) = (counts(&floats, LIMITS), counts(&pixels, LIMITS));
        assert_eq!((before.0, before.1), (after.0, after.1), "{name}");
        for (graph, shader, bytes) in [(floats, of_floats, 4), (pixels, of_bytes, 1)] {
            let schedule = Schedule::new(&graph, Keep::Outputs, LIMITS).unwrap();
            assert_eq!(schedule.dispatches[0].kernel.shader, shader, "{name}");
            assert_eq!(schedule.values[0].bytes, 224 * 224 * 3 * bytes, "{name}");
            assert_eq!(schedule.inputs[0].conversion, Conversion::Dense, "{name}");
            // Handed back, floats are padded as all others are.
            let kept = Schedule::new(&graph, Keep::EveryNode, LIMITS).unwrap();
            let port = |port: &Port| (kept.operand_bytes(port.operand), port.conversion);
            assert_eq!(port(&kept.inputs[0]), port(&kept.outputs[0]), "{name}");
        }
    }
}

/// A card has a dispatch for each layer and a pipeline for each size, and sums for a pool come from
/// the layer before it.
#[test]
fn cards_take_a_dispatch_for_each_layer() {
    for (name, precision, dispatches) in [
        ("mobilenet-v3-large", Precision::F32, 62),
        ("mobilenet-v3-large", Precision::Int8, 57),
        ("mobilenet-edgetpu-1.0", Precision::F32, 60),
        ("mobilenet-edgetpu-1.0", Precision::Int8, 60),
        ("mobilenet-v2-1.0", Precision::F32, 54),
    ] {
        let graph = built_in(name, precision);
        let (count, pipelines, _) = counts(&graph, CARD);
        assert_eq!(count, dispatches, "{name} {precision:?}");
        let tuning = Tuning::for_kind(AdapterKind::Other, true);
        let shared = counts(&graph, Limits { tuning, ..LIMITS });
        assert_eq!(shared.0, dispatches, "{name} {precision:?}");
        assert!(shared.1 < pipelines && pipelines < count, "{name} {precision:?}: {shared:?}");
    }
    let graph = built_in("mobilenet-v3-large", Precision::F32);
    let schedule = Schedule::new(&graph, Keep::Outputs, CARD).unwrap();
    let shaders: Vec<Shader> = schedule.dispatches.iter().map(|d| d.kernel.shader).collect();
    let count = |shader: Shader| shaders.iter().filter(|&&other| other == shader).count();
    assert_eq!(count(Shader::DepthwisePoolF32), 8);
    // Those with few weights take one workgroup.
    assert_eq!((count(Shader::SqueezeF32), count(Shader::SqueezeExciteF32)), (5, 3));
    assert_eq!(count(Shader::ElementwiseF32) + count(Shader::Pool2dF32), 0);
    for dispatch in &schedule.dispatches {
        assert_eq!(dispatch.kernel.params, FixedParams::new(&dispatch.params));
        let fits = dispatch.kernel.variant.workgroup_size >= dispatch.kernel.variant.split;
        assert!(fits, "{:?}", dispatch.kernel);
    }
}

/// Software has a dispatch for each layer, for which neighbours load for each other, and a pipeline for
/// each kind of layer.
#[test]
fn software_loads_in_fours() {
    for (name, precision, most) in [
        ("mobilenet-v3-large", Precision::F32, (74, 21)),
        ("mobilenet-v3-large", Precision::Int8, (58, 19)),
        ("mobilenet-edgetpu-1.0", Precision::F32, (61, 12)),
        ("mobilenet-edgetpu-1.0", Precision::Int8, (61, 11)),
        ("mobilenet-v2-1.0", Precision::F32, (55, 9)),
        ("mobilenet-v2-1.0", Precision::Int8, (55, 8)),
    ] {
        let graph = built_in(name, precision);
        let (dispatches, pipelines, _) = counts(&graph, SOFTWARE);
        let counts = (dispatches, pipelines);
        let fits = counts.0 <= most.0 && counts.1 <= most.1;
        assert!(fits, "{name} {precision:?}: {counts:?} are more than {most:?}");
        let schedule = Schedule::new(&graph, Keep::Outputs, SOFTWARE).unwrap();
        for dispatch in &schedule.dispatches {
            let Kernel { shader, variant, .. } = dispatch.kernel;
            let pixels = graph.ty(dispatch.nodes[0]).shape.pixels();
            let is_product = matches!(shader, Shader::ProductF32 | Shader::ProductInt8);
            assert_eq!(variant.has_fours, shader.can_use_fours() && pixels > 1, "{shader:?}");
            assert!(variant.tile_pixels.is_multiple_of(4) || !variant.has_fours || !is_product);
        }
    }
}

#[test]
fn pixels_that_no_window_alone_reads_take_a_dispatch() {
    let mut builder = GraphBuilder::new("readers");
    let photo = TensorType::new(Shape::new(1, 9, 9, 3), Normalize::PIXELS);
    let photo = builder.input("photo", photo).unwrap();
    let normalize = Op::Normalize(Normalize { mean: [0.0; 3], std: [1.0; 3] });
    let x = builder.push("x", normalize, &[photo]).unwrap();
    let weight = Tensor::from_f32(Shape::new(3, 3, 3, 3), vec![0.5; 81]).unwrap();
    let weight = builder.param("weight", weight);
    let window = Window::square(3, 1, Padding::Same);
    let op = Op::Conv2d(Conv2d { window, weight, bias: None, groups: 1, activation: None });
    let y = builder.push("y", op, &[x]).unwrap();
    let sum = builder.push("sum", Op::Add(Add { activation: None }), &[x, y]).unwrap();
    let graph = builder.finish(&[sum]).unwrap();
    let shaders = |outputs: &[NodeId], keep: Keep, limits: Limits| {
        let graph = passes::remove_unused(&graph.with_outputs(outputs).unwrap()).unwrap();
        let schedule = Schedule::new(&graph, keep, limits).unwrap();
        schedule.dispatches.iter().map(|d| d.kernel.shader).collect::<Vec<_>>()
    };
    let alone = [Shader::Normalize, Shader::Conv2dF32];
    assert_eq!(shaders(&[y], Keep::Outputs, LIMITS), [Shader::Conv2dPixels]);
    assert_eq!(shaders(&[x, y], Keep::Outputs, LIMITS), alone);
    assert_eq!(shaders(&[y], Keep::EveryNode, LIMITS), alone);
    let unfused = Limits { tuning: Tuning::ALONE, ..LIMITS };
    assert_eq!(shaders(&[y], Keep::Outputs, unfused), alone);
    let with_sum = shaders(&[sum], Keep::Outputs, LIMITS);
    assert_eq!(with_sum[..2], alone);
}

/// WebGPU promises 16 KiB of workgroup memory, and workgroups of 256.
#[test]
fn kernels_need_no_more_than_every_device_has() {
    for (name, precision) in [
        ("mobilenet-v3-large", Precision::F32),
        ("mobilenet-v3-large", Precision::Int8),
        ("mobilenet-edgetpu-1.0", Precision::F32),
        ("mobilenet-edgetpu-1.0", Precision::Int8),
    ] {
        let graph = built_in(name, precision);
        for tuning in Tuning::ALL {
            let subgroup_size = tuning.has_subgroups.then_some(32);
            let limits = Limits { tuning, subgroup_size, ..LIMITS };
            let schedule = Schedule::new(&graph, Keep::Outputs, limits).unwrap();
            for kernel in schedule.kernels() {
                let module = naga::front::wgsl::parse_str(&kernel.source()).unwrap();
                let globals = module.global_variables.iter().map(|(_, global)| global);
                let shared = globals.filter(|global| global.space == naga::AddressSpace::WorkGroup);
                let bytes = |global: &naga::GlobalVariable| {
                    module.types[global.ty].inner.size(module.to_ctx())
                };
                let bytes: u32 = shared.map(bytes).sum();
                let size: u32 = module.entry_points[0].workgroup_size.iter().product();
                assert!(bytes <= 16384 && size <= 256, "{bytes} bytes, {size}: {kernel:?}");
            }
        }
    }
}

#[test]
fn no_layer_is_lost_in_a_group() {
    for name in ["mobilenet-v3-large", "mobilenet-edgetpu-1.0"] {
        let floats = built_in(name, Precision::F32);
        let graphs = [with_pixel_input(&floats), floats, built_in(name, Precision::Int8)];
        for (graph, limits) in
            graphs.iter().flat_map(|graph| [(graph, LIMITS), (graph, CARD), (graph, SOFTWARE)])
        {
            let schedule = Schedule::new(graph, Keep::Outputs, limits).unwrap();
            let computed: HashSet<NodeId> =
                schedule.dispatches.iter().flat_map(|d| d.nodes.iter().copied()).collect();
            // Signs change while tensors are copied to and from the device.
            let is_free = |op: &Op| matches!(op, Op::Input | Op::Quantize(_));
            let missing: Vec<&str> = graph
                .iter()
                .filter(|(id, node)| !computed.contains(id) && !is_free(&node.op))
                .map(|(_, node)| node.name.as_str())
                .collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    }
}
