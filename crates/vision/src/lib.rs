//! Photos to tensors, and results to labels, boxes and masks: what lies before and behind a
//! network.
//!
//! ```text
//! file ─► open ─► Image ─► Preprocess::apply ─► Tensor ─► network ─┐
//!                   ▲              │ Placement                     ▼ Tensor
//!            SamplePicture         │        ┌─ scores ─► top_k ─► Ranked
//!                                  │        │
//!                                  ├────────┼─ rows ──► detected_objects ─► draw_detections
//!                                  │        │
//!                                  └────────┴─ map ──► ClassMap::to_photo ─► draw_class_map
//! ```
//!
//! A [`Placement`] says which part of the photo became which part of the input, and leads
//! boxes and masks back to the photo's own pixels. What classes are called comes from
//! [`Labels`], which of the well-known data sets they are from [`Dataset`]. How right results
//! are is found out by [`AveragePrecision`] and [`Confusion`].
//!
//! A network's published accuracy holds for the pixels it was measured with. Those came
//! from PIL, through libjpeg-turbo and PIL's antialiased bilinear filter, and a pixel that
//! differs by one can turn a close decision. So this crate gives PIL's values:
//!
//! * [`open`] decodes JPEG as libjpeg-turbo does, bit for bit; PNG and BMP are exact anyway.
//! * [`Image::resize_crop`] filters in PIL's fixed-point arithmetic.
//! * [`Preprocess`] cuts the middle 87.5 % and normalises, with Python's rounding.
//!
//! Measured against Pillow 13.0 with libjpeg-turbo 3: of 63 recorded inputs of 224x224, no
//! value differs (0 of 9,483,264), and the inputs made from 250 photos have the recorded
//! SHA-256 in all 250 cases, at 224, 192 and 128 pixels. Two things are knowingly
//! different. PIL clips 16-bit grey at 255, so that nearly everything is white; we keep the
//! upper 8 bits. JPEGs in printers' colours (CMYK) are decoded by another decoder and may
//! differ in the last bit.
//!
//! Pictures come from strangers. Files and pictures have stated limits
//! ([`Image::MAX_FILE_BYTES`], [`Image::MAX_PIXELS`]) that are checked before memory is
//! taken, half a file is an error rather than half a picture, and each [`VisionError`] is
//! one line that names the file.

mod accuracy;
mod class_map;
mod dataset;
mod decode;
mod detected;
mod draw;
mod error;
mod fit;
mod image;
mod jpeg;
mod labels;
mod normalization;
mod overlay;
mod paint;
mod palette;
mod photo_map;
mod png;
mod preprocess;
mod resize;
mod sample_picture;
mod top_k;

pub use accuracy::{
    AveragePrecision, Confusion, DetectionAccuracy, SegmentationAccuracy, TrueObject, equal_pixels,
    matching_objects,
};
pub use class_map::ClassMap;
pub use dataset::Dataset;
pub use detected::{DetectedObject, detected_objects};
pub use draw::draw_detections;
pub use error::VisionError;
pub use fit::{Fit, Placement};
pub use image::{Crop, Image, open};
pub use labels::Labels;
pub use normalization::Normalization;
pub use overlay::{class_name, draw_class_map};
pub use palette::{Color, Palette, is_background};
pub use pocketvision_core::detection::{BoundingBox, Detection};
pub use preprocess::{Filter, Preprocess};
pub use sample_picture::SamplePicture;
pub use top_k::{Ranked, top_k};
