//! What each pixel of a picture belongs to.

use std::io::{self, Write};
use std::path::Path;

use pocketvision_core::{Tensor, TensorData};

use crate::{Placement, VisionError, png};

/// The class of every pixel, row by row from the top.
#[derive(Clone, PartialEq, Eq)]
pub struct ClassMap {
    width: usize,
    height: usize,
    classes: Vec<u8>,
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
            row.copy_from_slice(&self.classes[y * self.width..][..self.width]);
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

    /// How many pixels each class has, up to the highest class that has any.
    pub fn pixels_of_each(&self) -> Vec<usize> {
        let mut counts = vec![0; 256];
        self.classes.iter().for_each(|&class| counts[usize::from(class)] += 1);
        counts.truncate(counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1));
        counts
    }

    /// The same map with other numbers for its classes.
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
            let row = &self.classes[place(y, self.height, height) * self.width..][..self.width];
            classes.extend(columns.iter().map(|&x| row[x]));
        }
        Self::new(width, height, classes)
    }

    /// The map of the photo that the network saw, in the photo's size: each pixel has the
    /// class that most of its surroundings have, the nearest counting most, so that edges
    /// between classes are lines and not steps. Pixels of the photo that the network did not
    /// see have the class of the nearest that it did.
    ///
    /// Cost: some nanoseconds and one byte for each pixel of the photo.
    #[must_use]
    pub fn to_photo(&self, placement: &Placement) -> Self {
        let mut classes = Vec::with_capacity(placement.photo.0 * placement.photo.1);
        self.for_each_neighbourhood(placement, |four, weights| {
            classes.push(majority(four, weights));
        });
        Self { width: placement.photo.0, height: placement.photo.1, classes }
    }

    /// For each pixel of the photo, how much of its surroundings belongs to one of the
    /// classes, from 0 to 255: an alpha channel with soft edges. See [`Self::to_photo`].
    pub fn coverage(&self, placement: &Placement, belongs: impl Fn(u8) -> bool) -> Vec<u8> {
        let counts: Vec<bool> = (0..=255).map(belongs).collect();
        let mut coverage = Vec::with_capacity(placement.photo.0 * placement.photo.1);
        self.for_each_neighbourhood(placement, |four, weights| {
            let share: f32 = (four.iter().zip(weights))
                .filter(|(class, _)| counts[usize::from(**class)])
                .map(|(_, weight)| weight)
                .sum();
            coverage.push((share * 255.0).round() as u8);
        });
        coverage
    }

    /// Visits the photo's pixels, row by row, with the four classes around each and their
    /// weights, which sum to one.
    fn for_each_neighbourhood(
        &self,
        placement: &Placement,
        mut visit: impl FnMut([u8; 4], [f32; 4]),
    ) {
        let Placement { photo, input, source, target } = placement;
        let columns = neighbours(
            (photo.0, input.0, self.width),
            (source.x, source.width),
            (target.x, target.width),
        );
        let rows = neighbours(
            (photo.1, input.1, self.height),
            (source.y, source.height),
            (target.y, target.height),
        );
        for (top, bottom, down) in rows {
            let row = |y: usize| &self.classes[y * self.width..][..self.width];
            let (top, bottom) = (row(top), row(bottom));
            for &(left, right, across) in &columns {
                let four = [top[left], top[right], bottom[left], bottom[right]];
                let weights = [
                    (1.0 - down) * (1.0 - across),
                    (1.0 - down) * across,
                    down * (1.0 - across),
                    down * across,
                ];
                visit(four, weights);
            }
        }
    }
}

/// A map's size stands for it.
impl std::fmt::Debug for ClassMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClassMap({}x{})", self.width, self.height)
    }
}

