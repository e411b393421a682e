//! Damaged and hostile files: no panic, no hang, no memory beyond the stated bound.
//!
//! `POCKETVISION_FUZZ_ITERATIONS` sets how many mutated files are tried; the default is for
//! everyday use. The mutations are the same on every machine and in every run.

#[allow(dead_code, reason = "each test uses a part of it")]
mod network;

use std::sync::{Mutex, PoisonError};

use network::{Network, float, int, ints, numbers};
use peak_alloc::PeakAlloc;
use pocketvision_core::Graph;
use pocketvision_core::models::SplitMix64;
use pocketvision_import_onnx::message::{Attribute, Node, data_type};
use pocketvision_import_onnx::{ImportError, ImportOptions, MAX_FIELDS, import};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Tests of this file measure memory, so that only one may run at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What the crate promises: sixteen times the file and 128 MiB.
fn import_within_bound(file: &[u8]) -> Result<Graph, ImportError> {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = import(file, "hostile", &ImportOptions::default());
    let used = MEMORY.peak_usage().saturating_sub(before);
    let bound = 16 * file.len() + (128 << 20);
    assert!(used <= bound, "{used} bytes for a file of {}, beyond {bound}", file.len());
    result
}

/// A float network with everything that is folded, and an integer one.
fn networks() -> [Vec<u8>; 2] {
    let statistic = |network: Network, name: &str| network.floats(name, &[4], &[0.5; 4]);
    let network = Network::new(13)
        .input("x", &[1, 3, 6, 6])
        .floats("w", &[4, 3, 3, 3], &numbers(108, 1))
        .floats("d", &[4, 1, 3, 3], &numbers(36, 2))
        .floats("g", &[4, 5], &numbers(20, 3))
        .floats("three", &[], &[3.0])
        .floats("zero", &[], &[0.0])
        .floats("six", &[], &[6.0])
        .int64s("pads", &[0, 0, 1, 1, 0, 0, 1, 1])
        .int64s("flat", &[0, -1]);
    let network = ["scale", "bias", "mean", "variance"].into_iter().fold(network, statistic);
    let float_network = network
        .node("Pad", &["x", "pads"], "p", &[])
        .node("Conv", &["p", "w"], "c", &[ints("strides", &[2, 2])])
        .node(
            "BatchNormalization",
            &["c", "scale", "bias", "mean", "variance"],
            "n",
            &[float("epsilon", 1e-3)],
        )
        .node("Add", &["n", "three"], "a", &[])
        .node("Clip", &["a", "zero", "six"], "t", &[])
        .node("Div", &["t", "six"], "h", &[])
        .node("Mul", &["n", "h"], "s", &[])
        .node("Conv", &["s", "d"], "dw", &[int("group", 4), ints("pads", &[1, 1, 1, 1])])
        .node("Add", &["dw", "s"], "r", &[])
        .node("GlobalAveragePool", &["r"], "m", &[])
        .node("Reshape", &["m", "flat"], "f", &[])
        .node("Gemm", &["f", "g"], "l", &[])
        .node("Softmax", &["l"], "y", &[int("axis", -1)])
        .output("y");
    let integer_network = Network::new(17)
        .input_of("x", data_type::UINT8, &[1, 2, 4, 4])
        .floats("s", &[], &[0.05])
        .integers("z", data_type::UINT8, &[], &[128])
        .floats("sw", &[2], &[0.02, 0.01])
        .integers("zw", data_type::INT8, &[2], &[0, 0])
        .integers("w", data_type::INT8, &[2, 2, 1, 1], &[50, -30, 20, 10])
        .node("DequantizeLinear", &["x", "s", "z"], "xd", &[])
        .node("DequantizeLinear", &["w", "sw", "zw"], "wd", &[int("axis", 0)])
        .node("Conv", &["xd", "wd"], "c", &[])
        .node("QuantizeLinear", &["c", "s", "z"], "y", &[])
        .output("y");
    [float_network.to_bytes(), integer_network.to_bytes()]
}

#[test]
fn a_file_cut_at_any_byte_is_a_graph_or_an_error() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for file in networks() {
        import_within_bound(&file).unwrap();
        // A message cut between two fields is a message; it lacks its end.
        let whole = (0..file.len()).filter(|&length| import_within_bound(&file[..length]).is_ok());
        assert_eq!(whole.count(), 0);
    }
}

#[test]
fn mutated_files_give_a_graph_or_an_error() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let iterations = std::env::var("POCKETVISION_FUZZ_ITERATIONS")
        .map_or(20_000, |text| text.parse().expect("a number of iterations"));
    let files = networks();
    let mut random = SplitMix64::new(1);
    let mut below = |limit: usize| random.integer(0, limit as i32 - 1) as usize;
    let mut imported = 0;
    for _ in 0..iterations {
        let mut file = files[below(2)].clone();
        for _ in 0..=below(4) {
            let at = below(file.len());
            match below(5) {
                0 => file[at] ^= 1 << below(8),
                1 => file[at] = below(256) as u8,
                2 => file[at] = [0x00, 0x01, 0x7f, 0x80, 0xff][below(5)],
                3 => {
                    let length = (1 + below(10)).min(file.len() - at);
                    file[at..at + length].fill(0xff);
                }
                _ => {
                    let length = (1 + below(24)).min(file.len() - at);
                    let from = below(file.len() - length + 1);
                    file.copy_within(from..from + length, at);
                }
            }
        }
        if below(16) == 0 {
            file.truncate(below(file.len()));
        }
        imported += usize::from(import_within_bound(&file).is_ok());
    }
    // Mutations that never leave a valid file would test nothing but the first check.
    assert!(imported * 100 > iterations, "{imported} of {iterations} were valid");
    assert!(imported * 2 < iterations, "{imported} of {iterations} were valid");
}

#[test]
fn empty_messages_do_not_fill_the_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let relu = || Network::new(13).input("x", &[1, 4]).node("Relu", &["x"], "y", &[]).output("y");
    // As many as may be, and then far more.
    for count in [MAX_FIELDS - 100, 20 * MAX_FIELDS] {
        let mut attributes = relu();
        attributes.graph().node[0].attribute = vec![Attribute::default(); count];
        let mut nodes = relu();
        nodes.graph().node.extend(vec![Node::default(); count]);
        let mut names = relu();
        names.graph().node[0].output.extend(vec![String::new(); count]);
        for network in [attributes, nodes, names] {
            let file = network.to_bytes();
            drop(network);
            let result = import_within_bound(&file);
            if count > MAX_FIELDS {
                let message = result.unwrap_err().to_string();
                assert!(message.contains("fields of messages"), "{message}");
            }
        }
    }
}

#[test]
fn weights_read_a_thousand_times_do_not_fill_the_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut network =
        Network::new(13).input("x0", &[1, 512]).floats("w", &[512, 512], &numbers(512 * 512, 1));
    for layer in 0..1000 {
        let (from, to) = (format!("x{layer}"), format!("x{}", layer + 1));
        network = network.node("MatMul", &[&from, "w"], &to, &[]);
    }
    let file = network.output("x1000").to_bytes();
    let message = import_within_bound(&file).unwrap_err().to_string();
    assert!(message.contains("the file's constants would fill more than"), "{message}");
}
