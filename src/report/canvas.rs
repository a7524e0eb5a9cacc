//! Writes SVG: shapes and texts in drawing order.

use std::fmt::{Display, Write};

use super::theme::{Paint, Theme};
use crate::data::{PIXELS, SIDE};

/// Font families of a figure in a file of its own.
const FONTS: &str = "Helvetica, Arial, 'DejaVu Sans', sans-serif";
/// White margin around such a figure, in pixels.
const MARGIN: f64 = 10.0;
/// Number of grey levels in which a digit is drawn.
const LEVELS: u8 = 12;

/// Horizontal anchor of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Style of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) size: f64,
    pub(super) anchor: Anchor,
    pub(super) paint: Paint,
    pub(super) bold: bool,
}

impl Style {
    /// Regular text, 11 pixels high, in ink.
    pub(super) fn new(anchor: Anchor) -> Self {
        Self { size: 11.0, anchor, paint: Paint::Ink, bold: false }
    }

    pub(super) fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    pub(super) fn paint(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

/// Style of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) paint: Paint,
    pub(super) width: f64,
    pub(super) dashed: bool,
    pub(super) opacity: f64,
}

impl Stroke {
    pub(super) fn new(paint: Paint, width: f64) -> Self {
        Self { paint, width, dashed: false, opacity: 1.0 }
    }

    pub(super) fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    pub(super) fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// An SVG image being drawn. Lengths are in CSS pixels at the figure's natural size.
pub(super) struct Canvas {
    theme: Theme,
    width: f64,
    height: f64,
    body: String,
}

/// A number written with at most two decimals.
struct N(f64);

impl Display for N {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:.2}", if self.0.is_finite() { self.0 } else { 0.0 });
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// Escapes the special characters of XML and replaces those that XML cannot hold.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Estimated width of a text, in pixels: slightly above the mean advance widths of Helvetica.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let advance = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ' ' | '·' | '-' | '(' | ')' => 0.34,
        'm' | 'w' | 'M' | 'W' | '%' => 0.88,
        _ => 0.58,
    };
    text.chars().map(advance).sum::<f64>() * size
}

/// Shortens a text to at most `width` pixels, with an ellipsis.
pub(super) fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut chars: Vec<char> = text.chars().collect();
    while chars.pop().is_some() {
        let short: String = chars.iter().chain(['…'].iter()).collect();
        if text_width(&short, size) <= width {
            return short;
        }
    }
    String::new()
}

impl Canvas {
    pub(super) fn new(theme: Theme, width: f64, height: f64) -> Self {
        let mut canvas = Self { theme, width, height, body: String::new() };
        if theme == Theme::Paper {
            canvas.rect([-MARGIN, -MARGIN, width + 2.0 * MARGIN, height + 2.0 * MARGIN], Paint::Surface, 1.0);
        }
        canvas
    }

