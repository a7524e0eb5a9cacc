//! Models of many runs on one axis.

use super::{
    axes::Axes,
    marks::{Mark, draw_mark},
};
use crate::report::{
    canvas::{Anchor, Canvas, Stroke, Style, shortened, text_width},
    format,
    input::Standing,
    scale::Scale,
    theme::{Paint, Palette, Theme},
};

/// Height of a row, in pixels.
const ROW: f64 = 32.0;
/// Above the first row.
const TOP: f64 = 42.0;
/// Below the last row.
const BELOW: f64 = 46.0;
/// Most of the width that names take.
const NAMES: f64 = 0.44;

/// Marks and what they say.
const TEST: (Mark, &str) = (Mark::Dot, "test, with its 95 % interval");
const HELD_OUT: (Mark, &str) = (Mark::Bar, "held out, no test images, with its 95 % interval");
const SEEDS: (Mark, &str) = (Mark::Ring, "mean over seeds, ± standard deviation");
const REPORTED: (Mark, &str) = (Mark::Diamond, "reported elsewhere");

/// Accuracy of each model with its interval, and what others report of such a model beside it; in the order given.
pub(in crate::report) fn standings(rows: &[Standing], theme: Theme, width: f64) -> String {
    let mut canvas = Canvas::new(theme, width, TOP + ROW * rows.len() as f64 + BELOW);
    let name_width = |row: &Standing| text_width(&row.model, 13.5).max(text_width(&small_print(row), 10.5));
    let names = rows.iter().map(name_width).fold(56.0, f64::max).min(width * NAMES);
    let figures = rows.iter().map(|row| text_width(&figure(row), 12.0)).fold(44.0, f64::max);
    let x = Scale::accuracy(
        rows.iter().flat_map(|row| [row.low, row.value, row.high].into_iter().chain(row.reported.iter().copied())),
    );
    let y = Scale::linear(0.0, 1.0);
    let axes = Axes {
        area: [names + 14.0, TOP, width - names - 14.0 - figures - 14.0, ROW * rows.len() as f64],
        x: &x,
        y: &y,
    };
    axes.draw_x(&mut canvas, "accuracy, % (spaced by the logarithm of the error)", true);
    draw_legend(&mut canvas, rows);
    canvas.text((width, 18.0), "%", Style::new(Anchor::End).paint(Paint::Soft));

    let palette = Palette::new(rows.iter().map(|row| row.model.as_str()));
    for (place, row) in rows.iter().enumerate() {
        let middle = TOP + ROW * (place as f64 + 0.5);
        let paint = palette.of(&row.model);
        if place > 0 {
            canvas.line([0.0, middle - ROW / 2.0, width, middle - ROW / 2.0], Stroke::new(Paint::Grid, 1.0));
        }
        let bold = Style::new(Anchor::Start).size(12.0).paint(paint).bold();
        canvas.text((0.0, middle - 1.5), &shortened(&row.model, 13.5, names + 1.0), bold);
        let small = Style::new(Anchor::Start).size(10.0).paint(Paint::Soft);
        canvas.text((0.0, middle + 11.0), &shortened(&small_print(row), 10.5, names + 1.0), small);
        let at = |accuracy: f64| axes.at(accuracy, 0.0).0;
        canvas.line([at(row.low), middle, at(row.high), middle], Stroke::new(paint, 1.75));
        for end in [row.low, row.high] {
            canvas.line([at(end), middle - 3.5, at(end), middle + 3.5], Stroke::new(paint, 1.75));
        }
        for &accuracy in &row.reported {
            draw_mark(&mut canvas, (at(accuracy), middle), REPORTED.0, Paint::Soft);
        }
        draw_mark(&mut canvas, (at(row.value), middle), mark(row).0, paint);
        canvas.text((width, middle + 4.0), &figure(row), Style::new(Anchor::End).size(12.0));
    }
    canvas.finish("Accuracy of every model", &rows.iter().map(describe).collect::<Vec<_>>().join(" "))
}

/// Where a model is from and what it took.
fn small_print(row: &Standing) -> String {
    let parameters = row.parameters.map(|count| format!("{} parameters", format::count(count)));
    let seconds = row.seconds.map(|seconds| format!("{} s", format::count(seconds.round() as u64)));
    [Some(row.run.clone()), parameters, seconds, Some(row.protocol.clone())]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}

fn mark(row: &Standing) -> (Mark, &'static str) {
    match row.seeds {
        _ if row.is_held_out => HELD_OUT,
        0 | 1 => TEST,
        _ => SEEDS,
    }
}

/// Only marks that are there.
fn draw_legend(canvas: &mut Canvas, rows: &[Standing]) {
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

/// What stands at the end of a row.
fn figure(row: &Standing) -> String {
    let value = format::percent(row.value);
    if row.seeds > 1 { format!("{value} ± {}", format::percent((row.high - row.low) / 2.0)) } else { value }
}

fn describe(row: &Standing) -> String {
    let reported: String =
        row.reported.iter().map(|accuracy| format!(", reported {} %", format::percent(*accuracy))).collect();
    let held_out = if row.is_held_out { " of the digits held out" } else { "" };
    format!("{} ({}): {} %{held_out}{reported}.", row.model, small_print(row), figure(row))
}
