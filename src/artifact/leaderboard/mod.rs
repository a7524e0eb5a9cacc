//! Table of all trained models.
//!
//! A row is one model of a run (a member, an ensemble, a stack) or the one model of `digitstack train`. Its values are
//! read from the files of a complete directory, each verified against the manifest first: nothing is trained or
//! predicted again, and a directory that was changed by hand is skipped. Runs that differ in nothing but their seed are summed
//! up in a row more ([`Row::seeds`]). Rows of different data sets are kept apart: their accuracies say nothing about
//! each other.

mod draw;
mod read;
mod seeds;
mod sort;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::RunFailure;
use crate::{
    config::ReportedResult,
    device::ChosenDevice,
    evaluation::{ModelKind, Proportion},
    progress::Progress,
    storage::{self, StorageError},
};

pub use sort::{SortBy, data_sets};

/// Table of models, and the directories that are not in it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Leaderboard {
    /// Rows, sorted within each data set; those of one data set stand together.
    pub rows: Vec<Row>,
    /// Directories that could not be used, with the reason.
    pub skipped: Vec<Skipped>,
}

/// Directory that is not in the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// Path as given or found.
    #[serde(serialize_with = "lossy")]
    pub directory: PathBuf,
    /// Reason why it is not in the table.
    pub reason: String,
}

/// Writes a path as text. Bytes that are not UTF-8 become U+FFFD.
fn lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// Row of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The model's name in its configuration.
    pub model: String,
    /// Kind of the model.
    pub kind: ModelKind,
    /// The directory it lies in; for a row over several seeds their configuration's name and how many they are.
    pub run: String,
    /// The configuration's name.
    pub configuration: String,
    /// Fitted models that it asks: several where the models of the folds are averaged, those of all members for a
    /// stack.
    pub models: usize,
    /// Weights of nets and leaves of trees of all these models; none if one of them has no such number.
    pub parameters: Option<u64>,
    /// Seconds of the fits that it needs, added up (those of a run ran side by side): of each fold, and of the member
    /// once more on all images if the run did so. Over several seeds their mean.
    pub training_seconds: Option<f64>,
    /// Images it was trained on, copies included; of a run those that the folds divide. None if an older directory does
    /// not say.
    pub train_images: Option<usize>,
    /// Test images; none if there is no test set.
    pub test_images: Option<usize>,
    /// On all training digits, each predicted by models that did not learn from it; of a run. None over several seeds.
    pub out_of_fold: Option<Proportion>,
    /// On the training digits held out for validation; of a single model. None over several seeds.
    pub validation: Option<Proportion>,
    /// On the test images, with its 95 % interval; over several seeds their mean, and one standard deviation to either
    /// side.
    pub accuracy: Option<Proportion>,
    /// Data set that the accuracies are measured on: `MNIST`, `a folder of digits`, with the numbers of images. Only rows
    /// of one data set can be compared.
    pub data: String,
    /// Identity of that data set: SHA-256 of the test images, or of the training images without any.
    pub data_sha256: String,
    /// Protocol of the measurement: `5 folds`, `10 % held out`.
    pub protocol: String,
    /// Results that others report of such a model; of the first seed, if there are several.
    pub reported: Vec<ReportedResult>,
    /// The run's seed.
    pub seed: u64,
    /// Seeds that a row over several seeds summarises.
    pub seeds: Option<Seeds>,
    /// Equal for rows that differ in nothing but their seed.
    #[serde(skip)]
    pub group: String,
}

/// Several rows that differ in their seed alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seeds {
    /// The seeds, ascending.
    pub seeds: Vec<u64>,
    /// Standard deviation of the test accuracy over them (of a sample: n − 1).
    pub deviation: f64,
}

/// The rows of these directories, or of every run directory in those that are none themselves, sorted.
///
/// # Errors
/// If a folder cannot be listed. A directory that is incomplete, damaged or of other work is skipped.
pub fn leaderboard(
    folders: &[PathBuf],
    sort: SortBy,
    device: &ChosenDevice,
    progress: &dyn Progress,
) -> Result<Leaderboard, RunFailure> {
    let mut board = Leaderboard::default();
    let mut directories: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let found =
            if storage::is_run_directory(folder) { vec![folder.clone()] } else { storage::run_directories(folder)? };
        if found.is_empty() {
            let reason = if folder.is_dir() { "holds no run directory" } else { "is no folder" };
            board.skipped.push(Skipped { directory: folder.clone(), reason: reason.to_owned() });
        }
        directories.extend(found.into_iter().filter(|found| !directories.contains(found)).collect::<Vec<_>>());
    }
    let task = progress.task("read runs", directories.len() as u64, "directories");
    for directory in directories {
        match read::rows(&directory, device) {
            Ok(rows) => board.rows.extend(rows),
            Err(error) => board.skipped.push(Skipped { reason: reason(&error, &directory), directory }),
        }
        task.advance(1);
    }
    board.rows.extend(seeds::summed_up(&board.rows));
    sort.sort(&mut board.rows);
    sort::by_data_set(&mut board.rows);
    Ok(board)
}

/// Why a directory is skipped, without its name in front.
fn reason(error: &RunFailure, directory: &Path) -> String {
    if let RunFailure::Storage(StorageError::NotComplete(_)) = error {
        return "is not finished".to_owned();
    }
    let text = error.to_string();
    text.strip_prefix(&format!("{} ", directory.display())).map_or(text.clone(), str::to_owned)
}
