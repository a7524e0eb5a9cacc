//! Pictures of one digit, drawn by formula in every form that a user might send, all become the same 28×28 image.

use std::io::Cursor;

use digitstack::{
    data::{PIXELS, SIDE, synthetic},
    imaging::{
        Centre, DrawingError, DrawingOptions, InkSource, centre_of_mass, decode_picture, digit_from_picture, ink_box,
    },
    seed::Seed,
};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

/// Ink of the figure at (x, y) of a `side`-sized picture, 0 to 1: a slanted bar with a foot, between 25 and 75 % of the
/// side.
fn ink(x: u32, y: u32, side: f32) -> f32 {
    let (x, y) = ((x as f32 + 0.5) / side, (y as f32 + 0.5) / side);
    let bar = (x - 0.6 + 0.2 * (y - 0.25)).abs() - 0.04;
    let bar = bar.max(0.25 - y).max(y - 0.75);
    let foot = ((y - 0.72).abs() - 0.03).max(0.4 - x).max(x - 0.7);
    (0.5 - bar.min(foot) * side).clamp(0.0, 1.0)
}

/// Pseudo-random grain between −1 and 1.
fn grain(x: u32, y: u32) -> f32 {
    let hash = (x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77)).wrapping_mul(0xC2B2_AE3D);
    ((hash ^ hash >> 15).wrapping_mul(0x27D4_EB2F) >> 16) as f32 / 32_767.5 - 1.0
}

/// The figure on a transparent canvas.
fn canvas(side: u32) -> DynamicImage {
    RgbaImage::from_fn(side, side, |x, y| Rgba([20, 40, 60, (255.0 * ink(x, y, side as f32)) as u8])).into()
}

/// Dark ink on paper lit from one corner, with grain.
fn photo(side: u32) -> DynamicImage {
    GrayImage::from_fn(side, side, |x, y| {
        let (s, t) = (x as f32 / side as f32, y as f32 / side as f32);
        let paper = 225.0 - 70.0 * s - 40.0 * t * t;
        let level = paper * (1.0 - 0.75 * ink(x, y, side as f32)) + 9.0 * grain(x, y);
        Luma([level.clamp(0.0, 255.0) as u8])
    })
    .into()
}

fn digit(picture: &DynamicImage) -> [u8; PIXELS] {
    digit_from_picture(picture, &DrawingOptions::default()).unwrap().image
}

/// Pearson's correlation, the best of shifts by at most one pixel: a soft edge may move the ink box by one.
fn similarity(a: &[u8; PIXELS], b: &[u8; PIXELS]) -> f64 {
    let shifted = |dx: i32, dy: i32| -> Vec<f64> {
        let at = |x: i32, y: i32| {
            if (0..28).contains(&x) && (0..28).contains(&y) { f64::from(a[(y * 28 + x) as usize]) } else { 0.0 }
        };
        (0..PIXELS as i32).map(|index| at(index % 28 + dx, index / 28 + dy)).collect()
    };
    let b: Vec<f64> = b.iter().map(|&level| f64::from(level)).collect();
    let correlation = |a: &[f64]| {
        let (mean_a, mean_b) = (a.iter().sum::<f64>() / PIXELS as f64, b.iter().sum::<f64>() / PIXELS as f64);
        let product =
            |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(&b).map(|(&a, &b)| f(a - mean_a, b - mean_b)).sum::<f64>();
        product(&|a, b| a * b) / (product(&|a, _| a * a) * product(&|_, b| b * b)).sqrt()
    };
    (-1..=1)
        .flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)))
        .map(|(dx, dy)| correlation(&shifted(dx, dy)))
        .fold(f64::MIN, f64::max)
}

fn assert_similar(picture: &DynamicImage, least: f64, what: &str) {
    let found = similarity(&digit(picture), &digit(&canvas(280)));
    assert!(found >= least, "{what}: similarity {found}");
}

fn jpeg(picture: &DynamicImage, quality: u8) -> DynamicImage {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
    picture.to_rgb8().write_with_encoder(encoder).unwrap();
    decode_picture(&bytes).unwrap()
}

#[test]
fn a_canvas_becomes_an_mnist_like_digit() {
    let prepared = digit_from_picture(&canvas(280), &DrawingOptions::default()).unwrap();
    let area = ink_box(&prepared.image).unwrap();
    assert_eq!(area.width.max(area.height), 20);
    assert_eq!(prepared.image.iter().max(), Some(&255));
    assert_eq!(
        (prepared.cropped.width(), prepared.cropped.height()),
        (prepared.ink_box.width, prepared.ink_box.height)
    );
    assert!(
        (70..=71).contains(&prepared.ink_box.top) && (139..=141).contains(&prepared.ink_box.height),
        "{:?}",
        prepared.ink_box
    );
}

