//! `data split`, `predict --csv`, and predictions of single models.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use digitstack::{
    artifact::{Artifact, CsvRequest, Destination, RunFailure, StopReason, TrainedModels, predict_csv},
    data::{PIXELS, csv, synthetic},
    device,
    fit::{Cancel, FitContext},
    progress::{Progress, Task},
    seed::Seed,
    storage,
};

use crate::support::{
    configurations::TINY,
    program::{ends, json, on_cpu, text},
    say, skip,
    trained::tiny_run,
};

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with tables (400 digits to train on, 300 to test on), and a dense net trained on them.
struct Fixture {
    folder: tempfile::TempDir,
    /// Standard error of the training.
    training: String,
}

impl Fixture {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    ends(&["data", "split", &at("tables"), "--train", "400", "--test", "300"], 0);
    // As Kaggle distributes them: without the labels of test.csv.
    std::fs::create_dir(at("kaggle")).unwrap();
    for file in ["train.csv", "test.csv"] {
        std::fs::copy(format!("{}/{file}", at("tables")), format!("{}/{file}", at("kaggle"))).unwrap();
    }
    let (tables, dense) = (at("kaggle"), at("dense"));
    let longer = ["--set", "members.dense.training.epochs=20"];
    let training = ends(&[&["train", "dense", "--data", &tables, "--out", &dense], &TINY[..], &longer].concat(), 0);
    Fixture { folder, training }
});

/// Row of 784 pixels, all 7 but the first.
fn row(first: &str) -> String {
    format!("{first}{}", ",7".repeat(PIXELS - 1))
}

/// The file with the answers of an output that is not complete; none if there is no such file.
fn partial(out: &Path) -> Option<PathBuf> {
    let name = out.file_name().unwrap().to_str().unwrap();
    let mut found =
        std::fs::read_dir(out.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| {
            let other = path.file_name().unwrap().to_str().unwrap();
            other.starts_with(&format!("{name}.")) && other.ends_with(".partial")
        });
    let first = found.next();
    assert!(found.next().is_none(), "several partial files");
    first
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn split_train_predict_and_score() {
    let fixture = &*FIXTURE;
    // Kaggle's test.csv has no labels: there is no test score, with a message.
    assert!(fixture.training.contains("test.csv has no labels"), "{}", fixture.training);
    let metrics: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixture.at("dense/metrics.json")).unwrap()).unwrap();
    let scores = &metrics["models"][0];
    assert!(scores["test"].is_null() && scores["held_out"]["images"] == 40, "{metrics}");

    let (test, answers) = (fixture.at("tables/test.csv"), fixture.at("tables/test-labels.csv"));
    let (dense, out) = (fixture.at("dense"), fixture.at("round-trip.csv"));
    let asked = [
        "predict",
        name(&dense),
        "--csv",
        name(&test),
        "--out",
        name(&out),
        "--answers",
        name(&answers),
        "--probabilities",
    ];
    let summary = json(&asked);
    let labels = csv::Answers::read(&answers).unwrap().labels().to_vec();
    let written = lines(&out);
    assert_eq!(written[0], "ImageId,Label,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9");
    assert_eq!((written.len(), labels.len()), (301, 300));
    let mut correct = 0;
    for (index, line) in written[1..].iter().enumerate() {
        let cells: Vec<f32> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        assert_eq!((cells[0] as usize, cells.len()), (index + 1, 12));
        let label = cells[1] as usize;
        assert!((cells[2..].iter().sum::<f32>() - 1.0).abs() < 1e-4, "{line}");
        assert!(cells[2..].iter().all(|&other| other <= cells[2 + label]), "{line}");
        correct += usize::from(label == usize::from(labels[index]));
    }
    assert_eq!((summary["correct"].as_u64(), summary["rows"].as_u64()), (Some(correct as u64), Some(300)));
    let accuracy = &summary["accuracy"];
    assert_eq!(accuracy["value"].as_f64(), Some(correct as f64 / 300.0));
    assert!(
        accuracy["low"].as_f64() < accuracy["value"].as_f64() && accuracy["value"].as_f64() < accuracy["high"].as_f64()
    );
    assert!(correct > 150, "{correct} of 300 digits: the net has learnt nothing, or the answers belong to other rows");
    let said = on_cpu(&[&asked[..], &["--force"]].concat());
    assert!(String::from_utf8_lossy(&said.stdout).contains(&format!("right: {correct} of 300")), "{said:?}");

    // Where the labels of test.csv lie beside it, the same images are scored as test images.
    let (tables, scored) =
        (fixture.at("tables"), json(&["evaluate", name(&dense), "--data", name(&fixture.at("tables"))]));
    let test = &scored["models"][0]["test"];
    assert_eq!((test["correct"].as_u64(), test["images"].as_u64()), (Some(correct as u64), Some(300)), "{scored}");
    let folder = tempfile::tempdir().unwrap();
    for file in ["train.csv", "test.csv"] {
        std::fs::copy(tables.join(file), folder.path().join(file)).unwrap();
    }
    let one_short = lines(&answers)[..300].join("\n");
    std::fs::write(folder.path().join("test-labels.csv"), one_short).unwrap();
    let said = ends(&["evaluate", name(&dense), "--data", name(folder.path())], 1);
    assert!(
        said.contains("test-labels.csv, line 300") && said.contains("ImageId 299") && said.contains("has 300 rows"),
        "{said}"
    );
}

