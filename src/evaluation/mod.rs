//! How good a classifier is, with intervals, and the only function that reads the test set.
//!
//! A figure without its uncertainty invites over-reading: on 10,000 images, 98.6 % and 98.8 % are one result. So an
//! accuracy never travels without its interval ([`Proportion`]), and whether one classifier beats another is asked of
//! both on the *same* images ([`compare`]), which sees differences that two separate intervals cannot.
//!
//! Every function takes plain probabilities and labels. Where they come from is the caller's business, with one
//! exception: the test images stay behind a [`TestSet`], which wants the token of finished training before it reads
//! them.

mod compare;
mod error;
mod interval;
mod mistakes;
mod rows;
mod score;
mod scores;
mod test_set;

pub use compare::{Comparison, Difference, compare};
pub use error::EvaluationError;
pub use mistakes::{Mistake, mistakes};
pub use rows::{Ranking, check_rows, rank, top_class};
pub use score::{RELIABILITY_BINS, score};
pub use scores::{ClassScores, ModelKind, ModelScores, Proportion, ReliabilityBin, Scores};
pub use test_set::{FinishedTraining, OpenedTestSet, TestOpening, TestSet};
