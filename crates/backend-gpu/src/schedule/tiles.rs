//! How work is cut: the tile of an invocation, the share of a workgroup.
//!
//! Large tiles read less, small ones keep more of the device busy; [`crate::tuning`] says which
//! of the two matters.

use pocketvision_core::op::Window;
use pocketvision_core::{Graph, NodeId, Op, TensorType};
use pocketvision_shaders::{LARGE_WORKGROUP_SIZE, Variant, WORKGROUP_SIZE, Work};

use super::Limits;
use crate::layout::quads;

/// The tile of a matrix product.
pub(super) fn product(
    pixels: usize,
    input_channels: usize,
    output: &TensorType,
    limits: &Limits,
) -> Variant {
    let output_quads = quads(output.shape.c);
    let is_float = output.element.is_float();
    let is_parallel = limits.tuning.is_parallel();
    if limits.tuning.has_fours {
        return in_fours(pixels);
    }
    let candidates: &[(usize, usize)] = match pixels {
        1..4 if is_parallel => &[(1, 1)],
        1..4 => &[(1, 2), (1, 1)],
        4..8 => &[(4, 2), (4, 1)],
        _ if is_parallel && is_float => &[(8, 2), (8, 1), (4, 1), (2, 1)],
        _ if is_parallel => &[(4, 2), (4, 1), (2, 1)],
        _ if is_float => &[(8, 2), (4, 2), (4, 1)],
        // Integers are read four at once: larger tiles save little and compile slowly.
        _ => &[(4, 2), (4, 1)],
    };
    let tiles = |&(p, q): &(usize, usize)| pixels.div_ceil(p) * output_quads.div_ceil(q);
    let (&(p, q), split) = shared(candidates, tiles, quads(input_channels), limits);
    // As many share a sum as a subgroup has, unless there is too little to share.
    let subgroup = limits.subgroup_size.map(|size| size as usize);
    let subgroup = subgroup
        .filter(|&size| split > 1 && size > 1 && quads(input_channels) >= FEWEST_LANE_QUADS * size);
    let variant = Variant {
        tile_pixels: p as u32,
        tile_quads: q.min(output_quads) as u32,
        split: subgroup.unwrap_or(split) as u32,
        has_subgroups: subgroup.is_some(),
        ..Variant::default()
    };
    if !is_parallel {
        return variant;
    }
    in_large_workgroups(variant, tiles(&(p, q)))
}

/// The tile of a product whose inputs four neighbours load for each other: few sums each, so that a
/// loop is short.
fn in_fours(pixels: usize) -> Variant {
    let (tile_pixels, has_fours) = match pixels {
        // One by one, and no sum is shared: browsers zero the memory for it in each workgroup.
        1..4 => (1, false),
        4..8 => (4, true),
        _ => (8, true),
    };
    Variant { tile_pixels, has_fours, workgroup_size: FOURS_WORKGROUP_SIZE, ..Variant::default() }
}

/// The same tiles with as many invocations in a workgroup as leave enough workgroups: fewer are sooner
/// begun.
fn in_large_workgroups(variant: Variant, tiles: usize) -> Variant {
    let (split, area) = (variant.split, variant.tile_pixels * variant.tile_quads);
    let fits = |&size: &u32| {
        let shared_bytes = if split > 1 { 16 * size * area } else { 0 };
        let workgroups = tiles * split as usize / size as usize;
        shared_bytes <= MOST_SHARED_BYTES && workgroups >= MANY_WORKGROUPS
    };
    let size = [LARGE_WORKGROUP_SIZE, LARGE_WORKGROUP_SIZE / 2].into_iter().find(fits);
    Variant { workgroup_size: size.unwrap_or(WORKGROUP_SIZE), ..variant }
}

/// Workgroups for so many tiles.
pub(super) const fn work(variant: &Variant, tiles: usize) -> Work {
    let teams = variant.workgroup_size / variant.team();
    Work::Workgroups((tiles as u32).div_ceil(teams))
}