#[test]
fn sizes_make_no_difference() {
    for side in [56, 100, 512, 1500, 4096] {
        assert_similar(&canvas(side), 0.97, &format!("canvas of {side}"));
    }
    for side in [64, 200, 900, 2000] {
        assert_similar(&photo(side), 0.93, &format!("photo of {side}"));
    }
}

#[test]
fn polarity_and_colour_make_no_difference() {
    let side = 300;
    let mix = |from: [f32; 3], to: [f32; 3]| -> DynamicImage {
        RgbImage::from_fn(side, side, |x, y| {
            let share = ink(x, y, side as f32);
            Rgb(std::array::from_fn(|c| (from[c] + (to[c] - from[c]) * share) as u8))
        })
        .into()
    };
    assert_similar(&mix([255.0; 3], [0.0; 3]), 0.97, "black on white");
    assert_similar(&mix([0.0; 3], [255.0; 3]), 0.97, "white on black");
    assert_similar(&mix([90.0; 3], [140.0; 3]), 0.97, "grey on grey");
    // Ink and paper have nearly the same brightness and differ in colour.
    assert_similar(&mix([0.0, 130.0, 0.0], [255.0, 0.0, 0.0]), 0.97, "red on green");
}

/// A digit in its own box, 0 = paper, `height` pixels high, its strokes thicker by `thicker` pixels on every side.
fn tight_crop(pixels: &[u8; PIXELS], height: u32, thicker: i64) -> GrayImage {
    let area = ink_box(pixels).unwrap();
    let whole = GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap();
    let [left, top, wide, high] = [area.left, area.top, area.width, area.height].map(|length| length as u32);
    let tight = image::imageops::crop_imm(&whole, left, top, wide, high).to_image();
    let width = (wide * height / high).max(4);
    let large = image::imageops::resize(&tight, width, height, image::imageops::FilterType::Triangle);
    GrayImage::from_fn(width, height, |x, y| {
        let around = (-thicker..=thicker).flat_map(|dy| (-thicker..=thicker).map(move |dx| (dx, dy)));
        let level = |(dx, dy): (i64, i64)| {
            let at =
                |position: u32, by: i64, size: u32| (i64::from(position) + by).clamp(0, i64::from(size) - 1) as u32;
            large.get_pixel(at(x, dx, width), at(y, dy, height)).0[0]
        };
        Luma([around.map(level).max().unwrap()])
    })
}

#[test]
fn a_tight_crop_reads_like_the_same_picture_with_a_margin() {
    let digits = synthetic::generate(240, Seed(23)).images;
    let (mut differ, mut total) = (Vec::new(), 0);
    for (index, pixels) in digits.iter().enumerate() {
        let height = [24, 40, 90, 160][index % 4];
        let thicker = [0, i64::from(height) / 40, i64::from(height) / 20][index % 3];
        let crop = tight_crop(pixels, height, thicker);
        let side = crop.width().max(crop.height());
        for is_dark in [false, true] {
            let coloured = |level: u8| if is_dark { 255 - level } else { level };
            let margin = |margin: u32| {
                let (width, height) = (crop.width() + 2 * margin, crop.height() + 2 * margin);
                let framed = GrayImage::from_fn(width, height, |x, y| {
                    let inside = x.checked_sub(margin).zip(y.checked_sub(margin));
                    let level = inside.and_then(|(x, y)| crop.get_pixel_checked(x, y)).map_or(0, |pixel| pixel.0[0]);
                    Luma([coloured(level)])
                });
                digit_from_picture(&framed.into(), &DrawingOptions::default()).map(|digit| digit.image)
            };
            total += 1;
            let framed = margin(side.div_ceil(5)).unwrap();
            match margin(0) {
                Ok(tight) if similarity(&tight, &framed) >= 0.9 => (),
                found => differ.push((index, height, thicker, is_dark, found.is_ok())),
            }
        }
    }
    // Strokes as thick as the gaps between them leave nothing to tell them by.
    assert!(50 * differ.len() <= total, "{} of {total} differ: {differ:?}", differ.len());
}

#[test]
fn jpeg_artefacts_make_no_difference() {
    for quality in [30, 75] {
        assert_similar(&jpeg(&photo(400), quality), 0.93, &format!("photo, quality {quality}"));
    }
    let drawn: DynamicImage =
        GrayImage::from_fn(140, 140, |x, y| Luma([(255.0 * (1.0 - ink(x, y, 140.0))) as u8])).into();
    assert_similar(&jpeg(&drawn, 20), 0.95, "drawing, quality 20");
}

#[test]
fn mnist_images_stay_as_they_are() {
    let mnist_like = digit(&canvas(280));
    let picture: DynamicImage = GrayImage::from_raw(SIDE as u32, SIDE as u32, mnist_like.to_vec()).unwrap().into();
    assert!(similarity(&digit(&picture), &mnist_like) > 0.97);
}

