//! From settings to digits: which data set a run uses, read when it is asked for.
//!
//! Opening a [`Source`] looks only at what kind of data a folder holds. Training data is read by [`Source::train`];
//! nothing of the test data is opened, downloaded or even required to exist until [`Source::test`] is called. What was
//! read is pinned by a [`Fingerprint`], so that a resumed run can tell that it has the same data.
//!
//! A source may be several data sets side by side: each has its limits and its repeats, and every digit knows which of
//! them it comes from. Equal images share a group, so that no division puts copies on both sides.
//!
//! The data does not depend on the run's seed: two runs with different seeds compare on the same images.

mod single;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    DataConfig, Digits, Images, Origins, PIXELS, PictureReader, copies,
    error::{DataError, Result},
    file::FileHash,
    folder::SkippedFile,
    labels,
    mnist::Part,
};
use crate::{progress::Progress, storage::Sha256Digest};
use single::{PartRead, Reading, Single};

/// Identity of the digits that were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The files with the SHA-256 of their contents; for picture folders one entry over all files; none for built-in
    /// digits.
    pub files: Vec<FileHash>,
    /// The number of images after the limit of the settings.
    pub images: usize,
    /// SHA-256 over all pixels, then all labels, of these images. Two data sets are the same if this is.
    pub sha256: Sha256Digest,
    /// True if the files are the official MNIST.
    pub official_mnist: bool,
}

/// A data set that can be read, or several side by side.
#[derive(Clone)]
pub struct Source {
    singles: Vec<Single>,
    /// Names of the singles if there are several.
    names: Option<Vec<String>>,
    reading: Reading,
    fingerprints: [OnceLock<Fingerprint>; 2],
    skipped: [OnceLock<Vec<SkippedFile>>; 2],
}

impl Source {
    /// Finds the data set and its layout; reads no digits yet.
    ///
    /// `folder` is the one named on the command line and comes before `config.path`; with `source = "builtin"` it turns
    /// the source into `"folder"`. It may also be one CSV file. The layouts are those of [`super::layout`]. `reader`
    /// turns the files of picture folders into digits.
    ///
    /// # Errors
    /// [`DataError::Setting`] for impossible settings or a missing folder; [`DataError::Layout`] if a folder is of no
    /// kind or several, or if `digitstack data split` was interrupted in writing it.
    pub fn open(config: &DataConfig, folder: Option<&Path>, reader: PictureReader) -> Result<Self> {
        config.check()?;
        let settings = config.all_sources(folder);
        let inside = |index: usize, error: DataError| match error {
            DataError::Setting(error) if !config.sources.is_empty() && folder.is_none() => {
                error.inside(&format!("sources[{index}]")).into()
            }
            other => other,
        };
        let open = |(index, settings)| Single::open(settings).map_err(|error| inside(index, error));
        let singles = settings.iter().enumerate().map(open).collect::<Result<Vec<_>>>()?;
        let has_names = folder.is_none() && !config.sources.is_empty();
        Ok(Self {
            singles,
            names: has_names.then(|| config.source_names()),
            reading: Reading { reader, max_skipped: config.max_skipped, strict: config.strict },
            fingerprints: Default::default(),
            skipped: Default::default(),
        })
    }

    /// Reads the training digits (of MNIST, downloads them first if need be). What was found out on the way is said.
    ///
    /// # Errors
    /// Those of the file formats, [`DataError::Download`], and [`DataError::Layout`] if there are none, or if all have
    /// the same label.
    pub fn train(&self, progress: &dyn Progress) -> Result<Digits> {
        let (mut parts, mut held_out) = (Vec::new(), HashSet::new());
        for single in &self.singles {
            let (part, held) = single.train(&self.reading, progress)?;
            held_out.extend(held.iter().flat_map(|held| held.images.iter().copied()));
            parts.push(part);
        }
        let several = self.singles.len() > 1;
        let mut joined = self.joined(parts, Part::Train)?;
        if several && !held_out.is_empty() {
            joined.digits = without(joined.digits, &held_out, progress);
        }
        let found = copies::join_groups(&mut joined.digits);
        if let Some(text) = found.describe(&joined.digits) {
            progress.message(&text);
        }
        if let Some(problem) = labels::one_class(&joined.digits) {
            return Err(DataError::Layout { path: self.folder(), problem });
        }
        self.finish(Part::Train, joined, progress)
    }

