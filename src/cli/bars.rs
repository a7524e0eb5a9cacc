//! Progress on standard error: bars on a terminal, a plain line now and then elsewhere.

use std::{
    io::Write,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::printable::printable;
use crate::progress::{Progress, Task};

/// Least time between two plain lines of one task.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Observer that shows each task as a progress bar on a terminal, and as lines elsewhere.
pub(super) struct Bars {
    bars: MultiProgress,
    terminal: bool,
    verbose: bool,
}

impl Bars {
    pub(super) fn new(bars: MultiProgress, terminal: bool, verbose: bool) -> Self {
        Self { bars, terminal, verbose }
    }
}

impl Progress for Bars {
    fn task(&self, name: &str, total: u64, unit: &str) -> Box<dyn Task> {
        if self.terminal {
            let bar = self.bars.add(ProgressBar::new(total));
            let template = format!("{{prefix:<22}} {{bar:28}} {{pos}}/{{len}} {unit} {{per_sec}} {{eta}} left {{msg}}");
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
            }
            bar.set_prefix(printable(name).into_owned());
            bar.enable_steady_tick(Duration::from_millis(250));
            Box::new(Bar(bar))
        } else {
            Box::new(Lines {
                name: name.to_owned(),
                unit: unit.to_owned(),
                total,
                started: Instant::now(),
                every_note: self.verbose,
                state: Mutex::new(LineState { done: 0, note: String::new(), said: Instant::now() }),
            })
        }
    }

    fn message(&self, text: &str) {
        let _ = self.bars.suspend(|| writeln!(std::io::stderr().lock(), "{}", printable(text)));
    }
}

/// Task shown as a bar.
struct Bar(ProgressBar);

impl Task for Bar {
    fn advance(&self, items: u64) {
        self.0.inc(items);
    }
    fn note(&self, text: &str) {
        self.0.set_message(printable(text).into_owned());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Task shown as lines; none if it is short.
struct Lines {
    name: String,
    unit: String,
    total: u64,
    started: Instant,
    every_note: bool,
    state: Mutex<LineState>,
}

struct LineState {
    done: u64,
    note: String,
    said: Instant,
}

impl Lines {
    fn say(&self, state: &mut LineState) {
        state.said = Instant::now();
        let seconds = self.started.elapsed().as_secs_f64();
        let left = if state.done > 0 {
            seconds * self.total.saturating_sub(state.done) as f64 / state.done as f64
        } else {
            f64::NAN
        };
        let left = if left.is_finite() { format!(", about {left:.0} s left") } else { String::new() };
        let note = if state.note.is_empty() { String::new() } else { format!(", {}", state.note) };
        let line = format!("{}: {}/{} {}, {seconds:.0} s{left}{note}", self.name, state.done, self.total, self.unit);
        let _ = writeln!(std::io::stderr().lock(), "{}", printable(&line));
    }
}

impl Task for Lines {
    fn advance(&self, items: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += items;
        if state.said.elapsed() >= LINE_EVERY {
            self.say(&mut state);
        }
    }

    fn note(&self, text: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone_into(&mut state.note);
        if self.every_note {
            self.say(&mut state);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if self.started.elapsed() >= LINE_EVERY {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            self.say(&mut state);
        }
    }
}
