//! The network that comes trained: it is there in both precisions, and it recognises the pictures
//! that come with it.
#![cfg(feature = "built-in-network")]

use pocketvision::models::{BuildOptions, Definition, InputSize, Precision, find};
use pocketvision::vision::SamplePicture;
use pocketvision::{BackendOptions, CompileOptions, Model, Weights, backend};

fn definition() -> &'static Definition {
    find("mobilenet-edgetpu-cifar10").expect("its definition")
}

fn model(precision: Precision) -> Model {
    let options = BuildOptions { precision, ..definition().options() };
    Model::built_in(definition(), &options).expect("the network")
}

#[test]
fn it_recognises_our_own_pictures_in_float_and_in_int8() {
    let cpu = backend("cpu", &BackendOptions::default()).expect("the cpu backend");
    for precision in [Precision::F32, Precision::Int8] {
        let model = model(precision);
        assert_eq!(model.weights(), Weights::Trained);
        let mut plan = cpu.compile(model.graph(), &CompileOptions::default()).expect("a plan");
        for picture in SamplePicture::ALL {
            let class = match picture {
                SamplePicture::Macaw => "bird",
                other => other.name(),
            };
            let input = model.preprocess(&picture.paint(640, 480)).expect("an input");
            let outputs = plan.run(&[input]).expect("an answer");
            let best = &model.top_k(&outputs, 1)[0];
            assert_eq!(best.label.as_deref(), Some(class), "{precision:?}: {best}");
            assert!(best.score > 0.5, "{precision:?}: {best}");
        }
    }
}

/// The float weights are of the definition, the integers were made of them.
#[test]
fn both_precisions_are_the_definition() {
    let [float, int8] = [Precision::F32, Precision::Int8].map(model);
    assert_eq!(float.graph().macs(), int8.graph().macs());
    assert_eq!(float.graph().macs(), definition().size(&definition().options()).unwrap().macs);
    assert!(int8.graph().parameter_bytes() * 3 < float.graph().parameter_bytes());
}

#[test]
fn another_size_or_width_has_random_weights_and_says_so() {
    let own = definition().options();
    for options in [
        BuildOptions { input_size: InputSize::square(64), ..own },
        BuildOptions { classes: 11, ..own },
        BuildOptions { width: Some(0.5), ..own },
        BuildOptions { batch: 2, ..own },
    ] {
        let model = Model::built_in(definition(), &options).expect("the network");
        assert!(matches!(model.weights(), Weights::Seeded(_)), "{options:?}");
    }
}
