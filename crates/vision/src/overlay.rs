//! A class map shown on its photo: colours, a legend, and the photo cut out by it.

use std::io::{self, Write};
use std::path::Path;

use crate::paint::{Text, mix};
use crate::palette::is_background;
use crate::{ClassMap, Crop, Image, Labels, Palette, Placement, VisionError, png};

/// Colours each pixel of a photo by its class, draws the edges between classes, and writes
/// what the colours mean in a corner. Classes that are called background or other stay as they
/// are. `map` is of the photo's size: see [`ClassMap::to_photo`].
///
/// ```
/// use pocketvision_vision::{ClassMap, Dataset, Palette, SamplePicture, draw_class_map};
///
/// let mut photo = SamplePicture::Macaw.paint(64, 48);
/// let map = ClassMap::new(64, 48, vec![3; 64 * 48])?;
/// let dataset = Dataset::PascalVoc;
/// let palette = Palette::of(Some(dataset), 21);
/// draw_class_map(&mut photo, &map, &palette, dataset.labels(21).as_ref());
/// assert_ne!(photo, SamplePicture::Macaw.paint(64, 48));
/// # Ok::<(), pocketvision_vision::VisionError>(())
/// ```
///
/// # Panics
/// If the map is of another size.
pub fn draw_class_map(
    image: &mut Image,
    map: &ClassMap,
    palette: &Palette,
    labels: Option<&Labels>,
) {
    let (width, height) = image.size();
    assert_eq!((map.width(), map.height()), (width, height), "a map of the photo's size");
    let opacities: Vec<f32> = (0..=255)
        .map(|class| if is_background(&class_name(labels, class)) { 0.0 } else { OPACITY })
        .collect();
    let colors = palette.colors();
    let edge = (width.min(height) / 400).max(1);
    for y in 0..height {
        let classes = map.row(y);
        let below = map.row((y + edge).min(height - 1));
        let pixels = &mut image.pixels_mut()[y * width * 3..(y + 1) * width * 3];
        for (x, pixel) in pixels.chunks_exact_mut(3).enumerate() {
            let class = usize::from(classes[x]);
            let neighbours = [classes[(x + edge).min(width - 1)], below[x]];
            if let Some(&other) = neighbours.iter().find(|&&other| usize::from(other) != class) {
                // The edge has the colour of the class that has one.
                let class = if opacities[class] > 0.0 { class } else { usize::from(other) };
                mix(pixel, colors[class], 1.0);
            } else {
                mix(pixel, colors[class], opacities[class]);
            }
        }
    }
    draw_legend(image, map, palette, labels);
}

/// The name of a class, or its number where it has none.
///
/// ```
/// use pocketvision_vision::{Dataset, class_name};
///
/// let labels = Dataset::PascalVoc.labels(21);
/// assert_eq!(class_name(labels.as_ref(), 3), "bird");
/// assert_eq!(class_name(None, 3), "class 3");
/// ```
pub fn class_name(labels: Option<&Labels>, class: u8) -> String {
    match labels.and_then(|labels| labels.name(class.into())) {
        Some(name) => name.to_owned(),
        None => format!("class {class}"),
    }
}

