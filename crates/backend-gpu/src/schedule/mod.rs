//! The planner: from a graph to a list of dispatches. It knows no GPU; all of it is tested
//! without one.
//!
//! A [`Schedule`] is made in three steps. *Grouping* finds nodes that one dispatch can compute
//! together. *Lowering* walks the graph and turns each node or group into dispatches of one shader each, over [`Operand`]s: values that are computed on the way, and
//! blobs, the constant bytes that the shaders read (packed weights, tables). *Slot
//! assignment* then places the values in a few buffers: a value may take the buffer of one
//! that nothing reads any more. Buffers are kept separate rather than cut from one arena,
//! because WebGPU tracks hazards by buffer and forbids reading and writing one buffer in one
//! dispatch.

mod groups;
mod lower;
mod slots;
mod tiles;

use pocketvision_core::{CompileError, Graph, Keep, NodeId};
use pocketvision_shaders::{Shader, Variant, Work};

use crate::BACKEND_NAME;
use crate::tuning::Tuning;

/// Everything that a plan does, in device terms but without device objects.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Schedule {
    /// Constant bytes that dispatches read.
    pub(crate) blobs: Vec<Blob>,
    /// Tensors that are computed, or fed by the caller.
    pub(crate) values: Vec<Value>,
    /// Bytes of each activation buffer.
    pub(crate) slot_bytes: Vec<u64>,
    /// What runs, in order.
    pub(crate) dispatches: Vec<Dispatch>,
    /// For each input of the graph, the value it is copied to.
    pub(crate) inputs: Vec<Port>,
    /// For each output of the plan, where it is found.
    pub(crate) outputs: Vec<Port>,
}

/// Where a tensor enters or leaves the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Port {
    pub(crate) operand: Operand,
    pub(crate) conversion: Conversion,
}

/// How a tensor changes on its way to or from the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Conversion {
    /// Not at all.
    None,
    /// The highest bit of each byte changes: between uint8 and int8.
    FlipSigns,
    /// Between f32 and f16.
    Half,
}

/// Constant bytes on the device.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Blob {
    pub(crate) kind: BlobKind,
    pub(crate) words: Vec<u32>,
}

impl Blob {
    pub(crate) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }
}

/// What a blob is counted as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BlobKind {
    /// Weights, biases, constant tensors.
    Weights,
    /// Look-up tables.
    Table,
}

/// A tensor that exists during a run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Value {
    /// Bytes, channels padded to quads.
    pub(crate) bytes: u64,
    /// The activation buffer that holds it.
    pub(crate) slot: usize,
}

/// What a dispatch reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operand {
    /// [`Schedule::values`].
    Value(usize),
    /// [`Schedule::blobs`].
    Blob(usize),
}

/// One dispatch of one shader.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Dispatch {
    /// The nodes that it computes, or one that it computes a part of; in order.
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) kernel: Kernel,
    /// The uniform `params`.
    pub(crate) params: Vec<u32>,
    /// What is bound to [`Shader::reads`].
    pub(crate) reads: Vec<Operand>,
    /// The values written: [`Shader::writes`].
    pub(crate) outputs: Vec<usize>,
    /// Workgroups in x and y.
    pub(crate) workgroups: (u32, u32),
}

/// A shader with its constants: what has a pipeline of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Kernel {
    pub(crate) shader: Shader,
    pub(crate) variant: Variant,
}

impl From<Shader> for Kernel {
    fn from(shader: Shader) -> Self {
        Self { shader, variant: Variant::default() }
    }
}

/// What the device allows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Limits {
    /// Bytes of one buffer as a shader sees it.
    pub(crate) max_binding_bytes: u64,
    /// Workgroups in one dimension of a dispatch.
    pub(crate) max_workgroups_per_dimension: u32,
    /// Room in workgroup memory for what fused layers hand over, in 16 bytes.
    pub(crate) memory_vectors: u32,
    /// How work is cut.
    pub(crate) tuning: Tuning,
    /// Whether float tensors are stored in half precision.
    pub(crate) is_half: bool,
}

impl Schedule {
    /// Plans a graph whose nodes are all supported.
    ///
    /// # Errors
    /// If a tensor or its weights exceed the limits; names the node.
    pub(crate) fn new(graph: &Graph, keep: Keep, limits: Limits) -> Result<Self, CompileError> {
        let mut schedule = lower::lower(graph, keep, limits)?;
        slots::assign(&mut schedule, keep);
        Ok(schedule)
    }

    /// The kernels that it dispatches, once each.
    pub(crate) fn kernels(&self) -> Vec<Kernel> {
        let mut kernels = Vec::new();
        for dispatch in &self.dispatches {
            if !kernels.contains(&dispatch.kernel) {
                kernels.push(dispatch.kernel);
            }
        }
        kernels
    }