#[test]
fn a_stated_source_is_obeyed() {
    let light = DrawingOptions { ink: InkSource::Light, ..DrawingOptions::default() };
    let dark = DrawingOptions { ink: InkSource::Dark, ..DrawingOptions::default() };
    let white_on_black: DynamicImage =
        GrayImage::from_fn(200, 200, |x, y| Luma([(255.0 * ink(x, y, 200.0)) as u8])).into();
    assert_eq!(digit_from_picture(&white_on_black, &light).unwrap().image, digit(&white_on_black));
    assert!(matches!(digit_from_picture(&white_on_black, &dark), Err(DrawingError::Blank)));
    let alpha = DrawingOptions { ink: InkSource::Alpha, ..DrawingOptions::default() };
    assert_eq!(digit_from_picture(&canvas(200), &alpha).unwrap().image, digit(&canvas(200)));
}

#[test]
fn centring_follows_the_option() {
    let by_box = DrawingOptions { centre: Centre::Box, ..DrawingOptions::default() };
    let area = ink_box(&digit_from_picture(&canvas(280), &by_box).unwrap().image).unwrap();
    assert_eq!((area.left, area.top), ((SIDE - area.width) / 2, (SIDE - area.height) / 2));
    let (x, y) = centre_of_mass(&digit(&canvas(280))).unwrap();
    assert!((x - 14.0).abs() <= 0.5 && (y - 14.0).abs() <= 0.5, "({x}, {y})");
}

#[test]
fn specks_do_not_widen_the_box() {
    let mut picture = photo(400).to_luma8();
    for (x, y) in [(10, 12), (390, 20), (30, 380)] {
        for index in 0..9 {
            picture.put_pixel(x + index % 3, y + index / 3, Luma([10]));
        }
    }
    assert_similar(&picture.clone().into(), 0.93, "specks");
    let keep = DrawingOptions { speck_share: 0.0, ..DrawingOptions::default() };
    assert!(digit_from_picture(&picture.into(), &keep).unwrap().ink_box.width > 350);
}

#[test]
fn blank_pictures_are_refused() {
    let transparent: DynamicImage = RgbaImage::new(50, 40).into();
    let white: DynamicImage = GrayImage::from_pixel(50, 40, Luma([255])).into();
    let pixel: DynamicImage = GrayImage::from_pixel(1, 1, Luma([0])).into();
    let clear_pixel: DynamicImage = RgbaImage::new(1, 1).into();
    let gradient: DynamicImage = GrayImage::from_fn(200, 150, |x, y| Luma([(40 + x / 2 + y / 3) as u8])).into();
    let grainy: DynamicImage = GrayImage::from_fn(200, 150, |x, y| Luma([(150.0 + 20.0 * grain(x, y)) as u8])).into();
    for (picture, what) in [
        (transparent, "transparent"),
        (white, "white"),
        (pixel, "one pixel"),
        (clear_pixel, "clear pixel"),
        (gradient, "gradient"),
        (grainy, "grain"),
    ] {
        assert!(matches!(digit_from_picture(&picture, &DrawingOptions::default()), Err(DrawingError::Blank)), "{what}");
    }
    assert!(matches!(
        digit_from_picture(&GrayImage::new(0, 5).into(), &DrawingOptions::default()),
        Err(DrawingError::Empty { .. })
    ));
}

#[test]
fn odd_shapes_are_defined() {
    let dot: DynamicImage = RgbaImage::from_pixel(1, 1, Rgba([0, 0, 0, 200])).into();
    let alpha = DrawingOptions { ink: InkSource::Alpha, ..DrawingOptions::default() };
    assert_eq!(digit_from_picture(&dot, &alpha).unwrap().image.iter().filter(|&&level| level == 255).count(), 400);
    for (width, height) in [(4096, 1), (1, 4096), (3000, 7)] {
        let line: DynamicImage = RgbaImage::from_fn(width, height, |x, y| {
            Rgba([0, 0, 0, if (x + y) % 4096 > 500 && x + y < 900 { 255 } else { 0 }])
        })
        .into();
        let area = ink_box(&digit(&line)).unwrap();
        assert_eq!(area.width.max(area.height), 20, "{width}×{height}");
    }
}

#[test]
fn options_are_checked() {
    assert!(DrawingOptions::default().check().is_ok());
    for speck_share in [-0.1, 1.1, f32::NAN] {
        assert_eq!(
            DrawingOptions { speck_share, ..DrawingOptions::default() }.check().unwrap_err().field,
            "speck_share"
        );
    }
}

#[test]
fn png_round_trip_keeps_the_digit() {
    let mut bytes = Vec::new();
    canvas(120).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    assert_eq!(digit(&decode_picture(&bytes).unwrap()), digit(&canvas(120)));
}
