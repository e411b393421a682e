//! Plans as objects: reuse, threads, profiles, refusals.

mod adapter;
mod exact;

use std::sync::OnceLock;

use exact::image;
use pocketvision_backend_gpu::{GpuBackend, GpuError, GpuOptions};
use pocketvision_core::op::{Activation, ActivationKind, Normalize, Softmax};
use pocketvision_core::passes::take_pixels;
use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, Element, Graph, GraphBuilder, Keep, Op, Outputs,
    Plan, Profile, RunError, Shape, Tensor, TensorData, TensorType,
};
use pocketvision_reference::ReferenceBackend;

fn backend() -> Option<&'static GpuBackend> {
    static BACKEND: OnceLock<Option<GpuBackend>> = OnceLock::new();
    let open = || adapter::open(GpuOptions::default());
    BACKEND.get_or_init(open).as_ref()
}

fn network(channels: usize) -> Graph {
    exact::network("image", Shape::new(1, 6, 6, channels))
}

/// The network of bytes less 128, and a photo whose results are exact in half precision.
fn pixels() -> (Graph, Tensor) {
    let graph = take_pixels(&network(3), Normalize { mean: [128.0; 3], std: [2.0; 3] }).unwrap();
    let ty = graph.ty(graph.inputs()[0]).clone();
    let bytes = (0..ty.shape.elements()).map(|i| 128 + (i * 31 % 23) as u8 - 11);
    let photo = Tensor::new(ty.shape, ty.element, TensorData::U8(bytes.collect())).unwrap();
    (graph, photo)
}

fn expected(graph: &Graph, input: &Tensor) -> Tensor {
    let mut plan = ReferenceBackend::new().compile(graph, &CompileOptions::default()).unwrap();
    plan.run(std::slice::from_ref(input)).unwrap()[0].clone()
}

#[test]
fn a_plan_runs_many_times_and_leaves_the_device_as_it_was() {
    if backend().is_none() {
        return;
    }
    let backend = GpuBackend::new(GpuOptions::default()).unwrap();
    let graph = network(3);
    let mut plan = backend.compile_plan(&graph, &CompileOptions::default()).unwrap();
    let pipelines = backend.pipeline_count();
    let memory = plan.memory();
    for seed in 0..5 {
        let input = image(&graph, seed);
        assert_eq!(plan.run(std::slice::from_ref(&input)).unwrap()[0], expected(&graph, &input));
    }
    assert_eq!(plan.dispatch_count(), 2);
    assert_eq!(plan.memory(), memory);
    assert_eq!(backend.pipeline_count(), pipelines);
}

#[test]
fn plans_of_one_network_share_their_pipelines() {
    if backend().is_none() {
        return;
    }
    let backend = GpuBackend::new(GpuOptions::default()).unwrap();
    let graph = network(5);
    let first = backend.compile_plan(&graph, &CompileOptions::default()).unwrap();
    assert_eq!(backend.pipeline_count(), 2);
    let second = backend.compile_plan(&network(7), &CompileOptions::default()).unwrap();
    assert_eq!(backend.pipeline_count(), 2);
    assert_eq!(first.dispatch_count(), second.dispatch_count());
}

#[test]
fn two_plans_on_one_device_do_not_disturb_each_other() {
    let Some(backend) = backend() else { return };
    let (small, large) = (network(2), network(9));
    let mut plan_small = backend.compile(&small, &CompileOptions::default()).unwrap();
    let mut plan_large = backend.compile(&large, &CompileOptions::default()).unwrap();
    for seed in 0..3 {
        let (a, b) = (image(&small, seed), image(&large, seed));
        assert_eq!(plan_small.run(std::slice::from_ref(&a)).unwrap()[0], expected(&small, &a));
        assert_eq!(plan_large.run(std::slice::from_ref(&b)).unwrap()[0], expected(&large, &b));
    }
}

#[test]
fn plans_run_and_compile_on_several_threads() {
    let Some(backend) = backend() else { return };
    std::thread::scope(|scope| {
        for channels in 1..5 {
            scope.spawn(move || {
                let graph = network(channels);
                let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
                for seed in 0..20 {
                    let input = image(&graph, seed);
                    let outputs = plan.run(std::slice::from_ref(&input)).unwrap();
                    assert_eq!(outputs[0], expected(&graph, &input));
                }
            });
        }
    });
}

#[test]
fn a_plan_outlives_its_backend() {
    if backend().is_none() {
        return;
    }
    let graph = network(3);
    let input = image(&graph, 1);
    let mut plan = {
        let backend = GpuBackend::new(GpuOptions::default()).unwrap();
        backend.compile(&graph, &CompileOptions::default()).unwrap()
    };
    let expected = expected(&graph, &input);
    assert_eq!(plan.run(&[input]).unwrap()[0], expected);
}

