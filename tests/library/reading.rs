//! Numbers are read out of pictures: where they are, how they are divided, and what is no digit.

use std::{io::Cursor, sync::OnceLock};

use digitstack::{
    artifact::{NumberReader, TrainedModels},
    data::{Digits, Images, PIXELS, synthetic},
    device::{self, DeviceChoice},
    imaging::{
        DrawingError, DrawingOptions, InkSource, Layout, PagePicture, decode_page, digit_from_picture, find_numbers,
    },
    reading::{DigitRefusal, Evidence, Number, NumberRefusal, PageReading, ReadingOptions, overlay},
    seed::Seed,
};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};

use super::support::{
    numbers::{Paper, Sheet, Writing, empty, number, photograph},
    trained::served_run,
};

fn models() -> &'static TrainedModels {
    static MODELS: OnceLock<TrainedModels> = OnceLock::new();
    MODELS.get_or_init(|| TrainedModels::load(served_run(), &device::resolve(&DeviceChoice::Cpu).unwrap()).unwrap())
}

fn read_with(picture: &DynamicImage, options: &ReadingOptions) -> Vec<Number> {
    let mut reader = NumberReader::new(models(), models().recommended()).unwrap();
    reader.read(&PagePicture::from(picture.clone()), options).unwrap()
}

fn read(picture: &DynamicImage) -> Vec<Number> {
    read_with(picture, &ReadingOptions::default())
}

/// Text of each line.
fn texts(picture: &DynamicImage) -> Vec<String> {
    read(picture).iter().map(Number::text).collect()
}

/// Built-in digits that the run was not trained on, the same for the same labels.
fn digits(labels: &[u8], seed: u64) -> Vec<[u8; PIXELS]> {
    let all: Digits = synthetic::generate(400, Seed(1000 + seed));
    let mut next = 0;
    let mut found = Vec::new();
    for &label in labels {
        while all.labels[next % all.len()] != label {
            next += 1;
        }
        found.push(*all.images.get(next % all.len()));
        next += 1;
    }
    found
}

fn written(labels: &[u8], writing: &Writing, seed: u64) -> Sheet {
    let images = digits(labels, seed);
    number(&images.iter().collect::<Vec<_>>(), writing, Seed(seed))
}

fn text_of(labels: &[u8]) -> String {
    labels.iter().map(|&digit| char::from(b'0' + digit)).collect()
}

/// Pastes one picture onto another.
fn pasted(below: &DynamicImage, above: &DynamicImage, left: u32, top: u32) -> DynamicImage {
    let mut picture = below.to_rgb8();
    imageops::replace(&mut picture, &above.to_rgb8(), left.into(), top.into());
    picture.into()
}

fn white(width: u32, height: u32) -> DynamicImage {
    GrayImage::from_pixel(width, height, Luma([255])).into()
}

/// Numbers to be read.
const NUMBERS: [&[u8]; 6] = [&[1, 0, 3, 7, 2], &[6, 4, 8, 0, 5], &[7, 1, 9, 3, 0], &[2, 5, 6, 1, 7], &[0, 3], &[4]];

/// A floor, not a goal: 18 of 36 are right, by a run that was trained for seconds.
#[test]
fn spaced_numbers_are_read_no_worse_than_they_were() {
    let (mut right, mut all) = (0, 0);
    for (index, labels) in NUMBERS.iter().enumerate() {
        for (place, paper) in Paper::ALL.into_iter().enumerate() {
            let seed = (10 * index + place) as u64;
            let picture = photograph(&written(labels, &Writing::default(), seed), paper, Seed(seed));
            right += usize::from(texts(&picture) == [text_of(labels)]);
            all += 1;
        }
    }
    assert!(right * 36 >= all * 10, "{right} of {all}");
}

