//! Claims about how networks are built, and those that need what we do not have.

use anyhow::{Context, Result};
use pocketvision::op::ActivationKind;
use pocketvision::{Graph, Op, models};

use super::{Claim, Evidence, Figures, Verdict, claim};

pub(super) fn claims(evidence: &Evidence) -> Result<Vec<Claim>> {
    let large = evidence.graph("mobilenet-v3-large")?;
    let minimal = evidence.graph("mobilenet-v3-large-minimalistic")?;
    let mut claims = vec![
        search_space(large),
        swish(),
        gates(large),
        blocks(large),
        minimalistic(large, minimal),
        checkpoints()?,
    ];
    claims.extend(undecided());
    Ok(claims)
}

/// Activations of a kind, fused or not.
fn activations(graph: &Graph, wanted: ActivationKind) -> usize {
    let of = |op: &Op| match op {
        Op::Activation(op) => Some(op.kind),
        Op::Conv2d(op) => op.activation,
        Op::DepthwiseConv2d(op) => op.activation,
        Op::Linear(op) => op.activation,
        _ => None,
    };
    graph.nodes().iter().filter(|node| of(&node.op) == Some(wanted)).count()
}

/// Products of a feature map with one number a channel: squeeze-and-excitation.
fn excitations(graph: &Graph) -> usize {
    let is_one = |node: &pocketvision::Node| {
        let shapes: Vec<_> = node.inputs.iter().map(|&id| graph.ty(id).shape).collect();
        matches!(node.op, Op::Mul(_)) && shapes.iter().any(|shape| shape.pixels() == 1)
    };
    graph.nodes().iter().filter(|node| is_one(node)).count()
}

fn largest_window(graph: &Graph) -> usize {
    let kernel = |op: &Op| match op {
        Op::DepthwiseConv2d(op) => op.window.kernel_h,
        Op::Conv2d(op) => op.window.kernel_h,
        _ => 0,
    };
    graph.nodes().iter().map(|node| kernel(&node.op)).max().unwrap_or(0)
}

fn search_space(large: &Graph) -> Claim {
    let swish = activations(large, ActivationKind::HardSwish);
    let relu = activations(large, ActivationKind::Relu);
    claim(
        3,
        "The search space has expansion sizes, degrees of squeeze-and-excitation, the choice of \
         activation and layers for each resolution",
        Figures::default(),
        Verdict::HoldsPartly,
        format!(
            "The network found shows that these choices were free: {} of its blocks have \
             squeeze-and-excitation, {swish} activations are h-swish and {relu} ReLU. That nothing \
             else was searched cannot be seen from it.",
            excitations(large)
        ),
    )
}

fn swish() -> Claim {
    let swish = |x: f64| x / (1.0 + (-x).exp());
    let steps = (-8000..=8000).map(|step| f64::from(step) / 1000.0);
    let difference =
        steps.map(|x| (f64::from(ActivationKind::HardSwish.apply(x as f32)) - swish(x)).abs());
    let largest = difference.fold(0.0, f64::max);
    claim(
        4,
        "h-swish is a product of two piecewise linear functions that approximates swish",
        Figures {
            quantity: "largest difference from swish between -8 and 8",
            published: Some(0.1423),
            predicted: Some(largest),
            ..Figures::default()
        },
        Verdict::of(largest < 0.15),
        "x times relu6(x + 3) / 6, as computed by every backend.",
    )
}

fn gates(large: &Graph) -> Claim {
    let (hard, soft) = (
        activations(large, ActivationKind::HardSigmoid),
        activations(large, ActivationKind::Sigmoid),
    );
    claim(
        5,
        "Gates of squeeze-and-excitation are piecewise linear instead of sigmoids",
        Figures { quantity: "hard sigmoids", predicted: Some(hard as f64), ..Figures::default() },
        Verdict::of(hard > 0 && soft == 0),
        format!("{hard} hard sigmoids and {soft} sigmoids in V3-Large."),
    )
}

fn blocks(large: &Graph) -> Claim {
    let consumers = large.consumers();
    let in_place = large.iter().filter(|(id, node)| {
        let gated = matches!(node.op, Op::Mul(_))
            && node.inputs.iter().any(|&input| large.ty(input).shape.pixels() == 1);
        let projected =
            consumers[id.index()].iter().all(|&next| matches!(large.node(next).op, Op::Conv2d(_)));
        let mut before = node.inputs.iter().map(|&input| large.node(input));
        gated
            && projected
            && before.any(|node| matches!(node.op, Op::DepthwiseConv2d(_) | Op::Activation(_)))
    });
    let in_place = in_place.count();
    claim(
        6,
        "V3's block is V2's inverted bottleneck with h-swish and mobile squeeze-and-excitation",
        Figures {
            quantity: "gates between the depthwise convolution and the projection, of all gates",
            claimed: Some(1.0),
            predicted: Some(in_place as f64 / excitations(large).max(1) as f64),
            ..Figures::default()
        },
        Verdict::of(in_place > 0 && in_place == excitations(large)),
        format!("{in_place} gates of V3-Large lie there."),
    )
}

fn minimalistic(large: &Graph, minimal: &Graph) -> Claim {
    let plain = excitations(minimal) == 0
        && activations(minimal, ActivationKind::HardSwish) == 0
        && largest_window(minimal) == 3;
    claim(
        14,
        "Minimalistic V3 does without squeeze-and-excitation, h-swish and 5 x 5 windows",
        Figures {
            quantity: "largest window",
            claimed: Some(3.0),
            predicted: Some(largest_window(minimal) as f64),
            ..Figures::default()
        },
        Verdict::of(plain),
        format!(
            "V3-Large has {} gates and windows up to {}.",
            excitations(large),
            largest_window(large)
        ),
    )
}

fn checkpoints() -> Result<Claim> {
    let published = [("mobilenet-edgetpu-1.0", 990.0), ("mobilenet-edgetpu-0.75", 624.0)];
    let mut worst: f64 = 0.0;
    for (name, millions) in published {
        let definition = models::find(name).with_context(|| format!("{name} is unknown"))?;
        let macs = definition.size(&definition.options())?.macs as f64 / 1e6;
        worst = worst.max((macs / millions - 1.0).abs());
    }
    Ok(claim(
        23,
        "Code and checkpoints, float and quantized, are released",
        Figures {
            quantity: "multiply-accumulates computed by published, furthest of two networks",
            published: Some(1.0),
            predicted: Some(1.0 + worst),
            ..Figures::default()
        },
        Verdict::of(worst < 0.01),
        "Our definitions have the published sizes, and this project's tests run released quantized \
         files to the bit.",
    ))
}

/// Claims that no run of a network decides.
fn undecided() -> Vec<Claim> {
    let undecided = |number, text, evidence: &str| {
        claim(number, text, Figures::default(), Verdict::CannotBeDecided, evidence)
    };
    vec![
        undecided(
            7,
            "MnasNet for the coarse and NetAdapt for the fine search, in sequence",
            "How a network was found cannot be seen from it, and nothing is trained here.",
        ),
        undecided(
            24,
            "Detection and segmentation are released in TensorFlow's repositories",
            "A statement about repositories. The announcement's link for segmentation leads to \
             object detection; the code is under research/deeplab.",
        ),
        undecided(
            25,
            "\"Last November\"",
            "A matter of when the text was translated: the announcement is of November 2019.",
        ),
    ]
}
