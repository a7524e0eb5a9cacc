//! SHA-256 digests: one type, one way to print and to parse them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A SHA-256 digest; 64 lower-case hexadecimal digits in text and in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

impl Sha256Digest {
    /// Computes the digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl From<Sha256> for Sha256Digest {
    /// Ends a hash that was fed in pieces.
    fn from(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }
}

impl FromStr for Sha256Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let parse = || -> Option<[u8; 32]> {
            let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
            let bytes: Option<Vec<u8>> =
                pairs.iter().map(|&[high, low]| Some(16 * digit(high)? + digit(low)?)).collect();
            bytes?.try_into().ok()
        };
        parse().map(Self).ok_or_else(|| {
            let found = text.chars().take(80).collect::<String>();
            format!("{found:?} is not a SHA-256 digest of 64 lower-case hexadecimal digits")
        })
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn digests_are_the_published_ones() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(Sha256Digest::from(Sha256::new().chain_update("a").chain_update("bc")), digest);
        assert_eq!(ABC.parse(), Ok(digest));
        assert_eq!(serde_json::to_string(&digest).unwrap(), format!("\"{ABC}\""));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "ba78", &ABC.to_uppercase(), &format!("{ABC}0"), &format!("{ABC}00"), &ABC.replace('b', "g")] {
            assert!(text.parse::<Sha256Digest>().unwrap_err().contains("64 lower-case"), "{text}");
        }
    }
}
