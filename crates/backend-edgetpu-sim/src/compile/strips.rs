//! Which activations are never whole on the chip.
//!
//! Where two neighbouring activations do not fit together, the larger is handed on in strips: a
//! few channels or rows on each tile pass through wide memory, beside the weights, and are
//! consumed before the next ones are made. Layers that hand each other strips form a segment.
//! Strips of channels cost nothing, and will do if the readers are depthwise. Strips of rows
//! are for the others: rows that the next strip needs again are kept, rows beyond the tile's
//! own, which its neighbour computes at another time, are computed twice. What strips do not
//! help is spilled to the host.

use std::ops::RangeInclusive;

use pocketvision_core::op::Window;

use super::TooLarge;
use super::blocks::{Block, reach};
use super::placement::first_fit;
use crate::{Chip, LayerKind, Place, Workload};

/// How the rows of each layer are cut, and what that needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tiling {
    /// Strips of each layer.
    pub(super) strips: Vec<u64>,
    /// Rows that the busiest tile computes in all strips.
    pub(super) rows_per_tile: Vec<u64>,
    /// Bytes that each layer exchanges with the host for lack of memory.
    pub(super) spilled_bytes: Vec<u64>,
    /// Most bytes of activations that one tile holds at once.
    pub(super) narrow_bytes_per_tile: u64,
}

/// Cuts as little as is needed.
pub(super) fn cut(
    workload: &Workload,
    places: &[Place],
    blocks: &[Block],
    chip: &Chip,
) -> Result<Tiling, TooLarge> {
    let mut cutter = Cutter::new(workload, places, blocks, chip);
    cutter.update();
    while let Some((step, bytes)) = cutter.first_overflow() {
        if !(cutter.strip(step) || cutter.spill(step)) {
            let limit_bytes = chip.memory.narrow_bytes_per_tile;
            let layer = cutter.readers[step].first().copied().unwrap_or(step);
            let is_input = workload.layers()[step].kind == LayerKind::Input;
            let layer = if is_input { layer } else { step };
            return Err(TooLarge { layer, needed_bytes: bytes, limit_bytes });
        }
        cutter.update();
    }
    Ok(cutter.tiling())
}

/// How an activation lies in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Residence {
    Whole,
    /// Some rows at a time in wide memory, from one layer to the next.
    Strips,
    /// In the host's memory, the rows of one output row on the chip while a layer works on it.
    Host,
}

/// Neighbouring layers that run strip by strip.
type Segment = RangeInclusive<usize>;

struct Cutter<'a> {
    workload: &'a Workload,
    blocks: &'a [Block],
    chip: &'a Chip,
    on_chip: Vec<bool>,
    /// For each activation, by its origin: the layers that read it.
    readers: Vec<Vec<usize>>,
    is_output: Vec<bool>,
    residence: Vec<Residence>,
    segments: Vec<Segment>,
    /// For each origin: rows on a tile at a time.
    rows: Vec<usize>,
    /// For each layer: rows that the busiest tile computes, its neighbours' included.
    computed_rows: Vec<usize>,
    buffers: Vec<(u64, RangeInclusive<usize>)>,
    /// For each layer: bytes on the busiest tile.
    live: Vec<u64>,
}

impl<'a> Cutter<'a> {
    fn new(workload: &'a Workload, places: &[Place], blocks: &'a [Block], chip: &'a Chip) -> Self {
        let count = blocks.len();
        let works = |index: usize| workload.layers()[index].kind.works();
        let on_chip = (0..count).map(|i| places[i] == Place::Chip && works(i)).collect();
        let mut readers = vec![Vec::new(); count];
        for index in (0..count).filter(|&index| works(index)) {
            for &input in workload.inputs(index) {
                let readers: &mut Vec<usize> = &mut readers[blocks[input].origin];
                if readers.last() != Some(&index) {
                    readers.push(index);
                }
            }
        }
        let mut is_output = vec![false; count];
        workload.outputs().iter().for_each(|&output| is_output[blocks[output].origin] = true);
        Self {
            workload,
            blocks,
            chip,
            on_chip,
            readers,
            is_output,
            residence: vec![Residence::Whole; count],
            segments: Vec::new(),
            rows: blocks.iter().map(|block| block.rows).collect(),
            computed_rows: blocks.iter().map(|block| block.rows).collect(),
            buffers: Vec::with_capacity(count + 4),
            live: vec![0; count],
        }
    }

