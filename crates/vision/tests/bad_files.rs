//! Files that are no picture, or only part of one: an error of one line that names the
//! file, never a panic, and never half a picture.

use std::fs::{self, File};
use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use pocketvision_core::{Element, Shape, TensorType};
use pocketvision_vision::{Image, Preprocess, SamplePicture, VisionError, open};

fn encoded(picture: &Image, format: ImageFormat) -> Vec<u8> {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    let rgb = RgbImage::from_raw(width, height, picture.pixels().to_vec()).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(rgb).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn assert_names_the_file_in_one_line(error: &VisionError, name: &str) {
    let message = error.to_string();
    assert!(message.contains(name) && message.lines().count() == 1, "{message}");
}

#[test]
fn missing_empty_text_and_folders_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("empty.jpg"), "").unwrap();
    fs::write(path("text.jpg"), "To whom it may concern\n").unwrap();
    fs::create_dir(path("folder.png")).unwrap();

    let refused = |name: &str| {
        let error = open(path(name)).unwrap_err();
        assert_names_the_file_in_one_line(&error, name);
        error
    };
    assert!(matches!(refused("empty.jpg"), VisionError::Empty { .. }));
    assert!(matches!(refused("text.jpg"), VisionError::UnknownFormat { .. }));
    assert!(matches!(refused("folder.png"), VisionError::Read { .. }));
    assert!(matches!(refused("missing.bmp"), VisionError::Read { .. }));
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vast.png");
    File::create(&path).unwrap().set_len(Image::MAX_FILE_BYTES + 1).unwrap();
    assert!(matches!(open(&path), Err(VisionError::FileTooLarge { .. })));
}

#[test]
fn a_picture_cut_anywhere_is_refused_or_whole() {
    let picture = SamplePicture::Macaw.paint(37, 23);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp] {
        let bytes = encoded(&picture, format);
        let whole = Image::decode(&bytes, "whole").unwrap();
        for length in 0..bytes.len() {
            match Image::decode(&bytes[..length], "cut.file") {
                Err(error) => assert_names_the_file_in_one_line(&error, "cut.file"),
                Ok(image) => {
                    assert!(format != ImageFormat::Jpeg, "a JPEG needs its end marker");
                    assert_eq!(image.pixels(), whole.pixels(), "{format:?} cut at {length}");
                }
            }
        }
    }
}

#[test]
fn damaged_pictures_never_panic() {
    let picture = SamplePicture::Macaw.paint(37, 23);
    let seeds = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp]
        .map(|format| encoded(&picture, format));
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % bound
    };
    for round in 0..6_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        // Half of the damage goes to the headers.
        let reach = if random(2) == 0 { bytes.len() } else { bytes.len().min(600) };
        for _ in 0..=random(6) {
            bytes[random(reach)] = [0x00, 0xFF, random(256) as u8][random(3)];
        }
        if let Err(error) = Image::decode(&bytes, "damaged.file") {
            assert_names_the_file_in_one_line(&error, "damaged.file");
        }
    }
}

#[test]
fn a_declared_size_beyond_the_limit_is_refused_before_allocation() {
    let picture = SamplePicture::Macaw.paint(8, 8);
    let mut bmp = encoded(&picture, ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&60_000_u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&60_000_u32.to_le_bytes());
    let mut jpeg = encoded(&picture, ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xEA, 0x60, 0xEA, 0x60]);
    for bytes in [bmp, jpeg] {
        let error = Image::decode(&bytes, "bomb").unwrap_err();
        assert!(
            matches!(error, VisionError::TooManyPixels { width: 60_000, height: 60_000, .. }),
            "{error}"
        );
    }
}

#[test]
fn pictures_of_one_pixel_and_of_one_row_work() {
    let input = TensorType::new(Shape::new(1, 224, 224, 3), Element::uint8(1.0 / 128.0, 128));
    let preprocess = Preprocess::for_input(&input).unwrap();
    for (width, height) in [(1, 1), (20_000, 1), (1, 20_000)] {
        let pixels = (0..width * height).flat_map(|at| [(at % 251) as u8, 90, 200]).collect();
        let picture = Image::new(width, height, pixels).unwrap();
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp] {
            let image = Image::decode(&encoded(&picture, format), "thin").unwrap();
            assert_eq!((image.width(), image.height()), (width, height));
            let tensor = preprocess.apply(&image, &input).unwrap();
            // The crop is one pixel: every value of the input is that pixel.
            let centre = image.pixel((width - 1) / 2, (height - 1) / 2);
            assert!(tensor.bytes().chunks_exact(3).all(|pixel| pixel == centre));
        }
    }
}

#[test]
fn pixels_that_do_not_fill_the_picture_are_refused() {
    assert!(matches!(Image::new(2, 2, vec![0; 11]), Err(VisionError::PixelCount { .. })));
    assert!(matches!(Image::new(0, 2, vec![]), Err(VisionError::PixelCount { .. })));
    assert!(matches!(Image::new(usize::MAX, 2, vec![]), Err(VisionError::TooManyPixels { .. })));
}

#[test]
fn a_picture_that_cannot_be_written_is_refused_by_name_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let picture = SamplePicture::Macaw.paint(4, 4);
    let path = folder.path().join("missing").join("bird.png");
    assert_names_the_file_in_one_line(&picture.save_png(&path).unwrap_err(), "bird.png");

    fs::create_dir(folder.path().join("taken.png")).unwrap();
    assert!(picture.save_png(folder.path().join("taken.png")).is_err());
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "the temporary file is still there");
}
