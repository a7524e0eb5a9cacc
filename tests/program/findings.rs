//! What a run finds out beside its scores: which model answers, which labels are doubtful, which answers are sure, how
//! each source fares; every image by its name.

use std::{collections::HashSet, fs, path::Path};

use digitstack::{
    data::{idx, synthetic},
    seed::Seed,
};
use image::GrayImage;
use serde_json::Value;

use crate::support::{
    configurations::TINY,
    mnist,
    program::{json, on_cpu, text},
};

/// A folder of `count` built-in digits in class folders, every `wrong`-th one of them in the folder after its own.
/// Returns the names of the latter.
fn pictures(folder: &Path, count: usize, wrong: usize) -> HashSet<String> {
    let digits = synthetic::generate(count, Seed(17));
    let mut planted = HashSet::new();
    for (index, (image, label)) in digits.images.iter().zip(&digits.labels).enumerate() {
        let is_wrong = index % wrong == wrong / 2;
        let class = if is_wrong { (label + 1) % 10 } else { *label };
        let name = format!("{class}/{index:04}.png");
        let path = folder.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        GrayImage::from_raw(28, 28, image.to_vec()).unwrap().save(path).unwrap();
        if is_wrong {
            planted.insert(name);
        }
    }
    planted
}

/// Runs a command that must succeed, and returns what it printed and what it said.
fn done(arguments: &[&str]) -> (String, String) {
    let output = on_cpu(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_net_that_was_trained_with_far_too_great_a_learning_rate_does_not_stop_the_run() {
    let here = tempfile::tempdir().unwrap();
    let settings =
        ["data.train=600", "data.test=100", "members.cnn.training.epochs=1", "members.booster.booster.trees=3"];
    // The first learns nothing, the loss of the second becomes NaN.
    for (optimizer, diverges) in [("kind=\"adam\",learning_rate=100", false), ("kind=\"sgd\",learning_rate=1e30", true)]
    {
        let out = here.path().join(if diverges { "diverged" } else { "poor" });
        let poor = format!("members.dense.training.optimizer={{{optimizer}}}");
        let of_dense = [poor.as_str(), "members.dense.training.epochs=3"];
        let settings = settings.iter().chain(&of_dense).flat_map(|set| ["--set", *set]);
        let arguments: Vec<&str> = ["run", "--out", out.to_str().unwrap()].into_iter().chain(settings).collect();
        let (printed, said) = done(&arguments);
        assert!(printed.contains("report: "), "{printed}");
        assert_eq!(said.contains("dense, fold 1: the loss became NaN in epoch 1"), diverges, "{said}");
        let page = fs::read_to_string(out.join("report/index.html")).unwrap();
        assert_eq!(page.contains("Fits that diverged"), diverges);
        let metrics = read_json(&out.join("metrics.json"));
        let out_of_fold = |name: &str| {
            let models = metrics["models"].as_array().unwrap();
            let model = models.iter().find(|model| model["name"] == name).unwrap();
            model["out_of_fold"]["correct"].as_u64().unwrap()
        };
        let answering = metrics["stack"].as_str().unwrap();
        for member in ["dense", "cnn", "booster"] {
            assert!(out_of_fold(answering) >= out_of_fold(member), "{answering} is worse than {member}");
        }
        // The directory is whole: it is read by the other commands.
        done(&["evaluate", out.to_str().unwrap()]);
    }
}

#[test]
fn every_answer_and_every_doubtful_label_has_the_name_of_its_file() {
    let here = tempfile::tempdir().unwrap();
    let (data, out) = (here.path().join("scans"), here.path().join("run"));
    let planted = pictures(&data, 1200, 100);
    let (data, run) = (data.to_str().unwrap(), out.to_str().unwrap());
    let settings =
        ["stacking.folds=3", "members.cnn.training.epochs=4", "members.booster.booster.trees=10", "data.test=0.1"];
    let settings: Vec<&str> = settings.iter().flat_map(|set| ["--set", *set]).collect();
    let (printed, _) = done(&[&["run", "--data", data, "--out", run], &settings[..]].concat());
    assert!(printed.contains("doubtful labels: ") && printed.contains("doubtful.csv; "), "{printed}");

    let answers = fs::read_to_string(out.join("predictions.csv")).unwrap();
    let mut lines = answers.lines();
    assert_eq!(lines.next(), Some("part,name,label,digit,confidence,second"));
    let mut names = HashSet::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        assert!(matches!(fields[0], "out-of-fold" | "test") && fields.len() == 6, "{line}");
        assert!(Path::new(data).join(fields[1]).is_file() && fields[1].starts_with(fields[2]), "{line}");
        assert!((0.0..=1.0).contains(&fields[4].parse::<f64>().unwrap()), "{line}");
        names.insert(fields[1].to_owned());
    }
    assert_eq!(names.len(), 1200, "each picture once, in one of the parts");

    let doubtful = fs::read_to_string(out.join("doubtful.csv")).unwrap();
    let listed: Vec<Vec<&str>> = doubtful.lines().skip(1).map(|line| line.split(',').collect()).collect();
    for (rank, line) in listed.iter().enumerate() {
        assert_eq!(line[0], (rank + 1).to_string());
        assert!(line[1].starts_with(line[2]) && line[2] != line[3], "{line:?}");
    }
    let metrics = read_json(&out.join("metrics.json"));
    assert_eq!(metrics["label_errors"]["listed"], listed.len());
    let trained: HashSet<&str> = answers
        .lines()
        .filter(|line| line.starts_with("out-of-fold"))
        .map(|line| line.split(',').nth(1).unwrap())
        .collect();
    let wrong = planted.iter().filter(|name| trained.contains(name.as_str())).count();
    let found = listed.iter().take(listed.len() / 2).filter(|line| planted.contains(line[1])).count();
    assert!(2 * found >= wrong, "{found} of {wrong} planted errors are in the first half of {}", listed.len());
    let page = fs::read_to_string(out.join("report/index.html")).unwrap();
    assert!(page.contains("Probable label errors") && page.contains(listed[0][1]), "{}", listed[0][1]);
}

#[test]
fn planted_label_errors_stand_first_in_the_list() {
    let Some(mnist) = mnist::folder() else { return };
    let here = tempfile::tempdir().unwrap();
    let (table, out) = (here.path().join("train.csv"), here.path().join("run"));
    // 3,000 images, 30 with a wrong label.
    let mut text = "label".to_owned() + &(0..784).map(|pixel| format!(",pixel{pixel}")).collect::<String>() + "\n";
    let mut planted = HashSet::new();
    let path = |part: &str| mnist.join(format!("train-{part}-ubyte.gz"));
    let digits = idx::read_pair(&path("images-idx3"), &path("labels-idx1")).unwrap();
    for (row, (image, label)) in digits.images.iter().zip(&digits.labels).take(3000).enumerate() {
        let is_wrong = row % 100 == 37;
        let label = if is_wrong { (label + 1 + (row / 100 % 9) as u8) % 10 } else { *label };
        text += &label.to_string();
        text.extend(image.iter().map(|level| format!(",{level}")));
        text.push('\n');
        if is_wrong {
            planted.insert(format!("train.csv, row {}", row + 1));
        }
    }
    fs::write(&table, text).unwrap();
    let (data, run) = (here.path().to_str().unwrap(), out.to_str().unwrap());
    done(&[
        "run",
        "--data",
        data,
        "--out",
        run,
        "--set",
        "stacking.folds=3",
        "--set",
        "members.cnn.training.epochs=10",
    ]);
    let doubtful = fs::read_to_string(out.join("doubtful.csv")).unwrap();
    let first = doubtful.lines().skip(1).take(36);
    let found = first.filter(|line| planted.iter().any(|name| line.contains(&format!("\"{name}\"")))).count();
    assert!(found >= 24, "{found} of 30 planted errors are among the first 36:\n{doubtful}");
}

#[test]
fn the_better_of_stack_and_members_answers_unless_the_configuration_insists() {
    let here = tempfile::tempdir().unwrap();
    let run = |setting: &str| {
        let out = here.path().join(setting);
        let setting = format!("stacking.answer={setting}");
        let arguments =
            [&["run", "--out", out.to_str().unwrap(), "--set", "stacking.folds=2", "--set", &setting], &TINY[..]];
        let (printed, _) = done(&arguments.concat());
        (out.to_str().unwrap().to_owned(), read_json(&out.join("metrics.json")), printed)
    };
    let (best, stack) = (run("best"), run("stack"));
    let answer = &best.1["answer"];
    let is_worse = answer["out_of_fold"]["only_second"].as_u64() > answer["out_of_fold"]["only_first"].as_u64();
    let expected = if is_worse { &answer["best_member"] } else { &answer["stack"] };
    assert_eq!((&answer["model"], &best.1["stack"]), (expected, expected));
    assert_eq!((&stack.1["stack"], &stack.1["answer"]["setting"]), (&answer["stack"], &Value::from("stack")));
    for (directory, metrics, printed) in [&best, &stack] {
        assert_eq!(printed.contains("is better than the stack"), is_worse, "{printed}");
        let scored = json(&["evaluate", directory]);
        assert_eq!(scored["answering"], metrics["stack"]);
        assert_eq!(scored["risk_coverage"], metrics["risk_coverage"]);
    }
}

#[test]
fn evaluate_says_what_threshold_has_few_errors_and_draws_the_curve() {
    let here = tempfile::tempdir().unwrap();
    let curve = here.path().join("risk.svg");
    let run = crate::support::trained::tiny_run().to_str().unwrap();
    let (printed, _) = done(&["evaluate", run, "--curve", curve.to_str().unwrap()]);
    assert!(printed.contains("confidence ≥") && printed.contains("answers: "), "{printed}");
    assert!(printed.contains("no confidence threshold can be said to give 0.1 % errors"), "{printed}");
    let drawn = fs::read_to_string(&curve).unwrap();
    assert!(drawn.contains("<svg") && drawn.contains("coverage, % of the images"), "{drawn}");
    let scored = json(&["evaluate", run]);
    let points = scored["risk_coverage"]["points"].as_array().unwrap();
    assert_eq!(
        (points[0]["answered"].as_u64(), points.len()),
        (Some(600), scored["risk_on_test"].as_array().unwrap().len())
    );
    assert_eq!(scored["risk_on_test"][0]["confidence"], points[0]["confidence"]);
}

#[test]
fn each_source_is_a_row_of_scores() {
    let here = tempfile::tempdir().unwrap();
    let (data, out) = (here.path().join("scans"), here.path().join("run"));
    pictures(&data, 200, 1000);
    let config = here.path().join("two.toml");
    let quickstart = include_str!("../../configs/quickstart.toml");
    let (before, after) = quickstart.split_once("[data]").unwrap();
    let (_, after) = after.split_once("[stacking]").unwrap();
    let sources = format!(
        "[[data.sources]]\nname = \"own\"\nsource = \"folder\"\npath = {:?}\ntest = 0.2\n\n[[data.sources]]\nname = \
         \"drawn\"\nsource = \"builtin\"\ntrain = 400\ntest = 100\n\n[stacking]",
        data.to_str().unwrap()
    );
    fs::write(&config, format!("{before}{sources}{after}")).unwrap();
    let settings =
        ["members.cnn.training.epochs=1", "members.dense.training.epochs=1", "members.booster.booster.trees=3"];
    let settings: Vec<&str> = settings.iter().flat_map(|set| ["--set", *set]).collect();
    let (printed, _) =
        done(&[&["run", config.to_str().unwrap(), "--out", out.to_str().unwrap()], &settings[..]].concat());
    let metrics = read_json(&out.join("metrics.json"));
    let sources = metrics["sources"].as_array().unwrap();
    let images = |source: usize, part: &str| sources[source][part]["images"].as_u64().unwrap();
    assert_eq!((sources.len(), images(1, "held_out"), images(1, "test")), (2, 400, 100));
    assert_eq!(images(0, "held_out") + images(0, "test"), 200);
    for source in sources {
        let name = source["source"].as_str().unwrap();
        assert!(printed.lines().filter(|line| line.starts_with(name)).count() >= 2, "{name}: {printed}");
    }
}
