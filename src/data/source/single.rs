//! One data set: built-in digits, MNIST, or a folder of any layout.

use std::path::{Path, PathBuf};

use crate::{
    data::{
        Digits, FieldError, HeldOut, Origins, PictureReader, Polarity,
        config::{SourceConfig, SourceKind},
        copies, csv,
        error::{DataError, Result},
        file::FileHash,
        folder::{self, ClassFolders, PictureOptions, SkippedFile},
        folds::{stratified_group_hold_out, stratified_subset},
        ground::{Ground, changed, inverted, transposed},
        idx,
        layout::{self, IdxPair, Layout, LayoutKind},
        mnist::{Location, Mnist, MnistFiles, Part},
        qmnist,
        split_marker::SplitMarker,
        synthetic,
        tables::TEST_LABELS,
    },
    progress::{Progress, Silent},
    seed::Seed,
};

/// Built-in digits to train on, unless the settings say otherwise.
const BUILTIN_TRAIN: usize = 12_000;
/// Built-in digits to test on, unless the settings say otherwise.
const BUILTIN_TEST: usize = 2_000;

/// How files are read.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) reader: PictureReader,
    pub(super) max_skipped: f64,
    pub(super) strict: bool,
}

/// One data set of a source.
#[derive(Clone, Debug)]
pub(super) struct Single {
    kind: Kind,
    train: Option<usize>,
    test: Option<HeldOut>,
    polarity: Polarity,
    /// Times that each training digit is there.
    pub(super) repeat: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Builtin {
        seed: Seed,
    },
    Mnist(Box<Mnist>),
    Folder {
        /// The folder that was named.
        root: PathBuf,
        layout: Box<Layout>,
        /// Whether it was asked for as MNIST.
        is_mnist: bool,
    },
}

/// Contents of a part's files.
#[derive(Clone, Debug, Default)]
pub(super) struct PartRead {
    pub(super) digits: Digits,
    pub(super) files: Vec<FileHash>,
    pub(super) official_mnist: bool,
    pub(super) skipped: Vec<SkippedFile>,
}

impl Single {
    /// Finds the layout of a folder; reads no digits.
    ///
    /// # Errors
    /// As [`super::Source::open`].
    pub(super) fn open(settings: &SourceConfig) -> Result<Self> {
        let SourceConfig { source, path, train, test, builtin_seed, polarity, repeat, .. } = settings;
        let kind = match (source, path) {
            (SourceKind::Builtin, _) => {
                settings.check_builtin()?;
                Kind::Builtin { seed: Seed(*builtin_seed) }
            }
            (SourceKind::Mnist, None) => Kind::Mnist(Box::new(Mnist::find(None)?)),
            (SourceKind::Mnist | SourceKind::Folder, Some(root)) => {
                let layout = Box::new(layout::find(root)?);
                Kind::Folder { root: root.clone(), layout, is_mnist: *source == SourceKind::Mnist }
            }
            (SourceKind::Folder, None) => {
                let problem = "is missing: source = \"folder\" needs a folder here or on the command line";
                return Err(FieldError::new("path", problem).into());
            }
        };
        let single = Self { kind, train: *train, test: *test, polarity: *polarity, repeat: *repeat };
        if let (Some(HeldOut::Share(share)), true) = (single.test, single.has_test()) {
            let problem = format!(
                "{share} holds out a share of the training digits, but {} has a test part of its own; leave it out, or \
                 give a number to limit that",
                single.describe()
            );
            return Err(FieldError::new("test", problem).into());
        }
        Ok(single)
    }

    /// Whether there is a test part. Kaggle's `test.csv` without labels is none if a part of the training digits is
    /// asked for.
    fn has_test(&self) -> bool {
        match &self.kind {
            Kind::Builtin { .. } | Kind::Mnist(_) => true,
            Kind::Folder { layout, .. } => match &layout.kind {
                LayoutKind::Tables { set, .. } if matches!(self.test, Some(HeldOut::Share(_))) => {
                    let is_kaggles = |name: &String| name.starts_with("test.csv");
                    set.parts[1]
                        .as_ref()
                        .is_some_and(|name| !is_kaggles(name) || plain_or_packed(&layout.folder, TEST_LABELS).is_some())
                }
                _ => layout.has_test(),
            },
        }
    }

