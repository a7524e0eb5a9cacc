//! Scores as a surface over two numeric settings.

use super::{
    legend::{CHOSEN, Legend, TRIAL},
    outlines::Field,
    scores,
};
use crate::{
    report::{
        canvas::{Anchor, Canvas, Stroke, Style, shortened},
        figures::{
            axes::Axes,
            marks::{Mark, draw_mark},
        },
        format,
        scale::Scale,
        theme::{Paint, Theme},
    },
    tuning::{StageOutcome, TrialState},
};

/// Height of the plotting area, in pixels.
const HEIGHT: f64 = 250.0;
/// Columns and rows of the grid on which the surface is computed.
const NODES: (usize, usize) = (57, 45);
/// Number of colour levels of the surface.
const LEVELS: usize = 9;
/// Opacity of one level; the levels are drawn on top of each other.
const OPACITY: f64 = 0.13;

/// Draws a surface through the scores of the complete trials, with all trials as dots.
pub(super) fn contour(stage: &StageOutcome, theme: Theme, width: f64) -> String {
    let legend = Legend::new(stage, &[TrialState::Pruned, TrialState::Failed], Vec::new(), width);
    let top = legend.top();
    let mut canvas = Canvas::new(theme, width, top + HEIGHT + 42.0);
    let [x, y] = [0, 1].map(|index: usize| {
        let numbers: Vec<f64> = stage.trials.iter().map(|trial| trial.values[index]).collect();
        scores::number_scale(&numbers, stage.parameters[index].log)
    });
    let area @ [left, _, across, _] = [50.0, top, width - 50.0 - 68.0, HEIGHT];
    let axes = Axes { area, x: &x, y: &y };
    legend.draw(&mut canvas);
    axes.draw_y(&mut canvas, &shortened(&stage.parameters[1].label, 10.5, width - 80.0));
    axes.draw_x(&mut canvas, &shortened(&stage.parameters[0].label, 10.5, across), false);
    canvas.rect(area, Paint::Surface, 1.0);
    let scale = scores::scale(stage);
    let heights: Vec<Sample> = scores::complete(stage)
        .map(|scored| Sample {
            x: x.position(scored.trial.values[0]),
            y: y.position(scored.trial.values[1]),
            height: scale.position(scored.score),
        })
        .collect();
    if let Some(field) = surface(&heights) {
        draw_surface(&mut canvas, area, &field);
        draw_key(&mut canvas, [left + across + 14.0, top, 10.0, HEIGHT], stage, &scale, field.range());
    }
    canvas.frame(area, Stroke::new(Paint::Grid, 1.0));

    let mut trials: Vec<_> = stage.trials.iter().enumerate().collect();
    trials.sort_by_key(|(index, _)| stage.selected == Some(*index));
    for (index, trial) in trials {
        let at = axes.at(trial.values[0], trial.values[1]);
        match trial.state {
            _ if stage.selected == Some(index) => {
                canvas.disc(at, 7.4, Paint::Surface, 1.0);
                draw_mark(&mut canvas, at, Mark::Diamond, CHOSEN);
            }
            TrialState::Complete => {
                canvas.disc(at, 3.1, Paint::Surface, 1.0);
                canvas.disc(at, 2.1, Paint::Ink, 1.0);
            }
            TrialState::Pruned => canvas.dot(at, 2.4, TRIAL, false),
            TrialState::Failed => draw_mark(&mut canvas, at, Mark::Cross, Paint::Soft),
        }
    }
    let labels = format!("{} and {}", stage.parameters[0].label, stage.parameters[1].label);
    canvas.finish(&format!("{}: {} by {labels}", stage.title, scores::label(stage.score)), &scores::description(stage))
}

/// Position of a trial on both axes and its height on the score axis, each 0 to 1.
#[derive(Clone, Copy, Debug)]
struct Sample {
    x: f64,
    y: f64,
    height: f64,
}