    fn own_rows(&self, layer: usize) -> usize {
        self.workload.layers()[layer].output.h.div_ceil(self.chip.array.tile_rows).max(1)
    }

    fn window(&self, layer: usize) -> Option<&Window> {
        self.workload.layers()[layer].window.as_ref()
    }

    /// Rows of its input that a layer reads for so many rows of its output.
    fn rows_read(&self, layer: usize, rows: usize) -> usize {
        match self.window(layer) {
            Some(window) => reach(rows, window.stride_h, window.kernel_h, window.dilation_h),
            None => rows,
        }
    }

    /// Recomputes rows, lives and bytes after a decision.
    fn update(&mut self) {
        self.count_rows();
        self.list_buffers();
        let mut change = vec![0i128; self.live.len() + 1];
        for (bytes, life) in &self.buffers {
            change[*life.start()] += i128::from(*bytes);
            change[life.end() + 1] -= i128::from(*bytes);
        }
        let mut sum = 0i128;
        for (live, change) in self.live.iter_mut().zip(change) {
            sum += change;
            *live = u64::try_from(sum).unwrap_or(u64::MAX);
        }
    }

    fn count_rows(&mut self) {
        for index in 0..self.rows.len() {
            self.rows[index] = self.blocks[index].rows;
            self.computed_rows[index] = self.own_rows(index);
        }
        for segment in self.segments.clone() {
            if self.cuts_channels(&segment) {
                continue;
            }
            // From the last layer to the first: each says how many rows it reads.
            for layer in segment.rev().filter(|&layer| self.on_chip[layer]) {
                let rows = self.computed_rows[layer];
                for &input in self.workload.inputs(layer) {
                    let origin = self.blocks[input].origin;
                    if self.residence[origin] == Residence::Strips {
                        let height = self.workload.layers()[origin].output.h;
                        let read = self.rows_read(layer, rows).min(height);
                        self.computed_rows[origin] = self.computed_rows[origin].max(read);
                    }
                }
            }
        }
        for index in 0..self.rows.len() {
            if self.residence[index] == Residence::Host {
                let read = self.readers[index].iter().map(|&reader| self.rows_read(reader, 1));
                self.rows[index] = read.max().unwrap_or(1).min(self.blocks[index].rows).max(1);
            }
        }
    }

    /// True if all that a segment hands on is read channel by channel: then strips are of
    /// channels, and nothing is computed twice.
    fn cuts_channels(&self, segment: &Segment) -> bool {
        let by_channel = |&reader: &usize| {
            matches!(
                self.workload.layers()[reader].kind,
                LayerKind::Depthwise { .. } | LayerKind::Vector
            )
        };
        segment
            .clone()
            .filter(|&layer| self.residence[layer] == Residence::Strips)
            .all(|layer| self.readers[layer].iter().all(by_channel))
    }

