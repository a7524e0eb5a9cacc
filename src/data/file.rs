//! Data files: plain or gzip, hashed while they are read, written whole or not at all.
//!
//! Gzip is recognised by its first two bytes, never by the name: mirrors and browsers rename and unpack as they like.
//! The hash is that of the *unpacked* bytes, so that it identifies the contents however they are packed. A gzip file
//! may not unpack to much more than any real set of digits does, so that a few kilobytes cannot fill the memory.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    error::{DataError, Result, reading, writing},
    sniff::foreign_content,
};
use crate::storage::{AtomicFile, Sha256Digest, folder_of, open_regular};

/// A gzip file may always unpack to this many bytes: more than all of MNIST.
const UNPACKED_ALWAYS: u64 = 64 << 20;
/// Beyond [`UNPACKED_ALWAYS`], a gzip file may unpack to this many times its size. Digits pack about 5 to 1 as IDX and
/// 8 to 1 as CSV.
const UNPACKED_RATIO: u64 = 100;

/// A data file and the hash of its contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
    /// Name without its folder and without `.gz`.
    pub name: String,
    /// SHA-256 of the unpacked contents.
    pub sha256: Sha256Digest,
}

/// A file that counts the bytes read from it.
struct Counted {
    file: File,
    read: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

/// Contents of an open file, unpacked if it is gzip and hashed as they are read.
pub(super) struct Contents {
    bytes: Bytes,
    length: u64,
    hash: Sha256,
    read: u64,
    limit: u64,
    plain_length: Option<u64>,
}

enum Bytes {
    Plain(BufReader<Counted>),
    Gzip(Box<BufReader<MultiGzDecoder<BufReader<Counted>>>>),
}

impl Contents {
    /// Opens a regular file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = open_regular(path).map_err(reading(path))?;
        let length = file.metadata().map_err(reading(path))?.len();
        let mut file = BufReader::with_capacity(1 << 16, Counted { file, read: 0 });
        let gzip = file.fill_buf().map_err(reading(path))?.starts_with(&[0x1f, 0x8b]);
        Ok(if gzip {
            let limit = length.saturating_mul(UNPACKED_RATIO).max(UNPACKED_ALWAYS);
            let bytes = Bytes::Gzip(Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file))));
            Self { bytes, length, hash: Sha256::new(), read: 0, limit, plain_length: None }
        } else {
            Self {
                bytes: Bytes::Plain(file),
                length,
                hash: Sha256::new(),
                read: 0,
                limit: u64::MAX,
                plain_length: Some(length),
            }
        })
    }

    /// Refuses a file whose first bytes, unpacked, are those of a web page, an archive, a picture, or nothing.
    ///
    /// # Errors
    /// [`DataError::Format`] with what it is and what to do.
    pub(super) fn refuse_foreign(&mut self, path: &Path) -> Result<()> {
        let head = self.fill_buf().map_err(reading(path))?;
        match foreign_content(head) {
            Some(what) => Err(DataError::Format { path: path.to_owned(), problem: format!("is {what}") }),
            None => Ok(()),
        }
    }

    /// Size of the file in bytes, if it is not packed.
    pub(super) fn plain_length(&self) -> Option<u64> {
        self.plain_length
    }

    /// Bytes read so far and size of the file, both as it lies on the disk, packed or not.
    pub(super) fn position(&self) -> (u64, u64) {
        let read = match &self.bytes {
            Bytes::Plain(file) => file.get_ref().read,
            Bytes::Gzip(file) => file.get_ref().get_ref().get_ref().read,
        };
        (read.min(self.length), self.length)
    }

    /// Name and hash of the bytes read so far: of the whole file once it was read to its end.
    pub(super) fn finish(self, path: &Path) -> FileHash {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        FileHash { name: name.strip_suffix(".gz").unwrap_or(&name).to_owned(), sha256: self.hash.into() }
    }
}

impl Read for Contents {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Contents {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read > self.limit {
            return Err(io::Error::other(format!(
                "it unpacks to more than {} bytes, which no file of digits of its size does",
                self.limit
            )));
        }
        match &mut self.bytes {
            Bytes::Plain(file) => file.fill_buf(),
            Bytes::Gzip(file) => file.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match &mut self.bytes {
            Bytes::Plain(file) => {
                self.hash.update(&file.buffer()[..amount]);
                file.consume(amount);
            }
            Bytes::Gzip(file) => {
                self.hash.update(&file.buffer()[..amount]);
                file.consume(amount);
            }
        }
        self.read += amount as u64;
    }
}

/// Writes a whole file or none. Packed if its name ends in `.gz`, without a time stamp, so that equal contents give
/// equal files.
pub(super) fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let work = || {
        let folder = folder_of(path);
        std::fs::create_dir_all(folder)?;
        let mut plain = io::BufWriter::new(AtomicFile::outside(folder)?);
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut packed = flate2::GzBuilder::new().write(&mut plain, flate2::Compression::default());
            write(&mut packed)?;
            packed.finish()?;
        } else {
            write(&mut plain)?;
        }
        plain.into_inner().map_err(io::IntoInnerError::into_error)?.replace(path)
    };
    work().map_err(writing(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_told_by_its_bytes_and_hashes_like_the_plain_file() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, packed) = (folder.path().join("a"), folder.path().join("a.gz"));
        for path in [&plain, &packed] {
            write_whole(path, |out| out.write_all(b"abc")).unwrap();
        }
        let misnamed = folder.path().join("b");
        std::fs::rename(&packed, &misnamed).unwrap();
        assert_eq!(std::fs::read(&misnamed).unwrap()[..2], [0x1f, 0x8b]);
        for path in [&plain, &misnamed] {
            let mut contents = Contents::open(path).unwrap();
            let mut text = String::new();
            contents.read_to_string(&mut text).unwrap();
            assert_eq!(text, "abc");
            assert_eq!(contents.finish(path).sha256, Sha256Digest::of(b"abc"));
        }
    }

    #[test]
    fn a_gzip_bomb_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.gz");
        write_whole(&path, |out| {
            io::copy(&mut io::repeat(0).take(UNPACKED_ALWAYS + (1 << 20)), &mut &mut *out).map(|_| ())
        })
        .unwrap();
        let mut contents = Contents::open(&path).unwrap();
        let error = io::copy(&mut contents, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("unpacks to more than"), "{error}");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, |out| out.write_all(b"old")).unwrap();
        let error =
            write_whole(&path, |out| out.write_all(b"new").and(Err(io::Error::other("disk full")))).unwrap_err();
        assert!(error.to_string().contains("disk full"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
