//! A backend of your own in a hundred lines: one operator on your hardware, the rest on the host.
//!
//!     cargo run --release --example own_backend
//!
//! `docs/adding-a-backend.md` goes on from here, to the conformance suite.

#![allow(clippy::print_stdout, reason = "an example has something to say")]

use std::error::Error;
use std::time::Instant;

use pocketvision::agreement::Agreement;
use pocketvision::vision::SamplePicture;
use pocketvision::{
    Backend, BackendOptions, Clock, CompileError, CompileOptions, DeviceInfo, Graph, LayerCost,
    MemoryUse, Model, Node, NodeId, Op, Outputs, Plan, Profile, RunError, Signature, Tensor,
    Unsupported, backend, reference,
};

/// Hardware that adds, and does nothing else.
struct Adder;

const NAME: &str = "adder";

impl Backend for Adder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn device(&self) -> DeviceInfo {
        let details = vec![("operators", "add".to_owned())];
        DeviceInfo { backend: NAME, name: "an adder".into(), details, clock: Clock::HostWall }
    }

    fn supports(&self, graph: &Graph, node: &Node) -> Result<(), Unsupported> {
        // What it cannot do the host does, if the host can.
        reference::ReferenceBackend::new().supports(graph, node)
    }

    fn compile(
        &self,
        graph: &Graph,
        options: &CompileOptions,
    ) -> Result<Box<dyn Plan>, CompileError> {
        graph.nodes().iter().try_for_each(|node| self.supports(graph, node))?;
        let values = graph.nodes().iter().map(|node| Tensor::zeros(&node.output)).collect();
        let signature = Signature::new(graph, options);
        Ok(Box::new(AdderPlan { graph: graph.clone(), signature, values }))
    }
}

struct AdderPlan {
    graph: Graph,
    signature: Signature,
    /// What each node yields.
    values: Vec<Tensor>,
}

impl AdderPlan {
    fn run_node(&mut self, id: NodeId) -> &'static str {
        let (before, rest) = self.values.split_at_mut(id.index());
        let node = self.graph.node(id);
        let inputs: Vec<&Tensor> = node.inputs.iter().map(|from| &before[from.index()]).collect();
        let output = &mut rest[0];
        if let (Op::Add(add), [Some(a), Some(b)]) = (&node.op, [0, 1].map(|i| inputs[i].as_f32()))
            && add.activation.is_none()
            && inputs[0].shape() == inputs[1].shape()
        {
            let sums: Vec<f32> = a.iter().zip(b).map(|(a, b)| a + b).collect();
            *output = Tensor::from_f32(output.shape(), sums).expect("two inputs of its shape");
            return "added";
        }
        reference::evaluate_into(&self.graph, id, &inputs, output).expect("a supported node");
        "host"
    }
}

impl Plan for AdderPlan {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run_into(&mut self, inputs: &[Tensor], outputs: &mut Outputs) -> Result<(), RunError> {
        self.profile(inputs)?;
        self.signature.check_outputs(outputs)?;
        for (id, output) in outputs.iter_mut() {
            output.bytes_mut().copy_from_slice(self.values[id.index()].bytes());
        }
        Ok(())
    }

    fn profile(&mut self, inputs: &[Tensor]) -> Result<Profile, RunError> {
        self.signature.check_inputs(inputs)?;
        let start = Instant::now();
        let mut layers = Vec::new();
        let ids: Vec<NodeId> = self.graph.iter().map(|(id, _)| id).collect();
        for id in ids {
            if let Some(port) = self.graph.inputs().iter().position(|input| *input == id) {
                self.values[id.index()] = inputs[port].clone();
                continue;
            }
            let start = Instant::now();
            let kernel = self.run_node(id);
            let latency_ms = start.elapsed().as_secs_f64() * 1e3;
            let layer = LayerCost::new(Some(id), self.graph.node(id).name.clone(), kernel);
            layers.push(LayerCost { latency_ms, ..layer });
        }
        let total_ms = start.elapsed().as_secs_f64() * 1e3;
        Ok(Profile::new(NAME, Clock::HostWall, layers, total_ms))
    }

    fn memory(&self) -> MemoryUse {
        let activation_bytes = self.values.iter().map(|value| value.bytes().len() as u64).sum();
        MemoryUse { activation_bytes, ..MemoryUse::default() }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let definition = pocketvision::models::find("mobilenet-edgetpu-cifar10").ok_or("no model")?;
    let precision = pocketvision::models::Precision::F32;
    let options = pocketvision::models::BuildOptions { precision, ..definition.options() };
    let model = Model::built_in(definition, &options)?;
    let input = [model.preprocess(&SamplePicture::Ship.paint(640, 480))?];

    let mut plan = Adder.compile(model.graph(), &CompileOptions::default())?;
    let outputs = plan.run(&input)?;
    let yardstick = backend("reference", &BackendOptions::default())?;
    let expected = yardstick.compile(model.graph(), &CompileOptions::default())?.run(&input)?;
    let added = plan.profile(&input)?.layers.iter().filter(|l| l.kernel == "added").count();
    println!("{}: {}, {added} layers added", Adder.device(), model.top_k(&outputs, 1)[0]);
    println!("{:?}", Agreement::of_outputs(&outputs, &expected));
    Ok(())
}
