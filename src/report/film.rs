//! A net's first layer while it learns, as an animated GIF.

use gif::{Encoder, Frame, Repeat};

use super::{
    ReportError,
    figures::filters_shown,
    input::{Film, Filters},
    render::problem,
    theme::ACCENTS,
};

/// Pixels between two filters.
const GAP: usize = 3;
/// Pixels of the strip below the filters that fills while the net learns.
const STRIP: usize = 4;
/// Least width of a filter, in pixels; a weight is a whole number of pixels.
const CELL: usize = 28;
const COLUMNS: usize = 8;
/// Hundredths of a second that a picture stays, and the last one.
const PAUSE: u16 = 8;
const LAST_PAUSE: u16 = 250;
/// Shades of either sign, white in the middle: more would be seen by nobody and make the file larger.
const SHADES: i32 = 31;
const WHITE: u8 = SHADES as u8;
/// The one colour that is no weight.
const BORDER: u8 = 2 * SHADES as u8 + 1;

/// Every picture of the film, each filter scaled to its largest weight in any of them: blue is positive, orange
/// negative.
///
/// # Errors
/// If the pictures are of different sizes.
pub(super) fn animation(film: &Film) -> Result<Vec<u8>, ReportError> {
    let wrong = |text: String| problem(format!("the film of {}", film.member), text);
    let first = film.pictures.first().map(|(_, weights)| Filters {
        member: film.member.clone(),
        side: film.side,
        weights: weights.clone(),
    });
    let Some(first) = first.filter(|first| first.side > 0 && !first.weights.is_empty()) else {
        return Err(wrong("has no picture".to_owned()));
    };
    let count = filters_shown(&first);
    let fits = |weights: &Vec<Vec<f32>>| {
        weights.len() >= count && weights.iter().all(|filter| filter.len() == film.side * film.side)
    };
    if let Some((iteration, _)) = film.pictures.iter().find(|(_, weights)| !fits(weights)) {
        return Err(wrong(format!("the picture at iteration {iteration} differs from the first in size")));
    }
    let most = |filter: usize| {
        let all = film.pictures.iter().flat_map(|(_, weights)| &weights[filter]);
        all.fold(f32::MIN_POSITIVE, |most, weight| most.max(weight.abs()))
    };
    let most: Vec<f32> = (0..count).map(most).collect();
    let sheet = Sheet::new(count, film.side);
    let (width, height) = (sheet.width() as u16, sheet.height() as u16);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &palette()).map_err(|error| wrong(error.to_string()))?;
    encoder.set_repeat(Repeat::Infinite).map_err(|error| wrong(error.to_string()))?;
    let last = film.pictures.last().map_or(1, |(iteration, _)| *iteration).max(1);
    for (place, (iteration, weights)) in film.pictures.iter().enumerate() {
        let pixels = sheet.draw(weights, &most, *iteration as f64 / last as f64);
        let mut frame = Frame::from_indexed_pixels(width, height, pixels, None);
        frame.delay = if place + 1 == film.pictures.len() { LAST_PAUSE } else { PAUSE };
        encoder.write_frame(&frame).map_err(|error| wrong(error.to_string()))?;
    }
    drop(encoder);
    Ok(bytes)
}

/// Where things are in a picture.
struct Sheet {
    count: usize,
    side: usize,
    /// Pixels of one weight.
    scale: usize,
}

impl Sheet {
    fn new(count: usize, side: usize) -> Self {
        Self { count, side, scale: CELL.div_ceil(side) }
    }

    fn step(&self) -> usize {
        self.side * self.scale + GAP
    }

    fn width(&self) -> usize {
        COLUMNS.min(self.count) * self.step() + GAP
    }

    fn height(&self) -> usize {
        self.count.div_ceil(COLUMNS) * self.step() + GAP + STRIP
    }

    /// A palette index for every pixel; `done` is the share of the training that is over.
    fn draw(&self, weights: &[Vec<f32>], most: &[f32], done: f64) -> Vec<u8> {
        let width = self.width();
        let mut pixels = vec![WHITE; width * self.height()];
        for (place, (filter, most)) in weights.iter().zip(most).enumerate() {
            let (left, top) = (GAP + place % COLUMNS * self.step(), GAP + place / COLUMNS * self.step());
            for y in 0..self.side * self.scale {
                for x in 0..self.side * self.scale {
                    let share = filter[y / self.scale * self.side + x / self.scale] / most;
                    let shade = if share.is_nan() { 0 } else { (share * SHADES as f32).round() as i32 };
                    pixels[(top + y) * width + left + x] = (SHADES + shade.clamp(-SHADES, SHADES)) as u8;
                }
            }
        }
        let filled = (done * width as f64) as usize;
        let strip = pixels.len() - STRIP * width;
        for row in pixels[strip..].chunks_mut(width) {
            row[..filled].fill(BORDER);
        }
        pixels
    }
}

/// From the colour of negative weights over white to that of positive ones, then the strip's.
fn palette() -> Vec<u8> {
    let channels = |accent: usize| {
        let number = u32::from_str_radix(&ACCENTS[accent].0[1..], 16).unwrap_or_default();
        [(number >> 16) as u8, (number >> 8) as u8, number as u8].map(f64::from)
    };
    let mut palette = Vec::with_capacity(64 * 3);
    for shade in -SHADES..=SHADES {
        let colour = channels(usize::from(shade < 0));
        let share = f64::from(shade.abs()) / f64::from(SHADES);
        palette.extend(colour.map(|channel| (255.0 + (channel - 255.0) * share).round() as u8));
    }
    palette.extend([0x5c, 0x65, 0x70]);
    palette
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn film(pictures: Vec<(u64, Vec<Vec<f32>>)>) -> Film {
        Film { member: "cnn".to_owned(), side: 2, pictures }
    }

    #[test]
    fn every_picture_is_a_frame_with_its_colours() {
        let film = film(vec![(0, vec![vec![0.5, 0.0, 0.0, -1.0]; 9]), (30, vec![vec![1.0, 0.0, 0.0, 0.5]; 9])]);
        let bytes = animation(&film).unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(bytes.as_slice()).unwrap();
        let side = 2 * CELL / 2 + GAP;
        assert_eq!(
            (usize::from(decoder.width()), usize::from(decoder.height())),
            (8 * side + GAP, 2 * side + GAP + STRIP)
        );
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            frames.push((frame.delay, frame.buffer[4 * (GAP * (8 * side + GAP) + GAP)..][..3].to_vec()));
        }
        // The first weight of the first filter: half the blue, then all of it.
        assert_eq!(frames, [(PAUSE, vec![0x7b, 0xb6, 0xd7]), (LAST_PAUSE, vec![0x00, 0x72, 0xb2])]);
    }

    #[test]
    fn pictures_that_do_not_fit_are_refused() {
        assert!(animation(&film(vec![])).is_err());
        let error = animation(&film(vec![(0, vec![vec![0.0; 4]; 2]), (7, vec![vec![0.0; 9]; 2])])).unwrap_err();
        assert!(error.to_string().contains("iteration 7"), "{error}");
    }
}
