//! Parts that the page of a run and the page of a search have in common.

use super::theme;

/// A figure as it is embedded in a page.
pub(super) struct PageFigure {
    /// Name of its own file without the extension; also its anchor in the page.
    pub(super) id: String,
    /// Number in its caption, counted from 1.
    pub(super) number: usize,
    pub(super) caption: String,
    /// Inline SVG, or an `<img>` element for an animation.
    pub(super) svg: String,
    /// Second drawing for narrow screens, where scaling the first one down would make its text too small.
    pub(super) narrow: Option<String>,
    /// Extension of its own file.
    pub(super) extension: &'static str,
}

/// A headline figure: one large number with a label and a note.
pub(super) struct Stat {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) note: String,
}

/// Returns the style sheet and the accent colours for light and for dark mode.
pub(super) fn style() -> (&'static str, String, String) {
    (
        concat!(include_str!("colours.css"), include_str!("style.css")),
        theme::accent_variables(false),
        theme::accent_variables(true),
    )
}
