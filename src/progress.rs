//! How long work reports where it is, and how it is asked to stop.
//!
//! The library prints nothing: it tells a [`Progress`], which the command line draws as bars or plain lines.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Watches work that takes a while. Called from any thread.
pub trait Progress: Send + Sync {
    /// A task starts: `total` items called `unit` ("images", "trees"). Dropping the returned value ends the task.
    fn task(&self, name: &str, total: u64, unit: &str) -> Box<dyn Task>;
    /// Something worth a line: a device was chosen, an epoch ended.
    fn message(&self, text: &str);
}

/// One task under way.
pub trait Task: Send + Sync {
    /// `items` more are done.
    fn advance(&self, items: u64);
    /// A few words on the current state: "validation 98.1 %".
    fn note(&self, text: &str);
}

/// Watches nothing.
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

/// A flag that asks work to stop at its next safe point. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    /// True once somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