    fn list_buffers(&mut self) {
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.clear();
        let end = self.blocks.len() - 1;
        for (index, block) in self.blocks.iter().enumerate() {
            if block.origin != index || !block.stored {
                continue;
            }
            let bytes = block.bytes(self.rows[index]);
            let readers = self.readers[index].iter().copied().filter(|&i| self.on_chip[i]);
            if self.residence[index] == Residence::Host {
                let at = |layer: usize| (bytes, layer..=layer);
                buffers.extend(readers.chain([index]).map(at));
                continue;
            }
            if self.residence[index] == Residence::Strips {
                continue;
            }
            let last = readers.max().unwrap_or(index);
            let (mut first, mut last) = (index, if self.is_output[index] { end } else { last });
            for segment in &self.segments {
                if segment.contains(&index) {
                    first = first.min(*segment.start());
                }
                if self.readers[index].iter().any(|reader| segment.contains(reader)) {
                    last = last.max(*segment.end());
                }
            }
            buffers.push((bytes, first..=last));
        }
        for (index, layer) in self.workload.layers().iter().enumerate() {
            match layer.kind {
                LayerKind::Input if self.blocks[index].stored => {
                    buffers.push((self.staging_bytes(index), index..=index));
                }
                LayerKind::GlobalPool if self.on_chip[index] => {
                    self.list_gather(index, &mut buffers);
                }
                _ => {}
            }
        }
        self.buffers = buffers;
    }

    /// Two slots through which rows of an input come in before they are spread over the tile,
    /// with the constants that pad their channels to whole words.
    fn staging_bytes(&self, input: usize) -> u64 {
        let shape = self.workload.layers()[input].output;
        let row = (shape.w * shape.c) as u64;
        let rows_in_whole_words = match row % 4 {
            0 => 1,
            2 => 2,
            _ => 4,
        };
        let constants = if shape.c.is_multiple_of(4) { 16 } else { 272 };
        2 * (row.saturating_mul(rows_in_whole_words)).max(256) + constants
    }

    /// A global average gathers the image on one tile, in two or more parts if it is large, and
    /// keeps its result twice: as it is computed and as the next layer reads it.
    fn list_gather(&self, pool: usize, buffers: &mut Vec<(u64, RangeInclusive<usize>)>) {
        let Some(&input) = self.workload.inputs(pool).first() else { return };
        let block = &self.blocks[self.blocks[input].origin];
        let shape = self.workload.layers()[input].output;
        let result = self.blocks[pool].position_bytes;
        let image = (shape.pixels() as u64).saturating_mul(result);
        let own = block.bytes(block.rows);
        let room = self.chip.memory.narrow_bytes_per_tile.saturating_sub(own + 3 * result);
        let parts = image.div_ceil(room.max(1)).next_power_of_two().min(result.max(1));
        // The tile that gathers has its own block already.
        buffers.push(((image / parts).saturating_sub(own), pool..=pool));
        let copy = result + self.chip.array.dot_depth as u64;
        buffers.push((copy, pool..=(pool + 1).min(self.blocks.len() - 1)));
    }

    fn first_overflow(&self) -> Option<(usize, u64)> {
        let limit = self.chip.memory.narrow_bytes_per_tile;
        let step = self.live.iter().position(|&bytes| bytes > limit)?;
        Some((step, self.live[step]))
    }

    /// Cuts the largest activation at a layer that can be handed on in strips, if there is one.
    fn strip(&mut self, step: usize) -> bool {
        let around = self.segments.iter().find(|segment| segment.contains(&step));
        let layers = around.cloned().unwrap_or(step..=step);
        let largest = layers
            .flat_map(|layer| self.workload.inputs(layer).iter().copied().chain([layer]))
            .map(|touched| self.blocks[touched].origin)
            .filter(|&origin| self.can_be_cut(origin))
            .max_by_key(|&origin| self.blocks[origin].bytes(self.rows[origin]));
        let Some(origin) = largest else { return false };
        self.residence[origin] = Residence::Strips;
        let reader = self.readers[origin].first().copied();
        let is_input = self.workload.layers()[origin].kind == LayerKind::Input;
        let start = if is_input { reader.unwrap_or(origin) } else { origin };
        let mut segment: Segment = start..=reader.unwrap_or(origin);
        self.segments.retain(|other| {
            let apart = other.end() < segment.start() || segment.end() < other.start();
            if !apart {
                let start = *segment.start().min(other.start());
                segment = start..=*segment.end().max(other.end());
            }
            apart
        });
        self.segments.push(segment);
        true
    }

