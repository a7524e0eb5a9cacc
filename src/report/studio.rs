//! Where the figures of a page are drawn, numbered, and kept for files of their own.

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};

use super::{
    ReportError,
    canvas::escape,
    page::Shown,
    raster,
    render::{PAGE, Report, ReportFile, ReportOptions},
    theme::Theme,
};

/// Natural width of a figure over the whole page, in pixels.
const WIDE: f64 = 820.0;
/// Natural width of a figure that stands beside another, or alone on a phone.
const HALF: f64 = 380.0;
/// Draws figures, numbers them, and keeps each for a file of its own.
#[derive(Debug, Default)]
pub(super) struct Studio {
    /// Name without `.svg`, and the SVG.
    figures: Vec<(String, String)>,
    animations: Vec<ReportFile>,
    /// Those that the page shows.
    shown: usize,
}

impl Studio {
    /// Over the whole page, and once more for phones.
    pub(super) fn wide(&mut self, stem: &str, caption: String, draw: impl Fn(Theme, f64) -> String) -> Shown {
        self.add(stem, caption, WIDE, Some(draw(Theme::Page, HALF)), draw)
    }

    /// Half as wide as the page.
    pub(super) fn half(&mut self, stem: &str, caption: String, draw: impl Fn(Theme, f64) -> String) -> Shown {
        self.add(stem, caption, HALF, None, draw)
    }

    fn add(
        &mut self,
        stem: &str,
        caption: String,
        width: f64,
        narrow: Option<String>,
        draw: impl Fn(Theme, f64) -> String,
    ) -> Shown {
        // Names that differ only in characters that no file name should have get numbers.
        let taken = |id: &String| self.figures.iter().any(|(taken, _)| taken == id);
        let id = (1..)
            .map(|count| if count == 1 { stem.to_owned() } else { format!("{stem}-{count}") })
            .find(|id| !taken(id))
            .unwrap_or_default();
        self.figures.push((id.clone(), draw(Theme::Paper, width)));
        self.shown += 1;
        Shown { id, number: self.shown, caption, svg: draw(Theme::Page, width), narrow, extension: "svg" }
    }

    /// An animated picture, half as wide as the page.
    pub(super) fn animation(&mut self, stem: &str, caption: String, gif: Vec<u8>) -> Shown {
        self.shown += 1;
        let picture =
            format!("<img src=\"data:image/gif;base64,{}\" alt=\"{}\"/>", STANDARD.encode(&gif), escape(&caption));
        self.animations.push(ReportFile { name: format!("{stem}.gif"), bytes: gif });
        Shown { id: stem.to_owned(), number: self.shown, caption, svg: picture, narrow: None, extension: "gif" }
    }

    /// Not in the page, where something else shows the same.
    pub(super) fn file_only(&mut self, stem: &str, draw: impl Fn(Theme, f64) -> String) {
        self.figures.push((stem.to_owned(), draw(Theme::Paper, WIDE)));
    }

    /// The page and the figures as files, in the order of the page.
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

/// A name as part of a file's name: lower-case letters, digits and `-`.
pub(super) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
