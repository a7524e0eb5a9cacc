//! The study log: every trial of a search, in a file that Optuna opens as its own.
//!
//! The file is in the journal format of Optuna's `JournalFileBackend`: one JSON object on each line, each an operation
//! that is replayed in order. One file holds one Optuna study for each stage of a search, named `<study>/<stage>`, all
//! of them maximised:
//!
//! ```python
//! storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("study.jsonl"))
//! optuna.load_study(study_name="mnist/cnn", storage=storage).best_trial
//! ```
//!
//! Numbers that JSON lacks are written as Python does: a step may be `NaN`, `Infinity` or `-Infinity`. A list among the
//! choices of a parameter, which Optuna does not take, is its JSON text there.
//!
//! Why this format: a search runs for days, so a trial must be on the disk the moment it is finished, and the people
//! who look at it have tools for this format already, such as `optuna-dashboard`. A finished trial is a single line
//! here, so that it is there or not.
//!
//! | file | what lives there |
//! |---|---|
//! | `study` | [`StudyLog`] and [`StageLog`]: what a search writes through |
//! | `file` | the open file: locked, repaired, appended to |
//! | `snapshot`, `replay`, `operation`, `python_json` | lines → operations → [`StudySnapshot`] |
//! | `trial`, `distribution`, `value`, `time` | what a line says about a trial |
//! | `export` | a snapshot as CSV |
//!
//! # Guarantees, and where they end
//! - [`StageLog::record`] returns when the trial is flushed to the disk: `kill -9` or a power cut after that loses
//!   nothing, before that it loses that one trial. The last line may then be half there; [`StudyLog::open`] cuts it off
//!   and says so. Readers pass over it.
//! - A write that fails (a full disk) is an error and is taken back, so that the log ends with the trial before.
//! - Damage that leaves a line in the middle unreadable is an error that names the line; a changed digit in a number is
//!   not noticed.
//! - Two searches never write to one file on one machine; across machines that depends on the network file system.
//! - Other programs that append whole lines, as the dashboard does with notes, may do so at any time: what they wrote
//!   is taken in before the next trial is written. They are not kept out, except on Windows, where no other program can
//!   write while a search has the file open.
//! - Equal searches differ in what clocks say and, on several workers, in the order of a stage's trials.

mod distribution;
mod error;
mod export;
mod file;
mod operation;
mod python_json;
mod replay;
mod snapshot;
mod study;
mod time;
mod trial;
mod value;

pub use distribution::Distribution;
pub use error::LogError;
pub use export::export_csv;
pub use file::Repair;
pub use snapshot::{LoggedStudy, StudySnapshot};
pub use study::{StageLog, StudyLog};
pub use trial::{LoggedTrial, NewTrial, Outcome, Parameter, TrialState};
pub use value::ParameterValue;
