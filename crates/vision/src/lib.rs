//! Photos to tensors and scores to labels: what lies before and behind a network.
//!
//! ```text
//! file ─► open ─► Image ─► Preprocess::apply ─► Tensor ─► network ─► Tensor ─► top_k ─► Ranked
//!                   ▲                                                            ▲
//!            sample_picture                                            Labels ───┘
//! ```
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

mod decode;
mod error;
mod image;
mod jpeg;
mod labels;
mod preprocess;
mod resize;
mod sample_picture;
mod top_k;

pub use error::VisionError;
pub use image::{Crop, Image, open};
pub use labels::Labels;
pub use preprocess::{Normalization, Preprocess};
pub use sample_picture::sample_picture;
pub use top_k::{Ranked, top_k};
