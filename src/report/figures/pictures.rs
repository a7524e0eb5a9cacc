//! Grids of digits and of filters.

use crate::report::{
    canvas::{Anchor, Canvas, Stroke, Style, shortened},
    format,
    input::{Example, MemberFilters, Mistake},
    theme::{Paint, Palette, Theme},
};

/// Maximum number of filters that are drawn.
const MAX_FILTERS: usize = 96;
/// Maximum number of weights that are drawn; each takes about ten bytes of the page.
const MAX_WEIGHTS: usize = 16 * 28 * 28;

/// Number of the filters that are drawn.
pub(in crate::report) fn filters_shown(filters: &MemberFilters) -> usize {
    let most = (MAX_WEIGHTS / (filters.side * filters.side).max(1)).clamp(1, MAX_FILTERS);
    filters.weights.len().min(most)
}

/// Draws digits with their labels, ten in a row.
pub(in crate::report) fn examples(examples: &[Example], theme: Theme, width: f64) -> String {
    let cell = width / 10.0;
    let rows = examples.len().div_ceil(10);
    let mut canvas = Canvas::new(theme, width, rows as f64 * (cell + 14.0));
    for (index, example) in examples.iter().enumerate() {
        let (x, y) = ((index % 10) as f64 * cell, (index / 10) as f64 * (cell + 14.0));
        canvas.digit((x + 2.0, y + 1.0), cell - 4.0, &example.image);
        canvas.text(
            (x + cell / 2.0, y + cell + 8.0),
            &example.label.to_string(),
            Style::new(Anchor::Middle).size(10.0).paint(Paint::Soft),
        );
    }
    let labels: Vec<String> = examples.iter().map(|example| example.label.to_string()).collect();
    canvas.finish("Training digits", &format!("Their labels, row by row: {}.", labels.join(" ")))
}

/// Draws first-layer filters: positive weights in one colour, negative ones in another, paler towards zero.
pub(in crate::report) fn filters(filters: &MemberFilters, theme: Theme, width: f64) -> String {
    let shown = &filters.weights[..filters_shown(filters)];
    let columns = if shown.len() > 32 { 16 } else { 8 };
    let cell = width / columns as f64;
    let rows = shown.len().div_ceil(columns);
    let mut canvas = Canvas::new(theme, width, rows as f64 * cell);
    for (index, weights) in shown.iter().enumerate() {
        let (left, top) = ((index % columns) as f64 * cell + 2.0, (index / columns) as f64 * cell + 2.0);
        let most = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs())).max(f32::MIN_POSITIVE);
        let shares: Vec<f32> = weights.iter().map(|weight| if weight.is_nan() { 0.0 } else { weight / most }).collect();
        canvas.square((left, top), cell - 4.0, &shares, [Paint::Accent(0), Paint::Accent(1)]);
        canvas.frame([left, top, cell - 4.0, cell - 4.0], Stroke::new(Paint::Grid, 1.0));
    }
    let title = format!("First-layer filters of {}", filters.member);
    canvas.finish(
        &title,
        &format!(
            "{} of {} filters of {} by {} weights.",
            shown.len(),
            filters.weights.len(),
            filters.side,
            filters.side
        ),
    )
}

/// Draws misclassified digits, five in a row, with the prediction of every member.
pub(in crate::report) fn mistakes(
    mistakes: &[Mistake],
    model: &str,
    palette: &Palette,
    theme: Theme,
    width: f64,
) -> String {
    let cell = width / 5.0;
    let opinions = mistakes.iter().map(|mistake| mistake.opinions.len()).max().unwrap_or(0);
    let row = cell + 53.0 + 13.0 * opinions as f64;
    let mut canvas = Canvas::new(theme, width, mistakes.len().div_ceil(5) as f64 * row);
    for (index, mistake) in mistakes.iter().enumerate() {
        let (x, y) = ((index % 5) as f64 * cell, (index / 5) as f64 * row);
        let (left, right) = (x + 14.0, x + cell - 14.0);
        canvas.digit((left, y), cell - 28.0, &mistake.image);
        let mut line = y + cell - 10.0;
        canvas.text(
            (left, line),
            &format!("{} → {}", mistake.label, mistake.predicted),
            Style::new(Anchor::Start).size(12.0).bold(),
        );
        let details = format::probability(mistake.probability);
        canvas.text((right, line), &details, Style::new(Anchor::End).size(9.5).paint(Paint::Soft));
        line += 13.0;
        let name = shortened(&mistake.name, 9.5, right - left);
        canvas.text((left, line), &name, Style::new(Anchor::Start).size(9.5).paint(Paint::Soft));
        for opinion in &mistake.opinions {
            line += 14.0;
            let style = |anchor| Style::new(anchor).size(10.0);
            canvas.text(
                (left, line),
                &shortened(&opinion.member, 10.0, right - left - 46.0),
                style(Anchor::Start).paint(palette.of(&opinion.member)),
            );
            let digit = style(Anchor::End);
            let digit = if opinion.digit == mistake.label { digit.bold() } else { digit };
            canvas.text((right - 34.0, line), &opinion.digit.to_string(), digit);
            canvas.text(
                (right, line),
                &format::probability(opinion.probability),
                style(Anchor::End).paint(Paint::Soft),
            );
        }
    }
    let words = mistakes
        .iter()
        .map(|mistake| format!("{}: {} predicted as {}", mistake.name, mistake.label, mistake.predicted));
    canvas.finish(&format!("Worst errors of {model}"), &format!("{}.", words.collect::<Vec<_>>().join("; ")))
}
