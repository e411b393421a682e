//! What each pixel of a picture belongs to.

use std::io::{self, Write};
use std::path::Path;

use pocketvision_core::{Tensor, TensorData};

use crate::{VisionError, png};

/// The class of every pixel, row by row from the top.
///
/// ```
/// use pocketvision_vision::ClassMap;
///
/// let map = ClassMap::new(2, 2, vec![0, 0, 0, 7])?;
/// assert_eq!((map.width(), map.height()), (2, 2));
/// assert_eq!(map.pixels_of_each()[7], 1);
/// assert_eq!(map.nearest(4, 4)?.pixels_of_each()[7], 4);
/// # Ok::<(), pocketvision_vision::VisionError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClassMap {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) classes: Vec<u8>,
}

impl ClassMap {
    /// The class that marks pixels which do not count in masks of truth.
    pub const UNLABELLED: u8 = 255;

    /// A map from its pixels.
    ///
    /// # Errors
    /// If a side is zero or the pixels do not fill the map.
    pub fn new(width: usize, height: usize, classes: Vec<u8>) -> Result<Self, VisionError> {
        let count = width.checked_mul(height).filter(|&count| count > 0);
        if count != Some(classes.len()) {
            let reason = format!("{} pixels do not fill {width}x{height}", classes.len());
            return Err(VisionError::ClassMap { name: "map".into(), reason });
        }
        Ok(Self { width, height, classes })
    }

    /// The map that a segmentation network yields, in the network's own size; of a batch, the
    /// first picture's.
    ///
    /// * One channel of integers that stand for themselves: the classes.
    /// * One channel of anything else: how likely a pixel is foreground. From 0.5 it is class 1.
    /// * More channels: a score for each class, of which the highest counts. Equal scores
    ///   count by class, lower first; NaN is below every score.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_core::{Shape, Tensor};
    /// use pocketvision_vision::ClassMap;
    ///
    /// // Two pixels with a score for each of three classes.
    /// let scores = vec![0.1, 0.7, 0.2, 0.6, 0.3, 0.1];
    /// let map = ClassMap::from_output(&Tensor::from_f32(Shape::new(1, 1, 2, 3), scores)?)?;
    /// assert_eq!(map.classes(), [1, 0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If a class is negative or above 255, or there are more than 256 classes.
    pub fn from_output(output: &Tensor) -> Result<Self, VisionError> {
        let shape = output.shape();
        let refused = |reason: String| VisionError::ClassMap { name: "output".into(), reason };
        if shape.c > 256 {
            return Err(refused(format!("{} classes are more than 256", shape.c)));
        }
        let pixels = shape.h * shape.w;
        let are_classes = output.element().per_tensor() == Some((1.0, 0));
        let classes = match output.data() {
            _ if shape.c > 1 => {
                let scores = output.to_f32();
                scores.chunks_exact(shape.c).take(pixels).map(highest).collect()
            }
            TensorData::I32(classes) if are_classes => {
                let class = |&class: &i32| {
                    u8::try_from(class)
                        .map_err(|_| refused(format!("class {class} is not 0 to 255")))
                };
                classes[..pixels].iter().map(class).collect::<Result<_, _>>()?
            }
            TensorData::U8(classes) if are_classes => classes[..pixels].to_vec(),
            _ => output.to_f32()[..pixels].iter().map(|&share| u8::from(share >= 0.5)).collect(),
        };
        Self::new(shape.w, shape.h, classes)
    }

    /// Reads a map from a PNG file whose pixels are classes: 8-bit grey, or numbers of a
    /// palette, as datasets of masks have them.
    ///
    /// # Errors
    /// If the file is missing, damaged, in colour, or has too many pixels.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VisionError> {
        png::read_class_map(path.as_ref())
    }

    /// Writes the map as a PNG file of grey pixels that are the classes, for other programs.
    /// The file appears complete or not at all.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_vision::ClassMap;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let map = ClassMap::new(2, 2, vec![0, 0, 0, 7])?;
    /// map.save_png(folder.join("map.png"))?;
    /// assert_eq!(ClassMap::open(folder.join("map.png"))?, map);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the folder is missing, full or may not be written.
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<(), VisionError> {
        png::save(path.as_ref(), |file| self.write_png(file))
    }

    /// Writes the map as PNG: what [`Self::save_png`] puts in a file.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_png(&self, out: impl Write) -> io::Result<()> {
        let rows = |y: usize, row: &mut [u8]| {
            row.copy_from_slice(self.row(y));
        };
        png::encode(out, (self.width, self.height), png::Pixel::Grey, rows)
    }

    /// Width in pixels, at least 1.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// All classes, row by row from the top.
    pub fn classes(&self) -> &[u8] {
        &self.classes
    }

    /// The classes of one row.
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        &self.classes[y * self.width..][..self.width]
    }

    /// How many pixels each class has, up to the highest class that has any.
    pub fn pixels_of_each(&self) -> Vec<usize> {
        let mut counts = vec![0; 256];
        self.classes.iter().for_each(|&class| counts[usize::from(class)] += 1);
        counts.truncate(counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1));
        counts
    }

    /// The same map with other numbers for its classes.
    ///
    /// ```
    /// use pocketvision_vision::ClassMap;
    ///
    /// let map = ClassMap::new(2, 2, vec![0, 0, 0, 7])?;
    /// let mut class_of = [ClassMap::UNLABELLED; 256];
    /// class_of[7] = 1;
    /// let unlabelled = ClassMap::UNLABELLED;
    /// assert_eq!(map.renumbered(&class_of).classes(), [unlabelled, unlabelled, unlabelled, 1]);
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
    #[must_use]
    pub fn renumbered(mut self, class_of: &[u8; 256]) -> Self {
        for class in &mut self.classes {
            *class = class_of[usize::from(*class)];
        }
        self
    }

    /// The map in another size, each pixel that of the place in its middle.
    ///
    /// # Errors
    /// If a side is zero.
    pub fn nearest(&self, width: usize, height: usize) -> Result<Self, VisionError> {
        // As PIL computes it.
        let place = |index: usize, from: usize, to: usize| {
            (((index as f64 + 0.5) * from as f64 / to as f64) as usize).min(from - 1)
        };
        let columns: Vec<usize> = (0..width).map(|x| place(x, self.width, width)).collect();
        let mut classes = Vec::with_capacity(width.saturating_mul(height));
        for y in 0..height {
            let row = self.row(place(y, self.height, height));
            classes.extend(columns.iter().map(|&x| row[x]));
        }
        Self::new(width, height, classes)
    }
}

