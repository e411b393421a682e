//! JPEG photos, decoded to the very values that libjpeg-turbo gives.
//!
//! The JPEG standard leaves the last bits of a decoded pixel open, and decoders use that
//! freedom. Training sets, and the engines we are compared with, read photos through
//! libjpeg-turbo, so we decode with `libjpeg-turbo-rs`, which follows it to the bit in
//! Rust. Over 250 photos it gave PIL's pixels in every one. `zune-jpeg`, the decoder behind
//! `image`, gave other values, by at most 3, at 4.7 % of the positions of photos resized
//! for a network; it decodes the kinds that are not colour or grey (printers' CMYK), where
//! the other decoder does not hold up against damaged files.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libjpeg_turbo_rs::{DecodeLimits, Decoder, PixelFormat};

use crate::{Image, VisionError};

/// The picture as a JPEG file in memory, at a quality of 1 to 100.
pub(crate) fn encode(image: &Image, quality: u8) -> Result<Vec<u8>, VisionError> {
    let (width, height) = image.size();
    let failed = |reason: String| VisionError::Encode { format: "JPEG", reason };
    let side = |side: usize| {
        u16::try_from(side).map_err(|_| failed(format!("{width}x{height} is too large for it")))
    };
    let (columns, rows) = (side(width)?, side(height)?);
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
        .encode(image.pixels(), columns.into(), rows.into(), image::ExtendedColorType::Rgb8)
        .map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}

/// The photo, or `None` if it is neither grey nor colour and needs another decoder.
/// `damaged` makes the error of a reason.
///
/// The decoder is written for builds without overflow checks. In a caller's debug build a
/// damaged photo may trip one: that panic is caught and becomes the error it stands for.
pub(crate) fn decode(
    bytes: &[u8],
    name: &str,
    damaged: impl Fn(String) -> VisionError,
) -> Result<Option<Image>, VisionError> {
    let decoding = AssertUnwindSafe(|| decode_unguarded(bytes, name, &damaged));
    catch_unwind(decoding)
        .unwrap_or_else(|_| Err(damaged("its numbers are out of every range".into())))
}

fn decode_unguarded(
    bytes: &[u8],
    name: &str,
    damaged: impl Fn(String) -> VisionError,
) -> Result<Option<Image>, VisionError> {
    if !is_complete(bytes) {
        return Err(damaged("the file is cut off before the picture's end".into()));
    }
    let limits = DecodeLimits {
        max_pixels: Image::MAX_PIXELS as u64,
        max_scans: MAX_SCANS,
        max_memory: Some(Image::MAX_PIXELS as u64 * MAX_BYTES_PER_PIXEL),
        ..DecodeLimits::default()
    };
    // Reads the headers alone.
    let mut decoder =
        Decoder::new_with_limits(bytes, limits).map_err(|error| damaged(error.to_string()))?;
    let frame = decoder.header();
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    if width * height > Image::MAX_PIXELS {
        return Err(VisionError::TooManyPixels { name: name.into(), width, height });
    }
    if !matches!(frame.components.len(), 1 | 3) {
        return Ok(None);
    }
    decoder.set_output_format(PixelFormat::Rgb);
    let decoded = decoder.decode_image().map_err(|error| damaged(error.to_string()))?;
    Image::new(decoded.width, decoded.height, decoded.data).map(Some)
}

/// True if a JPEG's segments and scans lead up to its end marker. Decoders fill in what is
/// missing of a cut-off photo with grey, but a wrong answer from half a photo is worse than
/// none. PIL refuses such files too.
fn is_complete(bytes: &[u8]) -> bool {
    let mut at = START_OF_IMAGE.len();
    loop {
        match bytes.get(at..at + 2) {
            None => return false,
            Some([0xFF, END_OF_IMAGE]) => return true,
            // Literal 0xFF of a scan, restart markers: nothing follows that has a length.
            Some([0xFF, 0x00 | 0x01 | 0xD0..=0xD8]) => at += 2,
            // 0xFF may be repeated before a marker.
            Some([0xFF, 0xFF]) => at += 1,
            Some([0xFF, _segment]) => {
                let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
            // Data of a scan.
            Some(_) => at += 1,
        }
    }
}

const START_OF_IMAGE: [u8; 2] = [0xFF, 0xD8];
const END_OF_IMAGE: u8 = 0xD9;

/// Real progressive photos have about ten; more only cost time.
const MAX_SCANS: usize = 500;

/// Two bytes each for three colours' coefficients, one for their samples, three for pixels,
/// and room for rows that are rounded up to blocks.
const MAX_BYTES_PER_PIXEL: u64 = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SamplePicture;

    #[test]
    fn what_is_written_is_read_as_nearly_the_same() {
        let picture = SamplePicture::Macaw.paint(120, 90);
        let [fine, coarse] = [95, 20].map(|quality| {
            let bytes = picture.to_jpeg(quality).unwrap();
            let read = Image::decode(&bytes, "written").unwrap();
            assert_eq!(read.size(), picture.size());
            let pairs = read.pixels().iter().zip(picture.pixels());
            let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            (sum as f64 / picture.pixels().len() as f64, bytes.len())
        });
        // Levels of 256 on average: less than an eye sees, at either size of file.
        assert!(fine.0 < coarse.0 && fine.0 < 3.0, "{fine:?} {coarse:?}");
        assert!(fine.1 > coarse.1, "{fine:?} {coarse:?}");
    }

    #[test]
    fn a_side_that_the_format_has_no_number_for_is_an_error() {
        let long = Image::new(70_000, 1, vec![0; 210_000]).unwrap();
        assert!(long.to_jpeg(90).unwrap_err().to_string().contains("70000x1"));
    }
}
