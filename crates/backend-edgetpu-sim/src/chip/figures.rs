//! The figures of a chip as a list, and the range that each must lie in.

use std::ops::RangeInclusive;

use Kind::{Real, Whole};

use super::error::nearest;
use super::{Chip, ChipError, Dataflow};

/// One figure of a chip.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::Chip;
///
/// let chip = Chip::preset("coral-usb")?;
/// for figure in chip.figures() {
///     assert!(figure.range.contains(&figure.value), "{}", figure.name);
/// }
/// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
/// ```
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
            f64::from(u8::from(link.sends_program)),
            cycles.per_multiply_step,
            cycles.per_weight_fill,
            cycles.per_depthwise_tap,
            cycles.per_depthwise_output_word,
            cycles.per_exposed_output_word,
            cycles.per_vector_word,
            cycles.per_halo_word,
            cycles.per_layer,
            cycles.measured_multiply_factor,
            cycles.measured_per_depthwise_tap,
            energy.mac_pj,
            energy.narrow_read_pj_per_byte,
            energy.narrow_write_pj_per_byte,
            energy.wide_read_pj_per_byte,
            energy.wide_write_pj_per_byte,
            energy.ring_pj_per_byte,
            energy.link_pj_per_byte,
            energy.idle_w,
            host.macs_per_second,
            host.bytes_per_second,
            host.mac_pj,
        ];
        let figure = |((name, _, range), value)| Figure { name, value, range };
        LIMITS.into_iter().zip(values).map(figure)
    }

    /// Sets one figure by its name, for sweeps; it is checked with the chip.
    ///
    /// ```
    /// use pocketvision_backend_edgetpu_sim::{Chip, ChipError};
    ///
    /// let mut chip = Chip::preset("coral-usb")?;
    /// chip.set("array.clock_mhz", 250.0)?;
    /// assert_eq!(chip.array.clock_mhz, 250.0);
    /// assert!(matches!(chip.set("array.clock_mhz", -1.0), Err(ChipError::Range { .. })));
    /// assert!(matches!(chip.set("array.clock", 1.0), Err(ChipError::UnknownField { .. })));
    /// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
    /// ```
    ///
    /// # Errors
    /// [`ChipError::UnknownField`] if no figure has this name, [`ChipError::Range`] if the value
    /// cannot be.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), ChipError> {
        let Some((_, kind, range)) = LIMITS.iter().find(|(known, ..)| *known == name) else {
            let near = nearest(name, LIMITS.iter().map(|(known, ..)| *known));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let (file, field) = (self.name.clone(), name.to_owned());
            return Err(ChipError::UnknownField { file, field, hint });
        };
        if !range.contains(&value) {
            return Err(out_of_range(&self.name, name, &value, bounds(range)));
        }
        if *kind == Whole && value.fract() != 0.0 {
            let allowed = format!("whole numbers from {}", bounds(range));
            return Err(out_of_range(&self.name, name, &value, allowed));
        }
        let Self { array, memory, link, cycles, energy, host, .. } = self;
        match name {
            "array.tile_rows" => array.tile_rows = value as usize,
            "array.tile_columns" => array.tile_columns = value as usize,
            "array.lanes_per_tile" => array.lanes_per_tile = value as usize,
            "array.dot_depth" => array.dot_depth = value as usize,
            "array.lane_group" => array.lane_group = value as usize,
            "array.clock_mhz" => array.clock_mhz = value,
            "memory.narrow_bytes_per_tile" => memory.narrow_bytes_per_tile = value as u64,
            "memory.wide_bytes_per_tile" => memory.wide_bytes_per_tile = value as u64,
            "memory.parameter_bytes_per_tile" => memory.parameter_bytes_per_tile = value as u64,
            "link.host_to_device_bytes_per_second" => link.host_to_device_bytes_per_second = value,
            "link.device_to_host_bytes_per_second" => link.device_to_host_bytes_per_second = value,
            "link.fixed_call_ms" => link.fixed_call_ms = value,
            "link.sends_program" => link.sends_program = value >= 0.5,
            "cycles.per_multiply_step" => cycles.per_multiply_step = value,
            "cycles.per_weight_fill" => cycles.per_weight_fill = value,
            "cycles.per_depthwise_tap" => cycles.per_depthwise_tap = value,
            "cycles.per_depthwise_output_word" => cycles.per_depthwise_output_word = value,
            "cycles.per_exposed_output_word" => cycles.per_exposed_output_word = value,
            "cycles.per_vector_word" => cycles.per_vector_word = value,
            "cycles.per_halo_word" => cycles.per_halo_word = value,
            "cycles.per_layer" => cycles.per_layer = value,
            "cycles.measured_multiply_factor" => cycles.measured_multiply_factor = value,
            "cycles.measured_per_depthwise_tap" => cycles.measured_per_depthwise_tap = value,
            "energy.mac_pj" => energy.mac_pj = value,
            "energy.narrow_read_pj_per_byte" => energy.narrow_read_pj_per_byte = value,
            "energy.narrow_write_pj_per_byte" => energy.narrow_write_pj_per_byte = value,
            "energy.wide_read_pj_per_byte" => energy.wide_read_pj_per_byte = value,
            "energy.wide_write_pj_per_byte" => energy.wide_write_pj_per_byte = value,
            "energy.ring_pj_per_byte" => energy.ring_pj_per_byte = value,
            "energy.link_pj_per_byte" => energy.link_pj_per_byte = value,
            "energy.idle_w" => energy.idle_w = value,
            "host.macs_per_second" => host.macs_per_second = value,
            "host.bytes_per_second" => host.bytes_per_second = value,
            "host.mac_pj" => host.mac_pj = value,
            _ => unreachable!("{name} is in the table of limits"),
        }
        Ok(())
    }

    /// Checks every figure, as reading a file does: for chips that a program has changed.
    ///
    /// ```
    /// use pocketvision_backend_edgetpu_sim::Chip;
    ///
    /// let mut chip = Chip::preset("coral-usb")?;
    /// chip.array.tile_rows = 0;
    /// assert!(chip.check().is_err());
    /// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
    /// ```
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
        if array.dataflow != Dataflow::Tiled && array.tiles() != 1 {
            let allowed = "a systolic array is one tile".to_owned();
            return Err(out_of_range(file, "array.tile_rows", &array.tile_rows, allowed));
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
    let range = LIMITS.into_iter().find(|(name, ..)| *name == field).map(|(.., range)| range);
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

/// Whether a figure counts something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Real,
}

