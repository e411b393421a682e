//! From plain data to bytes.
//!
//! FlatBuffers are built from the end: whatever a table refers to is written before it.

use flatbuffers::{
    FlatBufferBuilder, ForwardsUOffset, Push, TableFinishedWIPOffset, TableUnfinishedWIPOffset,
    Vector, WIPOffset,
};
use pocketvision_import_tflite::schema::{
    FILE_IDENTIFIER, buffer, model, operator, operator_code, quantization, subgraph, tensor,
};

use super::model::{Field, FileTensor, Model, Operator, OperatorCode, Options, Scaling};

/// The bytes of a file.
pub(super) fn write(model: &Model<'_>) -> Vec<u8> {
    let data_bytes: usize =
        model.tensors.iter().map(|t| t.data.as_ref().map_or(0, |d| d.len())).sum();
    let mut writer = Writer {
        builder: FlatBufferBuilder::with_capacity(data_bytes + data_bytes / 16 + (64 << 10)),
    };
    writer.model(model);
    let (bytes, start) = writer.builder.collapse();
    bytes[start..].to_vec()
}

struct Writer<'a> {
    builder: FlatBufferBuilder<'a>,
}

type Table = WIPOffset<TableFinishedWIPOffset>;
type Tables<'a> = WIPOffset<Vector<'a, ForwardsUOffset<TableFinishedWIPOffset>>>;

impl<'a> Writer<'a> {
    fn model(&mut self, contents: &Model<'_>) {
        let mut codes: Vec<OperatorCode> = vec![];
        for operator in &contents.operators {
            if !codes.contains(&operator.code) {
                codes.push(operator.code);
            }
        }
        let buffers = self.buffers(contents);
        let subgraph = self.subgraph(contents, &codes);
        let subgraphs = self.builder.create_vector(&[subgraph]);
        let codes: Vec<Table> = codes.iter().map(|code| self.operator_code(*code)).collect();
        let codes = self.builder.create_vector(&codes);
        let description = self.builder.create_string("PocketVision");

        let start = self.builder.start_table();
        self.field(model::VERSION, SCHEMA_VERSION);
        self.field(model::OPERATOR_CODES, codes);
        self.field(model::SUBGRAPHS, subgraphs);
        self.field(model::DESCRIPTION, description);
        self.field(model::BUFFERS, buffers);
        let root = self.builder.end_table(start);
        // The identifier and the root's offset come before: four bytes each.
        self.align_end_of(8);
        self.builder.finish(root, Some(FILE_IDENTIFIER));
    }