#[test]
fn the_same_seed_gives_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (out, seed) in [("a", "5"), ("b", "5"), ("c", "6")] {
        let summary = json(&["data", "split", name(&at(out)), "--train", "70", "--test", "30", "--seed", seed]);
        assert_eq!(summary["train"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 70);
    }
    for file in ["train.csv", "test.csv", "test-labels.csv"] {
        let read = |folder: &str| std::fs::read(at(folder).join(file)).unwrap();
        assert_eq!(read("a"), read("b"), "{file}");
        assert_ne!(read("a"), read("c"), "{file}");
    }
    // Existing files are replaced only with --force, and the folder that is read never.
    let (first, other) = (at("a"), at("d"));
    let before = std::fs::read(at("a/train.csv")).unwrap();
    let again = ["data", "split", name(&first), "--train", "60", "--test", "30"];
    assert!(ends(&again, 2).contains("train.csv exists already; replace it with --force"));
    assert_eq!(std::fs::read(at("a/train.csv")).unwrap(), before);
    ends(&[&again[..], &["--force"]].concat(), 0);
    assert_eq!(lines(&at("a/train.csv")).len(), 61);
    assert!(
        ends(&[&again[..], &["--force", "--data", name(&first)]].concat(), 2)
            .contains("the folder that the digits are read from")
    );
    std::fs::remove_file(at("a/test-labels.csv")).unwrap();
    // Of 60 digits with labels, 50 go to train.csv and 10 are left for test.csv.
    let from = ["data", "split", name(&other), "--data", name(&first), "--train", "50", "--test"];
    assert!(ends(&[&from[..], &["11"]].concat(), 1).contains("11 digits for test.csv, but 10 are left"));
    assert!(!other.exists());
    ends(&[&from[..], &["10"]].concat(), 0);
    // A configuration's limits hold for its own fits only.
    ends(&[&from[..], &["10", "--force", "--set", "data.train=20"]].concat(), 0);
}

