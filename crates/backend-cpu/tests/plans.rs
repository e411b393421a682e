//! What plans promise beyond numbers: profiles that add up, memory that is shared, errors,
//! and several plans at once.

use pocketvision_backend_cpu::{CpuBackend, CpuOptions, SimdLevel};
use pocketvision_core::models::{self, BuildOptions, InputSize, Precision};
use pocketvision_core::op::{Activation, ActivationKind, Add, Constant, Reshape};
use pocketvision_core::{
    Backend, Clock, CompileOptions, Element, Graph, GraphBuilder, Keep, Op, Outputs, Profile,
    RunError, Shape, Tensor, TensorType,
};

fn backend(threads: usize) -> CpuBackend {
    CpuBackend::new(CpuOptions { threads: Some(threads), ..CpuOptions::default() }).unwrap()
}

fn network(precision: Precision) -> Graph {
    let options =
        BuildOptions { input_size: InputSize::square(64), precision, ..BuildOptions::default() };
    models::find("mobilenet-edgetpu-0.5").unwrap().build(&options).unwrap()
}

fn noise(ty: &TensorType, seed: u32) -> Tensor {
    let mut tensor = Tensor::zeros(ty);
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    if ty.element == Element::F32 {
        let numbers = bytemuck::cast_slice_mut(tensor.bytes_mut());
        numbers.iter_mut().for_each(|x: &mut f32| *x = f32::from(next()) / 128.0 - 1.0);
    } else {
        tensor.bytes_mut().iter_mut().for_each(|byte| *byte = next());
    }
    tensor
}

#[test]
fn results_do_not_depend_on_the_number_of_threads_or_on_what_is_kept() {
    for precision in [Precision::F32, Precision::Int8] {
        let graph = network(precision);
        let input = noise(graph.ty(graph.inputs()[0]), 1);
        let run = |threads: usize, keep: Keep| {
            let mut plan = backend(threads).compile(&graph, &CompileOptions { keep }).unwrap();
            plan.run(std::slice::from_ref(&input)).unwrap()
        };
        let first = run(1, Keep::Outputs);
        let output = graph.outputs()[0];
        for threads in [1, 2, 3, 7] {
            assert_eq!(run(threads, Keep::Outputs), first, "{threads} threads");
            let every = run(threads, Keep::EveryNode);
            assert_eq!(every.len(), graph.nodes().len());
            assert_eq!(every.get(output), first.get(output), "{threads} threads, every node");
        }
    }
}

/// Large enough that its first layers are computed image by image.
fn network_of_images(precision: Precision, batch: usize) -> Graph {
    let options = BuildOptions { batch, precision, ..BuildOptions::default() };
    models::find("mobilenet-v3-large").unwrap().build(&options).unwrap()
}

#[test]
fn images_of_a_batch_are_what_each_is_alone() {
    const IMAGES: usize = 3;
    for (precision, tolerance) in [(Precision::Int8, 0.0), (Precision::F32, 1e-5)] {
        let graph = network_of_images(precision, IMAGES);
        let input = noise(graph.ty(graph.inputs()[0]), 5);
        let run = |graph: &Graph, threads: usize, keep: Keep, input: &Tensor| {
            let mut plan = backend(threads).compile(graph, &CompileOptions { keep }).unwrap();
            plan.run(std::slice::from_ref(input)).unwrap()
        };
        let all = run(&graph, 2, Keep::Outputs, &input);
        let output = graph.outputs()[0];
        let every = run(&graph, 1, Keep::EveryNode, &input);
        assert!(every.get(output) == all.get(output), "every node kept");

        let one = network_of_images(precision, 1);
        let mut image = Tensor::zeros(one.ty(one.inputs()[0]));
        let (bytes, scores) = (image.bytes().len(), all[0].to_f32());
        for index in 0..IMAGES {
            image.bytes_mut().copy_from_slice(&input.bytes()[index * bytes..][..bytes]);
            let alone = run(&one, 1, Keep::Outputs, &image)[0].to_f32();
            let scores = &scores[index * alone.len()..][..alone.len()];
            let differs = |(a, b): (&f32, &f32)| (a - b).abs() > tolerance;
            assert!(!scores.iter().zip(&alone).any(differs), "image {index} of {precision:?}");
        }
    }
}

