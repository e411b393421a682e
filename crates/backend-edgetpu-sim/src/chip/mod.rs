//! What the simulator knows of one chip: data, read from a file.

mod error;
mod figures;
mod parse;
mod thermal;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::ChipError;
pub use figures::Figure;

/// A chip of tiles, each a row of lanes that take short dot products.
///
/// Every figure comes from a TOML file: `chips/coral-usb.toml` of this crate shows the format
/// and, for each figure, its source. A file that begins with `extends = "coral-usb"` states only
/// what is different. Figures that a program changes are checked again
/// ([`Chip::check`]) before anything is computed with them.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::Chip;
///
/// let mut chip = Chip::preset("coral-usb")?;
/// assert_eq!(chip.array.tiles(), chip.array.tile_rows * chip.array.tile_columns);
/// // A chip that nobody has built.
/// chip.array.clock_mhz *= 2.0;
/// chip.check()?;
/// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
/// ```
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
    ///
    /// ```
    /// use pocketvision_backend_edgetpu_sim::Chip;
    ///
    /// for name in Chip::presets() {
    ///     println!("{name}: {}", Chip::preset(name)?.description);
    /// }
    /// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
    /// ```
    pub fn presets() -> impl ExactSizeIterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// A chip that comes with this crate.
    ///
    /// ```
    /// use pocketvision_backend_edgetpu_sim::Chip;
    ///
    /// assert_eq!(Chip::preset("pixel4")?.name, "pixel4");
    /// let message = Chip::preset("corl-usb").unwrap_err().to_string();
    /// assert!(message.contains("did you mean 'coral-usb'?"));
    /// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
    /// ```
    ///
    /// # Errors
    /// [`ChipError::Unknown`] with the nearest name, if there is none of this name.
    pub fn preset(name: &str) -> Result<Self, ChipError> {
        match preset_text(name) {
            Some(text) => parse::parse(&format!("{name}.toml"), text),
            None => {
                let aliases = ALIASES.iter().map(|(alias, _)| *alias);
                Err(ChipError::unknown(name, Self::presets().chain(aliases)))
            }
        }
    }

    /// A chip from a TOML file.
    ///
    /// ```no_run
    /// use pocketvision_backend_edgetpu_sim::Chip;
    ///
    /// let chip = Chip::open("chips/mine.toml")?;
    /// println!("{}: {} tiles", chip.name, chip.array.tiles());
    /// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
    /// ```
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
    /// ```
    /// use pocketvision_backend_edgetpu_sim::Chip;
    ///
    /// let chip = Chip::from_toml(
    ///     r#"
    ///     extends = "coral-usb"
    ///     name = "slow"
    ///     description = "a Coral stick at half its clock"
    ///     [array]
    ///     clock_mhz = 250.0
    ///     "#,
    /// )?;
    /// assert_eq!(chip.array.clock_mhz, 250.0);
    /// assert!(Chip::from_toml("name = 'nothing else'").is_err());
    /// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
    /// ```
    ///
    /// # Errors
    /// Names the first field that is missing, unknown, of the wrong type or out of range.
    pub fn from_toml(text: &str) -> Result<Self, ChipError> {
        parse::parse("chip description", text)
    }

    /// Where a figure comes from, by its name in the file, as in `array.tile_rows`.
    ///
    /// ```
    /// use pocketvision_backend_edgetpu_sim::Chip;
    ///
    /// let chip = Chip::preset("coral-usb")?;
    /// let source = chip.provenance("array.clock_mhz").expect("its file says where it is from");
    /// println!("{:?}: {}", source.certainty, source.text);
    /// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
    /// ```
    pub fn provenance(&self, field: &str) -> Option<&Provenance> {
        self.provenance.get(field)
    }

    /// All figures whose source the file states, with that source.
    pub fn provenances(&self) -> impl ExactSizeIterator<Item = (&str, &Provenance)> {
        self.provenance.iter().map(|(field, provenance)| (field.as_str(), provenance))
    }
}

/// The arithmetic of a chip.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::Chip;
///
/// let array = Chip::preset("coral-usb")?.array;
/// let lanes = array.tiles() * array.lanes_per_tile;
/// assert_eq!(array.peak_macs_per_cycle(), (lanes * array.dot_depth) as u64);
/// assert_eq!(array.milliseconds(array.clock_mhz * 1000.0), 1.0);
/// # Ok::<(), pocketvision_backend_edgetpu_sim::ChipError>(())
/// ```
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
    /// How products are ordered in time and place.
    pub dataflow: Dataflow,
}

/// How an array orders its products.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dataflow {
    /// Tiles of lanes, as on an Edge TPU: each tile has its own block of positions.
    Tiled,
    /// One systolic array of `dot_depth` rows and `lanes_per_tile` columns; sums stay where
    /// they are, positions and weights flow past.
    OutputStationary,
    /// As above; weights stay, positions and sums flow past.
    WeightStationary,
    /// As above; positions stay, weights and sums flow past.
    InputStationary,
}

