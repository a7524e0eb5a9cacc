//! Wall time of the stages of a run.

use crate::report::{
    canvas::{Anchor, Canvas, Style, shortened, text_width},
    format,
    input::StageTime,
    theme::{Paint, Theme},
};

/// Height of a row, in pixels.
const ROW: f64 = 34.0;

/// Draws a bar for each stage, with its time and throughput.
pub(in crate::report) fn stages(stages: &[StageTime], theme: Theme, width: f64) -> String {
    let mut canvas = Canvas::new(theme, width, ROW * stages.len() as f64);
    let longest = stages.iter().map(|stage| stage.seconds).fold(1e-9, f64::max);
    for (index, stage) in stages.iter().enumerate() {
        let top = ROW * index as f64;
        let details = details(stage);
        let name = shortened(&stage.name, 11.0, width - text_width(&details, 11.0) - 12.0);
        canvas.text((0.0, top + 13.0), &name, Style::new(Anchor::Start));
        canvas.text((width, top + 13.0), &details, Style::new(Anchor::End).paint(Paint::Soft));
        canvas.rect([0.0, top + 19.0, width, 6.0], Paint::Grid, 0.6);
        canvas.rect([0.0, top + 19.0, (width * stage.seconds / longest).max(1.0), 6.0], Paint::Soft, 1.0);
    }
    let words = stages.iter().map(|stage| format!("{}: {}", stage.name, details(stage)));
    canvas.finish("Time by stage", &format!("{}.", words.collect::<Vec<_>>().join("; ")))
}

/// Time and throughput of a stage in words.
fn details(stage: &StageTime) -> String {
    let rate = stage.images.and_then(|images| format::rate(images, stage.seconds));
    [Some(format::duration(stage.seconds)), rate].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
