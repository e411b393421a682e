//! What the simulator knows of one chip: data, read from a file.

mod error;
mod figures;
mod parse;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::ChipError;
pub use figures::Figure;

/// A chip of tiles, each a row of lanes that take short dot products.
///
/// Every figure comes from a TOML file: `chips/coral.toml` of this crate shows the format
/// and, for each figure, its source. Figures that a program changes are checked again
/// ([`Chip::check`]) before anything is computed with them.
#[derive(Clone, PartialEq, Debug)]
pub struct Chip {
    /// What people call it.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// The arithmetic.
    pub array: Array,
    /// What lies on the chip.
    pub memory: Memory,
    /// How the host reaches it.
    pub link: Link,
    /// What its work costs in time.
    pub cycles: CycleCosts,
    /// What its work costs in energy.
    pub energy: EnergyCosts,
    /// The processor that runs what the chip cannot.
    pub host: Host,
    provenance: BTreeMap<String, Provenance>,
}

impl Chip {
    /// Names of the chips that come with this crate.
    pub fn presets() -> impl ExactSizeIterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// A chip that comes with this crate.
    ///
    /// # Errors
    /// [`ChipError::Unknown`] with the nearest name, if there is none of this name.
    pub fn preset(name: &str) -> Result<Self, ChipError> {
        match PRESETS.iter().find(|(preset, _)| *preset == name) {
            Some((_, text)) => parse::parse(&format!("{name}.toml"), text),
            None => Err(ChipError::unknown(name, Self::presets())),
        }
    }

    /// A chip from a TOML file.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Chip::from_toml`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ChipError> {
        let path = path.as_ref();
        let origin = path.display().to_string();
        let read = |message: String| ChipError::Read { file: origin.clone(), message };
        let bytes = std::fs::metadata(path).map_err(|e| read(e.to_string()))?.len();
        if bytes > MAX_FILE_BYTES {
            return Err(read(format!("{bytes} bytes are too many for a chip description")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| read(e.to_string()))?;
        parse::parse(&origin, &text)
    }

    /// A chip from TOML text.
    ///
    /// # Errors
    /// Names the first field that is missing, unknown, of the wrong type or out of range.
    pub fn from_toml(text: &str) -> Result<Self, ChipError> {
        parse::parse("chip description", text)
    }

    /// Where a figure comes from, by its name in the file, as in `array.tile_rows`.
    pub fn provenance(&self, field: &str) -> Option<&Provenance> {
        self.provenance.get(field)
    }

    /// All figures whose source the file states, with that source.
    pub fn provenances(&self) -> impl ExactSizeIterator<Item = (&str, &Provenance)> {
        self.provenance.iter().map(|(field, provenance)| (field.as_str(), provenance))
    }
}

/// The arithmetic of a chip.
#[derive(Clone, PartialEq, Debug)]
pub struct Array {
    /// Rows of tiles; the height of an activation is split over them.
    pub tile_rows: usize,
    /// Columns of tiles; the width of an activation is split over them.
    pub tile_columns: usize,
    /// Output channels that one tile computes at once.
    pub lanes_per_tile: usize,
    /// Input channels that one lane multiplies and adds in a step: one word.
    pub dot_depth: usize,
    /// Lanes that are switched together: a layer pays for whole groups of them.
    pub lane_group: usize,
    /// Clock in megahertz.
    pub clock_mhz: f64,
}

impl Array {
    /// Number of tiles.
    pub const fn tiles(&self) -> usize {
        self.tile_rows * self.tile_columns
    }

    /// Multiply-accumulates of the whole chip in one cycle, at best.
    pub const fn peak_macs_per_cycle(&self) -> u64 {
        (self.tiles() * self.lanes_per_tile * self.dot_depth) as u64
    }

