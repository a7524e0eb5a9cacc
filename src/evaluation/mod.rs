//! Evaluation of classifiers: scores with confidence intervals, paired comparison, and the only access to the test set.
//!
//! On 10,000 images, accuracies of 98.6 % and 98.8 % cannot be told apart. An accuracy therefore always comes with its
//! interval ([`Proportion`]), and two classifiers are compared on the *same* images ([`compare`]), which detects
//! differences that two separate intervals cannot.
//!
//! Every function takes probabilities `[n, 10]` and labels `[n]`, wherever they come from. The test images are the
//! exception: they stay behind a [`TestSet`], which reads them only in exchange for a proof of finished training.

mod compare;
mod doubts;
mod error;
mod interval;
mod mistakes;
mod risk;
mod rows;
mod score;
mod scores;
mod test_set;

pub use compare::{Comparison, Difference, compare};
pub use doubts::{Doubt, doubts, estimated_label_errors};
pub use error::EvaluationError;
pub use mistakes::{Mistake, mistakes};
pub use risk::{RiskCoverage, RiskPoint, TARGET_RISK, confidence_text};
pub use rows::{Ranking, check_rows, rank, top_class};
pub use score::{RELIABILITY_BINS, score};
pub use scores::{ClassScores, ModelKind, ModelScores, Proportion, ReliabilityBin, Scores};
pub use test_set::{FinishedTraining, OpenedTestSet, TestOpening, TestSet};
