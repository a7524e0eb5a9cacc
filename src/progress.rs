//! Progress of long work.
//!
//! The library prints nothing: it reports to a [`Progress`], which the command line shows as bars or plain lines.

/// Receiver of progress. It is called from any thread.
pub trait Progress: Send + Sync {
    /// Starts a task of `total` items called `unit` ("images", "trees"). Dropping the returned value ends the task.
    fn task(&self, name: &str, total: u64, unit: &str) -> Box<dyn Task>;
    /// Reports an event in one line: a device was chosen, an epoch ended.
    fn message(&self, text: &str);
}

/// Running task.
pub trait Task: Send + Sync {
    /// Counts `items` as done.
    fn advance(&self, items: u64);
    /// Shows the current state in a few words: "validation 98.1 %".
    fn note(&self, text: &str);
}

/// Receiver that ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn task(&self, _name: &str, _total: u64, _unit: &str) -> Box<dyn Task> {
        Box::new(Silent)
    }
    fn message(&self, _text: &str) {}
}

impl Task for Silent {
    fn advance(&self, _items: u64) {}
    fn note(&self, _text: &str) {}
}
