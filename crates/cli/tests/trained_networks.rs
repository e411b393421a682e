//! The main job on real networks and photos, as far as those are at hand.

mod command;

use std::fs;

use command::{json_of, pocketvision, shared, text, there_is_a_gpu};
use npyz::{NpyFile, WriterBuilder};
use pocketvision::vision;
use serde_json::Value;

const MODEL: &str = "mobilenet_edgetpu_224_1.0_uint8";

#[test]
fn every_backend_sees_the_parrot_in_identical_bytes() {
    let Some(shared) = shared() else { return };
    let photo = shared.join("images/photos/parrot.jpg");
    // The model is not named: the trained default is found in the folder of models.
    let mut command = pocketvision(&["compare", text(&photo), "--runs", "1", "--json"]);
    let report = json_of(command.env("POCKETVISION_MODELS", shared.join("models")));
    assert_eq!((&report["model"], &report["weights"]), (&MODEL.into(), &"trained".into()));
    let with_gpu = there_is_a_gpu();
    let rows = report["backends"].as_array().unwrap().iter();
    for row in rows.filter(|row| with_gpu || row["backend"] != "gpu") {
        assert_eq!(row["top"][0]["label"], "macaw", "{row}");
        assert_eq!(row["agreement"]["identical"], true, "{row}");
    }
}

#[test]
fn a_precision_or_batch_asks_for_the_network_that_is_built_in() {
    let Some(shared) = shared() else { return };
    for option in [["--precision", "f32"], ["--batch", "2"]] {
        let mut command = pocketvision(&["bench", "--runs", "1", "--json"]);
        command.args(option).env("POCKETVISION_MODELS", shared.join("models"));
        assert_eq!(json_of(&mut command)["model"], "mobilenet-edgetpu-1.0");
    }
}

#[test]
fn run_yields_the_bytes_of_the_reference_kernels_of_tflite() {
    let Some(shared) = shared() else { return };
    let golden = shared.join(format!("golden/{MODEL}.ref63.npy"));
    let golden: Vec<u8> = NpyFile::new(&fs::read(golden).unwrap()[..]).unwrap().into_vec().unwrap();
    let order: Value =
        serde_json::from_slice(&fs::read(shared.join("golden/ref63.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let model = shared.join(format!("models/{MODEL}.tflite"));
    for index in [0, 31, 62] {
        let photo = order["files"][index].as_str().unwrap().replace(".JPEG", ".png");
        let pixels = vision::open(shared.join("golden/inputs_224").join(photo)).unwrap();
        let input = folder.path().join("x.npy");
        let options = npyz::WriteOptions::new().default_dtype().shape(&[1, 224, 224, 3]);
        let mut npy = options.writer(fs::File::create(&input).unwrap()).begin_nd().unwrap();
        npy.extend(pixels.pixels().iter().copied()).unwrap();
        npy.finish().unwrap();
        for backend in ["reference", "cpu", "edgetpu-sim"] {
            let mut command = pocketvision(&["run", text(&model), "--input", text(&input)]);
            command.args(["--output", text(folder.path()), "--backend", backend, "--json"]);
            let report = json_of(&mut command);
            let written = fs::read(report["outputs"][0]["file"].as_str().unwrap()).unwrap();
            let scores: Vec<u8> = NpyFile::new(&written[..]).unwrap().into_vec().unwrap();
            assert_eq!(scores, golden[index * 1001..(index + 1) * 1001], "{backend}, {index}");
        }
    }
}

#[test]
fn accuracy_is_that_of_tflite() {
    let Some(shared) = shared() else { return };
    let golden = fs::read(shared.join(format!("golden/{MODEL}.top5.json"))).unwrap();
    let golden: Value = serde_json::from_slice(&golden).unwrap();
    let (model, photos) =
        (shared.join(format!("models/{MODEL}.tflite")), shared.join("images/imagenet"));
    let report = json_of(&mut pocketvision(&["evaluate", text(&model), text(&photos), "--json"]));
    assert_eq!(report["images"], golden["n"]);
    for (field, points) in [("top1", 1.0), ("top5", 1.0)] {
        let (ours, theirs) = (report[field].as_f64().unwrap(), golden[field].as_f64().unwrap());
        assert!((ours - theirs).abs() <= points, "{field}: {ours}, TFLite {theirs}");
    }
}
