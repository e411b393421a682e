//! The parts of TFLite's schema that we read and write: field numbers and enumerations.
//!
//! Names and numbers are those of `tensorflow/lite/schema/schema.fbs`, version 3. A field's
//! number is its place in its table; a union takes two places, its type first.

pub mod options;

/// What bytes 4 to 8 of every file are.
pub const FILE_IDENTIFIER: &str = "TFL3";

/// The root of the file.
pub mod model {
    /// The schema's version, 3.
    pub const VERSION: usize = 0;
    /// The kinds of operators in use.
    pub const OPERATOR_CODES: usize = 1;
    /// The networks.
    pub const SUBGRAPHS: usize = 2;
    /// Free text.
    pub const DESCRIPTION: usize = 3;
    /// The bytes of the constants; buffer 0 is empty.
    pub const BUFFERS: usize = 4;
}

/// What kind of operator an operator is; operators refer to these by index.
pub mod operator_code {
    /// All there was until codes outgrew a byte.
    pub const DEPRECATED_BUILTIN_CODE: usize = 0;
    /// Name of an operator that is not built in.
    pub const CUSTOM_CODE: usize = 1;
    /// How much of the operator is used; kernels state the versions that they know.
    pub const VERSION: usize = 2;
    /// A value of [`builtin`](super::builtin).
    pub const BUILTIN_CODE: usize = 3;
}

/// A network: the first one is the one that runs.
pub mod subgraph {
    /// All tensors, constants included.
    pub const TENSORS: usize = 0;
    /// Indices of the tensors that the caller feeds.
    pub const INPUTS: usize = 1;
    /// Indices of the tensors that the caller gets.
    pub const OUTPUTS: usize = 2;
    /// The operators in the order they run.
    pub const OPERATORS: usize = 3;
    /// The network's name.
    pub const NAME: usize = 4;
}

/// Shape, type and, for constants, the buffer.
pub mod tensor {
    /// The dimensions.
    pub const SHAPE: usize = 0;
    /// A value of [`tensor_type`](super::tensor_type).
    pub const TYPE: usize = 1;
    /// Index of the buffer of a constant; 0 for others.
    pub const BUFFER: usize = 2;
    /// A name for people.
    pub const NAME: usize = 3;
    /// Scales and zero points: see [`quantization`](super::quantization).
    pub const QUANTIZATION: usize = 4;
    /// How a sparse constant is stored.
    pub const SPARSITY: usize = 6;
}

/// Scales and zero points.
pub mod quantization {
    /// One scale, or one for each slice.
    pub const SCALE: usize = 2;
    /// As many zero points.
    pub const ZERO_POINT: usize = 3;
    /// Type of a union that is nothing in all known files.
    pub const DETAILS_TYPE: usize = 4;
    /// The dimension that several scales are for.
    pub const QUANTIZED_DIMENSION: usize = 6;
}

/// The bytes of a constant.
pub mod buffer {
    /// The bytes.
    pub const DATA: usize = 0;
    /// Where the bytes are in the file, if they follow the FlatBuffer instead of being in it.
    pub const OFFSET: usize = 1;
    /// How many they are then.
    pub const SIZE: usize = 2;
}

/// One step of the network.
pub mod operator {
    /// Index of the operator code.
    pub const OPCODE_INDEX: usize = 0;
    /// Indices of the tensors read; -1 for one that is left out.
    pub const INPUTS: usize = 1;
    /// Indices of the tensors written.
    pub const OUTPUTS: usize = 2;
    /// Which member of [`options`](super::options) the attributes are.
    pub const BUILTIN_OPTIONS_TYPE: usize = 3;
    /// The attributes.
    pub const BUILTIN_OPTIONS: usize = 4;
    /// The attributes of an operator that is not built in, in a format of its own.
    pub const CUSTOM_OPTIONS: usize = 5;
}

/// `TensorType`.
pub mod tensor_type {
    /// 32-bit float.
    pub const FLOAT32: i8 = 0;
    /// 16-bit float.
    pub const FLOAT16: i8 = 1;
    /// 32-bit integer.
    pub const INT32: i8 = 2;
    /// Unsigned 8-bit integer.
    pub const UINT8: i8 = 3;
    /// 64-bit integer.
    pub const INT64: i8 = 4;
    /// Signed 8-bit integer.
    pub const INT8: i8 = 9;