/// What each figure may be: wide enough for any chip, narrow enough that nothing overflows
/// or is divided by zero.
const LIMITS: [(&str, Kind, RangeInclusive<f64>); 34] = [
    ("array.tile_rows", Whole, 1.0..=1024.0),
    ("array.tile_columns", Whole, 1.0..=1024.0),
    ("array.lanes_per_tile", Whole, 1.0..=4096.0),
    ("array.dot_depth", Whole, 1.0..=256.0),
    ("array.lane_group", Whole, 1.0..=4096.0),
    ("array.clock_mhz", Real, 0.001..=1e6),
    ("memory.narrow_bytes_per_tile", Whole, 1.0..=TEBIBYTE),
    ("memory.wide_bytes_per_tile", Whole, 1.0..=TEBIBYTE),
    ("memory.parameter_bytes_per_tile", Whole, 0.0..=TEBIBYTE),
    ("link.host_to_device_bytes_per_second", Real, RATE_PER_SECOND),
    ("link.device_to_host_bytes_per_second", Real, RATE_PER_SECOND),
    ("link.fixed_call_ms", Real, 0.0..=1e6),
    ("link.sends_program", Whole, 0.0..=1.0),
    ("cycles.per_multiply_step", Real, COST),
    ("cycles.per_weight_fill", Real, COST),
    ("cycles.per_depthwise_tap", Real, COST),
    ("cycles.per_depthwise_output_word", Real, COST),
    ("cycles.per_exposed_output_word", Real, COST),
    ("cycles.per_vector_word", Real, COST),
    ("cycles.per_halo_word", Real, COST),
    ("cycles.per_layer", Real, COST),
    ("cycles.measured_multiply_factor", Real, COST),
    ("cycles.measured_per_depthwise_tap", Real, COST),
    ("energy.mac_pj", Real, COST),
    ("energy.narrow_read_pj_per_byte", Real, COST),
    ("energy.narrow_write_pj_per_byte", Real, COST),
    ("energy.wide_read_pj_per_byte", Real, COST),
    ("energy.wide_write_pj_per_byte", Real, COST),
    ("energy.ring_pj_per_byte", Real, COST),
    ("energy.link_pj_per_byte", Real, COST),
    ("energy.idle_w", Real, COST),
    ("host.macs_per_second", Real, RATE_PER_SECOND),
    ("host.bytes_per_second", Real, RATE_PER_SECOND),
    ("host.mac_pj", Real, COST),
];

/// Bytes of one tile's memory.
const TEBIBYTE: f64 = (1u64 << 40) as f64;
/// Bytes or multiply-accumulates a second.
const RATE_PER_SECOND: RangeInclusive<f64> = 1.0..=1e18;
/// Cycles a word, picojoules a byte, watts.
const COST: RangeInclusive<f64> = 0.0..=1e6;
