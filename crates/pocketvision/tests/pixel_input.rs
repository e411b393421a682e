//! A float network that takes a photo's bytes says what it says of their numbers.

use pocketvision::models::{self, BuildOptions, Precision};
use pocketvision::op::Normalize;
use pocketvision::vision::{Normalization, SamplePicture};
use pocketvision::{BackendOptions, CompileOptions, Element, Model, ModelError, Tensor, backend};

fn built_in(name: &str, precision: Precision) -> Model {
    let network = models::find(name).unwrap();
    Model::built_in(network, &BuildOptions { precision, ..network.options() }).unwrap()
}

#[test]
fn the_same_photo_gives_the_same_bits() {
    let own = built_in("mobilenet-edgetpu-cifar10", Precision::F32);
    let other = own.clone().with_normalization(Normalization::TORCHVISION);
    for name in ["cpu", "reference"] {
        let backend = backend(name, &BackendOptions::default()).unwrap();
        for float in [&own, &other] {
            let pixels = float.clone().with_pixel_input().unwrap();
            let mut plans = [float, &pixels].map(|model| {
                (model, backend.compile(model.graph(), &CompileOptions::default()).unwrap())
            });
            for picture in SamplePicture::ALL {
                let photo = picture.paint(200, 150);
                let [expected, actual] = plans.each_mut().map(|(model, plan)| {
                    let input = model.preprocess(&photo).unwrap();
                    plan.run(&[input]).unwrap()[0].clone()
                });
                let bits = |tensor: &Tensor| {
                    let values = tensor.as_f32().expect("float scores").iter();
                    values.map(|value| value.to_bits()).collect::<Vec<_>>()
                };
                assert_eq!(bits(&expected), bits(&actual), "{name}, {picture:?}");
            }
        }
    }
}

#[test]
fn a_photo_becomes_its_bytes_whatever_is_normalized() {
    let model = built_in("mobilenet-edgetpu-cifar10", Precision::F32).with_pixel_input().unwrap();
    let photo = SamplePicture::Macaw.paint(32, 32);
    let input = model.preprocess(&photo).unwrap();
    assert_eq!(input.element(), &Normalize::PIXELS);
    assert_eq!(input.bytes(), photo.pixels());
    let changed = model.clone().with_normalization(Normalization::UNIT);
    assert_eq!(changed.preprocess(&photo).unwrap(), input);
    assert_eq!(model.task(), Some(pocketvision::Task::Classify));
}

#[test]
fn what_takes_integers_stays_as_it_is() {
    let int8 = built_in("mobilenet-edgetpu-cifar10", Precision::Int8);
    assert_eq!(int8.clone().with_pixel_input().unwrap().graph(), int8.graph());
    let float = built_in("mobilenet-edgetpu-cifar10", Precision::F32);
    let once = float.with_pixel_input().unwrap();
    let again = once.clone().with_pixel_input().unwrap();
    assert_eq!(again.graph(), once.graph());
    // The network is float already.
    let dequantized = once.clone().dequantized().unwrap();
    assert_eq!(dequantized.graph(), once.graph());
    assert_eq!(dequantized.normalization(), once.normalization());
}

#[test]
fn a_normalization_without_numbers_is_refused_by_name() {
    let model = built_in("mobilenet-edgetpu-cifar10", Precision::F32);
    let flat = Normalization { mean: [0.0; 3], std: [0.0; 3] };
    let error = model.with_normalization(flat).with_pixel_input().unwrap_err();
    assert!(matches!(error, ModelError::PixelInput { .. }));
    let message = error.to_string();
    assert!(message.starts_with("mobilenet-edgetpu-cifar10 cannot take a photo's bytes"));
    assert!(message.contains("std = [0.0, 0.0, 0.0]"), "{message}");
    assert_eq!(Normalize::PIXELS, Element::uint8(1.0, 0));
}
