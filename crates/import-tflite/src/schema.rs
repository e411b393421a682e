//! The parts of TFLite's schema that we read: field numbers and enumerations.
//!
//! Names and numbers are those of `tensorflow/lite/schema/schema.fbs`, version 3. A field's
//! number is its place in its table; a union takes two places, its type first.

/// What bytes 4 to 8 of every file are.
pub(crate) const FILE_IDENTIFIER: &[u8] = b"TFL3";

/// The root of the file.
pub(crate) mod model {
    pub(crate) const VERSION: usize = 0;
    pub(crate) const OPERATOR_CODES: usize = 1;
    pub(crate) const SUBGRAPHS: usize = 2;
    pub(crate) const DESCRIPTION: usize = 3;
    pub(crate) const BUFFERS: usize = 4;
}

/// What kind of operator an operator is; operators refer to these by index.
pub(crate) mod operator_code {
    /// All there was until codes outgrew a byte.
    pub(crate) const DEPRECATED_BUILTIN_CODE: usize = 0;
    pub(crate) const CUSTOM_CODE: usize = 1;
    pub(crate) const BUILTIN_CODE: usize = 3;
}

/// A network: the first one is the one that runs.
pub(crate) mod subgraph {
    pub(crate) const TENSORS: usize = 0;
    pub(crate) const INPUTS: usize = 1;
    pub(crate) const OUTPUTS: usize = 2;
    pub(crate) const OPERATORS: usize = 3;
}

/// Shape, type and, for constants, the buffer.
pub(crate) mod tensor {
    pub(crate) const SHAPE: usize = 0;
    pub(crate) const TYPE: usize = 1;
    pub(crate) const BUFFER: usize = 2;
    pub(crate) const NAME: usize = 3;
    pub(crate) const QUANTIZATION: usize = 4;
    pub(crate) const SPARSITY: usize = 6;
}

/// Scales and zero points.
pub(crate) mod quantization {
    pub(crate) const SCALE: usize = 2;
    pub(crate) const ZERO_POINT: usize = 3;
    /// Type of a union that is nothing in all known files.
    pub(crate) const DETAILS_TYPE: usize = 4;
    pub(crate) const QUANTIZED_DIMENSION: usize = 6;
}

/// The bytes of a constant.
pub(crate) mod buffer {
    pub(crate) const DATA: usize = 0;
    /// Set where the bytes follow the FlatBuffer, in files beyond 2 GiB.
    pub(crate) const OFFSET: usize = 1;
}

/// One step of the network.
pub(crate) mod operator {
    pub(crate) const OPCODE_INDEX: usize = 0;
    pub(crate) const INPUTS: usize = 1;
    pub(crate) const OUTPUTS: usize = 2;
    pub(crate) const BUILTIN_OPTIONS_TYPE: usize = 3;
    pub(crate) const BUILTIN_OPTIONS: usize = 4;
}

/// Attributes of operators: for each table, which member of the union it is and its fields.
pub(crate) mod options {
    pub(crate) mod conv_2d {
        pub(crate) const UNION_TYPE: u8 = 1;
        pub(crate) const PADDING: usize = 0;
        pub(crate) const STRIDE_W: usize = 1;
        pub(crate) const STRIDE_H: usize = 2;
        pub(crate) const FUSED_ACTIVATION: usize = 3;
        pub(crate) const DILATION_W: usize = 4;
        pub(crate) const DILATION_H: usize = 5;
    }

    /// Its field 3, the depth multiplier, follows from the weights and is not read.
    pub(crate) mod depthwise_conv_2d {
        pub(crate) const UNION_TYPE: u8 = 2;
        pub(crate) const PADDING: usize = 0;
        pub(crate) const STRIDE_W: usize = 1;
        pub(crate) const STRIDE_H: usize = 2;
        pub(crate) const FUSED_ACTIVATION: usize = 4;
        pub(crate) const DILATION_W: usize = 5;
        pub(crate) const DILATION_H: usize = 6;
    }

