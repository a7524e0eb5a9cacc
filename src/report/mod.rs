//! Reports: one self-contained HTML page for a run or a search, and each of its figures as a file of its own.
//!
//! ```text
//! ReportInput  ── render       ──▶ Report (index.html, leaderboard.svg …)       ── write ──▶ <run>/report/
//! StudyOutcome ── render_study ──▶ Report (index.html, score-cnn-filters.svg …) ── write ──▶ <study>/report/
//! ```
//!
//! Why this design: a report is read years after the run, on a phone, in print, and by people who cannot tell red from
//! green. The page is therefore one file that loads nothing; its figures are inline SVG whose colours are CSS
//! variables, so that they follow the reader's light or dark mode. The same functions draw each figure a second time in
//! fixed colours on white, for papers. SVG is written directly instead of through a plotting library, because direct
//! labels, axes fitted to the data and axes logarithmic in the error rate are what makes these figures readable. (99.5
//! % has half the errors of 99 %.)
//!
//! [`draw_leaderboard`] draws models of many runs on one axis, [`draw_risk_coverage`] one curve, and [`gallery`]
//! returns the figures of a run for the page of the HTTP service.
//!
//! Rendering is pure: equal inputs give equal bytes. Models are ranked by their out-of-fold accuracy, never by the test
//! set.
//!
//! Modules from the bottom up: `theme`, `scale` and `canvas` (colours, axes, SVG elements), `figures` (one
//! function a figure), `figure_book` (numbers the figures of a page and collects them as files), `run` and `study`
//! (the two pages).

mod canvas;
mod contact_sheet;
mod error;
mod figure_book;
mod figures;
mod files;
mod filter_history;
mod format;
mod gallery;
mod input;
mod leaderboard;
mod page;
mod raster;
mod risk;
mod run;
mod scale;
mod study;
mod theme;

pub use contact_sheet::contact_sheet;
pub use error::ReportError;
pub use files::{Report, ReportFile, ReportOptions};
pub use gallery::{Figure, Section, byline, colour_variables, gallery};
pub use input::{
    DataSummary, Example, LabelDoubt, LabelErrorSummary, LeaderboardEntry, MemberFilterHistory, MemberFilters,
    MemberHistories, MemberOpinion, Mistake, ReportInput, SourceRows, StageTime,
};
pub use leaderboard::draw_leaderboard;
pub use risk::draw_risk_coverage;
pub use run::render;
pub use study::render_study;
