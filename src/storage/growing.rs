//! Files that grow line by line for a long time outside run directories, and are there under their name only when they
//! are complete.
//!
//! Until then the lines are in a file beside it, `NAME.IDENTITY.partial`: what has been worked out survives a kill, and
//! the same work goes on from there. The identity is a hash of everything that the lines depend on, so that other work
//! never goes on with them. A line that a kill cut off, or that is not what the work expects at its place, ends what is
//! kept. The partial file is locked while a process writes it.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use same_file::Handle;
use tempfile::TempPath;

use super::{
    OutputFile, Sha256Digest, StorageError,
    atomic::{folder_of, sync_folder},
    read::not_regular,
};

/// Hexadecimal digits of the identity in a name.
const IDENTITY_DIGITS: usize = 12;
/// End of the name.
const PARTIAL: &str = ".partial";
/// Longest name of an output that a partial file's name repeats, in bytes.
const LONGEST_NAME: usize = 200;
/// Attempts to open a file that other processes finish meanwhile.
const ATTEMPTS: usize = 16;
/// Longest line that is kept, in bytes.
const LONGEST_LINE: u64 = 64 << 10;

/// An output that is written line by line under a temporary name that says what it belongs to.
#[derive(Debug)]
pub(crate) struct GrowingFile {
    output: OutputFile,
    partial: PathBuf,
    file: BufWriter<File>,
}

impl GrowingFile {
    /// Begins an output, or goes on with the one of the same identity.
    ///
    /// `header` is the first line, without its end. The lines behind it are handed to `keep` in blocks of `block` whole
    /// lines, each without its end, as long as it returns true; everything behind them is cut off.
    ///
    /// # Errors
    /// [`StorageError::Output`] if another process is writing the partial file, or it is not a file;
    /// [`StorageError::Io`].
    pub(crate) fn open(
        output: &OutputFile,
        identity: &Sha256Digest,
        header: &str,
        block: usize,
        keep: &mut dyn FnMut(&[String]) -> bool,
    ) -> Result<Self, StorageError> {
        let partial = partial_path(output.target(), identity);
        if let Some(kind) = partial.symlink_metadata().ok().and_then(|found| not_regular(found.file_type())) {
            let problem = format!("{} beside it is {kind}; remove it", partial.display());
            return Err(StorageError::Output { path: output.target().to_owned(), problem });
        }
        let file = locked(&partial).map_err(StorageError::io("open", &partial))?.ok_or_else(|| {
            let problem = "another process is writing it; wait for it, or name another file".to_owned();
            StorageError::Output { path: output.target().to_owned(), problem }
        })?;
        let resume = || -> io::Result<BufWriter<File>> {
            let kept = kept_bytes(&file, header, block, keep)?;
            let mut file = file;
            file.set_len(kept)?;
            file.seek(SeekFrom::Start(kept))?;
            let mut file = BufWriter::new(file);
            if kept == 0 {
                writeln!(file, "{header}")?;
            }
            Ok(file)
        };
        let file = resume().map_err(StorageError::io("write", &partial))?;
        Ok(Self { output: output.clone(), partial, file })
    }

    /// True if earlier work of this identity left something of an output.
    pub(crate) fn exists(output: &OutputFile, identity: &Sha256Digest) -> bool {
        partial_path(output.target(), identity).symlink_metadata().is_ok()
    }

    /// The file that the lines are in until the output is complete.
    pub(crate) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Flushes the lines to the disk and gives the file its name. What other work left for the same output goes.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if the name is taken and the file is not to be replaced; [`StorageError::Io`]. The
    /// partial file stays then.
    pub(crate) fn finish(self) -> Result<(), StorageError> {
        let Self { output, partial, file } = self;
        let file = file.into_inner().map_err(|error| StorageError::io("write", &partial)(error.into_error()))?;
        file.sync_all().map_err(StorageError::io("flush", &partial))?;
        let temporary = TempPath::try_from_path(&partial).map_err(StorageError::io("look at", &partial))?;
        let target = output.target();
        let renamed = if output.replaces() { temporary.persist(target) } else { temporary.persist_noclobber(target) };
        if let Err(failed) = renamed {
            // Dropped, the path would be removed.
            let _ = failed.path.keep();
            return Err(match failed.error.kind() {
                ErrorKind::AlreadyExists => StorageError::Exists(target.to_owned()),
                _ => StorageError::io("write", target)(failed.error),
            });
        }
        drop(file);
        let folder = folder_of(target);
        remove_others(target).and_then(|()| sync_folder(folder)).map_err(StorageError::io("tidy up", folder))
    }
}

