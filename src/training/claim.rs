//! Claims: a directory is bound to its kind, its configuration and its training digits before any work, and answers for
//! no others.

use std::collections::BTreeMap;

use serde::Serialize;

use super::inputs::Inputs;
use crate::{
    artifact::{
        RunFailure,
        layout::{ARTIFACT, ArtifactKind, CONFIG, TRAIN_DATA},
    },
    storage::{self, RunDirectory, StorageError},
};

/// Largest configuration that is compared, in bytes.
const MAX_CONFIG: u64 = 1 << 20;
/// Differences that a message lists; the others are counted.
const SHOWN: usize = 6;

/// Binds a directory to a kind, the text of a configuration and the training digits, or checks that it was bound to the
/// same. Writes nothing in a complete directory.
///
/// # Errors
/// [`RunFailure::OtherSettings`] with what differs.
pub(super) fn claim(
    directory: &RunDirectory,
    kind: &ArtifactKind,
    config: &str,
    inputs: &Inputs,
) -> Result<(), RunFailure> {
    let path = |file: &str| directory.path().join(file);
    claimed(directory.claim_json(ARTIFACT, kind), directory, "kind", || {
        let there: ArtifactKind = storage::read_json(&path(ARTIFACT))?;
        Ok(vec![format!("it holds {}, now {} is asked for", there.describe(), kind.describe())])
    })?;
    claimed(directory.claim(CONFIG, config.as_bytes()), directory, "configuration", || {
        let there = storage::read_text_limited(&path(CONFIG), MAX_CONFIG).unwrap_or_default();
        Ok(differences(&parsed(&there), &parsed(config)))
    })?;
    let train = inputs.source.train_fingerprint();
    claimed(directory.claim_json(TRAIN_DATA, &train), directory, "training set", || {
        let there: serde_json::Value = storage::read_json(&path(TRAIN_DATA))?;
        Ok(differences(&there, &as_json(&train)))
    })
}

/// Compares a record of a complete directory with the present one.
///
/// # Errors
/// [`RunFailure::OtherSettings`] with what differs.
pub(super) fn same_record<T: Serialize + PartialEq>(
    directory: &RunDirectory,
    what: &'static str,
    there: &T,
    now: &T,
) -> Result<(), RunFailure> {
    match there == now {
        true => Ok(()),
        false => Err(RunFailure::OtherSettings {
            directory: directory.path().to_owned(),
            what,
            differences: differences(&as_json(there), &as_json(now)),
        }),
    }
}

fn claimed(
    claim: Result<(), StorageError>,
    directory: &RunDirectory,
    what: &'static str,
    differences: impl FnOnce() -> Result<Vec<String>, RunFailure>,
) -> Result<(), RunFailure> {
    match claim {
        Err(StorageError::Claimed { .. }) => {
            Err(RunFailure::OtherSettings { directory: directory.path().to_owned(), what, differences: differences()? })
        }
        other => Ok(other?),
    }
}

fn parsed(toml: &str) -> serde_json::Value {
    toml::from_str::<toml::Table>(toml).map(|table| as_json(&table)).unwrap_or_default()
}

fn as_json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Fields whose values differ: `seed: 1 there, 7 now`.
fn differences(there: &serde_json::Value, now: &serde_json::Value) -> Vec<String> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten("", there, &mut old);
    flatten("", now, &mut new);
    let fields: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let text = |value: Option<&String>| value.map_or("nothing".to_owned(), String::clone);
    let mut all: Vec<String> = fields
        .into_iter()
        .filter(|field| old.get(*field) != new.get(*field))
        .map(|field| format!("{field}: {} there, {} now", text(old.get(field)), text(new.get(field))))
        .collect();
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    all.extend((more > 0).then(|| format!("and {more} more")));
    all
}

/// The values of an object by their dotted paths; entries of a list by their name, or else their index.
fn flatten(path: &str, value: &serde_json::Value, fields: &mut BTreeMap<String, String>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        serde_json::Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| flatten(&inside(key), value, fields));
        }
        serde_json::Value::Array(entries) if entries.iter().any(serde_json::Value::is_object) => {
            for (index, entry) in entries.iter().enumerate() {
                let name = entry["name"].as_str().map_or_else(|| index.to_string(), str::to_owned);
                flatten(&inside(&name), entry, fields);
            }
        }
        other => {
            fields.insert(path.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_the_fields_and_both_values() {
        let there = "seed = 1\n[data]\ntrain = 5\n[[members]]\nname = \"cnn\"\nepochs = 3\n";
        let now = "seed = 7\n[data]\ntrain = 5\ntest = 2\n[[members]]\nname = \"cnn\"\nepochs = 4\n";
        assert_eq!(
            differences(&parsed(there), &parsed(now)),
            ["data.test: nothing there, 2 now", "members.cnn.epochs: 3 there, 4 now", "seed: 1 there, 7 now"]
        );
        assert!(differences(&parsed(there), &parsed(there)).is_empty());
        let many: String = (0..10).map(|index| format!("k{index} = 1\n")).collect();
        assert_eq!(differences(&parsed(""), &parsed(&many)).last().map(String::as_str), Some("and 4 more"));
    }
}
