//! Real networks, to the bit: our int8 kernels against recordings of TFLite's reference
//! kernels. `docs/numerics.md` lists what is recorded and how.
//!
//! The recordings and the networks are not part of the repository: see [`shared`]. Each of
//! six networks is tested twice:
//!
//! * [`layers`]: every operator on its own, fed the recorded inputs, every value compared.
//!   A wrong rule fails at the operator that has it.
//! * [`networks`]: whole networks from picture to scores, every score compared.

mod layers;
mod networks;
mod shared;

/// One test for each network and comparison.
macro_rules! networks {
    ($($test:ident: $file:literal,)*) => {
        mod every_operator_agrees {
            $(#[test] fn $test() { crate::layers::compare($file); })*
        }
        mod every_score_agrees {
            $(#[test] fn $test() { crate::networks::compare($file); })*
        }
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

/// Detectors and segmentation networks: recordings of these are made with
/// `tools/record-layers/record.py` and looked for where `POCKETVISION_RECORDINGS` says.
macro_rules! recorded_networks {
    ($($test:ident: $file:literal,)*) => {
        mod every_recorded_operator_agrees {
            $(#[test] fn $test() { crate::layers::compare_recorded($file); })*
        }
    };
}

recorded_networks! {
    ssd_mobilenet_v2: "mobilenet_ssd_v2_coco_quant_postprocess",
    deeplab_v3_mobilenet_v2_voc: "deeplabv3_mnv2_pascal_quant",
    deeplab_v3_mobilenet_v2_ade20k: "deeplabv3_mnv2_ade20k_uint8",
    deeplab_slim_mobilenet_edgetpu: "deeplab_mobilenet_edgetpu_slim_cityscapes_quant",
    mobilenet_v3_small_raspp: "mobilenet_v3_small_raspp_1025x513_uint8",
}
