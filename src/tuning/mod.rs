//! The search for hyperparameters: stages as data, strategies, the study log.
//!
//! A [`Study`] is a chain of [`Stage`]s. Each searches a few settings of one learner, scores every trial on validation
//! images cut from the training digits, and hands its pick to the stages after it; a `stack` stage chooses the
//! meta-model on the picked members' out-of-fold predictions. Nothing here sees a test image.
//!
//! ```text
//! StageConfig → Stage (checked) → Strategy ⇄ Evaluator → fits on splits → Trial → StudyLog
//!                                                          ↓
//!                                                        pick → the next stage's settings → … → Picks
//! ```
//!
//! What holds for every study:
//! - The result depends on the configuration, the seed and the digits, not on the number of workers or on interruptions
//!   (unless a stage has a time limit). A trial's seed comes from the study, the stage and its parameters, and what one
//!   trial may learn from others it learns from earlier batches alone.
//! - Each trial that ends is in the log, flushed to the disk, before the next one of its worker starts (those that
//!   halving leaves behind, when their rung ends). A killed search repeats no finished trial; a net under way goes on
//!   from its last epoch.
//! - A trial that diverges, panics or is refused by the device is recorded as failed and the search goes on. (A process
//!   that the system kills for want of memory records nothing.)
//!
//! Only the [`Learner`](crate::learners::Learner) trait is known here, never a model.

mod curve;
mod ensemble;
mod error;
mod evaluator;
mod field_path;
mod fit;
pub mod log;
mod outcome;
mod parameter;
mod pick;
mod space;
mod splits;
mod stage;
mod strategy;
mod study;
mod trial;

pub use error::TuningError;
pub use outcome::{ParameterOutcome, PlotKind, Score, StageOutcome, StudyOutcome, TrialOutcome, TrialState};
pub use parameter::{IntegerRange, Parameter, RealRange};
pub use space::{Candidate, Space};
pub use splits::SplitsConfig;
pub use stage::{Budget, Halving, Pick, Pruning, Resource, STACK, Stage, StageConfig};
pub use strategy::{Objective, Stop, Strategy, StrategyConfig};
pub use study::{FINISHED, PICK, Picks, Study, Work, describe};