impl Write for GrowingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens and locks a partial file, which is created if there is none; none if another process has it.
fn locked(partial: &Path) -> io::Result<Option<File>> {
    for _ in 0..ATTEMPTS {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(partial)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Ok(None);
        }
        // A process that finished between the two has given the file its final name.
        let other = file.try_clone()?;
        let is_there =
            Handle::from_path(partial).is_ok_and(|there| Handle::from_file(other).is_ok_and(|own| own == there));
        if is_there {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// True if a path is that of an output or of a partial file of it: no input of the work that writes the output.
pub(crate) fn is_output_or_partial(path: &Path, output: &Path) -> bool {
    let is_named =
        path.file_name() == output.file_name() || path.file_name().is_some_and(|name| is_partial_of(name, output));
    let folder = |path: &Path| folder_of(path).canonicalize().ok();
    is_named && folder(path).is_some() && folder(path) == folder(output)
}

/// Beginning of the names of an output's partial files: its own name, unless that is too long for more letters.
fn stem(output: &Path) -> OsString {
    let name = output.file_name().unwrap_or_default();
    let mut stem = match name.len() {
        0..=LONGEST_NAME => name.to_owned(),
        _ => OsString::from(format!("{}", Sha256Digest::of(name.as_encoded_bytes()))),
    };
    stem.push(".");
    stem
}

fn partial_path(output: &Path, identity: &Sha256Digest) -> PathBuf {
    let mut name = stem(output);
    name.push(&identity.to_string()[..IDENTITY_DIGITS]);
    name.push(PARTIAL);
    output.with_file_name(name)
}

/// Tells whether a file of this name in the folder of an output is a partial file of it.
fn is_partial_of(name: &OsStr, output: &Path) -> bool {
    let identity = name
        .as_encoded_bytes()
        .strip_prefix(stem(output).as_encoded_bytes())
        .and_then(|rest| rest.strip_suffix(PARTIAL.as_bytes()));
    identity.is_some_and(|identity| identity.len() == IDENTITY_DIGITS && identity.iter().all(u8::is_ascii_hexdigit))
}

/// Removes the partial files of an output that no process writes.
fn remove_others(output: &Path) -> io::Result<()> {
    for entry in folder_of(output).read_dir()? {
        let entry = entry?;
        if !is_partial_of(&entry.file_name(), output) || !entry.file_type()?.is_file() {
            continue;
        }
        let free = OpenOptions::new().read(true).write(true).open(entry.path());
        if free.is_ok_and(|file| file.try_lock().is_ok()) {
            match std::fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Length of what is kept of a partial file: the header and whole blocks of lines that `keep` accepts, or nothing.
fn kept_bytes(file: &File, header: &str, block: usize, keep: &mut dyn FnMut(&[String]) -> bool) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let Some(first) = whole_line(&mut reader)?.filter(|line| line == header) else { return Ok(0) };
    let mut kept = first.len() as u64 + 1;
    loop {
        let mut lines = Vec::with_capacity(block);
        while lines.len() < block {
            match whole_line(&mut reader)? {
                Some(line) => lines.push(line),
                None => return Ok(kept),
            }
        }
        if !keep(&lines) {
            return Ok(kept);
        }
        kept += lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>();
    }
}

/// The next line of UTF-8 text that has an end, without it; none for what a kill or a broken disk left.
fn whole_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    reader.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    Ok(if line.pop() == Some(b'\n') { String::from_utf8(line).ok() } else { None })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(path: &Path, identity: &str, block: usize) -> Result<(GrowingFile, Vec<String>), StorageError> {
        let mut kept = Vec::new();
        let identity = Sha256Digest::of(identity.as_bytes());
        let file =
            GrowingFile::open(&OutputFile::open(path, false).unwrap(), &identity, "head", block, &mut |lines| {
                let is_good = lines.iter().all(|line| line.starts_with("line"));
                kept.extend(lines.iter().filter(|_| is_good).cloned());
                is_good
            })?;
        Ok((file, kept))
    }

    fn names(folder: &Path) -> usize {
        folder.read_dir().unwrap().count()
    }

    #[test]
    fn the_same_work_goes_on_and_other_work_begins_anew() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("out.csv");
        let (mut file, kept) = open(&path, "a", 2).unwrap();
        assert!(kept.is_empty());
        file.write_all(b"line 1\nline 2\nline 3\nli").unwrap();
        file.flush().unwrap();
        assert!(open(&path, "a", 2).unwrap_err().to_string().contains("another process is writing it"));
        drop(file);
        assert!(!path.exists());

        let (other, kept) = open(&path, "b", 2).unwrap();
        assert!(kept.is_empty());
        drop(other);
        assert_eq!(names(root.path()), 2);
        let (mut file, kept) = open(&path, "a", 2).unwrap();
        assert_eq!(kept, ["line 1", "line 2"], "whole blocks");
        file.write_all(b"line 3\n").unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"head\nline 1\nline 2\nline 3\n");
        assert_eq!(names(root.path()), 1, "what other work left is gone");
    }

    #[test]
    fn a_name_that_is_taken_meanwhile_is_not_replaced_and_nothing_is_lost() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("out.csv");
        let (file, _) = open(&path, "a", 1).unwrap();
        let partial = file.partial().to_owned();
        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(file.finish(), Err(StorageError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        assert_eq!(std::fs::read(partial).unwrap(), b"head\n");
    }

    #[test]
    fn an_output_and_its_partial_files_are_known_by_their_names() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("out.csv");
        let partial = partial_path(&output, &Sha256Digest::of(b"x"));
        let long = root.path().join("x".repeat(250));
        assert!(is_output_or_partial(&partial, &output) && is_output_or_partial(&output, &output));
        assert!(is_output_or_partial(&partial_path(&long, &Sha256Digest::of(b"x")), &long));
        assert!(partial_path(&long, &Sha256Digest::of(b"x")).file_name().unwrap().len() < 255);
        for other in ["out.csv.partial", "out.csv.0123456789ag.partial", "out.csv.0123456789ab", "a.png"] {
            assert!(!is_output_or_partial(&root.path().join(other), &output), "{other}");
        }
        std::fs::create_dir(root.path().join("inner")).unwrap();
        assert!(!is_output_or_partial(&root.path().join("inner/out.csv"), &output));
    }

    proptest! {
        #[test]
        fn whatever_is_left_of_the_file_only_whole_good_blocks_are_kept(
            lines in 0_usize..12, block in 1_usize..4, cut in 0_usize..100, change in 0_usize..100, byte: u8,
        ) {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join("out.csv");
            let mut text = b"head\n".to_vec();
            (0..lines).for_each(|line| text.extend(format!("line {line}\n").bytes()));
            let whole = text.clone();
            text.truncate(cut);
            if let Some(found) = text.get_mut(change) {
                *found = byte;
            }
            std::fs::write(partial_path(&path, &Sha256Digest::of(b"a")), &text).unwrap();
            let (file, kept) = open(&path, "a", block).unwrap();
            prop_assert_eq!(kept.len() % block, 0);
            let partial = file.partial().to_owned();
            drop(file);
            let left = std::fs::read(partial).unwrap();
            prop_assert!(left.starts_with(b"head\n") && left.ends_with(b"\n"));
            let is_kept = left == b"head\n" || text.starts_with(&left);
            prop_assert!(is_kept);
            if change >= cut.min(whole.len()) {
                prop_assert!(whole.starts_with(&left));
            }
        }
    }
}
