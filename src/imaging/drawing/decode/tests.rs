use image::{GrayImage, ImageFormat};
use proptest::prelude::*;

use super::*;

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&GrayImage::new(width, height).into(), ImageFormat::Png)
}

/// The file with another size in its IHDR chunk.
fn resized(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png.to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

#[test]
fn too_large_pictures_are_refused_by_their_header() {
    for (width, height) in [(65_536, 1), (1, 65_536), (60_000, 60_000), (16_384, 8193)] {
        let bytes = resized(&png(1, 1), width, height);
        let error = decode_picture(&bytes).unwrap_err();
        assert!(matches!(error, DrawingError::TooLarge { .. }), "{width}×{height}: {error}");
        assert!(error.to_string().contains("at most 134 megapixels"), "{error}");
        assert_eq!(decoding_memory(&bytes), 0);
    }
    let damaged = decode_picture(&resized(&png(1, 1), 16_384, 8192)).unwrap_err().to_string();
    assert!(damaged.contains("damaged PNG"), "{damaged}");
}

#[test]
fn large_pictures_take_the_memory_of_small_ones() {
    let large = decoding_memory(&resized(&png(1, 1), 16_000, 8000));
    assert!((1 << 20..64 << 20).contains(&large), "{large}");
    assert!(decoding_memory(&png(280, 280)) < 1 << 20);
    let jpeg = encoded(&GrayImage::new(3584, 16).into(), ImageFormat::Jpeg);
    assert!(decoding_memory(&jpeg) < 3584 * 16);
    assert_eq!(decoding_memory(b"three"), 0);
}

#[test]
fn missing_files_are_named() {
    let missing = open_picture(Path::new("no-such-file.png")).unwrap_err();
    assert!(missing.to_string().contains("no-such-file.png"));
}

#[test]
fn large_pictures_are_reduced_to_their_means() {
    let picture: DynamicImage =
        GrayImage::from_fn(3700, 64, |x, y| image::Luma([(x / 15 + y / 8 % 2 * 8) as u8])).into();
    for (format, factor) in
        [(ImageFormat::Png, 3), (ImageFormat::Jpeg, 8), (ImageFormat::Bmp, 3), (ImageFormat::Tiff, 3)]
    {
        let small = decode_picture(&encoded(&picture, format)).unwrap().to_luma8();
        assert_eq!(small.width(), if factor == 8 { 462 } else { 3700_u32.div_ceil(factor) }, "{format:?}");
        for (x, y, level) in small.enumerate_pixels() {
            let mid = |index: u32| index * factor + factor / 2;
            let expected = f32::from(picture.as_luma8().unwrap().get_pixel(mid(x).min(3699), mid(y).min(63)).0[0]);
            assert!((f32::from(level.0[0]) - expected).abs() <= 9.0, "{format:?} ({x}, {y}): {level:?}, {expected}");
        }
    }
}

/// The chunks of a PNG file, each whole.
fn chunks(png: &[u8]) -> Vec<&[u8]> {
    let mut rest = &png[8..];
    let mut chunks = Vec::new();
    while let Some(length) = rest.first_chunk() {
        let (chunk, after) = rest.split_at(u32::from_be_bytes(*length) as usize + 12);
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

#[test]
fn a_chunk_of_pixels_that_is_missing_or_moved_is_found() {
    let noise = |x: u32, y: u32| image::Luma([((x * 7919 + y * 104_729) % 251) as u8]);
    let whole = encoded(&GrayImage::from_fn(400, 400, noise).into(), ImageFormat::Png);
    let data: Vec<u8> = chunks(&whole)
        .iter()
        .filter(|chunk| &chunk[4..8] == b"IDAT")
        .flat_map(|chunk| chunk[8..chunk.len() - 4].to_vec())
        .collect();
    let header = chunks(&whole)[0];
    let file = |parts: &[&[u8]]| {
        let mut bytes = [&whole[..8], header].concat();
        for part in parts {
            let mut crc = flate2::Crc::new();
            crc.update(b"IDAT");
            crc.update(part);
            bytes.extend([&(part.len() as u32).to_be_bytes()[..], b"IDAT", part, &crc.sum().to_be_bytes()].concat());
        }
        [&bytes[..], b"\0\0\0\0IEND\xaeB`\x82"].concat()
    };
    let parts: Vec<&[u8]> = data.chunks(data.len().div_ceil(6)).collect();
    assert_eq!(decode_picture(&file(&parts)).unwrap(), decode_picture(&whole).unwrap());
    for missing in 0..parts.len() {
        let mut left = parts.clone();
        left.remove(missing);
        assert!(decode_picture(&file(&left)).is_err(), "without part {missing}");
    }
    let mut swapped = parts;
    swapped.swap(1, 2);
    assert!(decode_picture(&file(&swapped)).is_err());
}

proptest! {
    #[test]
    fn damaged_pictures_never_panic(
        at in any::<prop::sample::Index>(),
        value: u8,
        cut in any::<prop::sample::Index>(),
        format in prop::sample::select(vec![
            ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff,
            ImageFormat::Pnm,
        ]),
    ) {
        let picture = GrayImage::from_fn(16, 19, |x, y| image::Luma([(x * y) as u8]));
        let mut bytes = encoded(&DynamicImage::from(picture).to_rgb8().into(), format);
        let index = at.index(bytes.len());
        bytes[index] = value;
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = (decode_picture(&bytes), decoding_memory(&bytes));
    }

    #[test]
    fn any_flipped_bit_of_a_png_is_found(at in any::<prop::sample::Index>(), bit in 0u32..8) {
        let picture: DynamicImage = GrayImage::from_fn(16, 19, |x, y| image::Luma([(x * y) as u8])).into();
        let mut bytes = encoded(&picture, ImageFormat::Png);
        let index = at.index(bytes.len());
        bytes[index] ^= 1 << bit;
        prop_assert!(decode_picture(&bytes).is_err());
    }
}