    /// The share or number of training digits that are held out for the test.
    fn hold_out(&self) -> Option<HeldOut> {
        self.test.filter(|_| !self.has_test())
    }

    /// Folder of the data set; `.` for built-in digits.
    pub(super) fn folder(&self) -> &Path {
        match &self.kind {
            Kind::Builtin { .. } => Path::new("."),
            Kind::Mnist(mnist) => mnist.location.folder(),
            Kind::Folder { root, .. } => root,
        }
    }

    /// Describes the data set for people: "MNIST in /data/mnist".
    pub(super) fn describe(&self) -> String {
        let folder = self.folder().display();
        match &self.kind {
            Kind::Builtin { seed } => format!("built-in digits (seed {})", seed.0),
            Kind::Mnist(_) => format!("MNIST in {folder}"),
            Kind::Folder { layout, is_mnist, .. } => {
                let what = match &layout.kind {
                    LayoutKind::Idx(set) if *is_mnist && set.prefix.is_empty() => "MNIST".to_owned(),
                    _ => layout.describe(),
                };
                format!("{what} in {folder}")
            }
        }
    }

    /// Reads the training digits within their limit, and those that are held out of them for the test.
    pub(super) fn train(&self, reading: &Reading, progress: &dyn Progress) -> Result<(PartRead, Option<Digits>)> {
        if let Kind::Folder { layout, .. } = &self.kind {
            for note in &layout.notes {
                progress.message(&format!("{}: {note}", self.folder().display()));
            }
        }
        let Some(mut read) = self.read(Part::Train, reading, progress)? else {
            let problem = "holds no labelled training digits".into();
            return Err(DataError::Layout { path: self.folder().to_owned(), problem });
        };
        let mut held = None;
        if let Some(hold_out) = self.hold_out() {
            let (train, test) = divide(read.digits, hold_out, progress)?;
            progress.message(&format!(
                "{}: {} of {} digits are held out for the test (data.test), {} are trained on",
                self.folder().display(),
                test.len(),
                train.len() + test.len(),
                train.len()
            ));
            (read.digits, held) = (train, Some(test));
        }
        self.limit(&mut read.digits, Part::Train, self.train, progress);
        Ok((read, held))
    }

    /// Reads the test digits within their limit, or holds them out of the training digits; none if there are none.
    pub(super) fn test(&self, reading: &Reading, progress: &dyn Progress) -> Result<Option<PartRead>> {
        let again = self.refound()?;
        let now = again.as_ref().unwrap_or(self);
        if let Some(hold_out) = now.hold_out() {
            let Some(read) = now.read(Part::Train, reading, progress)? else { return Ok(None) };
            let (_, digits) = divide(read.digits, hold_out, &Silent)?;
            return Ok(Some(PartRead { digits, ..read }));
        }
        let Some(mut read) = now.read(Part::Test, reading, progress)? else { return Ok(None) };
        let limit = match self.test {
            Some(HeldOut::Count(count)) => Some(count),
            _ => None,
        };
        self.limit(&mut read.digits, Part::Test, limit, progress);
        Ok(Some(read))
    }

    /// The data set with the layout that its folder has now: test digits may have come since it was opened. None if it
    /// has no folder.
    fn refound(&self) -> Result<Option<Self>> {
        let Kind::Folder { root, is_mnist, .. } = &self.kind else { return Ok(None) };
        let layout = Box::new(layout::find(root)?);
        let kind = Kind::Folder { root: root.clone(), layout, is_mnist: *is_mnist };
        Ok(Some(Self { kind, ..self.clone() }))
    }

