//! Small TFLite files, described by their tensors and operators.

use super::flatbuffer_writer::{Field, Table};

/// A network to be written as a file.
#[derive(Clone, Default, Debug)]
pub(crate) struct Model {
    pub(crate) tensors: Vec<TensorSpec>,
    pub(crate) operators: Vec<OperatorSpec>,
    pub(crate) inputs: Vec<i32>,
    pub(crate) outputs: Vec<i32>,
}

/// One tensor; constant if it has data.
#[derive(Clone, Debug)]
pub(crate) struct TensorSpec {
    pub(crate) name: String,
    pub(crate) kind: i8,
    pub(crate) dims: Vec<i32>,
    pub(crate) data: Vec<u8>,
    pub(crate) scales: Vec<f32>,
    pub(crate) zero_points: Vec<i64>,
    pub(crate) quantized_dimension: i32,
}

/// One operator: its builtin code, what it reads and writes, and its attributes.
#[derive(Clone, Debug)]
pub(crate) struct OperatorSpec {
    pub(crate) code: i32,
    pub(crate) custom_code: Option<String>,
    pub(crate) inputs: Vec<i32>,
    pub(crate) outputs: Vec<i32>,
    pub(crate) options: Option<(u8, Table)>,
    /// Attributes of a custom operator.
    pub(crate) custom_options: Vec<u8>,
}

impl Model {
    /// Adds a tensor and returns its index.
    pub(crate) fn tensor(&mut self, tensor: TensorSpec) -> i32 {
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    /// Adds a tensor that the caller of the network feeds.
    pub(crate) fn input(&mut self, tensor: TensorSpec) -> i32 {
        let index = self.tensor(tensor);
        self.inputs.push(index);
        index
    }

    /// Adds an operator and the tensor it writes, and returns the index of the latter.
    pub(crate) fn operator(
        &mut self,
        code: i32,
        inputs: &[i32],
        output: TensorSpec,
        options: Option<(u8, Table)>,
    ) -> i32 {
        let output = self.tensor(output);
        self.operators.push(OperatorSpec {
            code,
            custom_code: None,
            inputs: inputs.to_vec(),
            outputs: vec![output],
            options,
            custom_options: vec![],
        });
        output
    }

    /// The file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.to_table().to_file(b"TFL3")
    }

    /// The file with its constants after the FlatBuffer, each moved by so many bytes from where
    /// it belongs.
    pub(crate) fn to_bytes_with_data_outside(&self, moved: u64) -> Vec<u8> {
        let constants = || self.tensors.iter().map(|tensor| &tensor.data).filter(|d| !d.is_empty());
        let file = |start: usize| {
            let mut offset = start as u64 + moved;
            let mut buffers = vec![Table::default()];
            for data in constants() {
                let size = data.len() as u64;
                buffers.push(Table::default().u64(1, offset).u64(2, size));
                offset += size;
            }
            self.to_table().exchanging(4, Field::Tables(buffers)).to_file(b"TFL3")
        };
        let mut bytes = file(file(0).len());
        constants().for_each(|data| bytes.extend(data));
        bytes
    }

    /// The file's root, to be damaged.
    pub(crate) fn to_table(&self) -> Table {
        // Buffer 0 is empty by convention; each constant has one of its own.
        let mut buffers = vec![Table::default()];
        let mut tensors = vec![];
        for tensor in &self.tensors {
            let buffer = if tensor.data.is_empty() { 0 } else { buffers.len() as i32 };
            if buffer > 0 {
                buffers.push(Table::default().bytes(0, &tensor.data));
            }
            tensors.push(tensor.to_table(buffer));
        }
        self.to_table_with_tensors(Field::Tables(tensors)).tables(4, buffers)
    }

    /// The file's root with tensors of the caller's and no buffers.
    pub(crate) fn to_table_with_tensors(&self, tensors: Field) -> Table {
        let codes = self.operators.iter().map(OperatorSpec::code_table).collect();
        let operators = self.operators.iter().enumerate().map(|(i, op)| op.to_table(i)).collect();
        let network = Table::default()
            .with(0, tensors)
            .i32s(1, &self.inputs)
            .i32s(2, &self.outputs)
            .tables(3, operators);
        Table::default().i32(0, 3).tables(1, codes).tables(2, vec![network])
    }
}

