//! The two files of a saved classical model: arrays in safetensors, everything else in JSON.

use std::path::Path;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::error::ClassicalError;
use crate::storage::{Arrays, Notes, Sha256Digest, read_limited, write_whole};

/// Largest file that is written and read, in bytes: enough for a model that holds 1,300,000 images.
const MOST_BYTES: u64 = 1 << 30;

/// Contents of the JSON file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description<M> {
    /// Format and its version: `digitstack <model> 1`.
    format: String,
    /// SHA-256 of the safetensors file.
    arrays_sha256: Sha256Digest,
    /// The model without its arrays.
    model: M,
}

fn format(name: &str) -> String {
    format!("digitstack {name} 1")
}

/// Writes `name.safetensors` and `name.json` into an existing folder, each under a temporary name first.
pub(crate) fn save(folder: &Path, name: &str, arrays: &Arrays, model: impl Serialize) -> Result<(), ClassicalError> {
    let path = folder.join(format!("{name}.safetensors"));
    let bytes = arrays.render(None).map_err(|error| ClassicalError::file(&path, error.to_string()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(ClassicalError::file(
            &path,
            format!("would have {} bytes, at most {MOST_BYTES} are read again", bytes.len()),
        ));
    }
    write_whole(&path, &bytes).map_err(|error| ClassicalError::io(&path, error))?;
    let path = folder.join(format!("{name}.json"));
    let description = Description { format: format(name), arrays_sha256: Sha256Digest::of(&bytes), model };
    let mut text =
        serde_json::to_string_pretty(&description).map_err(|error| ClassicalError::file(&path, error.to_string()))?;
    text.push('\n');
    write_whole(&path, text.as_bytes()).map_err(|error| ClassicalError::io(&path, error))
}

/// A model as the bytes of one safetensors file for other programs; the metadata entry holds, as JSON, what is no
/// array, and the notes.
pub(crate) fn to_safetensors(
    name: &str,
    arrays: &Arrays,
    model: impl Serialize,
    notes: &Notes,
) -> Result<Vec<u8>, ClassicalError> {
    let text = serde_json::json!({ "format": format(name), "model": model, "notes": notes }).to_string();
    arrays
        .render(Some(text))
        .map_err(|error| ClassicalError::Export { name: name.to_owned(), problem: error.to_string() })
}

/// A model as one line of JSON for other programs, the arrays as nested lists.
pub(super) fn to_json(
    name: &str,
    arrays: &Arrays,
    model: impl Serialize,
    notes: &Notes,
) -> Result<Vec<u8>, ClassicalError> {
    #[derive(Serialize)]
    struct File<'a, M> {
        notes: &'a Notes,
        model: M,
        arrays: &'a Arrays,
    }
    let mut text = serde_json::to_vec(&File { notes, model, arrays })
        .map_err(|error| ClassicalError::Export { name: name.to_owned(), problem: error.to_string() })?;
    text.push(b'\n');
    Ok(text)
}

/// Reads the files that [`save`] wrote, verifies the hash, and hands their contents to `build`, whose error says what
/// is wrong with the arrays.
pub(crate) fn load<M: DeserializeOwned, T>(
    folder: &Path,
    name: &str,
    build: impl FnOnce(M, &mut Arrays) -> Result<T, String>,
) -> Result<T, ClassicalError> {
    let read = |path: &Path| read_limited(path, MOST_BYTES).map_err(|error| ClassicalError::io(path, error));
    let path = folder.join(format!("{name}.json"));
    let description: Description<M> = serde_json::from_slice(&read(&path)?)
        .map_err(|error| ClassicalError::file(&path, format!("is not the description of a {name} model: {error}")))?;
    if description.format != format(name) {
        return Err(ClassicalError::file(
            &path,
            format!("has the format {:?}, expected {:?}", description.format, format(name)),
        ));
    }
    let arrays_path = folder.join(format!("{name}.safetensors"));
    let bytes = read(&arrays_path)?;
    if Sha256Digest::of(&bytes) != description.arrays_sha256 {
        return Err(ClassicalError::file(
            &arrays_path,
            format!("is damaged or does not belong to {name}.json (its SHA-256 differs)"),
        ));
    }
    let (mut arrays, _) = Arrays::parse(&bytes).map_err(|problem| ClassicalError::file(&arrays_path, problem))?;
    let built = build(description.model, &mut arrays).map_err(|problem| ClassicalError::file(&arrays_path, problem))?;
    match arrays.names().first() {
        None => Ok(built),
        Some(unknown) => {
            Err(ClassicalError::file(&arrays_path, format!("holds {unknown}, which a {name} model does not have")))
        }
    }
}

/// Checks that classes are digits in ascending order.
pub(super) fn check_classes(classes: &[u8]) -> Result<(), String> {
    let ascending = classes.windows(2).all(|pair| pair[0] < pair[1]);
    match classes.last() {
        Some(&last) if ascending && last < 10 => Ok(()),
        _ => Err(format!("is described with the classes {classes:?}, expected digits in ascending order")),
    }
}

/// Checks that numbers are finite and not so large that sums of them could overflow.
pub(super) fn check_numbers(what: &str, mut numbers: impl Iterator<Item = f64>) -> Result<(), String> {
    const LARGEST: f64 = 1e12;
    match numbers.find(|number| !number.is_finite() || number.abs() > LARGEST) {
        Some(number) => Err(format!("holds {number} among its {what}, expected numbers within ±{LARGEST:e}")),
        None => Ok(()),
    }
}
