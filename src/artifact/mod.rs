//! A finished directory: what its files are called and hold, and the trained models in it.
//!
//! ```text
//! layout      every file name, with the record that is written and read under it; the kind is written down
//! Artifact    a complete directory, every file of it verified
//! TrainedModels, Session   its models, loaded: predictions for many images, for one
//! ModelFiles, ReportInput, leaderboard, predict_csv, drawings   what is made of a finished directory
//! ```
//!
//! A directory holds a stack (every member on every fold, meta-models, the verdict's models), one member that was
//! trained with a hold-out or imported, or a search. Stacks and single members differ in [`layout::ArtifactKind`]
//! alone: they have the same files with the same records.

mod answer;
mod destination;
mod directory;
mod drawing_evaluation;
mod export;
mod failure;
pub mod layout;
pub mod leaderboard;
mod model_prediction;
mod page_link;
mod predict_csv;
mod predict_pictures;
mod predictions;
mod read_numbers;
mod report_input;
mod search_status;
mod session;
mod tables;
mod trained_models;
mod verdict;

pub use answer::{Answer, Answerer};
pub use destination::{Destination, PredictCsvError, StopReason};
pub use directory::{Artifact, load_models};
pub use drawing_evaluation::{DrawingScores, evaluate_drawings, sample_drawings};
pub use export::{ModelFile, ModelFiles};
pub use failure::RunFailure;
pub use model_prediction::ModelPrediction;
pub use predict_csv::{CsvRequest, CsvSummary, predict_csv};
pub use predict_pictures::{
    PictureOutcome, PicturesRequest, PicturesSummary, predict_pictures, predict_pictures_csv, problem_name,
};
pub use predictions::{PredictionsError, average, decode_predictions, encode_predictions};
pub use read_numbers::NumberReader;
pub use report_input::{PictureSources, report_input, select_pictures};
pub use search_status::{SearchStatus, StageStatus, export_csv, search_outcome, search_status};
pub use session::{Reading, Session};
pub use tables::{DoubtfulLabel, answers_csv, doubtful_csv};
pub use trained_models::{TestScores, TrainedModels, test_digits};
