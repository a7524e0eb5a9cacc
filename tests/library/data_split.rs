//! A split of a data set that is interrupted is recognised, refused as data, and completed by writing it again.

use std::{fs, path::Path};

use digitstack::{
    data::{
        DataConfig, DataError, Digits, Images, PIXELS, PictureReader, Source,
        tables::{NAMES, Tables, check_folder},
    },
    fit::Cancel,
    progress::Silent,
    seed::Seed,
    storage::{RunDirectory, StorageError},
};

/// Writes a split of sixty digits.
fn try_write(folder: &Path, seed: u64, replace: bool) -> Result<(), DataError> {
    let images = Images::from_images((0..60).map(|index| [index + 100; PIXELS]));
    let part = Digits::new(images, (0..60).map(|index| index % 10).collect());
    let none = Digits::default();
    let tables = Tables::draw([&part, &none], [40, 20], Seed(seed)).unwrap();
    tables.write(folder, replace, &Silent, &Cancel::default()).map(drop)
}

fn write(folder: &Path, seed: u64) {
    try_write(folder, seed, false).unwrap();
}

fn is_refused(folder: &Path, seed: u64) -> bool {
    matches!(try_write(folder, seed, false), Err(DataError::Storage(StorageError::Exists(_))))
}

/// A reader of pictures where there are none.
fn no_pictures() -> PictureReader {
    std::sync::Arc::new(|_, _| panic!("no picture is here"))
}

/// Reads both parts of a folder, as a run does.
fn read(folder: &Path) -> Result<(Digits, Option<Digits>), DataError> {
    let source = Source::open(&DataConfig::default(), Some(folder), no_pictures())?;
    Ok((source.train(&Silent)?, source.test(&Silent)?))
}

#[test]
fn every_state_of_an_interrupted_split_is_refused_until_it_is_written_again() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(old.path(), 1);
    write(new.path(), 2);
    for over_an_old_one in [false, true] {
        for renamed in 0..NAMES.len() {
            // The record is written first, then the files take their names one by one.
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let copy = |from: &Path, name: &str, to: &str| fs::copy(from.join(name), at(to)).unwrap();
            if over_an_old_one {
                for name in NAMES {
                    copy(old.path(), name, name);
                }
            }
            copy(new.path(), "split.json", "split.json");
            for (index, name) in NAMES.iter().enumerate() {
                let temporary = format!(".digitstack-{index}.part");
                copy(new.path(), name, if index < renamed { name } else { &temporary });
            }
            let error = read(folder.path()).unwrap_err().to_string();
            let state = format!("over an old one: {over_an_old_one}, renamed: {renamed}: {error}");
            assert!(error.contains("split.json") && error.contains("run the same command again"), "{state}");
            // What the interrupted split left is no reason to ask for --force, an earlier split is.
            check_folder(folder.path(), false).unwrap();
            if over_an_old_one {
                assert!(is_refused(folder.path(), 2), "{state}");
                assert!(read(folder.path()).is_err(), "{state}");
            }
            try_write(folder.path(), 2, over_an_old_one).unwrap();
            assert_eq!(read(folder.path()).unwrap(), read(new.path()).unwrap());
            assert_eq!(folder.path().read_dir().unwrap().count(), 4, "leftovers are removed");
            // The same command once more changes nothing; another one needs --force.
            write(folder.path(), 2);
            assert!(is_refused(folder.path(), 3));
            assert_eq!(read(folder.path()).unwrap(), read(new.path()).unwrap());
        }
    }
}

#[test]
fn a_split_without_its_record_beside_leftovers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(folder.path(), 1);
    fs::remove_file(at("split.json")).unwrap();
    read(folder.path()).unwrap();
    fs::rename(at("test.csv"), at(".digitstack-a.part")).unwrap();
    for leave in ["train.csv", "test-labels.csv"] {
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(".digitstack-a.part") && error.contains("run the same command again"), "{error}");
        fs::remove_file(at(leave)).unwrap();
    }
}

#[test]
fn files_that_changed_after_the_split_are_refused_and_answers_may_be_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(folder.path(), 1);
    let test = fs::read_to_string(at("test.csv")).unwrap();
    // The same size, another digit: found when the file is read, so that training does not open the test digits.
    let last = test.trim_end().len() - 1;
    fs::write(at("test.csv"), format!("{}{}\n", &test[..last], (test.as_bytes()[last] - b'0' + 1) % 10)).unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("test.csv is not the file that split.json lists"), "{error}");
    fs::write(at("test.csv"), &test).unwrap();
    fs::remove_file(at("test-labels.csv")).unwrap();
    assert_eq!(read(folder.path()).unwrap().1, None);
    fs::remove_file(at("test.csv")).unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().contains("test.csv is missing"));
    fs::remove_file(at("split.json")).unwrap();
    read(folder.path()).unwrap();
}

#[test]
fn a_split_is_not_written_over_the_record_of_another_data_set_or_into_a_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("split.json"), r#"{"train": 0.8}"#).unwrap();
    assert!(matches!(check_folder(folder.path(), false), Err(StorageError::Exists(_))));
    let run = tempfile::tempdir().unwrap();
    drop(RunDirectory::open(run.path(), false).unwrap());
    assert!(matches!(check_folder(&run.path().join("tables"), true), Err(StorageError::Output { .. })));
}