/// The first of some tiles, large ones first, that leaves the device enough to do, and how many
/// share the sums of one.
fn shared<'a, T>(
    candidates: &'a [T],
    tiles: impl Fn(&T) -> usize,
    input_quads: usize,
    limits: &Limits,
) -> (&'a T, usize) {
    let busy = limits.tuning.busy_invocations;
    let is_parallel = limits.tuning.is_parallel();
    let (most, least_quads) = match is_parallel {
        true => (WORKGROUP_SIZE as usize, FEW_SHARED_QUADS),
        false => (MOST_SHARES, FEWEST_SHARED_QUADS),
    };
    let shares = |tiles: usize| {
        let mut split = 1;
        while split < most && tiles * split < busy && input_quads >= least_quads * 2 * split {
            split *= 2;
        }
        split
    };
    let is_busy = |candidate: &&T| {
        let tiles = tiles(candidate);
        let shares = if is_parallel { shares(tiles) } else { 1 };
        tiles * shares >= busy
    };
    let chosen = candidates.iter().find(is_busy).unwrap_or(&candidates[candidates.len() - 1]);
    (chosen, shares(tiles(chosen)))
}

/// The tile of a convolution alone.
pub(super) fn convolution(
    window: &Window,
    input_channels: usize,
    output: &TensorType,
    limits: &Limits,
) -> Variant {
    let is_float = output.element.is_float();
    if limits.tuning.is_parallel() {
        let widths = widths(window, output);
        let tiles = |&p: &usize| runs(output, p) * quads(output.shape.c);
        let (&p, split) = shared(&widths, tiles, quads(input_channels), limits);
        let variant = Variant { split: split as u32, ..windowed_by(window, p, 1) };
        return in_large_workgroups(variant, tiles(&p));
    }
    let q = if quads(output.shape.c) > 1 && is_float { 2 } else { 1 };
    let variant = windowed(window, output, q, limits);
    if !limits.tuning.has_fours || variant.tile_pixels < 4 {
        return variant;
    }
    Variant { has_fours: true, workgroup_size: FOURS_WORKGROUP_SIZE, ..variant }
}

/// The tile of a depthwise convolution alone.
pub(super) fn depthwise(window: &Window, output: &TensorType, limits: &Limits) -> Variant {
    if limits.tuning.is_parallel() {
        let widths = widths(window, output);
        let tiles = |&p: &usize| runs(output, p) * quads(output.shape.c);
        let (&p, _) = shared(&widths, tiles, 0, limits);
        return windowed_by(window, p, 1);
    }
    let variant = windowed(window, output, 1, limits);
    Variant { has_fours: limits.tuning.has_fours && variant.tile_pixels >= 4, ..variant }
}

/// Runs of so many pixels.
pub(super) fn runs(output: &TensorType, tile_pixels: usize) -> usize {
    output.shape.n * output.shape.h * output.shape.w.div_ceil(tile_pixels)
}

/// Widths of runs, wide ones first, that leave no pixel of most networks' rows idle.
fn widths(window: &Window, output: &TensorType) -> Vec<usize> {
    let wide = if output.shape.w.is_multiple_of(7) { 7 } else { 8 };
    let fits = |&p: &usize| p <= output.shape.w && columns(window, p) <= MOST_COLUMNS;
    let mut widths: Vec<usize> = [wide, 4, 2].into_iter().filter(fits).collect();
    widths.push(1);
    widths
}

