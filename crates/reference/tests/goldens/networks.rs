//! Whole networks, from picture to scores.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use npyz::NpyFile;
use pocketvision_core::{Backend, CompileOptions, Element, Graph, Tensor, TensorData};
use pocketvision_reference::ReferenceBackend;
use rayon::prelude::*;

use crate::shared::{folder, network};

/// Runs every picture through a network and compares every score.
pub(crate) fn compare(name: &str) {
    let (Some(folder), Some(imported)) = (folder(), network(name)) else { return };
    let golden = folder.join("golden");
    let pictures = picture_names(&golden);
    let expected = recorded_scores(&golden.join(format!("{name}.ref63.npy")), pictures.len());
    let wrong: Vec<String> = pictures
        .par_iter()
        .zip(&expected)
        .filter_map(|(picture, expected)| {
            let ours = scores(&imported.graph, &golden.join("inputs_224").join(picture));
            assert_eq!(ours.len(), expected.len());
            let differing = ours.iter().zip(expected).filter(|(a, b)| a != b).count();
            (differing > 0).then(|| format!("{picture}: {differing} scores differ"))
        })
        .collect();
    let (identical, all) = (pictures.len() - wrong.len(), pictures.len());
    eprintln!("{name}: {identical} of {all} pictures byte-identical");
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

/// The pictures' file names, in the order in which their scores were recorded.
fn picture_names(golden: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(golden.join("ref63.json")).expect("the list of pictures");
    let list: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
    let files = list["files"].as_array().expect("a list of file names");
    let png = |file: &serde_json::Value| {
        let stem = Path::new(file.as_str().expect("a file name")).with_extension("png");
        stem.to_str().expect("UTF-8").to_owned()
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

fn scores(graph: &Graph, picture: &Path) -> Vec<u8> {
    let [input] = graph.inputs() else { panic!("one picture goes in") };
    let ty = graph.ty(*input);
    assert!(matches!(ty.element, Element::UInt8(_)), "pictures are fed as they are");
    let pixels = image::open(picture).unwrap_or_else(|e| panic!("{}: {e}", picture.display()));
    let data = TensorData::U8(pixels.to_rgb8().into_raw());
    let input = Tensor::new(ty.shape, ty.element.clone(), data).expect("224 by 224 pixels");
    let mut plan = ReferenceBackend::new()
        .compile(graph, &CompileOptions::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let outputs = plan.run(&[input]).unwrap_or_else(|error| panic!("{error}"));
    outputs[0].as_u8().expect("uint8 scores").to_vec()
}
