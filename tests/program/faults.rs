//! Every command that writes survives a kill, a torn write, a full disk and an input/output error at any of its file
//! operations: it says what is wrong, what was complete stays complete, and the same command comes to the same result.
//!
//! The operations are sampled with a fixed seed; `DIGITSTACK_FAULTS` says how many of each command and kind of fault.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use digitstack::{seed::Seed, storage};
use rand::RngExt;
use serde_json::Value;

use crate::support::{
    configurations::TINY_CONFIG,
    faults::{Fault, Injector},
    program::{program, text},
    say,
    trained::{copy, smallest_model, smallest_run},
};

/// Operations of each command and kind of fault, unless `DIGITSTACK_FAULTS` says otherwise.
const SAMPLES: usize = 2;

/// Relative path and bytes of every file that depends on the command alone.
type Files = BTreeMap<String, Vec<u8>>;

/// A command that writes.
struct Scenario {
    name: &'static str,
    /// Fills an empty folder with what the command needs.
    prepare: fn(&Path),
    /// Arguments of the command; everything that it writes lies in the folder.
    arguments: fn(&Path) -> Vec<String>,
    /// What the command comes to in the folder, without clocks.
    result: fn(&Path) -> Files,
    /// Checks the folder after a fault, before the command is repeated.
    check: fn(&Path),
}

impl Scenario {
    fn command(&self, folder: &Path) -> Command {
        let mut command = program();
        command.args((self.arguments)(folder)).args(["--device", "cpu", "--threads", "2"]);
        command
    }

    /// Strikes sampled operations of the command, each in a folder of its own.
    fn survives(&self) {
        let Some(injector) = Injector::build() else { return };
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let fresh = |name: String| {
            let folder = root.join(name);
            fs::create_dir(&folder).unwrap();
            (self.prepare)(&folder);
            folder
        };
        let undisturbed = fresh("undisturbed".to_owned());
        let (output, count) = injector.count(self.command(&undisturbed), &undisturbed);
        assert!(output.status.success(), "{}: {}", self.name, text(&output.stderr));
        assert!(count > 0, "{} writes nothing that is seen", self.name);
        let (expected, names) = ((self.result)(&undisturbed), names(&undisturbed));
        let samples = std::env::var("DIGITSTACK_FAULTS").map_or(SAMPLES, |samples| samples.parse().unwrap());
        let mut random = Seed(12).derive(self.name).rng();
        let (mut deaths, mut errors, mut borne) = (0, 0, 0);
        for sample in 0..samples {
            for fault in Fault::ALL {
                let at = random.random_range(1..=count);
                let what = format!("{}, {fault} at operation {at} of {count}", self.name);
                let folder = fresh(format!("{fault}-{sample}"));
                let output = injector.strike(self.command(&folder), &folder, fault, at);
                match output.status.code() {
                    // Another number of operations, by the chance of two threads: the last may not be reached.
                    Some(0) => borne += 1,
                    None if fault.is_deadly() => deaths += 1,
                    _ => {
                        check_error(&what, &output, fault);
                        errors += 1;
                    }
                }
                (self.check)(&folder);
                if !output.status.success() {
                    let again = self.command(&folder).output().unwrap();
                    assert!(again.status.success(), "{what}: again: {}", text(&again.stderr));
                }
                let found = (self.result)(&folder);
                let differs = |name: &&String| found.get(*name) != expected.get(*name);
                let other: Vec<_> = found.keys().chain(expected.keys()).filter(differs).collect();
                assert!(other.is_empty(), "{what}: {other:?} are not those of an undisturbed execution");
                assert_eq!(self::names(&folder), names, "{what}: files that are left or lacking");
                fs::remove_dir_all(folder).unwrap();
            }
        }
        say(format_args!(
            "{}: {count} file operations; {deaths} deaths, {errors} errors, {borne} faults without effect",
            self.name
        ));
    }
}