    /// Time of a number of cycles, in milliseconds.
    pub fn milliseconds(&self, cycles: f64) -> f64 {
        cycles / (self.clock_mhz * 1e3)
    }
}

/// What lies on a chip.
#[derive(Clone, PartialEq, Debug)]
pub struct Memory {
    /// Bytes of activations on each tile.
    pub narrow_bytes_per_tile: u64,
    /// Bytes on each tile for weights and partial sums.
    pub wide_bytes_per_tile: u64,
    /// Bytes of those that may hold weights from one call to the next.
    pub parameter_bytes_per_tile: u64,
}

/// How the host reaches a chip.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    /// Bytes a second to the chip: inputs, programs, weights.
    pub host_to_device_bytes_per_second: f64,
    /// Bytes a second back: outputs.
    pub device_to_host_bytes_per_second: f64,
    /// Milliseconds that any call costs.
    pub fixed_call_ms: f64,
    /// Bytes of program sent with each call, for each operator of the network.
    pub instruction_bytes_per_operator: u64,
}

/// What a chip's work costs in cycles of the busiest tile.
#[derive(Clone, PartialEq, Debug)]
pub struct CycleCosts {
    /// For one word times one lane group of weights, in convolutions and linear layers.
    pub per_multiply_step: f64,
    /// For one word of one tap of a depthwise convolution.
    pub per_depthwise_step: f64,
    /// For one word of output of a convolution.
    pub per_output_word: f64,
    /// For one word of any other operator.
    pub per_vector_word: f64,
    /// Share of all these cycles by which the chip is slower than they say.
    pub stall_fraction: f64,
}

/// What a chip's work costs in energy.
#[derive(Clone, PartialEq, Debug)]
pub struct EnergyCosts {
    /// Picojoules of an int8 multiply-accumulate.
    pub mac_pj: f64,
    /// Picojoules to read a byte of activations.
    pub narrow_read_pj_per_byte: f64,
    /// Picojoules to write a byte of activations.
    pub narrow_write_pj_per_byte: f64,
    /// Picojoules to read a byte of weights.
    pub wide_read_pj_per_byte: f64,
    /// Picojoules to broadcast a byte of weights to the tiles.
    pub ring_pj_per_byte: f64,
    /// Picojoules to move a byte between host and chip.
    pub link_pj_per_byte: f64,
    /// Watts that the chip takes when it does nothing.
    pub idle_w: f64,
}

/// The processor that runs what a chip cannot.
#[derive(Clone, PartialEq, Debug)]
pub struct Host {
    /// Multiply-accumulates a second.
    pub macs_per_second: f64,
    /// Bytes of activations a second, read and written.
    pub bytes_per_second: f64,
    /// Picojoules of a multiply-accumulate, everything included.
    pub mac_pj: f64,
}

/// Where a figure comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provenance {
    /// How sure it is.
    pub certainty: Certainty,
    /// Its source, in words.
    pub text: String,
}

/// How sure a figure is, from best to worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Certainty {
    /// Stated by the vendor.
    Documented,
    /// Measured on the real chip.
    Measured,
    /// Arithmetic on documented or measured figures.
    Derived,
    /// Chosen so that a formula reproduces documented figures.
    Fitted,
    /// A plausible number without a source for this chip.
    Assumed,
}

/// The chips that come with this crate.
const PRESETS: [(&str, &str); 1] = [("coral", include_str!("../../chips/coral.toml"))];

/// Far more than any chip description needs.
const MAX_FILE_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coral_has_the_rated_four_tera_operations_a_second() {
        let array = Chip::preset("coral").unwrap().array;
        let operations = 2.0 * array.peak_macs_per_cycle() as f64 * array.clock_mhz * 1e6;
        assert!((operations / 1e12 - 4.096).abs() < 1e-9);
    }

    #[test]
    fn an_unknown_preset_suggests_the_nearest() {
        let error = Chip::preset("corral").unwrap_err();
        assert_eq!(error.to_string(), "unknown chip 'corral'; did you mean 'coral'?");
        let error = Chip::preset("xyzzy").unwrap_err();
        assert_eq!(error.to_string(), "unknown chip 'xyzzy'; known are: coral");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Chip::open("no/such/chip.toml").unwrap_err();
        assert!(error.to_string().starts_with("no/such/chip.toml: "), "{error}");
    }
}
