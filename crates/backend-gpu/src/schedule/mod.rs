//! The planner: from a graph to a list of dispatches. It knows no GPU; all of it is tested
//! without one.
//!
//! A [`Schedule`] is made in two steps. *Lowering* walks the graph and turns each node into
//! dispatches of one shader each, over [`Operand`]s: values that are computed on the way, and
//! blobs, the constant bytes that the shaders read (packed weights, tables). *Slot
//! assignment* then places the values in a few buffers: a value may take the buffer of one
//! that nothing reads any more. Buffers are kept separate rather than cut from one arena,
//! because WebGPU tracks hazards by buffer and forbids reading and writing one buffer in one
//! dispatch.

mod lower;
mod slots;

use pocketvision_core::{CompileError, Graph, Keep, NodeId};
use pocketvision_shaders::{Shader, Work};

use crate::BACKEND_NAME;

/// Everything that a plan does, in device terms but without device objects.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Schedule {
    /// Constant bytes that dispatches read; each a multiple of four long.
    pub(crate) blobs: Vec<Blob>,
    /// Tensors that are computed, or fed by the caller.
    pub(crate) values: Vec<Value>,
    /// Bytes of each activation buffer.
    pub(crate) slot_bytes: Vec<u64>,
    /// What runs, in order.
    pub(crate) dispatches: Vec<Dispatch>,
    /// For each input of the graph, the value it is copied to.
    pub(crate) inputs: Vec<usize>,
    /// For each output of the plan, where it is found.
    pub(crate) outputs: Vec<Operand>,
}

/// Constant bytes on the device.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Blob {
    pub(crate) kind: BlobKind,
    pub(crate) bytes: Vec<u8>,
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
    /// The node that it computes, or a part of it.
    pub(crate) node: NodeId,
    pub(crate) kernel: Kernel,
    /// The uniform `params`.
    pub(crate) params: Vec<u32>,
    /// What is bound to [`Shader::reads`].
    pub(crate) reads: Vec<Operand>,
    /// The value written.
    pub(crate) output: usize,
    /// Workgroups in x and y.
    pub(crate) workgroups: (u32, u32),
}

/// A shader with its override constants: what has a pipeline of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Kernel {
    pub(crate) shader: Shader,
    /// Only for shaders with [`pocketvision_shaders::HAS_WEIGHT_ZERO_POINT`], and then its
    /// value.
    pub(crate) has_weight_zero_point: Option<bool>,
}

impl From<Shader> for Kernel {
    fn from(shader: Shader) -> Self {
        Self { shader, has_weight_zero_point: None }
    }
}

/// What the device allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Bytes of one buffer as a shader sees it.
    pub(crate) max_binding_bytes: u64,
    /// Workgroups in one dimension of a dispatch.
    pub(crate) max_workgroups_per_dimension: u32,
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

    /// Bytes behind an operand.
    pub(crate) fn operand_bytes(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Value(value) => self.values[value].bytes,
            Operand::Blob(blob) => self.blobs[blob].bytes.len() as u64,
        }
    }

    /// Bytes that a dispatch reads and writes.
    pub(crate) fn dispatch_bytes(&self, dispatch: &Dispatch) -> u64 {
        let read: u64 = dispatch.reads.iter().map(|&read| self.operand_bytes(read)).sum();
        read + self.values[dispatch.output].bytes
    }

    /// Bytes of all blobs of a kind.
    pub(crate) fn blob_bytes(&self, kind: BlobKind) -> u64 {
        let blobs = self.blobs.iter().filter(|blob| blob.kind == kind);
        blobs.map(|blob| blob.bytes.len() as u64).sum()
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
    use pocketvision_core::op::{Activation, ActivationKind, Add, Axis, Concat, Reshape, Softmax};
    use pocketvision_core::{Element, GraphBuilder, Op, Shape, TensorType};

    use super::*;

    const LIMITS: Limits =
        Limits { max_binding_bytes: 128 << 20, max_workgroups_per_dimension: 65535 };

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
        for &input in &schedule.inputs {
            holder[slot(input)] = Some(input);
        }
        for dispatch in &schedule.dispatches {
            for read in &dispatch.reads {
                if let Operand::Value(value) = *read {
                    assert_eq!(holder[slot(value)], Some(value));
                    assert_ne!(slot(value), slot(dispatch.output));
                }
            }
            holder[slot(dispatch.output)] = Some(dispatch.output);
        }
        for output in &schedule.outputs {
            let Operand::Value(value) = *output else { panic!("a constant") };
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
}
