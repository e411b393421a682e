//! How large a network's input is.

use std::fmt;
use std::str::FromStr;

/// Height and width of a network's input in pixels. As text it is `224` for a square, else height
/// and width, as in `1025x2049`.
///
/// ```
/// use pocketvision_core::models::InputSize;
///
/// assert_eq!("224".parse(), Ok(InputSize::square(224)));
/// let wide: InputSize = "1025x2049".parse()?;
/// assert_eq!((wide.height, wide.width), (1025, 2049));
/// assert_eq!(wide.to_string(), "1025x2049");
/// # Ok::<(), pocketvision_core::models::InputSizeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InputSize {
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
}

impl InputSize {
    /// As high as wide.
    pub const fn square(side: usize) -> Self {
        Self { height: side, width: side }
    }
}

impl fmt::Display for InputSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, width } = self;
        if height == width { write!(f, "{height}") } else { write!(f, "{height}x{width}") }
    }
}

impl FromStr for InputSize {
    type Err = InputSizeError;

    fn from_str(text: &str) -> Result<Self, InputSizeError> {
        let side = |text: &str| match text.parse() {
            Ok(side) if (1..=LARGEST_SIDE).contains(&side) => Ok(side),
            _ => Err(InputSizeError { text: text.to_owned() }),
        };
        match text.split_once('x') {
            Some((height, width)) => Ok(Self { height: side(height)?, width: side(width)? }),
            None => side(text).map(Self::square),
        }
    }
}

/// A text that says no [`InputSize`].
///
/// ```
/// use pocketvision_core::models::InputSize;
///
/// let error = "huge".parse::<InputSize>().unwrap_err();
/// assert_eq!(error.text, "huge");
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "'{text}' is no side of 1 to {LARGEST_SIDE} pixels; a side is expected, as in 224, or height and \
     width, as in 1025x2049"
)]
pub struct InputSizeError {
    /// The side that is none.
    pub text: String,
}

/// More than any network takes, and few enough that products of two fit.
const LARGEST_SIDE: usize = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for text in ["224", "1025x2049", "1x65535"] {
            assert_eq!(text.parse::<InputSize>().unwrap().to_string(), text);
        }
        assert_eq!("32x32".parse(), Ok(InputSize::square(32)));
    }

    #[test]
    fn what_is_no_size_is_named() {
        for (text, side) in [
            ("", ""),
            ("0", "0"),
            ("224x", ""),
            ("3x-4", "-4"),
            ("1x2x3", "2x3"),
            ("65536", "65536"),
        ] {
            let error = text.parse::<InputSize>().unwrap_err();
            assert_eq!(error.text, side, "{text}");
        }
    }
}
