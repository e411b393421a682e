//! A picture in memory, read from and written to files.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::{VisionError, decode, jpeg, png, resize};

/// A colour picture: 8 bits each of red, green and blue, row by row from the top.
///
/// ```
/// use pocketvision_vision::{Image, SamplePicture};
///
/// let photo = SamplePicture::Ship.paint(640, 480);
/// assert_eq!(photo.size(), (640, 480));
/// assert_eq!(photo.pixels().len(), 640 * 480 * 3);
/// let red = Image::new(2, 1, vec![255, 0, 0, 255, 0, 0])?;
/// assert_eq!(red.pixel(1, 0), [255, 0, 0]);
/// # Ok::<(), pocketvision_vision::VisionError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Image {
    /// Largest file that [`open`] reads, 512 MiB.
    pub const MAX_FILE_BYTES: u64 = 512 << 20;

    /// Most pixels that a picture may have: 200 megapixels, 600 MB in memory. A file that
    /// declares more is refused before its pixels are allocated.
    pub const MAX_PIXELS: usize = 200_000_000;

    /// A picture from its pixels: `width * height * 3` bytes.
    ///
    /// ```
    /// use pocketvision_vision::Image;
    ///
    /// let grey = Image::new(4, 3, vec![128; 36])?;
    /// assert_eq!((grey.width(), grey.height()), (4, 3));
    /// assert!(Image::new(4, 3, vec![128; 12]).is_err(), "a byte for each colour");
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    ///
    /// # Errors
    /// If a side is zero, there are too many pixels, or the bytes do not fill the picture.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, VisionError> {
        let count = width.saturating_mul(height);
        if count > Self::MAX_PIXELS {
            return Err(VisionError::TooManyPixels { name: "picture".into(), width, height });
        }
        if count == 0 || pixels.len() != count * 3 {
            return Err(VisionError::PixelCount { width, height, bytes: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// Decodes a JPEG, PNG or BMP file held in memory. What the bytes are is read from the
    /// bytes; `name` is used in errors only.
    ///
    /// Grey is repeated in all three colours, alpha is dropped, palettes are looked up, and
    /// of 16-bit samples the upper 8 bits are kept. An EXIF orientation is not applied and
    /// no colour profile is.
    ///
    /// ```
    /// use pocketvision_vision::{Image, SamplePicture};
    ///
    /// let file = SamplePicture::Ship.paint(64, 48).to_jpeg(90)?;
    /// assert_eq!(Image::decode(&file, "ship.jpg")?.size(), (64, 48));
    /// let message = Image::decode(b"no picture", "notes.txt").unwrap_err().to_string();
    /// assert!(message.starts_with("notes.txt"));
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    ///
    /// # Errors
    /// If the bytes are none of the three formats, are cut off or damaged, or declare more
    /// than [`Image::MAX_PIXELS`].
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self, VisionError> {
        decode::decode(bytes, name)
    }

    /// Writes the picture as PNG. The file appears complete or not at all: it is written
    /// under a temporary name in the same folder, then renamed.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_vision::{SamplePicture, open};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let file = folder.join("ship.png");
    /// let ship = SamplePicture::Ship.paint(64, 48);
    /// ship.save_png(&file)?;
    /// assert_eq!(open(&file)?, ship);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the folder is missing, full or may not be written.
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<(), VisionError> {
        png::save(path.as_ref(), |file| self.write_png(file))
    }

    /// Writes the picture as PNG: what [`Self::save_png`] puts in a file.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_png(&self, out: impl Write) -> io::Result<()> {
        let row_bytes = self.width * 3;
        let fill = |y: usize, row: &mut [u8]| {
            row.copy_from_slice(&self.pixels[y * row_bytes..][..row_bytes]);
        };
        png::encode(out, self.size(), png::Pixel::Rgb, fill)
    }

    /// The picture as a JPEG file in memory, at a quality of 1 to 100: for showing, since what is
    /// lost never comes back.
    ///
    /// ```
    /// use pocketvision_vision::SamplePicture;
    ///
    /// let picture = SamplePicture::Macaw.paint(64, 48);
    /// assert!(picture.to_jpeg(30)?.len() < picture.to_jpeg(95)?.len());
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    ///
    /// # Errors
    /// If a side is over 65,535 pixels.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>, VisionError> {
        jpeg::encode(self, quality)
    }

    /// Width and height in pixels.
    pub const fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Width in pixels, at least 1.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// All pixels: red, green, blue, row by row from the top.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All pixels, to be painted over.
    ///
    /// ```
    /// use pocketvision_vision::SamplePicture;
    ///
    /// let mut picture = SamplePicture::Macaw.paint(64, 48);
    /// // A negative.
    /// picture.pixels_mut().iter_mut().for_each(|value| *value = 255 - *value);
    /// ```
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// The pixels alone.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// Red, green and blue of one pixel.
    ///
    /// # Panics
    /// If the position is outside the picture.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        assert!(x < self.width && y < self.height, "({x}, {y}) is outside the picture");
        let start = (y * self.width + x) * 3;
        [self.pixels[start], self.pixels[start + 1], self.pixels[start + 2]]
    }

    /// The whole picture in another size, bilinear with antialiasing; values are those of
    /// PIL's `resize((width, height), BILINEAR)`. To resize a part of it, see [`Crop`].
    ///
    /// ```
    /// use pocketvision_vision::SamplePicture;
    ///
    /// let photo = SamplePicture::Truck.paint(640, 480);
    /// assert_eq!(photo.resize(224, 224)?.size(), (224, 224));
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    ///
    /// # Errors
    /// If a side is zero or there are more than [`Image::MAX_PIXELS`].
    pub fn resize(&self, width: usize, height: usize) -> Result<Self, VisionError> {
        self.resize_crop(Crop::whole(self), width, height)
    }

    /// A part of the picture in another size, as if it had been cut out first: no pixel
    /// outside the part is looked at.
    ///
    /// ```
    /// use pocketvision_vision::{Crop, SamplePicture};
    ///
    /// let photo = SamplePicture::Truck.paint(640, 480);
    /// let upper_half = Crop { height: 240, ..Crop::whole(&photo) };
    /// assert_eq!(photo.resize_crop(upper_half, 320, 120)?.size(), (320, 120));
    /// let outside = Crop { x: 600, ..upper_half };
    /// assert!(photo.resize_crop(outside, 320, 120).is_err());
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    ///
    /// # Errors
    /// If the part is empty or reaches outside, or as [`Image::resize`].
    pub fn resize_crop(
        &self,
        crop: Crop,
        width: usize,
        height: usize,
    ) -> Result<Self, VisionError> {
        let fits = |start: usize, length: usize, whole: usize| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= whole)
        };
        if !fits(crop.x, crop.width, self.width) || !fits(crop.y, crop.height, self.height) {
            return Err(VisionError::Setting {
                field: "crop",
                value: format!("{crop:?} of {self:?}"),
                expected: "a part of the picture",
            });
        }
        let count = width.saturating_mul(height);
        if count > Self::MAX_PIXELS {
            return Err(VisionError::TooManyPixels { name: "picture".into(), width, height });
        }
        if count == 0 {
            return Err(VisionError::PixelCount { width, height, bytes: 0 });
        }
        Self::new(width, height, resize::antialiased(self, crop, width, height))
    }
}

