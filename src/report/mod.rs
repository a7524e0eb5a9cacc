//! The report of a run or of a search: one page that anybody can open, and every figure as a file of its own.
//!
//! ```text
//! ReportInput ── render ──▶ index.html, leaderboard.svg, accuracy-cnn.svg … (and PNG) ── Report::write ──▶ <run>/report/
//! StudyOutcome ── render_study ──▶ index.html, score-cnn-filters.svg, progress-cnn-filters.svg … ── Report::write ──▶ <study>/report/
//! ```
//!
//! Why this design: a report is read years after the run, on a phone, in print, by people who cannot tell red from
//! green. So the page is one file that loads nothing; its figures are inline SVG that take the page's own colours and
//! so follow the reader's light or dark mode; and the same functions draw each figure a second time in plain colours on
//! white, for papers. Figures are written as SVG directly: a plot is a few lines and labels, and what makes it good,
//! direct labels, few marks, an axis that fits the data, is not what a plotting library decides. Accuracies are spaced
//! by the logarithm of the error, as 99.5 % is twice as good as 99 %.
//!
//! [`draw_standings`] draws a figure that belongs to no run: models of many runs on one axis.
//!
//! Rendering is pure: equal inputs give equal bytes. Models are ranked by their out-of-fold accuracy, never by the test
//! set.

mod canvas;
mod error;
mod figures;
mod film;
mod format;
mod gallery;
mod input;
mod page;
mod raster;
mod render;
mod scale;
mod sheet;
mod standings;
mod studio;
mod study;
mod theme;

pub use error::ReportError;
pub use gallery::{Figure, Section, byline, colour_variables, gallery};
pub use input::{
    DataSummary, Example, Film, Filters, MemberHistories, MemberOpinion, Mistake, ReportInput, StageTime, Standing,
};
pub use render::{Report, ReportFile, ReportOptions, render};
pub use sheet::sheet;
pub use standings::draw_standings;
pub use study::render_study;
