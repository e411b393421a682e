//! Attributes of operators: for each table, which member of the union it is and its fields.

/// A convolution.
pub mod conv_2d {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 1;
    /// A value of [`padding`](super::super::padding).
    pub const PADDING: usize = 0;
    /// Columns between two outputs.
    pub const STRIDE_W: usize = 1;
    /// Rows between two outputs.
    pub const STRIDE_H: usize = 2;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 3;
    /// Columns between two taps.
    pub const DILATION_W: usize = 4;
    /// Rows between two taps.
    pub const DILATION_H: usize = 5;
}

/// A depthwise convolution.
pub mod depthwise_conv_2d {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 2;
    /// A value of [`padding`](super::super::padding).
    pub const PADDING: usize = 0;
    /// Columns between two outputs.
    pub const STRIDE_W: usize = 1;
    /// Rows between two outputs.
    pub const STRIDE_H: usize = 2;
    /// Filters for each channel; it follows from the weights and is not read.
    pub const DEPTH_MULTIPLIER: usize = 3;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 4;
    /// Columns between two taps.
    pub const DILATION_W: usize = 5;
    /// Rows between two taps.
    pub const DILATION_H: usize = 6;
}

/// A pool.
pub mod pool_2d {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 5;
    /// A value of [`padding`](super::super::padding).
    pub const PADDING: usize = 0;
    /// Columns between two outputs.
    pub const STRIDE_W: usize = 1;
    /// Rows between two outputs.
    pub const STRIDE_H: usize = 2;
    /// Columns of the window.
    pub const FILTER_WIDTH: usize = 3;
    /// Rows of the window.
    pub const FILTER_HEIGHT: usize = 4;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 5;
}

/// A fully connected layer.
pub mod fully_connected {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 8;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 0;
    /// 0 for weights in their natural order.
    pub const WEIGHTS_FORMAT: usize = 1;
    /// Whether the output has as many dimensions as the input.
    pub const KEEP_NUM_DIMS: usize = 2;
}

/// A softmax.
pub mod softmax {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 9;
    /// Sharpness.
    pub const BETA: usize = 0;
}

/// A concatenation.
pub mod concatenation {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 10;
    /// The dimension that grows.
    pub const AXIS: usize = 0;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 1;
}

/// A sum.
pub mod add {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 11;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 0;
}

/// An interpolating change of size.
pub mod resize_bilinear {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 15;
    /// Whether the centres of the corner pixels coincide.
    pub const ALIGN_CORNERS: usize = 2;
    /// Whether the images' edges coincide.
    pub const HALF_PIXEL_CENTERS: usize = 3;
}

/// A change of size by repeating or dropping pixels.
pub mod resize_nearest_neighbor {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 74;
    /// Whether the centres of the corner pixels coincide.
    pub const ALIGN_CORNERS: usize = 0;
    /// Whether the images' edges coincide.
    pub const HALF_PIXEL_CENTERS: usize = 1;
}

/// A transposed convolution.
pub mod transpose_conv {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 49;
    /// A value of [`padding`](super::super::padding).
    pub const PADDING: usize = 0;
    /// Columns between the outputs of two inputs.
    pub const STRIDE_W: usize = 1;
    /// Rows between the outputs of two inputs.
    pub const STRIDE_H: usize = 2;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 3;
}

/// The index of the largest.
pub mod arg_max {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 40;
    /// A value of [`tensor_type`](super::super::tensor_type): that of the indices.
    pub const OUTPUT_TYPE: usize = 0;
}

/// A reshape.
pub mod reshape {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 17;
    /// The output's dimensions.
    pub const NEW_SHAPE: usize = 0;
}

/// A product.
pub mod mul {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 21;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 0;
}

/// A difference.
pub mod sub {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 28;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 0;
}

/// A quotient.
pub mod div {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 29;
    /// A value of [`activation`](super::super::activation).
    pub const FUSED_ACTIVATION: usize = 0;
}

/// The same numbers in another type. Files may leave the types out: the tensors have them.
pub mod cast {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 37;
    /// A value of [`tensor_type`](super::super::tensor_type).
    pub const IN_DATA_TYPE: usize = 0;
    /// A value of [`tensor_type`](super::super::tensor_type).
    pub const OUT_DATA_TYPE: usize = 1;
}

/// A mean.
pub mod reducer {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 27;
    /// Whether the dimensions averaged over remain, as 1.
    pub const KEEP_DIMS: usize = 0;
}

/// A squeeze.
pub mod squeeze {
    /// Place in the union of attributes.
    pub const UNION_TYPE: u8 = 30;
    /// The dimensions that go.
    pub const SQUEEZE_DIMS: usize = 0;
}
