//! Pictures of our own, for when there is no photo at hand.

mod airplane;
mod automobile;
mod brush;
mod macaw;
mod ship;
mod truck;

use brush::{Color, Shape, mix};

use crate::Image;

/// A picture that is painted rather than read. The same pixels on every machine.
///
/// ```
/// use pocketvision_vision::SamplePicture;
///
/// let ship = SamplePicture::Ship.paint(320, 240);
/// assert_eq!((ship.width(), ship.height()), (320, 240));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SamplePicture {
    /// A scarlet macaw on a branch.
    Macaw,
    /// A steamer at sea.
    Ship,
    /// An airliner above clouds.
    Airplane,
    /// A red car on a road.
    Automobile,
    /// A lorry on a road.
    Truck,
}

impl SamplePicture {
    /// Every picture.
    pub const ALL: [Self; 5] =
        [Self::Macaw, Self::Ship, Self::Airplane, Self::Automobile, Self::Truck];

    /// What it shows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Macaw => "macaw",
            Self::Ship => "ship",
            Self::Airplane => "airplane",
            Self::Automobile => "automobile",
            Self::Truck => "truck",
        }
    }

    /// The picture, in any size and shape from 1x1; a wide or high one shows more of what is
    /// around.
    ///
    /// Cost: about a microsecond a pixel.
    ///
    /// # Panics
    /// If a side is zero or there are more than [`Image::MAX_PIXELS`].
    pub fn paint(self, width: usize, height: usize) -> Image {
        let (background, shapes) = match self {
            Self::Macaw => (macaw::BACKGROUND, macaw::shapes()),
            Self::Ship => (ship::BACKGROUND, ship::shapes()),
            Self::Airplane => (airplane::BACKGROUND, airplane::shapes()),
            Self::Automobile => (automobile::BACKGROUND, automobile::shapes()),
            Self::Truck => (truck::BACKGROUND, truck::shapes()),
        };
        paint(background, &shapes, width, height)
    }
}

/// Shapes over a background that goes from one colour at the top to another at the bottom.
fn paint(background: [Color; 2], shapes: &[Shape], width: usize, height: usize) -> Image {
    let count = width.saturating_mul(height);
    assert!(
        (1..=Image::MAX_PIXELS).contains(&count),
        "a picture of {width}x{height} is empty or too large"
    );
    let side = width.min(height) as f32;
    let mut pixels = Vec::with_capacity(count * 3);
    for row in 0..height {
        for column in 0..width {
            let point = [
                (column as f32 + 0.5 - width as f32 / 2.0) / side,
                (row as f32 + 0.5 - height as f32 / 2.0) / side,
            ];
            let depth = (point[1] + 0.5).clamp(0.0, 1.0);
            let mut color = mix(background[0], background[1], depth);
            for shape in shapes {
                color = shape.paint_over(color, point, 1.0 / side);
            }
            pixels.extend(color.map(|value| (value + 0.5).clamp(0.0, 255.0) as u8));
        }
    }
    Image::new(width, height, pixels).expect("the size was checked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_size_can_be_painted() {
        for picture in SamplePicture::ALL {
            for (width, height) in [(1, 1), (1, 300), (300, 1), (7, 5)] {
                let picture = picture.paint(width, height);
                assert_eq!((picture.width(), picture.height()), (width, height));
            }
        }
    }

    /// Red, green and blue at a point of a picture of 400x300.
    fn color_at(picture: &Image, [x, y]: brush::Point) -> [u8; 3] {
        picture.pixel((200.0 + x * 300.0) as usize, (150.0 + y * 300.0) as usize)
    }

    #[test]
    fn the_bird_has_a_red_breast_a_white_face_and_a_blue_wing() {
        let picture = SamplePicture::Macaw.paint(400, 300);
        let [r, g, b] = color_at(&picture, [-0.06, 0.08]);
        assert!(r > 150 && g < 80 && b < 80, "breast");
        assert!(color_at(&picture, [-0.12, -0.19]).iter().all(|&value| value > 200), "face");
        let [r, _, b] = color_at(&picture, [0.12, 0.22]);
        assert!(b > 80 && b > 2 * r, "wing");
    }

    #[test]
    fn vehicles_have_their_colours() {
        let reddish = |[r, g, b]: [u8; 3]| r > 100 && r > 2 * g && r > 2 * b;
        let at = |picture: SamplePicture, point| color_at(&picture.paint(400, 300), point);
        assert!(reddish(at(SamplePicture::Automobile, [-0.4, 0.12])));
        assert!(reddish(at(SamplePicture::Truck, [0.3, 0.1])));
        assert!(reddish(at(SamplePicture::Ship, [0.0, 0.215])), "below the water line");
        assert!(at(SamplePicture::Truck, [-0.3, -0.1]).iter().all(|&value| value > 180));
        let [r, _, b] = at(SamplePicture::Airplane, [0.5, -0.4]);
        assert!(b > r + 50, "sky");
    }

    #[test]
    fn a_larger_picture_is_the_same_picture() {
        for picture in SamplePicture::ALL {
            let small = picture.paint(80, 60);
            let reduced = picture.paint(320, 240).resize(80, 60).unwrap();
            let difference: u32 = small
                .pixels()
                .iter()
                .zip(reduced.pixels())
                .map(|(&a, &b)| u32::from(a.abs_diff(b)))
                .sum();
            assert!(difference / (80 * 60 * 3) < 4, "{picture:?} differs by {difference} in all");
        }
    }
}