/// An image that is read later as well, and whose images do not begin at cache lines.
#[test]
fn a_batch_of_odd_images_that_is_also_an_output_is_computed() {
    let ty = TensorType::new(Shape::new(3, 255, 255, 3), Element::F32);
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let mut builder = GraphBuilder::new("test");
    let image = builder.input("image", ty.clone()).unwrap();
    let mut last = image;
    for name in ["first", "second", "third", "fourth"] {
        last = builder.push(name, relu.clone(), &[last]).unwrap();
    }
    let shape = Shape::vector(ty.shape.elements());
    let flat = builder.push("flat", Op::Reshape(Reshape { shape }), &[image]).unwrap();
    let graph = builder.finish(&[last, flat]).unwrap();
    let input = noise(&ty, 9);
    let mut plan = backend(2).compile(&graph, &CompileOptions::default()).unwrap();
    let outputs = plan.run(std::slice::from_ref(&input)).unwrap();
    let positive: Vec<f32> = input.to_f32().iter().map(|x| x.max(0.0)).collect();
    assert!(outputs[0].to_f32() == positive, "each image's");
    assert!(outputs[1].bytes() == input.bytes(), "the input as it was");
}

/// Images of two inputs, of which one is read again later, and of a tensor between that is an output.
#[test]
fn images_of_a_batch_are_found_wherever_they_are() {
    let ty = TensorType::new(Shape::new(4, 127, 129, 5), Element::F32);
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let add = Op::Add(Add { activation: None });
    let mut builder = GraphBuilder::new("test");
    let a = builder.input("a", ty.clone()).unwrap();
    let first = builder.push("first", relu.clone(), &[a]).unwrap();
    let b = builder.input("b", ty.clone()).unwrap();
    let second = builder.push("second", add.clone(), &[first, b]).unwrap();
    let third = builder.push("third", relu.clone(), &[second]).unwrap();
    let fourth = builder.push("fourth", add.clone(), &[third, a]).unwrap();
    let fifth = builder.push("fifth", relu, &[fourth]).unwrap();
    let last = builder.push("last", add.clone(), &[fifth, first]).unwrap();
    let flat = Op::Reshape(Reshape { shape: Shape::vector(ty.shape.elements()) });
    let flat_last = builder.push("flat last", flat.clone(), &[last]).unwrap();
    let flat_b = builder.push("flat b", flat, &[b]).unwrap();
    let total = builder.push("total", add, &[flat_last, flat_b]).unwrap();
    let graph = builder.finish(&[total, third]).unwrap();

    let inputs = [noise(&ty, 3), noise(&ty, 4)];
    let numbers = inputs[0].to_f32().into_iter().zip(inputs[1].to_f32());
    let expected = numbers.map(|(a, b)| {
        let third = (a.max(0.0) + b).max(0.0);
        ((third + a).max(0.0) + a.max(0.0) + b, third)
    });
    let (total, third): (Vec<f32>, Vec<f32>) = expected.unzip();
    for keep in [Keep::Outputs, Keep::EveryNode] {
        let mut plan = backend(2).compile(&graph, &CompileOptions { keep }).unwrap();
        let outputs = plan.run(&inputs).unwrap();
        let of = |index: usize| outputs.get(graph.outputs()[index]).unwrap().to_f32();
        assert!(of(0) == total && of(1) == third, "{keep:?}");
    }
}

#[test]
fn large_tensors_of_a_batch_have_room_for_one_image() {
    let activation_bytes = |batch: usize| {
        let graph = network_of_images(Precision::F32, batch);
        let plan = backend(1).compile(&graph, &CompileOptions::default()).unwrap();
        plan.memory().activation_bytes
    };
    let (one, four) = (activation_bytes(1), activation_bytes(4));
    assert!(four < 2 * one, "{four} bytes for four images, {one} for one");
}

#[test]
fn a_profile_has_a_row_for_each_layer_and_adds_up_for_a_batch() {
    let graph = network_of_images(Precision::F32, 2);
    let mut plan = backend(2).compile(&graph, &CompileOptions::default()).unwrap();
    let profile = plan.profile(&[noise(graph.ty(graph.inputs()[0]), 1)]).unwrap();
    assert_eq!(profile.layers.len(), graph.nodes().len() - 1 + 1, "no input, but an other row");
    assert_eq!(profile.layers.iter().map(|layer| layer.macs).sum::<u64>(), graph.macs());
    let sum: f64 = profile.layers.iter().map(|layer| layer.latency_ms).sum();
    assert!((sum - profile.latency_ms).abs() < 1e-9);
    assert!(profile.layers.iter().all(|layer| layer.latency_ms > 0.0), "each was timed");
}

