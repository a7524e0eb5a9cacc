//! Leaderboard over many runs: all models on one axis.

use super::{
    axes::Axes,
    marks::{Mark, draw_mark},
};
use crate::report::{
    canvas::{Anchor, Canvas, Stroke, Style, shortened, text_width},
    format,
    input::LeaderboardEntry,
    scale::Scale,
    theme::{Paint, Palette, Theme},
};

/// Height of a row, in pixels.
const ROW: f64 = 32.0;
/// Height above the first row, in pixels.
const TOP: f64 = 42.0;
/// Height of the heading of a data set, in pixels.
const HEADING: f64 = 24.0;
/// Height below the last row, in pixels.
const BELOW: f64 = 46.0;
/// Maximum fraction of the width for the names.
const NAME_SHARE: f64 = 0.44;

/// Marks with their texts in the legend.
const TEST: (Mark, &str) = (Mark::Dot, "test accuracy, 95 % interval");
const HELD_OUT: (Mark, &str) = (Mark::Bar, "held-out accuracy (no test images), 95 % interval");
const SEEDS: (Mark, &str) = (Mark::Ring, "mean over seeds, ± standard deviation");
const REPORTED: (Mark, &str) = (Mark::Diamond, "reported elsewhere");

/// Draws the accuracy of each model with its interval, and accuracies reported elsewhere; rows in the given order.
pub(in crate::report) fn leaderboard(rows: &[LeaderboardEntry], theme: Theme, width: f64) -> String {
    // Several data sets have a heading each; `tops` are those of the rows.
    let is_apart = rows.iter().any(|row| row.data_sha256 != rows[0].data_sha256);
    let mut tops = Vec::with_capacity(rows.len());
    let mut bottom = TOP;
    for (index, row) in rows.iter().enumerate() {
        if is_apart && (index == 0 || rows[index - 1].data_sha256 != row.data_sha256) {
            bottom += HEADING;
        }
        tops.push(bottom);
        bottom += ROW;
    }
    let mut canvas = Canvas::new(theme, width, bottom + BELOW);
    let name_width = |row: &LeaderboardEntry| text_width(&row.model, 13.5).max(text_width(&details(row), 10.5));
    let names = rows.iter().map(name_width).fold(56.0, f64::max).min(width * NAME_SHARE);
    let numbers = rows.iter().map(|row| text_width(&accuracy_text(row), 12.0)).fold(44.0, f64::max);
    let x = Scale::accuracy(
        rows.iter().flat_map(|row| [row.low, row.value, row.high].into_iter().chain(row.reported.iter().copied())),
    );
    let y = Scale::linear(0.0, 1.0);
    let axes = Axes { area: [names + 14.0, TOP, width - names - 14.0 - numbers - 14.0, bottom - TOP], x: &x, y: &y };
    axes.draw_x(&mut canvas, "accuracy, % (logarithmic in the error rate)", true);
    draw_legend(&mut canvas, rows);
    canvas.text((width, 18.0), "%", Style::new(Anchor::End).paint(Paint::Soft));

    let palette = Palette::new(rows.iter().map(|row| row.model.as_str()));
    for (index, row) in rows.iter().enumerate() {
        let middle = tops[index] + ROW / 2.0;
        let paint = palette.of(&row.model);
        let is_first = index == 0 || rows[index - 1].data_sha256 != row.data_sha256;
        if is_apart && is_first {
            let heading = shortened(&row.data, 12.0, width);
            canvas.text((0.0, tops[index] - 7.0), &heading, Style::new(Anchor::Start).size(12.0).bold());
            canvas.line([0.0, tops[index], width, tops[index]], Stroke::new(Paint::Soft, 1.0));
        } else if index > 0 {
            canvas.line([0.0, middle - ROW / 2.0, width, middle - ROW / 2.0], Stroke::new(Paint::Grid, 1.0));
        }
        let bold = Style::new(Anchor::Start).size(12.0).paint(paint).bold();
        canvas.text((0.0, middle - 1.5), &shortened(&row.model, 13.5, names + 1.0), bold);
        let small = Style::new(Anchor::Start).size(10.0).paint(Paint::Soft);
        canvas.text((0.0, middle + 11.0), &shortened(&details(row), 10.5, names + 1.0), small);
        let at = |accuracy: f64| axes.at(accuracy, 0.0).0;
        canvas.line([at(row.low), middle, at(row.high), middle], Stroke::new(paint, 1.75));
        for end in [row.low, row.high] {
            canvas.line([at(end), middle - 3.5, at(end), middle + 3.5], Stroke::new(paint, 1.75));
        }
        for &accuracy in &row.reported {
            draw_mark(&mut canvas, (at(accuracy), middle), REPORTED.0, Paint::Soft);
        }
        draw_mark(&mut canvas, (at(row.value), middle), mark(row).0, paint);
        canvas.text((width, middle + 4.0), &accuracy_text(row), Style::new(Anchor::End).size(12.0));
    }
    canvas.finish("Accuracy of every model", &rows.iter().map(describe).collect::<Vec<_>>().join(" "))
}

/// Run, parameters, training time and protocol in one line.
fn details(row: &LeaderboardEntry) -> String {
    let parameters = row.parameters.map(|count| format!("{} parameters", format::count(count)));
    let seconds = row.seconds.map(|seconds| format!("{} s", format::count(seconds.round() as u64)));
    [Some(row.run.clone()), parameters, seconds, Some(row.protocol.clone())]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}

fn mark(row: &LeaderboardEntry) -> (Mark, &'static str) {
    match row.seeds {
        _ if row.is_held_out => HELD_OUT,
        0 | 1 => TEST,
        _ => SEEDS,
    }
}

/// Draws the legend of the marks that occur.
fn draw_legend(canvas: &mut Canvas, rows: &[LeaderboardEntry]) {
    let mut left = 0.0;
    for entry in [TEST, HELD_OUT, SEEDS, REPORTED] {
        let is_there = if entry == REPORTED {
            rows.iter().any(|row| !row.reported.is_empty())
        } else {
            rows.iter().any(|row| mark(row) == entry)
        };
        if is_there {
            draw_mark(canvas, (left + 6.0, 14.0), entry.0, if entry == REPORTED { Paint::Soft } else { Paint::Ink });
            canvas.text((left + 17.0, 18.0), entry.1, Style::new(Anchor::Start));
            left += text_width(entry.1, 11.0) + 36.0;
        }
    }
}

/// Number at the end of a row.
fn accuracy_text(row: &LeaderboardEntry) -> String {
    let value = format::percent(row.value);
    if row.seeds > 1 { format!("{value} ± {}", format::percent((row.high - row.low) / 2.0)) } else { value }
}

fn describe(row: &LeaderboardEntry) -> String {
    let reported: String =
        row.reported.iter().map(|accuracy| format!(", reported {} %", format::percent(*accuracy))).collect();
    let held_out = if row.is_held_out { " of the held-out digits" } else { "" };
    format!("{} ({}): {} %{held_out}{reported}.", row.model, details(row), accuracy_text(row))
}
