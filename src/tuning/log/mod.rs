//! Study log: every trial of a search, in a file that Optuna opens as its own.
//!
//! The file has the journal format of Optuna's `JournalFileBackend`: one JSON object on each line, each an operation
//! that is replayed in order. One file holds one Optuna study for each stage of a search, named `<study>/<stage>`, all
//! of them maximised:
//!
//! ```python
//! storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("study.jsonl"))
//! optuna.load_study(study_name="mnist/cnn", storage=storage).best_trial
//! ```
//!
//! Numbers that JSON lacks are written as Python does: a step may be `NaN`, `Infinity` or `-Infinity`. A list among the
//! choices of a parameter, which Optuna does not accept, is stored as its JSON text. Each line of this program ends
//! with a member `sha256`, a checksum of the file up to there, which Optuna ignores.
//!
//! Why this format: a search runs for days, so a trial must be on the disk as soon as it is finished, and there are
//! tools for this format already, such as `optuna-dashboard`. A finished trial is a single line, so that it is there or
//! not.
//!
//! | file | contents |
//! |---|---|
//! | `study` | [`StudyLog`] and [`StageLog`]: what a search reads and writes through |
//! | `file` | open file: locked, repaired, appended to |
//! | `snapshot` | [`StudySnapshot`]: the log at one moment |
//! | `reader`, `checksum`, `operation`, `python_json`, `replay` | lines → checked operations → studies |
//! | `logged_study`, `trial`, `distribution`, `value`, `timestamp` | contents of a line |
//! | `export` | a snapshot as CSV |
//!
//! # Guarantees, and where they end
//! - [`StageLog::record`] returns when the trial is flushed to the disk: `kill -9` or a power cut after that loses
//!   nothing, before that it loses that one trial. The last line may then be incomplete; [`StudyLog::open`] removes it
//!   and says so. Readers ignore it.
//! - A write that fails (a full disk) is an error and is undone, so that the log ends with the trial before.
//! - A line that was edited, moved, removed or inserted is an error that names the line at which the checksums stop to
//!   match, for every reader. They do not protect against somebody who recomputes them. A file that was cut after a
//!   whole line is what an interruption leaves: the trials behind it are run again.
//! - Two searches never write to one file on one machine; across machines that depends on the network file system.
//! - Other programs that append whole lines, as the dashboard does with notes, may do so at any time. Their lines have
//!   no checksum, so an edit of them is noticed only after this program has written the next line. They can remove a
//!   stage, which is then begun anew, but not change what a search relies on: fingerprint, state, selection and trials
//!   of a stage come from this program's own lines. On Windows no other program can write while a search has the file
//!   open.
//! - A log that Optuna itself began, without checksums, can be read ([`StudySnapshot`], `tune --status`, `tune
//!   --export`) and extended by the stages of a search.
//! - Equal searches differ in their times and, with several workers, in the order of a stage's trials.

mod checksum;
mod distribution;
mod error;
mod export;
mod file;
mod logged_study;
mod operation;
mod python_json;
mod reader;
mod replay;
mod snapshot;
mod study;
mod timestamp;
mod trial;
mod value;

pub use distribution::Distribution;
pub use error::LogError;
pub use export::export_csv;
pub use file::Repair;
pub use logged_study::LoggedStudy;
pub use snapshot::StudySnapshot;
pub use study::{StageLog, StudyLog};
pub use trial::{FinalState, LoggedTrial, NewTrial, Parameter, TrialState};
pub use value::ParameterValue;
