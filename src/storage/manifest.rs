//! The list of a folder's files with their hashes.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Damage, RelativePath, Sha256Digest, StorageError,
    json::parse_json,
    listing::{self, list},
    read::{digest, read_limited},
};

/// Version of the manifest's layout.
const FORMAT: u32 = 1;
/// Largest manifest that is read, in bytes: some 100 000 files.
const MAX_BYTES: u64 = 16 << 20;
/// Names of files, in whatever folder, that differ between two equal runs: times, machines, and lists of hashes of such
/// files.
const NOT_REPRODUCIBLE: [&str; 4] = ["timings.json", "timing.json", "environment.json", PART_MANIFEST];

/// A run's manifest.
pub(super) const MANIFEST: &str = "manifest.json";
/// A part's manifest.
pub(super) const PART_MANIFEST: &str = "part.json";

/// One file of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    /// Relative to the manifest's folder.
    pub path: RelativePath,
    /// Size in bytes.
    pub bytes: u64,
    /// Hash of the bytes.
    pub sha256: Sha256Digest,
}

/// Every file of a folder but the manifest itself and the run directory's bookkeeping, by ascending path.
///
/// It says whether files are as they were written, against broken disks and mixed-up copies. It is not signed: whoever
/// can change a file can change the manifest too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    format: u32,
    files: Vec<ManifestEntry>,
}

/// A manifest as read from the disk, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    format: u32,
    files: Vec<ManifestEntry>,
}