/// Checks that a command that failed by itself says so.
fn check_error(what: &str, output: &Output, fault: Fault) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{what}: {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
    assert!(said.contains(fault.words()), "{what}: {said}");
}

/// Relative paths of everything in a folder, sorted.
fn names(folder: &Path) -> Vec<PathBuf> {
    let (mut names, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            names.push(entry.path().strip_prefix(folder).unwrap().to_owned());
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
        }
    }
    names.sort();
    names
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).into_os_string().into_string().unwrap()
}

fn arguments(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|argument| (*argument).to_owned()).collect()
}

/// The files of a complete directory that clocks, machines and the order of threads do not change.
fn trained(directory: &Path) -> Files {
    storage::verify(directory).unwrap_or_else(|error| panic!("{error}"));
    // The lock holds the process id; the journal lists paths in the order of the threads.
    let clocked =
        ["timings.json", "timing.json", "environment.json", "part.json", "manifest.json", "journal.txt", "run.lock"];
    let lasting =
        |name: &PathBuf| !name.starts_with("report") && !clocked.iter().any(|clocked| name.ends_with(clocked));
    let files = names(directory).into_iter().filter(lasting).filter(|name| directory.join(name).is_file());
    files.map(|name| (name.display().to_string(), fs::read(directory.join(name)).unwrap())).collect()
}

/// One file.
fn file(path: PathBuf) -> Files {
    [(path.file_name().unwrap().display().to_string(), fs::read(&path).unwrap())].into()
}

