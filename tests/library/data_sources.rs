//! Digits from every kind of source, and folds against scikit-learn's.

use std::{path::Path, sync::Arc};

use digitstack::{
    data::{
        CLASSES, DataConfig, DataError, Digits, HeldOut, Images, PIXELS, PictureDigit, PictureProblem,
        PictureProblemKind, PictureReader, Polarity, Source, SourceKind, csv, idx,
        mnist::{Mnist, Part},
        stratified_group_folds,
    },
    progress::Silent,
    seed::Seed,
};
use serde::Deserialize;

use crate::support::mnist;

fn digits(count: usize) -> Digits {
    let labels: Vec<u8> = (0..count).map(|index| (index % CLASSES) as u8).collect();
    Digits::new(Images::from_images((0..count).map(|index| [(index % 256) as u8; PIXELS])), labels)
}

/// Reads grey PNG files of 28×28 pixels as they are.
fn plain_pictures() -> PictureReader {
    Arc::new(|bytes, _| {
        let pixels = image::load_from_memory(bytes).ok().and_then(|image| image.to_luma8().into_raw().try_into().ok());
        let problem = || PictureProblem { kind: PictureProblemKind::Unreadable, message: "no such picture".to_owned() };
        Ok(PictureDigit { pixels: pixels.ok_or_else(problem)?, polarity: Polarity::LightOnDark })
    })
}

fn folder_source(folder: &Path) -> Source {
    Source::open(&DataConfig::default(), Some(folder), plain_pictures()).unwrap()
}

fn write_csv(path: &Path, digits: &Digits, with_labels: bool) {
    let rows = digits.images.iter().zip(&digits.labels).map(|(image, label)| {
        let cells = with_labels.then_some(label).into_iter().chain(image);
        cells.map(u8::to_string).collect::<Vec<_>>().join(",")
    });
    std::fs::write(path, rows.collect::<Vec<_>>().join("\n")).unwrap();
}

fn write_images(folder: &Path, digits: &Digits) {
    for (index, (image, label)) in digits.images.iter().zip(&digits.labels).enumerate() {
        let folder = folder.join(label.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        image::GrayImage::from_raw(28, 28, image.to_vec())
            .unwrap()
            .save(folder.join(format!("{index:05}.png")))
            .unwrap();
    }
}

/// The same digits in the order of an image folder.
fn by_class(digits: &Digits) -> Digits {
    let mut order: Vec<usize> = (0..digits.len()).collect();
    order.sort_by_key(|&index| digits.labels[index]);
    let sorted = digits.select(&order);
    Digits::new(sorted.images, sorted.labels)
}

#[test]
fn every_kind_of_folder_is_recognised_and_read() {
    let (train, test) = (digits(40), digits(20));

    let idx_folder = tempfile::tempdir().unwrap();
    let at = |name: &str| idx_folder.path().join(name);
    idx::write_pair(&train, &at("train-images-idx3-ubyte.gz"), &at("train-labels.idx1-ubyte")).unwrap();
    let source = folder_source(idx_folder.path());
    assert_eq!(source.train(&Silent).unwrap(), train);
    assert_eq!(source.test(&Silent).unwrap(), None);
    idx::write_pair(&test, &at("t10k-images-idx3-ubyte"), &at("t10k-labels-idx1-ubyte")).unwrap();
    assert_eq!(source.test(&Silent).unwrap(), Some(test.clone()));
    assert!(!source.train_fingerprint().unwrap().official_mnist);

    let csv_folder = tempfile::tempdir().unwrap();
    write_csv(&csv_folder.path().join("train.csv"), &train, true);
    let source = folder_source(csv_folder.path());
    assert_eq!(source.train(&Silent).unwrap(), train);
    assert_eq!(source.test(&Silent).unwrap(), None);
    write_csv(&csv_folder.path().join("test.csv"), &test, false);
    assert_eq!(source.test(&Silent).unwrap(), None, "a test set without labels cannot be scored");
    assert_eq!(csv::read(&csv_folder.path().join("test.csv")).unwrap().images, test.images);
    write_csv(&csv_folder.path().join("test.csv"), &test, true);
    assert_eq!(source.test(&Silent).unwrap(), Some(test.clone()));
    assert_eq!(source.describe(), format!("train.csv in {}", csv_folder.path().display()));

    let image_folder = tempfile::tempdir().unwrap();
    write_images(&image_folder.path().join("train"), &train);
    let source = folder_source(image_folder.path());
    assert_eq!(source.train(&Silent).unwrap(), by_class(&train));
    assert_eq!(source.test(&Silent).unwrap(), None);
    write_images(&image_folder.path().join("test"), &test);
    assert_eq!(source.test(&Silent).unwrap(), Some(by_class(&test)));
    let source = folder_source(&image_folder.path().join("train"));
    assert_eq!(source.train(&Silent).unwrap(), by_class(&train));
    assert_eq!(source.test(&Silent).unwrap(), None);
}

#[test]
fn nothing_of_the_test_set_is_opened_before_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    idx::write_pair(&digits(20), &at("train-images-idx3-ubyte"), &at("train-labels-idx1-ubyte")).unwrap();
    std::fs::write(at("t10k-images-idx3-ubyte"), "damaged").unwrap();
    let source = folder_source(folder.path());
    assert_eq!(source.train(&Silent).unwrap().len(), 20);
    assert_eq!(source.test_fingerprint(), None);
    let error = source.test(&Silent).unwrap_err().to_string();
    assert!(error.contains("lacks t10k-labels-idx1-ubyte"), "{error}");
    std::fs::write(at("t10k-labels-idx1-ubyte"), "damaged").unwrap();
    let error = source.test(&Silent).unwrap_err().to_string();
    assert!(error.contains("t10k-images-idx3-ubyte: ends after 7 bytes"), "{error}");
}

