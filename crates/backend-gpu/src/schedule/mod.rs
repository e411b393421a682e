//! The planner: from a graph to a list of dispatches. It knows no GPU; all of it is tested
//! without one.
//!
//! A [`Schedule`] is made in three steps. *Grouping* finds nodes that one dispatch can compute
//! together. *Lowering* walks the graph and turns each node or group into dispatches of one
//! shader each, over [`Operand`]s: values that are computed on the way, and blobs, the constant
//! bytes that the shaders read (packed weights, tables). *Slot assignment* then places the values in a few buffers: a value may take the buffer of one
//! that nothing reads any more. Buffers are kept separate rather than cut from one arena,
//! because WebGPU tracks hazards by buffer and forbids reading and writing one buffer in one
//! dispatch.

mod byte_function;
mod grouping;
mod groups;
mod lower;
mod slots;
#[cfg(test)]
mod tests;
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
    Dense,
    /// Channels are padded to quads, as they are with what follows.
    Padded,
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
    /// The params of the one layer that it is for, if it is.
    pub(crate) params: Option<FixedParams>,
}

impl Kernel {
    pub(crate) const fn new(shader: Shader, variant: Variant) -> Self {
        Self { shader, variant, params: None }
    }

    /// The shader's name, and what else a driver may get wrong.
    pub(crate) fn name(&self) -> String {
        let shader = self.shader.name();
        match self.variant {
            Variant { has_subgroups: true, .. } => format!("{shader} with subgroups"),
            Variant { has_fours: true, .. } => format!("{shader} in fours"),
            _ => shader.to_owned(),
        }
    }

    pub(crate) fn source(&self) -> String {
        let text = match &self.params {
            None => self.shader.source(&self.variant),
            Some(params) if params.is_kind => {
                self.shader.source_of_kind(&self.variant, params.words())
            }
            Some(params) => self.shader.source_of_layer(&self.variant, params.words()),
        };
        // Naga does not know the feature by name, and browsers insist on it. Nor do they see that all
        // of a four take the same turns.
        let is_named = cfg!(target_family = "wasm") && self.variant.has_fours;
        if is_named { format!("{SUBGROUPS_IN_BROWSERS}{text}") } else { text }
    }
}

const SUBGROUPS_IN_BROWSERS: &str = "enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n";

impl From<Shader> for Kernel {
    fn from(shader: Shader) -> Self {
        Self::new(shader, Variant::default())
    }
}

/// Params that are part of a kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct FixedParams {
    /// Beyond the last, 0.
    words: [u32; MOST_PARAMS],
    count: usize,
    /// Whether they are of all layers of a kind, and say nothing but what kind it is.
    is_kind: bool,
}

impl FixedParams {
    /// `None` if there are more than any layer has that is worth a pipeline of its own.
    pub(crate) fn new(params: &[u32]) -> Option<Self> {
        let mut words = [0; MOST_PARAMS];
        words.get_mut(..params.len())?.copy_from_slice(params);
        Some(Self { words, count: params.len(), is_kind: false })
    }

    /// The same of what [`Shader::kind_of`] says.
    pub(crate) fn of_kind(params: &[u32]) -> Option<Self> {
        Self::new(params).map(|params| Self { is_kind: true, ..params })
    }

    fn words(&self) -> &[u32] {
        &self.words[..self.count]
    }
}

/// Those of an int8 convolution with a window, its projection and a residual, and a few more.
const MOST_PARAMS: usize = 48;

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
    /// The size of subgroups as the adapter states it, a power of two, if they shall share sums.
    /// Kernels are right whatever it is.
    pub(crate) subgroup_size: Option<u32>,
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