/// The tile of a convolution and the 1x1 convolution after it, and the runs of a workgroup; or
/// `None` if no run's hidden channels fit workgroup memory.
pub(super) fn project(
    graph: &Graph,
    first: NodeId,
    project: NodeId,
    limits: &Limits,
) -> Option<(Variant, usize)> {
    let hidden = graph.ty(first);
    let window = window_of(graph, first)?;
    let output_quads = quads(graph.ty(project).shape.c);
    let per_vector = if hidden.element.is_float() { 1 } else { 4 };
    let stride = quads(hidden.shape.c).next_multiple_of(2);
    let room = limits.memory_vectors as usize * per_vector;
    // A dense window of integers takes many instructions for each output.
    let is_dense = matches!(graph.node(first).op, Op::Conv2d(_));
    let q = if is_dense && !hidden.element.is_float() { 1 } else { 2 };
    let mut variant = windowed(&window, hidden, q.min(output_quads), limits);
    let room_for = |variant: &Variant| room / (variant.tile_pixels as usize * stride);
    if room_for(&variant) == 0 {
        variant.tile_pixels = 4;
    }
    let most = room_for(&variant);
    if most == 0 {
        return None;
    }
    variant.memory_vectors = limits.memory_vectors;
    let row_runs = hidden.shape.w.div_ceil(variant.tile_pixels as usize);
    let runs = hidden.shape.n * hidden.shape.h * row_runs;
    // As few as keep a workgroup busy, or, where there is little to keep busy, as many as leave
    // each thread several workgroups.
    let blocks = output_quads.div_ceil(variant.tile_quads as usize);
    let wanted = if limits.tuning.has_few_workgroups {
        runs.div_ceil(FEW_WORKGROUPS)
    } else {
        (WORKGROUP_SIZE as usize).div_ceil(blocks)
    };
    Some((variant, wanted.clamp(1, most.min(runs))))
}

/// How an expansion and its depthwise convolution are cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Band {
    pub(super) variant: Variant,
    /// Quads of a workgroup.
    pub(super) slice: usize,
    pub(super) rows: usize,
    pub(super) bands: usize,
}

/// The bands of a depthwise convolution that is computed with its expansion, or `None` if
/// workgroup memory is too small for that to pay, or not even one row of one quad fits it.
pub(super) fn band(graph: &Graph, depthwise: NodeId, limits: &Limits) -> Option<Band> {
    if limits.memory_vectors < LEAST_BAND_VECTORS {
        return None;
    }
    let window = window_of(graph, depthwise)?;
    let input = graph.ty(graph.node(depthwise).inputs[0]).shape;
    let output = graph.ty(depthwise).shape;
    let reach = (window.kernel_h - 1) * window.dilation_h + 1;
    let input_rows = |rows: usize| ((rows - 1) * window.stride_h + reach).min(input.h);
    let cut = |slice: usize| {
        let fits =
            |rows: &usize| input_rows(*rows) * input.w * slice <= limits.memory_vectors as usize;
        let most = (1..=output.h).take_while(fits).last()?;
        let bands = output.h.div_ceil(most);
        let rows = output.h.div_ceil(bands);
        Some((slice, rows, output.h.div_ceil(rows)))
    };
    let slices = [4, 2, 1].into_iter().filter(|&slice| slice <= quads(output.c).max(1));
    let cuts: Vec<_> = slices.filter_map(cut).collect();
    let recomputed = |&&(_, rows, bands): &&(usize, usize, usize)| input_rows(rows) * bands;
    let &(slice, rows, bands) = cuts.iter().min_by_key(recomputed)?;
    let variant = Variant {
        tile_quads: slice.min(2) as u32,
        memory_vectors: limits.memory_vectors,
        ..windowed(&window, graph.ty(depthwise), 1, limits)
    };
    Some(Band { variant, slice, rows, bands })
}

/// The tile of a 1x1 convolution whose image is pooled.
pub(super) fn product_pool(pixels: usize, output_channels: usize, limits: &Limits) -> Variant {
    let workgroup_size = workgroup_of_pool(limits);
    let tile_pixels = match pixels {
        1..8 => 1,
        // Four for each of many invocations are more than fits every device's workgroup memory.
        _ if workgroup_size > WORKGROUP_SIZE => 2,
        _ => 4,
    };
    let blocks = pixels.div_ceil(tile_pixels);
    // Invocations that would have no pixels share the inputs.
    let idle = workgroup_size as usize / blocks.next_power_of_two();
    let split = if limits.tuning.has_few_workgroups { 1 } else { idle.clamp(1, MOST_SHARES) };
    let tile_quads =
        if limits.tuning.has_few_workgroups { 2.min(quads(output_channels)) } else { 1 };
    Variant {
        tile_pixels: tile_pixels as u32,
        tile_quads: tile_quads as u32,
        split: split as u32,
        workgroup_size,
        has_subgroups: limits.subgroup_size.is_some(),
        ..Variant::default()
    }
}