    /// Bytes behind an operand.
    pub(crate) fn operand_bytes(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Value(value) => self.values[value].bytes,
            Operand::Blob(blob) => self.blobs[blob].bytes().len() as u64,
        }
    }

    /// Bytes that a dispatch reads and writes.
    pub(crate) fn dispatch_bytes(&self, dispatch: &Dispatch) -> u64 {
        // A buffer that is bound a second time stands in for one that is not read.
        let reads = dispatch.reads.iter().enumerate();
        let read: u64 = reads
            .filter(|&(index, read)| !dispatch.reads[..index].contains(read))
            .map(|(_, &read)| self.operand_bytes(read))
            .sum();
        let written: u64 = dispatch.outputs.iter().map(|&value| self.values[value].bytes).sum();
        read + written
    }

    /// The values that the caller feeds.
    pub(crate) fn input_values(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().map(|port| match port.operand {
            Operand::Value(value) => value,
            Operand::Blob(_) => unreachable!("inputs are values"),
        })
    }

    /// Bytes of all blobs of a kind.
    pub(crate) fn blob_bytes(&self, kind: BlobKind) -> u64 {
        let blobs = self.blobs.iter().filter(|blob| blob.kind == kind);
        blobs.map(|blob| blob.bytes().len() as u64).sum()
    }
}

impl Limits {
    /// Work as workgroups in x and y; the two may cover more than the work.
    fn workgroups(&self, work: Work) -> (u32, u32) {
        let count = work.workgroups();
        let rows = count.div_ceil(self.max_workgroups_per_dimension).max(1);
        (count.div_ceil(rows), rows)
    }

