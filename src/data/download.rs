//! Downloads that are verified before they take their final name.
//!
//! A file is written under a temporary name in its final folder, unpacked and hashed from there, and only then synced
//! and renamed; whatever bears the final name has been verified. A download that breaks off starts again at the next
//! mirror: mirrors pack the same contents differently, so that the start from one and the rest from another would not
//! fit together, and the largest file is 10 MB. A process that is killed leaves its `.digitstack-*.part` file behind,
//! which is never read and which the next download into the folder removes.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    error::{DataError, Result, writing},
    file::Contents,
};
use crate::{
    progress::Progress,
    storage::{AtomicFile, Sha256Digest, remove_leftovers},
};

/// File to download, with the length and digest of its unpacked contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name without `.gz`.
    pub name: String,
    /// Its length, unpacked.
    pub bytes: u64,
    /// SHA-256 of its unpacked contents.
    pub sha256: Sha256Digest,
}

/// Addresses and time limits of downloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrors {
    /// Addresses, each with a `/` at its end, to which `<name>.gz` is added; tried in order.
    pub urls: Vec<String>,
    /// Time limit for connecting, and for the start of the response.
    pub connect: Duration,
    /// Time limit for a pause within the response.
    pub stall: Duration,
    /// Time limit for a whole file.
    pub total: Duration,
}

impl Default for Mirrors {
    /// Three mirrors of MNIST; 15 s to connect, 30 s of silence, 10 minutes a file.
    fn default() -> Self {
        let urls = [
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ];
        Self {
            urls: urls.map(String::from).to_vec(),
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            total: Duration::from_secs(600),
        }
    }
}

impl RemoteFile {
    /// Tells whether the file at `path`, unpacked, has this length and digest.
    ///
    /// # Errors
    /// [`DataError::Read`] if it cannot be read or unpacked.
    pub fn is_at(&self, path: &Path) -> Result<bool> {
        let mut contents = Contents::open(path)?;
        let length = io::copy(&mut contents.by_ref().take(self.bytes + 1), &mut io::sink())
            .map_err(super::error::reading(path))?;
        Ok(length == self.bytes && contents.finish(path).sha256 == self.sha256)
    }
}

/// Downloads `file` into `folder` as `<name>.gz`, from the first mirror that gives a copy with the right hash, and
/// returns its path.
///
/// # Errors
/// [`DataError::Download`] with what each mirror did, where `wanted` lists the files to put into the folder by hand;
/// [`DataError::Write`] if the folder cannot be written.
pub fn download(
    file: &RemoteFile,
    mirrors: &Mirrors,
    folder: &Path,
    wanted: &[String],
    progress: &dyn Progress,
) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).map_err(writing(folder))?;
    let config = ureq::Agent::config_builder()
        .timeout_connect(Some(mirrors.connect))
        .timeout_recv_response(Some(mirrors.connect))
        .timeout_per_read(Some(mirrors.stall))
        .timeout_global(Some(mirrors.total))
        .accept_encoding("identity")
        .build();
    let agent = ureq::Agent::new_with_config(config);
    let path = folder.join(format!("{}.gz", file.name));
    let mut attempts = Vec::new();
    remove_leftovers(folder).map_err(writing(folder))?;
    for url in &mirrors.urls {
        let url = format!("{url}{}.gz", file.name);
        let mut part = AtomicFile::outside(folder).map_err(writing(folder))?;
        match fetch(file, &agent, &url, &mut part, progress) {
            Ok(()) => {}
            Err(Trouble::Mirror(problem)) => {
                progress.message(&format!("{url}: {problem}"));
                attempts.push(format!("{url}: {problem}"));
                continue;
            }
            Err(Trouble::Disk(error)) => return Err(writing(folder)(error)),
        }
        let problem = match file.is_at(part.path()) {
            Ok(true) => {
                part.replace(&path).map_err(writing(&path))?;
                return Ok(path);
            }
            Ok(false) => format!("the file is not the one expected (SHA-256 {})", file.sha256),
            Err(DataError::Read { source, .. }) => format!("the file is damaged: {source}"),
            Err(error) => return Err(error),
        };
        progress.message(&format!("{url}: {problem}"));
        attempts.push(format!("{url}: {problem}"));
    }
    Err(DataError::Download { file: file.name.clone(), attempts, wanted: wanted.to_vec(), folder: folder.to_owned() })
}

/// Cause of a failed download.
enum Trouble {
    Mirror(String),
    Disk(io::Error),
}

/// Copies the body of one response into `out`.
fn fetch(
    file: &RemoteFile,
    agent: &ureq::Agent,
    url: &str,
    out: &mut impl Write,
    progress: &dyn Progress,
) -> std::result::Result<(), Trouble> {
    let mirror = |problem: &dyn std::fmt::Display| Trouble::Mirror(problem.to_string());
    let answer = agent.get(url).call().map_err(|error| mirror(&error))?;
    // Gzip makes what cannot be packed longer by far less than this.
    let most = file.bytes + file.bytes / 100 + 4096;
    let stated = answer.body().content_length();
    if let Some(stated) = stated.filter(|&stated| stated > most) {
        return Err(mirror(&format!("states {stated} bytes, expected at most {most}")));
    }
    let task = progress.task(&format!("downloading {}", file.name), stated.unwrap_or(file.bytes), "bytes");
    let mut body = answer.into_body().into_reader().take(most + 1);
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(mirror(&format!("broke off after {received} bytes: {error}"))),
        };
        out.write_all(&buffer[..count]).map_err(Trouble::Disk)?;
        received += count as u64;
        if received > most {
            return Err(mirror(&format!("sent more than {most} bytes")));
        }
        task.advance(count as u64);
    }
    match stated {
        Some(stated) if stated != received => Err(mirror(&format!("sent {received} of {stated} bytes"))),
        _ => Ok(()),
    }
}
