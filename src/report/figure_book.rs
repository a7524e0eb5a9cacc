//! Collects the figures of a page: numbers them and keeps each as a file of its own.

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};

use super::{
    canvas::escape,
    error::ReportError,
    files::{PAGE, Report, ReportFile, ReportOptions},
    page::PageFigure,
    raster,
    theme::Theme,
};

/// Natural width of a figure that spans the page, in pixels.
const WIDE: f64 = 820.0;
/// Natural width of a figure that takes half of the page, or all of a phone's screen, in pixels.
const HALF: f64 = 380.0;

/// The figures of one page, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct FigureBook {
    /// File name without `.svg`, and the SVG text.
    figures: Vec<(String, String)>,
    animations: Vec<ReportFile>,
    /// Number of figures that the page shows.
    numbered: usize,
}

impl FigureBook {
    /// Adds a figure that spans the page; it is drawn a second time for narrow screens.
    pub(super) fn wide(&mut self, stem: &str, caption: String, draw: impl Fn(Theme, f64) -> String) -> PageFigure {
        self.add(stem, caption, WIDE, Some(draw(Theme::Page, HALF)), draw)
    }

    /// Adds a figure that takes half the width of the page.
    pub(super) fn half(&mut self, stem: &str, caption: String, draw: impl Fn(Theme, f64) -> String) -> PageFigure {
        self.add(stem, caption, HALF, None, draw)
    }

    fn add(
        &mut self,
        stem: &str,
        caption: String,
        width: f64,
        narrow: Option<String>,
        draw: impl Fn(Theme, f64) -> String,
    ) -> PageFigure {
        // Two names can become the same file name; the later ones get a number.
        let taken = |id: &String| self.figures.iter().any(|(taken, _)| taken == id);
        let id = (1..)
            .map(|count| if count == 1 { stem.to_owned() } else { format!("{stem}-{count}") })
            .find(|id| !taken(id))
            .unwrap_or_default();
        self.figures.push((id.clone(), draw(Theme::Paper, width)));
        self.numbered += 1;
        PageFigure { id, number: self.numbered, caption, svg: draw(Theme::Page, width), narrow, extension: "svg" }
    }

    /// Adds an animated GIF that takes half the width of the page.
    pub(super) fn animation(&mut self, stem: &str, caption: String, gif: Vec<u8>) -> PageFigure {
        self.numbered += 1;
        let picture =
            format!("<img src=\"data:image/gif;base64,{}\" alt=\"{}\"/>", STANDARD.encode(&gif), escape(&caption));
        self.animations.push(ReportFile { name: format!("{stem}.gif"), bytes: gif });
        PageFigure { id: stem.to_owned(), number: self.numbered, caption, svg: picture, narrow: None, extension: "gif" }
    }

    /// Adds a figure as a file only, for content that the page shows in another form.
    pub(super) fn file_only(&mut self, stem: &str, draw: impl Fn(Theme, f64) -> String) {
        self.figures.push((stem.to_owned(), draw(Theme::Paper, WIDE)));
    }

    /// Returns the report: the page, then its figures in their order.
    pub(super) fn finish(self, page: String, options: &ReportOptions) -> Result<Report, ReportError> {
        let mut files = vec![ReportFile { name: PAGE.to_owned(), bytes: page.into_bytes() }];
        for (stem, svg) in self.figures {
            if options.png {
                files.push(ReportFile { bytes: raster::png(&svg, &stem)?, name: format!("{stem}.png") });
            }
            files.push(ReportFile { name: format!("{stem}.svg"), bytes: svg.into_bytes() });
        }
        files.extend(self.animations);
        Ok(Report { files })
    }
}

/// Converts a name to a part of a file name: lower-case letters, digits and `-`.
pub(super) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
