//! Handles that a search reads and writes the log through.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::{
    error::LogError,
    file::{LogFile, Repair},
    logged_study::LoggedStudy,
    operation::{MAXIMISE, create_study, create_trial, set_study_attribute},
    snapshot::StudySnapshot,
    trial::{LoggedTrial, NewTrial},
};

/// Attribute of a stage with its fingerprint.
const FINGERPRINT: &str = "fingerprint";

/// Study log, open for writing by this process alone. Threads may share it.
#[derive(Debug)]
pub struct StudyLog {
    file: Arc<Mutex<LogFile>>,
    study: String,
    repaired: Option<Repair>,
}

/// Stage of an open log: a handle that is cheap to clone and keeps the log open. Threads may share it.
#[derive(Clone, Debug)]
pub struct StageLog {
    file: Arc<Mutex<LogFile>>,
    stage: String,
    /// Id of the study in the file.
    id: usize,
}

impl StudyLog {
    /// Opens or creates a log for writing. Its folder must exist. A last line without an end, left by a process that
    /// was killed, is removed: see [`Self::repaired`].
    ///
    /// # Errors
    /// [`LogError::BadName`] unless `study` is text without `/` and control characters; [`LogError::Locked`] if another
    /// search writes to the file; [`LogError::Damaged`] with the line if the file is no study log or was edited;
    /// [`LogError::Io`], [`LogError::TooLarge`].
    pub fn open(path: &Path, study: &str) -> Result<Self, LogError> {
        check_name(study)?;
        let file = LogFile::open(path)?;
        let repaired = file.repaired;
        Ok(Self { file: Arc::new(Mutex::new(file)), study: study.to_owned(), repaired })
    }

    /// Returns the incomplete line that [`Self::open`] removed.
    pub fn repaired(&self) -> Option<Repair> {
        self.repaired
    }

    /// Returns the contents of the file when this process last wrote to it or opened a stage, other studies included.
    pub fn snapshot(&self) -> StudySnapshot {
        StudySnapshot {
            studies: lock(&self.file).replay().studies.iter().flatten().cloned().collect(),
            torn_line: None,
        }
    }

    /// Returns a stage of the study, created if the file does not hold it. `fingerprint` is a digest of everything that
    /// its trials depend on.
    ///
    /// # Errors
    /// [`LogError::OtherSettings`] if the stage was begun with another fingerprint; [`LogError::BadName`] unless
    /// `stage` is text without `/` and control characters; errors of writing.
    pub fn stage(&self, stage: &str, fingerprint: &str) -> Result<StageLog, LogError> {
        check_name(stage)?;
        let name = format!("{}/{stage}", self.study);
        let mut file = lock(&self.file);
        file.catch_up()?;
        if file.replay().find(&name).is_none() {
            let line = create_study(&name).map_err(unwritable(&file))?;
            file.append(&line)?;
        }
        let id = file.replay().find(&name).ok_or_else(|| removed(&file, stage))?;
        let handle = StageLog { file: Arc::clone(&self.file), stage: stage.to_owned(), id };
        let held = handle.held(&file)?;
        let expected = Value::from(fingerprint);
        match held.recorded(FINGERPRINT) {
            Some(found) if *found == expected => {}
            // The stage is new, or a process was killed between the two lines that begin it.
            None if held.trials.is_empty() && held.attributes.is_empty() && held.directions == [MAXIMISE] => {
                handle.write_attribute(&mut file, FINGERPRINT, &expected)?;
            }
            found => {
                return Err(LogError::OtherSettings {
                    path: file.path().to_owned(),
                    stage: stage.to_owned(),
                    found: found.map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned)),
                    expected: fingerprint.to_owned(),
                });
            }
        }
        drop(file);
        Ok(handle)
    }
}

impl StageLog {
    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.stage
    }

    /// Returns its trials so far by number, whoever recorded them; none if another program removed the stage.
    pub fn trials(&self) -> Vec<LoggedTrial> {
        self.held(&lock(&self.file)).map_or_else(|_| Vec::new(), |study| study.trials.clone())
    }

    /// Records a finished trial; returns its number once the trial is flushed to the disk.
    ///
    /// # Errors
    /// [`LogError::BadTrial`] for a score that is not finite or a value that its distribution does not have;
    /// [`LogError::Io`] if the disk refuses, after which the trial is not in the log; [`LogError::Changed`] if another
    /// program removed the stage or broke the file.
    pub fn record(&self, trial: &NewTrial) -> Result<u64, LogError> {
        let mut file = lock(&self.file);
        file.catch_up()?;
        self.held(&file)?;
        let line = create_trial(self.id, trial).map_err(|problem| LogError::BadTrial {
            path: file.path().to_owned(),
            stage: self.stage.clone(),
            problem,
        })?;
        file.append(&line)?.ok_or_else(|| removed(&file, &self.stage))
    }

    /// Sets an attribute of the stage; writes nothing if this program set the same value before.
    ///
    /// # Errors
    /// [`LogError::Reserved`] for `fingerprint`; otherwise as for [`Self::record`].
    pub fn set(&self, key: &str, value: &Value) -> Result<(), LogError> {
        if key == FINGERPRINT {
            return Err(LogError::Reserved(key.to_owned()));
        }
        let mut file = lock(&self.file);
        file.catch_up()?;
        if self.held(&file)?.recorded(key) == Some(value) {
            return Ok(());
        }
        self.write_attribute(&mut file, key, value)
    }

    /// Returns an attribute of the stage as this program set it last, whatever other programs wrote since.
    pub fn recorded(&self, key: &str) -> Option<Value> {
        self.held(&lock(&self.file)).ok()?.recorded(key).cloned()
    }

    /// Returns an attribute of the stage, whoever set it.
    pub fn attribute(&self, key: &str) -> Option<Value> {
        self.held(&lock(&self.file)).ok()?.attributes.get(key).cloned()
    }

    fn write_attribute(&self, file: &mut LogFile, key: &str, value: &Value) -> Result<(), LogError> {
        let line = set_study_attribute(self.id, key, value).map_err(unwritable(file))?;
        file.append(&line).map(|_| ())
    }

    fn held<'a>(&self, file: &'a LogFile) -> Result<&'a LoggedStudy, LogError> {
        file.replay().studies.get(self.id).and_then(Option::as_ref).ok_or_else(|| removed(file, &self.stage))
    }
}

/// Locks the file, also after a thread panicked: the next call reads from the file what that thread left undone.
fn lock(file: &Mutex<LogFile>) -> MutexGuard<'_, LogFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

fn removed(file: &LogFile, stage: &str) -> LogError {
    LogError::Changed { path: file.path().to_owned(), problem: format!("stage {stage} was removed") }
}

fn unwritable(file: &LogFile) -> impl FnOnce(serde_json::Error) -> LogError {
    let path = file.path().to_owned();
    move |error| LogError::Io { action: "write", path, source: error.into() }
}

fn check_name(name: &str) -> Result<(), LogError> {
    let refuse = |problem| Err(LogError::BadName { name: name.chars().take(80).collect(), problem });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.contains('/') {
        return refuse("it contains `/`, which separates study and stage");
    }
    if name.contains(char::is_control) {
        return refuse("it contains control characters");
    }
    Ok(())
}