#[test]
fn every_node_is_handed_back_the_input_too() {
    let Some(backend) = backend() else { return };
    let graph = network(3);
    let options = CompileOptions { keep: Keep::EveryNode };
    let input = image(&graph, 2);
    let mut reference = ReferenceBackend::new().compile(&graph, &options).unwrap();
    let mut plan = backend.compile(&graph, &options).unwrap();
    let inputs = [input];
    assert_eq!(plan.run(&inputs).unwrap(), reference.run(&inputs).unwrap());
}

#[test]
fn a_profile_has_a_row_a_dispatch_and_the_plan_still_runs() {
    let Some(backend) = backend() else { return };
    let graph = network(3);
    let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
    let inputs = [image(&graph, 3)];
    for _ in 0..2 {
        let profile = plan.profile(&inputs).unwrap();
        let names: Vec<_> = profile.layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["conv", "relu", Profile::OTHER]);
        assert_eq!(profile.layers[0].macs, graph.macs());
        assert_eq!(profile.clock, backend.device().clock);
        if profile.clock == Clock::DeviceTimestamp {
            assert!(profile.layers[0].latency_ms > 0.0);
        }
        assert_eq!(plan.run(&inputs).unwrap()[0], expected(&graph, &inputs[0]));
    }
}

#[test]
fn wrong_inputs_are_refused_and_do_not_break_the_plan() {
    let Some(backend) = backend() else { return };
    let graph = network(3);
    let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
    assert!(matches!(plan.run(&[]), Err(RunError::InputCount { expected: 1, actual: 0 })));
    assert!(matches!(plan.run(&[image(&network(4), 0)]), Err(RunError::InputType { .. })));
    let input = image(&graph, 4);
    assert_eq!(plan.run(std::slice::from_ref(&input)).unwrap()[0], expected(&graph, &input));
}

#[test]
fn what_cannot_run_is_refused_with_a_reason() {
    let Some(backend) = backend() else { return };
    let refused = |ty: TensorType, op: Op| {
        let mut builder = GraphBuilder::new("refused");
        let input = builder.input("image", ty).unwrap();
        let element = builder.ty(input).element.clone();
        let node = builder.push_as("node", op, &[input], element).unwrap();
        let graph = builder.finish(&[node]).unwrap();
        match backend.compile(&graph, &CompileOptions::default()) {
            Err(CompileError::Unsupported(reason)) => reason.to_string(),
            _ => panic!("compiled"),
        }
    };
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let message = refused(TensorType::new(Shape::vector(4), Element::F16), relu);
    assert!(message.contains("f16 tensors are not supported"), "{message}");

    let shape = Shape::vector(5000);
    let element = Element::int8(0.1, 0);
    let softmax = Op::Softmax(Softmax { beta: 1.0 });
    let message = refused(TensorType::new(shape, element), softmax);
    assert!(message.contains("softmax over 5000 scores"), "{message}");
}

