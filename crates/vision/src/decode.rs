//! Picture files to pixels: what a file is, and its limits.

use std::io::Cursor;

use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, Limits};

use crate::{Image, VisionError, jpeg};

/// See [`Image::decode`].
pub(crate) fn decode(bytes: &[u8], name: &str) -> Result<Image, VisionError> {
    if bytes.is_empty() {
        return Err(VisionError::Empty { name: name.into() });
    }
    let (format, format_name) = match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => (ImageFormat::Jpeg, "JPEG"),
        Ok(ImageFormat::Png) => (ImageFormat::Png, "PNG"),
        Ok(ImageFormat::Bmp) => (ImageFormat::Bmp, "BMP"),
        _ => return Err(VisionError::UnknownFormat { name: name.into() }),
    };
    let failure = |reason: String| VisionError::Decode {
        name: name.into(),
        format: format_name,
        // A message of several lines would break "one line an error".
        reason: reason.lines().next().unwrap_or_default().into(),
    };
    if format == ImageFormat::Jpeg
        && let Some(photo) = jpeg::decode(bytes, name, failure)?
    {
        return Ok(photo);
    }

    let reader = image::ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(|error| failure(error.to_string()))?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    if width.saturating_mul(height) > Image::MAX_PIXELS {
        return Err(VisionError::TooManyPixels { name: name.into(), width, height });
    }
    if width == 0 || height == 0 {
        return Err(failure(format!("{width}x{height} has no pixels")));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(Image::MAX_PIXELS as u64 * MAX_BYTES_PER_PIXEL);
    decoder.set_limits(limits).map_err(|error| failure(error.to_string()))?;
    let decoded =
        DynamicImage::from_decoder(decoder).map_err(|error| failure(error.to_string()))?;
    Image::new(width, height, to_rgb8(decoded))
}

/// Colours only, 8 bits each.
fn to_rgb8(decoded: DynamicImage) -> Vec<u8> {
    match decoded.color() {
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            decoded.into_rgb16().into_raw().into_iter().map(|sample| (sample >> 8) as u8).collect()
        }
        _ => decoded.into_rgb8().into_raw(),
    }
}

/// 16 bits each of red, green, blue and alpha.
const MAX_BYTES_PER_PIXEL: u64 = 8;
