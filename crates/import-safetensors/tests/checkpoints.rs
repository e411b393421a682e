//! Checkpoints of every convention, real and generated.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};

use pocketvision_backend_cpu::{CpuBackend, CpuOptions};
use pocketvision_core::models::{self, BuildOptions, Precision, SplitMix64};
use pocketvision_core::{Backend, CompileOptions, Graph, TensorData};
use pocketvision_import_safetensors::{ImportError, ImportOptions, Mismatch, Naming, import, open};
use pocketvision_vision::{Normalization, Preprocess, top_k};
use safetensors::tensor::{Dtype, TensorView, serialize};

fn mismatch_of(tensors: &[(&str, &[usize])], network: &str) -> Mismatch {
    let bytes = file(tensors);
    let options = ImportOptions { definition: models::find(network), ..Default::default() };
    match import("file", &bytes, &options) {
        Err(ImportError::Mismatch { mismatch, .. }) => *mismatch,
        other => panic!("{other:?}"),
    }
}

/// A file of zeros with these names and shapes.
fn file(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let zeros =
        vec![0; 4 * tensors.iter().map(|(_, shape)| shape.iter().product()).max().unwrap_or(0)];
    let views = tensors.iter().map(|(name, shape)| {
        let bytes = &zeros[..4 * shape.iter().product::<usize>()];
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
    });
    serialize(views, None).unwrap()
}

/// Names written down from the projects' own code and released checkpoints, not from our maps.
#[test]
fn layers_have_the_names_that_the_projects_gave_them() {
    let cases: [(&str, &str, &[usize], &[&str]); 7] = [
        (
            "mobilenet-v3-small",
            "conv_stem.weight",
            &[16, 3, 3, 3],
            &[
                "bn1.running_var",
                "blocks.0.0.conv_dw.weight",
                "blocks.0.0.se.conv_reduce.bias",
                "blocks.0.0.conv_pw.weight",
                "blocks.1.1.conv_pwl.weight",
                "blocks.4.2.bn3.running_mean",
                "blocks.5.0.conv.weight",
                "blocks.5.0.bn1.weight",
                "conv_head.bias",
                "classifier.weight",
            ],
        ),
        (
            "mobilenet-edgetpu-1.0",
            "conv_stem.weight",
            &[32, 3, 3, 3],
            &[
                "blocks.0.0.conv.weight",
                "blocks.1.0.conv_exp.weight",
                "blocks.1.3.conv_pwl.weight",
                "blocks.4.3.conv_dw.weight",
                "blocks.5.3.bn3.bias",
                "blocks.6.0.conv_pw.weight",
                "conv_head.weight",
                "bn2.weight",
            ],
        ),
        (
            "mobilenet-edgetpu-v2-m",
            "conv_stem.weight",
            &[64, 3, 5, 5],
            &[
                "blocks.0.0.conv.weight",
                "blocks.1.1.conv_exp.weight",
                "blocks.2.3.bn2.running_mean",
                "blocks.3.0.conv_pwl.weight",
                "blocks.3.3.conv_dw.weight",
                "blocks.6.0.bn3.bias",
                "conv_head.weight",
                "classifier.bias",
            ],
        ),
        (
            "mobilenet-v2-1.0",
            "features.0.0.weight",
            &[32, 3, 3, 3],
            &[
                "features.1.conv.0.0.weight",
                "features.1.conv.1.weight",
                "features.1.conv.2.running_var",
                "features.2.conv.0.0.weight",
                "features.2.conv.1.0.weight",
                "features.2.conv.2.weight",
                "features.2.conv.3.bias",
                "features.18.0.weight",
                "features.18.1.weight",
                "classifier.1.bias",
            ],
        ),
        (
            "mobilenet-v3-large",
            "features.0.0.weight",
            &[16, 3, 3, 3],
            &[
                "features.1.block.0.0.weight",
                "features.1.block.1.0.weight",
                "features.4.block.2.fc1.bias",
                "features.4.block.3.0.weight",
                "features.16.1.running_mean",
                "classifier.0.weight",
                "classifier.3.bias",
            ],
        ),
        (
            "mobilenet-v2-1.0",
            "MobilenetV2/Conv/weights",
            &[3, 3, 3, 32],
            &[
                "MobilenetV2/Conv/BatchNorm/gamma",
                "MobilenetV2/expanded_conv/depthwise/depthwise_weights",
                "MobilenetV2/expanded_conv_16/project/BatchNorm/moving_variance",
                "MobilenetV2/Conv_1/weights",
                "MobilenetV2/Logits/Conv2d_1c_1x1/biases",
            ],
        ),
        (
            "mobilenet-v3-small",
            "MobilenetV3/Conv/weights",
            &[3, 3, 3, 16],
            &[
                "MobilenetV3/expanded_conv/squeeze_excite/Conv/weights",
                "MobilenetV3/expanded_conv_10/squeeze_excite/Conv_1/biases",
                "MobilenetV3/expanded_conv_1/expand/weights",
                "MobilenetV3/Conv_2/biases",
            ],
        ),
    ];
    for (network, stem, shape, names) in cases {
        let mismatch = mismatch_of(&[(stem, shape)], network);
        for name in names {
            assert!(mismatch.missing.iter().any(|missing| missing == name), "{network}: {name}");
        }
        assert!(mismatch.extra.is_empty() && mismatch.misshaped.is_empty(), "{mismatch}");
    }
}

