//! Hyperparameter search: stages as data, samplers, the study log.
//!
//! A [`Study`] is a chain of [`Stage`]s. Each searches a few settings of one learner, scores every trial on validation
//! images that are cut from the training digits, and selects the settings that later stages start from; a `stack` stage
//! chooses the meta-model on the members' out-of-fold predictions. No test image is read.
//!
//! ```text
//! StageConfig → Stage (checked) → Sampler ⇄ Evaluator → fits on splits → Trial → StudyLog
//!                                                          ↓
//!                                   selected candidate → the next stage's settings → … → SelectedSettings
//! ```
//!
//! Guarantees for every study:
//! - The result depends on the configuration, the seed and the digits, not on the number of workers or on interruptions
//!   (unless a stage has a time limit). A trial's seed comes from the study, the stage and its parameters, and a trial
//!   is compared with trials of earlier batches alone.
//! - Each trial that ends is in the log, flushed to the disk, before the next one of its worker starts (under
//!   successive halving, those that are not promoted when their rung ends). A killed search repeats no recorded trial;
//!   the net that was being fitted continues after its last epoch.
//! - A trial that diverges, panics or is refused by the device is recorded as failed, and the search continues. (A
//!   process that the system kills for want of memory records nothing.)
//! - Only trials that this program wrote and that pass the log's checksum count.
//!
//! The module knows the [`Learner`](crate::learners::Learner) trait, not any model.

mod context;
mod curve;
mod ensemble;
mod error;
mod evaluator;
pub mod log;
mod outcome;
mod parameter;
mod sampler;
mod selection;
mod space;
mod split_fit;
mod splits;
mod stage;
mod study;
mod summary;
mod trial;

pub use context::StudyContext;
pub use error::TuningError;
pub use outcome::{ParameterOutcome, PlotKind, Score, StageOutcome, StudyOutcome, TrialOutcome, TrialState};
pub use parameter::{IntegerRange, Parameter, RealRange};
pub use sampler::{Objective, Sampler, SamplerConfig, Stop};
pub use space::{Candidate, Space};
pub use splits::SplitsConfig;
pub use stage::{Budget, Halving, Pruning, Resource, STACK, SelectionRule, Stage, StageConfig};
pub use study::{FINISHED, SELECTED, SelectedSettings, Study};
pub use summary::describe;
