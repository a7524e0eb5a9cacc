//! From settings to digits: which data set a run uses, read when it is asked for.
//!
//! Opening a [`Source`] looks only at what kind of data a folder holds. Training data is read by [`Source::train`];
//! nothing of the test data is opened, downloaded or even required to exist until [`Source::test`] is called. What was
//! read is pinned by a [`Fingerprint`], so that a resumed run can tell that it has the same data.
//!
//! The data does not depend on the run's seed: two runs with different seeds compare on the same images.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Digits, FieldError, csv,
    error::{DataError, Result, reading},
    file::FileHash,
    folder::{self, ImageToDigit},
    folds::stratified_subset,
    idx,
    mnist::{Mnist, MnistFiles, Part, has_any, locate_pair},
    split_marker::{SplitMarker, leftovers_beside},
    synthetic,
    tables::TEST_LABELS,
};
use crate::{progress::Progress, seed::Seed, storage::Sha256Digest};

/// Most images of a part.
const MAX_IMAGES: usize = 10_000_000;
/// Built-in digits to train on, unless the settings say otherwise.
const BUILTIN_TRAIN: usize = 12_000;
/// Built-in digits to test on, unless the settings say otherwise.
const BUILTIN_TEST: usize = 2_000;

/// Most built-in digits of a part.
const MAX_BUILTIN: usize = 2_000_000;
/// Memory that a digit takes during a fit, in bytes: its pixels, a prepared copy, and its predictions.
const BYTES_OF_DIGIT: usize = 1_600;

/// Kind of source that digits are read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Digits that the program draws itself: needs no file and no network.
    #[default]
    Builtin,
    /// MNIST, from a folder or downloaded.
    Mnist,
    /// A folder of the user's, of any kind that [`Source::open`] recognises.
    Folder,
}

/// The `[data]` section of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// `"builtin"`, `"mnist"` or `"folder"`; default `"builtin"`.
    pub source: SourceKind,
    /// The folder, for `"mnist"` and `"folder"`; none by default. A folder on the command line comes before it.
    pub path: Option<PathBuf>,
    /// Training images. Of files: all by default, otherwise at most so many, drawn with each class's share, always the
    /// same ones. Built in: 12,000 by default.
    pub train: Option<usize>,
    /// Test images, in the same way. Built in: 2,000 by default.
    pub test: Option<usize>,
    /// Seed of the built-in digits; default 0. Not tied to the run's seed.
    pub builtin_seed: u64,
}

impl DataConfig {
    /// Refuses impossible values.
    ///
    /// # Errors
    /// The first field that cannot be as it is.
    pub fn check(&self) -> std::result::Result<(), FieldError> {
        for (field, count) in [("train", self.train), ("test", self.test)] {
            if let Some(count) = count.filter(|count| !(1..=MAX_IMAGES).contains(count)) {
                return Err(FieldError::new(field, format!("{count} images, expected 1 to {MAX_IMAGES}")));
            }
        }
        match &self.path {
            Some(path) if self.source == SourceKind::Builtin => {
                Err(FieldError::new("path", format!("is {}, but source = \"builtin\" reads no folder", path.display())))
            }
            Some(path) if path.as_os_str().is_empty() => Err(FieldError::new("path", "is empty, expected a folder")),
            _ => Ok(()),
        }
    }
}

/// Refuses more built-in digits than fit into the memory of an ordinary machine: nothing on a disk limits their number.
fn check_builtin(config: &DataConfig) -> std::result::Result<(), FieldError> {
    for (field, count) in [("train", config.train), ("test", config.test)] {
        if let Some(count) = count.filter(|&count| count > MAX_BUILTIN) {
            let gigabytes = (count * BYTES_OF_DIGIT) as f64 / 1e9;
            return Err(FieldError::new(
                field,
                format!(
                    "{count} built-in digits would take about {gigabytes:.0} GB of memory ({:.1} kB each); at most \
                     {MAX_BUILTIN} are drawn",
                    BYTES_OF_DIGIT as f64 / 1e3
                ),
            ));
        }
    }
    Ok(())
}

/// Identity of the digits that were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The files with the SHA-256 of their contents; for image folders one entry over all files; none for built-in
    /// digits.
    pub files: Vec<FileHash>,
    /// The number of images after the limit of the settings.
    pub images: usize,
    /// SHA-256 over all pixels, then all labels, of these images. Two data sets are the same if this is.
    pub sha256: Sha256Digest,
    /// True if the files are the official MNIST.
    pub official_mnist: bool,
}

/// A data set that can be read.
#[derive(Clone)]
pub struct Source {
    kind: Kind,
    limits: [Option<usize>; 2],
    convert: ImageToDigit,
    fingerprints: [OnceLock<Fingerprint>; 2],
}