/// A floor, not a goal: 16 of 30 are right.
#[test]
fn touching_pairs_are_divided_no_worse_than_they_were() {
    let writing = Writing { overlap: Some((0.0, 0.1)), slope: 0.0, ..Writing::default() };
    let (mut right, mut all) = (0, 0);
    for first in 0..10u8 {
        for second in [2, 3, 6] {
            let labels = [first, second];
            let sheet = written(&labels, &writing, u64::from(10 * first + second));
            right += usize::from(texts(&photograph(&sheet, Paper::Plain, Seed(1))) == [text_of(&labels)]);
            all += 1;
        }
    }
    assert!(right * 30 >= all * 8, "{right} of {all}");
}

#[test]
fn neither_place_nor_size_nor_a_turned_file_changes_the_number() {
    let labels = [7, 1, 0, 3];
    let picture =
        photograph(&written(&labels, &Writing { slope: 0.0, ..Writing::default() }, 3), Paper::Plain, Seed(3));
    let expected = texts(&picture);
    assert_eq!(expected.len(), 1, "{expected:?}");
    let alone = read(&picture)[0].clone();
    let moved = read(&pasted(&white(900, 700), &picture, 210, 330))[0].clone();
    assert_eq!(moved.text(), expected[0]);
    for (here, there) in alone.digits.iter().zip(&moved.digits) {
        let (dx, dy) = (there.area.left - here.area.left, there.area.top - here.area.top);
        assert!(dx.abs_diff(210) <= 3 && dy.abs_diff(330) <= 3, "moved by ({dx}, {dy})");
    }
    for scale in [0.5, 2.0, 3.0] {
        let (width, height) = (picture.width() as f32 * scale, picture.height() as f32 * scale);
        let scaled = picture.resize_exact(width as u32, height as u32, imageops::FilterType::CatmullRom);
        let area = read(&scaled)[0].area;
        let near = |here: usize, there: usize| (here as f32 * scale - there as f32).abs() <= 12.0 * scale;
        assert!(near(alone.area.left, area.left) && near(alone.area.right(), area.right()), "at {scale}: {area:?}");
        assert!(near(alone.area.top, area.top) && near(alone.area.bottom(), area.bottom()), "at {scale}: {area:?}");
    }
}

#[test]
fn boxes_are_in_pixels_of_the_upright_picture_in_its_full_size() {
    let labels = [3, 0, 7];
    let sheet = written(&labels, &Writing { height: 900.0, slope: 0.0, ..Writing::default() }, 8);
    let picture = photograph(&sheet, Paper::Plain, Seed(8));
    assert!(picture.width() > 2400, "it is reduced");
    let mut bytes = Cursor::new(Vec::new());
    picture.to_luma8().write_to(&mut bytes, ImageFormat::Png).unwrap();
    let page = decode_page(bytes.get_ref()).unwrap();
    assert_eq!((page.width, page.height), (picture.width(), picture.height()));
    let mut reader = NumberReader::new(models(), models().recommended()).unwrap();
    let found = reader.read(&page, &ReadingOptions::default()).unwrap();
    let (first, last) = (sheet.boxes[0], sheet.boxes[2]);
    let area = found[0].area;
    let near = |a: usize, b: usize| a.abs_diff(b) <= 60;
    assert!(near(area.left, first.left) && near(area.right(), last.right()), "{area:?} {:?}", sheet.boxes);
    assert!(near(area.top, sheet.boxes.iter().map(|drawn| drawn.top).min().unwrap()), "{area:?} {:?}", sheet.boxes);
    assert!(near(area.bottom(), sheet.boxes.iter().map(|drawn| drawn.bottom()).max().unwrap()), "{area:?}");
    let drawn = overlay(&page, &found);
    assert_eq!((drawn.width(), drawn.height()), (page.picture.width(), page.picture.height()));
    assert_ne!(DynamicImage::from(drawn).to_rgb8(), page.picture.to_rgb8());
}

