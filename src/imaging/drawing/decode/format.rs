//! Recognises the format of a picture by its first bytes.

use super::super::error::DrawingError;

/// Format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Gif,
    Bmp,
    WebP,
    Tiff,
    Pnm,
}

const AS_JPEG: &str = "save it as JPEG or PNG";
const AS_PNG: &str = "export it as PNG";

/// First bytes of formats that are not read: what they are, and what to do.
const OTHER_FORMATS: [(&[u8], &str, &str); 15] = [
    (b"\xff\x0a", "a JPEG XL picture", AS_JPEG),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", AS_JPEG),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", AS_JPEG),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", AS_JPEG),
    (b"%PDF", "a PDF document", "export the page as PNG, or take a screenshot"),
    (b"%!PS", "a PostScript document", AS_PNG),
    (b"8BPS", "a Photoshop document", AS_PNG),
    (b"gimp xcf", "a GIMP document", AS_PNG),
    (b"\0\0\x01\0", "a Windows icon", AS_PNG),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture", AS_PNG),
    (b"#?RADIANCE", "a Radiance HDR picture", AS_PNG),
    (b"qoif", "a QOI picture", AS_PNG),
    (b"AT&TFORM", "a DjVu document", AS_PNG),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile", AS_PNG),
    (b"II+\0", "a BigTIFF picture", "save it as plain TIFF or PNG"),
];

/// First bytes of files that are no pictures.
const NO_PICTURES: [(&[u8], &str); 7] = [
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"\x7fELF", "a program"),
    (b"RIFF", "sound or film"),
    (b"version https://git-lfs", "a Git LFS pointer; run `git lfs pull`"),
];

/// Brands of the ISO base media format that hold pictures; others are films.
const BRANDS: [(&[u8], &str); 8] = [
    (b"heic", "a HEIC picture"),
    (b"heix", "a HEIC picture"),
    (b"hevc", "a HEIC picture"),
    (b"heim", "a HEIC picture"),
    (b"mif1", "a HEIF picture"),
    (b"msf1", "a HEIF picture"),
    (b"avif", "an AVIF picture"),
    (b"avis", "an AVIF picture"),
];

impl Format {
    /// Recognises a format that is read.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => Some(Self::Png),
            [0xff, 0xd8, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', ..] => Some(Self::Gif),
            [b'B', b'M', ..] => Some(Self::Bmp),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            [b'P', b'1'..=b'7', b' ' | b'\t' | b'\n' | b'\r' | b'#', ..] => Some(Self::Pnm),
            _ => None,
        }
    }
}

/// Error for bytes of no format that is read: says what they are.
pub(super) fn foreign(bytes: &[u8]) -> DrawingError {
    if let Some((_, what, advice)) = OTHER_FORMATS.iter().find(|(start, ..)| bytes.starts_with(start)) {
        return DrawingError::OtherFormat { what, advice };
    }
    if let [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] = bytes {
        let picture = BRANDS.iter().find(|(name, _)| brand.starts_with(name));
        return match picture {
            Some((_, what)) => DrawingError::OtherFormat {
                what,
                advice: "save it as JPEG or PNG (iPhone: Settings, Camera, Formats, Most Compatible)",
            },
            None => DrawingError::NotAPicture { found: "a film" },
        };
    }
    let head = &bytes[..bytes.len().min(1024)];
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let holds = |word: &[u8]| head.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    if text.starts_with(b"<") {
        return match holds(b"<svg") {
            true => DrawingError::OtherFormat { what: "an SVG drawing", advice: AS_PNG },
            false => DrawingError::NotAPicture { found: "a web page or other XML" },
        };
    }
    let found = NO_PICTURES.iter().find(|(start, _)| bytes.starts_with(start)).map(|&(_, what)| what);
    let is_text = !text.is_empty() && text.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace());
    DrawingError::NotAPicture {
        found: found.unwrap_or(match bytes {
            [] => "an empty file",
            _ if is_text => "text",
            _ => "bytes of no known format",
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_read_is_named_with_what_to_do() {
        for (bytes, words) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0"[..], &["HEIC", "JPEG or PNG"][..]),
            (b"\0\0\0\x1cftypavif", &["AVIF", "JPEG or PNG"]),
            (b"\0\0\0\x18ftypmp42", &["not a picture", "a film"]),
            (b"<?xml version='1.0'?>\n<svg xmlns='", &["SVG", "PNG"]),
            (b"\n<!DOCTYPE html><html>", &["not a picture", "web page"]),
            (b"%PDF-1.7", &["PDF", "export"]),
            (b"PK\x03\x04", &["not a picture", "zip", "unpack"]),
            (b"RIFF\0\0\0\0WAVE", &["not a picture", "sound"]),
            (b"three", &["not a picture", "text", "expected PNG, JPEG"]),
            (b"", &["an empty file"]),
            (&[0; 40], &["bytes of no known format"]),
        ] {
            let error = foreign(bytes).to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
            assert_eq!(Format::of(bytes), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_named(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (Format::of(&bytes), foreign(&bytes).to_string());
        }
    }
}
