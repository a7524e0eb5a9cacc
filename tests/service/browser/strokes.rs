//! Drawings of digits, as strokes for the drawing pad and as picture files.

use std::{
    f64::consts::TAU,
    path::{Path, PathBuf},
};

use image::{GrayImage, Luma};

/// Points on the pad, in the order of drawing.
pub type Stroke = Vec<(f64, f64)>;

/// Side length of the pad.
pub const SIDE: f64 = 280.0;

/// Straight lines through corners.
pub fn line(corners: &[(f64, f64)]) -> Stroke {
    let mut stroke = vec![corners[0]];
    for pair in corners.windows(2) {
        let ((x, y), (dx, dy)) = (pair[0], (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1));
        let steps = (dx.hypot(dy) / 14.0).ceil();
        stroke.extend((1..=steps as usize).map(|step| (x + dx * step as f64 / steps, y + dy * step as f64 / steps)));
    }
    stroke
}

/// Arc of an ellipse. Angles are fractions of a turn, clockwise from the right.
fn arc((x, y): (f64, f64), (wide, high): (f64, f64), from: f64, to: f64) -> Stroke {
    let steps = ((to - from).abs() * 24.0).ceil() as usize;
    let angles = (0..=steps).map(|step| TAU * (from + (to - from) * step as f64 / steps as f64));
    angles.map(|angle| (x + wide * angle.cos(), y + high * angle.sin())).collect()
}

fn joined(parts: impl IntoIterator<Item = Stroke>) -> Stroke {
    line(&parts.into_iter().flatten().collect::<Stroke>())
}

/// A digit as people write it.
pub fn digit(digit: u8) -> Vec<Stroke> {
    match digit {
        0 => vec![arc((140.0, 140.0), (55.0, 82.0), -0.25, 0.77)],
        1 => vec![line(&[(150.0, 50.0), (134.0, 230.0)])],
        2 => vec![joined([arc((138.0, 105.0), (48.0, 48.0), -0.45, 0.09), line(&[(88.0, 222.0), (202.0, 222.0)])])],
        3 => {
            vec![joined([arc((130.0, 98.0), (48.0, 42.0), -0.4, 0.23), arc((132.0, 184.0), (54.0, 46.0), -0.23, 0.4)])]
        }
        4 => vec![line(&[(172.0, 62.0), (166.0, 232.0)]), line(&[(112.0, 58.0), (84.0, 150.0), (208.0, 146.0)])],
        7 => vec![line(&[(84.0, 62.0), (198.0, 62.0), (124.0, 230.0)])],
        _ => unreachable!("{digit} is not among the digits that are drawn"),
    }
}

/// A drawing scaled about the upper left corner, then moved.
pub fn placed(drawing: &[Stroke], scale: f64, (dx, dy): (f64, f64)) -> Vec<Stroke> {
    drawing.iter().map(|stroke| stroke.iter().map(|(x, y)| (x * scale + dx, y * scale + dy)).collect()).collect()
}

/// Scribble across the whole pad.
pub const SCRIBBLE: [(f64, f64); 16] = [
    (30.0, 40.0),
    (250.0, 60.0),
    (40.0, 90.0),
    (240.0, 120.0),
    (30.0, 150.0),
    (250.0, 180.0),
    (40.0, 210.0),
    (250.0, 240.0),
    (60.0, 250.0),
    (90.0, 30.0),
    (130.0, 250.0),
    (160.0, 30.0),
    (190.0, 250.0),
    (220.0, 30.0),
    (250.0, 250.0),
    (20.0, 20.0),
];

/// Writes a picture file of a digit in dark ink on light paper.
pub fn paper(folder: &Path, label: u8) -> PathBuf {
    let (scale, drawing) = (1.6, digit(label));
    let picture = GrayImage::from_fn(480, 520, |x, y| {
        let point = (f64::from(x) / scale, (f64::from(y) - 30.0) / scale);
        let inked =
            drawing.iter().flat_map(|stroke| stroke.windows(2)).any(|ends| distance(point, ends[0], ends[1]) < 9.0);
        let paper = 236 - (x / 16) as u8;
        Luma([if inked { 45 } else { paper }])
    });
    let file = folder.join(format!("{label}.png"));
    picture.save(&file).unwrap();
    file
}

/// Distance of a point from the straight line between two ends.
fn distance((x, y): (f64, f64), (from_x, from_y): (f64, f64), (to_x, to_y): (f64, f64)) -> f64 {
    let (dx, dy) = (to_x - from_x, to_y - from_y);
    let along = (((x - from_x) * dx + (y - from_y) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (from_x + along * dx - x).hypot(from_y + along * dy - y)
}