    /// Reads the test digits; none if the data has no test set, or (as Kaggle's `test.csv`) one without labels. Where
    /// somebody has them, they lie in `test-labels.csv` beside it (`ImageId,Label`), as [`super::tables`] writes them.
    ///
    /// # Errors
    /// As [`Source::train`].
    pub fn test(&self, progress: &dyn Progress) -> Result<Option<Digits>> {
        let parts =
            self.singles.iter().map(|single| single.test(&self.reading, progress)).collect::<Result<Vec<_>>>()?;
        if parts.iter().all(Option::is_none) {
            return Ok(None);
        }
        let parts = parts.into_iter().map(Option::unwrap_or_default).collect();
        let joined = self.joined(parts, Part::Test)?;
        self.finish(Part::Test, joined, progress).map(Some)
    }

    /// Identity of the training digits that [`Source::train`] read; none before.
    pub fn train_fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprints[Part::Train as usize].get()
    }

    /// Identity of the test digits that [`Source::test`] read; none before, or if there are none.
    pub fn test_fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprints[Part::Test as usize].get()
    }

    /// Files that gave no digit in the parts that were read so far, each once.
    pub fn skipped(&self) -> Vec<SkippedFile> {
        let mut all: Vec<SkippedFile> = Vec::new();
        for file in self.skipped.iter().filter_map(OnceLock::get).flatten() {
            if !all.contains(file) {
                all.push(file.clone());
            }
        }
        all
    }

    /// Describes the source for people: "MNIST in /data/mnist".
    pub fn describe(&self) -> String {
        self.singles.iter().map(Single::describe).collect::<Vec<_>>().join(" and ")
    }

    /// Folder of the first data set; `.` for built-in digits.
    fn folder(&self) -> PathBuf {
        self.singles[0].folder().to_owned()
    }

    /// Joins parts of the singles, each with its repeats, its names and groups of its own.
    fn joined(&self, mut parts: Vec<PartRead>, part: Part) -> Result<PartRead> {
        for (single, read) in self.singles.iter().zip(&parts) {
            let is_left_out = part == Part::Test && read.files.is_empty() && self.singles.len() > 1;
            if read.digits.is_empty() && !is_left_out {
                let problem = format!("the {} set is empty", part.name());
                return Err(DataError::Layout { path: single.folder().to_owned(), problem });
            }
        }
        let Some(names) = &self.names else {
            return Ok(parts.pop().unwrap_or_default());
        };
        let mut joined =
            PartRead { official_mnist: parts.iter().all(|part| part.official_mnist), ..PartRead::default() };
        let (mut pixels, mut origins) = (Vec::new(), Vec::new());
        for ((single, name), read) in self.singles.iter().zip(names).zip(parts) {
            let repeat = if part == Part::Train { single.repeat } else { 1 };
            let before = joined.digits.groups.iter().max().map_or(0, |&group| group + 1);
            for _ in 0..repeat {
                pixels.extend_from_slice(read.digits.images.pixels());
                joined.digits.labels.extend_from_slice(&read.digits.labels);
                joined.digits.groups.extend(read.digits.groups.iter().map(|group| before + group));
            }
            origins.push((name.clone(), read.digits.origins.repeat(repeat)));
            let named = |file: FileHash| FileHash { name: format!("{name}/{}", file.name), ..file };
            joined.files.extend(read.files.into_iter().map(named));
            let named = |file: SkippedFile| SkippedFile { file: format!("{name}: {}", file.file), ..file };
            joined.skipped.extend(read.skipped.into_iter().map(named));
        }
        joined.digits.images = Images::new(pixels).unwrap_or_default();
        joined.digits.origins = Origins::join(origins);
        Ok(joined)
    }

    /// Pins what was read, and says what is missing in it.
    fn finish(&self, part: Part, read: PartRead, progress: &dyn Progress) -> Result<Digits> {
        let PartRead { digits, files, official_mnist, skipped } = read;
        if let Some(text) = labels::missing_classes(&digits, part.name()) {
            progress.message(&text);
        }
        let sha256 = Sha256::new().chain_update(digits.images.pixels()).chain_update(&digits.labels).into();
        let fingerprint = Fingerprint { files, images: digits.len(), sha256, official_mnist };
        let before = self.fingerprints[part as usize].get_or_init(|| fingerprint.clone());
        if *before != fingerprint {
            let problem = format!("the {} set has changed since it was read first", part.name());
            return Err(DataError::Layout { path: self.folder(), problem });
        }
        self.skipped[part as usize].get_or_init(|| skipped);
        Ok(digits)
    }
}

/// The digits without those that equal images held out of another source: nothing held out may be trained on.
fn without(digits: Digits, held_out: &HashSet<[u8; PIXELS]>, progress: &dyn Progress) -> Digits {
    let kept: Vec<usize> = (0..digits.len()).filter(|&index| !held_out.contains(digits.images.get(index))).collect();
    if kept.len() == digits.len() {
        return digits;
    }
    progress.message(&format!(
        "{} training images are left out: they equal images that are held out for the test",
        digits.len() - kept.len()
    ));
    digits.select(&kept)
}
