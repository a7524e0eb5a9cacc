//! Scores of simulated drawings: how a stack reads them, and what it refuses.
//!
//! Test digits are drawn as a page would send them: enlarged to a random size at a random place of a 280×280 canvas
//! whose alpha channel is the ink. They then go through everything that a drawing goes through, and are centred either
//! way. Two of them side by side, and scribbles, are there to be refused. So are letters, symbols and doodles, drawn with
//! the page's default brush: those whose shapes the detector was trained on, and others that it never saw. Digits drawn
//! by the same pen are there to be answered.

use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use rand::RngExt;
use rayon::prelude::*;
use serde::Serialize;

use super::{
    failure::RunFailure,
    session::Session,
    trained_models::{TrainedModels, test_digits},
};
use crate::{
    data::{CLASSES, Digits, Images, PIXELS, SIDE, synthetic},
    evaluation::Proportion,
    imaging::{self, Centre, DrawingError, DrawingOptions, Filter, Gray, InkSource},
    progress::{Progress, Task},
    seed::Seed,
    verdict::{Refusal, ShapeKind, ShapePart, Sketch, draw_digit, draw_number, draw_shape},
};

/// Side of the canvas, in pixels.
const CANVAS: usize = 280;
/// Drawings that one session reads in a row.
const CHUNK: usize = 250;
/// Width of a stroke, in pixels: the page's default.
const BRUSH: f32 = 18.0;
/// Maximum number of drawings of each kind that is made of strokes.
const MAX_SKETCHES: usize = 2000;

/// Scores on drawings of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct DrawingScores {
    /// The kind, in words.
    pub what: &'static str,
    /// Number of drawings.
    pub drawings: usize,
    /// Fraction whose most probable digit is right, refused or not; none where there is no right digit.
    pub right: Option<Proportion>,
    /// Fraction that was refused.
    pub refused: Proportion,
    /// Refusals by reason, in the order of [`Refusal::ALL`].
    pub reasons: [usize; Refusal::ALL.len()],
}

/// The kind of drawing by pen that shows a digit.
const BY_PEN: &str = "digits by pen";

/// Draws the drawing of an index.
type Draw = fn(usize, Seed) -> Sketch;

/// Kinds of drawings by pen.
const SKETCHES: [(&str, Draw); 8] = [
    (BY_PEN, |index, seed| draw_digit(class(index), seed)),
    ("numbers of 2 or 3 digits by pen", |_, seed| draw_number(seed)),
    ("letters", |_, seed| draw_shape(ShapeKind::Letter, ShapePart::Trained, seed).1),
    ("letters never trained on", |_, seed| draw_shape(ShapeKind::Letter, ShapePart::HeldOut, seed).1),
    ("symbols", |_, seed| draw_shape(ShapeKind::Symbol, ShapePart::Trained, seed).1),
    ("symbols never trained on", |_, seed| draw_shape(ShapeKind::Symbol, ShapePart::HeldOut, seed).1),
    ("doodles", |_, seed| draw_shape(ShapeKind::Doodle, ShapePart::Trained, seed).1),
    ("doodles never trained on", |_, seed| draw_shape(ShapeKind::Doodle, ShapePart::HeldOut, seed).1),
];

/// Class of the digit of this index.
fn class(index: usize) -> u8 {
    (index % CLASSES) as u8
}

/// Result of one drawing.
struct DrawingResult {
    best: Option<u8>,
    refusal: Option<Refusal>,
}

/// Input of a session: a drawing, or 28×28 pixels as they are.
enum Sheet {
    Drawing(DynamicImage),
    Pixels(Box<[u8; PIXELS]>),
}