#[test]
fn a_digit_alone_is_read_as_predict_reads_it() {
    let mut session = models().session().unwrap();
    let (mut same, mut all) = (0, 0);
    for digit in 0..10u8 {
        for seed in 0..4 {
            let sheet = written(&[digit], &Writing { slope: 0.0, ..Writing::default() }, seed);
            let picture = photograph(&sheet, Paper::Plain, Seed(seed));
            let image = digit_from_picture(&picture, &DrawingOptions::default()).unwrap().image;
            let reading = session.read(&image).unwrap();
            let Some(Ok(predicted)) = reading.verdict.map(|verdict| verdict.answer) else { continue };
            let found = read(&picture);
            same += usize::from(found.len() == 1 && found[0].text() == predicted.to_string());
            all += 1;
        }
    }
    assert!(all >= 25 && same + 4 >= all, "{same} of {all}");
}

#[test]
fn lines_come_from_top_to_bottom_and_left_to_right() {
    let at = |labels: &[u8], seed| {
        photograph(&written(labels, &Writing { slope: 0.0, ..Writing::default() }, seed), Paper::Plain, Seed(seed))
    };
    let mut page = white(1400, 700);
    for (labels, left, top) in [(&[1u8, 0][..], 80, 30), (&[3, 7], 800, 40), (&[6, 0, 2], 120, 380)] {
        page = pasted(&page, &at(labels, 4), left, top);
    }
    let found = read(&page);
    assert_eq!(found.len(), 3, "{found:?}");
    let near = |number: &Number, left: usize, top: usize| {
        number.area.left.abs_diff(left) < 100 && number.area.top.abs_diff(top) < 100
    };
    assert!(near(&found[0], 80, 30) && near(&found[1], 800, 40) && near(&found[2], 120, 380), "{found:?}");
}

#[test]
fn specks_rulings_and_shadows_are_no_digits() {
    let accepted = |picture: &DynamicImage| {
        let found = read(picture);
        found.iter().flat_map(|number| &number.digits).filter(|digit| digit.refusal.is_none()).count()
    };
    for (index, paper) in Paper::ALL.into_iter().enumerate() {
        let picture = photograph(&empty(640, 480), paper, Seed(index as u64));
        assert_eq!(accepted(&picture), 0, "{paper:?}");
    }
    let mut specks = GrayImage::from_pixel(600, 400, Luma([250]));
    for index in 0..60u32 {
        let (x, y) = (index * 97 % 590, index * 61 % 390);
        (0..9).for_each(|at| specks.put_pixel(x + at % 3, y + at / 3, Luma([20])));
    }
    assert_eq!(accepted(&specks.into()), 0);
}

#[test]
fn a_ruled_line_an_underline_and_a_frame_leave_the_number_as_it_is() {
    let labels = [3, 0, 7, 4];
    let sheet = written(&labels, &Writing { slope: 0.0, height: 80.0, ..Writing::default() }, 6);
    let plain = photograph(&sheet, Paper::Plain, Seed(6)).to_luma8();
    let expected = texts(&plain.clone().into());
    assert_eq!(expected.len(), 1, "{expected:?}");
    let (width, height) = plain.dimensions();
    let bottom = sheet.boxes.iter().map(|area| area.bottom() as u32).max().unwrap();
    let drawn = |line: &dyn Fn(u32, u32) -> bool| {
        let mut picture = plain.clone();
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            if line(x, y) {
                pixel.0 = [40];
            }
        }
        texts(&picture.into())
    };
    assert_eq!(drawn(&|_, y| (bottom + 6..bottom + 9).contains(&y)), expected, "a ruling below");
    assert_eq!(
        drawn(&|x, y| (bottom + 4..bottom + 8).contains(&y) && x > 60 && x < width - 60),
        expected,
        "an underline"
    );
    let edge = |at: u32, length: u32| (12..15).contains(&at) || (12..15).contains(&(length - at));
    let is_inside = |x: u32, y: u32| x >= 12 && y >= 12 && x <= width - 12 && y <= height - 12;
    assert_eq!(drawn(&|x, y| is_inside(x, y) && (edge(x, width) || edge(y, height))), expected, "a frame");
}