/// A map's size stands for it.
impl std::fmt::Debug for ClassMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClassMap({}x{})", self.width, self.height)
    }
}

/// Position of the highest of a pixel's scores.
fn highest(scores: &[f32]) -> u8 {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &score) in scores.iter().enumerate() {
        if score > best.1 {
            best = (class, score);
        }
    }
    best.0 as u8
}

#[cfg(test)]
mod tests {
    use pocketvision_core::{Element, Quantization, Shape};

    use super::*;

    fn map(width: usize, classes: &[u8]) -> ClassMap {
        ClassMap::new(width, classes.len() / width, classes.to_vec()).unwrap()
    }

    fn int32(shape: Shape, classes: Vec<i32>) -> Tensor {
        let element = Element::Int32(Quantization::PerTensor { scale: 1.0, zero_point: 0 });
        Tensor::new(shape, element, TensorData::I32(classes)).unwrap()
    }

    #[test]
    fn outputs_of_every_kind_become_classes() {
        let classes = int32(Shape::new(1, 1, 3, 1), vec![0, 20, 255]);
        assert_eq!(ClassMap::from_output(&classes).unwrap().classes(), [0, 20, 255]);
        let shares = Tensor::from_f32(Shape::new(1, 2, 1, 1), vec![0.49, 0.5]).unwrap();
        assert_eq!(ClassMap::from_output(&shares).unwrap().classes(), [0, 1]);
        let bytes = |scale| {
            let data = TensorData::U8(vec![127, 128]);
            Tensor::new(Shape::new(1, 1, 2, 1), Element::uint8(scale, 0), data).unwrap()
        };
        assert_eq!(ClassMap::from_output(&bytes(1.0)).unwrap().classes(), [127, 128]);
        assert_eq!(ClassMap::from_output(&bytes(1.0 / 256.0)).unwrap().classes(), [0, 1]);
        let scores = vec![0.0, 1.0, 1.0, f32::NAN, -1.0, -2.0, f32::NAN, f32::NAN, f32::NAN];
        let scores = Tensor::from_f32(Shape::new(1, 1, 3, 3), scores).unwrap();
        assert_eq!(ClassMap::from_output(&scores).unwrap().classes(), [1, 1, 0]);
        let batch = int32(Shape::new(2, 1, 2, 1), vec![1, 2, 3, 4]);
        assert_eq!(ClassMap::from_output(&batch).unwrap().classes(), [1, 2]);
    }

    #[test]
    fn classes_that_no_map_holds_are_refused_by_number() {
        for class in [-1, 256] {
            let output = int32(Shape::new(1, 1, 2, 1), vec![0, class]);
            let message = ClassMap::from_output(&output).unwrap_err().to_string();
            assert!(message.contains(&format!("class {class}")), "{message}");
        }
        let many = Tensor::from_f32(Shape::new(1, 1, 1, 300), vec![0.0; 300]).unwrap();
        assert!(ClassMap::from_output(&many).is_err());
        assert!(ClassMap::new(2, 2, vec![0; 3]).is_err());
        assert!(ClassMap::new(0, 0, vec![]).is_err());
    }

    #[test]
    fn pixels_are_counted_and_renumbered() {
        let map = map(2, &[0, 3, 3, 0]);
        assert_eq!(map.pixels_of_each(), [2, 0, 0, 2]);
        let mut class_of = [0; 256];
        class_of[3] = 5;
        assert_eq!(map.renumbered(&class_of).classes(), [0, 5, 5, 0]);
    }
}
