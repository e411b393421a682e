//! Laws that the cost model obeys for any layer, network and chip.

use pocketvision_backend_edgetpu_sim::cost::Energy;
use pocketvision_backend_edgetpu_sim::cost::cycles::layer_cycles;
use pocketvision_backend_edgetpu_sim::cost::energy::chip_energy;
use pocketvision_backend_edgetpu_sim::cost::traffic::layer_traffic;
use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim, Estimate, Layer, LayerKind, Mapping};
use pocketvision_core::op::{Conv2d, DepthwiseConv2d, Padding, Window};
use pocketvision_core::{
    CompileError, Element, Graph, GraphBuilder, Op, Shape, Tensor, TensorData, TensorType,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_layer_is_faster_than_the_multipliers(layer in layer(), chip in chip()) {
        let mapping = Mapping::new(&layer, &chip.array);
        let cycles = layer_cycles(&layer, &mapping, 0, &chip);
        let multipliers = chip.array.tiles() * chip.array.lanes_per_tile * chip.array.dot_depth;
        prop_assert!(cycles.total as u128 * multipliers as u128 >= u128::from(layer.macs));
        let utilization = cycles.utilization(&layer, &chip);
        prop_assert!((0.0..=1.0).contains(&utilization), "{}", utilization);
    }

    #[test]
    fn every_byte_that_must_move_moves(layer in layer(), chip in chip()) {
        let mapping = Mapping::new(&layer, &chip.array);
        let weights = weights(&layer);
        let traffic = layer_traffic(&layer, &mapping, weights, &chip);
        prop_assert!(traffic.wide_read_bytes >= weights);
        prop_assert!(traffic.ring_bytes >= weights);
        prop_assert!(traffic.narrow_write_bytes >= layer.output_bytes);
        // The layers made here have stride 1 and SAME padding: each input is needed.
        prop_assert!(traffic.narrow_read_bytes >= layer.input_bytes);
    }

    #[test]
    fn energy_is_additive_and_never_negative(
        a in layer(), b in layer(), chip in chip(), time_a in 0.0..10.0, time_b in 0.0..10.0
    ) {
        let energy = |layer: &Layer, time_ms| {
            let traffic = layer_traffic(layer, &Mapping::new(layer, &chip.array), weights(layer), &chip);
            (traffic, chip_energy(layer.macs, &traffic, time_ms, &chip))
        };
        let ((traffic_a, energy_a), (traffic_b, energy_b)) = (energy(&a, time_a), energy(&b, time_b));
        for part in parts(&energy_a) {
            prop_assert!(part >= 0.0);
        }
        let together = chip_energy(a.macs + b.macs, &(traffic_a + traffic_b), time_a + time_b, &chip);
        let sum = (energy_a + energy_b).total_pj();
        prop_assert!((together.total_pj() - sum).abs() <= 1e-9 * sum);
        prop_assert!((parts(&energy_a).iter().sum::<f64>() - energy_a.total_pj()).abs()
            <= 1e-9 * energy_a.total_pj());
    }

    #[test]
    fn a_better_chip_is_never_slower(
        graph in network(), chip in chip(), factor in 1.0..4.0f64, extra_bytes in 0u64..100_000
    ) {
        let before = estimate(&graph, &chip);
        prop_assume!(before.is_some());
        let before = before.unwrap().latency_ms;
        let better: [(&str, Improvement); 5] = [
            ("clock", |chip, factor, _| chip.array.clock_mhz *= factor),
            ("link to the chip", |chip, f, _| chip.link.host_to_device_bytes_per_second *= f),
            ("link from the chip", |chip, f, _| chip.link.device_to_host_bytes_per_second *= f),
            ("activation memory", |chip, _, b| chip.memory.narrow_bytes_per_tile += b),
            ("parameter memory", |chip, _, b| {
                chip.memory.wide_bytes_per_tile += b;
                chip.memory.parameter_bytes_per_tile += b;
            }),
        ];
        for (what, improve) in better {
            let mut chip = chip.clone();
            improve(&mut chip, factor, extra_bytes);
            let after = estimate(&graph, &chip).expect("a better chip holds as much").latency_ms;
            prop_assert!(after <= before * (1.0 + 1e-12), "{}: {} then {}", what, before, after);
        }
    }

    #[test]
    fn parts_of_an_estimate_add_up(graph in network(), chip in chip()) {
        let estimate = estimate(&graph, &chip);
        prop_assume!(estimate.is_some());
        let estimate = estimate.unwrap();
        let overheads = estimate.overheads.rows();
        let time: f64 = estimate.layers.iter().map(|layer| layer.latency_ms).sum::<f64>()
            + overheads.iter().map(|(_, overhead)| overhead.latency_ms).sum::<f64>();
        prop_assert!((time - estimate.latency_ms).abs() <= 1e-9 * time);
        let cycles: u64 = estimate.layers.iter().map(|layer| layer.cycles.total).sum();
        prop_assert_eq!(cycles, estimate.cycles);
        let energy: f64 = estimate.layers.iter().map(|layer| layer.energy.total_pj()).sum::<f64>()
            + overheads.iter().map(|(_, overhead)| overhead.energy.total_pj()).sum::<f64>();
        prop_assert!((energy - estimate.energy.total_pj()).abs() <= 1e-9 * energy);
        let parameters: u64 = estimate.layers.iter().map(|layer| layer.parameter_bytes).sum();
        let (cached, streamed) =
            (estimate.cached_parameter_bytes, estimate.streamed_parameter_bytes);
        prop_assert_eq!(cached + streamed, parameters);
        let room = chip.memory.parameter_bytes_per_tile * chip.array.tiles() as u64;
        prop_assert!(cached <= room);
    }
}

