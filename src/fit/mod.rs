//! Shared parts of every fit, whatever the model: its context, its history and timing, event files of them for
//! TensorBoard, and jobs that run many fits at once.

mod cancel;
mod context;
mod history;
mod jobs;
mod shared;
mod tensorboard;

pub use cancel::Cancel;
pub use context::{FitContext, OnDivergence};
pub use history::{FitTiming, History, HistoryPoint, Observe, TracePoint};
pub(crate) use jobs::panic_message;
pub use jobs::{Job, JobContext, JobError, run_jobs};
pub use shared::Shared;
pub use tensorboard::{EventFolder, LiveEvents};
