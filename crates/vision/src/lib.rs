//! Photos to tensors and scores to labels: what lies before and behind a network.
//!
//! ```text
//! file ─► open ─► Image ─► Preprocess::apply ─► Tensor ─► network ─► Tensor ─► top_k ─► labels
//! ```

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