/// Names and colours of the largest classes, lower left, unless they would hide the picture.
fn draw_legend(image: &mut Image, map: &ClassMap, palette: &Palette, labels: Option<&Labels>) {
    let (width, height) = image.size();
    let mut classes: Vec<(usize, u8)> = (map.pixels_of_each().into_iter().zip(0..=255))
        .filter(|&(count, class)| {
            count * SMALLEST_SHARE >= width * height && !is_background(&class_name(labels, class))
        })
        .collect();
    // Largest first; of equal ones the first class.
    classes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let letters = (width.min(height) as f32 / 28.0).clamp(13.0, 100.0);
    let lines: Vec<(u8, Text)> = classes
        .iter()
        .take(MOST_LINES)
        .map(|&(_, class)| (class, Text::new(&class_name(labels, class), letters, width)))
        .collect();
    let Some(line) = lines.first().map(|(_, text)| text.height) else { return };
    let margin = line / 3;
    let widest = lines.iter().map(|(_, text)| text.width).max().unwrap_or(0);
    let (panel_width, panel_height) = (line + widest + 3 * margin, line * lines.len() + 2 * margin);
    if panel_width * 2 > width || panel_height * 4 > height * 3 {
        return;
    }
    let top = height - panel_height;
    image.fill(Crop { x: 0, y: top, width: panel_width, height: panel_height }, [0; 3], 0.6);
    for (index, (class, text)) in lines.iter().enumerate() {
        let y = top + margin + index * line;
        let swatch = Crop { x: margin, y: y + line / 8, width: line, height: line * 3 / 4 };
        image.fill(swatch, palette.color(*class), 1.0);
        image.write(text, (2 * margin + line, y), [255; 3]);
    }
}

impl ClassMap {
    /// Writes the map as a PNG file in the classes' colours. Its pixels are the classes
    /// themselves, and the file says which colour each has. The file appears complete or not
    /// at all.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_vision::{ClassMap, Palette};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let map = ClassMap::new(2, 2, vec![0, 0, 0, 7])?;
    /// map.save_colored_png(folder.join("colours.png"), &Palette::of(None, 21))?;
    /// assert_eq!(ClassMap::open(folder.join("colours.png"))?, map);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the folder is missing, full or may not be written.
    pub fn save_colored_png(
        &self,
        path: impl AsRef<Path>,
        palette: &Palette,
    ) -> Result<(), VisionError> {
        png::save(path.as_ref(), |file| self.write_colored_png(file, palette))
    }

