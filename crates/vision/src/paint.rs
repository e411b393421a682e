//! Rectangles and letters on a picture.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

use crate::palette::Color;
use crate::{Crop, Image};

impl Image {
    /// Mixes a colour into one pixel; outside the picture nothing happens. `opacity` is from 0
    /// to 1.
    fn mix(&mut self, x: isize, y: isize, color: Color, opacity: f32) {
        let inside = |at: isize, side: usize| usize::try_from(at).ok().filter(|at| *at < side);
        let (width, height) = self.size();
        let (Some(x), Some(y)) = (inside(x, width), inside(y, height)) else { return };
        let start = (y * width + x) * 3;
        mix(&mut self.pixels_mut()[start..start + 3], color, opacity);
    }

    /// Mixes a colour into a rectangle; what lies outside the picture is left out.
    pub(crate) fn fill(&mut self, area: Crop, color: Color, opacity: f32) {
        let (width, height) = self.size();
        let (left, right) = (area.x.min(width), (area.x + area.width).min(width));
        for y in area.y.min(height)..(area.y + area.height).min(height) {
            let row = &mut self.pixels_mut()[(y * width + left) * 3..(y * width + right) * 3];
            row.chunks_exact_mut(3).for_each(|pixel| mix(pixel, color, opacity));
        }
    }

    /// Paints the sides of a rectangle, `line` pixels wide, on its inside.
    pub(crate) fn outline(&mut self, area: Crop, line: usize, color: Color) {
        let Crop { x, y, width, height } = area;
        let (across, down) = (line.min(width), line.min(height));
        for side in [
            Crop { height: down, ..area },
            Crop { y: y + height - down, height: down, ..area },
            Crop { width: across, ..area },
            Crop { x: x + width - across, width: across, ..area },
        ] {
            self.fill(side, color, 1.0);
        }
    }

    /// Writes a line of text with its upper left corner at a place.
    pub(crate) fn write(&mut self, text: &Text, (left, top): (usize, usize), color: Color) {
        let font = FONT.as_scaled(text.scale);
        for &(character, x) in &text.characters {
            let position = point(left as f32 + x, top as f32 + font.ascent());
            let glyph = font.glyph_id(character).with_scale_and_position(text.scale, position);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|x, y, coverage| {
                let (x, y) = (corner.x as isize + x as isize, corner.y as isize + y as isize);
                self.mix(x, y, color, coverage.min(1.0));
            });
        }
    }
}

/// Mixes a colour into the three bytes of a pixel.
pub(crate) fn mix(pixel: &mut [u8], color: Color, opacity: f32) {
    for (below, color) in pixel.iter_mut().zip(color) {
        let below_share = f32::from(*below) * (1.0 - opacity);
        *below = (below_share + f32::from(color) * opacity).round() as u8;
    }
}

/// Black or white, whichever can be read on a colour.
pub(crate) fn readable_on(color: Color) -> Color {
    // Perceived brightness after ITU-R BT.601.
    let [red, green, blue] = color.map(u32::from);
    if 299 * red + 587 * green + 114 * blue > 140_000 { [0; 3] } else { [255; 3] }
}

/// A line of text laid out in one size.
#[derive(Debug)]
pub(crate) struct Text {
    scale: PxScale,
    /// Each character, and where it begins.
    characters: Vec<(char, f32)>,
    /// Width in pixels, rounded up.
    pub(crate) width: usize,
    /// Height in pixels of a line, rounded up.
    pub(crate) height: usize,
}

impl Text {
    /// Lays out a text in letters of this height, cut off with an ellipsis where it would be
    /// wider than `widest` pixels. A character that the font lacks is shown as a question mark.
    pub(crate) fn new(text: &str, height_pixels: f32, widest: usize) -> Self {
        let scale = PxScale::from(height_pixels);
        let font = FONT.as_scaled(scale);
        let known = |character: char| match FONT.glyph_id(character).0 {
            0 => '?',
            _ => character,
        };
        let advance = |letter: char| font.h_advance(font.glyph_id(letter));
        let widest = widest as f32;
        let (mut characters, mut x) = (Vec::new(), 0.0);
        for letter in text.chars().map(known) {
            characters.push((letter, x));
            x += advance(letter);
            if x > widest {
                break;
            }
        }
        if x > widest {
            // Letters go until the ellipsis fits in their place.
            while let Some((_, at)) = characters.pop() {
                x = at;
                if at + advance(ELLIPSIS) <= widest {
                    break;
                }
            }
            characters.push((ELLIPSIS, x));
            x += advance(ELLIPSIS);
        }
        let height = font.height().ceil() as usize;
        Self { scale, characters, width: x.ceil() as usize, height }
    }
}

const ELLIPSIS: char = '…';

/// Hack: letters that are told apart at small sizes. Under the MIT licence and that of
/// Bitstream Vera, both in the crate that carries it.
static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).expect("the bundled font is whole")
});

#[cfg(test)]
mod tests {
    use super::*;

    fn black(width: usize, height: usize) -> Image {
        Image::new(width, height, vec![0; width * height * 3]).unwrap()
    }

    #[test]
    fn outlines_are_inside_and_rectangles_are_cut_off_at_the_edge() {
        let mut image = black(6, 5);
        image.outline(Crop { x: 1, y: 0, width: 4, height: 5 }, 1, [255, 0, 0]);
        let row = |image: &Image, y: usize| -> String {
            (0..6).map(|x| if image.pixel(x, y)[0] > 0 { '#' } else { '.' }).collect()
        };
        let rows: Vec<String> = (0..5).map(|y| row(&image, y)).collect();
        assert_eq!(rows, [".####.", ".#..#.", ".#..#.", ".#..#.", ".####."]);
        image.fill(Crop { x: 4, y: 3, width: 90, height: 90 }, [10, 0, 0], 1.0);
        assert_eq!(image.pixel(5, 4), [10, 0, 0]);
        image.fill(Crop { x: 9, y: 9, width: 1, height: 1 }, [9; 3], 1.0);
    }

    #[test]
    fn text_has_ink_inside_its_own_rectangle() {
        let text = Text::new("Agpy 0.92", 20.0, 1000);
        let mut image = black(text.width + 20, text.height + 20);
        image.write(&text, (10, 10), [255; 3]);
        let inked = |x: usize, y: usize| image.pixel(x, y)[0] > 0;
        let (width, height) = image.size();
        let mut ink = 0;
        for y in 0..height {
            for x in 0..width {
                let inside = (10..width - 10).contains(&x) && (10..height - 10).contains(&y);
                assert!(inside || !inked(x, y), "ink at {x}, {y}");
                ink += usize::from(inked(x, y));
            }
        }
        assert!(ink > width * height / 20, "{ink} pixels of ink");
    }

    #[test]
    fn long_text_ends_in_an_ellipsis_and_strange_letters_in_question_marks() {
        let whole = Text::new("traffic light", 14.0, 1000);
        let cut = Text::new("traffic light", 14.0, whole.width / 2);
        assert!(cut.width <= whole.width / 2 && cut.characters.last().unwrap().0 == ELLIPSIS);
        let strange = Text::new("a\u{e000}\n", 14.0, 1000);
        assert_eq!(strange.characters.iter().map(|c| c.0).collect::<String>(), "a??");
        assert_eq!(Text::new("", 14.0, 10).width, 0);
    }

    #[test]
    fn letters_contrast_with_what_is_below() {
        assert_eq!(readable_on([255, 230, 70]), [0; 3]);
        assert_eq!(readable_on([0, 0, 142]), [255; 3]);
    }
}
