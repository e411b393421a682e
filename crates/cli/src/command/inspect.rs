//! `inspect`: what a network is made of.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use pocketvision::detection::SuppressionKind;
use pocketvision::{BACKEND_NAMES, Backend, CompileOptions, Graph, Node, NodeId, Op};

use super::weights_name;
use crate::one_line;
use crate::options::{DeviceOptions, ModelChoices};
use crate::report::{self, Inspection, LayerReport, MemoryReport, PortReport, Refusal, Support};

/// Show a network's layers, shapes, parameters and which backends can run them
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  pocketvision inspect mobilenet-edgetpu-1.0
  pocketvision inspect mobilenet.tflite --json")]
pub(crate) struct Inspect {
    /// Model: a name (see `pocketvision models`) or a file
    model: String,
    #[command(flatten)]
    choices: ModelChoices,
    #[command(flatten)]
    device: DeviceOptions,
}

impl Inspect {
    pub(super) fn run(&self, json: bool, out: &mut dyn Write) -> Result<()> {
        let model = self.choices.open_named(&self.model)?;
        let graph = model.graph();
        let opened: Vec<(&str, Result<Box<dyn Backend>>)> =
            BACKEND_NAMES.iter().map(|name| (*name, self.device.backend(name))).collect();
        let available: Vec<&dyn Backend> =
            opened.iter().filter_map(|(_, backend)| backend.as_deref().ok()).collect();
        let inspection = Inspection {
            model: model.name().to_owned(),
            origin: model.origin().to_string(),
            weights: weights_name(&model),
            macs: graph.macs(),
            parameters: graph.parameters(),
            parameter_bytes: graph.parameter_bytes(),
            classes: model.classes(),
            labels: model.labels().is_some(),
            inputs: ports(graph, graph.inputs()),
            outputs: ports(graph, graph.outputs()),
            layers: graph.iter().map(|(id, node)| layer(graph, id, node, &available)).collect(),
            backends: opened.iter().map(|(name, backend)| support(graph, name, backend)).collect(),
        };
        report::print(&inspection, json, out)
    }
}

fn ports(graph: &Graph, ids: &[NodeId]) -> Vec<PortReport> {
    let port = |&id: &NodeId| PortReport {
        name: graph.node(id).name.clone(),
        shape: graph.ty(id).shape.dims(),
        element: graph.ty(id).element.to_string(),
    };
    ids.iter().map(port).collect()
}

fn layer(graph: &Graph, id: NodeId, node: &Node, backends: &[&dyn Backend]) -> LayerReport {
    let parameters = node.op.params().into_iter().map(|param| graph.param(param).shape());
    let refuses = |backend: &&&dyn Backend| backend.supports(graph, node).is_err();
    LayerReport {
        index: id.index(),
        name: node.name.clone(),
        op: node.op.name(),
        attributes: attributes(graph, &node.op),
        inputs: node.inputs.iter().map(|input| input.index()).collect(),
        shape: node.output.shape.dims(),
        element: node.output.element.to_string(),
        parameters: parameters.map(|shape| shape.elements() as u64).sum(),
        macs: graph.node_macs(node),
        unsupported_by: backends.iter().filter(refuses).map(|backend| backend.name()).collect(),
    }
}

/// What distinguishes this node from others of its operator, briefly.
fn attributes(graph: &Graph, op: &Op) -> String {
    let mut words = Vec::new();
    let window = match op {
        Op::Conv2d(op) => Some(&op.window),
        Op::DepthwiseConv2d(op) => Some(&op.window),
        Op::Pool2d(op) => Some(&op.window),
        _ => None,
    };
    if let Op::Pool2d(pool) = op {
        words.push(format!("{:?}", pool.kind).to_lowercase());
    }
    if let Some(window) = window {
        words.push(format!("{}x{}", window.kernel_h, window.kernel_w));
        let (stride, dilation) =
            ((window.stride_h, window.stride_w), (window.dilation_h, window.dilation_w));
        if stride != (1, 1) {
            words.push(format!("stride {}x{}", stride.0, stride.1));
        }
        if dilation != (1, 1) {
            words.push(format!("dilation {}x{}", dilation.0, dilation.1));
        }
    }
    match op {
        Op::Conv2d(conv) if conv.groups > 1 => words.push(format!("{} groups", conv.groups)),
        Op::Activation(activation) => words.push(format!("{:?}", activation.kind)),
        Op::Concat(concat) => words.push(format!("{:?}", concat.axis).to_lowercase()),
        Op::Resize(resize) => {
            words.push(format!("{:?}", resize.kind).to_lowercase());
            words.push(format!("{:?}", resize.coordinates));
        }
        Op::ConvTranspose2d(conv) => {
            words.push(format!("stride {}x{}", conv.stride_h, conv.stride_w));
        }
        Op::DetectionPostprocess(op) => {
            let suppression = op.suppression;
            words.push(match suppression.kind {
                SuppressionKind::Regular { .. } => "regular".into(),
                SuppressionKind::Fast { .. } => "fast".into(),
            });
            words.push(format!("{} classes", op.classes));
            words.push(format!("scores from {}", suppression.score_threshold));
            words.push(format!("overlap to {}", suppression.iou_threshold));
        }
        Op::Pad(pad) => {
            words.push(format!("{} {} {} {}", pad.top, pad.bottom, pad.left, pad.right));
        }
        _ => {}
    }
    words.extend(op.fused_activation().map(|activation| format!("+ {activation:?}")));
    let weight = match op {
        Op::Conv2d(op) => Some(op.weight),
        Op::DepthwiseConv2d(op) => Some(op.weight),
        Op::ConvTranspose2d(op) => Some(op.weight),
        Op::Linear(op) => Some(op.weight),
        _ => None,
    };
    let weight = weight.map(|id| graph.param(id).element());
    if let Some(quantization) = weight.and_then(|element| element.quantization()) {
        words.push(match quantization {
            pocketvision::Quantization::PerTensor { .. } => "weights per tensor".into(),
            pocketvision::Quantization::PerChannel { .. } => "weights per channel".into(),
        });
    }
    words.join(" ")
}

/// What a backend makes of the network: what it refuses, and what a plan would hold.
fn support(graph: &Graph, name: &str, backend: &Result<Box<dyn Backend>>) -> Support {
    let nothing = Support {
        backend: name.to_owned(),
        supported_layers: None,
        reason: None,
        refusals: vec![],
        memory: None,
    };
    let backend = match backend {
        Ok(backend) => backend,
        Err(error) => return Support { reason: Some(one_line(error)), ..nothing },
    };
    let refusals: Vec<Refusal> = graph
        .iter()
        .filter_map(|(id, node)| {
            let reason = backend.supports(graph, node).err()?.to_string();
            Some(Refusal { index: id.index(), reason })
        })
        .collect();
    let plan = backend.compile(graph, &CompileOptions::default());
    let memory = plan.as_ref().ok().map(|plan| plan.memory());
    let reason = refusals.first().map(|refusal| refusal.reason.clone());
    Support {
        supported_layers: Some(graph.nodes().len() - refusals.len()),
        reason: reason.or_else(|| plan.err().map(|error| one_line(&error.into()))),
        refusals,
        memory: memory.map(MemoryReport::from),
        ..nothing
    }
}