    /// Writes the map as PNG in the classes' colours: what [`Self::save_colored_png`] puts in a
    /// file.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_colored_png(&self, out: impl Write, palette: &Palette) -> io::Result<()> {
        let fill = |y: usize, line: &mut [u8]| line.copy_from_slice(self.row(y));
        let size = (self.width(), self.height());
        png::encode(out, size, png::Pixel::Palette(&palette.colors()), fill)
    }

    /// Writes a photo as a PNG file in which everything is transparent but some classes.
    /// Edges are soft. This map is what the network made of the photo, in the network's size,
    /// and `placement` says where the photo lay in the network's input. The file appears
    /// complete or not at all.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pocketvision_vision::{ClassMap, Fit, SamplePicture};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let photo = SamplePicture::Macaw.paint(64, 48);
    /// let map = ClassMap::new(2, 2, vec![0, 0, 0, 7])?;
    /// let placement = Fit::Stretch.place(photo.size(), (2, 2));
    /// map.save_cut_out(folder.join("bird.png"), &photo, &placement, |class| class == 7)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the photo is not of the placement's size, or the folder is missing, full or may not be
    /// written.
    pub fn save_cut_out(
        &self,
        path: impl AsRef<Path>,
        photo: &Image,
        placement: &Placement,
        belongs: impl Fn(u8) -> bool,
    ) -> Result<(), VisionError> {
        png::save(path.as_ref(), |file| self.write_cut_out(file, photo, placement, belongs))
    }

    /// Writes a photo as PNG in which everything is transparent but some classes: what
    /// [`Self::save_cut_out`] puts in a file.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the photo is not of the placement's size; any other if
    /// `out` cannot be written.
    pub fn write_cut_out(
        &self,
        out: impl Write,
        photo: &Image,
        placement: &Placement,
        belongs: impl Fn(u8) -> bool,
    ) -> io::Result<()> {
        if photo.size() != placement.photo {
            let (width, height) = photo.size();
            let (placed_width, placed_height) = placement.photo;
            let reason = format!(
                "the photo is {width}x{height}, but what was placed in the network's input is \
                 {placed_width}x{placed_height}"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let alpha = self.coverage(placement, belongs);
        let width = photo.width();
        let fill = |y: usize, line: &mut [u8]| {
            let colors = photo.pixels()[y * width * 3..].chunks_exact(3);
            let opacities = &alpha[y * width..];
            for ((pixel, color), opacity) in line.chunks_exact_mut(4).zip(colors).zip(opacities) {
                pixel[..3].copy_from_slice(color);
                pixel[3] = *opacity;
            }
        };
        png::encode(out, photo.size(), png::Pixel::Rgba, fill)
    }
}

/// How much of a pixel is its class's colour.
const OPACITY: f32 = 0.55;

/// One part in so many of the picture is the least that the legend mentions.
const SMALLEST_SHARE: usize = 500;

/// Lines of the legend.
const MOST_LINES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Fit};

    fn grey(width: usize, height: usize) -> Image {
        Image::new(width, height, vec![100; width * height * 3]).unwrap()
    }

    fn voc() -> (Palette, Labels) {
        (Palette::of(None, 21), Dataset::PascalVoc.labels(21).unwrap())
    }

    #[test]
    fn objects_are_coloured_and_the_background_is_not() {
        let (palette, labels) = voc();
        let map = ClassMap::new(4, 1, vec![0, 0, 15, 15]).unwrap();
        let mut image = grey(4, 1);
        draw_class_map(&mut image, &map, &palette, Some(&labels));
        assert_eq!(image.pixel(0, 0), [100; 3]);
        assert_eq!(image.pixel(1, 0), palette.color(15), "the edge");
        assert_eq!(image.pixel(3, 0), [151, 115, 115], "0.45 of 100 and 0.55 of 192 and 128");
        let mut unnamed = grey(4, 1);
        draw_class_map(&mut unnamed, &map, &palette, None);
        assert_ne!(unnamed.pixel(0, 0), [100; 3], "class 0 may mean anything");
    }

    #[test]
    fn a_legend_appears_where_there_is_room() {
        let (palette, labels) = voc();
        let legend = |width: usize, height: usize| {
            let map = ClassMap::new(width, height, vec![15; width * height]).unwrap();
            let mut image = grey(width, height);
            draw_class_map(&mut image, &map, &palette, Some(&labels));
            image.pixel(0, height - 1) != image.pixel(width - 1, 0)
        };
        assert!(legend(400, 300));
        assert!(!legend(30, 30) && !legend(1, 1) && !legend(5000, 1));
    }

    #[test]
    fn files_hold_the_classes_and_the_photo_with_soft_edges() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        let map = ClassMap::new(2, 1, vec![0, 15]).unwrap();
        map.save_colored_png(&path, &voc().0).unwrap();
        assert_eq!(ClassMap::open(&path).unwrap(), map);
        assert_eq!(crate::open(&path).unwrap().pixel(1, 0), [192, 128, 128]);

        let placement = Fit::Stretch.place((4, 1), (2, 1));
        map.save_cut_out(&path, &grey(4, 1), &placement, |class| class == 15).unwrap();
        let file = io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut reader = ::png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let alpha: Vec<u8> = pixels.chunks_exact(4).map(|pixel| pixel[3]).collect();
        assert_eq!(alpha, [0, 64, 191, 255]);
    }

    #[test]
    fn a_photo_of_another_size_is_not_cut_out() {
        let map = ClassMap::new(2, 1, vec![0, 15]).unwrap();
        let placement = Fit::Stretch.place((4, 2), (2, 1));
        for (width, height) in [(8, 1), (4, 1), (4, 3), (2, 4)] {
            let mut out = Vec::new();
            let error = map.write_cut_out(&mut out, &grey(width, height), &placement, |_| true);
            let message = error.unwrap_err().to_string();
            assert!(message.contains(&format!("{width}x{height}")), "{message}");
            assert!(message.contains("4x2") && out.is_empty(), "{message}");
        }
    }
}
