//! The backend: says what is supported and makes plans.

use pocketvision_core::{
    Backend, Clock, CompileError, CompileOptions, DeviceInfo, Element, Graph, Node, Plan,
    Unsupported,
};

use crate::plan::ReferencePlan;

/// Runs any network of f32 or int8 on one thread of the host, plainly and exactly.
///
/// ```
/// use pocketvision_core::{Backend, Clock};
/// use pocketvision_reference::ReferenceBackend;
///
/// let reference = ReferenceBackend::new();
/// assert_eq!(reference.name(), ReferenceBackend::NAME);
/// assert_eq!(reference.device().clock, Clock::HostWall);
/// ```
#[derive(Clone, Copy, Default, Debug)]
pub struct ReferenceBackend;

impl ReferenceBackend {
    /// The backend's name.
    pub const NAME: &'static str = "reference";

    /// The backend. It has no settings.
    pub const fn new() -> Self {
        Self
    }
}

impl Backend for ReferenceBackend {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn device(&self) -> DeviceInfo {
        DeviceInfo {
            backend: Self::NAME,
            name: format!("scalar kernels on {}", std::env::consts::ARCH),
            details: vec![("threads", "1".into())],
            clock: Clock::HostWall,
        }
    }

    fn supports(&self, graph: &Graph, node: &Node) -> Result<(), Unsupported> {
        check_supported(graph, node)
    }

    fn compile(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Box<dyn Plan>, CompileError> {
        graph.nodes().iter().try_for_each(|node| check_supported(graph, node))?;
        Ok(Box::new(ReferencePlan::new(graph, options)))
    }
}

/// All operators run; the one element that does not is f16.
pub(crate) fn check_supported(graph: &Graph, node: &Node) -> Result<(), Unsupported> {
    let params = node.op.params().into_iter().map(|id| ("a parameter", graph.param(id).element()));
    let inputs = node.inputs.iter().map(|&id| ("an input", &graph.ty(id).element));
    let output = std::iter::once(("the output", &node.output.element));
    match params.chain(inputs).chain(output).find(|(_, element)| **element == Element::F16) {
        None => Ok(()),
        Some((what, _)) => Err(Unsupported {
            backend: ReferenceBackend::NAME,
            node: node.name.clone(),
            op: node.op.name(),
            reason: format!("{what} is f16; the reference computes f32 and int8: use f32"),
        }),
    }
}
