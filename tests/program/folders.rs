//! Folders as people have them, from the command line: they train with whatever lies in them, and say what they are.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use digitstack::{data::synthetic, seed::Seed};
use image::{DynamicImage, GrayImage, ImageFormat, imageops::FilterType};

use crate::support::program::{json, program, text};

/// Settings that make the quickstart a matter of a second; none of them is about its digits.
const QUICK: [&str; 10] = [
    "--set",
    "members.cnn.training.epochs=1",
    "--set",
    "members.dense.training.epochs=1",
    "--set",
    "members.booster.booster.trees=2",
    "--set",
    "stacking.folds=2",
    "--device",
    "cpu",
];

/// A dark digit on white paper, three times enlarged.
fn page(pixels: &[u8]) -> DynamicImage {
    let mut image = DynamicImage::from(GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap());
    image.invert();
    image.resize_exact(84, 84, FilterType::Triangle)
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// A folder of `count` pictures in class folders.
fn pictures(folder: &Path, count: usize) {
    let digits = synthetic::generate(count, Seed(7));
    for (index, (image, label)) in digits.images.iter().zip(&digits.labels).enumerate() {
        let class = folder.join(label.to_string());
        fs::create_dir_all(&class).unwrap();
        let (name, format) = if index % 4 == 0 { ("jpg", ImageFormat::Jpeg) } else { ("png", ImageFormat::Png) };
        fs::write(class.join(format!("{index:04}.{name}")), encoded(&page(image), format)).unwrap();
    }
}

/// The same folder with what systems and people leave in one: a file cut off, a blank page, notes.
fn lived_in(folder: &Path) {
    for junk in ["3/desktop.ini", "3/thumbs.db", "3/Thumbs.db", "4/.DS_Store", "4/._0.png", "5/@eaDir/0.png/thumb.jpg"]
    {
        let path = folder.join(junk);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    let digit = synthetic::generate(1, Seed(9));
    let whole = encoded(&page(digit.images.get(0)), ImageFormat::Png);
    fs::write(folder.join("4/torn.png"), &whole[..whole.len() / 2]).unwrap();
    let blank = DynamicImage::from(GrayImage::from_pixel(84, 84, image::Luma([255])));
    fs::write(folder.join("5/empty-page.png"), encoded(&blank, ImageFormat::Png)).unwrap();
    fs::write(folder.join("3/README.txt"), "sevens and ones look alike\n").unwrap();
}

/// Runs the program in `here`, and returns its exit code with what it said.
fn run(here: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = program().current_dir(here).args(arguments).output().unwrap();
    (output.status.code(), text(&output.stderr))
}

#[test]
fn a_lived_in_folder_trains_under_its_own_name_and_lists_what_it_passed_over() {
    let here = tempfile::tempdir().unwrap();
    let data = here.path().join("my digits");
    pictures(&data, 300);
    lived_in(&data);
    let arguments = [&["run", "--data", "my digits", "--set", "data.test=0.2"], &QUICK[..]].concat();

    let (code, said) = run(here.path(), &[&arguments[..], &["--strict"]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("README.txt"), "{said}");

    let (code, said) = run(here.path(), &[&arguments[..], &["--set", "data.max_skipped=0.005"]].concat());
    assert_eq!(code, Some(1), "{said}");
    for words in ["3 of 303 files give no digit", "3/README.txt", "4/torn.png", "5/empty-page.png", "data.max_skipped"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }

    let (code, said) = run(here.path(), &arguments);
    assert_eq!(code, Some(0), "{said}");
    let words = [
        "picture folders 0 to 9 in my digits",
        "all dark on light",
        "3 of 303 files passed over (1 unreadable, 1 blank, 1 not a picture)",
        "my-digits/skipped.csv",
        "are held out for the test (data.test)",
    ];
    for words in words {
        assert!(said.contains(words), "{words}: {said}");
    }
    // Nobody set the limits of the built-in digits.
    assert!(!said.contains("not applied"), "{said}");
    let directory: PathBuf = here.path().join("artifacts/my-digits");
    let skipped = fs::read_to_string(directory.join("skipped.csv")).unwrap();
    let files: Vec<_> = skipped.lines().map(|line| line.split(',').take(2).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(files, ["file,reason", "3/README.txt,not a picture", "4/torn.png,unreadable", "5/empty-page.png,blank"]);
    assert!(fs::read_to_string(directory.join("config.toml")).unwrap().contains("source = \"folder\""));

    // The share that was held out is what the run is evaluated on.
    let run_of = directory.to_str().unwrap();
    let scored = json(&["evaluate", run_of, "--data", data.to_str().unwrap()]);
    let metrics: serde_json::Value =
        serde_json::from_slice(&fs::read(directory.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(scored["models"][0]["test"]["correct"], metrics["models"][0]["test"]["correct"]);
    assert!(
        scored["models"][0]["test"]["images"].as_u64().is_some_and(|images| (50..=70).contains(&images)),
        "{scored}"
    );

    // The same once more verifies what is there, strictly or not.
    fs::remove_file(data.join("3/README.txt")).unwrap();
    let (code, said) = run(here.path(), &arguments);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn the_layout_decides_with_any_configuration() {
    let here = tempfile::tempdir().unwrap();
    pictures(&here.path().join("set/training"), 100);
    pictures(&here.path().join("set/testing"), 100);
    let config = here.path().join("own.toml");
    fs::write(&config, "name = \"own\"\n[data]\nsource = \"mnist\"\n[[members]]\nname = \"dense\"\nkind = \"dense\"\n")
        .unwrap();
    let info = json(&["data", "info", config.to_str().unwrap(), "--data", here.path().join("set").to_str().unwrap()]);
    assert_eq!((info["train"]["images"].as_u64(), info["test"]["images"].as_u64()), (Some(100), Some(100)));
    assert!(info["source"].as_str().unwrap().starts_with("picture folders training/0 to training/9 and testing/0"));
}

#[test]
fn test_images_that_were_trained_on_are_counted_and_listed() {
    let here = tempfile::tempdir().unwrap();
    let row = |index: usize, image: &[u8]| {
        let cells = image.iter().map(|pixel| format!(",{pixel}")).collect::<String>();
        format!("{}{cells}\n", index % 10)
    };
    let digits = synthetic::generate(220, Seed(3));
    let rows: Vec<String> =
        digits.images.iter().zip(&digits.labels).map(|(image, label)| row(usize::from(*label), image)).collect();
    fs::create_dir(here.path().join("leaky")).unwrap();
    fs::write(here.path().join("leaky/train.csv"), rows[..200].concat()).unwrap();
    fs::write(here.path().join("leaky/test.csv"), rows[198..].concat()).unwrap();
    let (code, said) = run(here.path(), &[&["train", "dense", "--data", "leaky"], &QUICK[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("warning: 2 of 22 test images are in the training set, too"), "{said}");
    let listed = fs::read_to_string(here.path().join("artifacts/leaky-dense/duplicates.csv")).unwrap();
    let names: Vec<_> = listed.lines().skip(1).collect();
    assert_eq!(names.len(), 2, "{listed}");
    assert!(names[0].starts_with("\"test.csv, row 1\",") && names[0].contains("\"train.csv, row 199\""), "{listed}");
}

#[test]
fn a_folder_that_is_not_there_is_a_wrong_argument_and_nothing_is_written() {
    let here = tempfile::tempdir().unwrap();
    for command in [&["run"][..], &["train", "cnn"], &["tune"]] {
        let (code, said) = run(here.path(), &[command, &["--data", "gone"]].concat());
        assert_eq!(code, Some(2), "{command:?}: {said}");
        assert!(said.contains("--data gone: there is no such file or folder"), "{command:?}: {said}");
    }
    let (code, said) = run(here.path(), &["predict", "gone", "x.png"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("gone: there is no such directory"), "{said}");
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
}
