//! The filters of a net's first layer during training, as an animated GIF.

use gif::{Encoder, Frame, Repeat};

use super::{
    error::ReportError,
    figures::filters_shown,
    input::{MemberFilterHistory, MemberFilters},
    theme::ACCENTS,
};

/// Gap between two filters, in pixels.
const GAP: usize = 3;
/// Height of the progress bar below the filters, in pixels.
const PROGRESS_BAR: usize = 4;
/// Minimum width of a filter, in pixels; every weight is a whole number of pixels wide.
const MIN_SIDE: usize = 28;
/// Filters in a row.
const COLUMNS: usize = 8;
/// Duration of a frame, in hundredths of a second.
const FRAME_DELAY: u16 = 8;
/// Duration of the last frame, in hundredths of a second.
const LAST_FRAME_DELAY: u16 = 250;
/// Shades of each sign, with white in the middle. More would enlarge the file without a visible difference.
const SHADES: i32 = 31;
const WHITE: u8 = SHADES as u8;
/// Palette index of the progress bar.
const PROGRESS: u8 = 2 * SHADES as u8 + 1;

/// Draws every snapshot as a frame of an animated GIF: positive weights blue, negative ones orange, each filter scaled
/// to its largest absolute weight in any snapshot.
///
/// # Errors
/// [`ReportError::Input`] if there is no snapshot or if two differ in size.
pub(super) fn animation(history: &MemberFilterHistory) -> Result<Vec<u8>, ReportError> {
    let wrong = |text: String| ReportError::input(format!("the filter history of {}", history.member), text);
    let first = history.snapshots.first().map(|(_, weights)| MemberFilters {
        member: history.member.clone(),
        side: history.side,
        weights: weights.clone(),
    });
    let Some(first) = first.filter(|first| first.side > 0 && !first.weights.is_empty()) else {
        return Err(wrong("found no snapshot, expected at least one".to_owned()));
    };
    let count = filters_shown(&first);
    let fits = |weights: &Vec<Vec<f32>>| {
        weights.len() >= count && weights.iter().all(|filter| filter.len() == history.side * history.side)
    };
    if let Some((iteration, _)) = history.snapshots.iter().find(|(_, weights)| !fits(weights)) {
        return Err(wrong(format!("the snapshot of iteration {iteration} differs in size from the first one")));
    }
    let largest = |filter: usize| {
        let all = history.snapshots.iter().flat_map(|(_, weights)| &weights[filter]);
        all.fold(f32::MIN_POSITIVE, |largest, weight| largest.max(weight.abs()))
    };
    let largest: Vec<f32> = (0..count).map(largest).collect();
    let layout = FrameLayout::new(count, history.side);
    let (width, height) = (layout.width() as u16, layout.height() as u16);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &palette()).map_err(|error| wrong(error.to_string()))?;
    encoder.set_repeat(Repeat::Infinite).map_err(|error| wrong(error.to_string()))?;
    let last = history.snapshots.last().map_or(1, |(iteration, _)| *iteration).max(1);
    for (index, (iteration, weights)) in history.snapshots.iter().enumerate() {
        let pixels = layout.draw(weights, &largest, *iteration as f64 / last as f64);
        let mut frame = Frame::from_indexed_pixels(width, height, pixels, None);
        frame.delay = if index + 1 == history.snapshots.len() { LAST_FRAME_DELAY } else { FRAME_DELAY };
        encoder.write_frame(&frame).map_err(|error| wrong(error.to_string()))?;
    }
    drop(encoder);
    Ok(bytes)
}

/// Layout of a frame: rows of filters with a progress bar below.
struct FrameLayout {
    count: usize,
    side: usize,
    /// Width of one weight, in pixels.
    scale: usize,
}

impl FrameLayout {
    fn new(count: usize, side: usize) -> Self {
        Self { count, side, scale: MIN_SIDE.div_ceil(side) }
    }

    /// Distance between two filters, in pixels.
    fn step(&self) -> usize {
        self.side * self.scale + GAP
    }

    fn width(&self) -> usize {
        COLUMNS.min(self.count) * self.step() + GAP
    }

    fn height(&self) -> usize {
        self.count.div_ceil(COLUMNS) * self.step() + GAP + PROGRESS_BAR
    }

    /// Draws a frame as palette indices; `done` is the fraction of the training that is finished.
    fn draw(&self, weights: &[Vec<f32>], largest: &[f32], done: f64) -> Vec<u8> {
        let width = self.width();
        let mut pixels = vec![WHITE; width * self.height()];
        for (index, (filter, largest)) in weights.iter().zip(largest).enumerate() {
            let (left, top) = (GAP + index % COLUMNS * self.step(), GAP + index / COLUMNS * self.step());
            for y in 0..self.side * self.scale {
                for x in 0..self.side * self.scale {
                    let share = filter[y / self.scale * self.side + x / self.scale] / largest;
                    let shade = if share.is_nan() { 0 } else { (share * SHADES as f32).round() as i32 };
                    pixels[(top + y) * width + left + x] = (SHADES + shade.clamp(-SHADES, SHADES)) as u8;
                }
            }
        }
        let filled = (done * width as f64) as usize;
        let bar = pixels.len() - PROGRESS_BAR * width;
        for row in pixels[bar..].chunks_mut(width) {
            row[..filled].fill(PROGRESS);
        }
        pixels
    }
}

/// Palette of red, green and blue bytes: from negative weights through white to positive ones, then the progress bar.
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

    fn history(snapshots: Vec<(u64, Vec<Vec<f32>>)>) -> MemberFilterHistory {
        MemberFilterHistory { member: "cnn".to_owned(), side: 2, snapshots }
    }

    #[test]
    fn each_snapshot_becomes_a_frame_with_scaled_colours() {
        let history = history(vec![(0, vec![vec![0.5, 0.0, 0.0, -1.0]; 9]), (30, vec![vec![1.0, 0.0, 0.0, 0.5]; 9])]);
        let bytes = animation(&history).unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(bytes.as_slice()).unwrap();
        let side = 2 * MIN_SIDE / 2 + GAP;
        assert_eq!(
            (usize::from(decoder.width()), usize::from(decoder.height())),
            (8 * side + GAP, 2 * side + GAP + PROGRESS_BAR)
        );
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            frames.push((frame.delay, frame.buffer[4 * (GAP * (8 * side + GAP) + GAP)..][..3].to_vec()));
        }
        // The first weight of the first filter: half the blue, then all of it.
        assert_eq!(frames, [(FRAME_DELAY, vec![0x7b, 0xb6, 0xd7]), (LAST_FRAME_DELAY, vec![0x00, 0x72, 0xb2])]);
    }

    #[test]
    fn snapshots_of_different_sizes_are_refused() {
        assert!(animation(&history(vec![])).is_err());
        let error = animation(&history(vec![(0, vec![vec![0.0; 4]; 2]), (7, vec![vec![0.0; 9]; 2])])).unwrap_err();
        assert!(error.to_string().contains("iteration 7"), "{error}");
    }
}
