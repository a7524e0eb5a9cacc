//! What every fit needs, whatever the model: its course and how long it took.

mod history;

pub use history::{FitTiming, History, HistoryPoint, Observe, TracePoint};
