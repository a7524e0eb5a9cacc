//! Queue between the threads of the service and the receiver of its log lines.
//!
//! Whoever reads the log may stop reading: a full pipe blocks the thread that writes to it for good. So only one thread
//! of its own writes, and every other one appends to a queue of bounded length. A line that finds the queue full is
//! dropped and counted; the count is logged in its place as soon as lines are read again, and is a metric.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use prometheus::IntCounter;

use super::options::Log;

/// Maximum number of lines that wait for the receiver.
const MAX_LINES: usize = 4096;

/// Queue of log lines, and the thread that hands them to the receiver.
pub(super) struct LogQueue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    dropped: IntCounter,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    /// True while the receiver has lines that it has not finished.
    writing: bool,
    closed: bool,
}

enum Entry {
    Line(String),
    /// Number of lines that found the queue full.
    Dropped(u64),
}

impl LogQueue {
    /// Starts the thread that hands lines to `receiver`; `dropped` counts those that it never gets.
    ///
    /// # Errors
    /// If the thread cannot be created.
    pub(super) fn start(receiver: Log, dropped: IntCounter) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), dropped });
        let queue = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || queue.write_to(&receiver))?;
        Ok(Self(shared))
    }

    /// Receiver that never blocks: it appends lines to this queue.
    pub(super) fn log(&self) -> Log {
        let shared = Arc::clone(&self.0);
        Arc::new(move |line: &str| shared.push(line))
    }

    /// Waits until the receiver has taken every line, at most for `patience`. Lines that come later are dropped.
    pub(super) fn close(self, patience: Duration) {
        let mut state = self.0.lock();
        state.closed = true;
        self.0.changed.notify_all();
        let waiting = |state: &mut State| state.writing || !state.entries.is_empty();
        drop(self.0.changed.wait_timeout_while(state, patience, waiting));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a line, or counts it if the queue is full.
    fn push(&self, line: &str) {
        let mut state = self.lock();
        if state.entries.len() >= MAX_LINES || state.closed {
            self.dropped.inc();
            match state.entries.back_mut() {
                Some(Entry::Dropped(count)) => *count += 1,
                _ => state.entries.push_back(Entry::Dropped(1)),
            }
            return;
        }
        state.entries.push_back(Entry::Line(line.to_owned()));
        // The thread waits only while the queue is empty.
        if state.entries.len() == 1 {
            self.changed.notify_all();
        }
    }

    /// Hands lines to the receiver until the queue is closed and empty.
    fn write_to(&self, receiver: &Log) {
        let mut state = self.lock();
        loop {
            let waiting = |state: &mut State| state.entries.is_empty() && !state.closed;
            state = self.changed.wait_while(state, waiting).unwrap_or_else(PoisonError::into_inner);
            if state.entries.is_empty() {
                return;
            }
            let entries = std::mem::take(&mut state.entries);
            state.writing = true;
            drop(state);
            for entry in entries {
                match entry {
                    Entry::Line(line) => receiver(&line),
                    Entry::Dropped(count) => {
                        receiver(&format!("{count} log lines were dropped: nobody read them in time"));
                    }
                }
            }
            state = self.lock();
            state.writing = false;
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use super::*;

    /// Queue whose receiver takes a line only when it is let.
    struct Rig {
        queue: LogQueue,
        lines: mpsc::Receiver<String>,
        dropped: IntCounter,
    }

    fn rig() -> Rig {
        // Without room in the channel, the receiver blocks until the test takes the line.
        let (sender, lines) = mpsc::sync_channel::<String>(0);
        let sender = Mutex::new(sender);
        let receiver: Log = Arc::new(move |line: &str| drop(sender.lock().unwrap().send(line.to_owned())));
        let dropped = IntCounter::new("dropped", "Dropped lines.").unwrap();
        Rig { queue: LogQueue::start(receiver, dropped.clone()).unwrap(), lines, dropped }
    }

    #[test]
    fn lines_arrive_in_order_and_all_of_them_before_the_end() {
        let Rig { queue, lines, dropped } = rig();
        let log = queue.log();
        (0..1000).for_each(|index| log(&format!("line {index}")));
        let reader = thread::spawn(move || lines.iter().collect::<Vec<_>>());
        queue.close(Duration::from_secs(60));
        drop(log);
        let read = reader.join().unwrap();
        assert!(read.iter().enumerate().all(|(index, line)| *line == format!("line {index}")));
        assert_eq!((read.len(), dropped.get()), (1000, 0));
    }

    #[test]
    fn nobody_waits_for_a_reader_that_has_stopped_and_what_is_lost_is_counted() {
        let Rig { queue, lines, dropped } = rig();
        let log = queue.log();
        let begun = Instant::now();
        let all = 3 * MAX_LINES;
        (0..all).for_each(|index| log(&format!("line {index}")));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let lost = dropped.get() as usize;
        assert!((MAX_LINES..2 * MAX_LINES + 1).contains(&lost), "{lost}");
        // Once somebody reads again, everything that is left comes in order, and each note stands where its lines are missing.
        let (mut next, mut noted) = (0, 0);
        while next < all {
            let line = lines.recv().unwrap();
            if let Some(count) = line.strip_suffix(" log lines were dropped: nobody read them in time") {
                let count: usize = count.parse().unwrap();
                (next, noted) = (next + count, noted + count);
            } else {
                assert_eq!(line, format!("line {next}"));
                next += 1;
            }
        }
        assert_eq!((next, noted), (all, lost));
        log("after");
        assert_eq!(lines.recv().unwrap(), "after");
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_has_stopped() {
        let Rig { queue, lines, .. } = rig();
        let log = queue.log();
        (0..10).for_each(|_| log("a line that nobody reads"));
        let begun = Instant::now();
        queue.close(Duration::from_millis(100));
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        drop(lines);
    }
}