/// A directory that says that it is complete is.
fn complete_if_it_says_so(directory: &Path) {
    if directory.join("manifest.json").exists() {
        storage::verify(directory).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A finished directory can be used.
fn usable(directory: &Path) {
    let output = program().args(["evaluate", "--json", "--device", "cpu"]).arg(directory).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn with_configuration(folder: &Path) {
    fs::write(folder.join("tiny.toml"), TINY_CONFIG).unwrap();
}

#[test]
fn a_run() {
    Scenario {
        name: "run",
        prepare: with_configuration,
        arguments: |folder| arguments(&["run", &at(folder, "tiny.toml"), "--out", &at(folder, "out")]),
        result: |folder| trained(&folder.join("out")),
        check: |folder| complete_if_it_says_so(&folder.join("out")),
    }
    .survives();
}

#[test]
fn training_a_net() {
    Scenario {
        name: "train dense",
        prepare: with_configuration,
        arguments: |folder| arguments(&["train", "dense", &at(folder, "tiny.toml"), "--out", &at(folder, "out")]),
        result: |folder| trained(&folder.join("out")),
        check: |folder| complete_if_it_says_so(&folder.join("out")),
    }
    .survives();
}

#[test]
fn training_a_booster() {
    Scenario {
        name: "train booster",
        prepare: with_configuration,
        arguments: |folder| arguments(&["train", "booster", &at(folder, "tiny.toml"), "--out", &at(folder, "out")]),
        result: |folder| trained(&folder.join("out")),
        check: |folder| complete_if_it_says_so(&folder.join("out")),
    }
    .survives();
}

#[test]
fn importing_a_net() {
    const CONFIG: &str = r#"name = "imported"
[data]
source = "builtin"
train = 200
test = 100
[[members]]
name = "cnn"
kind = "cnn"
[members.network]
filters = 4
hidden = [12]
"#;
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/nn/sequential.safetensors");
    assert!(Path::new(weights).exists());
    Scenario {
        name: "import",
        prepare: |folder| fs::write(folder.join("cnn.toml"), CONFIG).unwrap(),
        arguments: |folder| {
            let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/nn/sequential.safetensors");
            let (config, out) = (at(folder, "cnn.toml"), at(folder, "out"));
            arguments(&["import", weights, "--config", &config, "--model", "cnn", "--out", &out])
        },
        result: |folder| trained(&folder.join("out")),
        check: |folder| complete_if_it_says_so(&folder.join("out")),
    }
    .survives();
}

#[test]
fn a_search() {
    const SEARCH: &str = r#"name = "small"
seed = 3
[data]
source = "builtin"
train = 300
[stacking]
folds = 2
[best]
name = "chosen"
[[members]]
name = "net"
kind = "dense"
[members.network]
hidden = [8]
[members.training]
epochs = 2
[[stages]]
name = "activation"
learner = "net"
parameters = [{ field = "network.activation", values = ["relu", "tanh"] }]
[[stages]]
name = "rate"
learner = "net"
parameters = [{ field = "network.hidden.0", integers = { from = 4, to = 16 } }]
strategy = { kind = "random" }
budget = { trials = 3 }
"#;
    Scenario {
        name: "tune",
        prepare: |folder| fs::write(folder.join("search.toml"), SEARCH).unwrap(),
        arguments: |folder| arguments(&["tune", &at(folder, "search.toml"), "--out", &at(folder, "out")]),
        result: |folder| {
            let best = fs::read_to_string(folder.join("out/best.toml")).unwrap();
            // The folder and the date.
            let best = best.lines().filter(|line| !line.starts_with("search = ") && !line.starts_with('#'));
            let outcome: Value = serde_json::from_slice(&fs::read(folder.join("out/search.json")).unwrap()).unwrap();
            let trials = outcome["stages"].as_array().unwrap().iter().flat_map(|stage| {
                let trial = |trial: &Value| ["values", "state", "score"].map(|part| trial[part].to_string()).join(" ");
                let trials = stage["trials"].as_array().unwrap().iter().map(trial);
                trials.chain([stage["picked"].to_string()]).collect::<Vec<_>>()
            });
            let text = |lines: Vec<String>| lines.join("\n").into_bytes();
            [
                ("best.toml".to_owned(), text(best.map(str::to_owned).collect())),
                ("trials".to_owned(), text(trials.collect())),
            ]
            .into()
        },
        check: |folder| complete_if_it_says_so(&folder.join("out")),
    }
    .survives();
}

#[test]
fn a_report_of_a_finished_run() {
    Scenario {
        name: "report",
        prepare: |folder| copy(smallest_run(), &folder.join("run")),
        arguments: |folder| arguments(&["report", &at(folder, "run"), "--png"]),
        result: |folder| trained(&folder.join("run")),
        check: |folder| usable(&folder.join("run")),
    }
    .survives();
}

#[test]
fn a_report_of_a_finished_model() {
    Scenario {
        name: "report of a model",
        prepare: |folder| copy(smallest_model(), &folder.join("model")),
        arguments: |folder| arguments(&["report", &at(folder, "model"), "--png"]),
        result: |folder| trained(&folder.join("model")),
        check: |folder| usable(&folder.join("model")),
    }
    .survives();
}

#[test]
fn an_export() {
    Scenario {
        name: "export",
        prepare: |_| (),
        arguments: |folder| {
            let (run, out) = (smallest_run().to_str().unwrap(), at(folder, "dense.onnx"));
            arguments(&["export", run, "dense/fold-1", "--format", "onnx", "--out", &out])
        },
        result: |folder| file(folder.join("dense.onnx")),
        check: |_| (),
    }
    .survives();
}

#[test]
fn an_export_over_an_older_file() {
    Scenario {
        name: "export --force",
        prepare: |folder| fs::write(folder.join("dense.onnx"), "old").unwrap(),
        arguments: |folder| {
            let (run, out) = (smallest_run().to_str().unwrap(), at(folder, "dense.onnx"));
            arguments(&["export", run, "dense/fold-1", "--format", "onnx", "--out", &out, "--force"])
        },
        result: |folder| file(folder.join("dense.onnx")),
        check: |folder| {
            let found = fs::read(folder.join("dense.onnx")).unwrap();
            assert!(found == b"old" || found.len() > 1000, "neither the old file nor the new one");
        },
    }
    .survives();
}

#[test]
fn a_leaderboard() {
    for (name, out) in [("leaderboard as SVG", "board.svg"), ("leaderboard as PNG", "board.png")] {
        let svg: fn(&Path) -> Vec<String> =
            |folder| arguments(&["leaderboard", smallest_run().to_str().unwrap(), "--out", &at(folder, "board.svg")]);
        let png: fn(&Path) -> Vec<String> =
            |folder| arguments(&["leaderboard", smallest_run().to_str().unwrap(), "--out", &at(folder, "board.png")]);
        Scenario {
            name,
            prepare: |_| (),
            arguments: if out == "board.svg" { svg } else { png },
            result: |folder| {
                let name = if folder.join("board.svg").exists() { "board.svg" } else { "board.png" };
                file(folder.join(name))
            },
            check: |_| usable(smallest_run()),
        }
        .survives();
    }
}

#[test]
fn a_data_split() {
    Scenario {
        name: "data split",
        prepare: |_| (),
        arguments: |folder| arguments(&["data", "split", &at(folder, "tables"), "--train", "60", "--test", "30"]),
        result: |folder| tables(&folder.join("tables")).unwrap(),
        check: |folder| {
            // Half of the files are no data.
            let there = tables(&folder.join("tables"));
            assert!(there.is_some() || !is_data(&folder.join("tables")), "{:?} pass for data", names(folder));
        },
    }
    .survives();
}

#[test]
fn a_data_split_over_older_tables() {
    const OLD: [&str; 6] = ["--train", "40", "--test", "20", "--seed", "9"];
    Scenario {
        name: "data split --force",
        prepare: |folder| {
            let output = program().args(["data", "split"]).arg(folder.join("tables")).args(OLD).output().unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
        },
        arguments: |folder| {
            arguments(&["data", "split", &at(folder, "tables"), "--train", "60", "--test", "30", "--force"])
        },
        result: |folder| tables(&folder.join("tables")).unwrap(),
        check: |folder| {
            if is_data(&folder.join("tables")) {
                let tables = tables(&folder.join("tables")).expect("all files");
                let lines: Vec<_> =
                    tables.values().map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count()).collect();
                assert!(lines == [21, 21, 41] || lines == [31, 31, 61], "old and new files are mixed: {lines:?}");
            }
        },
    }
    .survives();
}

/// The tables of `data split`, if all are there.
fn tables(folder: &Path) -> Option<Files> {
    let read = |name: &str| Some((name.to_owned(), fs::read(folder.join(name)).ok()?));
    ["test-labels.csv", "test.csv", "train.csv"].map(read).into_iter().collect()
}

/// Whether the program takes a folder for a data set.
fn is_data(folder: &Path) -> bool {
    let output = program().args(["data", "info", "--data"]).arg(folder).output().unwrap();
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
    output.status.success()
}

#[test]
fn a_sheet_of_examples() {
    Scenario {
        name: "data show",
        prepare: |_| (),
        arguments: |folder| {
            arguments(&[
                "data",
                "show",
                "--set",
                "data.train=200",
                "--set",
                "data.test=20",
                "--out",
                &at(folder, "digits.png"),
            ])
        },
        result: |folder| file(folder.join("digits.png")),
        check: |_| (),
    }
    .survives();
}

#[test]
fn answers_to_a_table() {
    Scenario {
        name: "predict --csv",
        prepare: |folder| {
            let split = ["--train", "10", "--test", "700"];
            let output = program().args(["data", "split"]).arg(folder.join("tables")).args(split).output().unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
        },
        arguments: |folder| {
            let (model, csv, out) =
                (smallest_model().to_str().unwrap(), at(folder, "tables/test.csv"), at(folder, "out.csv"));
            arguments(&["predict", model, "--csv", &csv, "--out", &out, "--probabilities", "--force"])
        },
        result: |folder| file(folder.join("out.csv")),
        check: |_| usable(smallest_model()),
    }
    .survives();
}

#[test]
fn answers_to_a_folder_of_pictures() {
    Scenario {
        name: "predict --out",
        prepare: |folder| {
            let digits = digitstack::data::synthetic::generate(4, Seed(2));
            fs::create_dir(folder.join("pictures")).unwrap();
            // Two pieces; almost all of the pictures are the same four.
            for index in 0..600 {
                let path = folder.join(format!("pictures/{index:04}.png"));
                if index < 4 {
                    let pixels = digits.images.get(index).to_vec();
                    image::GrayImage::from_raw(28, 28, pixels).unwrap().save(&path).unwrap();
                } else {
                    fs::hard_link(folder.join(format!("pictures/{:04}.png", index % 4)), path).unwrap();
                }
            }
        },
        arguments: |folder| {
            let (model, pictures, out) =
                (smallest_model().to_str().unwrap(), at(folder, "pictures"), at(folder, "out.csv"));
            arguments(&["predict", model, &pictures, "--out", &out, "--probabilities", "--force"])
        },
        result: |folder| {
            // Without the folder's own name.
            let text = fs::read_to_string(folder.join("out.csv")).unwrap();
            [("out.csv".to_owned(), text.replace(folder.to_str().unwrap(), "").into_bytes())].into()
        },
        check: |_| usable(smallest_model()),
    }
    .survives();
}

#[test]
fn numbers_of_a_picture() {
    Scenario {
        name: "read --out --draw",
        prepare: |folder| {
            let digits = digitstack::data::synthetic::generate(3, Seed(2));
            let mut paper = image::GrayImage::from_pixel(300, 120, image::Luma([255]));
            for index in 0..3u32 {
                let digit = image::GrayImage::from_fn(28, 28, |x, y| {
                    image::Luma([255 - digits.images.get(index as usize)[(28 * y + x) as usize]])
                });
                let large = image::imageops::resize(&digit, 84, 84, image::imageops::FilterType::CatmullRom);
                image::imageops::replace(&mut paper, &large, i64::from(90 * index) + 12, 18);
            }
            paper.save(folder.join("number.png")).unwrap();
            // What is replaced stays until the new file is whole.
            fs::write(folder.join("numbers.csv"), "old").unwrap();
        },
        arguments: |folder| {
            let (model, picture) = (smallest_model().to_str().unwrap(), at(folder, "number.png"));
            let (out, drawing) = (at(folder, "numbers.csv"), at(folder, "read.png"));
            arguments(&["read", model, &picture, "--out", &out, "--draw", &drawing, "--force"])
        },
        result: |folder| {
            // Without the folder's own name.
            let text = fs::read_to_string(folder.join("numbers.csv")).unwrap();
            let table = text.replace(folder.to_str().unwrap(), "").into_bytes();
            [("numbers.csv".to_owned(), table), ("read.png".to_owned(), fs::read(folder.join("read.png")).unwrap())]
                .into()
        },
        check: |folder| {
            let table = fs::read_to_string(folder.join("numbers.csv")).unwrap();
            assert!(table == "old" || (table.starts_with("file,line,") && table.ends_with('\n')), "{table}");
            assert!(image::open(folder.join("read.png")).is_ok() || !folder.join("read.png").exists());
            usable(smallest_model());
        },
    }
    .survives();
}

#[test]
fn commands_that_only_read_write_nothing() {
    let Some(injector) = Injector::build() else { return };
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    copy(smallest_run(), &root.join("run"));
    let picture = at(&root, "digit.png");
    image::GrayImage::from_fn(28, 28, |x, _| image::Luma([if x == 14 { 0 } else { 255 }])).save(&picture).unwrap();
    let run = at(&root, "run");
    for arguments in [
        &["evaluate", &run][..],
        &["predict", &run, &picture],
        &["read", &run, &picture],
        &["leaderboard", &run],
        &["data", "info"],
        &["check", "overfit", "--member", "dense"],
        &["devices"],
    ] {
        let mut command = program();
        command.args(arguments).args(["--device", "cpu"]).current_dir(&root);
        let (output, count) = injector.count(command, &root);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(count, 0, "{arguments:?}");
    }
}