impl TensorSpec {
    pub(crate) fn f32(name: &str, dims: &[i32]) -> Self {
        Self::new(name, FLOAT32, dims, &[], 0)
    }

    pub(crate) fn int8(name: &str, dims: &[i32], scale: f32, zero_point: i64) -> Self {
        Self::new(name, INT8, dims, &[scale], zero_point)
    }

    pub(crate) fn uint8(name: &str, dims: &[i32], scale: f32, zero_point: i64) -> Self {
        Self::new(name, UINT8, dims, &[scale], zero_point)
    }

    pub(crate) fn int32(name: &str, dims: &[i32], scales: &[f32]) -> Self {
        Self::new(name, INT32, dims, scales, 0)
    }

    /// A constant list of integers: a shape, axes, paddings.
    pub(crate) fn integers(name: &str, dims: &[i32], values: &[i32]) -> Self {
        Self::int32(name, dims, &[]).with_i32s(values)
    }

    pub(crate) fn new(name: &str, kind: i8, dims: &[i32], scales: &[f32], zero_point: i64) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            dims: dims.to_vec(),
            data: vec![],
            scales: scales.to_vec(),
            zero_points: vec![zero_point; scales.len()],
            quantized_dimension: 0,
        }
    }

    /// One scale for each channel along a dimension.
    pub(crate) fn per_channel(mut self, scales: &[f32], dimension: i32) -> Self {
        let zero_point = self.zero_points[0];
        self.scales = scales.to_vec();
        self.zero_points = vec![zero_point; scales.len()];
        self.quantized_dimension = dimension;
        self
    }

    pub(crate) fn with_bytes(mut self, bytes: &[u8]) -> Self {
        self.data = bytes.to_vec();
        self
    }

    pub(crate) fn with_i32s(mut self, values: &[i32]) -> Self {
        self.data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self
    }

    pub(crate) fn with_f32s(mut self, values: &[f32]) -> Self {
        self.data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self
    }

    pub(crate) fn with_f16s(mut self, values: &[f32]) -> Self {
        let halves = values.iter().map(|&value| half::f16::from_f32(value));
        self.data = halves.flat_map(half::f16::to_le_bytes).collect();
        self
    }

    /// As many bytes of some pattern as the dimensions say.
    pub(crate) fn filled(mut self) -> Self {
        let item_bytes = if self.kind == INT32 || self.kind == FLOAT32 { 4 } else { 1 };
        let items: i32 = self.dims.iter().product();
        self.data = (0..items * item_bytes).map(|i| if i % 4 == 3 { 0 } else { i as u8 }).collect();
        self
    }

    fn to_table(&self, buffer: i32) -> Table {
        let table = Table::default()
            .i32s(0, &self.dims)
            .i8(1, self.kind)
            .i32(2, buffer)
            .bytes(3, self.name.as_bytes());
        if self.scales.is_empty() {
            return table;
        }
        let quantization = Table::default()
            .f32s(2, &self.scales)
            .i64s(3, &self.zero_points)
            .i32(6, self.quantized_dimension);
        table.table(4, quantization)
    }
}

impl OperatorSpec {
    fn code_table(&self) -> Table {
        let deprecated = i8::try_from(self.code).unwrap_or(127);
        let table = Table::default().i8(0, deprecated).i32(3, self.code);
        match &self.custom_code {
            Some(code) => table.bytes(1, code.as_bytes()),
            None => table,
        }
    }

    fn to_table(&self, code_index: usize) -> Table {
        let table =
            Table::default().i32(0, code_index as i32).i32s(1, &self.inputs).i32s(2, &self.outputs);
        let table = match &self.options {
            Some((union_type, options)) => table.u8(3, *union_type).table(4, options.clone()),
            None => table,
        };
        if self.custom_options.is_empty() { table } else { table.bytes(5, &self.custom_options) }
    }
}

