//! Keys that requests must show.

use std::{fmt, path::Path};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::storage::read_text_limited;

/// Largest file of keys, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Fewest characters of a key. As many random letters and digits cannot be guessed over a network.
const MIN_CHARACTERS: usize = 16;

/// Keys of the callers of the service; a request must show one of them.
#[derive(Clone)]
pub struct ApiKeys {
    /// SHA-256 of each key: all comparisons are of equal length.
    digests: Vec<[u8; 32]>,
}

/// Wrong file of keys. No message quotes a key.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The file cannot be read.
    #[error("{0}: cannot be read: {1}")]
    Read(String, #[source] std::io::Error),
    /// The file has no key.
    #[error("{0}: has no key; write one a line, for example with `openssl rand -hex 32`")]
    Empty(String),
    /// A line is no key.
    #[error("{0}:{1}: {2}")]
    Line(String, usize, String),
}

impl ApiKeys {
    /// Reads a file with a key on each line; blank lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// Names the file, and the line of a key that is shorter than 16 characters or has a character that a header cannot
    /// carry.
    pub fn read(path: &Path) -> Result<Self, ApiKeyError> {
        let file = || path.display().to_string();
        let text = read_text_limited(path, MAX_BYTES).map_err(|source| ApiKeyError::Read(file(), source))?;
        match Self::parse(&text) {
            Ok(keys) if keys.digests.is_empty() => Err(ApiKeyError::Empty(file())),
            Ok(keys) => Ok(keys),
            Err((line, problem)) => Err(ApiKeyError::Line(file(), line, problem)),
        }
    }

    /// Parses the text of a file. An error is the number of a line, from 1, and what is wrong with it.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut digests = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let key = line.trim();
            if key.is_empty() || key.starts_with('#') {
                continue;
            }
            let problem = |problem: String| (index + 1, problem);
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(problem(
                    "the key has a blank or a character that is not ASCII; expected neither".to_owned(),
                ));
            }
            let found = key.len();
            if found < MIN_CHARACTERS {
                return Err(problem(format!("the key has {found} characters, expected at least {MIN_CHARACTERS}")));
            }
            digests.push(digest(key));
        }
        Ok(Self { digests })
    }

    /// Number of keys.
    pub fn count(&self) -> usize {
        self.digests.len()
    }

    /// Compares a key with every one of the list, in a time that depends on its length only.
    pub(super) fn accept(&self, key: &str) -> bool {
        let shown = digest(key);
        let none = Choice::from(0);
        self.digests.iter().fold(none, |found, known| found | known.ct_eq(&shown)).into()
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ApiKeys({})", self.count())
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "0123456789abcdef";

    #[test]
    fn each_line_is_a_key_and_wrong_ones_are_named_by_their_line_alone() {
        let text = format!("# the page\n{KEY}\n\n  {KEY}-2 \r\n");
        let keys = ApiKeys::parse(&text).unwrap();
        assert_eq!(keys.count(), 2);
        assert!(keys.accept(KEY) && keys.accept("0123456789abcdef-2"));
        for wrong in ["", "0123456789abcde", "0123456789abcdeg", "0123456789ABCDEF", "# the page", "0123456789abcdef-3"]
        {
            assert!(!keys.accept(wrong), "{wrong}");
        }
        for (text, line, words) in [
            ("0123456789abcde", 1, "15 characters"),
            ("\n#\n0123456789 abcdef", 3, "blank"),
            ("0123456789abcdefü", 1, "not ASCII"),
        ] {
            let (found, problem) = ApiKeys::parse(text).unwrap_err();
            assert!(found == line && problem.contains(words) && !problem.contains("0123"), "{found}: {problem}");
        }
        assert!(!format!("{keys:?}").contains("012"));
    }

    #[test]
    fn files_without_keys_and_without_bytes_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        assert!(ApiKeys::read(&path).unwrap_err().to_string().contains("keys: cannot be read"));
        std::fs::write(&path, "# none\n").unwrap();
        assert!(ApiKeys::read(&path).unwrap_err().to_string().contains("openssl"));
        std::fs::write(&path, KEY).unwrap();
        assert_eq!(ApiKeys::read(&path).unwrap().count(), 1);
    }

    proptest! {
        #[test]
        fn a_key_is_accepted_if_and_only_if_a_line_has_it(
            keys in prop::collection::vec("[!-~&&[^#]][!-~]{15,40}", 1..5), other in "[!-~]{0,40}"
        ) {
            let parsed = ApiKeys::parse(&keys.join("\n")).unwrap();
            prop_assert!(keys.iter().all(|key| parsed.accept(key)));
            prop_assert_eq!(parsed.accept(&other), keys.contains(&other));
        }
    }
}