    pub(crate) mod pool_2d {
        pub(crate) const UNION_TYPE: u8 = 5;
        pub(crate) const PADDING: usize = 0;
        pub(crate) const STRIDE_W: usize = 1;
        pub(crate) const STRIDE_H: usize = 2;
        pub(crate) const FILTER_WIDTH: usize = 3;
        pub(crate) const FILTER_HEIGHT: usize = 4;
        pub(crate) const FUSED_ACTIVATION: usize = 5;
    }

    pub(crate) mod fully_connected {
        pub(crate) const UNION_TYPE: u8 = 8;
        pub(crate) const FUSED_ACTIVATION: usize = 0;
        pub(crate) const WEIGHTS_FORMAT: usize = 1;
        pub(crate) const KEEP_NUM_DIMS: usize = 2;
    }

    pub(crate) mod softmax {
        pub(crate) const UNION_TYPE: u8 = 9;
        pub(crate) const BETA: usize = 0;
    }

    pub(crate) mod concatenation {
        pub(crate) const UNION_TYPE: u8 = 10;
        pub(crate) const AXIS: usize = 0;
        pub(crate) const FUSED_ACTIVATION: usize = 1;
    }

    pub(crate) mod add {
        pub(crate) const UNION_TYPE: u8 = 11;
        pub(crate) const FUSED_ACTIVATION: usize = 0;
    }

    pub(crate) mod reshape {
        pub(crate) const UNION_TYPE: u8 = 17;
        pub(crate) const NEW_SHAPE: usize = 0;
    }

    pub(crate) mod mul {
        pub(crate) const UNION_TYPE: u8 = 21;
        pub(crate) const FUSED_ACTIVATION: usize = 0;
    }

    pub(crate) mod reducer {
        pub(crate) const UNION_TYPE: u8 = 27;
        pub(crate) const KEEP_DIMS: usize = 0;
    }

    pub(crate) mod squeeze {
        pub(crate) const UNION_TYPE: u8 = 30;
        pub(crate) const SQUEEZE_DIMS: usize = 0;
    }
}

/// `TensorType`.
pub(crate) mod tensor_type {
    pub(crate) const FLOAT32: i8 = 0;
    pub(crate) const FLOAT16: i8 = 1;
    pub(crate) const INT32: i8 = 2;
    pub(crate) const UINT8: i8 = 3;
    pub(crate) const INT64: i8 = 4;
    pub(crate) const INT8: i8 = 9;

    /// The schema's name of a type.
    pub(crate) fn name(code: i8) -> String {
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
pub(crate) mod padding {
    pub(crate) const SAME: i8 = 0;
    pub(crate) const VALID: i8 = 1;
}

/// `ActivationFunctionType`.
pub(crate) mod activation {
    pub(crate) const NONE: i8 = 0;
    pub(crate) const RELU: i8 = 1;
    pub(crate) const RELU6: i8 = 3;
}

/// `BuiltinOperator`: those that we translate.
pub(crate) mod builtin {
    pub(crate) const ADD: i32 = 0;
    pub(crate) const AVERAGE_POOL_2D: i32 = 1;
    pub(crate) const CONCATENATION: i32 = 2;
    pub(crate) const CONV_2D: i32 = 3;
    pub(crate) const DEPTHWISE_CONV_2D: i32 = 4;
    pub(crate) const DEQUANTIZE: i32 = 6;
    pub(crate) const FULLY_CONNECTED: i32 = 9;
    pub(crate) const LOGISTIC: i32 = 14;
    pub(crate) const MAX_POOL_2D: i32 = 17;
    pub(crate) const MUL: i32 = 18;
    pub(crate) const RELU: i32 = 19;
    pub(crate) const RELU6: i32 = 21;
    pub(crate) const RESHAPE: i32 = 22;
    pub(crate) const SOFTMAX: i32 = 25;
    pub(crate) const CUSTOM: i32 = 32;
    pub(crate) const PAD: i32 = 34;
    pub(crate) const MEAN: i32 = 40;
    pub(crate) const SQUEEZE: i32 = 43;
    pub(crate) const QUANTIZE: i32 = 114;
    pub(crate) const HARD_SWISH: i32 = 117;
}
