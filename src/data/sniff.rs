//! Recognition of contents that are not what a file's name says: a web page in place of a table, an archive, a picture.

/// Bytes that are looked at.
pub(super) const SNIFFED: usize = 512;

/// First bytes of formats, with what they are and what to do.
const SIGNATURES: [(&[u8], &str); 26] = [
    (b"PK\x03\x04", "a zip archive (so are .xlsx and .npz files): unpack it, or export the table as CSV"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "packed by gzip twice: unpack it once"),
    (b"\xfd7zXZ\0", "packed by xz: unpack it (`unxz`)"),
    (b"BZh", "packed by bzip2: unpack it (`bunzip2`)"),
    (b"\x28\xb5\x2f\xfd", "packed by Zstandard: unpack it (`unzstd`)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"Rar!", "a RAR archive: unpack it"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x93NUMPY", "a NumPy array (.npy): save it as CSV, with the label first"),
    (b"\x89HDF", "an HDF5 file: save its arrays as CSV or pictures"),
    (b"PAR1", "a Parquet file: save it as CSV or pictures"),
    (b"MATLAB", "a MATLAB file: save its arrays as CSV or pictures"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook: export the sheet as CSV"),
    (b"SQLite format 3", "an SQLite database"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: run `git lfs pull`"),
    (b"\x80\x02", "a Python pickle (.pkl, .pt): save its arrays as CSV or pictures"),
    (b"\x80\x03", "a Python pickle (.pkl, .pt): save its arrays as CSV or pictures"),
    (b"\x80\x04", "a Python pickle (.pkl, .pt): save its arrays as CSV or pictures"),
    (b"\x80\x05", "a Python pickle (.pkl, .pt): save its arrays as CSV or pictures"),
    (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
    (b"@relation", "an ARFF file: save its table as CSV"),
];

/// Foreign format of a file by its first bytes, with advice; none if they may be a table or IDX.
pub fn foreign_content(head: &[u8]) -> Option<String> {
    let head = &head[..head.len().min(SNIFFED)];
    if let Some((_, what)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Some((*what).to_owned());
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar archive: unpack it".to_owned());
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if [&b"<!doctype"[..], b"<html", b"<head", b"<body", b"<?xml", b"<!--", b"<script"].iter().any(|word| begins(word))
    {
        return Some(
            "a web page (HTML or XML), perhaps the answer of a server in place of the file: download it again"
                .to_owned(),
        );
    }
    if begins(b"@relation") {
        return Some("an ARFF file: save its table as CSV".to_owned());
    }
    match text.first() {
        Some(b'{' | b'[') => Some("JSON, perhaps an error message in place of the file".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_archives_and_pictures_are_named_and_data_is_not() {
        for (bytes, word) in [
            (&b"<!DOCTYPE html><html>"[..], "a web page"),
            (b"\n  <HTML lang=en>", "a web page"),
            (b"\xef\xbb\xbf<?xml version='1.0'?><Error>", "a web page"),
            (b"PK\x03\x04....", "a zip archive"),
            (b"\x1f\x8b\x08", "gzip twice"),
            (b"{\"message\": \"Not Found\"}", "JSON"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
            (b"\xff\xfe1\0,\0", "UTF-16"),
        ] {
            assert!(foreign_content(bytes).unwrap().contains(word), "{bytes:?}");
        }
        let mut tar = vec![b'a'; 300];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(foreign_content(&tar).unwrap().contains("tar"));
        for bytes in [
            &b"label,pixel0"[..],
            b"5,0,0",
            b"\"label\";",
            b"\0\0\x08\x03",
            b"\xef\xbb\xbflabel",
            b"0.0\t",
            b"",
            b"\n\n",
        ] {
            assert_eq!(foreign_content(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = foreign_content(&bytes);
        }
    }
}
