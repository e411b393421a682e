//! What kind of numbers a network computes with.

use pocketvision::Model;

/// True if most of a network's parameters are float. Int8 networks may have some too: the
/// anchors of a detector.
pub(crate) fn computes_in_float(model: &Model) -> bool {
    let bytes = |float: bool| {
        let params = model.graph().params().iter().map(|param| &param.tensor);
        let of_kind = params.filter(|tensor| tensor.element().is_float() == float);
        of_kind.map(|tensor| tensor.bytes().len()).sum::<usize>()
    };
    bytes(true) > bytes(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketvision::models::{self, BuildOptions, Precision};

    #[test]
    fn the_anchors_of_an_int8_detector_do_not_make_it_float() {
        let detector = models::find("ssdlite-mobilenet-edgetpu").unwrap();
        for (precision, float) in [(Precision::Int8, false), (Precision::F32, true)] {
            let options = BuildOptions { precision, width: Some(0.25), ..detector.options() };
            let model = Model::built_in(detector, &options).unwrap();
            assert_eq!(computes_in_float(&model), float, "{precision:?}");
        }
    }
}
