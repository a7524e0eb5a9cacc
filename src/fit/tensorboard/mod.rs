//! Curves of fits as event files for TensorBoard.
//!
//! Each fit has a folder of its own under the one that TensorBoard is given (`tensorboard --logdir DIR`), with one file
//! that grows while the fit goes on.

mod record;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use super::history::{FitTiming, History, HistoryPoint, TracePoint};
use crate::progress::Progress;
use record::{Entry, record};

/// Beginning of the name of an event file, by which TensorBoard finds it.
const PREFIX: &str = "events.out.tfevents.";
/// End of the names of the event files of this program.
const SUFFIX: &str = ".digitstack";

/// Folder of event files.
#[derive(Clone, Debug)]
pub struct EventFolder(PathBuf);

impl EventFolder {
    /// Creates the folder if it is missing.
    ///
    /// # Errors
    /// If it cannot be created, or is a file.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Starts the file of a fit, in the sub-folder of this name. A file of an earlier process is replaced: a fit that
    /// resumes shows its earlier steps again.
    ///
    /// # Errors
    /// If a file cannot be written or removed.
    pub fn begin(&self, name: &str) -> io::Result<EventFile> {
        let folder = self.0.join(name);
        fs::create_dir_all(&folder)?;
        let earlier = files_in(&folder)?;
        let now = SystemTime::now();
        // TensorBoard goes on to files whose names come later.
        let after = |path: &PathBuf| number_of(path).map(|number| number + 1);
        let number = earlier.iter().filter_map(after).chain([seconds(now) as u64]).max().unwrap_or_default();
        let mut file = File::create(folder.join(format!("{PREFIX}{number:010}{SUFFIX}")))?;
        for path in earlier {
            fs::remove_file(path)?;
        }
        file.write_all(&record(&Entry::version(seconds(now))))?;
        // What a running TensorBoard has read of the earlier file is forgotten.
        file.write_all(&record(&Entry::start(seconds(now))))?;
        Ok(EventFile(file))
    }

    /// Writes the file of a fit that was done before.
    ///
    /// # Errors
    /// As [`EventFolder::begin`].
    pub fn write_finished(&self, name: &str, history: &History, timing: &FitTiming) -> io::Result<()> {
        let mut file = self.begin(name)?;
        let lasting = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let now = SystemTime::now();
        let mut at = now.checked_sub(lasting(timing.seconds)).unwrap_or(now);
        let spent = timing.step_seconds.iter().copied().chain(std::iter::repeat(0.0));
        for (point, spent) in history.points.iter().zip(spent) {
            at = at.checked_add(lasting(spent)).unwrap_or(at);
            file.point(point, at)?;
        }
        file.trace(&history.trace)
    }
}

/// The event files of this program in a folder.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_own = |path: &PathBuf| number_of(path).is_some();
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    Ok(paths.collect::<io::Result<Vec<_>>>()?.into_iter().filter(is_own).collect())
}

/// The number in the name of an event file of this program.
fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Event file of one fit.
#[derive(Debug)]
pub struct EventFile(File);

impl EventFile {
    /// Writes the figures of an epoch, tree or iteration.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn point(&mut self, point: &HistoryPoint, at: SystemTime) -> io::Result<()> {
        let figures = [
            ("loss/train", point.train_loss),
            ("loss/validation", point.validation_loss),
            ("accuracy/train", point.train_accuracy),
            ("accuracy/validation", point.validation_accuracy),
            ("learning_rate", point.learning_rate),
        ];
        let records = figures.into_iter().filter_map(|(tag, value)| {
            value.map(|value| record(&Entry::scalar(seconds(at), i64::from(point.step), tag, value as f32)))
        });
        self.0.write_all(&records.flatten().collect::<Vec<u8>>())
    }

    /// Writes the figures within the epochs of a net; their step is the iteration.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn trace(&mut self, trace: &[TracePoint]) -> io::Result<()> {
        let at = seconds(SystemTime::now());
        let mut records = Vec::new();
        for &TracePoint { iteration, loss, accuracy } in trace {
            let step = i64::try_from(iteration).unwrap_or(i64::MAX);
            records.extend(record(&Entry::scalar(at, step, "by_iteration/loss", loss as f32)));
            records.extend(record(&Entry::scalar(at, step, "by_iteration/accuracy", accuracy as f32)));
        }
        self.0.write_all(&records)
    }
}

/// Event file of a fit in progress. A file that cannot be written ends with a warning: it costs no fit.
pub struct LiveEvents<'a> {
    state: Mutex<State>,
    progress: &'a dyn Progress,
    label: &'a str,
}

#[derive(Default)]
struct State {
    /// None once it could not be written.
    file: Option<EventFile>,
    /// Steps that are in the file.
    written: BTreeSet<u32>,
}

impl<'a> LiveEvents<'a> {
    /// Starts the file of the fit `name`; `label` names it in warnings.
    pub fn begin(folder: &EventFolder, name: &str, label: &'a str, progress: &'a dyn Progress) -> Self {
        let file = folder.begin(name).map_err(|error| warn(progress, label, &error)).ok();
        Self { state: Mutex::new(State { file, ..State::default() }), progress, label }
    }

    /// Writes the figures of an epoch, tree or iteration.
    pub fn point(&self, point: &HistoryPoint) {
        self.write(|state, file| match state.insert(point.step) {
            true => file.point(point, SystemTime::now()),
            false => Ok(()),
        });
    }

    /// Writes what a fit recorded and did not show: points of some learners, and the figures within the epochs of a net.
    pub fn finish(&self, history: &History) {
        history.points.iter().for_each(|point| self.point(point));
        self.write(|_, file| file.trace(&history.trace));
    }

    fn write(&self, write: impl Fn(&mut BTreeSet<u32>, &mut EventFile) -> io::Result<()>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { file, written } = &mut *state;
        if let Some(open) = file
            && let Err(error) = write(written, open)
        {
            *file = None;
            warn(self.progress, self.label, &error);
        }
    }
}

fn warn(progress: &dyn Progress, label: &str, error: &io::Error) {
    progress.message(&format!("warning: {label}: no more events for TensorBoard: {error}"));
}

#[cfg(test)]
mod tests;