/// Makes a chip better by a factor or a number of bytes.
type Improvement = fn(&mut Chip, f64, u64);

/// `None` where the chip is too small for a single row of the network.
fn estimate(graph: &Graph, chip: &Chip) -> Option<Estimate> {
    match EdgeTpuSim::new(chip.clone()).estimate(graph) {
        Ok(estimate) => Some(estimate),
        Err(CompileError::TooLarge { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn parts(energy: &Energy) -> [f64; 7] {
    let Energy { mac_pj, narrow_pj, wide_pj, ring_pj, link_pj, host_pj, idle_pj } = *energy;
    [mac_pj, narrow_pj, wide_pj, ring_pj, link_pj, host_pj, idle_pj]
}

/// Bytes of a layer's weights and biases without any padding.
fn weights(layer: &Layer) -> u64 {
    let output_channels = layer.output.c as u64;
    match layer.kind {
        LayerKind::Convolution { taps, input_channels, .. } => {
            output_channels * (4 + (taps * input_channels) as u64)
        }
        LayerKind::Depthwise { taps } => output_channels * (4 + taps as u64),
        _ => 0,
    }
}

/// A convolution, depthwise convolution or other layer of stride 1.
fn layer() -> impl Strategy<Value = Layer> {
    let shape = (1usize..40, 1usize..40, 1usize..200);
    (shape, 1usize..300, 0usize..3, prop::sample::select(vec![1usize, 9, 25]), 1usize..4).prop_map(
        |((h, w, c), outputs, kind, taps, groups)| {
            let (kind, input, output) = match kind {
                0 => {
                    let input = Shape::new(1, h, w, c * groups);
                    let kind = LayerKind::Convolution { taps, input_channels: c, groups };
                    (kind, input, Shape { c: outputs * groups, ..input })
                }
                1 => {
                    let shape = Shape::new(1, h, w, c);
                    (LayerKind::Depthwise { taps }, shape, shape)
                }
                _ => {
                    let shape = Shape::new(1, h, w, c);
                    (LayerKind::Vector, shape, shape)
                }
            };
            let macs = match kind {
                LayerKind::Convolution { taps, input_channels, .. } => {
                    output.elements() * taps * input_channels
                }
                LayerKind::Depthwise { taps } => output.elements() * taps,
                _ => 0,
            };
            Layer {
                kind,
                window: None,
                input,
                output,
                input_bytes: input.elements() as u64,
                output_bytes: output.elements() as u64,
                macs: macs as u64,
                per_channel_scales: outputs % 2 == 0,
            }
        },
    )
}

/// A chip around the Coral preset, with costs that may be near zero.
fn chip() -> impl Strategy<Value = Chip> {
    let sides = (1usize..6, 1usize..6, 1usize..5, 1usize..6, 1usize..9);
    let costs = (0.0..2.0f64, 0.0..2.0f64, 0.0..2.0f64, 0.0..2.0f64);
    let memory = (1_000u64..200_000, 1_000u64..60_000);
    (sides, costs, memory, 1.0..2000.0f64).prop_map(|(sides, costs, memory, clock_mhz)| {
        let mut chip = Chip::preset("coral-usb").unwrap();
        let array = &mut chip.array;
        (array.tile_rows, array.tile_columns) = (sides.0, sides.1);
        (array.lane_group, array.lanes_per_tile) = (sides.2 * 4, sides.2 * 4 * sides.3);
        (array.dot_depth, array.clock_mhz) = (sides.4, clock_mhz);
        let cycles = &mut chip.cycles;
        (cycles.per_multiply_step, cycles.per_depthwise_tap) = (costs.0, costs.1);
        (cycles.per_exposed_output_word, cycles.per_vector_word) = (costs.2, costs.3);
        cycles.measured_multiply_factor = 0.5 + costs.0 / 4.0;
        (chip.memory.narrow_bytes_per_tile, chip.memory.parameter_bytes_per_tile) = memory;
        chip
    })
}

/// A chain of convolutions and depthwise convolutions.
fn network() -> impl Strategy<Value = Graph> {
    let layers = prop::collection::vec((any::<bool>(), 1usize..70, 1usize..3), 1..7);
    (4usize..40, 1usize..24, layers).prop_map(|(size, channels, layers)| {
        let element = Element::int8(0.05, 3);
        let mut builder = GraphBuilder::new("chain");
        let ty = TensorType::new(Shape::new(1, size, size, channels), element.clone());
        let mut node = builder.input("image", ty).unwrap();
        for (index, (depthwise, outputs, stride)) in layers.into_iter().enumerate() {
            let channels = builder.ty(node).shape.c;
            let window = Window::square(3, stride, Padding::Same);
            let shape = match depthwise {
                true => Shape::new(1, 3, 3, channels),
                false => Shape::new(outputs, 3, 3, channels),
            };
            let zeros = TensorData::I8(vec![0; shape.elements()]);
            let tensor = Tensor::new(shape, Element::int8(0.01, 0), zeros).unwrap();
            let weight = builder.param(format!("weight {index}"), tensor);
            let (bias, activation) = (None, None);
            let op = match depthwise {
                true => Op::DepthwiseConv2d(DepthwiseConv2d { window, weight, bias, activation }),
                false => Op::Conv2d(Conv2d { window, weight, bias, groups: 1, activation }),
            };
            node = builder.push_as(format!("layer {index}"), op, &[node], element.clone()).unwrap();
        }
        builder.finish(&[node]).unwrap()
    })
}