/// Along one side, for each pixel of the photo the two pixels of the map around it, and how
/// far it is from the first to the second.
fn neighbours(
    (photo, input, map): (usize, usize, usize),
    (source_start, source): (usize, usize),
    (target_start, target): (usize, usize),
) -> Vec<(usize, usize, f32)> {
    let to_map = map as f64 / input as f64;
    // Bars of a letterbox are no part of the photo: the part between them ends the map.
    let first = target_start as f64 * to_map;
    let last = ((target_start + target) as f64 * to_map - 1.0).max(first).min((map - 1) as f64);
    let position = |pixel: usize| {
        let seen = (pixel as f64 + 0.5 - source_start as f64) * target as f64 / source as f64;
        let at = ((seen + target_start as f64) * to_map - 0.5).clamp(first.min(last), last);
        let left = at.floor() as usize;
        (left, (left + 1).min(map - 1), (at - at.floor()) as f32)
    };
    (0..photo).map(position).collect()
}

/// The class with the most weight; of equal ones the first.
fn majority(four: [u8; 4], weights: [f32; 4]) -> u8 {
    let [a, b, c, d] = four;
    if a == b && b == c && c == d {
        return a;
    }
    let weight = |class: u8| -> f32 {
        four.iter().zip(weights).filter(|(other, _)| **other == class).map(|(_, w)| w).sum()
    };
    let heavier = |best: u8, class: u8| if weight(class) > weight(best) { class } else { best };
    four.into_iter().fold(a, heavier)
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
    use crate::Fit;

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
    fn a_map_of_the_photos_size_is_the_photos_map() {
        let small = map(3, &[0, 1, 2, 3, 4, 5]);
        let same = small.to_photo(&Fit::Stretch.place((3, 2), (3, 2)));
        assert_eq!(same, small);
        assert_eq!(small.nearest(3, 2).unwrap(), small);
        assert_eq!(small.nearest(6, 2).unwrap().classes()[..6], [0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn edges_lie_half_way_and_diagonals_are_lines() {
        let halves = map(2, &[0, 7]).to_photo(&Fit::Stretch.place((8, 2), (2, 1)));
        assert_eq!(halves.classes()[..8], [0, 0, 0, 0, 7, 7, 7, 7]);
        let diagonal = map(2, &[0, 1, 1, 1]).to_photo(&Fit::Stretch.place((8, 8), (2, 2)));
        let zeros: Vec<usize> = diagonal
            .classes()
            .chunks_exact(8)
            .map(|row| row.iter().filter(|&&class| class == 0).count())
            .collect();
        // Three quarters of the surroundings are class 1, so its edge bends around.
        assert!(zeros.windows(2).all(|rows| rows[0] >= rows[1]), "{zeros:?}");
        assert_eq!((zeros[0], zeros[7]), (4, 0), "{zeros:?}");
    }

    #[test]
    fn bars_and_what_was_not_seen_leave_no_trace() {
        // A photo twice as wide as high between bars of class 9.
        let seen = map(4, &[9, 9, 9, 9, 1, 1, 2, 2, 1, 1, 2, 2, 9, 9, 9, 9]);
        let photo = seen.to_photo(&Fit::Letterbox.place((8, 4), (4, 4)));
        assert!(photo.classes().iter().all(|&class| class != 9));
        assert_eq!(photo.classes()[..8], [1, 1, 1, 1, 2, 2, 2, 2]);
        let cropped = map(2, &[1, 2, 1, 2]).to_photo(&Fit::CentreCrop(1.0).place((8, 4), (2, 2)));
        assert_eq!(cropped.classes()[..8], [1, 1, 1, 1, 2, 2, 2, 2]);
    }

    #[test]
    fn coverage_fades_across_an_edge() {
        let placement = Fit::Stretch.place((4, 1), (2, 1));
        let coverage = map(2, &[0, 7]).coverage(&placement, |class| class == 7);
        assert_eq!(coverage, [0, 64, 191, 255]);
    }

    #[test]
    fn extreme_shapes_work() {
        for (photo, input) in [((1, 20_000), (3, 3)), ((20_000, 1), (3, 3)), ((1, 1), (3, 3))] {
            for fit in [Fit::Stretch, Fit::Letterbox, Fit::CentreCrop(0.875)] {
                let photo_map = map(3, &[1; 9]).to_photo(&fit.place(photo, input));
                assert_eq!(photo_map.classes(), vec![1; photo.0 * photo.1]);
            }
        }
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
