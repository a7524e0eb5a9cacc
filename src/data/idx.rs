//! IDX, MNIST's own format: a header of big-endian numbers, then raw bytes.
//!
//! ```text
//! images: 00 00 08 03 | count | 28 | 28 | count · 784 bytes, row-major, 0 = background
//! labels: 00 00 08 01 | count | count bytes, 0 to 9
//! ```
//!
//! The third byte is the element type (8 = unsigned byte), the fourth the number of dimensions. Other types and sizes
//! exist and are refused. Nothing is allocated because a header asks for it: memory grows with the bytes that are
//! really there. Source: <http://yann.lecun.com/exdb/mnist/>.

use std::{
    io::{self, BufReader, Read, Write},
    path::Path,
};

use super::{
    CLASSES, Digits, Images, PIXELS, SIDE,
    counted::counted,
    error::{DataError, Result, reading},
    file::{Contents, FileHash, write_whole},
};

/// Most items in a file.
pub const MAX_COUNT: u64 = 10_000_000;

/// Kind of contents, with the dimensions that its header states: `[count]` or `[count, 28, 28]`.
#[derive(Clone, Copy)]
enum Kind {
    Images,
    Labels,
}

impl Kind {
    fn dimensions(self) -> u8 {
        match self {
            Self::Images => 3,
            Self::Labels => 1,
        }
    }

    fn item_bytes(self) -> usize {
        match self {
            Self::Images => PIXELS,
            Self::Labels => 1,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Labels => "labels",
        }
    }
}

/// Reads a file of images, plain or gzip.
///
/// # Errors
/// [`DataError::Read`] if the file cannot be read or unpacked, [`DataError::Format`] if it is not `[count, 28, 28]`
/// unsigned bytes of exactly the length that its header states.
pub fn read_images(path: &Path) -> Result<Images> {
    Ok(read_images_hashed(path)?.0)
}

/// Reads a file of labels, plain or gzip.
///
/// # Errors
/// As [`read_images`], and if a label is above 9.
pub fn read_labels(path: &Path) -> Result<Vec<u8>> {
    Ok(read_labels_hashed(path)?.0)
}

/// Reads a pair of files, plain or gzip. Each image is its own group.
///
/// # Errors
/// Those of [`read_images`] and [`read_labels`], and if the counts differ.
pub fn read_pair(images: &Path, labels: &Path) -> Result<Digits> {
    Ok(read_pair_hashed(images, labels)?.0)
}

/// Decodes images from any reader; `name` stands for it in errors.
///
/// # Errors
/// As [`read_images`].
pub fn decode_images(bytes: impl Read, name: &Path) -> Result<Images> {
    let pixels = decode(&mut BufReader::new(bytes), None, Kind::Images, name)?;
    Ok(Images::new(pixels).expect("the decoder returns whole images"))
}

/// Decodes labels from any reader; `name` stands for it in errors.
///
/// # Errors
/// As [`read_labels`].
pub fn decode_labels(bytes: impl Read, name: &Path) -> Result<Vec<u8>> {
    decode(&mut BufReader::new(bytes), None, Kind::Labels, name)
}

pub(super) fn read_images_hashed(path: &Path) -> Result<(Images, FileHash)> {
    let (pixels, hash) = read(path, Kind::Images)?;
    Ok((Images::new(pixels).expect("the decoder returns whole images"), hash))
}

pub(super) fn read_labels_hashed(path: &Path) -> Result<(Vec<u8>, FileHash)> {
    read(path, Kind::Labels)
}

pub(super) fn read_pair_hashed(images: &Path, labels: &Path) -> Result<(Digits, [FileHash; 2])> {
    let (pixels, pixel_hash) = read_images_hashed(images)?;
    let (classes, class_hash) = read_labels_hashed(labels)?;
    Ok((pair(pixels, classes, images, labels)?, [pixel_hash, class_hash]))
}

/// Joins the contents of two files.
pub(super) fn pair(pixels: Images, classes: Vec<u8>, images: &Path, labels: &Path) -> Result<Digits> {
    if pixels.len() == classes.len() {
        return Ok(Digits::new(pixels, classes));
    }
    let problem = format!(
        "{}, but {} holds {}: the two do not belong together",
        counted(classes.len(), "label"),
        images.display(),
        counted(pixels.len(), "image")
    );
    Err(DataError::Format { path: labels.to_owned(), problem })
}

fn read(path: &Path, kind: Kind) -> Result<(Vec<u8>, FileHash)> {
    let mut contents = Contents::open(path)?;
    contents.refuse_foreign(path)?;
    let length = contents.plain_length();
    let items = decode(&mut contents, length, kind, path)?;
    Ok((items, contents.finish(path)))
}

