//! PNG files, written row by row so that a large picture needs no second copy in memory, and
//! read as classes where pixels are no colours.

use std::fs::{self, File};
use std::io::{self, BufWriter, Cursor, Write};
use std::path::{Path, PathBuf};

use ::png::{BitDepth, ColorType, Decoder, DecodingError, Encoder, Limits, Transformations};

use crate::image::read_bounded;
use crate::{ClassMap, Image, VisionError};

/// What one pixel of a file is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pixel<'a> {
    /// One byte of brightness.
    Grey,
    /// One byte each of red, green and blue.
    Rgb,
    /// As RGB, and one of opacity.
    Rgba,
    /// A position in this list of colours.
    Palette(&'a [[u8; 3]]),
}

impl Pixel<'_> {
    const fn bytes(self) -> usize {
        match self {
            Self::Grey | Self::Palette(_) => 1,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// Makes a file of what `fill` writes. The file appears complete or not at all: it is written
/// under a temporary name in the same folder, flushed to the disk, then renamed. A link to a file
/// stays a link, and leads to the new file.
pub(crate) fn save(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), VisionError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temporary = temporary_name(&target);
    let written = File::create(&temporary).map(BufWriter::new).and_then(|mut file| {
        fill(&mut file)?;
        file.into_inner()?.sync_all()
    });
    let result = written.and_then(|()| fs::rename(&temporary, &target));
    if result.is_err() {
        // The error that is reported is the first one.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(|source| VisionError::Write { name: path.display().to_string(), source })
}

/// Writes a picture of this width and height; `fill` makes a row, by its number from the top.
pub(crate) fn encode(
    out: impl Write,
    (width, height): (usize, usize),
    pixel: Pixel<'_>,
    mut fill: impl FnMut(usize, &mut [u8]),
) -> io::Result<()> {
    let mut encoder = Encoder::new(out, width as u32, height as u32);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_color(match pixel {
        Pixel::Grey => ColorType::Grayscale,
        Pixel::Rgb => ColorType::Rgb,
        Pixel::Rgba => ColorType::Rgba,
        Pixel::Palette(_) => ColorType::Indexed,
    });
    if let Pixel::Palette(colors) = pixel {
        encoder.set_palette(colors.concat());
    }
    let mut writer = encoder.write_header().map_err(io::Error::from)?;
    let mut stream = writer.stream_writer().map_err(io::Error::from)?;
    let mut row = vec![0; width * pixel.bytes()];
    for y in 0..height {
        fill(y, &mut row);
        stream.write_all(&row)?;
    }
    stream.finish().map_err(io::Error::from)?;
    writer.finish().map_err(io::Error::from)
}

/// A name in the same folder that no other process uses.
fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

/// See [`ClassMap::open`].
pub(crate) fn read_class_map(path: &Path) -> Result<ClassMap, VisionError> {
    let name = path.display().to_string();
    let refused = |reason: String| VisionError::ClassMap { name: name.clone(), reason };
    let damaged = |error: DecodingError| refused(error.to_string());
    let bytes = read_bounded(path, Image::MAX_FILE_BYTES)?;

    let limits = Limits { bytes: Image::MAX_PIXELS };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes.as_slice()), limits);
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    if width.saturating_mul(height) > Image::MAX_PIXELS {
        return Err(VisionError::TooManyPixels { name, width, height });
    }
    let bits = match reader.output_color_type() {
        (ColorType::Grayscale | ColorType::Indexed, BitDepth::Eight) => 8,
        (ColorType::Grayscale | ColorType::Indexed, BitDepth::Four) => 4,
        (ColorType::Grayscale | ColorType::Indexed, BitDepth::Two) => 2,
        (ColorType::Grayscale | ColorType::Indexed, BitDepth::One) => 1,
        (color, depth) => {
            return Err(refused(format!(
                "its pixels are {color:?} of {} bits, where classes are grey or of a palette, \
                 of at most 8 bits",
                depth as u8
            )));
        }
    };
    let size = reader.output_buffer_size().ok_or_else(|| refused("it is too large".into()))?;
    let mut packed = vec![0; size];
    let line_bytes = reader.next_frame(&mut packed).map_err(damaged)?.line_size;
    let per_byte = 8 / bits;
    let mut classes = Vec::with_capacity(width * height);
    for line in packed.chunks_exact(line_bytes).take(height) {
        classes.extend((0..width).map(|x| {
            let shift = 8 - bits * (x % per_byte + 1);
            (line[x / per_byte] >> shift) & (0xFF >> (8 - bits)) as u8
        }));
    }
    ClassMap::new(width, height, classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_every_depth_are_read_as_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for (color, depth, bits) in [
            (ColorType::Grayscale, BitDepth::Eight, 8),
            (ColorType::Indexed, BitDepth::Eight, 8),
            (ColorType::Indexed, BitDepth::Four, 4),
            (ColorType::Indexed, BitDepth::Two, 2),
            (ColorType::Grayscale, BitDepth::One, 1),
        ] {
            let path = folder.path().join("mask.png");
            let mut encoder = Encoder::new(File::create(&path).unwrap(), 3, 1);
            encoder.set_color(color);
            encoder.set_depth(depth);
            encoder.set_palette(vec![9; 3 << bits]);
            let line: &[u8] = match bits {
                8 => &[1, 0, 1],
                4 => &[0x10, 0x10],
                2 => &[0b0100_0100],
                _ => &[0b1010_0000],
            };
            encoder.write_header().unwrap().write_image_data(line).unwrap();
            assert_eq!(ClassMap::open(&path).unwrap().classes(), [1, 0, 1], "{color:?} {bits}");
        }
    }

    #[test]
    fn what_is_no_mask_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.png");
        crate::SamplePicture::Macaw.paint(3, 3).save_png(&path).unwrap();
        let message = ClassMap::open(&path).unwrap_err().to_string();
        assert!(message.contains("photo.png") && message.contains("Rgb"), "{message}");
        fs::write(&path, b"\x89PNG\r\n\x1a\nand then nothing").unwrap();
        assert!(ClassMap::open(&path).unwrap_err().to_string().contains("photo.png"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_to_the_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["map.png", "link.png"].map(|name| folder.path().join(name));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let map = ClassMap::new(1, 1, vec![7]).unwrap();
        map.save_png(&link).unwrap();
        assert!(link.is_symlink());
        assert_eq!(ClassMap::open(&file).unwrap(), map);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_map_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        let map = ClassMap::new(5, 2, vec![0, 1, 2, 254, 255, 9, 9, 9, 9, 7]).unwrap();
        map.save_png(&path).unwrap();
        assert_eq!(ClassMap::open(&path).unwrap(), map);
    }
}
