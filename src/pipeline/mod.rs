//! The whole way from raw files to a report.
//!
//! ```text
//! data → prepare → folds → fits (each member on each fold) → meta-models → evaluation → run directory → report
//! ```
//!
//! [`RunConfig`] says what to do, [`run`] does it in a [`crate::storage::RunDirectory`], [`SavedRun`] is what a finished
//! run can be asked, [`StackPredictor`] the same for one image at a time, [`Reader`] with a verdict on what it says.
//! [`train_one`] fits a single member without the stack around it, [`import_one`] takes one that was trained elsewhere,
//! and [`SavedSingle`] is what either can be asked. [`SavedModel`] is a run or such a model; [`predict_table`] asks it
//! about every row of a CSV file. [`ModelFiles`] hands models out in other programs' formats. [`leaderboard`] compares
//! what is finished; [`overfit()`] checks that nets can learn at all. [`search`] looks for better settings.

pub mod config;
mod drawn;
mod export;
mod failure;
mod finish;
mod fits;
mod import;
mod judging;
mod kind;
pub mod leaderboard;
mod models;
mod overfit;
mod predictions;
mod predictor;
mod prepare;
mod reader;
mod report_input;
mod run;
mod saved;
mod saved_model;
mod saved_single;
pub mod search;
mod single;
mod table;

use std::path::Path;

use crate::{
    device::ChosenDevice,
    learners::FitContext,
    progress::{Cancel, Progress},
    seed::Seed,
};

pub use config::{ConfigError, Override, RunConfig};
pub use drawn::{DrawnScores, sample_drawings};
pub use export::{ModelFile, ModelFiles};
pub use failure::RunFailure;
pub use finish::{Metrics, StageTiming, draw_report};
pub use import::{Imported, config_of_file, import_one};
pub use models::Opinion;
pub use overfit::{OVERFIT_SIZES, Overfit, Overfits, overfit};
pub use predictions::PredictionsError;
pub use predictor::{StackPredictor, WORTH_A_BATCH};
pub use prepare::open_data;
pub use reader::{Reader, Reading};
pub use run::run;
pub use saved::SavedRun;
pub use saved_model::SavedModel;
pub use saved_single::SavedSingle;
pub use single::{SingleScores, train_one};
pub use table::{Destination, StopReason, TableError, TableOrder, TableSummary, predict_table};

/// What surrounds the work of a run.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// Where nets run.
    pub device: &'a ChosenDevice,
    /// CPU threads to use. Results do not depend on it.
    pub threads: usize,
    /// Watches.
    pub progress: &'a dyn Progress,
    /// Asks it to stop.
    pub cancel: &'a Cancel,
}

impl Work<'_> {
    /// The surroundings of a fit that has all threads to itself and is not watched.
    fn fit<'b>(&'b self, seed: Seed, label: &'b str, checkpoint: &'b Path) -> FitContext<'b> {
        FitContext {
            seed,
            device: self.device,
            threads: self.threads,
            checkpoint: Some(checkpoint),
            progress: self.progress,
            label,
            cancel: self.cancel,
            observe: None,
            shared: None,
        }
    }
}
