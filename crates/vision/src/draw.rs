//! Detections drawn on a photo: boxes, names, scores.

use crate::paint::{Text, readable_on};
use crate::palette::bright;
use crate::{Crop, DetectedObject, Image};

/// Draws a box around each object, with its name and score. Lines and letters grow with the
/// picture; a label lies above its box where there is room, and not on another where that can
/// be avoided.
///
/// ```
/// use pocketvision_vision::{BoundingBox, DetectedObject, SamplePicture, draw_detections};
///
/// let mut photo = SamplePicture::Macaw.paint(320, 240);
/// let bounds = BoundingBox { top: 10.0, left: 20.0, bottom: 60.0, right: 90.0 };
/// let bird = DetectedObject { bounds, class: 15, label: Some("bird".into()), score: 0.92 };
/// draw_detections(&mut photo, &[bird]);
/// assert_ne!(photo, SamplePicture::Macaw.paint(320, 240));
/// ```
pub fn draw_detections(image: &mut Image, objects: &[DetectedObject]) {
    let (width, height) = image.size();
    let shorter = width.min(height) as f32;
    let line = ((shorter / 200.0).round() as usize).max(1);
    let letters = (shorter / 32.0).clamp(SMALLEST_LETTERS, LARGEST_LETTERS);
    let margin = (letters / 5.0) as usize;
    // The best objects on top of the others.
    for object in objects.iter().rev() {
        image.outline(pixels_of(object, image), line, bright(object.class));
    }
    let mut taken: Vec<Crop> = Vec::new();
    let mut labels = Vec::new();
    for object in objects {
        let text = format!("{} {:.2}", object.name(), object.score);
        let text = Text::new(&text, letters, width.saturating_sub(2 * margin));
        let size = (text.width + 2 * margin, text.height);
        let place = label_place(pixels_of(object, image), size, (width, height), &taken);
        taken.push(place);
        labels.push((text, place, bright(object.class)));
    }
    for (text, place, color) in labels.iter().rev() {
        image.fill(*place, *color, 0.9);
        image.write(text, (place.x + margin, place.y), readable_on(*color));
    }
}

/// The pixels that a box touches.
fn pixels_of(object: &DetectedObject, image: &Image) -> Crop {
    let (width, height) = image.size();
    let span = |from: f32, to: f32, side: usize| {
        let start = (from.floor().max(0.0) as usize).min(side - 1);
        let end = (to.ceil().max(0.0) as usize).clamp(start + 1, side);
        (start, end - start)
    };
    let (x, box_width) = span(object.bounds.left, object.bounds.right, width);
    let (y, box_height) = span(object.bounds.top, object.bounds.bottom, height);
    Crop { x, y, width: box_width, height: box_height }
}

/// Where a label of this size goes: above its box, below, inside at the top or inside at the
/// bottom; the first of them that is free, else the first.
fn label_place(
    bounds: Crop,
    (label_width, label_height): (usize, usize),
    (width, height): (usize, usize),
    taken: &[Crop],
) -> Crop {
    let x = bounds.x.min(width.saturating_sub(label_width));
    let bottom = bounds.y + bounds.height;
    let tops = [
        bounds.y.checked_sub(label_height),
        Some(bottom),
        Some(bounds.y),
        bottom.checked_sub(label_height),
    ];
    let place = |y: usize| Crop { x, y, width: label_width, height: label_height };
    let inside = |place: &Crop| place.y + place.height <= height;
    let places: Vec<Crop> = tops.into_iter().flatten().map(place).filter(inside).collect();
    let free = |place: &&Crop| !taken.iter().any(|other| overlap(place, other));
    let first = places.first().copied().unwrap_or_else(|| place(0));
    places.iter().find(free).copied().unwrap_or(first)
}

const fn overlap(a: &Crop, b: &Crop) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/// Height in pixels of the letters on a small picture: smaller ones cannot be read.
const SMALLEST_LETTERS: f32 = 13.0;

/// Height in pixels of the letters on a very large picture.
const LARGEST_LETTERS: f32 = 120.0;

#[cfg(test)]
mod tests {
    use pocketvision_core::detection::BoundingBox;

    use super::*;

    fn object(left: f32, top: f32, right: f32, bottom: f32) -> DetectedObject {
        let bounds = BoundingBox { top, left, bottom, right };
        DetectedObject { bounds, class: 3, label: Some("cat".into()), score: 0.5 }
    }

    #[test]
    fn a_box_is_drawn_where_the_object_is() {
        let mut image = Image::new(200, 200, vec![0; 200 * 200 * 3]).unwrap();
        draw_detections(&mut image, &[object(50.0, 60.0, 150.0, 160.0)]);
        let color = bright(3);
        for (x, y) in [(50, 100), (149, 100), (100, 159), (149, 159)] {
            assert_eq!(image.pixel(x, y), color, "({x}, {y})");
        }
        assert_eq!(image.pixel(100, 100), [0; 3]);
        assert_ne!(image.pixel(52, 52), [0; 3], "the label is above");
        assert_eq!(image.pixel(10, 10), [0; 3]);
    }

    #[test]
    fn labels_avoid_each_other_and_stay_in_the_picture() {
        let bounds = Crop { x: 190, y: 50, width: 10, height: 100 };
        let place = |bounds, taken: &[Crop]| label_place(bounds, (60, 16), (200, 200), taken);
        let first = place(bounds, &[]);
        assert_eq!((first.y + first.height, first.x + first.width), (50, 200));
        let second = place(bounds, &[first]);
        assert_eq!(second.y, 150, "below the box");
        assert_eq!(place(bounds, &[first, second]).y, 50, "inside the box");
        let all = Crop { x: 0, y: 0, width: 200, height: 200 };
        assert_eq!(place(all, &[]).y, 0);
    }

    #[test]
    fn pictures_too_small_for_a_label_are_painted_all_the_same() {
        for (width, height) in [(1, 1), (3, 2), (1, 500), (500, 1)] {
            let mut image = crate::SamplePicture::Macaw.paint(width, height);
            let everywhere = object(-5.0, -5.0, 1e9, 1e9);
            draw_detections(&mut image, &[everywhere.clone(), everywhere]);
            draw_detections(&mut image, &[]);
        }
    }
}
