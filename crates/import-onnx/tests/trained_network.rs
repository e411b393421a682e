//! EfficientNet-Lite0 with its trained weights, against onnxruntime's recorded answers.

mod shared_folder;

use pocketvision_backend_cpu::{CpuBackend, CpuOptions};
use pocketvision_core::{Backend, CompileOptions};
use pocketvision_import_onnx::{ImportOptions, open};
use pocketvision_vision::{Normalization, Preprocess};
use serde_json::Value;

#[test]
fn efficientnet_lite0_answers_as_onnxruntime_did() {
    let Some(models) = shared_folder::find("models") else { return };
    let shared = models.parent().unwrap();
    let recording = std::fs::read(shared.join("golden/efficientnet_lite0_float.top5.json"));
    let recording: Value = serde_json::from_slice(&recording.unwrap()).unwrap();
    let path = models.join("efficientnet_lite0_float.onnx");
    let graph = open(path, &ImportOptions::default()).unwrap();
    let backend = CpuBackend::new(CpuOptions::default()).unwrap();
    let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
    let input = graph.ty(graph.inputs()[0]);
    let mut preprocess = Preprocess::for_input(input).unwrap();
    preprocess.normalization = Normalization::EFFICIENTNET_LITE;

    let images = recording["images"].as_array().unwrap();
    assert_eq!(images.len(), 250);
    for image in images {
        let name = image["file"].as_str().unwrap();
        let photo = pocketvision_vision::open(shared.join("images/imagenet").join(name)).unwrap();
        let outputs = plan.run(&[preprocess.apply(&photo, input).unwrap()]).unwrap();
        let scores = outputs[0].as_f32().unwrap();
        let numbers = |key: &str| image[key].as_array().unwrap().iter();
        let classes = numbers("top5").map(|class| class.as_u64().unwrap() as usize);
        let recorded: Vec<(usize, f64)> =
            classes.zip(numbers("scores").map(|score| score.as_f64().unwrap())).collect();
        for &(class, score) in &recorded {
            let actual = f64::from(scores[class]);
            assert!((actual - score).abs() < 2e-4, "{name}: {actual} for class {class}: {score}");
        }
        // No other class comes before the fifth, but for ties within the tolerance.
        let fifth = recorded[4].1 + 2e-4;
        let before = (0..scores.len()).filter(|&class| f64::from(scores[class]) > fifth);
        for class in before {
            assert!(recorded.iter().any(|(other, _)| *other == class), "{name}: {class}");
        }
    }
}
