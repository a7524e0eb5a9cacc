//! Checkpoints, from which an interrupted fit resumes.
//!
//! A checkpoint is one line of JSON, then the model text so far. Training that resumes from it gives the same bits as
//! uninterrupted training: the leaf outputs in the text are exact; added in the same order they are the scores of the
//! interrupted fit (no pixel shares a column with another); and without random sampling the library carries no other
//! state from round to round.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    booster::{read_limited, write_whole},
    config::BoosterConfig,
    dataset::Dataset,
    error::BoostingError,
    model_text::ModelText,
};
use crate::{
    fit::{FitTiming, History},
    seed::Seed,
    storage::Sha256Digest,
};

/// File and frequency of a fit's checkpoints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint<'a> {
    /// File, read at the start if it exists, replaced atomically, and left for the caller to delete once the model is
    /// saved.
    pub(super) path: &'a Path,
    /// Boosting rounds from one checkpoint to the next, 1 or more.
    pub(super) every: u32,
}

/// First line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    fit: String,
    text: Sha256Digest,
    history: History,
    timing: FitTiming,
}

const FORMAT: &str = "digitstack booster checkpoint 1";

/// State of a fit that can be resumed.
pub(super) struct Resumed {
    pub(super) model: ModelText,
    pub(super) history: History,
    pub(super) timing: FitTiming,
}

/// SHA-256 of what a checkpoint must agree on: the settings, the seed, and every pixel and label of both sets.
pub(super) fn fingerprint(
    config: &BoosterConfig,
    seed: Seed,
    training: &Dataset,
    validation: Option<&Dataset>,
) -> String {
    let mut hash = Sha256::new();
    // The number of rounds may be raised between runs: a longer fit begins like the shorter one.
    hash.update(format!("{:?} {}", BoosterConfig { trees: 0, ..config.clone() }, seed.0));
    for set in [Some(training), validation].into_iter().flatten() {
        hash.update((set.len() as u64).to_le_bytes());
        set.images().for_each(|image| hash.update(image));
        hash.update(set.labels());
    }
    Sha256Digest::from(hash).to_string()
}

impl Checkpoint<'_> {
    /// Reads the fit in the file. `Ok(None)` if there is no file; an error if it belongs to another fit or is damaged.
    pub(super) fn read(&self, fit: &str) -> Result<Option<Resumed>, String> {
        if !self.path.exists() {
            return Ok(None);
        }
        let bytes = read_limited(self.path).map_err(|error| error.to_string())?;
        let end = bytes.iter().position(|&byte| byte == b'\n').ok_or("it has no first line")?;
        let head: Head = serde_json::from_slice(&bytes[..end]).map_err(|error| error.to_string())?;
        let text = &bytes[end + 1..];
        if head.format != FORMAT {
            return Err("it has another format".into());
        }
        if head.fit != fit {
            return Err("it belongs to other settings or images".into());
        }
        if head.text != Sha256Digest::of(text) {
            return Err("its model text is damaged".into());
        }
        let model = ModelText::parse(text).map_err(|error| error.to_string())?;
        Ok(Some(Resumed { model, history: head.history, timing: head.timing }))
    }

    pub(super) fn write(
        &self,
        fit: &str,
        model: &ModelText,
        history: &History,
        timing: &FitTiming,
    ) -> Result<(), BoostingError> {
        let text = model.render();
        let head = Head {
            format: FORMAT.into(),
            fit: fit.into(),
            text: Sha256Digest::of(text.as_bytes()),
            history: history.clone(),
            timing: timing.clone(),
        };
        let mut bytes = serde_json::to_vec(&head).expect("a history is plain data with string keys");
        bytes.push(b'\n');
        bytes.extend_from_slice(text.as_bytes());
        write_whole(self.path, &bytes)
    }
}