/// Reads a stack's test digits, or those of another folder, as they are, as drawings centred by mass and by box, and
/// pairs of them and scribbles, which should be refused.
///
/// # Errors
/// If the artifact is no stack, there are no labelled test digits, or a model's row is no distribution.
pub fn evaluate_drawings(
    models: &TrainedModels,
    folder: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Vec<DrawingScores>, RunFailure> {
    models.artifact().expect_stack()?;
    let experiment = &models.artifact().config().experiment;
    let record = models.artifact().data()?;
    let (_, Digits { images, labels, .. }) = test_digits(&experiment.data, &record, folder, progress)?;
    let sketches = SKETCHES.len() * images.len().min(MAX_SKETCHES);
    let task = progress.task("read drawings", (5 * images.len() + sketches) as u64, "drawings");
    score(models, &images, &labels, Seed(experiment.seed), task.as_ref())
}

fn score(
    run: &TrainedModels,
    images: &Images,
    labels: &[u8],
    seed: Seed,
    task: &dyn Task,
) -> Result<Vec<DrawingScores>, RunFailure> {
    let seed = seed.derive("drawn");
    let read = |centre, sheet: &(dyn Fn(usize) -> Sheet + Sync)| read_all(run, images.len(), centre, sheet, task);
    let digit = |index: usize| Sheet::Drawing(canvas_with(&[(images.get(index), 110..240)], seed.index(index as u64)));
    let pair = |index: usize| {
        let other = (index * 7 + 1) % images.len();
        Sheet::Drawing(canvas_with(
            &[(images.get(index), 100..130), (images.get(other), 100..130)],
            seed.derive("pair").index(index as u64),
        ))
    };
    let as_is = read(Centre::Mass, &|index| Sheet::Pixels(Box::new(*images.get(index))))?;
    let by_mass = read(Centre::Mass, &digit)?;
    let by_box = read(Centre::Box, &digit)?;
    let pairs = read(Centre::Mass, &pair)?;
    let scribbles = read(Centre::Mass, &|index| Sheet::Drawing(scribble(seed.derive("scribble").index(index as u64))))?;
    let mut scores = vec![
        summary("test digits, 28×28 as they are", &as_is, Some(labels)),
        summary("drawn, centred by mass", &by_mass, Some(labels)),
        summary("drawn, centred by box", &by_box, Some(labels)),
        summary("two digits side by side", &pairs, None),
        summary("scribbles", &scribbles, None),
    ];
    for (what, draw) in SKETCHES {
        let seed = seed.derive(what);
        let count = images.len().min(MAX_SKETCHES);
        let sheet = |index: usize| {
            let seed = seed.index(index as u64);
            Sheet::Drawing(canvas_with_sketch(&draw(index, seed), seed))
        };
        let drawings = read_all(run, count, Centre::Mass, &sheet, task)?;
        let labels: Option<Vec<u8>> = (what == BY_PEN).then(|| (0..count).map(class).collect());
        scores.push(summary(what, &drawings, labels.as_deref()));
    }
    Ok(scores)
}

/// Built-in digits drawn at random sizes and places, as PNG files that a page would send.
pub fn sample_drawings(count: usize, seed: Seed) -> Vec<Vec<u8>> {
    let digits = synthetic::generate(count, seed);
    let png = |(index, image)| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let drawing = canvas_with(&[(image, 110..240)], seed.derive("sample").index(index as u64));
        // Writing to memory fails for formats that cannot hold the pixels only.
        let written = drawing.write_to(&mut bytes, ImageFormat::Png);
        debug_assert!(written.is_ok(), "{written:?}");
        bytes.into_inner()
    };
    digits.images.iter().enumerate().map(png).collect()
}

fn read_all(
    run: &TrainedModels,
    count: usize,
    centre: Centre,
    sheet: &(dyn Fn(usize) -> Sheet + Sync),
    task: &dyn Task,
) -> Result<Vec<DrawingResult>, RunFailure> {
    let options = DrawingOptions { centre, ink: InkSource::Alpha, ..DrawingOptions::default() };
    let chunks: Vec<usize> = (0..count).step_by(CHUNK).collect();
    let chunk = |start: usize| -> Result<Vec<DrawingResult>, RunFailure> {
        let mut session = run.session()?;
        let end = (start + CHUNK).min(count);
        let results = (start..end).map(|index| read(&mut session, &sheet(index), &options)).collect();
        task.advance((end - start) as u64);
        results
    };
    let results: Vec<Vec<DrawingResult>> = chunks.into_par_iter().map(chunk).collect::<Result<_, _>>()?;
    Ok(results.into_iter().flatten().collect())
}

fn read(session: &mut Session, sheet: &Sheet, options: &DrawingOptions) -> Result<DrawingResult, RunFailure> {
    let reading = match sheet {
        Sheet::Pixels(image) => session.read(image)?,
        Sheet::Drawing(drawing) => match imaging::digit_from_picture(drawing, options) {
            Ok(digit) => session.read(&digit.image)?,
            Err(DrawingError::Blank) => return Ok(DrawingResult { best: None, refusal: Some(Refusal::Blank) }),
            // A canvas of our own has pixels and is not too large.
            Err(error) => unreachable!("{error}"),
        },
    };
    let row = &reading.predictions[reading.recommended].probabilities;
    let best = crate::evaluation::rank(row).digit;
    Ok(DrawingResult { best: Some(best), refusal: reading.verdict.and_then(|verdict| verdict.answer.err()) })
}

fn summary(what: &'static str, results: &[DrawingResult], labels: Option<&[u8]>) -> DrawingScores {
    let count = |is: &dyn Fn(&DrawingResult) -> bool| results.iter().filter(|result| is(result)).count();
    let right =
        labels.map(|labels| results.iter().zip(labels).filter(|(result, label)| result.best == Some(**label)).count());
    DrawingScores {
        what,
        drawings: results.len(),
        right: right.map(|right| Proportion::wilson(right, results.len())),
        refused: Proportion::wilson(count(&|result| result.refusal.is_some()), results.len()),
        reasons: Refusal::ALL.map(|reason| count(&|result| result.refusal == Some(reason))),
    }
}