/// Reads header, items and the end of the file. `length` is the file's, where it is known beforehand.
fn decode(bytes: &mut impl Read, length: Option<u64>, kind: Kind, path: &Path) -> Result<Vec<u8>> {
    let wrong = |problem: String| DataError::Format { path: path.to_owned(), problem };
    let mut header = [0; 16];
    let header = &mut header[..4 + 4 * usize::from(kind.dimensions())];
    let mut found = 0;
    while found < header.len() {
        match bytes.read(&mut header[found..]) {
            Ok(0) => {
                return Err(wrong(format!(
                    "ends after {found} bytes, inside the {}-byte header of IDX {}",
                    header.len(),
                    kind.name()
                )));
            }
            Ok(count) => found += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(reading(path)(error)),
        }
    }
    let magic = [0, 0, 8, kind.dimensions()];
    if header[..4] != magic {
        let problem = format!("starts with {:02x?}, but IDX {} start with {magic:02x?}", &header[..4], kind.name());
        return Err(wrong(problem));
    }
    let mut sizes = header[4..].as_chunks::<4>().0.iter().map(|size| u64::from(u32::from_be_bytes(*size)));
    let count = sizes.next().unwrap_or_default();
    if sizes.any(|size| size != SIDE as u64) {
        let [rows, columns] =
            [&header[8..12], &header[12..16]].map(|size| u32::from_be_bytes([size[0], size[1], size[2], size[3]]));
        return Err(wrong(format!("the header states images of {rows}×{columns} pixels, expected {SIDE}×{SIDE}")));
    }
    if count > MAX_COUNT {
        return Err(wrong(format!("the header states {count} {}, at most {MAX_COUNT} are read", kind.name())));
    }
    let expected = count * kind.item_bytes() as u64;
    let whole = header.len() as u64 + expected;
    if let Some(length) = length.filter(|&length| length != whole) {
        return Err(wrong(format!(
            "holds {length} bytes, but its header states {count} {}, which take {whole}",
            kind.name()
        )));
    }
    // A plain file of this length exists, so reserving it asks for no more than is there.
    let mut items = Vec::with_capacity(if length.is_some() { expected as usize } else { 0 });
    let read = bytes.by_ref().take(expected + 1).read_to_end(&mut items).map_err(reading(path))? as u64;
    if read < expected {
        return Err(wrong(format!(
            "ends after {read} of the {expected} bytes that its header states ({count} {})",
            kind.name()
        )));
    }
    if read > expected {
        return Err(wrong(format!(
            "goes on after the {expected} bytes that its header states ({count} {})",
            kind.name()
        )));
    }
    if let (Kind::Labels, Some(index)) = (kind, items.iter().position(|&label| usize::from(label) >= CLASSES)) {
        return Err(wrong(format!("label {index} is {}, expected 0 to 9", items[index])));
    }
    items.shrink_to_fit();
    Ok(items)
}

/// Encodes images.
///
/// # Errors
/// Those of the writer.
pub fn encode_images(images: &Images, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    encode(images.pixels(), images.len(), Kind::Images, out)
}

/// Encodes labels.
///
/// # Errors
/// Those of the writer.
pub fn encode_labels(labels: &[u8], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    encode(labels, labels.len(), Kind::Labels, out)
}

fn encode(items: &[u8], count: usize, kind: Kind, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    if count as u64 > MAX_COUNT {
        return Err(io::Error::other(format!("{count} {}, at most {MAX_COUNT} are written", kind.name())));
    }
    out.write_all(&[0, 0, 8, kind.dimensions()])?;
    out.write_all(&(count as u32).to_be_bytes())?;
    for _ in 1..kind.dimensions() {
        out.write_all(&(SIDE as u32).to_be_bytes())?;
    }
    out.write_all(items)
}

