//! Damaged and hostile files: no panic, no hang, no memory beyond the stated bound.
//!
//! `POCKETVISION_FUZZ_ITERATIONS` sets how many mutated files are tried; the default is for
//! everyday use. The mutations are the same on every machine and in every run.

use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;
use pocketvision_core::Graph;
use pocketvision_import_tflite::{ImportError, MAX_OPERATORS, MAX_TENSORS, import};

mod shared_folder;
#[allow(dead_code, reason = "each test uses a part of it")]
mod synthetic;

use synthetic::flatbuffer_writer::{Field, Table};
use synthetic::model::{Model, NO_ACTIVATION, TensorSpec, code, options};
use synthetic::networks;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Tests of this file measure memory, so that only one may run at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What the crate promises: eight times the file and 64 MiB.
fn import_within_bound(file: &[u8]) -> Result<Graph, ImportError> {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = import(file, "hostile");
    let used = MEMORY.peak_usage().saturating_sub(before);
    let bound = 8 * file.len() + (64 << 20);
    assert!(used <= bound, "{used} bytes for a file of {}, beyond {bound}", file.len());
    result
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for model in networks::all() {
        let file = model.to_bytes();
        import_within_bound(&file).unwrap();
        for length in 0..file.len() {
            assert!(import_within_bound(&file[..length]).is_err(), "cut at {length}");
        }
    }
}

#[test]
fn real_files_cut_short_are_refused() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(models) = shared_folder::find("models") else { return };
    // An archive of labels follows the first one's network; the second one is bare.
    for (name, whole_without_labels) in
        [("mobilenet_v1_0.25_128_quant", Some(503_776)), ("mobilenet_edgetpu_224_1.0_uint8", None)]
    {
        let file = std::fs::read(models.join(format!("{name}.tflite"))).unwrap();
        import_within_bound(&file).unwrap();
        let mut random = Random(name.len() as u64);
        let near_the_end = file.len() - 100..file.len();
        for length in near_the_end.chain((0..2000).map(|_| random.below(file.len()))) {
            if Some(length) != whole_without_labels {
                assert!(import_within_bound(&file[..length]).is_err(), "{name} cut at {length}");
            }
        }
    }
}

#[test]
fn mutated_files_give_a_graph_or_an_error() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let iterations = std::env::var("POCKETVISION_FUZZ_ITERATIONS")
        .map_or(20_000, |text| text.parse().expect("a number of iterations"));
    let synthetic = networks::all().map(|model| model.to_bytes());
    let real = shared_folder::find("models")
        .map(|models| std::fs::read(models.join("mobilenet_v1_0.25_128_quant.tflite")).unwrap());
    let mut random = Random(1);
    let mut imported = 0;
    for iteration in 0..iterations {
        let mut file = match &real {
            // The real file keeps its weights in front; what follows describes the network.
            Some(real) if iteration % 20 == 0 => {
                let mut file = real.clone();
                let described = file.len() * 92 / 100;
                mutate(&mut file[described..], &mut random);
                file
            }
            _ => {
                let mut file = synthetic[random.below(3)].clone();
                mutate(&mut file, &mut random);
                file
            }
        };
        if random.below(16) == 0 {
            file.truncate(random.below(file.len()));
        }
        imported += usize::from(import_within_bound(&file).is_ok());
    }
    // Mutations that never leave a valid file would test nothing but the first check.
    assert!(imported * 100 > iterations, "{imported} of {iterations} were valid");
    assert!(imported * 2 < iterations, "{imported} of {iterations} were valid");
}

#[test]
fn constants_that_overlap_do_not_fill_the_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // A thousand layers, each with weights of its own: the same megabyte of the file.
    let mut model = Model::default();
    let mut last = model.input(TensorSpec::f32("input", &[1, 512]));
    for _ in 0..1000 {
        let weights = model.tensor(TensorSpec::f32("weights", &[512, 512]));
        let options = options::fully_connected(NO_ACTIVATION, false);
        let output = TensorSpec::f32("output", &[1, 512]);
        last = model.operator(code::FULLY_CONNECTED, &[last, weights], output, options);
    }
    model.outputs.push(last);
    for tensor in model.tensors.iter_mut().filter(|tensor| tensor.name == "weights") {
        tensor.data = vec![1];
    }
    let megabyte = Table::default().bytes(0, &vec![0; 4 * 512 * 512]);
    let buffers = Field::Repeated(1001, megabyte);
    let file = model.to_table().exchanging(4, buffers).to_file(b"TFL3");
    assert!(file.len() < 2 << 20);
    let message = import_within_bound(&file).unwrap_err().to_string();
    assert!(message.contains("the file's constants and names would fill more than"), "{message}");
}

#[test]
fn names_that_overlap_do_not_fill_the_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = "n".repeat(100_000);
    let mut model = Model::default();
    let mut last = model.input(TensorSpec::f32(&name, &[1]));
    for _ in 0..2000 {
        last = model.operator(code::RELU, &[last], TensorSpec::f32("", &[]), None);
    }
    model.outputs.push(last);
    let tensor = Table::default().i32s(0, &[1]).bytes(3, name.as_bytes());
    let tensors = Field::Repeated(2001, tensor);
    let file = model.to_table_with_tensors(tensors).to_file(b"TFL3");
    assert!(file.len() < 1 << 20);
    let message = import_within_bound(&file).unwrap_err().to_string();
    assert!(message.contains("the file's constants and names would fill more than"), "{message}");
}

#[test]
fn as_many_nodes_as_can_be_stay_within_the_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Each operator reads a constant of its own and yields a reshape and a linear layer.
    let mut model = Model::default();
    let input = model.input(TensorSpec::f32("input", &[2, 1, 1, 1]));
    while model.operators.len() < MAX_OPERATORS && model.tensors.len() + 3 < MAX_TENSORS {
        let image = TensorSpec::f32("", &[2, 1, 1, 1]).with_f32s(&[1.0, 2.0]);
        let weights = TensorSpec::f32("", &[1, 1]).with_f32s(&[1.0]);
        let (image, weights) = (model.tensor(image), model.tensor(weights));
        let options = options::fully_connected(NO_ACTIVATION, false);
        let output = TensorSpec::f32("", &[2, 1]);
        model.operator(code::FULLY_CONNECTED, &[image, weights], output, options);
    }
    model.outputs.push(input);
    let graph = import_within_bound(&model.to_bytes()).unwrap();
    assert_eq!(graph.nodes().len(), 1 + 3 * MAX_OPERATORS);
}

/// Changes a few bytes: flips bits, writes numbers that break arithmetic, copies parts over
/// others.
fn mutate(bytes: &mut [u8], random: &mut Random) {
    const NUMBERS: [u32; 12] = [
        0,
        1,
        2,
        4,
        0x7f,
        0xff,
        0x7fff,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fffe,
        0xffff_ffff,
    ];
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes[at] = bytes[at].wrapping_add([1, 255, 4, 252][random.below(4)]),
            3 => {
                let number = NUMBERS[random.below(NUMBERS.len())].to_le_bytes();
                let length = [1, 2, 4][random.below(3)].min(bytes.len() - at);
                bytes[at..at + length].copy_from_slice(&number[..length]);
            }
            _ => {
                let length = (1 + random.below(16)).min(bytes.len() - at);
                let from = random.below(bytes.len() - length + 1);
                bytes.copy_within(from..from + length, at);
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}