#[test]
fn a_fingerprint_pins_the_contents_however_they_are_packed() {
    let pack = |images: &str, labels: &str, digits: &Digits| {
        let folder = tempfile::tempdir().unwrap();
        idx::write_pair(digits, &folder.path().join(images), &folder.path().join(labels)).unwrap();
        let source = folder_source(folder.path());
        source.train(&Silent).unwrap();
        source.train_fingerprint().unwrap().clone()
    };
    let plain = pack("train-images-idx3-ubyte", "train-labels-idx1-ubyte", &digits(20));
    assert_eq!(plain, pack("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", &digits(20)));
    assert_eq!(plain.files[1].name, "train-labels-idx1-ubyte");
    let mut changed = digits(20);
    changed.labels[0] = 5;
    let other = pack("train-images-idx3-ubyte", "train-labels-idx1-ubyte", &changed);
    assert!(plain.sha256 != other.sha256 && plain.files[0] == other.files[0] && plain.files[1] != other.files[1]);
}

#[test]
fn a_set_that_changes_under_a_running_program_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.csv");
    write_csv(&path, &digits(20), true);
    let source = folder_source(folder.path());
    source.train(&Silent).unwrap();
    source.train(&Silent).unwrap();
    write_csv(&path, &digits(30), true);
    assert!(source.train(&Silent).unwrap_err().to_string().contains("has changed since it was read first"));
}

#[test]
fn limits_draw_every_class_alike_and_always_the_same_images() {
    let folder = tempfile::tempdir().unwrap();
    write_csv(&folder.path().join("train.csv"), &digits(200), true);
    let config = DataConfig { train: Some(50), ..DataConfig::default() };
    let read = || Source::open(&config, Some(folder.path()), plain_pictures()).unwrap().train(&Silent).unwrap();
    let limited = read();
    assert_eq!(limited.class_counts(), [5; CLASSES]);
    assert_eq!(limited, read());
    assert!(limited.groups.is_sorted_by(|a, b| a < b), "in file order, each its own group");
    assert!(limited.groups.last() > Some(&100), "not merely the first fifty");
}

#[test]
fn builtin_digits_follow_their_own_seed() {
    let open = |builtin_seed| {
        let config =
            DataConfig { builtin_seed, train: Some(60), test: Some(HeldOut::Count(30)), ..DataConfig::default() };
        Source::open(&config, None, plain_pictures()).unwrap()
    };
    let source = open(0);
    let (train, test) = (source.train(&Silent).unwrap(), source.test(&Silent).unwrap().unwrap());
    assert_eq!((train.len(), test.len()), (60, 30));
    assert_ne!(train.select(&(0..30).collect::<Vec<_>>()).images, test.images);
    assert_eq!(open(0).train(&Silent).unwrap(), train);
    assert_ne!(open(1).train(&Silent).unwrap(), train);
    assert_eq!(source.train_fingerprint().unwrap().images, 60);
}