    fn can_be_cut(&self, origin: usize) -> bool {
        let layer = &self.workload.layers()[origin];
        let readers = &self.readers[origin];
        let produced = self.on_chip[origin] || layer.kind == LayerKind::Input;
        if !produced || !self.blocks[origin].stored || self.blocks[origin].rows < 2 {
            return false;
        }
        let follows = |reader: usize| {
            let between = origin + 1..reader;
            let is_input = layer.kind == LayerKind::Input;
            let by_rows = self.workload.layers()[reader].output.h > 1
                && self.workload.layers()[reader].kind != LayerKind::GlobalPool;
            self.on_chip[reader]
                && by_rows
                && (is_input || between.into_iter().all(|i| !self.on_chip[i]))
        };
        self.residence[origin] == Residence::Whole
            && match (&readers[..], self.is_output[origin]) {
                ([reader], false) => follows(*reader),
                ([], true) => self.on_chip[origin],
                _ => false,
            }
    }

    /// Leaves the largest activation that lies on the chip at a layer to the host, rather one
    /// that waits for a later layer than one that is worked on.
    fn spill(&mut self, step: usize) -> bool {
        let lies_here = |origin: &usize| {
            let block = &self.blocks[*origin];
            block.origin == *origin
                && block.stored
                && self.residence[*origin] == Residence::Whole
                && *origin <= step
                && self.readers[*origin].iter().any(|&reader| reader >= step)
                || *origin == step && self.residence[step] == Residence::Whole
        };
        let touched = |origin: usize| {
            origin == step
                || self.workload.inputs(step).iter().any(|&i| self.blocks[i].origin == origin)
        };
        let largest = (0..self.blocks.len()).filter(lies_here).max_by_key(|&origin| {
            let bytes = self.blocks[origin].bytes(self.rows[origin]);
            (!touched(origin), bytes)
        });
        let Some(origin) = largest else { return false };
        self.residence[origin] = Residence::Host;
        true
    }

    /// In how many strips a segment runs: as few as wide memory allows beside the weights,
    /// which are taken to fill half of it.
    fn strips(&self, segment: &Segment) -> u64 {
        let rows = self.own_rows(*segment.end()) as u64;
        let in_strips = segment.clone().filter(|&layer| self.residence[layer] == Residence::Strips);
        let bytes = in_strips.map(|layer| self.blocks[layer].bytes(self.computed_rows[layer]));
        let room = (self.chip.memory.wide_bytes_per_tile / 2).max(1);
        bytes.sum::<u64>().div_ceil(room).clamp(1, rows)
    }

    fn tiling(self) -> Tiling {
        let count = self.blocks.len();
        let mut tiling = Tiling {
            strips: vec![1; count],
            rows_per_tile: (0..count).map(|layer| self.own_rows(layer) as u64).collect(),
            spilled_bytes: vec![0; count],
            narrow_bytes_per_tile: 0,
        };
        for segment in &self.segments {
            let strips = self.strips(segment);
            for layer in segment.clone().filter(|&layer| self.on_chip[layer]) {
                tiling.strips[layer] = strips;
                tiling.rows_per_tile[layer] = self.computed_rows[layer] as u64;
            }
        }
        for origin in (0..count).filter(|&i| self.residence[i] == Residence::Host) {
            let layer = &self.workload.layers()[origin];
            let is_input = layer.kind == LayerKind::Input;
            if !is_input && !self.is_output[origin] {
                tiling.spilled_bytes[origin] += layer.output_bytes;
            }
            // The first reader of an input gets it as it comes.
            for &reader in self.readers[origin].iter().skip(usize::from(is_input)) {
                tiling.spilled_bytes[reader] += layer.output_bytes;
            }
        }
        let live = self.live.iter().copied().max().unwrap_or(0);
        let placed = first_fit(&self.buffers);
        let limit = self.chip.memory.narrow_bytes_per_tile;
        // Where memory is scarce, a placement without gaps is searched.
        let scarce = placed > limit || !self.segments.is_empty();
        tiling.narrow_bytes_per_tile = if scarce { live } else { placed };
        tiling
    }
}