#[test]
fn a_profile_has_a_row_for_each_step_and_adds_up() {
    let graph = network(Precision::Int8);
    let mut plan = backend(2).compile(&graph, &CompileOptions::default()).unwrap();
    let profile = plan.profile(&[noise(graph.ty(graph.inputs()[0]), 1)]).unwrap();
    assert_eq!((profile.backend, profile.clock), ("cpu", Clock::HostWall));
    assert_eq!(profile.layers.len(), graph.nodes().len() - 1 + 1, "no input, but an other row");
    assert_eq!(profile.layers.last().unwrap().name, Profile::OTHER);
    assert_eq!(profile.layers.iter().map(|layer| layer.macs).sum::<u64>(), graph.macs());
    let sum: f64 = profile.layers.iter().map(|layer| layer.latency_ms).sum();
    assert!((sum - profile.latency_ms).abs() < 1e-9);
    let computed = &profile.layers[..profile.layers.len() - 1];
    assert!(computed.iter().all(|layer| layer.bytes > 0 && !layer.kernel.is_empty()));
}

#[test]
fn activations_share_memory_unless_every_node_is_kept() {
    let graph = network(Precision::F32);
    let activation_bytes = |keep| {
        let plan = backend(1).compile(&graph, &CompileOptions { keep }).unwrap();
        plan.memory().activation_bytes
    };
    let all: u64 = graph.nodes().iter().map(|node| node.output.bytes() as u64).sum();
    assert!(activation_bytes(Keep::Outputs) < all / 2);
    assert!(activation_bytes(Keep::EveryNode) >= all);
}

#[test]
fn a_plan_for_a_few_runs_reads_the_classifier_of_the_graph() {
    let graph = network(Precision::F32);
    let input = noise(graph.ty(graph.inputs()[0]), 1);
    for level in SimdLevel::available() {
        let run = |few_runs| {
            let options = CpuOptions { threads: Some(1), simd: Some(level), few_runs, bf16: false };
            let backend = CpuBackend::new(options).unwrap();
            let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
            (plan.run(std::slice::from_ref(&input)).unwrap(), plan.memory().weight_bytes)
        };
        let ((few, few_bytes), (many, many_bytes)) = (run(true), run(false));
        assert!(few_bytes >= graph.parameter_bytes(), "{level}");
        assert!(many_bytes <= few_bytes, "{level}: {many_bytes} of {few_bytes} bytes");
        let [few, many] = [&few[0], &many[0]].map(|tensor| tensor.as_f32().unwrap());
        let largest = few.iter().fold(0_f32, |largest, x| largest.max(x.abs()));
        for (few, many) in few.iter().zip(many) {
            assert!((few - many).abs() <= 1e-6 * largest, "{level}: {few} and {many}");
        }
    }
}

#[test]
fn plans_of_one_backend_run_on_many_threads_at_once() {
    let graph = network(Precision::Int8);
    let input = noise(graph.ty(graph.inputs()[0]), 1);
    let backend = backend(3);
    let expected = {
        let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
        plan.run(std::slice::from_ref(&input)).unwrap()
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
                for _ in 0..5 {
                    assert_eq!(plan.run(std::slice::from_ref(&input)).unwrap(), expected);
                }
            });
        }
    });
}

#[test]
fn constants_and_reshaped_inputs_survive_other_runs() {
    let mut builder = GraphBuilder::new("test");
    let ty = TensorType::new(Shape::new(1, 2, 2, 8), Element::F32);
    let early = builder.input("early", ty.clone()).unwrap();
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let hidden = builder.push("hidden", relu.clone(), &[early]).unwrap();
    // An input and a constant that appear after nodes have run.
    let late = builder.input("late", ty).unwrap();
    let ones = Tensor::from_f32(Shape::vector(32), vec![1.0; 32]).unwrap();
    let value = builder.param("ones", ones);
    let constant = builder.push("constant", Op::Constant(Constant { value }), &[]).unwrap();
    let flat = Op::Reshape(Reshape { shape: Shape::vector(32) });
    let flat_hidden = builder.push("flat hidden", flat.clone(), &[hidden]).unwrap();
    let flat_late = builder.push("flat late", flat, &[late]).unwrap();
    let add = Op::Add(Add { activation: None });
    let sum = builder.push("sum", add.clone(), &[flat_hidden, constant]).unwrap();
    let total = builder.push("total", add, &[sum, flat_late]).unwrap();
    let graph = builder.finish(&[total, flat_late, constant]).unwrap();

    let mut plan = backend(2).compile(&graph, &CompileOptions::default()).unwrap();
    for seed in 1..4 {
        let inputs = [noise(graph.ty(early), seed), noise(graph.ty(late), seed + 100)];
        let outputs = plan.run(&inputs).unwrap();
        let [a, b] = [0, 1].map(|index: usize| inputs[index].as_f32().unwrap());
        let expected: Vec<f32> = a.iter().zip(b).map(|(a, b)| a.max(0.0) + 1.0 + b).collect();
        assert_eq!(outputs[0].as_f32().unwrap(), expected);
        assert_eq!(outputs[1].as_f32().unwrap(), b);
        assert_eq!(outputs[2].as_f32().unwrap(), [1.0; 32]);
    }
}