    /// Whether a node's buffer fits.
    fn check(&self, node: &str, needed_bytes: u64) -> Result<(), CompileError> {
        if needed_bytes <= self.max_binding_bytes {
            return Ok(());
        }
        Err(CompileError::TooLarge {
            backend: BACKEND_NAME,
            node: node.to_owned(),
            needed_bytes,
            limit_bytes: self.max_binding_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use pocketvision_core::models::{self, BuildOptions, Precision};
    use pocketvision_core::op::{
        Activation, ActivationKind, Add, Axis, Concat, Conv2d, Normalize, Padding, Reshape,
        Softmax, Window,
    };
    use pocketvision_core::{Element, GraphBuilder, Op, Shape, Tensor, TensorType, passes};

    use super::*;

    const LIMITS: Limits = Limits {
        max_binding_bytes: 128 << 20,
        max_workgroups_per_dimension: 65535,
        memory_vectors: 960,
        tuning: Tuning::ALL[3],
        is_half: false,
    };

    fn relu() -> Op {
        Op::Activation(Activation { kind: ActivationKind::Relu })
    }

    fn chain(length: usize, shape: Shape) -> Graph {
        let mut builder = GraphBuilder::new("chain");
        let mut node = builder.input("x", TensorType::new(shape, Element::F32)).unwrap();
        for i in 0..length {
            node = builder.push(format!("relu_{i}"), relu(), &[node]).unwrap();
        }
        builder.finish(&[node]).unwrap()
    }

    #[test]
    fn a_chain_runs_in_two_buffers() {
        let schedule =
            Schedule::new(&chain(9, Shape::new(1, 4, 4, 8)), Keep::Outputs, LIMITS).unwrap();
        assert_eq!(schedule.dispatches.len(), 9);
        assert_eq!(schedule.slot_bytes, [512, 512]);
    }

    #[test]
    fn keeping_every_node_gives_each_a_buffer() {
        let schedule =
            Schedule::new(&chain(9, Shape::new(1, 4, 4, 8)), Keep::EveryNode, LIMITS).unwrap();
        assert_eq!(schedule.slot_bytes.len(), 10);
        assert_eq!(schedule.outputs.len(), 10);
    }

    #[test]
    fn no_dispatch_writes_a_buffer_that_it_reads_or_that_is_needed_later() {
        let mut builder = GraphBuilder::new("branches");
        let ty = TensorType::new(Shape::new(1, 5, 7, 6), Element::F32);
        let x = builder.input("x", ty).unwrap();
        let a = builder.push("a", relu(), &[x]).unwrap();
        let b = builder.push("b", relu(), &[a]).unwrap();
        let sum = builder.push("sum", Op::Add(Add { activation: None }), &[a, b]).unwrap();
        let both = Op::Concat(Concat::along(Axis::Channels));
        let both = builder.push("both", both, &[x, sum, b]).unwrap();
        let graph = builder.finish(&[both]).unwrap();
        let schedule = Schedule::new(&graph, Keep::Outputs, LIMITS).unwrap();

        let slot = |value: usize| schedule.values[value].slot;
        let mut holder: Vec<Option<usize>> = vec![None; schedule.slot_bytes.len()];
        for input in schedule.input_values() {
            holder[slot(input)] = Some(input);
        }
        for dispatch in &schedule.dispatches {
            for read in &dispatch.reads {
                if let Operand::Value(value) = *read {
                    assert_eq!(holder[slot(value)], Some(value));
                    assert_ne!(slot(value), slot(dispatch.outputs[0]));
                }
            }
            holder[slot(dispatch.outputs[0])] = Some(dispatch.outputs[0]);
        }
        for output in &schedule.outputs {
            let Operand::Value(value) = output.operand else { panic!("a constant") };
            assert_eq!(holder[slot(value)], Some(value));
        }
    }

    #[test]
    fn reshaping_is_free_unless_padding_moves() {
        let reshaped = |from: Shape, to: Shape| {
            let mut builder = GraphBuilder::new("reshape");
            let x = builder.input("x", TensorType::new(from, Element::F32)).unwrap();
            let y = builder.push("y", Op::Reshape(Reshape { shape: to }), &[x]).unwrap();
            let graph = builder.finish(&[y]).unwrap();
            Schedule::new(&graph, Keep::Outputs, LIMITS).unwrap().dispatches.len()
        };
        assert_eq!(reshaped(Shape::new(1, 2, 3, 8), Shape::vector(48)), 0);
        assert_eq!(reshaped(Shape::new(1, 2, 3, 5), Shape::new(1, 6, 1, 5)), 0);
        assert_eq!(reshaped(Shape::new(1, 2, 3, 5), Shape::vector(30)), 1);
    }

    #[test]
    fn too_large_a_tensor_is_refused_by_name() {
        let limits = Limits { max_binding_bytes: 100, ..LIMITS };
        let graph = chain(1, Shape::new(1, 4, 4, 1));
        let error = Schedule::new(&graph, Keep::Outputs, limits).unwrap_err();
        assert_eq!(error.to_string(), "gpu: node 'x' needs 256 bytes, the limit is 100");
    }

    #[test]
    fn long_dispatches_are_split_over_two_dimensions() {
        let limits = Limits { max_workgroups_per_dimension: 10, ..LIMITS };
        assert_eq!(limits.workgroups(Work::Workgroups(10)), (10, 1));
        assert_eq!(limits.workgroups(Work::Workgroups(23)), (8, 3));
        assert_eq!(limits.workgroups(Work::Invocations(64 * 10 + 1)), (6, 2));
        let mut builder = GraphBuilder::new("rows");
        let ty = TensorType::new(Shape::new(1, 5, 5, 3), Element::F32);
        let x = builder.input("x", ty).unwrap();
        let y = builder.push("y", Op::Softmax(Softmax { beta: 1.0 }), &[x]).unwrap();
        let graph = builder.finish(&[y]).unwrap();
        let schedule = Schedule::new(&graph, Keep::Outputs, limits).unwrap();
        assert_eq!(schedule.dispatches[0].workgroups, (9, 3));
    }

    fn built_in(name: &str, precision: Precision) -> Graph {
        let definition = models::find(name).unwrap();
        let options = BuildOptions { precision, ..definition.options() };
        passes::optimize(&definition.build(&options).unwrap()).unwrap()
    }

    fn with_pixel_input(graph: &Graph) -> Graph {
        let normalize = Normalize { mean: [127.5; 3], std: [127.5; 3] };
        passes::take_pixels(graph, normalize).unwrap()
    }

    /// Dispatches, pipelines, and the kilobytes that all dispatches read and write.
    fn counts(graph: &Graph) -> (usize, usize, u64) {
        let schedule = Schedule::new(graph, Keep::Outputs, LIMITS).unwrap();
        let dispatches = &schedule.dispatches;
        let bytes: u64 = dispatches.iter().map(|d| schedule.dispatch_bytes(d)).sum();
        (dispatches.len(), schedule.kernels().len(), bytes / 1000)
    }

    /// No timing says more about a network of one image on a graphics card than these.
    #[test]
    fn networks_take_few_dispatches() {
        for (name, precision, most) in [
            ("mobilenet-v3-large", Precision::F32, (42, 18, 45_400)),
            ("mobilenet-edgetpu-1.0", Precision::F32, (39, 15, 35_500)),
            ("mobilenet-edgetpu-1.0", Precision::Int8, (38, 13, 9_400)),
            ("mobilenet-v2-1.0", Precision::F32, (37, 11, 50_200)),
            ("mobilenet-v2-1.0", Precision::Int8, (37, 11, 13_100)),
        ] {
            let counts = counts(&built_in(name, precision));
            let fits = counts.0 <= most.0 && counts.1 <= most.1 && counts.2 <= most.2;
            assert!(fits, "{name} {precision:?}: {counts:?} are more than {most:?}");
        }
    }

    /// The first layer normalizes the bytes of a picture, alone or with its projection: it reads
    /// 224x224 quads of one byte a channel in place of four.
    #[test]
    fn pixels_take_no_dispatch_and_a_quarter_of_the_bytes() {
        for (name, first, more_pipelines) in [
            ("mobilenet-v3-large", Shader::Conv2dPixels, 0),
            // A later block has the same window and projection, of floats.
            ("mobilenet-edgetpu-1.0", Shader::Conv2dProjectPixels, 1),
            ("mobilenet-v2-1.0", Shader::Conv2dPixels, 0),
        ] {
            let floats = built_in(name, Precision::F32);
            let pixels = with_pixel_input(&floats);
            let (before, after) = (counts(&floats), counts(&pixels));
            assert_eq!((before.0, before.1 + more_pipelines), (after.0, after.1), "{name}");
            let saved = 224 * 224 * 4 * 3 / 1000;
            assert!((saved..=saved + 1).contains(&(before.2 - after.2)), "{name}");
            let schedule = Schedule::new(&pixels, Keep::Outputs, LIMITS).unwrap();
            assert_eq!(schedule.dispatches[0].kernel.shader, first, "{name}");
            assert_eq!(schedule.values[0].bytes, 224 * 224 * 4, "{name}");
        }
    }

    #[test]
    fn pixels_that_no_window_alone_reads_take_a_dispatch() {
        let mut builder = GraphBuilder::new("readers");
        let photo = TensorType::new(Shape::new(1, 9, 9, 3), Normalize::PIXELS);
        let photo = builder.input("photo", photo).unwrap();
        let normalize = Op::Normalize(Normalize { mean: [0.0; 3], std: [1.0; 3] });
        let x = builder.push("x", normalize, &[photo]).unwrap();
        let weight = Tensor::from_f32(Shape::new(3, 3, 3, 3), vec![0.5; 81]).unwrap();
        let weight = builder.param("weight", weight);
        let window = Window::square(3, 1, Padding::Same);
        let op = Op::Conv2d(Conv2d { window, weight, bias: None, groups: 1, activation: None });
        let y = builder.push("y", op, &[x]).unwrap();
        let sum = builder.push("sum", Op::Add(Add { activation: None }), &[x, y]).unwrap();
        let graph = builder.finish(&[sum]).unwrap();
        let shaders = |outputs: &[NodeId], keep: Keep, limits: Limits| {
            let graph = passes::remove_unused(&graph.with_outputs(outputs).unwrap()).unwrap();
            let schedule = Schedule::new(&graph, keep, limits).unwrap();
            schedule.dispatches.iter().map(|d| d.kernel.shader).collect::<Vec<_>>()
        };
        let alone = [Shader::Normalize, Shader::Conv2dF32];
        assert_eq!(shaders(&[y], Keep::Outputs, LIMITS), [Shader::Conv2dPixels]);
        assert_eq!(shaders(&[x, y], Keep::Outputs, LIMITS), alone);
        assert_eq!(shaders(&[y], Keep::EveryNode, LIMITS), alone);
        let unfused = Limits { tuning: Tuning::ALONE, ..LIMITS };
        assert_eq!(shaders(&[y], Keep::Outputs, unfused), alone);
        let with_sum = shaders(&[sum], Keep::Outputs, LIMITS);
        assert_eq!(with_sum[..2], alone);
    }

    #[test]
    fn no_layer_is_lost_in_a_group() {
        for name in ["mobilenet-v3-large", "mobilenet-edgetpu-1.0"] {
            let floats = built_in(name, Precision::F32);
            for graph in [with_pixel_input(&floats), floats] {
                let schedule = Schedule::new(&graph, Keep::Outputs, LIMITS).unwrap();
                let computed: HashSet<NodeId> =
                    schedule.dispatches.iter().flat_map(|d| d.nodes.iter().copied()).collect();
                let missing: Vec<&str> = graph
                    .iter()
                    .filter(|(id, node)| !computed.contains(id) && !matches!(node.op, Op::Input))
                    .map(|(_, node)| node.name.as_str())
                    .collect();
                assert!(missing.is_empty(), "{missing:?}");
            }
        }
    }
}
