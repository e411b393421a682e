//! Between float and int8: a graph rewritten to the other kind of numbers.
//!
//! [`dequantize`] turns an integer network into the float network that it approximates. Some
//! trained networks were only ever published in integers; this gives the float paths real
//! weights to run.
//!
//! [`quantize`] turns a trained float network into an int8 network, by the numbers that TFLite
//! uses: symmetric weights with a scale for each output channel, activations with one scale
//! and a zero point for each tensor, biases in int32. It trains nothing; it needs a few dozen
//! typical inputs and goes through these steps, a file each:
//!
//! 1. `ends`, `prepare`: class maps and detections are put aside, activations become nodes of
//!    their own, so that sums can be watched.
//! 2. `calibrate`: the float network runs on the samples; every node's values go into a
//!    `histogram`, every layer's channels into means.
//! 3. `equalize`: channels of layers that follow each other are scaled to be alike.
//! 4. `range`, `elements`: each node's range is chosen by a [`RangeMethod`] and becomes a scale
//!    and a zero point.
//! 5. `bias_correction`: what rounded `weights` do to the mean of each channel is taken back.
//! 6. `convert`: the int8 network, what was put aside behind it again.
//! 7. `report`: both networks run side by side; the [`QuantizeReport`] says how near they are.
//!
//! Whatever backend runs the networks here, the result is a graph like any other.

mod bias_correction;
mod calibrate;
mod convert;
mod dequantize;
mod elements;
mod ends;
mod equalize;
mod error;
mod histogram;
mod layer;
mod options;
mod prepare;
mod range;
mod report;
mod static_quantization;
mod weights;

pub use dequantize::dequantize;
pub use error::QuantizeError;
pub use options::{InputElement, OutputElement, QuantizeOptions, RangeMethod};
pub use report::{LayerReport, QuantizeReport};
pub use static_quantization::{Quantized, Stage, quantize};
