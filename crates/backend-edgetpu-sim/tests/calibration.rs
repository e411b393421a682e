//! The Coral preset against what Google's compiler wrote into published networks.
//!
//! The expected values are the fields `estimated_cycles`, cached parameter bytes and narrow
//! memory of the executables inside the `*_edgetpu.tflite` files of google-coral/edgetpu
//! (test_data, 2019 and 2020). The coefficients for cycles were fitted to eleven such
//! networks, these four among them, so the cycles test holds the code to the formula; the
//! bytes were fitted to nothing.

mod shared_files;

use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim, Estimate};

struct Published {
    network: &'static str,
    cycles: u64,
    cached_parameter_bytes: u64,
    /// `None` where the model is known to be off: see `docs/simulator.md`.
    narrow_bytes_per_tile: Option<u64>,
}

const PUBLISHED: [Published; 4] = [
    Published {
        network: "mobilenet_v1_0.25_128_quant",
        cycles: 21_568,
        cached_parameter_bytes: 518_656,
        narrow_bytes_per_tile: None,
    },
    Published {
        network: "mobilenet_v1_0.75_192_quant",
        cycles: 281_520,
        cached_parameter_bytes: 2_729_344,
        narrow_bytes_per_tile: Some(43_824),
    },
    Published {
        network: "mobilenet_v2_1.0_224_quant",
        cycles: 458_040,
        cached_parameter_bytes: 3_900_864,
        narrow_bytes_per_tile: Some(99_552),
    },
    Published {
        network: "mobilenet_edgetpu_0.75_224_post_training_quant",
        cycles: 689_436,
        cached_parameter_bytes: 3_740_736,
        narrow_bytes_per_tile: None,
    },
];

#[test]
fn cycles_are_within_ten_percent_of_the_compilers() {
    for_each(|published, estimate| {
        let error = percent(estimate.cycles, published.cycles);
        eprintln!("{}: {} cycles, {error:+.1} %", published.network, estimate.cycles);
        assert!(error.abs() <= 10.0, "{}: {error:+.1} %", published.network);
    });
}

#[test]
fn parameters_take_as_many_bytes_as_the_compiler_says() {
    for_each(|published, estimate| {
        let (ours, theirs) = (estimate.cached_parameter_bytes, published.cached_parameter_bytes);
        eprintln!("{}: {ours} bytes, {:+.2} %", published.network, percent(ours, theirs));
        assert_eq!(ours, theirs, "{}", published.network);
        assert_eq!(estimate.streamed_parameter_bytes, 0);
    });
}

#[test]
fn activations_take_as_many_bytes_on_a_tile_as_the_compiler_says() {
    for_each(|published, estimate| {
        let ours = estimate.narrow_bytes_per_tile;
        eprintln!("{}: {ours} bytes on a tile", published.network);
        if let Some(theirs) = published.narrow_bytes_per_tile {
            assert_eq!(ours, theirs, "{}", published.network);
        }
    });
}

fn percent(ours: u64, theirs: u64) -> f64 {
    (ours as f64 / theirs as f64 - 1.0) * 100.0
}

fn for_each(check: impl Fn(&Published, &Estimate)) {
    let simulator = EdgeTpuSim::new(Chip::preset("coral").unwrap());
    for published in &PUBLISHED {
        let file = format!("models/{}.tflite", published.network);
        let Some(file) = shared_files::find(&file) else { continue };
        let graph = pocketvision_import_tflite::open(file).unwrap();
        check(published, &simulator.estimate(&graph).unwrap());
    }
}