    /// Draws at most `most` digits, with each class's share, and says so.
    fn limit(&self, digits: &mut Digits, part: Part, most: Option<usize>, progress: &dyn Progress) {
        let Some(most) = most.filter(|&most| most < digits.len()) else { return };
        progress.message(&format!(
            "{}: {most} of {} {} digits are used (data.{} = {most})",
            self.folder().display(),
            digits.len(),
            part.name(),
            part.name()
        ));
        let seed = Seed(0).derive("data/limit").derive(part.name());
        *digits = digits.select(&stratified_subset(&digits.labels, most, seed));
    }

    /// Reads a whole part.
    fn read(&self, part: Part, reading: &Reading, progress: &dyn Progress) -> Result<Option<PartRead>> {
        match &self.kind {
            Kind::Builtin { seed } => {
                let test = match self.test {
                    Some(HeldOut::Count(count)) => count,
                    _ => BUILTIN_TEST,
                };
                let count = if part == Part::Train { self.train.unwrap_or(BUILTIN_TRAIN) } else { test };
                let digits = synthetic::generate(count, seed.derive(part.name()));
                let digits = digits.with_origins(Origins::counted(format!("built-in {} digit", part.name()), 0, count));
                Ok(Some(PartRead { digits, ..PartRead::default() }))
            }
            Kind::Mnist(mnist) => {
                let read = mnist.read(part, progress)?;
                let digits = with_numbers(read.digits, part);
                let (files, official_mnist) = (read.files.to_vec(), read.is_official);
                let mut read = PartRead { digits, files, official_mnist, skipped: Vec::new() };
                if matches!(mnist.location, Location::Folder(_)) {
                    self.settle(&mut read, false, "MNIST", progress);
                }
                Ok(Some(read))
            }
            Kind::Folder { layout, .. } => {
                let is_transposed = layout.is_transposed();
                let (mut read, what) = match &layout.kind {
                    LayoutKind::Idx(set) if part == Part::Test && set.parts[1] == IdxPair::default() => {
                        return Ok(None);
                    }
                    LayoutKind::Idx(set) => {
                        let [images, labels] = pair(&layout.folder, &set.parts[part as usize], &set.prefix, part)?;
                        let read = read_pair(&images, &labels, part)?;
                        (read, images.file_name().unwrap_or_default().to_string_lossy().into_owned())
                    }
                    LayoutKind::Tables { set, marker } => {
                        let Some(name) = &set.parts[part as usize] else { return Ok(None) };
                        let Some(read) = read_table(&layout.folder, name, part, marker.as_ref(), progress)? else {
                            return Ok(None);
                        };
                        (read, name.clone())
                    }
                    LayoutKind::Pictures { train, test } => {
                        let folders = if part == Part::Train { Some(train) } else { test.as_ref() };
                        return folders.map(|folders| self.pictures(folders, reading, progress)).transpose();
                    }
                };
                self.settle(&mut read, is_transposed, &what, progress);
                Ok(Some(read))
            }
        }
    }

    fn pictures(&self, folders: &ClassFolders, reading: &Reading, progress: &dyn Progress) -> Result<PartRead> {
        let Reading { reader, max_skipped, strict } = reading;
        let options = PictureOptions { polarity: self.polarity, max_skipped: *max_skipped, strict: *strict };
        let read = folder::read(folders, &options, reader, progress)?;
        Ok(PartRead { digits: read.digits, files: vec![read.hash], official_mnist: false, skipped: read.skipped })
    }

    /// Turns images that are stored with rows and columns exchanged, and inverts those on a light background. `what`
    /// names them.
    fn settle(&self, read: &mut PartRead, is_transposed: bool, what: &str, progress: &dyn Progress) {
        let images = &mut read.digits.images;
        if is_transposed {
            *images = changed(images, transposed);
            progress
                .message(&format!("{what}: EMNIST stores rows and columns exchanged; the images are turned upright"));
        }
        let (is_inverted, note) = Ground::of(images.iter()).decide(self.polarity, what);
        if is_inverted {
            *images = changed(images, inverted);
        }
        if let Some(note) = note {
            progress.message(&note);
        }
    }
}