#[test]
fn boxes_hold_one_digit_each() {
    let labels = [5, 0, 3, 7];
    let mut form = GrayImage::from_pixel(520, 160, Luma([250]));
    for (x, y, pixel) in form.enumerate_pixels_mut() {
        let inside = (20..=420).contains(&x) && (20..=120).contains(&y);
        if inside && ((x - 20) % 100 < 2 || (y - 20) % 100 < 2) {
            pixel.0 = [90];
        }
    }
    for (place, image) in digits(&labels, 2).iter().enumerate() {
        let digit = GrayImage::from_raw(28, 28, image.to_vec()).unwrap();
        let large = imageops::resize(&digit, 80, 80, imageops::FilterType::CatmullRom);
        for (x, y, pixel) in large.enumerate_pixels() {
            let target = form.get_pixel_mut(30 + 100 * place as u32 + x, 30 + y);
            target.0[0] = target.0[0].min(255 - pixel.0[0]);
        }
    }
    let options = ReadingOptions { layout: Layout::Boxes, ..ReadingOptions::default() };
    let found = read_with(&form.into(), &options);
    assert_eq!(found.iter().map(|number| number.digits.len()).collect::<Vec<_>>(), [4], "{found:?}");
}

#[test]
fn patterns_and_minimum_confidences_restrict_what_is_read() {
    let labels = [7, 1, 0, 3];
    let picture = photograph(&written(&labels, &Writing::default(), 3), Paper::Plain, Seed(3));
    let with = |pattern: &str, min_confidence| {
        let options =
            ReadingOptions { pattern: Some(pattern.parse().unwrap()), min_confidence, ..ReadingOptions::default() };
        read_with(&picture, &options)[0].clone()
    };
    assert_eq!(with(r"\d{4}", 0.0).digits.len(), 4);
    let restricted = with(r"[79]\d{3}", 0.0).digits;
    assert!(restricted.len() == 4 && [7, 9].contains(&restricted[0].digit), "{restricted:?}");
    assert_eq!(with(r"\d{9}", 0.0).refusal, Some(NumberRefusal::Pattern));
    let sure = with(r"\d{4}", 1.0);
    assert!(sure.digits.iter().all(|digit| digit.refusal == Some(DigitRefusal::Unsure) || digit.confidence == 1.0));
}

/// Evidence for images that all look like a 1.
fn ones(images: &Images) -> Vec<Evidence> {
    let probabilities = std::array::from_fn(|digit| if digit == 1 { 0.91 } else { 0.01 });
    vec![Evidence { probabilities, unlikeness: -3.0, is_several: false }; images.len()]
}

#[test]
fn a_page_read_in_parts_has_the_same_numbers() {
    let picture = PagePicture::from(photograph(&written(&[7, 1, 0, 3], &Writing::default(), 3), Paper::Plain, Seed(3)));
    let mut reader = NumberReader::new(models(), models().recommended()).unwrap();
    let whole = reader.read(&picture, &ReadingOptions::default()).unwrap();
    assert!(!whole.is_empty());
    for batch in [0, 1, 7] {
        let mut reading = PageReading::new(&picture, ReadingOptions::default(), batch).unwrap();
        let score = |reader: &mut NumberReader, images: &Images| {
            assert!(images.len() <= batch.max(1));
            reader.evidence(images)
        };
        while !reading.advance(|images| score(&mut reader, images)).unwrap() {}
        // Batches of other sizes are rounded otherwise.
        let numbers = reading.finish();
        assert_eq!(numbers.len(), whole.len(), "{batch} at a time");
        for (number, expected) in numbers.iter().zip(&whole) {
            let areas = |number: &Number| number.digits.iter().map(|digit| digit.area).collect::<Vec<_>>();
            assert_eq!((number.text(), areas(number)), (expected.text(), areas(expected)), "{batch} at a time");
            assert!((number.confidence - expected.confidence).abs() < 1e-4, "{number:?} and {expected:?}");
        }
    }
}

