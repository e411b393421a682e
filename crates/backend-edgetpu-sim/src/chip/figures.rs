//! The figures of a chip as a list, and the range that each must lie in.

use std::ops::RangeInclusive;

use super::{Chip, ChipError};

/// One figure of a chip.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// Its name in the file, as in `array.tile_rows`.
    pub name: &'static str,
    /// Its value, in the unit that its name says.
    pub value: f64,
    /// What it may be.
    pub range: RangeInclusive<f64>,
}

impl Chip {
    /// All figures, in the order of the file: for tables and sweeps.
    pub fn figures(&self) -> impl ExactSizeIterator<Item = Figure> {
        let Self { array, memory, link, cycles, energy, host, .. } = self;
        let values = [
            array.tile_rows as f64,
            array.tile_columns as f64,
            array.lanes_per_tile as f64,
            array.dot_depth as f64,
            array.lane_group as f64,
            array.clock_mhz,
            memory.narrow_bytes_per_tile as f64,
            memory.wide_bytes_per_tile as f64,
            memory.parameter_bytes_per_tile as f64,
            link.host_to_device_bytes_per_second,
            link.device_to_host_bytes_per_second,
            link.fixed_call_ms,
            link.instruction_bytes_per_operator as f64,
            cycles.per_multiply_step,
            cycles.per_depthwise_step,
            cycles.per_output_word,
            cycles.per_vector_word,
            cycles.stall_fraction,
            energy.mac_pj,
            energy.narrow_read_pj_per_byte,
            energy.narrow_write_pj_per_byte,
            energy.wide_read_pj_per_byte,
            energy.ring_pj_per_byte,
            energy.link_pj_per_byte,
            energy.idle_w,
            host.macs_per_second,
            host.bytes_per_second,
            host.mac_pj,
        ];
        let figure = |((name, range), value)| Figure { name, value, range };
        RANGES.into_iter().zip(values).map(figure)
    }

    /// Checks every figure, as reading a file does: for chips that a program has changed.
    ///
    /// # Errors
    /// [`ChipError::Range`] for the first figure that no chip can have.
    pub fn check(&self) -> Result<(), ChipError> {
        self.check_as(&self.name)
    }

    /// [`Chip::check`], with what errors call the chip.
    pub(super) fn check_as(&self, file: &str) -> Result<(), ChipError> {
        for Figure { name, value, range } in self.figures() {
            if !range.contains(&value) {
                return Err(out_of_range(file, name, &value, bounds(&range)));
            }
        }
        let (array, memory) = (&self.array, &self.memory);
        if !array.lanes_per_tile.is_multiple_of(array.lane_group) {
            let allowed = format!("it must divide lanes_per_tile = {}", array.lanes_per_tile);
            return Err(out_of_range(file, "array.lane_group", &array.lane_group, allowed));
        }
        if memory.parameter_bytes_per_tile > memory.wide_bytes_per_tile {
            let allowed = format!("at most wide_bytes_per_tile = {}", memory.wide_bytes_per_tile);
            let (field, value) =
                ("memory.parameter_bytes_per_tile", &memory.parameter_bytes_per_tile);
            return Err(out_of_range(file, field, value, allowed));
        }
        Ok(())
    }
}

/// The range of a figure, in words; for errors about values that are no figures at all.
pub(super) fn allowed(field: &str) -> String {
    let range = RANGES.into_iter().find(|(name, _)| *name == field).map(|(_, range)| range);
    range.map_or_else(String::new, |range| bounds(&range))
}

pub(super) fn out_of_range(
    file: &str,
    field: &str,
    value: &dyn ToString,
    allowed: String,
) -> ChipError {
    let (file, field, value) = (file.to_owned(), field.to_owned(), value.to_string());
    ChipError::Range { file, field, value, allowed }
}

fn bounds(range: &RangeInclusive<f64>) -> String {
    let (low, high) = (range.start(), range.end());
    if *high < 1e7 { format!("{low} to {high}") } else { format!("{low} to {high:e}") }
}

/// What each figure may be: wide enough for any chip, narrow enough that nothing overflows
/// or is divided by zero.
const RANGES: [(&str, RangeInclusive<f64>); 28] = [
    ("array.tile_rows", 1.0..=1024.0),
    ("array.tile_columns", 1.0..=1024.0),
    ("array.lanes_per_tile", 1.0..=4096.0),
    ("array.dot_depth", 1.0..=256.0),
    ("array.lane_group", 1.0..=4096.0),
    ("array.clock_mhz", 0.001..=1e6),
    ("memory.narrow_bytes_per_tile", 1.0..=TEBIBYTE),
    ("memory.wide_bytes_per_tile", 1.0..=TEBIBYTE),
    ("memory.parameter_bytes_per_tile", 0.0..=TEBIBYTE),
    ("link.host_to_device_bytes_per_second", RATE_PER_SECOND),
    ("link.device_to_host_bytes_per_second", RATE_PER_SECOND),
    ("link.fixed_call_ms", 0.0..=1e6),
    ("link.instruction_bytes_per_operator", 0.0..=1e9),
    ("cycles.per_multiply_step", COST),
    ("cycles.per_depthwise_step", COST),
    ("cycles.per_output_word", COST),
    ("cycles.per_vector_word", COST),
    ("cycles.stall_fraction", COST),
    ("energy.mac_pj", COST),
    ("energy.narrow_read_pj_per_byte", COST),
    ("energy.narrow_write_pj_per_byte", COST),
    ("energy.wide_read_pj_per_byte", COST),
    ("energy.ring_pj_per_byte", COST),
    ("energy.link_pj_per_byte", COST),
    ("energy.idle_w", COST),
    ("host.macs_per_second", RATE_PER_SECOND),
    ("host.bytes_per_second", RATE_PER_SECOND),
    ("host.mac_pj", COST),
];

/// Bytes of one tile's memory.
const TEBIBYTE: f64 = (1u64 << 40) as f64;
/// Bytes or multiply-accumulates a second.
const RATE_PER_SECOND: RangeInclusive<f64> = 1.0..=1e18;
/// Cycles a word, picojoules a byte, watts.
const COST: RangeInclusive<f64> = 0.0..=1e6;
