//! The figures of a report: one function each, from values to SVG text, for the page or for a file of its own.

mod axes;
mod calibration;
mod confusion;
mod curves;
mod leaderboard;
mod marks;
mod pictures;
mod risk;
mod run_leaderboard;
mod stages;
mod study;

pub(super) use calibration::calibration;
pub(super) use confusion::confusion;
pub(super) use curves::{LearningCurve, Metric, curves};
pub(super) use leaderboard::leaderboard;
pub(super) use pictures::{examples, filters, filters_shown, mistakes};
pub(super) use risk::risk_coverage;
pub(super) use run_leaderboard::run_leaderboard;
pub(super) use stages::stages;
pub(super) use study::{Plot, score_by_step, score_by_trial};