impl Manifest {
    /// Hashes files of `root`.
    pub(super) fn of(root: &Path, paths: impl IntoIterator<Item = RelativePath>) -> Result<Self, StorageError> {
        let entry = |path: RelativePath| {
            let file = path.under(root);
            let (sha256, bytes) = digest(&file).map_err(StorageError::io("read", &file))?;
            Ok(ManifestEntry { path, bytes, sha256 })
        };
        let mut files = paths.into_iter().map(entry).collect::<Result<Vec<_>, StorageError>>()?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { format: FORMAT, files })
    }

    /// Lists files by name, size and digest.
    pub(crate) fn of_entries(files: &[(&str, u64, Sha256Digest)]) -> Result<Self, StorageError> {
        let entry = |&(path, bytes, sha256): &(&str, u64, Sha256Digest)| {
            Ok(ManifestEntry { path: RelativePath::parse(path)?, bytes, sha256 })
        };
        let mut files = files.iter().map(entry).collect::<Result<Vec<_>, StorageError>>()?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { format: FORMAT, files })
    }

    /// Reads a manifest. Paths that leave its folder, paths out of order or given twice, unknown fields and other
    /// formats are refused.
    pub fn read(file: &Path) -> Result<Self, StorageError> {
        Self::parse(file, &read_limited(file, MAX_BYTES).map_err(StorageError::io("read", file))?)
    }

    fn parse(file: &Path, bytes: &[u8]) -> Result<Self, StorageError> {
        let RawManifest { format, files } = parse_json(file, bytes)?;
        let refuse = |field: String, problem: String| Err(StorageError::Json { path: file.to_owned(), field, problem });
        if format != FORMAT {
            return refuse(
                "format".to_owned(),
                format!("{format}, expected {FORMAT}; was it written by a newer version?"),
            );
        }
        if let Some(index) = files.windows(2).position(|pair| pair[0].path >= pair[1].path) {
            return refuse(
                format!("files[{}].path", index + 1),
                "paths are not in ascending order, each once".to_owned(),
            );
        }
        Ok(Self { format, files })
    }

    /// All files, by ascending path.
    pub fn files(&self) -> &[ManifestEntry] {
        &self.files
    }

    /// One file.
    pub fn get(&self, path: &str) -> Option<&ManifestEntry> {
        self.files.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok().map(|index| &self.files[index])
    }

    /// One SHA-256 over everything that is the same whenever the same program does the same run on the same data, in
    /// hexadecimal.
    ///
    /// Left out are files named `timings.json`, `timing.json`, `environment.json` and `part.json` in any folder. Equal
    /// hashes mean equal models, predictions and scores, byte for byte.
    pub fn reproducible_hash(&self) -> String {
        let mut hash = Sha256::new();
        for entry in &self.files {
            let path = entry.path.as_str();
            let name = path.rsplit('/').next().unwrap_or(path);
            if NOT_REPRODUCIBLE.contains(&name) {
                continue;
            }
            hash.update(path.as_bytes());
            hash.update([0]);
            hash.update(entry.bytes.to_le_bytes());
            hash.update(entry.sha256.0);
        }
        Sha256Digest::from(hash).to_string()
    }

    /// Reads one file and checks the bytes that were read.
    pub fn read_file(&self, root: &Path, path: &str) -> Result<Vec<u8>, StorageError> {
        let damaged = |damage| StorageError::Damaged { directory: root.to_owned(), damage: vec![damage] };
        let entry = self.get(path).ok_or_else(|| damaged(Damage::Extra { path: path.to_owned() }))?;
        let file = entry.path.under(root);
        let bytes = read_limited(&file, entry.bytes).map_err(StorageError::io("read", file))?;
        let found = Sha256Digest::of(&bytes);
        if found != entry.sha256 {
            return Err(damaged(Damage::Changed { path: path.to_owned(), expected: entry.sha256, found }));
        }
        Ok(bytes)
    }

    /// Compares a folder with this manifest: every missing, changed and extra file is named. `skip` are names directly
    /// in the folder that the manifest does not list.
    pub(super) fn verify(&self, root: &Path, skip: &[&str]) -> Result<(), StorageError> {
        let expected: BTreeMap<_, _> =
            self.files.iter().map(|entry| (&entry.path, (entry.sha256, entry.bytes))).collect();
        let damage = listing::compare(root, list(root, skip)?, &expected)?;
        if damage.is_empty() { Ok(()) } else { Err(StorageError::Damaged { directory: root.to_owned(), damage }) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::json::to_json, *};

    fn manifest(paths: &[&str]) -> Manifest {
        let entry = |path: &&str| ManifestEntry {
            path: RelativePath::parse(path).unwrap(),
            bytes: 3,
            sha256: Sha256Digest::of(path.as_bytes()),
        };
        Manifest { format: FORMAT, files: paths.iter().map(entry).collect() }
    }

    fn parse(text: &str) -> Result<Manifest, StorageError> {
        Manifest::parse(Path::new("manifest.json"), text.as_bytes())
    }

    #[test]
    fn golden_bytes() {
        let text = String::from_utf8(to_json(&manifest(&["a"])).unwrap()).unwrap();
        assert_eq!(
            text,
            "{\n  \"format\": 1,\n  \"files\": [\n    {\n      \"path\": \"a\",\n      \"bytes\": 3,\n      \"sha256\": \
             \"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\"\n    }\n  ]\n}\n"
        );
        assert_eq!(parse(&text).unwrap(), manifest(&["a"]));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        let good = String::from_utf8(to_json(&manifest(&["a", "b"])).unwrap()).unwrap();
        for (from, to, field) in [
            ("\"a\"", "\"../a\"", "files[0].path"),
            ("\"a\"", "\"/a\"", "files[0].path"),
            ("\"a\"", "\"b\"", "files[1].path"),
            ("\"a\"", "\"c\"", "files[1].path"),
            ("ca978", "CA978", "files[0].sha256"),
            ("ca978", "ca97", "files[0].sha256"),
            ("\"bytes\": 3", "\"bytes\": -3", "files[0].bytes"),
            ("\"format\": 1", "\"format\": 2", "format"),
            ("\"format\": 1", "\"format\": 1, \"more\": 1", "more"),
        ] {
            let error = parse(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(field) && error.contains("manifest.json"), "{from} → {to}: {error}");
        }
    }

    #[test]
    fn times_and_machines_do_not_change_the_reproducible_hash() {
        let base = manifest(&["metrics.json", "models/cnn/model"]).reproducible_hash();
        let more =
            ["environment.json", "metrics.json", "models/cnn/model", "models/cnn/part.json", "models/cnn/timing.json"];
        assert_eq!(manifest(&more).reproducible_hash(), base);
        assert_ne!(manifest(&["metrics.json", "models/cnn/model2"]).reproducible_hash(), base);
        assert_ne!(manifest(&["metrics.json"]).reproducible_hash(), base);
        assert_ne!(manifest(&["metrics.json", "models/cnn/model", "reports"]).reproducible_hash(), base);
    }

    proptest! {
        #[test]
        fn any_manifest_survives_a_round_trip(
            names in proptest::collection::btree_set("[a-z]{1,8}(/[a-z0-9-]{1,8}){0,3}", 0..20),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let manifest = manifest(&names);
            let text = String::from_utf8(to_json(&manifest).unwrap()).unwrap();
            prop_assert_eq!(parse(&text).unwrap(), manifest);
        }

        #[test]
        fn a_changed_byte_never_panics_and_never_lets_a_path_out(
            index in 0_usize..400, byte in any::<u8>(), cut in 0_usize..500,
        ) {
            let mut bytes = to_json(&manifest(&["a/b", "models/cnn/x", "z"])).unwrap();
            let index = index % bytes.len();
            bytes[index] = byte;
            bytes.truncate(bytes.len().saturating_sub(cut.saturating_sub(250)));
            if let Ok(manifest) = Manifest::parse(Path::new("m"), &bytes) {
                for entry in manifest.files() {
                    let path = entry.path.as_str();
                    prop_assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
                }
            }
        }

        #[test]
        fn any_text_is_refused_or_read(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