    /// Buffer 0, which is empty and stands for no data, and one for each constant, in order.
    fn buffers(&mut self, contents: &Model<'_>) -> Tables<'a> {
        let start = self.builder.start_table();
        let mut tables = vec![self.builder.end_table(start)];
        for data in contents.tensors.iter().filter_map(|tensor| tensor.data.as_deref()) {
            self.align_end_of(data.len());
            let data = self.builder.create_vector(data);
            let start = self.builder.start_table();
            self.field(buffer::DATA, data);
            tables.push(self.builder.end_table(start));
        }
        self.builder.create_vector(&tables)
    }

    fn subgraph(&mut self, contents: &Model<'_>, codes: &[OperatorCode]) -> Table {
        let mut buffers = 0u32;
        let mut tensors = Vec::with_capacity(contents.tensors.len());
        for tensor in &contents.tensors {
            let buffer = if tensor.data.is_some() {
                buffers += 1;
                buffers
            } else {
                0
            };
            tensors.push(self.tensor(tensor, buffer));
        }
        let tensors = self.builder.create_vector(&tensors);
        let operators: Vec<Table> =
            contents.operators.iter().map(|operator| self.operator(operator, codes)).collect();
        let operators = self.builder.create_vector(&operators);
        let inputs = self.builder.create_vector(&contents.inputs);
        let outputs = self.builder.create_vector(&contents.outputs);
        let name = self.builder.create_string(contents.name);

        let start = self.builder.start_table();
        self.field(subgraph::TENSORS, tensors);
        self.field(subgraph::INPUTS, inputs);
        self.field(subgraph::OUTPUTS, outputs);
        self.field(subgraph::OPERATORS, operators);
        self.field(subgraph::NAME, name);
        self.builder.end_table(start)
    }

    fn tensor(&mut self, contents: &FileTensor<'_>, buffer: u32) -> Table {
        let dims = self.builder.create_vector(&contents.dims);
        let name = self.builder.create_string(&contents.name);
        let scaling = contents.scaling.as_ref().map(|scaling| self.scaling(scaling));

        let start = self.builder.start_table();
        self.field(tensor::SHAPE, dims);
        self.field(tensor::TYPE, contents.kind);
        self.field(tensor::BUFFER, buffer);
        self.field(tensor::NAME, name);
        if let Some(scaling) = scaling {
            self.field(tensor::QUANTIZATION, scaling);
        }
        self.builder.end_table(start)
    }

    fn scaling(&mut self, contents: &Scaling) -> Table {
        let scales = self.builder.create_vector(&contents.scales);
        let zero_points = self.builder.create_vector(&contents.zero_points);

        let start = self.builder.start_table();
        self.field(quantization::SCALE, scales);
        self.field(quantization::ZERO_POINT, zero_points);
        self.field(quantization::QUANTIZED_DIMENSION, contents.dimension);
        self.builder.end_table(start)
    }

    fn operator_code(&mut self, code: OperatorCode) -> Table {
        let custom = code.custom.map(|name| self.builder.create_string(name));

        let start = self.builder.start_table();
        // Readers from before codes outgrew a byte find a placeholder where they did.
        let deprecated = i8::try_from(code.builtin).unwrap_or(i8::MAX);
        self.field(operator_code::DEPRECATED_BUILTIN_CODE, deprecated);
        if let Some(custom) = custom {
            self.field(operator_code::CUSTOM_CODE, custom);
        }
        self.field(operator_code::VERSION, code.version);
        self.field(operator_code::BUILTIN_CODE, code.builtin);
        self.builder.end_table(start)
    }

    fn operator(&mut self, contents: &Operator, codes: &[OperatorCode]) -> Table {
        let code = codes.iter().position(|code| *code == contents.code);
        let code = code.expect("the code of every operator was listed") as u32;
        let inputs = self.builder.create_vector(&contents.inputs);
        let outputs = self.builder.create_vector(&contents.outputs);
        let custom =
            contents.custom_options.as_deref().map(|bytes| self.builder.create_vector(bytes));
        let options = contents.options.as_ref().map(|options| self.options(options));

        let start = self.builder.start_table();
        self.field(operator::OPCODE_INDEX, code);
        self.field(operator::INPUTS, inputs);
        self.field(operator::OUTPUTS, outputs);
        if let Some((union_type, options)) = options {
            self.field(operator::BUILTIN_OPTIONS_TYPE, union_type);
            self.field(operator::BUILTIN_OPTIONS, options);
        }
        if let Some(custom) = custom {
            self.field(operator::CUSTOM_OPTIONS, custom);
        }
        self.builder.end_table(start)
    }

    fn options(&mut self, contents: &Options) -> (u8, Table) {
        let lists: Vec<_> = contents
            .fields
            .iter()
            .map(|(_, field)| match field {
                Field::Ints(values) => Some(self.builder.create_vector(values)),
                _ => None,
            })
            .collect();
        let start: WIPOffset<TableUnfinishedWIPOffset> = self.builder.start_table();
        for ((slot, field), list) in contents.fields.iter().zip(lists) {
            match (field, list) {
                (Field::Byte(value), _) => self.field(*slot, *value),
                (Field::Int(value), _) => self.field(*slot, *value),
                (Field::Float(value), _) => self.field(*slot, *value),
                (Field::Ints(_), Some(list)) => self.field(*slot, list),
                (Field::Ints(_), None) => unreachable!("every list was written"),
            }
        }
        (contents.union_type, self.builder.end_table(start))
    }

    /// A field of the table under construction, written even where it is the default.
    fn field<T: Push>(&mut self, slot: usize, value: T) {
        self.builder.push_slot_always(flatbuffers::field_index_to_field_offset(slot as u16), value);
    }

    /// Fills up so that what is written next, so many bytes, starts at a multiple of
    /// [`DATA_ALIGNMENT`] in the file.
    fn align_end_of(&mut self, bytes: usize) {
        while !(self.builder.unfinished_data().len() + bytes).is_multiple_of(DATA_ALIGNMENT) {
            self.builder.push(0u8);
        }
    }
}

const SCHEMA_VERSION: u32 = 3;

/// Of constants, so that kernels can use them where the file lies in memory.
const DATA_ALIGNMENT: usize = 16;
