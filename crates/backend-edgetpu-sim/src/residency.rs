//! How much activation memory a network needs on each tile.

use pocketvision_core::liveness::lifetimes;
use pocketvision_core::op::Window;
use pocketvision_core::{Graph, Keep, Op};

use crate::chip::Array;
use crate::mapping::words;
use crate::{Layer, LayerKind, Place};

/// For each node, bytes of activations on the busiest tile while it runs.
///
/// Each tile holds its block of an activation together with the border that the windows of
/// later layers reach into (the halo). Relabellings share their input's bytes.
pub(crate) fn resident_bytes_per_tile(
    graph: &Graph,
    places: &[Place],
    layers: &[Layer],
    array: &Array,
) -> Vec<u64> {
    let count = graph.nodes().len();
    // What a relabelling stands for; everything else stands for itself.
    let mut origin: Vec<usize> = (0..count).collect();
    let mut footprint: Vec<(usize, usize)> = vec![(0, 0); count];
    for (id, node) in graph.iter() {
        let shape = node.output.shape;
        let block = (shape.h.div_ceil(array.tile_rows), shape.w.div_ceil(array.tile_columns));
        let index = id.index();
        if layers[index].kind == LayerKind::Relabel
            && let [input] = node.inputs[..]
        {
            origin[index] = origin[input.index()];
        }
        // Where the shape changes, the larger block is kept.
        enlarge(&mut footprint[origin[index]], block);
        let Some(window) = window(&node.op) else { continue };
        for input in &node.inputs {
            let input_shape = graph.ty(*input).shape;
            let needed = (
                reach(block.0, window.stride_h, window.kernel_h, window.dilation_h),
                reach(block.1, window.stride_w, window.kernel_w, window.dilation_w),
            );
            let bounded = (needed.0.min(input_shape.h), needed.1.min(input_shape.w));
            enlarge(&mut footprint[origin[input.index()]], bounded);
        }
    }

    let mut last_use = vec![0; count];
    for (index, lifetime) in lifetimes(graph, Keep::Outputs).into_iter().enumerate() {
        last_use[origin[index]] = last_use[origin[index]].max(*lifetime.end());
    }
    let mut touched_on_chip = vec![false; count];
    for (id, node) in graph.iter().filter(|(id, _)| places[id.index()] == Place::Chip) {
        touched_on_chip[origin[id.index()]] |= layers[id.index()].kind != LayerKind::Relabel;
        node.inputs.iter().for_each(|input| touched_on_chip[origin[input.index()]] = true);
    }
    let mut change = vec![0i128; count + 1];
    for (index, node) in graph.nodes().iter().enumerate() {
        let stored = layers[index].kind != LayerKind::Constant && touched_on_chip[index];
        if origin[index] != index || !stored {
            continue;
        }
        let (rows, columns) = footprint[index];
        let word_bytes = array.dot_depth as u64;
        let channel_bytes = words(node.output.shape.c, array) * word_bytes;
        let bytes = i128::from(crate::cost::product([rows as u64, columns as u64, channel_bytes]));
        change[index] += bytes;
        change[(last_use[index] + 1).min(count)] -= bytes;
    }
    let mut live = 0i128;
    let running = |delta: i128| {
        live += delta;
        u64::try_from(live).unwrap_or(u64::MAX)
    };
    change.into_iter().take(count).map(running).collect()
}

/// Input rows that a block of output rows reads.
fn reach(block: usize, stride: usize, kernel: usize, dilation: usize) -> usize {
    (block - 1) * stride + (kernel - 1) * dilation + 1
}

/// The window of an operator whose work is split by positions. A mean over the whole image
/// is summed where the image lies: nothing is copied for it.
fn window(op: &Op) -> Option<&Window> {
    match op {
        Op::Conv2d(op) => Some(&op.window),
        Op::DepthwiseConv2d(op) => Some(&op.window),
        _ => None,
    }
}

fn enlarge(footprint: &mut (usize, usize), other: (usize, usize)) {
    *footprint = (footprint.0.max(other.0), footprint.1.max(other.1));
}