/// A canvas with one digit anywhere or two beside one another; `sizes`: of the enlarged 28×28 image, in pixels.
fn canvas_with(digits: &[(&[u8; PIXELS], std::ops::Range<usize>)], seed: Seed) -> DynamicImage {
    let mut draw = seed.rng();
    let mut canvas = RgbaImage::new(CANVAS as u32, CANVAS as u32);
    let room = CANVAS / digits.len();
    for (place, (image, sizes)) in digits.iter().enumerate() {
        let size = draw.random_range(sizes.clone());
        let (left, top) =
            (place * room + draw.random_range(0..=room - size.min(room)), draw.random_range(0..=CANVAS - size));
        let Some(small) = Gray::new(SIDE, SIDE, image.to_vec()) else { continue };
        let large = small.resize(size, size, Filter::Bicubic);
        for (y, row) in large.rows().enumerate() {
            for (x, &level) in row.iter().enumerate() {
                if level > 0 {
                    canvas.put_pixel((left + x) as u32, (top + y) as u32, Rgba([0, 0, 0, level]));
                }
            }
        }
    }
    DynamicImage::from(canvas)
}

/// A canvas with a drawing by pen of any size at any place.
fn canvas_with_sketch(sketch: &Sketch, seed: Seed) -> DynamicImage {
    let mut draw = seed.derive("canvas").rng();
    let length = draw.random_range(110.0..230.0f32);
    let room = CANVAS as f32 - length - BRUSH;
    let place = (0.5 * BRUSH + draw.random_range(0.0..room), 0.5 * BRUSH + draw.random_range(0.0..room));
    canvas_of(sketch.paint_at(CANVAS, place, length, BRUSH).pixels())
}

/// A canvas with this ink, `[280, 280]`.
fn canvas_of(levels: &[u8]) -> DynamicImage {
    let side = CANVAS as u32;
    DynamicImage::from(RgbaImage::from_fn(side, side, |x, y| Rgba([0, 0, 0, levels[(y * side + x) as usize]])))
}

/// A pen that wanders over the canvas: straight strokes between eight to twenty random points.
fn scribble(seed: Seed) -> DynamicImage {
    let mut draw = seed.rng();
    let mut levels = vec![0; CANVAS * CANVAS];
    let turns = draw.random_range(8..20);
    let mut point = || (draw.random_range(25.0..255.0f32), draw.random_range(25.0..255.0f32));
    let mut from = point();
    for _ in 0..turns {
        let to = point();
        imaging::draw_line(&mut levels, CANVAS, from, to, BRUSH);
        from = to;
    }
    canvas_of(&levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_digit_comes_back_as_it_was() {
        let digits = synthetic::generate(60, Seed(3));
        let options = DrawingOptions { ink: InkSource::Alpha, ..DrawingOptions::default() };
        let mut far = 0;
        for (index, image) in digits.images.iter().enumerate() {
            let drawing = canvas_with(&[(image, 150..200)], Seed(1).index(index as u64));
            let read = imaging::digit_from_picture(&drawing, &options).unwrap().image;
            let difference: i64 = image.iter().zip(&read).map(|(&a, &b)| (i64::from(a) - i64::from(b)).abs()).sum();
            let ink: i64 = image.iter().map(|&level| i64::from(level)).sum();
            far += usize::from(difference > ink / 3);
        }
        assert!(far <= 6, "{far} of 60 came back as something else");
    }

    #[test]
    fn drawings_by_pen_lie_on_the_canvas_and_depend_on_their_seed() {
        let options = DrawingOptions { ink: InkSource::Alpha, ..DrawingOptions::default() };
        for (what, draw) in SKETCHES {
            for index in 0..20 {
                let sketch = draw(index, Seed(index as u64));
                let drawing = canvas_with_sketch(&sketch, Seed(4));
                assert_eq!(drawing, canvas_with_sketch(&sketch, Seed(4)));
                let area = imaging::digit_from_picture(&drawing, &options).unwrap().ink_box;
                let (right, bottom) = (area.left + area.width, area.top + area.height);
                assert!(right <= CANVAS && bottom <= CANVAS, "{what} {index}: {area:?}");
                assert!(area.width.max(area.height) >= 110, "{what} {index}: {area:?}");
            }
        }
    }

    #[test]
    fn pairs_and_scribbles_look_the_part() {
        let digits = synthetic::generate(20, Seed(3));
        let wide = |index: usize| {
            let pair = [(digits.images.get(index), 100..130), (digits.images.get(index + 1), 100..130)];
            let drawn =
                imaging::digit_from_picture(&canvas_with(&pair, Seed(index as u64)), &DrawingOptions::default())
                    .unwrap();
            usize::from(drawn.ink_box.width > drawn.ink_box.height)
        };
        assert!((0..19).map(wide).sum::<usize>() >= 14);
        assert_eq!(scribble(Seed(1)), scribble(Seed(1)));
        assert_ne!(scribble(Seed(1)), scribble(Seed(2)));
    }
}
