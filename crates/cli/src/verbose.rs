//! What happens inside, line by line on stderr, for `-v`.

use std::io;

use pocketvision::{
    Backend, CompileError, CompileOptions, DeviceInfo, Graph, MemoryUse, Node, Outputs, Plan,
    Profile, RunError, Signature, Tensor, Unsupported,
};
use tracing::{Level, debug_span, info, info_span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::time::uptime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// From now on, steps are told as they end, with the time that each took: what is done once with
/// one `-v`, each run of a network with two.
pub(crate) fn start(level: u8) {
    let most = if level > 1 { Level::DEBUG } else { Level::INFO };
    let colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .with_timer(uptime())
        .with_span_events(FmtSpan::CLOSE);
    let ours = Targets::new().with_target("pocketvision", most);
    // Only one can be set, and nobody else in this process sets any.
    let _ = tracing_subscriber::registry().with(lines).with(ours).try_init();
}

/// A backend that tells when it compiles, and when its plans run.
pub(crate) struct Told(pub(crate) Box<dyn Backend>);

struct ToldPlan {
    backend: &'static str,
    plan: Box<dyn Plan>,
}

impl Backend for Told {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn device(&self) -> DeviceInfo {
        self.0.device()
    }

    fn supports(&self, graph: &Graph, node: &Node) -> Result<(), Unsupported> {
        self.0.supports(graph, node)
    }

    fn compile(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Box<dyn Plan>, CompileError> {
        let backend = self.name();
        let _span = info_span!("compile", backend, nodes = graph.nodes().len()).entered();
        let plan = self.0.compile(graph, options)?;
        let MemoryUse { weight_bytes, activation_bytes, scratch_bytes } = plan.memory();
        info!(weight_bytes, activation_bytes, scratch_bytes, "compiled");
        Ok(Box::new(ToldPlan { backend, plan }))
    }
}

impl Plan for ToldPlan {
    fn signature(&self) -> &Signature {
        self.plan.signature()
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        let _span = debug_span!("run", backend = self.backend).entered();
        self.plan.run_into(inputs, outputs)
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        let _span = debug_span!("profile", backend = self.backend).entered();
        self.plan.profile(inputs)
    }

    fn memory(&self) -> MemoryUse {
        self.plan.memory()
    }
}