#[derive(Clone, Debug)]
enum Kind {
    Builtin {
        seed: Seed,
    },
    Mnist(Box<Mnist>),
    Idx(PathBuf),
    Csv {
        folder: PathBuf,
        names: [&'static str; 2],
        /// Record of the files, if `digitstack data split` wrote them.
        marker: Option<SplitMarker>,
    },
    /// `train/0…9` and perhaps `test/0…9`.
    Images(PathBuf),
    /// `0…9`.
    TrainImages(PathBuf),
}

/// Contents of a part's files, before the limit on their number.
struct Read {
    digits: Digits,
    files: Vec<FileHash>,
    official_mnist: bool,
}

impl Source {
    /// Finds the data set and its kind; reads no digits yet.
    ///
    /// `folder` is the one named on the command line and comes before `config.path`; with `source = "builtin"` it turns
    /// the source into `"folder"`. Such a folder is recognised by what it holds: `train-images-idx3-ubyte` and its
    /// labels, with the `t10k-` pair for the test (`.gz` and `.idx` spellings too); `train.csv` and `test.csv`, or
    /// `mnist_train.csv` and `mnist_test.csv` (also with `.gz`); `train/0` to `train/9` and `test/0` to `test/9`; or
    /// `0` to `9`, without a test set. `convert` turns images of other sizes than 28×28 into digits.
    ///
    /// # Errors
    /// [`DataError::Setting`] for impossible settings or a missing folder; [`DataError::Layout`] if a folder is of no
    /// kind or several, or if `digitstack data split` was interrupted in writing it.
    pub fn open(config: &DataConfig, folder: Option<&Path>, convert: ImageToDigit) -> Result<Self> {
        config.check()?;
        let folder = folder.or(config.path.as_deref());
        let kind = match (config.source, folder) {
            (SourceKind::Builtin, None) => {
                check_builtin(config)?;
                Kind::Builtin { seed: Seed(config.builtin_seed) }
            }
            (SourceKind::Mnist, folder) => Kind::Mnist(Box::new(Mnist::find(folder)?)),
            (SourceKind::Builtin | SourceKind::Folder, Some(folder)) => Kind::recognise(folder)?,
            (SourceKind::Folder, None) => {
                return Err(FieldError::new(
                    "path",
                    "is missing: source = \"folder\" needs a folder here or on the command line",
                )
                .into());
            }
        };
        let limits = [config.train, config.test];
        Ok(Self { kind, limits, convert, fingerprints: Default::default() })
    }

    /// Reads the training digits (of MNIST, downloads them first if need be).
    ///
    /// # Errors
    /// Those of the file formats, [`DataError::Download`], and [`DataError::Layout`] if there are none.
    pub fn train(&self, progress: &dyn Progress) -> Result<Digits> {
        match self.read(Part::Train, progress)? {
            Some(digits) => Ok(digits),
            None => Err(DataError::Layout {
                path: self.kind.folder().to_owned(),
                problem: "holds no labelled training digits".into(),
            }),
        }
    }

    /// Reads the test digits; none if the data has no test set, or (as Kaggle's `test.csv`) one without labels. Where
    /// somebody has them, they lie in `test-labels.csv` beside it (`ImageId,Label`), as [`super::tables`] writes them.
    ///
    /// # Errors
    /// As [`Source::train`].
    pub fn test(&self, progress: &dyn Progress) -> Result<Option<Digits>> {
        self.read(Part::Test, progress)
    }

    /// Identity of the training digits that [`Source::train`] read; none before.
    pub fn train_fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprints[Part::Train as usize].get()
    }

    /// Identity of the test digits that [`Source::test`] read; none before, or if there are none.
    pub fn test_fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprints[Part::Test as usize].get()
    }

    /// Describes the source for people: "MNIST in /data/mnist".
    pub fn describe(&self) -> String {
        let folder = self.kind.folder().display();
        match &self.kind {
            Kind::Builtin { seed } => format!("built-in digits (seed {})", seed.0),
            Kind::Mnist(_) => format!("MNIST in {folder}"),
            Kind::Idx(_) => format!("IDX files in {folder}"),
            Kind::Csv { names, .. } => format!("{} in {folder}", names[0]),
            Kind::Images(_) | Kind::TrainImages(_) => format!("image folders in {folder}"),
        }
    }

    fn read(&self, part: Part, progress: &dyn Progress) -> Result<Option<Digits>> {
        let limit = self.limits[part as usize];
        let Some(Read { mut digits, files, official_mnist }) = self.kind.read(part, limit, &self.convert, progress)?
        else {
            return Ok(None);
        };
        if digits.is_empty() {
            return Err(DataError::Layout {
                path: self.kind.folder().to_owned(),
                problem: format!("the {} set is empty", part.name()),
            });
        }
        if let Some(limit) = limit.filter(|&limit| limit < digits.len()) {
            let seed = Seed(0).derive("data/limit").derive(part.name());
            digits = digits.select(&stratified_subset(&digits.labels, limit, seed));
        }
        let sha256 = Sha256::new().chain_update(digits.images.pixels()).chain_update(&digits.labels).into();
        let fingerprint = Fingerprint { files, images: digits.len(), sha256, official_mnist };
        let before = self.fingerprints[part as usize].get_or_init(|| fingerprint.clone());
        if *before != fingerprint {
            let problem = format!("the {} set has changed since it was read first", part.name());
            return Err(DataError::Layout { path: self.kind.folder().to_owned(), problem });
        }
        Ok(Some(digits))
    }
}