#[test]
fn a_run_answers_a_table_as_it_is_scored() {
    let fixture = &*FIXTURE;
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (tiny_run(), folder.path().join("out.csv"));
    // Of digits with labels, the accuracy is that of `evaluate`.
    std::fs::copy(fixture.at("tables/train.csv"), folder.path().join("train.csv")).unwrap();
    std::fs::copy(fixture.at("tables/train.csv"), folder.path().join("test.csv")).unwrap();
    let test = folder.path().join("test.csv");
    let evaluated = json(&["evaluate", name(run), "--data", name(folder.path())]);
    let models = evaluated["models"].as_array().unwrap();
    assert_eq!(models.len(), 7);
    let asked = ["predict", name(run), "--csv", name(&test), "--out", name(&out), "--force"];
    let mut seen = std::collections::HashSet::new();
    for model in models {
        let summary = json(&[&asked[..], &["--model", model["name"].as_str().unwrap()]].concat());
        assert_eq!((&summary["correct"], &summary["model"]), (&model["test"]["correct"], &model["name"]));
        assert_eq!(summary["accuracy"], model["test"]["accuracy"]);
        seen.insert(std::fs::read(&out).unwrap());
    }
    assert!(seen.len() > 3, "members differ");
    let metrics: serde_json::Value = serde_json::from_slice(&std::fs::read(run.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(json(&asked)["model"], metrics["stack"], "the model that answers by out-of-fold scores");
    assert!(ends(&[&asked[..], &["--model", "forest"]].concat(), 2).contains("unknown model `forest`; available:"));
    // --answers is refused where the table has labels itself.
    let answers = fixture.at("tables/test-labels.csv");
    let said = ends(&[&asked[..5], &[name(&folder.path().join("new.csv")), "--answers", name(&answers)]].concat(), 1);
    assert!(said.contains("has labels itself") && said.contains("no row was written"), "{said}");
    assert!(!folder.path().join("new.csv").exists());
}

#[test]
fn drawings_of_every_kind_are_evaluated() {
    let evaluated = json(&["evaluate", name(tiny_run()), "--drawn"]);
    let drawn = evaluated["drawn"].as_array().unwrap();
    let kinds: Vec<&str> = drawn.iter().map(|kind| kind["what"].as_str().unwrap()).collect();
    for kind in ["two digits side by side", "scribbles", "digits by pen", "numbers of 2 or 3 digits by pen"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    for kind in ["letters", "symbols", "doodles"] {
        assert!(kinds.contains(&kind) && kinds.contains(&format!("{kind} never trained on").as_str()), "{kinds:?}");
    }
    for kind in drawn {
        assert_eq!(kind["drawings"], 200, "{kind}");
        let [value, low, high] = ["value", "low", "high"].map(|end| kind["refused"][end].as_f64().unwrap());
        assert!(0.0 <= low && low <= value && value <= high && high <= 1.0, "{kind}");
        // There is a right digit only where digits are drawn.
        let is_digit = ["test digits", "drawn, centred", "digits by pen"]
            .iter()
            .any(|what| kind["what"].as_str().unwrap().starts_with(what));
        assert_eq!(kind["right"].is_object(), is_digit, "{kind}");
    }
}

#[test]
fn a_single_model_is_asked_like_a_run_where_it_can_be() {
    let fixture = &*FIXTURE;
    let dense = fixture.at("dense");
    // It was trained on a folder, which is not remembered: what it recorded is shown, built-in digits are not tried.
    let recorded = json(&["evaluate", name(&dense)]);
    assert!(recorded["data"].is_null() && recorded["images"] == 0, "{recorded}");
    assert!(recorded["models"][0]["held_out"]["accuracy"]["value"].as_f64() > Some(0.3), "{recorded}");
    let evaluated = json(&["evaluate", name(&dense), "--data", name(&fixture.at("tables"))]);
    assert_eq!(evaluated["models"].as_array().unwrap().len(), 1);
    assert!(evaluated["models"][0]["test"]["accuracy"]["value"].as_f64() > Some(0.3), "{evaluated}");
    assert!(ends(&["evaluate", name(&dense), "--drawn"], 2).contains("--drawn is for runs"));
    let trained_on = ends(&["evaluate", name(&dense), "--data", name(&fixture.at("kaggle"))], 1);
    assert!(trained_on.contains("no test digits, only files that the run was trained on"), "{trained_on}");

    let picture = fixture.at("two.png");
    let digit = synthetic::generate(3, Seed(1));
    image::GrayImage::from_raw(28, 28, digit.images.get(2).to_vec()).unwrap().save(&picture).unwrap();
    let prediction = json(&["predict", name(&dense), name(&picture)]);
    assert!(prediction["refusal"].is_null() && prediction["models"].as_array().unwrap().len() == 1, "{prediction}");
    let own = prediction["probabilities"][prediction["digit"].as_u64().unwrap() as usize].as_f64();
    assert_eq!(prediction["confidence"].as_f64(), own, "its own, as it is");
    // Single pictures and batches get the same answer.
    let many = [name(&picture); 6];
    let output = on_cpu(&[&["predict", name(&dense), "--json"], &many[..]].concat());
    let batch: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(batch.len(), 6);
    assert_eq!(batch[5]["digit"], prediction["digit"]);
    assert!((batch[5]["confidence"].as_f64().unwrap() - own.unwrap()).abs() < 1e-5);

    // A command that needs a whole run refuses, and leaves the model as it was.
    assert!(ends(&["serve", name(&dense), "--port", "0"], 1).contains("holds the member `dense`, not a stack"));
    storage::verify(&dense).unwrap();
    // It has a report of its own.
    ends(&["report", name(&dense)], 0);
    storage::verify(&dense).unwrap();
    assert!(dense.join("report/index.html").is_file());
    assert!(ends(&["predict", name(&fixture.at("tables")), name(&picture)], 1).contains("manifest.json is missing"));
}

#[test]
fn a_directory_says_which_model_it_holds() {
    let fixture = &*FIXTURE;
    let kind: serde_json::Value =
        serde_json::from_slice(&std::fs::read(fixture.at("dense/artifact.json")).unwrap()).unwrap();
    assert_eq!(kind, serde_json::json!({ "kind": "member", "member": "dense" }));
    let device = device::resolve(&device::DeviceChoice::Cpu).unwrap();
    assert_eq!(TrainedModels::load(&fixture.at("dense"), &device).unwrap().names(), ["dense"]);
    let expect_stack = |folder: &Path| Artifact::open(folder).unwrap().expect_stack();
    assert!(matches!(expect_stack(&fixture.at("dense")), Err(RunFailure::NotAStack { .. })));
    assert!(expect_stack(tiny_run()).is_ok());

    // Without that file, and with one that names another model.
    for (change, words) in [
        (None, "does not say what it holds: artifact.json is missing"),
        (
            Some("{\"kind\": \"member\", \"member\": \"vgg\"}"),
            "found `vgg`, expected a member of config.toml: dense, cnn, booster",
        ),
    ] {
        let copy = tempfile::tempdir().unwrap();
        let changed = copy.path().join("dense");
        let directory = storage::RunDirectory::open(&changed, false).unwrap();
        for file in storage::verify(&fixture.at("dense")).unwrap().files() {
            let bytes = std::fs::read(fixture.at("dense").join(file.path.as_str())).unwrap();
            match (file.path.as_str(), change) {
                ("artifact.json", None) => {}
                ("artifact.json", Some(text)) => directory.write_atomic("artifact.json", text.as_bytes()).unwrap(),
                (path, _) if path.ends_with("part.json") => {}
                (path, _) => directory.write_atomic(path, &bytes).unwrap(),
            }
        }
        directory.complete().unwrap();
        let error = TrainedModels::load(&changed, &device).err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_row_that_is_no_digit_is_named_and_the_rows_before_it_are_kept() {
    let fixture = &*FIXTURE;
    let folder = tempfile::tempdir().unwrap();
    let (table, out) = (folder.path().join("table.csv"), folder.path().join("out.csv"));
    let dense = fixture.at("dense");
    let ask = |text: &str, code: i32| {
        std::fs::write(&table, text).unwrap();
        partial(&out).iter().for_each(|partial| std::fs::remove_file(partial).unwrap());
        let said = ends(&["predict", name(&dense), "--csv", name(&table), "--out", name(&out), "--threads", "1"], code);
        assert!(!out.exists(), "{said}");
        said
    };
    let good = row("0");
    let header = (0..PIXELS).map(|pixel| format!("pixel{pixel}")).collect::<Vec<_>>().join(",");
    for (text, words) in [
        (String::new(), "table.csv: holds no row of pixels; no row was written"),
        (header.clone(), "holds no row of pixels"),
        (format!("{header}\n"), "holds no row of pixels"),
        (good[2..].to_owned(), "line 1: 783 columns, expected 785 (label and pixels) or 784 (pixels)"),
        (format!("{good},7,7"), "line 1: 786 columns, expected 785"),
        (format!("{good},7,7,7"), "line 1: 787 columns"),
        (row("256"), "line 1, column 1: found `256`"),
    ] {
        let said = ask(&text, 1);
        assert!(said.contains(words) && said.contains("no row was written"), "{said}");
        assert!(partial(&out).is_none(), "{words}: an empty output is left");
    }
    for (bad, words) in [
        (good[2..].to_owned(), "783 columns, expected 784"),
        (format!("{good},7,7"), "786 columns, expected 784"),
        (row("256"), "column 1: found `256`, expected a number from 0 to 255"),
        (row("-0.5"), "found `-0.5`"),
        (row("x"), "found `x`"),
        (format!("\"{good}"), "line 1203"),
        ("\0".repeat(40_000), "the row is longer than 32768 bytes"),
    ] {
        // In the second batch of 1,000 rows.
        let said = ask(&format!("{header}\n{}\n{bad}\n{good}\n", vec![good.as_str(); 1201].join("\n")), 1);
        assert!(said.contains("table.csv, line 1203") && said.contains(words), "{said}");
        assert!(said.contains("the first 1201 rows are answered in") && said.contains("out.csv"), "{said}");
        let kept = lines(&partial(&out).unwrap());
        assert_eq!((kept.len(), kept[1201].split(',').next()), (1202, Some("1201")), "{words}");
    }
    let one = ask(&format!("{good}\n{}", row("-1")), 1);
    assert!(one.contains("line 2, column 1: found `-1`") && one.contains("the first row is answered in"), "{one}");
    assert!(
        ends(&["predict", name(&dense), "--csv", "no-such.csv", "--out", name(&out), "--force"], 1)
            .contains("no-such.csv")
    );
    std::fs::write(&out, "old").unwrap();
    let again = ["predict", name(&dense), "--csv", name(&table), "--out", name(&out), "--force"];
    ends(&again, 1);
    assert_eq!(lines(&out), ["old"], "an output that is to be replaced stays until there is another");
    std::fs::write(&table, &good).unwrap();
    ends(&again, 0);
    assert_eq!((lines(&out).len(), partial(&out)), (2, None), "what was left of the other table is gone");
}

#[test]
fn quotes_line_ends_packing_and_threads_change_nothing() {
    let fixture = &*FIXTURE;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let plain = std::fs::read_to_string(fixture.at("tables/test.csv")).unwrap();
    std::fs::write(at("plain.csv"), &plain).unwrap();
    std::fs::write(at("crlf.csv"), plain.replace('\n', "\r\n")).unwrap();
    let quoted = plain.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\"")));
    std::fs::write(at("quoted.csv"), quoted.collect::<String>()).unwrap();
    std::fs::write(at("bare.csv"), plain.split_once('\n').unwrap().1.trim_end()).unwrap();
    let mut packed =
        flate2::write::GzEncoder::new(std::fs::File::create(at("packed.csv")).unwrap(), flate2::Compression::fast());
    packed.write_all(plain.as_bytes()).unwrap();
    packed.finish().unwrap();
    let ask = |table: &str, threads: &str| {
        let (run, table_file) = (tiny_run(), at(table));
        let output = on_cpu(&[
            "predict",
            name(run),
            "--csv",
            name(&table_file),
            "--out",
            "-",
            "--probabilities",
            "--threads",
            threads,
        ]);
        assert!(output.status.success(), "{table}: {}", text(&output.stderr));
        output.stdout
    };
    let expected = ask("plain.csv", "2");
    assert_eq!(String::from_utf8_lossy(&expected).lines().count(), 301);
    for (table, threads) in
        [("plain.csv", "1"), ("crlf.csv", "2"), ("quoted.csv", "2"), ("bare.csv", "2"), ("packed.csv", "2")]
    {
        assert!(ask(table, threads) == expected, "{table} with {threads} threads");
    }
    // A truncated gzip file.
    let bytes = std::fs::read(at("packed.csv")).unwrap();
    std::fs::write(at("cut.csv"), &bytes[..bytes.len() / 2]).unwrap();
    let said = ends(
        &["predict", name(&fixture.at("dense")), "--csv", name(&at("cut.csv")), "--out", name(&at("cut-out.csv"))],
        1,
    );
    assert!(
        said.contains("cannot read") && said.contains("cut.csv") && said.contains("rows are answered in"),
        "{said}"
    );
    assert!(lines(&partial(&at("cut-out.csv")).unwrap()).len() > 50);
}

#[test]
fn outputs_that_exist_or_are_read_and_wrong_arguments_are_refused() {
    let fixture = &*FIXTURE;
    let folder = tempfile::tempdir().unwrap();
    let (table, out) = (folder.path().join("table.csv"), folder.path().join("out.csv"));
    std::fs::write(&table, row("0")).unwrap();
    std::fs::write(&out, "mine").unwrap();
    let dense = fixture.at("dense");
    let base = ["predict", name(&dense), "--csv", name(&table)];
    let packed = folder.path().join("out.csv.gz");
    let link = folder.path().join("link.csv");
    std::fs::hard_link(&table, &link).unwrap();
    for (more, words) in [
        (&["--out", name(&out)][..], "exists already; replace it with --force"),
        (&["--out", name(&table), "--force"], "is also an input"),
        (&["--out", name(&link), "--force"], "is also an input"),
        (&["--out", name(&packed)], "not compressed"),
        (&["--out", "-", "--json"], "both write to standard output"),
        (&[], "--out"),
        (&["--out", "-", "picture.png"], "cannot be used with"),
        (&["--out", "-", "--force"], "--force needs --out"),
        (&["--out", "-", "--ink", "dark"], "--ink are for pictures"),
        (&["--out", "-", "--seed", "3"], "--seed has no effect here"),
        (&["--out", "-", "--set", "seed=3"], "--set has no effect here"),
    ] {
        let said = ends(&[&base[..], more].concat(), 2);
        assert!(said.contains(words), "{said}");
    }
    assert!(ends(&["predict", name(&dense)], 2).contains("IMAGE"));
    assert!(ends(&["predict", name(&dense), "picture.png", "--probabilities"], 2).contains("--out"));
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    assert_eq!(std::fs::read_to_string(&table).unwrap(), row("0"));
    ends(&[&base[..], &["--out", name(&out), "--force"]].concat(), 0);
    assert_eq!(lines(&out)[0], "ImageId,Label");
    assert!(
        ends(&[&base[..], &["--out", "no-such-folder/out.csv"]].concat(), 2)
            .contains("no-such-folder/out.csv: the folder no-such-folder does not exist")
    );
}

#[test]
fn answers_that_belong_to_other_rows_are_refused() {
    let fixture = &*FIXTURE;
    let folder = tempfile::tempdir().unwrap();
    let (answers, out) = (folder.path().join("answers.csv"), folder.path().join("out.csv"));
    let (dense, test) = (fixture.at("dense"), fixture.at("tables/test.csv"));
    let right = std::fs::read_to_string(fixture.at("tables/test-labels.csv")).unwrap();
    let ask = |text: &str| {
        std::fs::write(&answers, text).unwrap();
        let _ = std::fs::remove_file(&out);
        ends(&["predict", name(&dense), "--csv", name(&test), "--out", name(&out), "--answers", name(&answers)], 1)
    };
    let said = ask(&right.replacen("\n5,", "\n6,", 1));
    assert!(said.contains("answers.csv, line 6, column 1: found ImageId `6`, expected 5"), "{said}");
    assert!(!out.exists(), "refused before the work");
    // One answer too few and one too many: the predictions are written all the same.
    for (text, words) in [
        (right[..right.trim_end().rfind('\n').unwrap()].to_owned(), "line 300: the last answer has ImageId 299, but"),
        (format!("{right}301,0\n"), "line 302: the last answer has ImageId 301, but"),
    ] {
        let said = ask(&text);
        assert!(said.contains(words) && said.contains("has 300 rows; the first 300 rows are answered in"), "{said}");
        assert_eq!(lines(&out).len(), 301);
    }
}

/// Cancels as soon as a task advances.
struct StopSoon(Cancel);

impl Progress for StopSoon {
    fn task(&self, _name: &str, _total: u64, _unit: &str) -> Box<dyn Task> {
        Box::new(Self(self.0.clone()))
    }
    fn message(&self, _text: &str) {}
}

impl Task for StopSoon {
    fn advance(&self, _items: u64) {
        self.0.cancel();
    }
    fn note(&self, _text: &str) {}
}

#[test]
fn a_cancelled_prediction_keeps_the_rows_that_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (table, out) = (folder.path().join("table.csv"), folder.path().join("out.csv"));
    std::fs::write(&table, vec![row("0"); 2500].join("\n")).unwrap();
    let device = device::resolve(&device::DeviceChoice::Cpu).unwrap();
    let cancel = Cancel::default();
    let progress = StopSoon(cancel.clone());
    let work = FitContext::new(&device, 1, &progress, &cancel);
    let model = TrainedModels::load(&FIXTURE.at("dense"), &device).unwrap();
    let request = CsvRequest { csv: &table, model: 0, with_probabilities: false, min_confidence: None, answers: None };
    let output = storage::OutputFile::check(&out, false).unwrap();
    let error = predict_csv(&model, &request, Destination::File { output: &output }, &work).unwrap_err();
    assert!(matches!(error.reason, StopReason::Cancelled), "{error}");
    assert!(error.to_string().contains("the same command goes on from there"), "{error}");
    assert_eq!((error.written, lines(&error.output).len()), (1000, 1001), "the first batch, whole");
    assert!(!out.exists());
    let again = Cancel::default();
    let work = FitContext::new(&device, 2, &digitstack::progress::Silent, &again);
    let summary = predict_csv(&model, &request, Destination::File { output: &output }, &work).unwrap();
    assert_eq!((summary.rows, summary.rows_before, lines(&out).len()), (2500, 1000, 2501));
}

#[test]
fn memory_does_not_grow_with_the_table() {
    if !cfg!(target_os = "linux") {
        skip("only Linux says how much memory a process held");
        return;
    }
    let fixture = &*FIXTURE;
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{}\n", row("0"));
    let peak = |rows: usize| {
        let (table, out) = (folder.path().join(format!("{rows}.csv")), folder.path().join(format!("{rows}-out.csv")));
        let mut file = std::io::BufWriter::new(std::fs::File::create(&table).unwrap());
        (0..rows).for_each(|_| file.write_all(line.as_bytes()).unwrap());
        file.flush().unwrap();
        let summary = json(&[
            "predict",
            name(&fixture.at("dense")),
            "--csv",
            name(&table),
            "--out",
            name(&out),
            "--threads",
            "2",
        ]);
        assert_eq!(summary["rows"].as_u64(), Some(rows as u64));
        std::fs::remove_file(table).unwrap();
        summary["peak_memory"].as_u64().unwrap() as f64 / 1e6
    };
    // Memory that the allocator keeps differs by some 40 MB from run to run.
    let (few, many) = (peak(8_000), peak(200_000));
    say(format_args!("peak memory: {few:.0} MB for 8,000 rows, {many:.0} MB for 200,000"));
    assert!(
        many < few + 75.0,
        "{few:.0} MB for 8,000 rows, {many:.0} MB for 200,000; the pixels of the rest alone are 150 MB"
    );
}
