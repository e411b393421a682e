//! A picture of our own, for when there is no photo at hand.

use crate::Image;

/// A drawn parrot, of any size from 1x1; the same pixels on every machine.
///
/// # Panics
/// If a side is zero or there are more than [`Image::MAX_PIXELS`].
pub fn sample_picture(width: usize, height: usize) -> Image {
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            pixels.extend([(x * 255 / width) as u8, (y * 255 / height) as u8, 128]);
        }
    }
    Image::new(width, height, pixels).expect("a size that a picture can have")
}