    /// The schema's name of a type.
    pub fn name(code: i8) -> String {
        let known = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
        known.map_or_else(|| format!("type {code}"), |name| (*name).to_owned())
    }

    const NAMES: [&str; 18] = [
        "FLOAT32",
        "FLOAT16",
        "INT32",
        "UINT8",
        "INT64",
        "STRING",
        "BOOL",
        "INT16",
        "COMPLEX64",
        "INT8",
        "FLOAT64",
        "COMPLEX128",
        "UINT64",
        "RESOURCE",
        "VARIANT",
        "UINT32",
        "UINT16",
        "INT4",
    ];
}

/// `Padding`.
pub mod padding {
    /// As many outputs as `ceil(input / stride)`.
    pub const SAME: i8 = 0;
    /// No border.
    pub const VALID: i8 = 1;
}

/// `ActivationFunctionType`.
pub mod activation {
    /// No activation.
    pub const NONE: i8 = 0;
    /// `max(x, 0)`.
    pub const RELU: i8 = 1;
    /// `min(max(x, 0), 6)`.
    pub const RELU6: i8 = 3;
}

/// `BuiltinOperator`: those that we translate.
pub mod builtin {
    /// TFLite's `ADD`.
    pub const ADD: i32 = 0;
    /// TFLite's `AVERAGE_POOL_2D`.
    pub const AVERAGE_POOL_2D: i32 = 1;
    /// TFLite's `CONCATENATION`.
    pub const CONCATENATION: i32 = 2;
    /// TFLite's `CONV_2D`.
    pub const CONV_2D: i32 = 3;
    /// TFLite's `DEPTHWISE_CONV_2D`.
    pub const DEPTHWISE_CONV_2D: i32 = 4;
    /// TFLite's `DEQUANTIZE`.
    pub const DEQUANTIZE: i32 = 6;
    /// TFLite's `FULLY_CONNECTED`.
    pub const FULLY_CONNECTED: i32 = 9;
    /// TFLite's `LOGISTIC`.
    pub const LOGISTIC: i32 = 14;
    /// TFLite's `MAX_POOL_2D`.
    pub const MAX_POOL_2D: i32 = 17;
    /// TFLite's `MUL`.
    pub const MUL: i32 = 18;
    /// TFLite's `RELU`.
    pub const RELU: i32 = 19;
    /// TFLite's `RELU6`.
    pub const RELU6: i32 = 21;
    /// TFLite's `RESHAPE`.
    pub const RESHAPE: i32 = 22;
    /// TFLite's `RESIZE_BILINEAR`.
    pub const RESIZE_BILINEAR: i32 = 23;
    /// TFLite's `SOFTMAX`.
    pub const SOFTMAX: i32 = 25;
    /// TFLite's `CUSTOM`.
    pub const CUSTOM: i32 = 32;
    /// TFLite's `PAD`.
    pub const PAD: i32 = 34;
    /// TFLite's `MEAN`.
    pub const MEAN: i32 = 40;
    /// TFLite's `SUB`.
    pub const SUB: i32 = 41;
    /// TFLite's `DIV`.
    pub const DIV: i32 = 42;
    /// TFLite's `SQUEEZE`.
    pub const SQUEEZE: i32 = 43;
    /// TFLite's `CAST`.
    pub const CAST: i32 = 53;
    /// TFLite's `ARG_MAX`.
    pub const ARG_MAX: i32 = 56;
    /// TFLite's `TRANSPOSE_CONV`.
    pub const TRANSPOSE_CONV: i32 = 67;
    /// TFLite's `TILE`.
    pub const TILE: i32 = 69;
    /// TFLite's `RESIZE_NEAREST_NEIGHBOR`.
    pub const RESIZE_NEAREST_NEIGHBOR: i32 = 97;
    /// TFLite's `QUANTIZE`.
    pub const QUANTIZE: i32 = 114;
    /// TFLite's `HARD_SWISH`.
    pub const HARD_SWISH: i32 = 117;
}
