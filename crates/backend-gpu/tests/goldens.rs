//! Whole int8 networks on the GPU, from picture to scores, byte for byte against what TFLite's
//! reference kernels recorded.
//!
//! The recordings are found through `POCKETVISION_SHARED`. By default a few pictures are run;
//! `POCKETVISION_FULL_GOLDENS=1` runs all 63.

mod adapter;

use std::fs::File;
use std::io::BufReader;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use npyz::NpyFile;
use pocketvision_backend_gpu::{AdapterKind, GpuOptions, SelfTest};
use pocketvision_core::{CompileOptions, Plan, Tensor, TensorData};

#[test]
fn mobilenet_edgetpu() {
    compare("mobilenet_edgetpu_224_1.0_uint8");
}

#[test]
fn mobilenet_edgetpu_075() {
    compare("mobilenet_edgetpu_0.75_224_post_training_quant");
}

#[test]
fn mobilenet_v2_quantization_aware() {
    compare("mobilenet_v2_1.0_224_quant");
}

#[test]
fn mobilenet_v2_post_training() {
    compare("tf2_mobilenet_v2_1.0_224_ptq");
}

#[test]
fn mobilenet_v3_small() {
    compare("v3-small_224_1.0_uint8");
}

#[test]
fn mobilenet_v3_large_minimalistic() {
    compare("v3-large-minimalistic_224_1.0_uint8");
}

#[test]
fn mobilenet_edgetpu_cut_for_a_card() {
    compare_cut_for(Some(AdapterKind::Discrete), "mobilenet_edgetpu_224_1.0_uint8");
}

#[test]
fn mobilenet_v3_small_cut_for_a_card() {
    compare_cut_for(Some(AdapterKind::Discrete), "v3-small_224_1.0_uint8");
}

fn compare(name: &str) {
    compare_cut_for(None, name);
}

/// Runs pictures through a network and compares every score.
fn compare_cut_for(cut_for: Option<AdapterKind>, name: &str) {
    // A kernel that a self-test found wrong would be replaced.
    let never = GpuOptions { self_test: SelfTest::Never, cut_for, ..GpuOptions::default() };
    let (Some(backend), Some(shared)) = (adapter::open(never), shared()) else {
        return;
    };
    let graph = pocketvision_import_tflite::open(shared.join(format!("models/{name}.tflite")))
        .unwrap_or_else(|error| panic!("{error}"));
    let golden = shared.join("golden");
    let pictures = picture_names(&golden);
    let expected = recorded_scores(&golden.join(format!("{name}.ref63.npy")), pictures.len());

    let start = Instant::now();
    let mut plan = backend
        .compile_plan(&graph, &CompileOptions::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let compile_ms = 1e3 * start.elapsed().as_secs_f64();
    let ty = plan.signature().inputs[0].ty.clone();

    let count = if is_set("POCKETVISION_FULL_GOLDENS") { pictures.len() } else { A_FEW };
    let mut wrong = Vec::new();
    let mut run_ms = Vec::new();
    for (picture, expected) in pictures.iter().zip(&expected).take(count) {
        let path = golden.join("inputs_224").join(picture);
        let pixels = image::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let data = TensorData::U8(pixels.to_rgb8().into_raw());
        let input = Tensor::new(ty.shape, ty.element.clone(), data).expect("224 by 224 pixels");
        let start = Instant::now();
        let outputs = plan.run(&[input]).unwrap_or_else(|error| panic!("{error}"));
        run_ms.push(1e3 * start.elapsed().as_secs_f64());
        let ours = outputs[0].as_u8().expect("uint8 scores");
        let differing = ours.iter().zip(expected).filter(|(a, b)| a != b).count();
        if ours.len() != expected.len() || differing > 0 {
            wrong.push(format!("{picture}: {differing} scores differ"));
        }
    }
    run_ms.sort_unstable_by(f64::total_cmp);
    eprintln!(
        "{name} on {}: {} of {count} pictures byte-identical, {} dispatches, compiled in \
         {compile_ms:.0} ms, median run {:.1} ms",
        backend.adapter().name,
        count - wrong.len(),
        plan.dispatch_count(),
        run_ms[run_ms.len() / 2],
    );
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

/// The folder of models and recordings, unless it is missing and not required.
fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("POCKETVISION_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    if folder.join("golden").is_dir() {
        return Some(folder);
    }
    let message = format!("no recorded outputs in {}: set POCKETVISION_SHARED", folder.display());
    assert!(!is_set("POCKETVISION_REQUIRE_SHARED"), "{message}");
    // Not eprintln: the test harness would keep it to itself.
    let _ = writeln!(std::io::stderr(), "\n*** IGNORED: {message} ***\n");
    None
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| value == "1")
}

/// The pictures' file names, in the order in which their scores were recorded.
fn picture_names(golden: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(golden.join("ref63.json")).expect("the list of pictures");
    let list: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
    let files = list["files"].as_array().expect("a list of file names");
    let png = |file: &serde_json::Value| {
        let name = Path::new(file.as_str().expect("a file name")).with_extension("png");
        name.to_str().expect("UTF-8").to_owned()
    };
    files.iter().map(png).collect()
}

/// One row of uint8 scores for each picture.
fn recorded_scores(path: &Path, pictures: usize) -> Vec<Vec<u8>> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let array = NpyFile::new(BufReader::new(file)).expect("an array");
    let scores: Vec<u8> = array.into_vec().expect("uint8 scores");
    assert_eq!(scores.len() % pictures, 0);
    scores.chunks_exact(scores.len() / pictures).map(<[u8]>::to_vec).collect()
}

/// Pictures that are run by default.
const A_FEW: usize = 3;
