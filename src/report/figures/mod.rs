//! The figures, one function each: from figures to SVG text, for the page or for a file of its own.

mod axes;
mod calibration;
mod confusion;
mod curves;
mod leaderboard;
mod pictures;
mod stages;

pub(super) use calibration::calibration;
pub(super) use confusion::confusion;
pub(super) use curves::{Course, Metric, curves};
pub(super) use leaderboard::leaderboard;
pub(super) use pictures::{MAX_FILTERS, examples, filters, mistakes};
pub(super) use stages::stages;
