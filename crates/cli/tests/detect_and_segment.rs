//! Detection and segmentation by trained networks, as far as those are at hand.

mod command;

use std::fs;
use std::path::{Path, PathBuf};

use command::{json, json_of, pocketvision, shared, text};
use pocketvision::vision::{ClassMap, SamplePicture, open};
use serde_json::Value;

const SSD: &str = "models/mobilenet_ssd_v2_coco_quant_postprocess.tflite";
const DEEPLAB: &str = "models/deeplabv3_mnv2_pascal_quant.tflite";

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Runs a command that must fail, and returns what it says.
fn failure(arguments: &[&str]) -> String {
    let output = pocketvision(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
    stderr
}

#[test]
fn networks_that_are_built_in_run_without_any_file_and_say_what_they_are_worth() {
    let folder = tempfile::tempdir().unwrap();
    for (command, part) in [("detect", "objects"), ("segment", "classes")] {
        let drawn = folder.path().join(format!("{command}.png"));
        let arguments = [command, "--size", "97x161", "-o", text(&drawn), "--json"];
        let output = pocketvision(&arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("random weights"), "{stderr}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["weights"], "seeded");
        assert!(report["images"][0][part].is_array());
        assert_eq!(open(&drawn).unwrap().size(), (640, 480));
    }
}

#[test]
fn two_dogs_are_found_where_they_are() {
    let Some(shared) = shared() else { return };
    let photo = shared.join("images/photos/pets.jpg");
    let model = shared.join(SSD);
    let folder = tempfile::tempdir().unwrap();
    let drawn = folder.path().join("found.png");
    let report = json(&["detect", text(&photo), "--model", text(&model), "-o", text(&drawn)]);
    let image = &report["images"][0];
    assert_eq!((&image["width"], &image["height"]), (&512.into(), &430.into()));
    let objects = image["objects"].as_array().unwrap();
    let labels: Vec<&str> = objects.iter().map(|o| o["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["dog", "dog"]);
    for object in objects {
        let [left, top, right, bottom] =
            ["left", "top", "right", "bottom"].map(|side| number(&object["box"][side]));
        assert!(0.0 <= left && left < right && right <= 512.0, "{object}");
        assert!(0.0 <= top && top < bottom && bottom <= 430.0, "{object}");
        assert!(number(&object["score"]) >= 0.5);
    }
    let (photo, drawn) = (open(&photo).unwrap(), open(&drawn).unwrap());
    assert_eq!(drawn.size(), photo.size());
    assert_ne!(drawn, photo);
}

#[test]
fn a_dogs_pixels_are_coloured_counted_and_cut_out() {
    let Some(shared) = shared() else { return };
    let photo = shared.join("images/segmentation/dog_segmentation.bmp");
    let model = shared.join(DEEPLAB);
    let folder = tempfile::tempdir().unwrap();
    let drawn = |how: &str| {
        let file = folder.path().join(format!("{how}.png"));
        let segment = ["segment", text(&photo), "--model", text(&model)];
        let draw = ["--draw", how, "-o", text(&file)];
        let report = json(&[&segment[..], &draw[..]].concat());
        let dog =
            report["images"][0]["classes"].as_array().unwrap().iter().find(|c| c["label"] == "dog");
        assert!(number(&dog.expect("a dog")["share"]) > 0.1);
        file
    };
    let classes = ClassMap::open(drawn("classes")).unwrap();
    assert_eq!((classes.width(), classes.height()), (128, 128));
    assert!(classes.classes().contains(&12), "dogs are class 12");
    assert_eq!(ClassMap::open(drawn("colors")).unwrap(), classes, "pixels of a palette");
    for how in ["overlay", "cut-out"] {
        assert_eq!(open(drawn(how)).unwrap().size(), (128, 128));
    }
    let cut = folder.path().join("cut.png");
    let cut_out = ["segment", text(&photo), "--model", text(&model), "--draw", "cut-out"];
    let class = |name| [&cut_out[..], &["-o", text(&cut), "--class", name]].concat();
    json(&class("dog"));
    json(&class("12"));
    let message = failure(&class("unicorn"));
    assert!(message.contains("'unicorn'") && message.contains("pottedplant"), "{message}");
}

#[test]
fn many_pictures_go_to_a_folder_and_strange_shapes_work() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let picture = |name: &str, width, height| -> PathBuf {
        let path = folder.path().join(name);
        SamplePicture::Macaw.paint(width, height).save_png(&path).unwrap();
        path
    };
    let pictures =
        [picture("tiny.png", 1, 1), picture("wide.png", 3000, 2), picture("high.png", 2, 3000)];
    for (command, model) in [("detect", SSD), ("segment", DEEPLAB)] {
        let (model, output) = (shared.join(model), folder.path().join(command));
        let mut arguments = vec![command, "--model", text(&model), "-o", text(&output)];
        arguments.extend(pictures.iter().map(|path| text(path)));
        let report = json(&arguments);
        for (image, picture) in report["images"].as_array().unwrap().iter().zip(&pictures) {
            let drawn = open(image["output"].as_str().unwrap()).unwrap();
            assert_eq!(drawn.size(), open(picture).unwrap().size());
        }
        assert_eq!(fs::read_dir(&output).unwrap().count(), 3, "and nothing half-written");
    }
}

#[test]
fn nothing_found_is_an_answer() {
    let Some(shared) = shared() else { return };
    let model = shared.join(SSD);
    let none = ["detect", "--model", text(&model), "--min-score", "1"];
    assert_eq!(json(&none)["images"][0]["objects"], Value::Array(vec![]));
    let output = pocketvision(&none).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("nothing that scores 1.00"));
}

#[test]
fn a_network_of_another_task_is_refused_with_the_right_command() {
    let Some(shared) = shared() else { return };
    let (ssd, deeplab) = (shared.join(SSD), shared.join(DEEPLAB));
    let message = failure(&["segment", "--model", text(&ssd)]);
    assert!(message.contains("pocketvision detect"), "{message}");
    let message = failure(&["classify", "--model", text(&deeplab)]);
    assert!(message.contains("pocketvision segment"), "{message}");
    let message = failure(&["detect", "--model", "mobilenet-edgetpu-0.5"]);
    assert!(message.contains("pocketvision classify"), "{message}");
    let photos = shared.join("images/coco-val2017");
    let message = failure(&["evaluate", text(&ssd), text(&photos), "--task", "segment"]);
    assert!(message.contains("pocketvision detect"), "{message}");
}

#[test]
fn outputs_that_cannot_be_written_are_refused_and_leave_nothing() {
    let Some(shared) = shared() else { return };
    let model = shared.join(SSD);
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("photo.png");
    SamplePicture::Macaw.paint(40, 30).save_png(&photo).unwrap();
    let before = fs::read(&photo).unwrap();
    for (output, words) in [
        (folder.path().join("missing/out.png"), "no folder"),
        (folder.path().join("out.jpg"), ".png"),
        (photo.clone(), "written over"),
        (folder.path().to_owned(), "written over"),
        (photo.join("below"), "cannot be made a folder"),
    ] {
        let message =
            failure(&["detect", text(&photo), "--model", text(&model), "-o", text(&output)]);
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(fs::read(&photo).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A folder of the first few photos of a set, with what is known about them.
fn few_photos(shared: &Path, kind: &str, extension: &str, count: usize) -> tempfile::TempDir {
    let set = shared.join("images/coco-val2017");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(kind)).unwrap();
    let mut truths: Vec<PathBuf> =
        fs::read_dir(set.join(kind)).unwrap().map(|entry| entry.unwrap().path()).collect();
    truths.sort();
    for truth in truths.iter().filter(|t| t.extension().unwrap() == extension).take(count) {
        let photo = set.join(truth.file_stem().unwrap()).with_extension("jpg");
        fs::copy(&photo, folder.path().join(photo.file_name().unwrap())).unwrap();
        fs::copy(truth, folder.path().join(kind).join(truth.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn boxes_are_judged_against_yolos_lines_and_cocos_annotations_alike() {
    let Some(shared) = shared() else { return };
    let model = shared.join(SSD);
    let photos = few_photos(&shared, "labels", "txt", 6);
    let evaluate = ["evaluate", text(&model), text(photos.path()), "--task", "detect"];
    let report = json(&evaluate);
    assert_eq!((&report["images"], &report["task"]), (&6.into(), &"detect".into()));
    let ap = number(&report["ap"]);
    assert!((20.0..60.0).contains(&ap), "{report}");
    assert!(number(&report["ap50"]) > ap && number(&report["objects"]) > 6.0);

    // One object, found by us before, as COCO would write it.
    let photo = fs::read_dir(photos.path()).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        (path.extension()? == "jpg").then_some(path)
    });
    let photo = photo.unwrap();
    let found = json(&["detect", text(&photo), "--model", text(&model), "--min-score", "0"]);
    let best = &found["images"][0]["objects"][0];
    let [left, top, right, bottom] =
        ["left", "top", "right", "bottom"].map(|side| number(&best["box"][side]));
    let set = serde_json::json!({
        "images": [{"id": 1, "file_name": photo.file_name().unwrap().to_str()}],
        "categories": [{"id": 5, "name": best["label"]}],
        "annotations": [{"image_id": 1, "category_id": 5,
                         "bbox": [left, top, right - left, bottom - top]}],
    });
    let file = photos.path().join("set.json");
    fs::write(&file, set.to_string()).unwrap();
    let report = json(&[&evaluate[..], &["--annotations", text(&file)]].concat());
    assert_eq!((&report["images"], &report["objects"]), (&1.into(), &1.into()));
    assert!(number(&report["ap"]) > 99.0, "{report}");
}

#[test]
fn pixels_are_judged_against_masks() {
    let Some(shared) = shared() else { return };
    let model = shared.join(DEEPLAB);
    let photos = few_photos(&shared, "semantic", "png", 4);
    let evaluate = ["evaluate", text(&model), text(photos.path())];
    let report = json(&[&evaluate[..], &["--mask-classes", "coco"]].concat());
    assert_eq!((&report["images"], &report["task"]), (&4.into(), &"segment".into()));
    assert!(number(&report["pixel_accuracy"]) > 60.0, "{report}");
    let message = failure(&evaluate);
    assert!(message.contains("--mask-classes coco"), "{message}");
}

#[test]
fn backends_are_compared_by_boxes_and_by_pixels() {
    let Some(shared) = shared() else { return };
    let photo = shared.join("images/segmentation/dog_segmentation.bmp");
    for (task, part) in [("detect", "objects"), ("segment", "classes")] {
        let compare = ["compare", text(&photo), "--task", task, "--backends", "cpu"];
        let mut command = pocketvision(&[&compare[..], &["--runs", "1", "--json"]].concat());
        let report = json_of(command.env("POCKETVISION_MODELS", shared.join("models")));
        assert_eq!(report["task"], task);
        let cpu = &report["backends"][1];
        assert!(cpu[part].is_array() && cpu["agreement"]["identical"] == true, "{cpu}");
        let agreement = &cpu["answer_agreement"];
        assert_eq!(agreement["matching"], agreement["of"], "{cpu}");
        assert!(number(&agreement["of"]) > 0.0);
    }
}