impl Kind {
    fn recognise(folder: &Path) -> Result<Self> {
        let wrong = |problem: String| DataError::Layout { path: folder.to_owned(), problem };
        if !folder.is_dir() {
            return Err(wrong("is not a folder".into()));
        }
        let at = || folder.to_owned();
        let marker = SplitMarker::read(folder)?;
        let difference = marker.as_ref().map(|marker| marker.first_difference(folder, TEST_LABELS)).transpose();
        if let Some(problem) = difference.map_err(reading(folder))?.flatten() {
            return Err(wrong(problem));
        }
        let mut kinds = Vec::new();
        if has_any(folder, Part::Train) {
            kinds.push(("IDX files", Self::Idx(at())));
        }
        for names in [["train.csv", "test.csv"], ["mnist_train.csv", "mnist_test.csv"]] {
            if plain_or_packed(folder, names[0]).is_some() {
                kinds.push((names[0], Self::Csv { folder: at(), names, marker: marker.clone() }));
            }
        }
        if folder::has_classes(&folder.join("train")) {
            kinds.push(("image folders train/0 to train/9", Self::Images(at())));
        }
        if folder::has_classes(folder) {
            kinds.push(("image folders 0 to 9", Self::TrainImages(at())));
        }
        let may_be_split = kinds.is_empty() || matches!(kinds[..], [(_, Self::Csv { .. })]);
        if marker.is_none()
            && may_be_split
            && let Some(problem) = leftovers_beside(folder).map_err(reading(folder))?
        {
            return Err(wrong(problem));
        }
        let names = kinds.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        match kinds.pop() {
            Some((_, kind)) if kinds.is_empty() => Ok(kind),
            Some(_) => Err(wrong(format!("holds several data sets ({names}); keep one"))),
            None => Err(wrong(
                "holds no training digits: expected train-images-idx3-ubyte and train-labels-idx1-ubyte, or \
                 train.csv, or folders train/0 to train/9, or folders 0 to 9 of PNG or JPEG images"
                    .into(),
            )),
        }
    }

    /// The folder of the data set; `.` for built-in digits.
    fn folder(&self) -> &Path {
        match self {
            Self::Builtin { .. } => Path::new("."),
            Self::Mnist(mnist) => mnist.location.folder(),
            Self::Idx(folder) | Self::Csv { folder, .. } | Self::Images(folder) | Self::TrainImages(folder) => folder,
        }
    }

    fn read(
        &self,
        part: Part,
        limit: Option<usize>,
        convert: &ImageToDigit,
        progress: &dyn Progress,
    ) -> Result<Option<Read>> {
        let (digits, files, official_mnist) = match self {
            Self::Builtin { seed } => {
                let count = limit.unwrap_or(if part == Part::Train { BUILTIN_TRAIN } else { BUILTIN_TEST });
                (synthetic::generate(count, seed.derive(part.name())), Vec::new(), false)
            }
            Self::Mnist(mnist) => {
                let read = mnist.read(part, progress)?;
                (read.digits, read.files.to_vec(), read.is_official)
            }
            Self::Idx(folder) if part == Part::Test && !has_any(folder, part) => return Ok(None),
            Self::Idx(folder) => {
                let [images, labels] = locate_pair(folder, part)?;
                let (digits, files) = idx::read_pair_hashed(&images, &labels)?;
                let official = MnistFiles::default().are(part, &files);
                (digits, files.to_vec(), official)
            }
            Self::Csv { folder, names, marker } => {
                let Some(path) = plain_or_packed(folder, names[part as usize]) else { return Ok(None) };
                let (mut table, file) = csv::read_hashed(&path)?;
                let mut files = vec![file];
                if let (None, Part::Test, Some(labels)) = (&table.labels, part, plain_or_packed(folder, TEST_LABELS)) {
                    let (answers, file) = csv::Answers::read_hashed(&labels)?;
                    answers.check_rows(table.images.len(), &path)?;
                    table.labels = Some(answers.labels().to_vec());
                    files.push(file);
                }
                if let Some(problem) =
                    marker.as_ref().and_then(|marker| files.iter().find_map(|file| marker.check(file).err()))
                {
                    return Err(DataError::Layout { path: folder.clone(), problem });
                }
                let Some(digits) = table.into_digits() else {
                    progress.message(&format!(
                        "{} has no labels: there is nothing to {} on",
                        path.display(),
                        if part == Part::Train { "train" } else { "score" }
                    ));
                    return Ok(None);
                };
                (digits, files, false)
            }
            Self::TrainImages(_) if part == Part::Test => return Ok(None),
            Self::Images(folder) | Self::TrainImages(folder) => {
                let folder = if let Self::Images(_) = self { folder.join(part.name()) } else { folder.clone() };
                if part == Part::Test && !folder.is_dir() {
                    return Ok(None);
                }
                let (digits, file) = folder::read_hashed(&folder, convert, progress)?;
                (digits, vec![file], false)
            }
        };
        Ok(Some(Read { digits, files, official_mnist }))
    }
}

/// `folder/name`, or the same with `.gz`.
fn plain_or_packed(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}
