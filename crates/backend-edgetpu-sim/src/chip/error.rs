//! What can be wrong with a chip description.

use thiserror::Error;

/// A chip could not be had.
///
/// ```
/// use pocketvision_backend_edgetpu_sim::{Chip, ChipError};
///
/// match Chip::open("missing.toml") {
///     Err(ChipError::Read { file, .. }) => assert_eq!(file, "missing.toml"),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ChipError {
    /// No preset of this name.
    #[error("unknown chip '{name}'; {hint}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The nearest preset, or all of them.
        hint: String,
    },
    /// The file cannot be read.
    #[error("{file}: cannot be read: {message}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        message: String,
    },
    /// The text is not TOML.
    #[error("{file}: line {line}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// What the TOML parser says.
        message: String,
    },
    /// A field that every chip needs is not there.
    #[error("{file}: {field} is missing")]
    Missing {
        /// The file.
        file: String,
        /// The field, as in `array.tile_rows`.
        field: String,
    },
    /// A field that no chip has.
    #[error("{file}: {field} is not a field of a chip{hint}")]
    UnknownField {
        /// The file.
        file: String,
        /// The field, as in `array.tile_rows`.
        field: String,
        /// The nearest field that exists, if one is near.
        hint: String,
    },
    /// A field of the wrong type.
    #[error("{file}: {field} must be {expected}")]
    Type {
        /// The file.
        file: String,
        /// The field, as in `array.tile_rows`.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A number that no chip can have.
    #[error("{file}: {field} = {value} is out of range: {allowed}")]
    Range {
        /// The file.
        file: String,
        /// The field, as in `array.tile_rows`.
        field: String,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

impl ChipError {
    pub(super) fn unknown(name: &str, presets: impl Iterator<Item = &'static str>) -> Self {
        let presets: Vec<&str> = presets.collect();
        let hint = match nearest(name, presets.iter().copied()) {
            Some(preset) => format!("did you mean '{preset}'?"),
            None => format!("known are: {}", presets.join(", ")),
        };
        Self::Unknown { name: name.to_owned(), hint }
    }
}

/// The known name that is most like a mistyped one, if any is at all.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
