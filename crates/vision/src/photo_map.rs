//! A class map in the size of the photo that the network saw.

use crate::{ClassMap, Placement};

impl ClassMap {
    /// The map of the photo that the network saw, in the photo's size: each pixel has the
    /// class that most of its surroundings have, the nearest counting most, so that edges
    /// between classes are lines and not steps. Pixels of the photo that the network did not
    /// see have the class of the nearest that it did.
    ///
    /// Cost: some nanoseconds and one byte for each pixel of the photo.
    ///
    /// ```
    /// use pocketvision_vision::{ClassMap, Fit};
    ///
    /// let map = ClassMap::new(2, 2, vec![0, 0, 0, 7])?;
    /// let placement = Fit::Stretch.place((640, 480), (2, 2));
    /// let of_photo = map.to_photo(&placement);
    /// assert_eq!((of_photo.width(), of_photo.height()), (640, 480));
    /// assert_eq!(of_photo.classes().last(), Some(&7));
    /// # Ok::<(), pocketvision_vision::VisionError>(())
    /// ```
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
    pub(crate) fn coverage(&self, placement: &Placement, belongs: impl Fn(u8) -> bool) -> Vec<u8> {
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
            let (top, bottom) = (self.row(top), self.row(bottom));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fit;

    fn map(width: usize, classes: &[u8]) -> ClassMap {
        ClassMap::new(width, classes.len() / width, classes.to_vec()).unwrap()
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
}
