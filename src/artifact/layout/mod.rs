//! Every file of an artifact directory: its name and the record that is written and read under it.
//!
//! ```text
//! artifact.json                    kind of the directory                            ArtifactKind
//! config.toml                      resolved configuration                           config::RunConfig, SearchConfig
//! train-data.json                  fingerprint of the training digits               Fingerprint
//! skipped.csv                      files of the data that give no digit, if any     data::skipped_csv
//! duplicates.csv                   test images that were trained on, if any         data::shared_csv
//! models/cnn/fold-1/               a fit: its model and
//!   history.json                     its course                                     fit::History
//!   timing.json                      its duration; differs between equal runs       fit::FitTiming
//!   held_out.safetensors             its predictions for the digits held out        predictions
//! models/logistic.json             a meta-model                                     stacking::Stack
//! verdict.json                     temperature and least confidence                 verdict::JudgeParameters
//! verdict/detector/                the out-of-distribution detector and
//!   threshold.json                   its threshold                                     f32
//! test-opening.json                models that the test images were opened for      evaluation::TestOpening
//! data.json                        fingerprints of training and test digits         DataRecord
//! predictions/*.safetensors        members' predictions                             predictions
//! predictions.csv                  answers for the digits held out and the test's   answers_csv
//! doubtful.csv                     probable label errors                            doubtful_csv
//! metrics.json                     scores of every model                            Metrics
//! pictures.json                    mistakes, filters and examples of the report     Pictures
//! timings.json                     durations; differs between equal runs            Timings
//! environment.json                 versions and machine; differs between equal runs storage::Environment
//! report/                          the report                                       report::Report
//! study.jsonl, search.json         log and outcome of a search                     tuning
//! best.toml, best-settings.json    its best configuration                           config
//! ```
//!
//! Beside these lie the directory's own files ([`crate::storage`]): lock, journal and manifest.

mod fits;
mod metrics;
mod pictures;
mod timings;

use serde::{Deserialize, Serialize};

use crate::data::{Fingerprint, Source};

pub use fits::{Fit, TrainingPart, fits, is_final};
pub use metrics::{Answer, BestMember, LabelErrors, Metrics, SourceScores};
pub use pictures::{Pictures, SavedDoubt, SavedExample, SavedFilters, SavedMistake, SavedOpinion};
pub use timings::{NamedTiming, StageTiming, Timings};

/// [`ArtifactKind`] of the directory; claimed before any work.
pub const ARTIFACT: &str = "artifact.json";
/// The resolved configuration; claimed before any work.
pub const CONFIG: &str = "config.toml";
/// [`Fingerprint`] of the training digits; claimed before any work.
pub const TRAIN_DATA: &str = "train-data.json";
/// Files of the data that give no digit, each with its reason; only if there are any.
pub const SKIPPED: &str = "skipped.csv";
/// Test images that are training images too, with those; only if there are any.
pub const DUPLICATES: &str = "duplicates.csv";
/// Answers for the digits held out and for the test images, with the file or row of each.
pub const PREDICTIONS: &str = "predictions.csv";
/// Probable label errors, the most doubtful first.
pub const DOUBTFUL: &str = "doubtful.csv";
/// [`DataRecord`].
pub const DATA: &str = "data.json";
/// [`crate::evaluation::TestOpening`]: the models that the test images were opened for.
pub const TEST_OPENING: &str = "test-opening.json";
/// [`Metrics`].
pub const METRICS: &str = "metrics.json";
/// [`Timings`].
pub const TIMINGS: &str = "timings.json";
/// [`crate::storage::Environment`].
pub const ENVIRONMENT: &str = "environment.json";
/// [`Pictures`].
pub const PICTURES: &str = "pictures.json";
/// [`crate::fit::History`] of a fit, in its folder.
pub const HISTORY: &str = "history.json";
/// [`crate::fit::FitTiming`] of a fit, in its folder.
pub const TIMING: &str = "timing.json";
/// Predictions of a fit for the digits that it held out, in its folder.
pub const HELD_OUT: &str = "held_out.safetensors";
/// [`crate::verdict::JudgeParameters`].
pub const VERDICT: &str = "verdict.json";
/// Folder of the out-of-distribution detector.
pub const DETECTOR: &str = "verdict/detector";
/// Threshold of the detector, in its folder.
pub const DETECTOR_THRESHOLD: &str = "threshold.json";
/// Every trial of a search, as it ended: an Optuna journal.
pub const STUDY_LOG: &str = "study.jsonl";
/// [`crate::tuning::StudyOutcome`].
pub const SEARCH_OUTCOME: &str = "search.json";
/// The run configuration that a search selected.
pub const BEST: &str = "best.toml";
/// Settings of the best configuration that the search was finished with: a [`crate::config::BestConfig`].
pub const BEST_SETTINGS: &str = "best-settings.json";
/// First page of the report.
pub const REPORT_PAGE: &str = "report/index.html";

/// File of the meta-model called `name`: a [`crate::stacking::Stack`].
pub fn stack_file(name: &str) -> String {
    format!("models/{name}.json")
}

/// File of a member's predictions for one part of the digits: `out-of-fold`, `held-out`, `test`.
pub fn predictions_file(member: &str, part: &str) -> String {
    format!("predictions/{member}-{part}.safetensors")
}

/// Kind of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ArtifactKind {
    /// Every member of the configuration on every fold, the meta-models over them, and the verdict's models.
    Stack {},
    /// One member of the configuration, trained on all training digits but those held out.
    Member {
        /// Its name.
        member: String,
        /// SHA-256 of the file that its weights were imported from; none if it was trained here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        imported_sha256: Option<String>,
    },
    /// A search for settings.
    Search {},
}

impl ArtifactKind {
    /// The kind in words: "a stack", "the member cnn", "a search".
    pub fn describe(&self) -> String {
        match self {
            Self::Stack {} => "a stack".to_owned(),
            Self::Member { member, imported_sha256: None } => format!("the member `{member}`"),
            Self::Member { member, imported_sha256: Some(_) } => format!("the imported net `{member}`"),
            Self::Search {} => "a search".to_owned(),
        }
    }
}

/// Fingerprints of the digits that the models were trained and tested on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// Training digits, before copies were made of them.
    pub train: Option<Fingerprint>,
    /// Test digits; none if there are none.
    pub test: Option<Fingerprint>,
}

impl DataRecord {
    /// Where the digits come from, in words.
    pub fn source(&self) -> &'static str {
        match &self.train {
            Some(train) if train.official_mnist => "MNIST",
            Some(train) if train.files.is_empty() => "built-in digits, drawn by the program",
            _ => "a folder of digits",
        }
    }

    /// Fingerprints of the parts of `source` that were read.
    pub fn of(source: &Source) -> Self {
        Self { train: source.train_fingerprint().cloned(), test: source.test_fingerprint().cloned() }
    }
}