impl Dataflow {
    /// All of them, with what files call them.
    pub const ALL: [(&'static str, Self); 4] = [
        ("tiled", Self::Tiled),
        ("output-stationary", Self::OutputStationary),
        ("weight-stationary", Self::WeightStationary),
        ("input-stationary", Self::InputStationary),
    ];

    /// What files call it.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, flow)| *flow == self).map_or("", |(name, _)| name)
    }
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
    /// True (1) if a call sends its program, false (0) if the chip keeps it.
    pub sends_program: bool,
}

/// What a chip's work costs in cycles of the busiest tile.
#[derive(Clone, PartialEq, Debug)]
pub struct CycleCosts {
    /// For one word times one lane group of weights, in convolutions and linear layers.
    pub per_multiply_step: f64,
    /// For filling the buffer of weights once: what is not hidden behind multiplying.
    pub per_weight_fill: f64,
    /// For one word of one tap of a depthwise convolution.
    pub per_depthwise_tap: f64,
    /// For one word of output of a depthwise convolution.
    pub per_depthwise_output_word: f64,
    /// For one word of output of a convolution whose positions are the outer loop: nothing is
    /// multiplied while it is written.
    pub per_exposed_output_word: f64,
    /// For one word of any other operator.
    pub per_vector_word: f64,
    /// For one word that a tile fetches from its neighbours.
    pub per_halo_word: f64,
    /// For starting a layer on all tiles.
    pub per_layer: f64,
    /// What multiplying takes on the chip, as a share of what the figures above say, which are
    /// the compiler's own.
    pub measured_multiply_factor: f64,
    /// Cycles that a word of one tap of a depthwise convolution takes on the chip beyond what
    /// the figures above say.
    pub measured_per_depthwise_tap: f64,
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
    /// Picojoules to read a byte of weights or partial sums.
    pub wide_read_pj_per_byte: f64,
    /// Picojoules to write a byte of partial sums.
    pub wide_write_pj_per_byte: f64,
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

/// Text of the chip of a name, aliases included.
fn preset_text(name: &str) -> Option<&'static str> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, text)| *text)
}

/// The chips that come with this crate.
const PRESETS: [(&str, &str); 13] = [
    ("coral-usb", include_str!("../../chips/coral-usb.toml")),
    ("coral-usb-std", include_str!("../../chips/coral-usb-std.toml")),
    ("coral-usb-tinycoral", include_str!("../../chips/coral-usb-tinycoral.toml")),
    ("coral-usb-laptop", include_str!("../../chips/coral-usb-laptop.toml")),
    ("coral-usb-pi4", include_str!("../../chips/coral-usb-pi4.toml")),
    ("coral-usb2", include_str!("../../chips/coral-usb2.toml")),
    ("coral-pcie", include_str!("../../chips/coral-pcie.toml")),
    ("pixel4", include_str!("../../chips/pixel4.toml")),
    ("edgetpu-v1", include_str!("../../chips/edgetpu-v1.toml")),
    ("edgetpu-v2", include_str!("../../chips/edgetpu-v2.toml")),
    ("edgetpu-v3", include_str!("../../chips/edgetpu-v3.toml")),
    ("systolic", include_str!("../../chips/systolic.toml")),
    ("systolic-ws", include_str!("../../chips/systolic-ws.toml")),
];

/// Other names of presets.
const ALIASES: [(&str, &str); 1] = [("coral", "coral-usb")];

/// Far more than any chip description needs.
const MAX_FILE_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coral_has_the_rated_four_tera_operations_a_second() {
        let array = Chip::preset("coral-usb").unwrap().array;
        let operations = 2.0 * array.peak_macs_per_cycle() as f64 * array.clock_mhz * 1e6;
        assert!((operations / 1e12 - 4.096).abs() < 1e-9);
    }

    #[test]
    fn an_unknown_preset_suggests_the_nearest() {
        let error = Chip::preset("corral-usb").unwrap_err();
        assert_eq!(error.to_string(), "unknown chip 'corral-usb'; did you mean 'coral-usb'?");
        let error = Chip::preset("xyzzy").unwrap_err().to_string();
        assert!(error.starts_with("unknown chip 'xyzzy'; known are: coral-usb, "), "{error}");
    }

    #[test]
    fn coral_is_another_name_of_the_stick() {
        assert_eq!(Chip::preset("coral").unwrap(), Chip::preset("coral-usb").unwrap());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Chip::open("no/such/chip.toml").unwrap_err();
        assert!(error.to_string().starts_with("no/such/chip.toml: "), "{error}");
    }
}
