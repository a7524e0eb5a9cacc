//! Learning curves: a metric by epoch, tree or iteration.

use std::collections::BTreeMap;

use super::axes::{Axes, spread};
use crate::{
    fit::{History, HistoryPoint, TracePoint},
    report::{
        canvas::{Anchor, Canvas, Stroke, Style},
        scale::Scale,
        theme::{Paint, Theme},
    },
};

/// Maximum number of points of a line; more would not be visible.
const MAX_POINTS: usize = 240;

/// Metric of a learning curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Metric {
    Accuracy,
    Loss,
}

/// Learning curve of a member, over all its fits.
pub(in crate::report) struct LearningCurve {
    unit: String,
    train: Vec<Summary>,
    validation: Vec<Summary>,
    best_steps: Vec<u32>,
    last_step: u32,
}

/// Mean, lowest and highest value at one step, over the fits that reached it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Summary {
    step: u32,
    mean: f64,
    low: f64,
    high: f64,
}

impl LearningCurve {
    /// Combines the fits of a member by epoch or tree; `None` if no fit recorded the metric.
    pub(in crate::report) fn of(fits: &[(String, History)], metric: Metric) -> Option<Self> {
        let [train, validation] = match metric {
            Metric::Accuracy => {
                [|point: &HistoryPoint| point.train_accuracy, |point: &HistoryPoint| point.validation_accuracy]
            }
            Metric::Loss => [|point: &HistoryPoint| point.train_loss, |point: &HistoryPoint| point.validation_loss],
        };
        let (train, validation) = (summaries(fits, train), summaries(fits, validation));
        let last_step = train.iter().chain(&validation).map(|summary| summary.step).max()?;
        Some(Self {
            unit: fits.first().map_or_else(String::new, |(_, history)| history.unit.clone()),
            train,
            validation,
            best_steps: fits.iter().filter_map(|(_, history)| history.best_step).collect(),
            last_step,
        })
    }

    /// Reads the trace of one fit: training values by iteration, validation values at the end of each epoch; `None`
    /// without a trace.
    pub(in crate::report) fn by_iteration(history: &History, metric: Metric) -> Option<Self> {
        let value = |point: &TracePoint| if metric == Metric::Accuracy { point.accuracy } else { point.loss };
        let summary = |step: u64, value: f64| Summary {
            step: u32::try_from(step).unwrap_or(u32::MAX),
            mean: value,
            low: value,
            high: value,
        };
        let train: Vec<Summary> = history
            .trace
            .iter()
            .filter(|point| value(point).is_finite())
            .map(|point| summary(point.iteration, value(point)))
            .collect();
        let last_step = train.last()?.step;
        let epochs = history.points.last()?.step.max(1);
        let at = |epoch: u32| u64::from(epoch) * u64::from(last_step) / u64::from(epochs);
        let validation = history.points.iter().filter_map(|point| {
            let value = if metric == Metric::Accuracy { point.validation_accuracy } else { point.validation_loss };
            Some(summary(at(point.step), value?))
        });
        let best_steps = history.best_step.into_iter().map(|epoch| at(epoch) as u32).collect();
        Some(Self {
            unit: "iteration".to_owned(),
            train: thinned(&train),
            validation: thinned(&validation.collect::<Vec<_>>()),
            best_steps,
            last_step,
        })
    }

    /// Last step of any line.
    pub(in crate::report) fn last_step(&self) -> u32 {
        self.last_step
    }

    /// Unit of a step: "epoch", "tree" or "iteration".
    pub(in crate::report) fn unit(&self) -> &str {
        &self.unit
    }
}

fn summaries(fits: &[(String, History)], value: fn(&HistoryPoint) -> Option<f64>) -> Vec<Summary> {
    let mut by_step: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for point in fits.iter().flat_map(|(_, history)| &history.points) {
        if let Some(value) = value(point).filter(|value| value.is_finite()) {
            by_step.entry(point.step).or_default().push(value);
        }
    }
    let summary = |(step, values): (u32, Vec<f64>)| Summary {
        step,
        mean: values.iter().sum::<f64>() / values.len() as f64,
        low: values.iter().copied().fold(f64::INFINITY, f64::min),
        high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    };
    let all: Vec<Summary> = by_step.into_iter().map(summary).collect();
    thinned(&all)
}

/// Selects at most [`MAX_POINTS`] points, evenly, including the first and the last.
fn thinned(all: &[Summary]) -> Vec<Summary> {
    let (count, last) = (all.len(), all.len().saturating_sub(1));
    let selected = count.min(MAX_POINTS);
    (0..selected).map(|index| all[if selected > 1 { index * last / (selected - 1) } else { 0 }]).collect()
}

