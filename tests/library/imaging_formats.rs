//! Picture files of every format are read whole or refused, and alike wherever they are read.

use std::path::{Path, PathBuf};

use digitstack::{
    data::{DataConfig, PIXELS},
    imaging::{DrawingOptions, decode_picture, digit_from_picture, open_picture, read_picture},
    preprocessing::open_data,
    progress::Silent,
};
use image::{
    DynamicImage, ExtendedColorType, GrayImage, ImageEncoder, ImageFormat, Luma, codecs::jpeg::JpegEncoder, imageops,
};
use proptest::prelude::*;

/// Files of `tests/reference/pictures.py`, by name.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}

/// The figure of a slanted bar with a foot, dark on white.
fn figure(width: u32, height: u32) -> GrayImage {
    let ink = |x: u32, y: u32| {
        let (x, y) = ((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
        let bar = ((x - 0.6 + 0.2 * (y - 0.25)).abs() - 0.05).max(0.2 - y).max(y - 0.8);
        let foot = ((y - 0.76).abs() - 0.04).max(0.35 - x).max(x - 0.75);
        (0.5 - bar.min(foot) * width as f32).clamp(0.0, 1.0)
    };
    GrayImage::from_fn(width, height, |x, y| Luma([(255.0 * (1.0 - ink(x, y))) as u8]))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    // GIF has no grey.
    let coloured = (format == ImageFormat::Gif && !picture.color().has_color()).then(|| picture.to_rgb8().into());
    let picture = coloured.as_ref().unwrap_or(picture);
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

const FORMATS: [ImageFormat; 7] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::Gif,
    ImageFormat::Bmp,
    ImageFormat::WebP,
    ImageFormat::Tiff,
    ImageFormat::Pnm,
];

#[test]
fn every_format_and_form_is_read() {
    let files = files();
    assert!(files.len() > 20, "{}", files.len());
    for (name, bytes) in files {
        let picture = decode_picture(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_turned = ["restarts.jpg", "lossy-alpha.webp", "alpha.png", "pages.tiff"].contains(&name.as_str());
        let size = match (name.starts_with("wide"), is_turned) {
            (true, _) => (450, 5),
            (_, true) => (37, 45),
            _ => (45, 37),
        };
        assert_eq!((picture.width(), picture.height()), size, "{name}");
        if !name.starts_with("wide") {
            let digit = digit_from_picture(&picture, &DrawingOptions::default());
            assert!(digit.is_ok(), "{name}: {:?}", digit.err());
        }
    }
}

#[test]
fn a_picture_cut_at_any_byte_is_refused_or_the_same() {
    for (name, whole) in files() {
        let pixels = decode_picture(&whole).unwrap();
        let step = if name.starts_with("wide") { 29 } else { 1 };
        for length in (0..whole.len()).step_by(step).chain(whole.len().saturating_sub(20)..whole.len()) {
            match decode_picture(&whole[..length]) {
                Ok(cut) => {
                    let missing = whole.len() - length;
                    assert!(cut == pixels && missing <= 12, "{name} without its last {missing} bytes");
                }
                Err(error) => assert!(error.to_string().len() > 20, "{name}: {error}"),
            }
        }
    }
}

#[test]
fn damage_is_named() {
    let baseline = encoded(&figure(200, 200).into(), ImageFormat::Jpeg);
    for (bytes, words) in [
        (&baseline[..baseline.len() * 95 / 100], &["damaged JPEG", "ends early", "% of scan 1"][..]),
        (&baseline[..100], &["damaged JPEG", "ends early"]),
        (&encoded(&figure(60, 60).into(), ImageFormat::Png)[..90], &["damaged PNG", "ends early", "IDAT"]),
        (&encoded(&figure(60, 60).into(), ImageFormat::Gif)[..200], &["damaged GIF", "ends early"]),
        (&encoded(&figure(60, 60).into(), ImageFormat::WebP)[..90], &["damaged WebP", "ends early"]),
    ] {
        let error = decode_picture(bytes).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    // An end marker that somebody put behind what came.
    let closed = [&baseline[..baseline.len() / 2], &[0xff, 0xd9]].concat();
    assert!(decode_picture(&closed).unwrap_err().to_string().contains("ends early"));
    // Bytes behind the end are ignored.
    assert_eq!(decode_picture(&[&baseline[..], &[1, 2, 3]].concat()).unwrap(), decode_picture(&baseline).unwrap());
}

#[test]
fn an_eighth_of_a_jpeg_is_the_mean_of_its_pixels() {
    for (name, bytes) in files().into_iter().filter(|(name, _)| name.starts_with("wide")) {
        let small = decode_picture(&bytes).unwrap().to_rgb8();
        let whole = image::load_from_memory(&bytes).unwrap().to_rgb8();
        let brightness = |pixel: &image::Rgb<u8>| {
            let [red, green, blue] = pixel.0.map(f32::from);
            0.299 * red + 0.587 * green + 0.114 * blue
        };
        for (x, y, pixel) in small.enumerate_pixels() {
            let block = imageops::crop_imm(&whole, 8 * x, 8 * y, 8, 8).to_image();
            let mean = block.pixels().map(brightness).sum::<f32>() / 64.0;
            let off = (brightness(pixel) - mean).abs();
            assert!(off <= 8.0, "{name}, ({x}, {y}): {pixel:?}, brightness {mean}");
            // Colours may be sampled more coarsely, and the whole picture smooths them.
            for channel in 0..3 {
                let mean = block.pixels().map(|pixel| f32::from(pixel.0[channel])).sum::<f32>() / 64.0;
                let off = (f32::from(pixel.0[channel]) - mean).abs();
                assert!(off <= 40.0, "{name}, ({x}, {y}): {pixel:?}, {mean} of channel {channel}");
            }
        }
    }
}

#[test]
fn a_phone_photo_reads_like_a_small_one() {
    let options = DrawingOptions::default();
    let small = read_picture(&encoded(&figure(375, 500).into(), ImageFormat::Jpeg), &options).unwrap().image;
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        let large = read_picture(&encoded(&figure(4500, 6000).into(), format), &options).unwrap().image;
        let off = small.iter().zip(&large).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>();
        assert!(off < 20 * PIXELS as u32 / 4, "{format:?}: off by {off}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    Grey,
    Rgb,
    Rgba,
    Grey16,
    Rgb16,
}

fn in_mode(picture: &GrayImage, mode: Mode) -> DynamicImage {
    let picture = DynamicImage::from(picture.clone());
    match mode {
        Mode::Grey => picture,
        Mode::Rgb => picture.to_rgb8().into(),
        Mode::Rgba => picture.to_rgba8().into(),
        Mode::Grey16 => picture.to_luma16().into(),
        Mode::Rgb16 => picture.to_rgb16().into(),
    }
}

/// A little-endian EXIF block with an orientation alone.
fn exif(orientation: u8) -> Vec<u8> {
    [&b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat()
}

/// The picture as it is stored under an orientation tag that turns it upright again.
fn stored(picture: &DynamicImage, tag: u8) -> DynamicImage {
    match tag {
        2 => picture.fliph(),
        3 => picture.rotate180(),
        4 => picture.flipv(),
        5 => picture.rotate90().fliph(),
        6 => picture.rotate270(),
        7 => picture.rotate270().fliph(),
        8 => picture.rotate90(),
        _ => picture.clone(),
    }
}

/// A file that has the tag, if the format can say it: JPEG, PNG and WebP.
fn tagged(picture: &DynamicImage, format: ImageFormat, tag: u8) -> Vec<u8> {
    let (width, height, colour) = (picture.width(), picture.height(), ExtendedColorType::from(picture.color()));
    let mut bytes = Vec::new();
    match format {
        ImageFormat::Jpeg => {
            let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
            encoder.set_exif_metadata(exif(tag)).unwrap();
            encoder.write_image(picture.as_bytes(), width, height, colour).unwrap();
        }
        ImageFormat::Png => {
            let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
            encoder.set_exif_metadata(exif(tag)).unwrap();
            encoder.write_image(picture.as_bytes(), width, height, colour).unwrap();
        }
        _ => {
            let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
            encoder.set_exif_metadata(exif(tag)).unwrap();
            encoder.write_image(picture.as_bytes(), width, height, colour).unwrap();
        }
    }
    bytes
}

/// Pixels that training sees of each file, in order, and those that `predict` sees.
fn both_readings(files: &[Vec<u8>]) -> (Vec<[u8; PIXELS]>, Vec<[u8; PIXELS]>) {
    let folder = tempfile::tempdir().unwrap();
    let mut predicted = Vec::new();
    for class in 0..2 {
        std::fs::create_dir(folder.path().join(class.to_string())).unwrap();
    }
    for (index, bytes) in files.iter().enumerate() {
        let path = folder.path().join(format!("{}/{index:03}.bin", index * 2 / files.len().max(1)));
        std::fs::write(&path, bytes).unwrap();
        let picture = open_picture(&path).unwrap();
        predicted.push(digit_from_picture(&picture, &DrawingOptions::default()).unwrap().image);
    }
    let source = open_data(&DataConfig::default(), Some(folder.path())).unwrap();
    (source.train(&Silent).unwrap().images.iter().copied().collect(), predicted)
}

#[test]
fn orientation_tags_turn_every_format_upright() {
    let upright = figure(60, 90);
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Jpeg] {
        let files: Vec<Vec<u8>> =
            (1..=8).map(|tag| tagged(&stored(&upright.clone().into(), tag).to_rgb8().into(), format, tag)).collect();
        let (trained, predicted) = both_readings(&files);
        assert_eq!(trained, predicted, "{format:?}");
        for (tag, image) in (1..).zip(&trained) {
            let off: u32 = image.iter().zip(&trained[0]).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
            // JPEG's blocks lie elsewhere in a picture whose sides are no multiples of 8.
            let most = if format == ImageFormat::Jpeg { 2 * PIXELS as u32 } else { 0 };
            assert!(off <= most, "{format:?}, tag {tag}: off by {off}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_folder_trains_on_what_predict_sees(
        sizes in proptest::collection::vec((28u32..160, 28u32..160), 4),
        format in prop::sample::select(FORMATS.to_vec()),
        mode in prop::sample::select(vec![Mode::Grey, Mode::Rgb, Mode::Rgba, Mode::Grey16, Mode::Rgb16]),
        light: bool,
    ) {
        let files: Vec<Vec<u8>> = sizes
            .iter()
            .map(|&(width, height)| {
                let mut picture = figure(width, height);
                if light {
                    imageops::invert(&mut picture);
                }
                let picture = in_mode(&picture, mode);
                // Not every format holds every mode.
                let picture = match format {
                    ImageFormat::Png | ImageFormat::Tiff => picture,
                    ImageFormat::Jpeg | ImageFormat::Bmp | ImageFormat::Pnm => picture.to_rgb8().into(),
                    _ => picture.to_rgba8().into(),
                };
                encoded(&picture, format)
            })
            .collect();
        let (trained, predicted) = both_readings(&files);
        prop_assert_eq!(trained, predicted);
    }
}
