//! JSON files.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::{StorageError, read::read_limited};

/// Largest JSON file that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// Renders indented JSON that ends in a newline.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>, StorageError> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Reads a JSON file of at most 256 MiB; errors name the file and the field.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StorageError> {
    parse_json(path, &read_limited(path, MAX_BYTES).map_err(StorageError::io("read", path))?)
}

/// Parses the bytes of a JSON file; `path` names it in errors.
pub(super) fn parse_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, StorageError> {
    let refuse = |field: String, problem: String| StorageError::Json { path: path.to_owned(), field, problem };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refuse(error.path().to_string(), error.inner().to_string()))?;
    deserializer.end().map_err(|error| refuse(".".to_owned(), error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_field() {
        #[derive(Debug, serde::Deserialize)]
        struct Outer {
            #[allow(dead_code)]
            inner: Vec<u8>,
        }
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("x.json");
        std::fs::write(&file, r#"{"inner": [1, 2, "x"]}"#).unwrap();
        let error = read_json::<Outer>(&file).unwrap_err().to_string();
        assert!(error.contains("x.json") && error.contains("inner[2]"), "{error}");
        std::fs::write(&file, r#"{"inner": []} more"#).unwrap();
        assert!(matches!(read_json::<Outer>(&file), Err(StorageError::Json { .. })));
    }
}