/// A picture's size stands for it: nobody wants to read a million pixels.
impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{})", self.width, self.height)
    }
}

/// A rectangle of a picture, in pixels from its top left corner.
///
/// ```
/// use pocketvision_vision::Crop;
///
/// let middle = Crop::centre_square((640, 480), 0.5);
/// assert_eq!(middle, Crop { x: 200, y: 120, width: 240, height: 240 });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crop {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Crop {
    /// All of a picture.
    pub const fn whole(image: &Image) -> Self {
        Self { x: 0, y: 0, width: image.width, height: image.height }
    }

    /// The square in the middle of a picture of this width and height. Its side is `fraction`
    /// of the shorter side, rounded half to even, at least one pixel. An odd remainder leaves
    /// the extra row or column at the bottom or right.
    pub fn centre_square((width, height): (usize, usize), fraction: f32) -> Self {
        let shorter = width.min(height);
        let side = (f64::from(fraction) * shorter as f64).round_ties_even() as usize;
        let side = side.clamp(1, shorter);
        Self { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side }
    }
}

/// Reads a JPEG, PNG or BMP picture from a file; see [`Image::decode`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pocketvision_vision::{SamplePicture, open};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// # SamplePicture::Ship.paint(64, 48).save_png(folder.join("ship.png"))?;
/// let photo = open(folder.join("ship.png"))?;
/// assert_eq!(photo.size(), (64, 48));
/// assert!(open(folder.join("missing.jpg")).is_err());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Image::decode`], and if the file is missing, a folder, or larger than
/// [`Image::MAX_FILE_BYTES`]. Every error names the file.
pub fn open(path: impl AsRef<Path>) -> Result<Image, VisionError> {
    let path = path.as_ref();
    let bytes = read_bounded(path, Image::MAX_FILE_BYTES)?;
    Image::decode(&bytes, &path.display().to_string())
}

/// All bytes of a file, if it is a file and no larger than the limit. A pipe that never
/// ends is cut off at the limit too.
pub(crate) fn read_bounded(path: &Path, limit_bytes: u64) -> Result<Vec<u8>, VisionError> {
    let name = path.display().to_string();
    let too_large = || VisionError::FileTooLarge { name: name.clone(), limit_bytes };
    let unreadable = |source| VisionError::Read { name: name.clone(), source };

    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        let kind = io::ErrorKind::IsADirectory;
        return Err(unreadable(io::Error::new(kind, "it is a folder, not a file")));
    }
    if metadata.len() > limit_bytes {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(too_large());
    }
    Ok(bytes)
}
