//! Class folders: one folder a class, holding picture files.
//!
//! Whole files go to the caller's [`PictureReader`]; nothing is decoded here. Its polarity is decided once for the set:
//! every picture is read by itself, most of them say whether ink is dark or light, and the few that disagree are read
//! again that way. Where many disagree, the set is mixed, and each picture keeps its own.
//!
//! A file that gives no digit is passed over with its reason ([`SkippedFile`]); more than a share of them is an error.
//! The order is that of the classes, then of the files' paths' bytes, on every system.

mod list;
mod skipped;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{
    Digits, Images, Origins, PIXELS, PictureDigit, PictureProblem, PictureReader, Polarity,
    error::{DataError, Result},
    file::FileHash,
    picture::picture_bytes,
};
use crate::progress::Progress;

pub(super) use list::is_left_by_system;
use list::{PictureFile, list};
pub(crate) use skipped::quoted;
pub use skipped::{SkippedFile, skipped_csv};

/// Share of pictures read with the other polarity up to which they are taken for misread; above it the set is mixed.
const MAX_MISREAD: f64 = 0.1;

/// Folders of the classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFolders {
    /// Folder that the names of files are relative to.
    pub root: PathBuf,
    /// Class, 0 to 9, and folder of each, relative to `root`; in the order of the classes.
    pub classes: Vec<(u8, PathBuf)>,
}

/// Treatment of a folder's pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureOptions {
    /// Brightness of the ink.
    pub polarity: Polarity,
    /// Greatest share of files that may be passed over, 0 to 1.
    pub max_skipped: f64,
    /// Whether the first file that gives no digit is an error.
    pub strict: bool,
}

/// Pictures of a set of class folders.
#[derive(Clone, Debug)]
pub struct PictureSet {
    /// The digits, each its own group, called by their files.
    pub digits: Digits,
    /// Hash over the class, path and contents of each file that was read.
    pub hash: FileHash,
    /// Files that were passed over, in order.
    pub skipped: Vec<SkippedFile>,
}

type Outcome = std::result::Result<(PictureDigit, [u8; 32]), PictureProblem>;

/// Reads every picture of the class folders. `reader` is called from several threads.
///
/// Files that systems leave are passed over without a message; a class without a folder has no pictures.
///
/// # Errors
/// [`DataError::Layout`] if there is no file, if a class folder cannot be understood, or if too many files give no
/// digit; [`DataError::Format`] for the first such file if `options` are strict; [`DataError::Read`] if a folder cannot
/// be read.
pub fn read(
    folders: &ClassFolders,
    options: &PictureOptions,
    reader: &PictureReader,
    progress: &dyn Progress,
) -> Result<PictureSet> {
    let files = list(folders)?;
    let root = folders.root.display();
    let task = progress.task(&format!("reading {root}"), files.len() as u64, "images");
    let mut outcomes: Vec<Outcome> = files
        .par_iter()
        .map(|file| {
            let outcome = read_file(&file.path, options.polarity, reader);
            task.advance(1);
            outcome
        })
        .collect();
    drop(task);
    settle_polarity(&files, &mut outcomes, options, reader, &folders.root, progress);

    let mut hash = Sha256::new();
    let (mut pixels, mut labels, mut names) = (Vec::with_capacity(files.len() * PIXELS), Vec::new(), Vec::new());
    let mut skipped = Vec::new();
    for (file, outcome) in files.iter().zip(outcomes) {
        match outcome {
            Ok((digit, contents)) => {
                pixels.extend_from_slice(&digit.pixels);
                labels.push(file.class);
                names.push(file.name.clone());
                hash.update([file.class]);
                hash.update(Sha256::digest(&file.key));
                hash.update(contents);
            }
            Err(problem) if options.strict => {
                return Err(DataError::Format { path: file.path.clone(), problem: problem.message });
            }
            Err(problem) => skipped.push(SkippedFile { file: file.name.clone(), problem }),
        }
    }
    skipped::check(&skipped, files.len(), options.max_skipped, &folders.root)?;
    if !skipped.is_empty() {
        progress.message(&skipped::summary(&skipped, files.len(), &folders.root));
    }
    let images = Images::new(pixels).unwrap_or_default();
    let digits = Digits::new(images, labels).with_origins(Origins::files(names));
    Ok(PictureSet { digits, hash: FileHash { name: "pictures".to_owned(), sha256: hash.into() }, skipped })
}

/// Reads one file. Whatever is wrong with it is a problem of this file alone.
fn read_file(path: &Path, polarity: Polarity, reader: &PictureReader) -> Outcome {
    let bytes = picture_bytes(path)?;
    Ok((reader(&bytes, polarity)?, Sha256::digest(&bytes).into()))
}

/// Decides the polarity of the set by the pictures that were read, says it, and reads the few others again.
fn settle_polarity(
    files: &[PictureFile],
    outcomes: &mut [Outcome],
    options: &PictureOptions,
    reader: &PictureReader,
    root: &Path,
    progress: &dyn Progress,
) {
    let polarity_of = |outcome: &Outcome| outcome.as_ref().ok().map(|(digit, _)| digit.polarity);
    let all = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    if all == 0 {
        return;
    }
    let of = |polarity: Polarity| outcomes.iter().filter(|outcome| polarity_of(outcome) == Some(polarity)).count();
    let root = root.display();
    if options.polarity != Polarity::Auto {
        return progress.message(&format!("{root}: {all} pictures read as {} (data.polarity)", options.polarity));
    }
    let (dark, light) = (of(Polarity::DarkOnLight), of(Polarity::LightOnDark));
    let (most, few, polarity) = match dark > light {
        true => (dark, light, Polarity::DarkOnLight),
        false => (light, dark, Polarity::LightOnDark),
    };
    if few == 0 {
        return progress.message(&format!("{root}: {all} pictures, all {polarity}"));
    }
    if few as f64 > MAX_MISREAD * all as f64 {
        return progress.message(&format!(
            "{root}: the pictures are mixed: {dark} are dark on light and {light} light on dark; each is read by \
             itself (data.polarity = \"dark-on-light\" or \"light-on-dark\" settles it)"
        ));
    }
    let mut kept = 0;
    for (file, outcome) in files.iter().zip(outcomes.iter_mut()) {
        if polarity_of(outcome).is_some_and(|own| own != polarity) {
            match read_file(&file.path, polarity, reader) {
                Ok(again) => *outcome = Ok(again),
                Err(_) => kept += 1,
            }
        }
    }
    let are = if few == 1 { "is" } else { "are" };
    let alone = if kept == 0 { String::new() } else { format!("; {kept} gave no ink so and kept their own reading") };
    progress.message(&format!(
        "{root}: {most} of {all} pictures are {polarity}; {few} that read otherwise {are} read again so{alone} (data.polarity says \
         otherwise)"
    ));
}

#[cfg(test)]
mod tests;