    pub(super) fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], stroke: Stroke) {
        let stroke = self.stroke(stroke);
        self.push(format_args!(r#"<line x1="{}" y1="{}" x2="{}" y2="{}"{stroke}/>"#, N(x1), N(y1), N(x2), N(y2)));
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let (points, stroke) = (join(points), self.stroke(stroke));
        self.push(format_args!(
            r#"<polyline points="{points}" fill="none" stroke-linejoin="round" stroke-linecap="round"{stroke}/>"#
        ));
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], fill: Paint, opacity: f64) {
        let (points, fill) = (join(points), fill.css(self.theme));
        self.push(format_args!(r#"<polygon points="{points}" fill="{fill}" fill-opacity="{}"/>"#, N(opacity)));
    }

    /// Fills the region inside closed outlines by the even-odd rule.
    pub(super) fn region(&mut self, outlines: &[Vec<(f64, f64)>], fill: Paint, opacity: f64) {
        let outline = |points: &Vec<(f64, f64)>| {
            let mut path = String::new();
            for (index, &(x, y)) in points.iter().enumerate() {
                let _ = write!(path, "{}{} {}", if index == 0 { 'M' } else { 'L' }, N(x), N(y));
            }
            path + "Z"
        };
        let (path, fill) = (outlines.iter().map(outline).collect::<String>(), fill.css(self.theme));
        self.push(format_args!(
            r#"<path d="{path}" fill="{fill}" fill-opacity="{}" fill-rule="evenodd"/>"#,
            N(opacity)
        ));
    }

    pub(super) fn rect(&mut self, [x, y, width, height]: [f64; 4], fill: Paint, opacity: f64) {
        let fill = fill.css(self.theme);
        self.push(format_args!(
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{fill}" fill-opacity="{}"/>"#,
            N(x),
            N(y),
            N(width.max(0.0)),
            N(height.max(0.0)),
            N(opacity)
        ));
    }

    pub(super) fn frame(&mut self, [x, y, width, height]: [f64; 4], stroke: Stroke) {
        let stroke = self.stroke(stroke);
        self.push(format_args!(
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="none"{stroke}/>"#,
            N(x),
            N(y),
            N(width),
            N(height)
        ));
    }

    /// Draws a disc with an outline, or a ring filled with the background.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, paint: Paint, filled: bool) {
        let fill = if filled { paint } else { Paint::Surface }.css(self.theme);
        let stroke = self.stroke(Stroke::new(paint, 1.5));
        self.push(format_args!(r#"<circle cx="{}" cy="{}" r="{}" fill="{fill}"{stroke}/>"#, N(x), N(y), N(radius)));
    }

    /// Draws a disc without an outline.
    pub(super) fn disc(&mut self, (x, y): (f64, f64), radius: f64, paint: Paint, opacity: f64) {
        let fill = paint.css(self.theme);
        let opacity = N(opacity);
        self.push(format_args!(
            r#"<circle cx="{}" cy="{}" r="{}" fill="{fill}" fill-opacity="{opacity}"/>"#,
            N(x),
            N(y),
            N(radius)
        ));
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), text: &str, style: Style) {
        self.write_text(x, y, text, style, "");
    }

    /// Draws text rotated by 90° counter-clockwise.
    pub(super) fn text_upwards(&mut self, (x, y): (f64, f64), text: &str, style: Style) {
        let rotate = format!(r#" transform="rotate(-90 {} {})""#, N(x), N(y));
        self.write_text(x, y, text, style, &rotate);
    }

    fn write_text(&mut self, x: f64, y: f64, text: &str, style: Style, extra: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let weight = if style.bold { r#" font-weight="600""# } else { "" };
        let (fill, text) = (style.paint.css(self.theme), escape(text));
        self.push(format_args!(
            r#"<text x="{}" y="{}" font-size="{}" fill="{fill}"{anchor}{weight}{extra}>{text}</text>"#,
            N(x),
            N(y),
            N(style.size)
        ));
    }

    /// Draws a digit in ink on the background, with its top left corner at `(x, y)`, `size` pixels wide and high.
    pub(super) fn digit(&mut self, (x, y): (f64, f64), size: f64, image: &[u8; PIXELS]) {
        let paths = digit_paths(image, &Paint::Ink.css(self.theme));
        let scale = size / SIDE as f64;
        let _ = write!(
            self.body,
            r#"<g transform="translate({} {}) scale({scale:.4})" shape-rendering="crispEdges">{paths}</g>"#,
            N(x),
            N(y)
        );
    }

    /// Draws a square matrix of numbers from −1 to 1, row-major, with its top left corner at `(x, y)`, `size` pixels
    /// wide and high: positive numbers in one colour, negative ones in another, paler towards zero.
    pub(super) fn square(&mut self, (x, y): (f64, f64), size: f64, values: &[f32], [positive, negative]: [Paint; 2]) {
        let side = values.len().isqrt().max(1);
        let scale = size / side as f64;
        let shares = |sign: f32| values.iter().map(move |value| (value * sign).clamp(0.0, 1.0));
        let level = |share: f32| (share * f32::from(LEVELS)).round() as usize;
        let paths: String = [(1.0, positive), (-1.0, negative)]
            .map(|(sign, paint)| {
                level_paths(&shares(sign).map(level).collect::<Vec<_>>(), side, &paint.css(self.theme))
            })
            .concat();
        let _ = write!(
            self.body,
            r#"<g transform="translate({} {}) scale({scale:.4})" shape-rendering="crispEdges">{paths}</g>"#,
            N(x),
            N(y)
        );
    }

    /// Returns the SVG element; screen readers read `title` and then `description`.
    pub(super) fn finish(self, title: &str, description: &str) -> String {
        let margin = if self.theme == Theme::Paper { MARGIN } else { 0.0 };
        let (width, height) = (N(self.width + 2.0 * margin), N(self.height + 2.0 * margin));
        let corner = N(-margin);
        let (title, description) = (escape(title), escape(description));
        let own = match self.theme {
            Theme::Page => format!(r#"aria-label="{title}""#),
            Theme::Paper => format!(r#"xmlns="http://www.w3.org/2000/svg" font-family="{FONTS}""#),
        };
        let head = format!(
            r#"<svg viewBox="{corner} {corner} {width} {height}" width="{width}" height="{height}" role="img" {own}>"#
        );
        format!("{head}<title>{title}</title><desc>{description}</desc>{}</svg>", self.body)
    }

    fn stroke(&self, stroke: Stroke) -> String {
        let dash = if stroke.dashed { r#" stroke-dasharray="4 3""# } else { "" };
        let opacity =
            if stroke.opacity < 1.0 { format!(r#" stroke-opacity="{}""#, N(stroke.opacity)) } else { String::new() };
        format!(r#" stroke="{}" stroke-width="{}"{dash}{opacity}"#, stroke.paint.css(self.theme), N(stroke.width))
    }

    fn push(&mut self, shape: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(shape);
    }
}

fn join(points: &[(f64, f64)]) -> String {
    points.iter().map(|&(x, y)| format!("{},{}", N(x), N(y))).collect::<Vec<_>>().join(" ")
}

/// SVG paths of a digit in a 28 × 28 box: runs of equal grey, one path for each level. Unlike an embedded picture,
/// paths follow the page's ink colour in light and dark mode; a digit takes about two kilobytes.
pub(super) fn digit_paths(image: &[u8; PIXELS], fill: &str) -> String {
    level_paths(&image.map(|ink| ((u16::from(ink) * u16::from(LEVELS) + 127) / 255).into()), SIDE, fill)
}

/// SVG paths of rows of levels from 0 to [`LEVELS`]: runs of equal level, one path for each level above 0.
fn level_paths(levels: &[usize], side: usize, fill: &str) -> String {
    let mut paths = vec![String::new(); usize::from(LEVELS) + 1];
    for (y, row) in levels.chunks(side).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            let _ = write!(paths[run[0]], "M{x} {y}h{}v1h-{}z", run.len(), run.len());
            x += run.len();
        }
    }
    let path = |(level, path): (usize, &String)| {
        format!(r#"<path fill="{fill}" fill-opacity="{}" d="{path}"/>"#, N(level as f64 / f64::from(LEVELS)))
    };
    paths.iter().enumerate().skip(1).filter(|(_, path)| !path.is_empty()).map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_at_most_two_decimals() {
        assert_eq!(
            [0.0, -0.001, 2.0, 1.256, 100.0, f64::NAN].map(|x| N(x).to_string()),
            ["0", "0", "2", "1.26", "100", "0"]
        );
    }

    #[test]
    fn digits_become_runs_of_equal_grey() {
        let mut image = [0; PIXELS];
        image[SIDE + 2..SIDE + 5].fill(255);
        image[SIDE + 5] = 128;
        let paths = digit_paths(&image, "#000");
        assert_eq!(
            paths,
            r##"<path fill="#000" fill-opacity="0.5" d="M5 1h1v1h-1z"/><path fill="#000" fill-opacity="1" d="M2 1h3v1h-3z"/>"##
        );
    }

    #[test]
    fn long_texts_are_shortened_to_the_width() {
        assert_eq!(shortened("cnn", 12.0, 60.0), "cnn");
        let short = shortened("a-very-long-name-of-a-model", 12.0, 60.0);
        assert!(short.starts_with("a-very") && short.ends_with('…') && text_width(&short, 12.0) <= 60.0, "{short}");
        assert_eq!(shortened("wide", 12.0, 1.0), "");
    }

    #[test]
    fn special_characters_are_escaped() {
        assert_eq!(escape("<b a='1'>&\u{1}\""), "&lt;b a=&#39;1&#39;&gt;&amp;\u{fffd}&quot;");
    }
}