/// Invocations of a workgroup that sums up an image: on a device with invocations to spare, many.
pub(super) fn workgroup_of_pool(limits: &Limits) -> u32 {
    if limits.tuning.is_parallel() { LARGE_WORKGROUP_SIZE } else { WORKGROUP_SIZE }
}

/// Whether a window's columns are few enough to be written out.
pub(super) const fn can_unroll(window: &Window) -> bool {
    let reach = (window.kernel_w - 1) * window.dilation_w + 1;
    window.kernel_w <= 7 && window.stride_w <= 4 && reach <= 16
}

fn windowed(window: &Window, output: &TensorType, tile_quads: usize, limits: &Limits) -> Variant {
    let is_float = output.element.is_float();
    let output = output.shape;
    let wide =
        limits.tuning.is_wide && is_float && output.w > 4 && columns(window, 8) < MOST_COLUMNS;
    let tile_pixels = match output.w {
        1 => 1,
        2..4 => 2,
        // Many columns of few outputs take long to compile.
        _ if limits.tuning.has_fours && window.stride_w > 1 => 4,
        w if limits.tuning.has_fours && wide && w.is_multiple_of(7) => 7,
        _ if wide => 8,
        _ => 4,
    };
    windowed_by(window, tile_pixels, tile_quads)
}

fn windowed_by(window: &Window, tile_pixels: usize, tile_quads: usize) -> Variant {
    Variant {
        tile_pixels: tile_pixels as u32,
        tile_quads: tile_quads as u32,
        kernel_width: window.kernel_w as u32,
        stride_width: window.stride_w as u32,
        dilation_width: window.dilation_w as u32,
        ..Variant::default()
    }
}

/// Input columns from under the first to under the last pixel of a run.
fn columns(window: &Window, tile_pixels: usize) -> usize {
    (tile_pixels - 1) * window.stride_w + (window.kernel_w - 1) * window.dilation_w
}

fn window_of(graph: &Graph, id: NodeId) -> Option<Window> {
    match &graph.node(id).op {
        Op::Conv2d(op) => Some(op.window),
        Op::DepthwiseConv2d(op) => Some(op.window),
        _ => None,
    }
}

/// Invocations that may share a sum.
const MOST_SHARES: usize = 16;
/// Input quads that are worth an invocation of their own.
const FEWEST_SHARED_QUADS: usize = 4;
/// The same on a device with invocations to spare.
const FEW_SHARED_QUADS: usize = 2;
/// Invocations of a workgroup of fours: as few as leave each thread several workgroups of the smallest
/// layers. Larger ones for larger layers would be pipelines of their own, and gain nothing.
const FOURS_WORKGROUP_SIZE: u32 = 16;
/// Workgroups that keep each processor of a device busy, and one as much as another.
const MANY_WORKGROUPS: usize = 128;
/// Workgroup memory that every device has.
const MOST_SHARED_BYTES: u32 = 16384;
/// Input quads that are worth an invocation of a subgroup, which adds without memory.
const FEWEST_LANE_QUADS: usize = 2;
/// Workgroups that a few threads share evenly enough.
const FEW_WORKGROUPS: usize = 16;
/// With less workgroup memory bands are small and many, and their borders are computed again: an
/// expansion with a dispatch of its own was faster (docs/performance.md, 256 vectors in a browser).
const LEAST_BAND_VECTORS: u32 = 512;
/// Input columns of a run that registers have room for.
const MOST_COLUMNS: usize = 24;
