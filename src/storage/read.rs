//! Reading whole files, up to a limit.
//!
//! Nobody vouches for the files that are named on a command line or found in a folder: a name may be a FIFO that never
//! answers, a device that never ends, or a file that does not fit into memory. Every file of this program that is read
//! whole is read here: opened without waiting for a writer, refused unless it is a regular file, and read up to a limit
//! that the caller sets, whatever length the file claims to have.

use std::{
    fs::{File, FileType, OpenOptions},
    io::{self, ErrorKind, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::Sha256Digest;

/// Words for a folder.
const FOLDER: &str = "a folder";

/// Opens a regular file, or a link to one, for reading; never blocks.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for a FIFO, a socket or a device, [`ErrorKind::IsADirectory`] for a folder; otherwise those
/// of the operating system.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a FIFO would otherwise wait for a writer. Regular files do not know the flag.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let opened = options.open(path);
    // Some kinds of files cannot be opened at all, with an error that does not say why.
    let kind = match &opened {
        Ok(file) => Some(file.metadata()?.file_type()),
        Err(_) => std::fs::metadata(path).ok().map(|metadata| metadata.file_type()),
    };
    match kind.and_then(not_regular) {
        Some(found) => {
            let kind = if found == FOLDER { ErrorKind::IsADirectory } else { ErrorKind::InvalidInput };
            Err(io::Error::new(kind, format!("it is {found}, expected a regular file")))
        }
        None => opened,
    }
}

/// Names the kind of a file that is not a regular one.
pub(super) fn not_regular(kind: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a named pipe (FIFO)");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    if kind.is_dir() {
        Some(FOLDER)
    } else if kind.is_file() {
        None
    } else {
        Some("a special file")
    }
}

/// Reads a whole regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`] and [`read_at_most`].
pub(crate) fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_large(&format!("{length} bytes"), limit));
    }
    read_at_most(file, limit)
}

/// Reads a whole regular file of at most `limit` bytes as UTF-8 text.
///
/// # Errors
/// As [`read_limited`]; [`ErrorKind::InvalidData`] if the bytes are not UTF-8.
pub(crate) fn read_text_limited(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_limited(path, limit)?).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        io::Error::new(ErrorKind::InvalidData, format!("it is not UTF-8 text: wrong byte in line {line}"))
    })
}

/// Reads to the end, which must come after at most `limit` bytes.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] names the limit; otherwise those of the operating system.
pub(crate) fn read_at_most(source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(&format!("more than {limit} bytes"), limit));
    }
    Ok(bytes)
}

fn too_large(found: &str, limit: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it has {found}, expected at most {limit}"))
}

/// Tells whether a file is not what this program writes, rather than that it is out of reach.
pub(super) fn is_wrong_file(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::FileTooLarge | ErrorKind::InvalidInput)
}

/// Computes SHA-256 and size of a regular file, read in pieces.
pub(crate) fn digest(path: &Path) -> io::Result<(Sha256Digest, u64)> {
    let mut file = open_regular(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((hash.into(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_bytes_and_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        std::fs::write(&path, "four").unwrap();
        assert_eq!(read_limited(&path, 4).unwrap(), b"four");
        assert_eq!(digest(&path).unwrap(), (Sha256Digest::of(b"four"), 4));
        let error = read_limited(&path, 3).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::FileTooLarge, "it has 4 bytes, expected at most 3")
        );
        let error = read_at_most(io::repeat(0), 5).unwrap_err();
        assert_eq!(error.to_string(), "it has more than 5 bytes, expected at most 5");
        std::fs::write(&path, b"one\ntw\xff").unwrap();
        assert!(read_text_limited(&path, 9).unwrap_err().to_string().contains("line 2"));
    }

    #[cfg(unix)]
    #[test]
    fn fifos_devices_and_folders_are_refused_at_once() {
        let root = tempfile::tempdir().unwrap();
        let fifo = root.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let zero = root.path().join("zero");
        std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
        let socket = root.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, words) in [
            (fifo.as_path(), "a named pipe (FIFO)"),
            (&zero, "a device"),
            (&socket, "a socket"),
            (root.path(), "a folder"),
        ] {
            let error = read_limited(path, 10).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(is_wrong_file(&error), path != root.path(), "{error}");
        }
    }
}