#[test]
fn the_work_of_a_page_is_limited_and_what_is_left_out_says_so() {
    // 38 lines of 100 marks, each close enough to the next to be one digit with it.
    let is_mark = |x: u32, y: u32| x % 10 < 3 + (x / 10 * 7 + y / 44 * 5) % 3 && y % 44 < 26 + (x / 10 * 5) % 5;
    let texture = GrayImage::from_fn(1000, 1672, |x, y| Luma([if is_mark(x, y) { 20 } else { 245 }]));
    let page = PagePicture::from(DynamicImage::from(texture));
    let mut reading = PageReading::new(&page, ReadingOptions::default(), 50).unwrap();
    let (mut parts, mut asked) = (0, 0);
    while !reading
        .advance(|images| {
            asked += images.len();
            assert!(images.len() <= 50);
            Ok::<_, DrawingError>(ones(images))
        })
        .unwrap()
    {
        parts += 1;
    }
    let numbers = reading.finish();
    let left_out = |number: &&Number| number.refusal == Some(NumberRefusal::LeftOut);
    let (refused, read): (Vec<&Number>, Vec<&Number>) = numbers.iter().partition(left_out);
    assert!(refused.len() > 5 && read.len() > 5, "{} lines, {} left out", numbers.len(), refused.len());
    assert!(
        refused.iter().all(|number| number.digits.is_empty() && number.text().is_empty() && number.area.width > 900)
    );
    assert!(read.iter().all(|number| !number.digits.is_empty()));
    assert!(asked <= 12_000 && parts > 100, "{asked} images in {parts} parts");

    // A net of lines over the whole page would take hours if every track of it was followed.
    let net = GrayImage::from_fn(2400, 2400, |x, y| {
        Luma([if (x % 12 < 3 && y % 40 < 30) || (14..16).contains(&(y % 40)) { 20 } else { 245 }])
    });
    let found = find_numbers(&PagePicture::from(DynamicImage::from(net)), InkSource::Auto, Layout::Lines);
    assert!(found.unwrap().len() <= 200);
}

#[test]
fn a_clear_picture_has_no_numbers() {
    assert!(read(&DynamicImage::new_rgba8(90, 80)).is_empty());
}

#[test]
fn bad_input_is_an_error_and_never_a_panic() {
    for bytes in [&b""[..], b"no picture", b"\x89PNG\r\n\x1a\n"] {
        assert!(decode_page(bytes).is_err());
    }
    let mut whole = Cursor::new(Vec::new());
    white(40, 30).write_to(&mut whole, ImageFormat::Png).unwrap();
    for length in (0..whole.get_ref().len() - 12).step_by(7) {
        assert!(decode_page(&whole.get_ref()[..length]).is_err(), "{length} bytes");
    }
    let found = |picture: DynamicImage| find_numbers(&picture.into(), InkSource::Auto, Layout::Lines);
    for (width, height) in [(1, 1), (1, 300), (300, 1), (2, 2), (7, 5)] {
        for level in [0, 128, 255] {
            assert!(found(GrayImage::from_pixel(width, height, Luma([level])).into()).unwrap().is_empty());
        }
        let noise = GrayImage::from_fn(width, height, |x, y| Luma([(x * 91 + y * 57 + x * y * 13) as u8]));
        let _ = read(&noise.into());
    }
    assert!(found(DynamicImage::new_rgba8(9, 9)).is_err(), "clear throughout");
    assert!(found(DynamicImage::new_luma8(0, 0)).is_err(), "without pixels");
    // Texture: more components than a page has.
    let texture = GrayImage::from_fn(900, 700, |x, y| Luma([((x * x + 3 * y * y + x * y) % 251) as u8]));
    let _ = read(&texture.into());
    assert!(Images::from_images(std::iter::empty()).is_empty());
}