/// Draws training and validation values by step: the mean over the fits, with a band from the lowest to the highest.
pub(in crate::report) fn curves(
    curve: &LearningCurve,
    metric: Metric,
    member: &str,
    paint: Paint,
    theme: Theme,
    width: f64,
) -> String {
    let height = 240.0;
    let mut canvas = Canvas::new(theme, width, height);
    let values = curve.train.iter().chain(&curve.validation).flat_map(|summary| [summary.low, summary.high]);
    // Leaves room for the triangles on the axis, below the lowest loss.
    let lowest = curve.train.iter().chain(&curve.validation).map(|summary| summary.low).fold(f64::INFINITY, f64::min);
    let (y, label) = match metric {
        Metric::Accuracy => (Scale::accuracy(values), "accuracy, %"),
        Metric::Loss => (
            Scale::log(values.chain([0.75 * lowest])).unwrap_or_else(|| Scale::linear(0.0, 1.0)),
            "loss, nats per image",
        ),
    };
    let x = Scale::linear(f64::from(u8::from(curve.last_step > 1)), f64::from(curve.last_step));
    let axes = Axes { area: [40.0, 28.0, width - 40.0 - 62.0, height - 28.0 - 42.0], x: &x, y: &y };
    axes.draw_y(&mut canvas, label);
    axes.draw_x(&mut canvas, curve.unit(), false);
    axes.draw_base(&mut canvas);

    let lines = [
        ("train", &curve.train, Stroke::new(paint, 1.5).dashed()),
        ("validation", &curve.validation, Stroke::new(paint, 2.0)),
    ];
    let mut ends = Vec::new();
    for (name, line, stroke) in lines {
        let Some(last) = line.last() else { continue };
        let upper = line.iter().map(|summary| axes.at(f64::from(summary.step), summary.high));
        let lower = line.iter().rev().map(|summary| axes.at(f64::from(summary.step), summary.low));
        canvas.polygon(&upper.chain(lower).collect::<Vec<_>>(), paint, 0.14);
        let means: Vec<_> = line.iter().map(|summary| axes.at(f64::from(summary.step), summary.mean)).collect();
        canvas.polyline(&means, stroke);
        if let [only] = means[..] {
            canvas.dot(only, 2.5, paint, name == "validation");
        }
        ends.push((name, axes.at(f64::from(last.step), last.mean)));
    }
    let [_, top, _, plot_height] = axes.area;
    let mut label_heights: Vec<f64> = ends.iter().map(|(_, (_, y))| y + 3.5).collect();
    spread(&mut label_heights, 13.0, top, top + plot_height);
    for ((name, (x, _)), y) in ends.iter().zip(label_heights) {
        canvas.text((x + 6.0, y), name, Style::new(Anchor::Start).size(10.5).paint(paint));
    }
    for step in &curve.best_steps {
        let (x, bottom) = (axes.at(f64::from(*step), 0.0).0, top + plot_height);
        canvas.polygon(&[(x, bottom - 7.0), (x + 3.5, bottom), (x - 3.5, bottom)], paint, 0.8);
    }
    let what = if metric == Metric::Accuracy { "accuracy" } else { "loss" };
    let end = |line: &[Summary]| line.last().map_or_else(|| "none".to_owned(), |last| format!("{:.4}", last.mean));
    canvas.finish(
        &format!("{member}: {what} by {}", curve.unit()),
        &format!(
            "After {} {}s: train {}, validation {}.",
            curve.last_step,
            curve.unit(),
            end(&curve.train),
            end(&curve.validation)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(losses: &[f64]) -> History {
        let point = |(index, loss): (usize, &f64)| HistoryPoint {
            step: index as u32 + 1,
            train_loss: Some(*loss),
            train_accuracy: None,
            validation_loss: None,
            validation_accuracy: None,
            learning_rate: None,
        };
        History {
            unit: "epoch".to_owned(),
            points: losses.iter().enumerate().map(point).collect(),
            ..History::default()
        }
    }

    #[test]
    fn each_step_averages_the_fits_that_reached_it() {
        let fits = [("a".to_owned(), history(&[1.0, 0.5, 0.25])), ("b".to_owned(), history(&[3.0, f64::NAN]))];
        let curve = LearningCurve::of(&fits, Metric::Loss).unwrap();
        let means: Vec<_> =
            curve.train.iter().map(|summary| (summary.step, summary.low, summary.mean, summary.high)).collect();
        assert_eq!(means, [(1, 1.0, 2.0, 3.0), (2, 0.5, 0.5, 0.5), (3, 0.25, 0.25, 0.25)]);
        assert!(LearningCurve::of(&fits, Metric::Accuracy).is_none());
        assert!(LearningCurve::of(&[], Metric::Loss).is_none());
    }

    #[test]
    fn long_curves_are_thinned_and_keep_both_ends() {
        let fits = [("a".to_owned(), history(&vec![1.0; 3000]))];
        let train = LearningCurve::of(&fits, Metric::Loss).unwrap().train;
        assert_eq!((train.len(), train[0].step, train[MAX_POINTS - 1].step), (MAX_POINTS, 1, 3000));
    }
}
