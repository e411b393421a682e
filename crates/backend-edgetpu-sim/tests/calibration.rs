//! The model against published figures: those of `src/validation/published.csv`, and the same
//! networks as real files.

mod shared_files;

use pocketvision_backend_edgetpu_sim::validation::{Quantity, Row, published, validate};
use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim};
use pocketvision_core::models;

/// Predicted rows without reservation, with their errors in percent.
fn errors(wanted: impl Fn(&Row) -> bool) -> Vec<(String, f64)> {
    let rows = validate().unwrap();
    let counted = rows.iter().filter(|row| row.counts() && wanted(row));
    counted.map(|row| (row.network.to_owned(), row.error_percent().unwrap())).collect()
}

fn mean(errors: &[(String, f64)]) -> f64 {
    errors.iter().map(|(_, error)| error.abs()).sum::<f64>() / errors.len() as f64
}

#[test]
fn cycles_are_within_three_percent_of_the_compilers_on_average_and_eight_at_worst() {
    let errors = errors(|row| row.quantity == Quantity::Cycles);
    assert!(errors.len() >= 9, "{errors:?}");
    assert!(mean(&errors) <= 3.0, "{errors:?}");
    assert!(errors.iter().all(|(_, error)| error.abs() <= 8.0), "{errors:?}");
}

#[test]
fn parameters_take_as_many_bytes_as_the_compiler_says() {
    let errors = errors(|row| row.quantity == Quantity::CachedParameterBytes);
    assert!(errors.len() >= 8 && errors.iter().all(|(_, error)| *error == 0.0), "{errors:?}");
}

#[test]
fn activations_take_five_percent_more_or_less_than_the_compiler_says() {
    let errors = errors(|row| row.quantity == Quantity::NarrowBytesPerTile);
    assert!(errors.len() >= 8, "{errors:?}");
    assert!(errors.iter().all(|(_, error)| error.abs() <= 5.0), "{errors:?}");
}

#[test]
fn the_pixel_4_is_within_five_percent_on_average() {
    let errors = errors(|row| row.chip == "pixel4");
    assert!(errors.len() >= 6 && mean(&errors) <= 5.0, "{errors:?}");
}

#[test]
fn what_is_not_predicted_says_why() {
    for row in validate().unwrap() {
        let excused = row.note.contains("not predicted: ");
        assert_eq!(excused, row.predicted.is_none(), "{} on {}", row.network, row.chip);
    }
}

/// Rows of a network that the catalog defines are of the file that was measured.
#[test]
fn networks_of_the_catalog_are_those_of_the_files() {
    let simulator = EdgeTpuSim::new(Chip::preset("coral-usb").unwrap());
    for (file, network) in [
        ("deeplabv3_mnv2_pascal_quant", "deeplab-mobilenet-v2"),
        ("mobilenet_ssd_v2_coco_quant_postprocess", "ssd-mobilenet-v2"),
    ] {
        assert!(published().any(|row| row.network == network), "{network}");
        let Some(path) = shared_files::find(&format!("models/{file}.tflite")) else { continue };
        let file = pocketvision_import_tflite::open(path).unwrap();
        let definition = models::find(network).unwrap();
        let built = definition.build(&definition.options()).unwrap();
        assert_eq!(
            (file.macs(), file.parameters()),
            (built.macs(), built.parameters()),
            "{network}"
        );
        let cycles = [file, built].map(|graph| simulator.estimate(&graph).unwrap().cycles as f64);
        assert!((cycles[0] / cycles[1] - 1.0).abs() < 0.03, "{network}: {cycles:?}");
    }
}

/// Networks as sizes are the networks of the files.
#[test]
fn files_cost_what_their_sizes_say() {
    let simulator = EdgeTpuSim::new(Chip::preset("coral-usb").unwrap());
    for (file, network) in [
        ("mobilenet_v1_0.25_128_quant", "mobilenet-v1-0.25-128"),
        ("mobilenet_v1_0.75_192_quant", "mobilenet-v1-0.75-192"),
        ("mobilenet_v2_1.0_224_quant", "mobilenet-v2-1.0-224"),
        ("mobilenet_edgetpu_0.75_224_post_training_quant", "mobilenet-edgetpu-0.75"),
    ] {
        let Some(path) = shared_files::find(&format!("models/{file}.tflite")) else { continue };
        let estimate =
            simulator.estimate(&pocketvision_import_tflite::open(path).unwrap()).unwrap();
        for row in published().filter(|row| row.network == network) {
            let predicted = match row.quantity {
                Quantity::Cycles => estimate.cycles,
                Quantity::CachedParameterBytes => estimate.cached_parameter_bytes,
                Quantity::NarrowBytesPerTile => estimate.narrow_bytes_per_tile,
                _ => continue,
            };
            let error = predicted as f64 / row.published - 1.0;
            assert!(error.abs() < 0.03, "{file}: {:?} {predicted}", row.quantity);
        }
    }
}
