//! Whole networks, from picture to scores, against recordings of TFLite's reference kernels:
//! every score identical, at every SIMD level of this machine, with one thread and two.
//!
//! Networks and recordings are not part of the repository. They are looked for in the folder
//! that `POCKETVISION_SHARED` names, or else in `shared` next to the repository. By default
//! a few pictures are tested; all of them if `POCKETVISION_FULL_GOLDENS` is 1.

use std::fs::File;
use std::io::BufReader;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use npyz::NpyFile;
use pocketvision_backend_cpu::{CpuBackend, CpuOptions, SimdLevel};
use pocketvision_core::{Backend, CompileOptions, Graph, Plan, Tensor, TensorData};

macro_rules! networks {
    ($($test:ident: $file:literal,)*) => {
        $(#[test] fn $test() { compare($file); })*
    };
}

networks! {
    mobilenet_v2: "mobilenet_v2_1.0_224_quant",
    mobilenet_v2_per_channel: "tf2_mobilenet_v2_1.0_224_ptq",
    mobilenet_v3_small: "v3-small_224_1.0_uint8",
    mobilenet_v3_large_minimalistic: "v3-large-minimalistic_224_1.0_uint8",
    mobilenet_edgetpu: "mobilenet_edgetpu_224_1.0_uint8",
    mobilenet_edgetpu_075_per_channel: "mobilenet_edgetpu_0.75_224_post_training_quant",
}

/// Runs pictures through a network in every way there is and compares every score.
fn compare(name: &str) {
    let Some(folder) = shared_folder() else { return };
    let model = folder.join("models").join(format!("{name}.tflite"));
    let graph = pocketvision_import_tflite::open(model).unwrap_or_else(|e| panic!("{e}"));
    let golden = folder.join("golden");
    let pictures = picture_names(&golden);
    let expected = recorded_scores(&golden.join(format!("{name}.ref63.npy")), pictures.len());
    let all = std::env::var_os("POCKETVISION_FULL_GOLDENS").is_some_and(|value| value == "1");
    let step = if all { 1 } else { pictures.len().div_ceil(FEW_PICTURES) };

    let mut plans = plans(&graph);
    let mut wrong = Vec::new();
    let mut identical = 0;
    for index in (0..pictures.len()).step_by(step) {
        let picture = picture(&graph, &golden.join("inputs_224").join(&pictures[index]));
        for (label, plan) in &mut plans {
            let outputs = plan.run(std::slice::from_ref(&picture)).unwrap();
            let ours = outputs[0].as_u8().expect("uint8 scores");
            assert_eq!(ours.len(), expected[index].len());
            let differing = ours.iter().zip(&expected[index]).filter(|(a, b)| a != b).count();
            if differing == 0 {
                identical += 1;
            } else {
                wrong.push(format!("{} {label}: {differing} scores differ", pictures[index]));
            }
        }
    }
    let ways = plans.len();
    eprintln!("{name}: {identical} results byte-identical, pictures in {ways} ways each");
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

/// The network compiled for every SIMD level and for one thread and two.
fn plans(graph: &Graph) -> Vec<(String, Box<dyn Plan>)> {
    let mut plans = Vec::new();
    for level in SimdLevel::available() {
        for threads in [1, 2] {
            let options =
                CpuOptions { threads: Some(threads), simd: Some(level), ..CpuOptions::default() };
            let backend = CpuBackend::new(options).unwrap();
            let plan = backend.compile(graph, &CompileOptions::default()).unwrap();
            plans.push((format!("{level}, {threads} threads"), plan));
        }
    }
    plans
}

fn shared_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("POCKETVISION_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    if folder.join("golden").is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("POCKETVISION_REQUIRE_SHARED").is_some_and(|v| v == "1");
    assert!(!required, "{} holds no recordings; set POCKETVISION_SHARED", folder.display());
    // Not eprintln: the test harness would keep it to itself.
    let _ = writeln!(
        std::io::stderr(),
        "IGNORED: {} holds no recordings; set POCKETVISION_SHARED",
        folder.display()
    );
    None
}

/// The pictures' file names, in the order in which their scores were recorded.
fn picture_names(golden: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(golden.join("ref63.json")).expect("the list of pictures");
    let list: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
    let files = list["files"].as_array().expect("a list of file names");
    let png = |file: &serde_json::Value| {
        let name = Path::new(file.as_str().expect("a file name")).with_extension("png");
        name.display().to_string()
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

/// A picture as the network's input, pixels as they are.
fn picture(graph: &Graph, path: &Path) -> Tensor {
    let ty = graph.ty(graph.inputs()[0]);
    let pixels = image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let data = TensorData::U8(pixels.to_rgb8().into_raw());
    Tensor::new(ty.shape, ty.element.clone(), data).expect("224 by 224 pixels")
}

/// How many pictures are tested unless all are asked for.
const FEW_PICTURES: usize = 4;
