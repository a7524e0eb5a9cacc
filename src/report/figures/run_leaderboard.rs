//! Leaderboard of one run: all its models on one axis.

use super::{
    axes::Axes,
    marks::{Mark, draw_mark},
};
use crate::{
    evaluation::{ModelScores, Proportion},
    report::{
        canvas::{Anchor, Canvas, Stroke, Style, shortened, text_width},
        format,
        scale::Scale,
        theme::{Paint, Palette, Theme},
    },
};

/// Height of a model's row, in pixels.
const ROW: f64 = 44.0;
/// Height above the first row, in pixels.
const TOP: f64 = 40.0;

/// Marks of the sets.
const MARKS: [Mark; 3] = [Mark::Ring, Mark::Dot, Mark::Diamond];

/// Names of the sets: training images, unseen training images, test images.
fn set_names(models: &[&ModelScores]) -> [&'static str; 3] {
    let is_held_out = models.iter().any(|model| model.held_out.is_some());
    ["train", if is_held_out { "validation" } else { "out-of-fold" }, "test"]
}

fn accuracies(model: &ModelScores) -> [Option<Proportion>; 3] {
    [model.train.as_ref(), model.unseen(), model.test.as_ref()].map(|scores| scores.map(|scores| scores.accuracy))
}

/// Draws the accuracy of each model on each set, with 95 % intervals; `models` from best to worst.
pub(in crate::report) fn run_leaderboard(
    models: &[&ModelScores],
    palette: &Palette,
    theme: Theme,
    width: f64,
) -> String {
    let height = TOP + ROW * models.len() as f64 + 46.0;
    let mut canvas = Canvas::new(theme, width, height);
    let names = models.iter().map(|model| text_width(&model.name, 13.5)).fold(56.0, f64::max).min(width * 0.3);
    let present = |set: usize| models.iter().any(|model| accuracies(model)[set].is_some());
    let shown = if present(2) { 2 } else { 1 };
    let (set_names, numbers) = (set_names(models), 44.0);
    let x = accuracy_axis(models);
    let y = Scale::linear(0.0, 1.0);
    let axes = Axes {
        area: [names + 14.0, TOP, width - names - 14.0 - numbers - 12.0, ROW * models.len() as f64],
        x: &x,
        y: &y,
    };
    axes.draw_x(&mut canvas, "accuracy, % (logarithmic in the error rate)", true);

    let mut left = axes.area[0];
    for (set, name) in set_names.into_iter().enumerate().filter(|(set, _)| present(*set)) {
        draw_mark(&mut canvas, (left + 6.0, 14.0), MARKS[set], Paint::Ink);
        canvas.text((left + 16.0, 18.0), name, Style::new(Anchor::Start));
        left += text_width(name, 11.0) + 34.0;
    }
    canvas.text((width, 18.0), &format!("{}, %", set_names[shown]), Style::new(Anchor::End).paint(Paint::Soft));

    for (row, model) in models.iter().enumerate() {
        let middle = TOP + ROW * (row as f64 + 0.5);
        let paint = palette.of(&model.name);
        if row > 0 {
            canvas.line([0.0, middle - ROW / 2.0, width, middle - ROW / 2.0], Stroke::new(Paint::Grid, 1.0));
        }
        canvas.text(
            (0.0, middle - 1.0),
            &shortened(&model.name, 13.5, names + 1.0),
            Style::new(Anchor::Start).size(12.0).paint(paint).bold(),
        );
        canvas.text((0.0, middle + 13.0), model.kind.name(), Style::new(Anchor::Start).size(10.0).paint(Paint::Soft));
        let shares = accuracies(model);
        for (set, share) in shares.iter().enumerate() {
            let Some(share) = share else { continue };
            let at = middle + 12.0 * (set as f64 - 1.0);
            let [low, value, high] = [share.low, share.value, share.high].map(|accuracy| axes.at(accuracy, 0.0).0);
            canvas.line([low, at, high, at], Stroke::new(paint, 1.5));
            draw_mark(&mut canvas, (value, at), MARKS[set], paint);
            if x.position(share.value) >= 1.0 {
                canvas.polyline(
                    &[(value + 7.0, at - 3.5), (value + 10.5, at), (value + 7.0, at + 3.5)],
                    Stroke::new(paint, 1.5),
                );
            }
        }
        let figure = shares[shown].map_or_else(|| "–".to_owned(), |share| format::percent(share.value));
        canvas.text((width, middle + 4.0), &figure, Style::new(Anchor::End).size(12.0));
    }
    let describe = |model: &&ModelScores| {
        let figures = accuracies(model)
            .into_iter()
            .zip(set_names)
            .filter_map(|(share, set)| Some(format!("{set} {} %", format::percent(share?.value))));
        format!("{}: {}.", model.name, figures.collect::<Vec<_>>().join(", "))
    };
    canvas.finish("Accuracy of every model", &models.iter().map(describe).collect::<Vec<_>>().join(" "))
}

/// An axis for the accuracies on unseen images. Training accuracies with less than a quarter of the smallest such error
/// lie at its end; otherwise nets that overfit their training images would take most of the axis.
fn accuracy_axis(models: &[&ModelScores]) -> Scale {
    let bounds = |share: Proportion| [share.low, share.value, share.high];
    let of = |sets: &[usize]| -> Vec<f64> {
        models
            .iter()
            .flat_map(|model| sets.iter().filter_map(|set| accuracies(model)[*set]).collect::<Vec<_>>())
            .flat_map(bounds)
            .collect()
    };
    let (unseen, train) = (of(&[1, 2]), of(&[0]));
    if unseen.is_empty() {
        return Scale::accuracy(train);
    }
    let finest = unseen.iter().copied().filter(|accuracy| *accuracy < 1.0).fold(0.0, f64::max);
    let limit = 1.0 - (1.0 - finest) / 4.0;
    Scale::accuracy(unseen.into_iter().chain(train.into_iter().map(|accuracy| accuracy.min(limit))))
}