/// Kernel regression through the heights (Nadaraya 1964, Watson 1964): their mean, weighted by a Gaussian of the
/// distance, whose bandwidth grows with fewer trials and with the distance to the nearest one. `None` for fewer than
/// three distinct positions or if all heights are equal.
fn surface(trials: &[Sample]) -> Option<Field> {
    let mut positions: Vec<_> = trials.iter().map(|trial| (trial.x.to_bits(), trial.y.to_bits())).collect();
    positions.sort_unstable();
    positions.dedup();
    if positions.len() < 3 {
        return None;
    }
    let min_bandwidth = (0.7 / (positions.len() as f64).sqrt()).clamp(0.05, 0.25);
    let field = Field::sample(NODES.0, NODES.1, |x, y| {
        let distances: Vec<f64> = trials.iter().map(|trial| (trial.x - x).powi(2) + (trial.y - y).powi(2)).collect();
        let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
        let bandwidth = min_bandwidth + 0.5 * nearest.sqrt();
        let weight = |distance: &f64| (-(distance - nearest) / (2.0 * bandwidth * bandwidth)).exp();
        let (sum, weights) = trials.iter().zip(&distances).fold((0.0, 0.0), |(sum, weights), (trial, distance)| {
            let weight = weight(distance);
            (sum + weight * trial.height, weights + weight)
        });
        sum / weights
    });
    let (low, high) = field.range();
    (high - low > 1e-9).then_some(field)
}

/// Draws the levels of the surface on top of each other.
fn draw_surface(canvas: &mut Canvas, [left, top, width, height]: [f64; 4], field: &Field) {
    canvas.rect([left, top, width, height], TRIAL, OPACITY / 2.0);
    let (low, high) = field.range();
    for level in 1..LEVELS {
        let outlines = field.above(low + (high - low) * level as f64 / LEVELS as f64);
        let point = |(x, y): (f64, f64)| (left + width * x, top + height * (1.0 - y));
        let outlines: Vec<Vec<_>> =
            outlines.into_iter().map(|outline| outline.into_iter().map(point).collect()).collect();
        canvas.region(&outlines, TRIAL, OPACITY);
    }
}

/// Draws the colour scale of the surface with the scores.
fn draw_key(
    canvas: &mut Canvas,
    [left, top, width, height]: [f64; 4],
    stage: &StageOutcome,
    scale: &Scale,
    (low, high): (f64, f64),
) {
    canvas.rect([left, top, width, height], TRIAL, OPACITY / 2.0);
    for level in 1..LEVELS {
        canvas.rect([left, top, width, height * (1.0 - level as f64 / LEVELS as f64)], TRIAL, OPACITY);
    }
    canvas.frame([left, top, width, height], Stroke::new(Paint::Grid, 1.0));
    for part in 0..=3 {
        let part = f64::from(part) / 3.0;
        let text = format::score(stage.score, scale.value(low + (high - low) * part));
        let style = Style::new(Anchor::Start).size(10.0).paint(Paint::Soft);
        canvas.text((left + width + 6.0, top + height * (1.0 - part) + 3.5), &text, style);
    }
    let unit = if stage.score == crate::tuning::Score::Accuracy { "acc., %" } else { "log-loss" };
    canvas.text((left + width + 44.0, top - 12.0), unit, Style::new(Anchor::End).size(10.5));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surface_is_bounded_by_the_trials_and_highest_near_the_best() {
        let at = |x: f64, y: f64, height: f64| Sample { x, y, height };
        let field = surface(&[at(0.1, 0.1, 0.0), at(0.9, 0.1, 0.2), at(0.1, 0.9, 0.2), at(0.9, 0.9, 1.0)]).unwrap();
        let (low, high) = field.range();
        assert!((0.0..0.2).contains(&low) && (0.8..=1.0).contains(&high), "{low} {high}");
        let outlines = field.above(0.7 * high);
        assert!(outlines.len() == 1 && outlines[0].iter().all(|(x, y)| *x > 0.5 && *y > 0.5), "{outlines:?}");
    }

    #[test]
    fn no_surface_for_fewer_than_three_positions_or_equal_heights() {
        let at = |x: f64, height: f64| Sample { x, y: 0.5, height };
        assert!(surface(&[at(0.1, 0.0), at(0.9, 1.0), at(0.9, 0.5)]).is_none());
        assert!(surface(&[at(0.1, 0.5), at(0.5, 0.5), at(0.9, 0.5)]).is_none());
        assert!(surface(&[]).is_none());
    }
}
