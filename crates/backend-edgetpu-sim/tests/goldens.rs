//! Whole real networks, byte for byte as TFLite's reference kernels compute them.
//!
//! Two pictures a network by default; `POCKETVISION_FULL_GOLDENS=1` runs all 63.

mod shared_files;

use std::fs::File;
use std::io::BufReader;

use pocketvision_backend_edgetpu_sim::{Chip, EdgeTpuSim};
use pocketvision_core::{Backend, CompileOptions, Element, Tensor, TensorData, TensorType};

#[test]
fn mobilenet_edgetpu_1_0_uint8() {
    check("mobilenet_edgetpu_224_1.0_uint8");
}

#[test]
fn mobilenet_edgetpu_0_75_per_channel() {
    check("mobilenet_edgetpu_0.75_224_post_training_quant");
}

#[test]
fn mobilenet_v2_uint8() {
    check("mobilenet_v2_1.0_224_quant");
}

#[test]
fn mobilenet_v2_per_channel() {
    check("tf2_mobilenet_v2_1.0_224_ptq");
}

#[test]
fn mobilenet_v3_large_minimalistic_uint8() {
    check("v3-large-minimalistic_224_1.0_uint8");
}

/// Holds hard-swish, so most of it runs on the host.
#[test]
fn mobilenet_v3_small_uint8() {
    check("v3-small_224_1.0_uint8");
}

fn check(network: &str) {
    let Some(model) = shared_files::find(&format!("models/{network}.tflite")) else { return };
    let Some(recorded) = shared_files::find(&format!("golden/{network}.ref63.npy")) else { return };
    let Some(pictures) = shared_files::find("golden/inputs_224") else { return };
    let graph = pocketvision_import_tflite::open(model).unwrap();
    let simulator = EdgeTpuSim::new(Chip::preset("coral-usb").unwrap());
    let mut plan = simulator.compile(&graph, &CompileOptions::default()).unwrap();
    let input_type = plan.signature().inputs[0].ty.clone();

    let file = BufReader::new(File::open(recorded).unwrap());
    let expected: Vec<u8> = npyz::NpyFile::new(file).unwrap().into_vec().unwrap();
    let mut pictures: Vec<_> =
        std::fs::read_dir(pictures).unwrap().map(|entry| entry.unwrap().path()).collect();
    pictures.sort();
    assert_eq!(pictures.len(), 63);
    let scores = expected.len() / pictures.len();
    let full = std::env::var_os("POCKETVISION_FULL_GOLDENS").is_some_and(|value| value == "1");
    let chosen = |index: &usize| full || index % 40 == 7;
    for index in (0..pictures.len()).filter(chosen) {
        let outputs = plan.run(&[picture(&pictures[index], &input_type)]).unwrap();
        let expected = &expected[index * scores..][..scores];
        let different =
            outputs[0].bytes().iter().zip(expected).filter(|(ours, theirs)| ours != theirs).count();
        assert_eq!(outputs[0].bytes().len(), scores);
        assert_eq!(different, 0, "{network}, {}: scores that differ", pictures[index].display());
    }
}

fn picture(path: &std::path::Path, ty: &TensorType) -> Tensor {
    let pixels = image::open(path).unwrap().to_rgb8().into_raw();
    assert!(matches!(ty.element, Element::UInt8(_)), "{}", ty.element);
    Tensor::new(ty.shape, ty.element.clone(), TensorData::U8(pixels)).unwrap()
}