#[test]
fn missing_extra_and_misshaped_tensors_are_listed_by_name() {
    let tensors: [(&str, &[usize]); 4] = [
        ("conv_stem.weight", &[16, 3, 5, 5]),
        ("bn1.num_batches_tracked", &[1]),
        ("classifier.bias", &[10]),
        ("teacher.weight", &[2]),
    ];
    let mismatch = mismatch_of(&tensors, "mobilenet-v3-small");
    assert_eq!(mismatch.extra, ["teacher.weight"]);
    assert_eq!(mismatch.misshaped, ["conv_stem.weight is [16, 3, 5, 5] instead of [16, 3, 3, 3]"]);
    let message = import("x", &file(&tensors), &ImportOptions::default()).unwrap_err().to_string();
    assert!(message.contains("teacher.weight") && message.contains(", ..."), "{message}");
    let strange = import("x", &file(&[("a", &[1])]), &ImportOptions::default()).unwrap_err();
    assert!(matches!(strange, ImportError::Naming { .. }), "{strange}");
}

/// Our own names: what goes out comes back, and the network is found by its tensors alone.
#[test]
fn every_definition_is_found_by_its_own_tensors() {
    for definition in
        models::ALL.iter().filter(|d| d.width <= 0.5 || d.name == "mobilenet-v3-small")
    {
        let precision = Precision::F32;
        let options = BuildOptions { precision, classes: 17, ..definition.options() };
        let graph = definition.build(&options).unwrap();
        let checkpoint = import("x", &own_file(&graph), &ImportOptions::default()).unwrap();
        assert_eq!(
            (checkpoint.network, checkpoint.naming),
            (definition.name, Naming::PocketVision)
        );
        assert_eq!(checkpoint.graph, graph);
    }
}

fn own_file(graph: &Graph) -> Vec<u8> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = graph
        .params()
        .iter()
        .map(|param| {
            let TensorData::F32(values) = param.tensor.data() else { panic!("not f32") };
            let is_bias = param.name.ends_with("/bias");
            let shape = param.tensor.shape();
            let shape = if is_bias { vec![shape.c] } else { shape.dims().to_vec() };
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (param.name.clone(), shape, bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    serialize(views, None).unwrap()
}

#[test]
fn damaged_files_are_errors() {
    let definition = models::find("mobilenet-v1-0.25").unwrap();
    let options = BuildOptions { precision: Precision::F32, classes: 3, ..definition.options() };
    let whole = own_file(&definition.build(&options).unwrap());
    let mut random = SplitMix64::new(3);
    for _ in 0..300 {
        let mut bytes = whole.clone();
        // The header's length and text, where one byte changes what everything after means.
        let place = random.integer(0, 4000) as usize;
        bytes[place] = random.integer(0, 255) as u8;
        let _ = import("x", &bytes, &ImportOptions::default());
        bytes.truncate(random.integer(0, whole.len() as i32) as usize);
        assert!(import("x", &bytes, &ImportOptions::default()).is_err());
    }
    let mut not_finite = whole.clone();
    let end = not_finite.len();
    not_finite[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = import("x", &not_finite, &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, ImportError::NotFinite { .. }), "{error}");
}

/// torchvision's trained MobileNetV2: PyTorch's padding and epsilon, or few would be right.
#[test]
fn the_trained_checkpoint_of_torchvision_knows_its_photos() {
    let Some(shared) = shared() else { return };
    let path = shared.join("models/mobilenet_v2-b0353104.safetensors");
    let checkpoint = open(path, &ImportOptions::default()).unwrap();
    assert_eq!((checkpoint.network, checkpoint.naming), ("mobilenet-v2-1.0", Naming::Torchvision));
    let graph = checkpoint.graph;
    let backend = CpuBackend::new(CpuOptions::default()).unwrap();
    let mut plan = backend.compile(&graph, &CompileOptions::default()).unwrap();
    let input = graph.ty(graph.inputs()[0]);
    let mut preprocess = Preprocess::for_input(input).unwrap();
    preprocess.normalization = Normalization::TORCHVISION;
    let wnids = std::fs::read_to_string(shared.join("labels/imagenet_1000_wnids.txt")).unwrap();
    let wnids: Vec<&str> = wnids.lines().collect();
    let mut photos: Vec<PathBuf> = std::fs::read_dir(shared.join("images/imagenet"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| wnids.contains(&wnid(path)))
        .collect();
    photos.sort();
    let photos: Vec<PathBuf> = photos.into_iter().step_by(5).collect();
    assert!(photos.len() >= 40);
    let right = photos
        .iter()
        .filter(|path| {
            let image = pocketvision_vision::open(path).unwrap();
            let outputs = plan.run(&[preprocess.apply(&image, input).unwrap()]).unwrap();
            let best = &top_k(outputs.get(graph.outputs()[0]).unwrap(), 1, None)[0];
            wnids[best.index] == wnid(path)
        })
        .count();
    // 83.8 % of a thousand such photos; three standard deviations below for fifty.
    assert!(right * 100 >= photos.len() * 68, "{right} of {}", photos.len());
}

/// The class that a photo's name begins with.
fn wnid(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap().split('_').next().unwrap()
}

/// The folder of trained networks and photos; tests that need it say when it is missing.
fn shared() -> Option<PathBuf> {
    let folder = env::var_os("POCKETVISION_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        env::var_os("POCKETVISION_REQUIRE_SHARED").is_none(),
        "{}: missing, but POCKETVISION_REQUIRE_SHARED is set",
        folder.display()
    );
    let _ = writeln!(std::io::stderr(), "IGNORED: no trained networks at {}", folder.display());
    None
}
