//! What becomes of colours, alpha, depth and orientation on the way to RGB.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageFormat};
use pocketvision_vision::{Image, SamplePicture, open};

fn png(width: u32, height: u32, color: ExtendedColorType, samples: &[u8]) -> Image {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(samples, width, height, color)
        .unwrap();
    Image::decode(&bytes, "test.png").unwrap()
}

#[test]
fn what_is_saved_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    // Content decides, not the extension.
    let path = folder.path().join("bird.jpg");
    let picture = SamplePicture::Macaw.paint(61, 40);
    picture.save_png(&path).unwrap();
    assert_eq!(open(&path).unwrap(), picture);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn bmp_is_read_exactly() {
    let picture = SamplePicture::Macaw.paint(13, 7);
    let rgb = image::RgbImage::from_raw(13, 7, picture.pixels().to_vec()).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    rgb.write_to(&mut bytes, ImageFormat::Bmp).unwrap();
    assert_eq!(Image::decode(bytes.get_ref(), "test.bmp").unwrap(), picture);
}

#[test]
fn alpha_is_dropped_and_grey_repeated() {
    let rgba = png(2, 1, ExtendedColorType::Rgba8, &[10, 20, 30, 0, 40, 50, 60, 128]);
    assert_eq!(rgba.pixels(), [10, 20, 30, 40, 50, 60]);
    let grey_alpha = png(2, 1, ExtendedColorType::La8, &[7, 0, 200, 255]);
    assert_eq!(grey_alpha.pixels(), [7, 7, 7, 200, 200, 200]);
    let grey = png(2, 1, ExtendedColorType::L8, &[7, 200]);
    assert_eq!(grey.pixels(), [7, 7, 7, 200, 200, 200]);
}

#[test]
fn of_16_bits_the_upper_8_are_kept() {
    let samples: Vec<u8> =
        [0x12FF_u16, 0x8001, 0xFFFF].iter().flat_map(|x| x.to_ne_bytes()).collect();
    let rgb = png(1, 1, ExtendedColorType::Rgb16, &samples);
    assert_eq!(rgb.pixels(), [0x12, 0x80, 0xFF]);
    let grey = png(3, 1, ExtendedColorType::L16, &samples);
    assert_eq!(grey.pixels(), [0x12, 0x12, 0x12, 0x80, 0x80, 0x80, 0xFF, 0xFF, 0xFF]);
}

#[test]
fn an_exif_orientation_is_not_applied() {
    let picture = SamplePicture::Macaw.paint(40, 24);
    let mut plain = Vec::new();
    JpegEncoder::new(&mut plain).encode(picture.pixels(), 40, 24, ExtendedColorType::Rgb8).unwrap();
    // An EXIF block whose only entry is "orientation: rotated by 90 degrees".
    let exif: &[u8] = b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut rotated = plain[..2].to_vec();
    rotated.extend([0xFF, 0xE1]);
    rotated.extend((exif.len() as u16 + 2).to_be_bytes());
    rotated.extend(exif);
    rotated.extend(&plain[2..]);
    let image = Image::decode(&rotated, "rotated.jpg").unwrap();
    assert_eq!(image, Image::decode(&plain, "plain.jpg").unwrap());
    assert_eq!((image.width(), image.height()), (40, 24));
}