#[test]
fn too_large_a_network_is_refused_by_node() {
    let Some(backend) = backend() else { return };
    let mut builder = GraphBuilder::new("large");
    // One channel is padded to four: 4 GiB in f32.
    let ty = TensorType::new(Shape::new(1, 1 << 14, 1 << 14, 1), Element::F32);
    let input = builder.input("image", ty).unwrap();
    let relu = Op::Activation(Activation { kind: ActivationKind::Relu });
    let relu = builder.push("relu", relu, &[input]).unwrap();
    let graph = builder.finish(&[relu]).unwrap();
    match backend.compile(&graph, &CompileOptions::default()) {
        Err(CompileError::TooLarge { node, needed_bytes, .. }) => {
            assert_eq!((node.as_str(), needed_bytes), ("image", 1 << 32));
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn an_adapter_is_chosen_by_name() {
    let Some(backend) = backend() else { return };
    let name = backend.adapter().name.to_uppercase();
    let again =
        GpuBackend::new(GpuOptions { adapter: Some(name), ..GpuOptions::default() }).unwrap();
    assert_eq!(again.adapter().name, backend.adapter().name);
    let unknown = GpuOptions { adapter: Some("no such adapter".into()), ..GpuOptions::default() };
    match GpuBackend::new(unknown) {
        Err(GpuError::NoSuchAdapter { available, .. }) => {
            assert_eq!(available.len(), GpuBackend::adapters().len());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn results_come_in_order_when_runs_overlap() {
    let Some(backend) = backend() else { return };
    let graph = network(3);
    let mut plan = backend.compile_plan(&graph, &CompileOptions::default()).unwrap();
    let images: Vec<Tensor> = (0..9).map(|seed| image(&graph, seed)).collect();
    let mut outputs = Outputs::for_signature(plan.signature());
    assert!(!plan.poll(&mut outputs).unwrap());
    assert!(!plan.collect(&mut outputs).unwrap());

    let mut results = Vec::new();
    for (count, input) in images.iter().enumerate() {
        let input = std::slice::from_ref(input);
        if count - results.len() == plan.frames_in_flight() {
            assert!(matches!(plan.submit(input), Err(RunError::Device { .. })));
            assert!(plan.collect(&mut outputs).unwrap());
            results.push(outputs[0].clone());
        }
        plan.submit(input).unwrap();
    }
    // A run would overtake those that wait.
    assert!(matches!(plan.run(&images[..1]), Err(RunError::Device { .. })));
    while results.len() < images.len() {
        if plan.poll(&mut outputs).unwrap() {
            results.push(outputs[0].clone());
        }
        std::thread::yield_now();
    }
    assert!(!plan.poll(&mut outputs).unwrap());
    let expected: Vec<Tensor> = images.iter().map(|input| expected(&graph, input)).collect();
    assert_eq!(results, expected);
    assert_eq!(plan.run(&images[..1]).unwrap()[0], expected[0]);
}

#[test]
fn a_lost_device_is_opened_again() {
    if backend().is_none() {
        return;
    }
    let backend = GpuBackend::new(GpuOptions::default()).unwrap();
    let graph = network(3);
    let mut plans = [(); 2].map(|()| backend.compile(&graph, &CompileOptions::default()).unwrap());
    for seed in 0..2 {
        let input = image(&graph, seed);
        for plan in &mut plans {
            assert_eq!(
                plan.run(std::slice::from_ref(&input)).unwrap()[0],
                expected(&graph, &input)
            );
        }
        backend.lose_device();
    }
    let input = image(&graph, 9);
    for plan in &mut plans {
        assert_eq!(plan.run(std::slice::from_ref(&input)).unwrap()[0], expected(&graph, &input));
    }
}

#[test]
fn half_precision_is_close_or_refused() {
    let Some(default) = backend() else { return };
    let options = GpuOptions { half: true, ..GpuOptions::default() };
    if !default.adapter().features.contains(&"f16") {
        assert!(matches!(GpuBackend::new(options), Err(GpuError::NoHalf { .. })));
        return;
    }
    let half = GpuBackend::new(options).unwrap();
    // Integers of at most 11 bits are exact, and so are their sums.
    let graph = network(3);
    let input = image(&graph, 5);
    let mut plan = half.compile(&graph, &CompileOptions::default()).unwrap();
    assert_eq!(plan.run(std::slice::from_ref(&input)).unwrap()[0], expected(&graph, &input));
    let mut whole = default.compile(&graph, &CompileOptions::default()).unwrap();
    whole.run(&[input]).unwrap();
    let (pixels, photo) = pixels();
    let mut normalizing = half.compile(&pixels, &CompileOptions::default()).unwrap();
    let outputs = normalizing.run(std::slice::from_ref(&photo)).unwrap();
    assert_eq!(outputs[0], expected(&pixels, &photo));
    assert!(plan.memory().weight_bytes < whole.memory().weight_bytes);
}

#[test]
fn pixels_are_tested_tuned_and_normalized_by_the_first_layer() {
    let Some(backend) = backend() else { return };
    let (graph, photo) = pixels();
    let tuned = backend.tune(&graph).unwrap();
    assert!(tuned.times_ms.iter().all(|time| time.is_some_and(|ms| ms > 0.0)), "{tuned:?}");
    let mut plan = backend.compile_plan(&graph, &CompileOptions::default()).unwrap();
    // The convolution with the pixels, and the relu.
    assert_eq!(plan.dispatch_count(), 2);
    let outputs = plan.run(std::slice::from_ref(&photo)).unwrap();
    assert_eq!(outputs[0], expected(&graph, &photo));
}

#[test]
fn tuning_runs_every_way_and_all_are_right() {
    let Some(backend) = backend() else { return };
    let graph = network(9);
    let tuned = backend.tune(&graph).unwrap();
    assert!(tuned.times_ms.len() > 1);
    assert!(tuned.times_ms.iter().all(|time| time.is_some_and(|ms| ms > 0.0)), "{tuned:?}");
    assert!(tuned.times_ms[tuned.chosen.unwrap()].is_some());
    // Whatever was chosen is what compiling takes from now on, and it computes the same.
    let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
    let input = image(&graph, 2);
    assert_eq!(plan.run(std::slice::from_ref(&input)).unwrap()[0], expected(&graph, &input));
}
