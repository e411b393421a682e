//! Between float and int8: a graph rewritten to the other kind of numbers.
//!
//! [`dequantize`] turns an integer network into the float network that it approximates. Some
//! trained networks were only ever published in integers; this gives the float paths real
//! weights to run.

mod dequantize;

pub use dequantize::dequantize;
