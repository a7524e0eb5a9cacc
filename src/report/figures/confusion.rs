//! Confusion matrix.

use crate::{
    data::CLASSES,
    evaluation::Scores,
    report::{
        canvas::{Anchor, Canvas, Stroke, Style},
        format,
        theme::{Paint, Theme},
    },
};

/// Draws the confusion matrix: rows are labels, columns predictions. Only errors are coloured, by the square root of
/// their count, because correct predictions outnumber them by far.
pub(in crate::report) fn confusion(
    scores: &Scores,
    model: &str,
    set: &str,
    paint: Paint,
    theme: Theme,
    width: f64,
) -> String {
    let (left, top) = (34.0, 40.0);
    let cell = (width - left - 2.0) / CLASSES as f64;
    let side = cell * CLASSES as f64;
    let mut canvas = Canvas::new(theme, width, top + side + 4.0);
    let mistakes = || {
        (0..CLASSES)
            .flat_map(|label| (0..CLASSES).map(move |predicted| (label, predicted)))
            .filter(|(label, predicted)| label != predicted)
    };
    let most = mistakes().map(|(label, predicted)| scores.confusion[label][predicted]).max().unwrap_or(0).max(1) as f64;
    let small = Style::new(Anchor::Middle).size(10.5).paint(Paint::Soft);
    canvas.text((left + side / 2.0, 12.0), "predicted", Style::new(Anchor::Middle).size(10.5));
    canvas.text_upwards((10.0, top + side / 2.0), "label", Style::new(Anchor::Middle).size(10.5));
    for class in 0..CLASSES {
        let middle = cell * (class as f64 + 0.5);
        canvas.text((left + middle, top - 8.0), &class.to_string(), small);
        canvas.text((left - 10.0, top + middle + 4.0), &class.to_string(), small);
    }
    for label in 0..CLASSES {
        for predicted in 0..CLASSES {
            let count = scores.confusion[label][predicted];
            let (x, y) = (left + cell * predicted as f64, top + cell * label as f64);
            let centre = (x + cell / 2.0, y + cell / 2.0 + 3.8);
            if label == predicted {
                canvas.rect([x, y, cell, cell], Paint::Grid, 0.55);
                canvas.text(centre, &cell_count(count), small.size(10.0));
            } else if count > 0 {
                let strength = (count as f64 / most).sqrt();
                canvas.rect([x, y, cell, cell], paint, 0.12 + 0.88 * strength);
                let ink = if strength > 0.55 { Paint::Surface } else { Paint::Ink };
                canvas.text(centre, &cell_count(count), Style::new(Anchor::Middle).size(11.0).paint(ink).bold());
            }
        }
    }
    for line in 0..=CLASSES {
        let at = cell * line as f64;
        canvas.line([left + at, top, left + at, top + side], Stroke::new(Paint::Grid, 1.0));
        canvas.line([left, top + at, left + side, top + at], Stroke::new(Paint::Grid, 1.0));
    }
    canvas.frame([left, top, side, side], Stroke::new(Paint::Soft, 1.0));

    let mut worst: Vec<_> =
        mistakes().map(|(label, predicted)| (scores.confusion[label][predicted], label, predicted)).collect();
    worst.sort_by_key(|(count, label, predicted)| (std::cmp::Reverse(*count), *label, *predicted));
    let words = worst
        .iter()
        .take(5)
        .filter(|(count, ..)| *count > 0)
        .map(|(count, label, predicted)| format!("{label} as {predicted}: {count}"));
    canvas.finish(
        &format!("Confusion matrix of {model} on {set} images"),
        &format!(
            "{} of {} images are misclassified. Most frequent errors: {}.",
            format::count((scores.images - scores.correct) as u64),
            format::count(scores.images as u64),
            words.collect::<Vec<_>>().join("; ")
        ),
    )
}

/// A count in at most four characters.
fn cell_count(count: usize) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1000),
        _ => format!("{}M", count / 1_000_000),
    }
}
