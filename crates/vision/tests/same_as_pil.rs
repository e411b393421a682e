//! The way from a photo's file to a network's input, against PIL with libjpeg-turbo: the
//! recordings that all networks' published results were checked on. The bound is exact:
//! not one value may differ.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use pocketvision_core::{Element, Shape, Tensor, TensorType};
use pocketvision_vision::{Fit, Preprocess, open};
use sha2::{Digest, Sha256};

#[test]
fn all_63_recorded_inputs_are_identical() {
    let Some(shared) = shared_folder() else { return };
    let names: serde_json::Value = read_json(&shared.join("golden/ref63.json"));
    let names = names["files"].as_array().unwrap();
    assert_eq!(names.len(), 63);
    for name in names.iter().map(|name| name.as_str().unwrap()) {
        let png = Path::new(name).with_extension("png");
        let expected = open(shared.join("golden/inputs_224").join(png)).unwrap();
        let tensor = uint8_input(&shared.join("images/imagenet").join(name), 224);
        let differing = tensor.bytes().iter().zip(expected.pixels()).filter(|(a, b)| a != b);
        assert_eq!(differing.count(), 0, "{name}");
    }
}

#[test]
fn all_250_photos_hash_to_the_recorded_inputs_at_every_size() {
    let Some(shared) = shared_folder() else { return };
    let recordings = [
        ("mobilenet_edgetpu_224_1.0_uint8", 224),
        ("mobilenet_v1_0.75_192_quant", 192),
        ("mobilenet_v1_0.25_128_quant", 128),
    ];
    for (model, side) in recordings {
        let recording = read_json(&shared.join(format!("golden/{model}.top5.json")));
        let images = recording["images"].as_array().unwrap();
        assert_eq!(images.len(), 250);
        let differing: Vec<&str> = images
            .iter()
            .filter_map(|image| {
                let name = image["file"].as_str().unwrap();
                let tensor = uint8_input(&shared.join("images/imagenet").join(name), side);
                let hash = format!("{:x}", Sha256::digest(tensor.bytes()));
                (hash != image["input_sha256"]).then_some(name)
            })
            .collect();
        assert!(differing.is_empty(), "{model}: {} of 250 differ: {differing:?}", differing.len());
    }
}

#[test]
fn photos_stretched_for_detection_and_segmentation_hash_to_the_recorded_inputs() {
    let Some(shared) = shared_folder() else { return };
    let recordings = [
        ("mobilenet_ssd_v2_coco_quant_postprocess.detections", 300, 64),
        ("segmentation/deeplabv3_mnv2_pascal_quant", 513, 50),
    ];
    for (recording, side, count) in recordings {
        let recording = read_json(&shared.join(format!("golden/{recording}.json")));
        let mut seen = 0;
        for image in recording["images"].as_array().unwrap() {
            let name = image["file"].as_str().unwrap();
            let photo = shared.join("images/coco-val2017").join(name);
            if photo.is_file() {
                let tensor = input(&photo, side, Fit::Stretch);
                let hash = format!("{:x}", Sha256::digest(tensor.bytes()));
                assert_eq!(hash, image["input_sha256"].as_str().unwrap(), "{name}");
                seen += 1;
            }
        }
        assert_eq!(seen, count, "recorded photos");
    }
}

fn uint8_input(photo: &Path, side: usize) -> Tensor {
    input(photo, side, Fit::CentreCrop(0.875))
}

fn input(photo: &Path, side: usize, fit: Fit) -> Tensor {
    let input = TensorType::new(Shape::new(1, side, side, 3), Element::uint8(1.0 / 128.0, 128));
    let preprocess = Preprocess { fit, ..Preprocess::for_input(&input).unwrap() };
    preprocess.apply(&open(photo).unwrap(), &input).unwrap()
}

fn read_json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The folder of photos and recordings, which are not part of the repository.
fn shared_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("POCKETVISION_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    if folder.join("golden/inputs_224").is_dir() {
        return Some(folder);
    }
    let message = format!("no recordings in {}: set POCKETVISION_SHARED", folder.display());
    assert!(std::env::var_os("POCKETVISION_REQUIRE_SHARED").is_none_or(|v| v != "1"), "{message}");
    // Not eprintln: the test harness would keep it to itself.
    let _ = writeln!(std::io::stderr(), "IGNORED: {message}");
    None
}