/// Divides digits into those to train on and those held out, copies of an image together; always in the same way.
fn divide(mut digits: Digits, hold_out: HeldOut, progress: &dyn Progress) -> Result<(Digits, Digits)> {
    if let Some(text) = copies::join_groups(&mut digits).describe(&digits) {
        progress.message(&text);
    }
    let seed = Seed(0).derive("data/hold-out");
    let split = stratified_group_hold_out(&digits.labels, &digits.groups, hold_out, seed)?;
    Ok((digits.select(&split.train), digits.select(&split.validation)))
}

/// Names the images of a part by their numbers, counted from 0.
fn with_numbers(digits: Digits, part: Part) -> Digits {
    let name = if part == Part::Train { "training image" } else { "test image" };
    let count = digits.len();
    digits.with_origins(Origins::counted(name, 0, count))
}

/// Paths of a part's IDX files.
///
/// # Errors
/// [`DataError::Layout`] naming the file that is missing.
fn pair(folder: &Path, pair: &IdxPair, prefix: &str, part: Part) -> Result<[PathBuf; 2]> {
    if let IdxPair { images: Some(images), labels: Some(labels) } = pair {
        return Ok([folder.join(images), folder.join(labels)]);
    }
    let name = |index: usize| match (prefix, part) {
        ("", _) => part.idx_names()[index].to_owned(),
        (_, part) => format!("{prefix}-{}-{}", part.name(), ["images-idx3-ubyte", "labels-idx1-ubyte"][index]),
    };
    let missing = [(&pair.images, 0), (&pair.labels, 1)];
    let missing: Vec<_> = missing.iter().filter(|(file, _)| file.is_none()).map(|&(_, index)| name(index)).collect();
    let problem = format!("lacks {} (plain, or gzipped with .gz added)", missing.join(" and "));
    Err(DataError::Layout { path: folder.to_owned(), problem })
}

fn read_pair(images: &Path, labels: &Path, part: Part) -> Result<PartRead> {
    let (pixels, pixel_hash) = idx::read_images_hashed(images)?;
    let is_extended = labels.file_name().unwrap_or_default().to_string_lossy().to_lowercase().contains("idx2");
    let (classes, class_hash) =
        if is_extended { qmnist::read_labels_hashed(labels)? } else { idx::read_labels_hashed(labels)? };
    let digits = with_numbers(idx::pair(pixels, classes, images, labels)?, part);
    let files = [pixel_hash, class_hash];
    let official_mnist = MnistFiles::default().are(part, &files);
    Ok(PartRead { digits, files: files.to_vec(), official_mnist, skipped: Vec::new() })
}

/// Reads a table, with labels from the file beside it if it has none itself; none without labels.
fn read_table(
    folder: &Path,
    name: &str,
    part: Part,
    marker: Option<&SplitMarker>,
    progress: &dyn Progress,
) -> Result<Option<PartRead>> {
    let path = folder.join(name);
    let (mut table, file, notes) = csv::read_hashed(&path)?;
    let mut files = vec![file];
    if let (None, Part::Test, Some(labels)) = (&table.labels, part, plain_or_packed(folder, TEST_LABELS)) {
        let (answers, file) = csv::Answers::read_hashed(&labels)?;
        answers.check_rows(table.images.len(), &path)?;
        table.labels = Some(answers.labels().to_vec());
        files.push(file);
    }
    if let Some(problem) = marker.and_then(|marker| files.iter().find_map(|file| marker.check(file).err())) {
        return Err(DataError::Layout { path: folder.to_owned(), problem });
    }
    for note in notes {
        progress.message(&note);
    }
    let Some(digits) = table.into_digits() else {
        let what = if part == Part::Train { "train" } else { "score" };
        progress.message(&format!("{} has no labels: there is nothing to {what} on", path.display()));
        return Ok(None);
    };
    let (count, row) = (digits.len(), format!("{}, row", name.strip_suffix(".gz").unwrap_or(name)));
    let digits = digits.with_origins(Origins::counted(row, 1, count));
    Ok(Some(PartRead { digits, files, official_mnist: false, skipped: Vec::new() }))
}

/// `folder/name`, or the same with `.gz`.
fn plain_or_packed(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}