#[test]
fn wrong_inputs_and_outputs_are_refused_and_the_plan_still_works() {
    let graph = network(Precision::F32);
    let mut plan = backend(2).compile(&graph, &CompileOptions::default()).unwrap();
    let good = noise(graph.ty(graph.inputs()[0]), 1);
    assert!(matches!(plan.run(&[]), Err(RunError::InputCount { expected: 1, actual: 0 })));
    let small = Tensor::from_f32(Shape::vector(3), vec![0.0; 3]).unwrap();
    assert!(matches!(plan.run(&[small]), Err(RunError::InputType { .. })));
    let mut endless = good.clone();
    bytemuck::cast_slice_mut::<u8, f32>(endless.bytes_mut())[5] = f32::INFINITY;
    assert!(matches!(plan.run(&[endless]), Err(RunError::NotFinite { index: 5, .. })));
    let other = backend(1).compile(&graph, &CompileOptions { keep: Keep::EveryNode }).unwrap();
    let mut foreign = Outputs::for_signature(other.signature());
    let inputs = std::slice::from_ref(&good);
    assert_eq!(plan.run_into(inputs, &mut foreign), Err(RunError::ForeignOutputs));
    assert!(plan.run(inputs).is_ok());
}

#[test]
fn half_precision_is_refused_with_a_reason() {
    let mut builder = GraphBuilder::new("test");
    let ty = TensorType::new(Shape::vector(4), Element::F16);
    let input = builder.input("x", ty).unwrap();
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let node = builder.push("relu", relu, &[input]).unwrap();
    let graph = builder.finish(&[node]).unwrap();
    let backend = CpuBackend::new(CpuOptions {
        threads: Some(1),
        simd: Some(SimdLevel::Scalar),
        ..CpuOptions::default()
    });
    let Err(error) = backend.unwrap().compile(&graph, &CompileOptions::default()) else {
        panic!("f16 was compiled");
    };
    assert!(error.to_string().contains("f16"), "{error}");
}

#[test]
fn bf16_changes_floats_a_little_and_integers_not_at_all() {
    let options = CpuOptions { threads: Some(2), bf16: true, ..CpuOptions::default() };
    let rounded = match CpuBackend::new(options) {
        Ok(backend) => backend,
        Err(error) => {
            let expected = format!("no bf16 products at SIMD level {}", SimdLevel::best());
            assert!(error.to_string().starts_with(&expected), "{error}");
            return;
        }
    };
    assert!(rounded.device().to_string().ends_with("float products bf16"));
    for precision in [Precision::F32, Precision::Int8] {
        let graph = network(precision);
        let input = noise(graph.ty(graph.inputs()[0]), 1);
        let run = |backend: &CpuBackend| {
            let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
            (plan.run(std::slice::from_ref(&input)).unwrap(), plan.memory().weight_bytes)
        };
        let ((exact, exact_bytes), (close, close_bytes)) = (run(&backend(2)), run(&rounded));
        if precision == Precision::Int8 {
            assert_eq!((exact, exact_bytes), (close, close_bytes));
            continue;
        }
        assert!(close_bytes * 5 < exact_bytes * 4, "{close_bytes} of {exact_bytes} bytes");
        let [exact, close] = [&exact[0], &close[0]].map(|tensor| tensor.as_f32().unwrap());
        let largest = exact.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        let error = exact.iter().zip(close).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(error > 0.0 && error < 0.05 * largest, "{error} of {largest}");
    }
}

#[test]
fn bf16_is_refused_where_kernels_have_no_such_products() {
    let simd = Some(SimdLevel::Scalar);
    let error = CpuBackend::new(CpuOptions { simd, bf16: true, ..CpuOptions::default() });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("scalar") && error.contains("leave bf16 out"), "{error}");
}