#[test]
fn folders_of_no_kind_or_several_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        |path: &Path| Source::open(&DataConfig::default(), Some(path), plain_pictures()).err().unwrap().to_string();
    assert!(
        error(folder.path())
            .contains("expected train-images-idx3-ubyte and train-labels-idx1-ubyte, or train.csv, or folders")
    );
    write_csv(&folder.path().join("train.csv"), &digits(10), true);
    write_images(folder.path(), &digits(10));
    assert!(error(folder.path()).contains("several data sets (train.csv, image folders 0 to 9); keep one"));
    assert!(error(&folder.path().join("gone")).contains("does not exist"));

    let unlabelled = tempfile::tempdir().unwrap();
    write_csv(&unlabelled.path().join("train.csv"), &digits(10), false);
    let error = folder_source(unlabelled.path()).train(&Silent).unwrap_err().to_string();
    assert!(error.ends_with("holds no labelled training digits"), "{error}");
}

#[test]
fn settings_are_parsed_strictly_and_checked() {
    let parse = toml::from_str::<DataConfig>;
    assert_eq!(parse("").unwrap(), DataConfig::default());
    let config = parse("source = \"mnist\"\npath = \"digits\"\ntrain = 5000").unwrap();
    assert_eq!((config.source, config.train, config.check()), (SourceKind::Mnist, Some(5000), Ok(())));
    assert!(parse("sauce = \"mnist\"").unwrap_err().to_string().contains("unknown field"));
    assert!(parse("source = \"emnist\"").unwrap_err().to_string().contains("expected one of"));
    for (text, field) in [
        ("train = 0", "train"),
        ("test = 10000001", "test"),
        ("path = \"x\"", "path"),
        ("source = \"folder\"\npath = \"\"", "path"),
    ] {
        assert_eq!(parse(text).unwrap().check().unwrap_err().field, field);
    }
    let nowhere = DataConfig { source: SourceKind::Folder, ..DataConfig::default() };
    assert!(
        matches!(Source::open(&nowhere, None, plain_pictures()), Err(DataError::Setting(error)) if error.field == "path")
    );
}

#[test]
fn the_official_mnist_is_recognised() {
    let Some(folder) = mnist::folder() else { return };
    let mnist = Mnist::find(Some(&folder)).unwrap();
    for (part, counts, first) in [
        (Part::Train, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], [5, 0, 4, 1, 9]),
        (Part::Test, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], [7, 2, 1, 0, 4]),
    ] {
        let read = mnist.read(part, &Silent).unwrap();
        assert!(read.is_official);
        assert_eq!(read.digits.class_counts(), counts);
        assert_eq!(read.digits.labels[..5], first);
    }
    let source = folder_source(&folder);
    assert_eq!(source.train(&Silent).unwrap().len(), 60_000);
    assert!(source.train_fingerprint().unwrap().official_mnist);
}

#[derive(Deserialize)]
struct Recorded {
    cases: Vec<RecordedCase>,
}

#[derive(Deserialize)]
struct RecordedCase {
    name: String,
    folds: usize,
    labels: Vec<u8>,
    groups: Vec<u32>,
    /// scikit-learn's, for five seeds: `[seed][fold][class]`.
    counts: Vec<Vec<[usize; CLASSES]>>,
}

/// Mean over classes of the standard deviation between folds of the class's share: what scikit-learn minimises.
fn unevenness(counts: &[[usize; CLASSES]]) -> f64 {
    let deviations = (0..CLASSES).map(|class| {
        let total: usize = counts.iter().map(|fold| fold[class]).sum();
        let shares = counts.iter().map(|fold| fold[class] as f64 / total as f64);
        let mean = 1.0 / counts.len() as f64;
        (shares.map(|share| (share - mean).powi(2)).sum::<f64>() * mean).sqrt()
    });
    deviations.sum::<f64>() / CLASSES as f64
}

#[test]
fn folds_are_as_even_as_those_of_scikit_learn() {
    let recorded: Recorded = serde_json::from_str(include_str!("../data/data/folds.json")).unwrap();
    assert_eq!(recorded.cases.len(), 4);
    for case in recorded.cases {
        let mean = |all: Vec<f64>| all.iter().sum::<f64>() / all.len() as f64;
        let theirs = mean(case.counts.iter().map(|counts| unevenness(counts)).collect());
        let ours = mean(
            (0..5)
                .map(|seed| {
                    let folds = stratified_group_folds(&case.labels, &case.groups, case.folds, Seed(seed)).unwrap();
                    let mut counts = vec![[0; CLASSES]; case.folds];
                    for (&label, &fold) in case.labels.iter().zip(folds.fold_of()) {
                        counts[usize::from(fold)][usize::from(label)] += 1;
                    }
                    unevenness(&counts)
                })
                .collect(),
        );
        assert!(ours <= theirs * 1.1, "{}: {ours} against {theirs}", case.name);
    }
}
