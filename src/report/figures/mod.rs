//! The figures, one function each: from figures to SVG text, for the page or for a file of its own.

mod axes;
mod calibration;
mod confusion;
mod curves;
mod leaderboard;
mod marks;
mod pictures;
mod stages;
mod standings;
mod study;

pub(super) use calibration::calibration;
pub(super) use confusion::confusion;
pub(super) use curves::{Course, Metric, curves};
pub(super) use leaderboard::leaderboard;
pub(super) use pictures::{examples, filters, filters_shown, mistakes};
pub(super) use stages::stages;
pub(super) use standings::standings;
pub(super) use study::{Plot, score_by_step, score_by_trial};