/// Writes `digits` as a pair of files, each whole or not at all; packed if the name ends in `.gz`. Groups are not part
/// of the format.
///
/// # Errors
/// [`DataError::Write`].
pub fn write_pair(digits: &Digits, images: &Path, labels: &Path) -> Result<()> {
    write_whole(images, |out| encode_images(&digits.images, out))?;
    write_whole(labels, |out| encode_labels(&digits.labels, out))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name() -> &'static Path {
        Path::new("some-file")
    }

    fn two_images() -> (Images, Vec<u8>) {
        let images = Images::from_images([[7; PIXELS], [200; PIXELS]]);
        let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28];
        bytes.extend([7; PIXELS]);
        bytes.extend([200; PIXELS]);
        (images, bytes)
    }

    #[test]
    fn golden_bytes() {
        let (images, golden) = two_images();
        let mut bytes = Vec::new();
        encode_images(&images, &mut bytes).unwrap();
        assert_eq!(bytes, golden);
        assert_eq!(decode_images(&golden[..], name()).unwrap(), images);

        let mut bytes = Vec::new();
        encode_labels(&[3, 9], &mut bytes).unwrap();
        assert_eq!(bytes, [0, 0, 8, 1, 0, 0, 0, 2, 3, 9]);
        assert_eq!(decode_labels(&bytes[..], name()).unwrap(), [3, 9]);
    }

    #[track_caller]
    fn refused(result: Result<impl std::fmt::Debug>, words: &str) {
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with("some-file: ") && error.contains(words), "{error}");
    }

    #[test]
    fn errors_say_what_was_found() {
        let (_, golden) = two_images();
        let changed = |at: usize, value: u8| {
            let mut bytes = golden.clone();
            bytes[at] = value;
            decode_images(&bytes[..], name())
        };
        refused(decode_images(&golden[..9], name()), "ends after 9 bytes, inside the 16-byte header");
        refused(decode_images(&golden[..1000], name()), "ends after 984 of the 1568 bytes");
        refused(decode_images(&[&golden[..], &[0]].concat()[..], name()), "goes on after the 1568 bytes");
        refused(changed(2, 0x0d), "starts with [00, 00, 0d, 03], but IDX images start with [00, 00, 08, 03]");
        refused(changed(3, 1), "starts with [00, 00, 08, 01]");
        refused(changed(11, 32), "32×28 pixels, expected 28×28");
        refused(changed(4, 0xff), "4278190082 images, at most 10000000");
        refused(changed(5, 0x10), "of the 822085152 bytes");
        refused(decode_labels(&[0, 0, 8, 1, 0, 0, 0, 2, 3, 10][..], name()), "label 1 is 10, expected 0 to 9");
        refused(decode_labels(&[][..], name()), "ends after 0 bytes");
    }

    #[test]
    fn files_plain_and_packed_are_checked_against_their_length_and_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let digits = Digits::new(two_images().0, vec![1, 2]);
        for (images, labels) in [(at("i"), at("l")), (at("i.gz"), at("l.gz"))] {
            write_pair(&digits, &images, &labels).unwrap();
            assert_eq!(read_pair(&images, &labels).unwrap(), digits);
        }
        let one = digits.select(&[0]);
        write_pair(&one, &at("i1"), &at("l1")).unwrap();
        let error = read_pair(&at("i"), &at("l1")).unwrap_err().to_string();
        assert!(error.contains("1 label, but") && error.contains("holds 2 images"), "{error}");

        let mut bytes = std::fs::read(at("i")).unwrap();
        bytes.pop();
        std::fs::write(at("short"), &bytes).unwrap();
        let error = read_images(&at("short")).unwrap_err().to_string();
        assert!(error.contains("holds 1583 bytes, but its header states 2 images, which take 1584"), "{error}");

        let packed = std::fs::read(at("i.gz")).unwrap();
        std::fs::write(at("cut.gz"), &packed[..packed.len() / 2]).unwrap();
        assert!(matches!(read_images(&at("cut.gz")), Err(DataError::Read { .. })));
        std::fs::write(at("tail.gz"), [&packed[..], b"tail"].concat()).unwrap();
        assert!(read_images(&at("tail.gz")).is_err());
        let error = read_images(folder.path()).unwrap_err().to_string();
        assert!(error.contains("regular file"), "{error}");
        assert!(matches!(read_images(&at("none")), Err(DataError::Read { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn round_trip(
            pixels in proptest::collection::vec(any::<u8>(), PIXELS * 2),
            labels in proptest::collection::vec(0u8..10, 0..50),
        ) {
            let images = Images::new(pixels).unwrap();
            let mut bytes = Vec::new();
            encode_images(&images, &mut bytes).unwrap();
            prop_assert_eq!(decode_images(&bytes[..], name()).unwrap(), images);
            let mut bytes = Vec::new();
            encode_labels(&labels, &mut bytes).unwrap();
            prop_assert_eq!(decode_labels(&bytes[..], name()).unwrap(), labels);
        }

        #[test]
        fn any_change_is_read_or_refused(at in 0usize..24, value: u8, cut in 0usize..1584) {
            let (_, mut bytes) = two_images();
            bytes[at] = value;
            if let Ok(images) = decode_images(&bytes[..], name()) {
                prop_assert_eq!(images.len(), 2);
            }
            prop_assert!(decode_images(&bytes[..cut], name()).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let labels = decode_labels(&bytes[..], name());
            prop_assert!(labels.is_err() || labels.unwrap().len() + 8 == bytes.len());
            prop_assert!(decode_images(&bytes[..], name()).is_err() || bytes.len() == 16);
        }
    }
}
