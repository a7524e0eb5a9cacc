//! QMNIST's extended labels: `[count, 8]` big-endian 32-bit integers, of which the first of each row is the digit.
//!
//! ```text
//! 00 00 0c 02 | count | 8 | count · 8 · 4 bytes
//! ```
//!
//! Source: <https://github.com/facebookresearch/qmnist>.

use std::{io::Read, path::Path};

use super::{
    CLASSES,
    error::{DataError, Result, reading},
    file::{Contents, FileHash},
    idx::MAX_COUNT,
};

/// Most numbers in a row.
const MAX_FIELDS: u64 = 64;

/// Reads a file of extended labels, plain or gzip.
pub(super) fn read_labels_hashed(path: &Path) -> Result<(Vec<u8>, FileHash)> {
    let mut contents = Contents::open(path)?;
    contents.refuse_foreign(path)?;
    let labels = decode_labels(&mut contents, path)?;
    Ok((labels, contents.finish(path)))
}

/// Decodes extended labels from any reader; `name` stands for it in errors.
///
/// # Errors
/// [`DataError::Format`] if they are not `[count, fields]` 32-bit integers of exactly the length that the header
/// states, or if the first of a row is no digit.
pub fn decode_labels(bytes: &mut impl Read, name: &Path) -> Result<Vec<u8>> {
    let wrong = |problem: String| DataError::Format { path: name.to_owned(), problem };
    let mut header = Vec::new();
    bytes.by_ref().take(12).read_to_end(&mut header).map_err(reading(name))?;
    let [0, 0, 0x0c, 2, size @ ..] = &header[..] else {
        let start = &header[..header.len().min(4)];
        return Err(wrong(format!("starts with {start:02x?}, but extended labels start with [00, 00, 0c, 02]")));
    };
    let Some([count, fields]) = size.as_chunks::<4>().0.get(..2).map(|sizes| [sizes[0], sizes[1]]) else {
        return Err(wrong(format!("ends after {} bytes, inside the 12-byte header of extended labels", header.len())));
    };
    let [count, fields] = [count, fields].map(|size| u64::from(u32::from_be_bytes(size)));
    if count > MAX_COUNT || !(1..=MAX_FIELDS).contains(&fields) {
        let most = format!("at most {MAX_COUNT} rows of 1 to {MAX_FIELDS} are read");
        return Err(wrong(format!("the header states {count} rows of {fields} numbers; {most}")));
    }
    let expected = count * fields * 4;
    let mut rows = Vec::new();
    bytes.by_ref().take(expected + 1).read_to_end(&mut rows).map_err(reading(name))?;
    if rows.len() as u64 != expected {
        let than = if (rows.len() as u64) < expected { "ends before" } else { "goes on after" };
        return Err(wrong(format!("{than} the {expected} bytes that its header states ({count} rows)")));
    }
    let digit = |(index, row): (usize, &[u8])| {
        let value = u32::from_be_bytes([row[0], row[1], row[2], row[3]]);
        u8::try_from(value)
            .ok()
            .filter(|&digit| usize::from(digit) < CLASSES)
            .ok_or_else(|| wrong(format!("label {index} is {value}, expected 0 to 9")))
    };
    rows.chunks_exact(4 * fields as usize).enumerate().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(labels: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0x0c, 2];
        bytes.extend((labels.len() as u32).to_be_bytes());
        bytes.extend(8u32.to_be_bytes());
        for &label in labels {
            bytes.extend(label.to_be_bytes());
            bytes.extend([0xff; 28]);
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Vec<u8>> {
        decode_labels(&mut &bytes[..], Path::new("qmnist"))
    }

    #[test]
    fn errors_say_what_was_found() {
        let bytes = encoded(&[3, 9]);
        for (bytes, words) in [
            (&bytes[..20], "ends before the 64 bytes"),
            (&[&bytes[..], &[0]].concat(), "goes on after the 64 bytes"),
            (&bytes[..9], "ends after 9 bytes"),
            (&[0, 0, 8, 1], "starts with [00, 00, 08, 01]"),
            (&encoded(&[3, 10]), "label 1 is 10, expected 0 to 9"),
        ] {
            let error = decode(bytes).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    proptest! {
        #[test]
        fn the_first_number_of_a_row_is_its_label(labels in proptest::collection::vec(0u32..10, 0..40)) {
            let read: Vec<u32> = decode(&encoded(&labels)).unwrap().into_iter().map(u32::from).collect();
            prop_assert_eq!(read, labels);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&bytes);
            let _ = decode(&[&[0, 0, 0x0c, 2][..], &bytes].concat());
        }
    }
}
