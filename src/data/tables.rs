//! Any source as the tables of Kaggle's Digit Recognizer, which may not be handed on: `train.csv`, `test.csv`, and the
//! answers to the latter.
//!
//! `train.csv` is drawn from the training part alone. `test.csv` is drawn from all that is left: the rest of the
//! training part and the test part. No digit is drawn twice, and none for `test.csv` that is a copy of one in
//! `train.csv`. Both draws keep each class's share, and both tables are in
//! random order. Of MNIST's 70,000 digits, 42,000 and 28,000 make tables of Kaggle's size.

use std::{
    collections::HashSet,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use rand::seq::SliceRandom;

use super::{
    CLASSES, Digits, PIXELS,
    counted::counted,
    csv,
    error::{DataError, Result, writing},
    split_marker::{self, MARKER},
    stratified_subset,
};
use crate::{
    fit::Cancel,
    progress::Progress,
    seed::Seed,
    storage::{self, AtomicFile, OutputFile, StorageError},
};

/// Names of the files: digits with labels, digits without, and the labels of these.
pub const NAMES: [&str; 3] = ["train.csv", "test.csv", TEST_LABELS];
/// The labels of `test.csv`, which Kaggle keeps to itself.
pub(super) const TEST_LABELS: &str = "test-labels.csv";

/// Division of a source's digits into the tables.
pub struct Tables<'a> {
    /// Training and test part of the source.
    parts: [&'a Digits; 2],
    /// Indices into the training part, in the order of the table.
    train: Vec<usize>,
    /// Indices into the training part followed by the test part, in the order of the table.
    test: Vec<usize>,
}

impl<'a> Tables<'a> {
    /// Draws `sizes` digits, those of `train.csv` and those of `test.csv`, from the parts of a source: training and
    /// test. The same seed draws the same.
    ///
    /// # Errors
    /// [`DataError::Division`] if there are too few.
    pub fn draw(parts: [&'a Digits; 2], sizes: [usize; 2], seed: Seed) -> Result<Self> {
        let [part, other] = parts;
        if sizes[0] > part.len() {
            let problem =
                format!("{} for train.csv, but the training part has {}", counted(sizes[0], "digit"), part.len());
            return Err(DataError::Division(problem));
        }
        let mut train = stratified_subset(&part.labels, sizes[0], seed.derive("train"));
        let mut is_left = vec![true; part.len()];
        for &index in &train {
            is_left[index] = false;
        }
        // A copy of a digit that is trained on is no test of anything.
        let trained_on: HashSet<&[u8; PIXELS]> = train.iter().map(|&index| part.images.get(index)).collect();
        let left: Vec<usize> = (0..part.len())
            .filter(|&index| is_left[index])
            .chain(part.len()..part.len() + other.len())
            .filter(|&index| !trained_on.contains(digit(parts, index).0))
            .collect();
        if sizes[1] > left.len() {
            let problem = format!(
                "{} for test.csv, but {} are left: the training part has {}, of which {} \
                 go to train.csv, and the test part {}",
                counted(sizes[1], "digit"),
                left.len(),
                part.len(),
                train.len(),
                other.len()
            );
            return Err(DataError::Division(problem));
        }
        let labels: Vec<u8> = left.iter().map(|&index| digit(parts, index).1).collect();
        let mut test: Vec<usize> =
            stratified_subset(&labels, sizes[1], seed.derive("test")).into_iter().map(|index| left[index]).collect();
        train.shuffle(&mut seed.derive("order of train").rng());
        test.shuffle(&mut seed.derive("order of test").rng());
        Ok(Self { parts, train, test })
    }

    /// The digits of `train.csv`, each image `[28, 28]` with its label.
    pub fn train(&self) -> impl Iterator<Item = (&'a [u8; PIXELS], u8)> {
        self.train.iter().map(|&index| digit(self.parts, index))
    }

    /// The digits of `test.csv`, each image `[28, 28]` with its label.
    pub fn test(&self) -> impl Iterator<Item = (&'a [u8; PIXELS], u8)> {
        self.test.iter().map(|&index| digit(self.parts, index))
    }

    /// Digits of each class in `train.csv` and in `test.csv`.
    pub fn class_counts(&self) -> [[usize; CLASSES]; 2] {
        let mut counts = [[0; CLASSES]; 2];
        self.train().for_each(|(_, label)| counts[0][usize::from(label)] += 1);
        self.test().for_each(|(_, label)| counts[1][usize::from(label)] += 1);
        counts
    }

    /// Writes the three files and their record, `split.json`. Files of these names with other contents are replaced if
    /// `replace` allows it or if an interrupted split left them.
    ///
    /// All files are complete on the disk under temporary names before the record is written, and only then do they
    /// take their names. Interrupted before the record (by an error, a full disk, `kill -9`), the folder is as it was;
    /// interrupted after it, [`super::Source::open`] refuses the folder until the same split is written again.
    ///
    /// # Errors
    /// [`DataError::Write`] and [`DataError::Storage`] ([`StorageError::Exists`] for a file that may not be replaced),
    /// or [`DataError::Cancelled`] if `cancel` asked to stop.
    pub fn write(
        &self,
        folder: &Path,
        replace: bool,
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<[PathBuf; 3]> {
        storage::refuse_run_directory(folder)?;
        let task = progress.task("write tables", (self.train.len() + self.test.len()) as u64, "digits");
        let watched = |_: &(&[u8; PIXELS], u8)| {
            task.advance(1);
            !cancel.is_cancelled()
        };
        std::fs::create_dir_all(folder).map_err(writing(folder))?;
        let paths = NAMES.map(|name| folder.join(name));
        let [train, test, answers] = &paths;
        let files = [
            whole(train, |out| csv::write_rows(out, true, self.train().take_while(watched)))?,
            whole(test, |out| csv::write_rows(out, false, self.test().take_while(watched)))?,
            whole(answers, |out| {
                let mut answers = csv::AnswerWriter::new(out, false)?;
                self.test().zip(1..).try_for_each(|((_, label), id)| answers.write(id, label, &[]))
            })?,
        ];
        if cancel.is_cancelled() {
            return Err(DataError::Cancelled);
        }
        let mut listed = Vec::with_capacity(NAMES.len());
        for ((_, file), (name, path)) in files.iter().zip(NAMES.iter().zip(&paths)) {
            let (sha256, bytes) = storage::digest(file.path()).map_err(writing(path))?;
            listed.push((*name, bytes, sha256));
        }
        if !replace && let Some(path) = split_marker::in_the_way(folder, &listed)? {
            return Err(StorageError::Exists(path).into());
        }
        OutputFile::check(&folder.join(MARKER), true)?.write(&split_marker::record(&listed)?)?;
        for (output, file) in files {
            output.finish(file)?;
        }
        Ok(paths)
    }
}

/// Checks, before the digits are read, that a split may be written into a folder.
///
/// # Errors
/// [`StorageError::Output`] inside a run directory; [`StorageError::Exists`] if a file is there that no split wrote and
/// that would be replaced, unless `replace` allows it.
pub fn check_folder(folder: &Path, replace: bool) -> std::result::Result<(), StorageError> {
    storage::refuse_run_directory(folder)?;
    match split_marker::foreign_file(folder, &NAMES) {
        _ if replace => Ok(()),
        Ok(None) => Ok(()),
        Ok(Some(path)) => Err(StorageError::Exists(path)),
        Err(error) => Err(error),
    }
}

/// A digit of two parts one behind the other.
fn digit(parts: [&Digits; 2], index: usize) -> (&[u8; PIXELS], u8) {
    let (part, index) = if index < parts[0].len() { (parts[0], index) } else { (parts[1], index - parts[0].len()) };
    (part.images.get(index), part.labels[index])
}

/// Writes a complete file under a temporary name, flushed to the disk.
fn whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(OutputFile, AtomicFile)> {
    let output = OutputFile::check(path, true)?;
    let mut file = BufWriter::new(output.begin()?);
    let work = || {
        write(&mut file)?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync()?;
        Ok(file)
    };
    Ok((output, work().map_err(writing(path))?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{data::Images, progress::Silent};

    /// Digits that are told apart by their first four pixels.
    fn digits(count: usize, first: u8) -> Digits {
        let image = |index: usize| {
            let mut image = [0; PIXELS];
            image[0] = first;
            image[1..5].copy_from_slice(&(index as u32).to_le_bytes());
            // A table without a level above 1 is taken for shares.
            image[5] = 200;
            image
        };
        Digits::new(
            Images::from_images((0..count).map(image)),
            (0..count).map(|index| (index * index % CLASSES) as u8).collect(),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_written_reads_back_and_no_digit_is_there_twice(
            train in 1usize..80, test in 0usize..40, shares in (0.0..=1.0f64, 0.0..=1.0f64), seed: u64,
        ) {
            let parts = [digits(train, 1), digits(test, 2)];
            let parts = parts.each_ref();
            let in_train = ((train as f64 * shares.0) as usize).max(1);
            let left = train + test - in_train;
            prop_assume!(left > 0);
            let in_test = ((left as f64 * shares.1) as usize).max(1);
            let folder = tempfile::tempdir().unwrap();
            let tables = Tables::draw(parts, [in_train, in_test], Seed(seed)).unwrap();
            let paths = tables.write(folder.path(), false, &Silent, &Cancel::default()).unwrap();
            let [train_table, test_table] = [&paths[0], &paths[1]].map(|path| csv::read(path).unwrap());
            let answers = csv::Answers::read(&paths[2]).unwrap();
            prop_assert_eq!(test_table.labels, None);
            let sizes = [train_table.images.len(), test_table.images.len(), answers.labels().len()];
            prop_assert_eq!(sizes, [in_train, in_test, in_test]);

            let mut seen = std::collections::HashSet::new();
            let labels = train_table.labels.unwrap();
            let of_test = test_table.images.iter().zip(answers.labels()).map(|row| (row, false));
            let of_train = train_table.images.iter().zip(&labels).map(|row| (row, true));
            for ((image, &label), is_train) in of_train.chain(of_test) {
                prop_assert!(seen.insert(*image));
                let part = parts[usize::from(image[0] - 1)];
                let index = u32::from_le_bytes([image[1], image[2], image[3], image[4]]) as usize;
                prop_assert_eq!((part.images.get(index), part.labels[index]), (image, label));
                prop_assert!(!is_train || image[0] == 1, "a test digit in train.csv");
            }
        }
    }

    #[test]
    fn classes_keep_their_shares_and_tables_are_in_no_order() {
        let labels = (0..1000).map(|index| (index / 100) as u8).collect::<Vec<_>>();
        let part = Digits::new(digits(1000, 1).images, labels);
        let none = Digits::default();
        let tables = Tables::draw([&part, &none], [600, 300], Seed(1)).unwrap();
        assert_eq!(tables.class_counts(), [[60; CLASSES], [30; CLASSES]]);
        let order: Vec<u8> = tables.test().map(|(_, label)| label).collect();
        let changes = order.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes > 200, "sorted by class, there would be 9 changes, not {changes}");
        let again = Tables::draw([&part, &none], [600, 300], Seed(1)).unwrap();
        assert_eq!((again.train, again.test), (tables.train.clone(), tables.test.clone()));
        let other = Tables::draw([&part, &none], [600, 300], Seed(2)).unwrap();
        assert_ne!(other.train, tables.train);
    }

    #[test]
    fn copies_of_digits_in_train_csv_are_not_drawn_for_test_csv() {
        let part = digits(50, 1);
        let twice: Vec<usize> = (0..50).chain(0..50).collect();
        let (part, other) = (part.select(&twice), part.select(&[3, 4, 5]));
        for seed in 0..10 {
            let tables = Tables::draw([&part, &other], [40, 10], Seed(seed)).unwrap();
            let train: HashSet<_> = tables.train().map(|(image, _)| image).collect();
            assert!(tables.test().all(|(image, _)| !train.contains(image)));
        }
    }

    #[test]
    fn too_many_are_refused_and_a_stop_leaves_nothing() {
        let (part, other) = (digits(50, 1), digits(20, 2));
        let error = |sizes| Tables::draw([&part, &other], sizes, Seed(0)).err().unwrap().to_string();
        assert_eq!(error([51, 1]), "51 digits for train.csv, but the training part has 50");
        assert!(error([30, 41]).starts_with("41 digits for test.csv, but 40 are left"), "{}", error([30, 41]));
        let cancel = Cancel::default();
        cancel.cancel();
        let folder = tempfile::tempdir().unwrap();
        let tables = Tables::draw([&part, &other], [30, 40], Seed(0)).unwrap();
        assert!(matches!(tables.write(folder.path(), false, &Silent, &cancel), Err(DataError::Cancelled)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