/// Attributes of the operators, as (member of the union, table).
pub(crate) mod options {
    use super::Table;

    /// No padding (VALID), with strides; dilation as given.
    pub(crate) fn conv_2d(stride: i32, dilation: i32, activation: i8) -> Option<(u8, Table)> {
        let table = Table::default().i8(0, super::VALID).i32(1, stride).i32(2, stride);
        Some((1, table.i8(3, activation).i32(4, dilation).i32(5, dilation)))
    }

    pub(crate) fn depthwise_conv_2d(
        stride: i32,
        dilation: i32,
        activation: i8,
    ) -> Option<(u8, Table)> {
        let table = Table::default().i8(0, super::SAME).i32(1, stride).i32(2, stride).i32(3, 1);
        Some((2, table.i8(4, activation).i32(5, dilation).i32(6, dilation)))
    }

    pub(crate) fn pool_2d(filter: i32, stride: i32, activation: i8) -> Option<(u8, Table)> {
        let table = Table::default().i8(0, super::VALID).i32(1, stride).i32(2, stride);
        Some((5, table.i32(3, filter).i32(4, filter).i8(5, activation)))
    }

    pub(crate) fn fully_connected(activation: i8, keep_dims: bool) -> Option<(u8, Table)> {
        Some((8, Table::default().i8(0, activation).u8(2, keep_dims.into())))
    }

    pub(crate) fn softmax(beta: f32) -> Option<(u8, Table)> {
        Some((9, Table::default().f32(0, beta)))
    }

    pub(crate) fn concatenation(axis: i32) -> Option<(u8, Table)> {
        Some((10, Table::default().i32(0, axis)))
    }

    pub(crate) fn add(activation: i8) -> Option<(u8, Table)> {
        Some((11, Table::default().i8(0, activation)))
    }

    pub(crate) fn reshape(new_shape: &[i32]) -> Option<(u8, Table)> {
        Some((17, Table::default().i32s(0, new_shape)))
    }

    pub(crate) fn mul(activation: i8) -> Option<(u8, Table)> {
        Some((21, Table::default().i8(0, activation)))
    }

    pub(crate) fn sub(activation: i8) -> Option<(u8, Table)> {
        Some((28, Table::default().i8(0, activation)))
    }

    pub(crate) fn reducer(keep_dims: bool) -> Option<(u8, Table)> {
        Some((27, Table::default().u8(0, keep_dims.into())))
    }

    pub(crate) fn squeeze(dims: &[i32]) -> Option<(u8, Table)> {
        Some((30, Table::default().i32s(0, dims)))
    }
}

pub(crate) const FLOAT32: i8 = 0;
pub(crate) const FLOAT16: i8 = 1;
pub(crate) const INT32: i8 = 2;
pub(crate) const UINT8: i8 = 3;
pub(crate) const INT8: i8 = 9;

pub(crate) const SAME: i8 = 0;
pub(crate) const VALID: i8 = 1;

pub(crate) const NO_ACTIVATION: i8 = 0;
pub(crate) const RELU: i8 = 1;
pub(crate) const RELU6: i8 = 3;

/// Codes of the operators, from TFLite's schema.
pub(crate) mod code {
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
    pub(crate) const PAD: i32 = 34;
    pub(crate) const MEAN: i32 = 40;
    pub(crate) const RESIZE_BILINEAR: i32 = 23;
    pub(crate) const CUSTOM: i32 = 32;
    pub(crate) const SUB: i32 = 41;
    pub(crate) const DIV: i32 = 42;
    pub(crate) const SQUEEZE: i32 = 43;
    pub(crate) const CAST: i32 = 53;
    pub(crate) const ARG_MAX: i32 = 56;
    pub(crate) const TRANSPOSE_CONV: i32 = 67;
    pub(crate) const TILE: i32 = 69;
    pub(crate) const QUANTIZE: i32 = 114;
    pub(crate) const HARD_SWISH: i32 = 117;
}
