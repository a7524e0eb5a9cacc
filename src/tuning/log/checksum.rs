//! Checksum that every line of this program carries.
//!
//! The last member of its JSON object is `"sha256"`: the SHA-256 of the whole file up to that member. It covers all
//! lines before, including those of other programs, so that no line can be edited, moved, removed or inserted without
//! the next checksum telling. The member can be checked with `head -c BYTES study.jsonl | sha256sum`. Optuna and its
//! dashboard look up the members that they know and ignore this one.
//!
//! Another program may append a line between the moment when the checksum is computed and the moment when the line is
//! written. The checksum then covers the file without that line, which the next checksum covers: see [`SLIPPED_IN`].
//!
//! It is a checksum, not a signature: whoever recomputes every checksum can write what they like. And a file that ends
//! earlier, after a whole line, is a valid log: it is what an interrupted search leaves.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

use crate::storage::Sha256Digest;

/// Text between the other members of a line and its checksum.
const MEMBER: &str = ",\"sha256\":\"";
/// Text after the checksum, without the end of the line.
const CLOSING: &str = "\"}";
/// Hexadecimal digits of a checksum.
const DIGITS: usize = 64;
/// Largest number of lines of other programs that may come between the computation of a checksum and its line.
const SLIPPED_IN: usize = 16;

/// Running hash of a log, from its beginning to the end of the last line taken in.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    hash: Sha256,
    /// The hash before each of the last lines, as long as those are lines of other programs.
    before_others: VecDeque<Sha256>,
}

impl Chain {
    /// Adds the checksum to a line, which is a JSON object and an end of line, and is to be the next one.
    pub(super) fn seal(&self, line: &str) -> String {
        let members = line.trim_end().strip_suffix('}').unwrap_or(line);
        let digest = digest(&self.hash, members.as_bytes());
        format!("{members}{MEMBER}{digest}{CLOSING}\n")
    }

    /// Takes in the next line, its end included.
    ///
    /// # Errors
    /// The problem in words: a checksum that does not match, or none on a line of this program.
    pub(super) fn take(&mut self, line: &[u8], ours: bool) -> Result<(), String> {
        match split(line) {
            Some((members, checksum)) => {
                let matches = |hash: &Sha256| digest(hash, members).as_bytes() == checksum;
                if !matches(&self.hash) && !self.before_others.iter().rev().any(matches) {
                    return Err("its checksum does not match: this line was edited, or a line before it was edited, \
                                removed, inserted or moved"
                        .to_owned());
                }
            }
            None if ours => return Err("it has no checksum, and was not written by this version".to_owned()),
            None => {}
        }
        if ours {
            self.before_others.clear();
        } else {
            self.before_others.push_back(self.hash.clone());
            if self.before_others.len() > SLIPPED_IN {
                self.before_others.pop_front();
            }
        }
        self.hash.update(line);
        Ok(())
    }
}

/// Splits a line into its other members and its checksum, if it has one.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(b"\n").unwrap_or(line).strip_suffix(CLOSING.as_bytes())?;
    let (rest, checksum) = line.split_at_checked(line.len().checked_sub(DIGITS)?)?;
    let members = rest.strip_suffix(MEMBER.as_bytes())?;
    checksum.iter().all(u8::is_ascii_hexdigit).then_some((members, checksum))
}

/// Returns the checksum of a line with these members, after the lines of `hash`.
fn digest(hash: &Sha256, members: &[u8]) -> String {
    let mut hash = hash.clone();
    hash.update(members);
    Sha256Digest::from(hash).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three lines of this program with a line of another before the last.
    fn lines() -> (Vec<String>, Chain) {
        let mut chain = Chain::default();
        let mut lines = Vec::new();
        for (line, ours) in
            [("{\"a\":1}\n", true), ("{\"b\":2}\n", true), ("{\"x\":0}\n", false), ("{\"c\":3}\n", true)]
        {
            let line = if ours { chain.seal(line) } else { line.to_owned() };
            assert_eq!(chain.take(line.as_bytes(), ours), Ok(()));
            lines.push(line);
        }
        (lines, chain)
    }

    fn first_problem(lines: &[String]) -> Option<usize> {
        let mut chain = Chain::default();
        lines.iter().position(|line| chain.take(line.as_bytes(), !line.contains('x')).is_err())
    }

    #[test]
    fn the_checksum_is_that_of_the_file_before_it() {
        let (lines, _) = lines();
        let text = lines.concat();
        let end = text.rfind(MEMBER).unwrap();
        let expected = Sha256Digest::of(&text.as_bytes()[..end]).to_string();
        assert_eq!(&text[end + MEMBER.len()..], format!("{expected}\"}}\n"));
        assert!(text.starts_with("{\"a\":1,\"sha256\":\""));
    }

    #[test]
    fn every_change_is_noticed() {
        let (lines, _) = lines();
        assert_eq!(first_problem(&lines), None);
        for (index, line) in lines.iter().enumerate() {
            // One that belongs to another program is covered by the next of this one.
            let noticed = if line.contains('x') { index + 1 } else { index };
            let mut edited = lines.clone();
            edited[index] = line.replacen(['1', '2', '0', '3'], "7", 1);
            assert_eq!(first_problem(&edited), Some(noticed), "edited {index}");
            let mut dropped = lines.clone();
            dropped.remove(index);
            let expected = (index..dropped.len()).find(|&index| !dropped[index].contains('x'));
            assert_eq!(first_problem(&dropped), expected, "dropped {index}");
            if !line.contains('x') {
                let mut doubled = lines.clone();
                doubled.insert(index, line.clone());
                assert_eq!(first_problem(&doubled), Some(index + 1), "doubled {index}");
            }
            if index > 0 {
                let mut moved = lines.clone();
                moved.swap(index - 1, index);
                assert!(first_problem(&moved).is_some(), "moved {index}");
            }
        }
        let mut bare = lines.clone();
        bare[1] = "{\"b\":2}\n".to_owned();
        assert_eq!(first_problem(&bare), Some(1));
    }

    #[test]
    fn a_line_that_slipped_in_is_covered_by_the_next_checksum() {
        let (mut lines, mut chain) = lines();
        let sealed = chain.seal("{\"d\":4}\n");
        for line in ["{\"x\":5}\n", "{\"x\":6}\n"] {
            assert_eq!(chain.take(line.as_bytes(), false), Ok(()));
            lines.push(line.to_owned());
        }
        assert_eq!(chain.take(sealed.as_bytes(), true), Ok(()));
        lines.push(sealed);
        let next = chain.seal("{\"e\":5}\n");
        assert_eq!(chain.take(next.as_bytes(), true), Ok(()));
        lines.push(next);
        assert_eq!(first_problem(&lines), None);
        let at = lines.len() - 4;
        lines[at] = lines[at].replace('5', "7");
        assert_eq!(first_problem(&lines), Some(at + 3));
    }
}
