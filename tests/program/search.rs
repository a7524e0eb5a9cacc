//! `digitstack tune`: the same picks for any number of workers and after any kill, errors that name the line.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use digitstack::{config::SearchConfig, seed::Seed, tuning::log::StudySnapshot};
use rand::RngExt;

use crate::support::{program::program, say};

/// A search of a few seconds with every kind of stage.
const SMALL: &str = r#"
name = "small"
seed = 3
[data]
source = "builtin"
train = 700
[stacking]
folds = 2
[best]
name = "chosen"
set = { "data.test" = 200, "members.trees.booster.trees" = 6 }
[[members]]
name = "net"
kind = "dense"
[members.network]
hidden = [16, 8]
[members.training]
epochs = 3
batch_size = 25
optimizer = { kind = "sgd", learning_rate = 0.2 }
[[members]]
name = "trees"
kind = "booster"
[members.booster]
trees = 4
num_leaves = 7
[[stages]]
name = "activation"
learner = "net"
parameters = [{ field = "network.activation", values = ["relu", "tanh", "softplus"] }]
splits = { count = 2, validation = 0.3 }
[[stages]]
name = "rate"
learner = "net"
parameters = [
  { field = "training.optimizer.learning_rate", label = "rate", reals = { from = 0.01, to = 1.0, log = true } },
  { field = "network.hidden.0", integers = { from = 8, to = 40 } },
]
strategy = { kind = "nelder-mead" }
budget = { trials = 7 }
[[stages]]
name = "rule"
learner = "net"
parameters = [
  { field = "training.optimizer", values = [
    { kind = "sgd", learning_rate = 0.3 },
    { kind = "adam", learning_rate = 0.005, beta_1 = 0.8 },
  ] },
  { field = "network.hidden", values = [[16, 8], [12]] },
]
[[stages]]
name = "halved"
learner = "net"
parameters = [{ field = "network.hidden.1", label = "last", integers = { from = 0, to = 20, step = 4 } }]
halving = { resource = "steps", least = 1, factor = 2 }
splits = { count = 2, validation = 0.3 }
pick = "one-standard-error"
[[stages]]
name = "shrunk"
learner = "trees"
parameters = [{ field = "booster.num_leaves", integers = { from = 3, to = 9, step = 2 } }]
halving = { resource = "images", least = 150, factor = 2 }
[[stages]]
name = "pruned"
learner = "net"
parameters = [
  { field = "training.optimizer.learning_rate", label = "rate", reals = { from = 0.0001, to = 2.0, log = true } },
]
strategy = { kind = "random" }
budget = { trials = 12 }
pruning = { warmup = 1, trials = 3 }
splits = { count = 2, validation = 0.3 }
[[stages]]
name = "swarm"
learner = "trees"
parameters = [
  { field = "booster.reg_alpha", reals = { from = 0.0, to = 1.0 } },
  { field = "booster.reg_lambda", reals = { from = 0.0, to = 1.0 } },
]
strategy = { kind = "particle-swarm", particles = 3 }
budget = { trials = 7 }
[[stages]]
name = "epochs"
learner = "net"
parameters = [{ field = "training.epochs", integers = { from = 1, to = 4 } }]
strategy = { kind = "curve" }
splits = { count = 2, validation = 0.3 }
[[stages]]
name = "ensemble"
learner = "stack"
parameters = [
  { field = "meta", values = ["mean", "logistic"] },
  { field = "features", values = ["probabilities", "log-probabilities"] },
]
"#;

/// Command `digitstack tune` with a configuration in `folder`, into `folder/out`.
fn command(folder: &Path, config: &str, more: &[&str]) -> Command {
    let file = folder.join("search.toml");
    std::fs::write(&file, config).expect("writes");
    let mut command = program();
    command.args(["tune", "--device", "cpu", "--out"]).arg(folder.join("out")).args(more).arg(file);
    command
}

fn tune(folder: &Path, config: &str, more: &[&str]) -> Output {
    command(folder, config, more).output().expect("runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Result of a search without times: the chosen configuration without the folder, and every trial's settings and
/// score.
fn result(folder: &Path) -> (String, Vec<String>) {
    let read =
        |path: PathBuf| std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let best = read(folder.join("out/best.toml"));
    let best = best
        .lines()
        .filter(|line| !line.starts_with("search = ") && !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    let outcome: serde_json::Value = serde_json::from_str(&read(folder.join("out/search.json"))).expect("JSON");
    let mut trials = Vec::new();
    for stage in outcome["stages"].as_array().expect("stages") {
        for trial in stage["trials"].as_array().expect("trials") {
            let parts = ["values", "state", "score", "standard_error", "train_score", "steps"]
                .map(|part| trial[part].to_string());
            trials.push(format!("{} {}", stage["name"], parts.join(" ")));
        }
        trials.push(format!("{} picked {}", stage["name"], stage["picked"]));
    }
    (best, trials)
}

#[test]
fn workers_and_kills_change_no_pick_and_no_score() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [one, two, killed] = ["one", "two", "killed"].map(|name| folder.path().join(name));
    for path in [&one, &two, &killed] {
        std::fs::create_dir(path).expect("creates");
    }
    let started = std::time::Instant::now();
    let output = tune(&one, SMALL, &["--workers", "1"]);
    assert!(output.status.success(), "{}", said(&output));
    let whole = started.elapsed();
    let expected = result(&one);
    assert!(
        expected.1.iter().any(|line| line.starts_with("\"halved\"") && line.contains("pruned")),
        "{:#?}",
        expected.1
    );
    for stage in ["pruned", "shrunk"] {
        let pruned = |line: &String| line.starts_with(&format!("\"{stage}\"")) && line.contains(" \"pruned\" ");
        assert!(expected.1.iter().any(pruned), "{stage}: {:#?}", expected.1);
    }

    let output = tune(&two, SMALL, &["--workers", "2"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(result(&two), expected, "two workers");

    let mut random = Seed(7).derive("kill").rng();
    let mut kills = 0;
    while kills < 10 {
        let mut child =
            command(&killed, SMALL, &["--workers", "2", "--quiet"]).stdout(Stdio::null()).spawn().expect("starts");
        std::thread::sleep(whole.mul_f64(random.random_range(0.0..0.15)) + Duration::from_millis(60));
        if let Some(status) = child.try_wait().expect("it can be asked") {
            assert!(status.success(), "it failed by itself after {kills} kills");
            break;
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("it ends");
        kills += 1;
    }
    say(format_args!("a search of {:.1} s was killed {kills} times", whole.as_secs_f64()));
    assert!(kills >= 4, "the search ended after {kills} kills: it is too short to be disturbed");
    let output = tune(&killed, SMALL, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(result(&killed), expected, "killed {kills} times");

    // No finished trial was repeated: each candidate of a stage is in the log once.
    let snapshot = StudySnapshot::read(&killed.join("out/study.jsonl")).expect("a log");
    for study in &snapshot.studies {
        let mut seen = std::collections::HashSet::new();
        for trial in &study.trials {
            assert!(
                seen.insert(trial.attributes["digitstack"]["values"].to_string()),
                "{} repeats a trial",
                study.name
            );
        }
    }
}

#[test]
fn the_chosen_configuration_runs_and_its_report_leads_to_the_search() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let short = SMALL.split("[[stages]]\nname = \"halved\"").next().expect("the first stages");
    assert!(tune(folder.path(), short, &[]).status.success());
    let again = tune(folder.path(), short, &["--json"]);
    let status: serde_json::Value = serde_json::from_slice(&again.stdout).expect("JSON alone on standard output");
    assert_eq!(status["stages"][0]["trials"], 3);
    assert!(status["stages"][1]["pick"].as_str().is_some_and(|pick| pick.starts_with("rate = ")), "{status}");
    assert!(said(&again).contains("complete already"));

    let best = folder.path().join("out/best.toml");
    let output = program()
        .args(["run", "--device", "cpu", "--out"])
        .arg(folder.path().join("run"))
        .arg(&best)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", said(&output));
    let report = std::fs::read_to_string(folder.path().join("run/report/index.html")).expect("a report");
    assert!(report.contains("../../out/report/index.html"), "the report links the search's page");
    let config = std::fs::read_to_string(folder.path().join("run/config.toml")).expect("a configuration");
    assert!(config.contains("name = \"chosen\"") && config.contains("trees = 6"), "{config}");
}

#[test]
fn status_and_export_read_a_search_from_outside() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let short = SMALL.split("[[stages]]\nname = \"rate\"").next().expect("the first stage");
    let missing = tune(folder.path(), short, &["--status"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(said(&missing).contains("holds no search"), "{}", said(&missing));
    assert!(tune(folder.path(), short, &[]).status.success());
    let status = said(&tune(folder.path(), short, &["--status"]));
    assert!(
        status.contains("activation") && status.contains("done, 3/3 trials") && status.contains("selected"),
        "{status}"
    );
    let csv = tune(folder.path(), short, &["--export", "csv"]);
    let text = String::from_utf8_lossy(&csv.stdout);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(
        text.starts_with("study,stage,number,state,value,standard_error,seconds,params_network.activation"),
        "{text}"
    );
    assert!(text.contains("softplus"), "{text}");
}

#[test]
fn a_failed_trial_is_recorded_and_the_search_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = SMALL.split("[[stages]]").next().expect("the head").to_owned()
        + r#"
[[stages]]
name = "diverges"
learner = "net"
parameters = [{ field = "training.optimizer.learning_rate", values = [0.1, 1e30, 0.3] }]
"#;
    let output = tune(folder.path(), &config, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let (_, trials) = result(folder.path());
    assert!(trials[1].contains("\"failed\" null"), "{trials:#?}");
    assert!(said(&tune(folder.path(), &config, &["--status"])).contains("1 failed"));

    let hopeless =
        config.replace("[0.1, 1e30, 0.3]", "[1e30, 1e35]").replace("name = \"small\"", "name = \"hopeless\"");
    let other = tempfile::tempdir().expect("a temporary folder");
    let output = tune(other.path(), &hopeless, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("none of its 2 trials succeeded"), "{}", said(&output));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_grow_is_an_error_that_loses_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let short = SMALL.split("[[stages]]\nname = \"shrunk\"").next().expect("the first stages");
    let [whole, full] = ["whole", "full"].map(|name| folder.path().join(name));
    for path in [&whole, &full] {
        std::fs::create_dir(path).expect("creates");
    }
    assert!(tune(&whole, short, &[]).status.success());
    // A limit on the size of files, in KiB, truncates a checkpoint, the log or the page.
    for limit in [8, 20, 200] {
        let inner = command(&full, short, &["--quiet"]);
        let mut limited = Command::new("sh");
        limited
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", 2 * limit)])
            .arg(inner.get_program())
            .args(inner.get_args());
        let output = limited.output().expect("runs");
        if !output.status.success() {
            assert_eq!(output.status.code(), Some(1), "{}", said(&output));
            let words = said(&output);
            assert!(words.contains("File too large") && words.contains(full.to_str().expect("UTF-8")), "{words}");
            assert!(!words.contains("none of its"), "no trial is blamed: {words}");
        } else {
            assert_eq!(limit, 200, "{limit} KiB sufficed");
        }
    }
    let output = tune(&full, short, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(result(&full), result(&whole));
}

#[test]
fn a_stage_whose_condition_the_picks_do_not_meet_is_left_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = SMALL.split("[[stages]]").next().expect("the head").to_owned()
        + r#"
[[stages]]
name = "rule"
learner = "net"
parameters = [{ field = "training.optimizer", values = [{ kind = "sgd", learning_rate = 1e-9 }, { kind = "adam" }] }]
[[stages]]
name = "momentum"
learner = "net"
when = { "training.optimizer.kind" = "sgd" }
parameters = [{ field = "training.optimizer.learning_rate", values = [0.1] }]
[[stages]]
name = "decay"
learner = "net"
when = { "training.optimizer.kind" = "adam" }
parameters = [{ field = "training.optimizer.beta_1", values = [0.8] }]
"#;
    let output = tune(folder.path(), &config, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let status = said(&tune(folder.path(), &config, &["--status"]));
    assert!(status.contains("momentum                 skipped"), "{status}");
    assert!(status.contains("decay                    done, 1/1 trials"), "{status}");
    let best = std::fs::read_to_string(folder.path().join("out/best.toml")).expect("a configuration");
    assert!(best.contains("beta_1 = 0.8"), "{best}");
}

#[test]
fn an_invalid_search_is_refused_with_its_line() {
    let refused = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        match SearchConfig::parse("s.toml", &SMALL.replacen(from, to, 1), &[]) {
            Ok(_) => panic!("{to} was taken"),
            Err(error) => error.to_string(),
        }
    };
    let unknown = refused("name = \"activation\"\nlearner = \"net\"", "name = \"activation\"\nlearner = \"svm\"");
    assert!(
        unknown.contains("stages[0].learner: unknown member `svm`; available: `net`, `trees`, `stack`"),
        "{unknown}"
    );
    assert!(unknown.starts_with("s.toml:"), "{unknown}");
    assert!(refused("values = [\"relu\", \"tanh\", \"softplus\"]", "values = []").contains("values: found none"));
    assert!(refused("from = 8, to = 40", "from = 40, to = 8").contains("found 40, expected at most `to`, 8"));
    assert!(
        refused("budget = { trials = 7 }", "budget = { trials = 0 }")
            .contains("budget.trials: found 0, expected at least 1")
    );
    assert!(refused("budget = { trials = 7 }", "budget = { minutes = 0.0 }").contains("budget.minutes: found 0"));
    assert!(refused("budget = { trials = 7 }", "").contains("needs a number of trials"));
    assert!(refused("\"relu\", \"tanh\"", "\"relu\", \"tan\"").contains("tan is refused"));
    assert!(
        refused("field = \"network.activation\"", "field = \"network.activations\"")
            .contains("unknown field `activations`")
    );
    assert!(refused("field = \"training.epochs\"", "field = \"training.batch_size\"").contains("`training.epochs`"));
    assert!(
        refused(
            "learner = \"stack\"\nparameters = [\n  { field = \"meta\"",
            "learner = \"stack\"\nparameters = [\n  { field = \"c\""
        )
        .contains("`meta` and `features`")
    );
    assert!(
        refused("name = \"rate\"\nlearner", "name = \"activation\"\nlearner").contains("`activation` occurs twice")
    );
    assert!(refused("pick = \"one-standard-error\"", "pick = \"worst\"").contains("pick"));
    assert!(
        refused("least = 1, factor = 2", "least = 3, factor = 2")
            .contains("halving.least: found 3, expected less than the 3 epochs of a complete trial")
    );
    assert!(
        refused("learner = \"stack\"\n", "learner = \"stack\"\nsplits = { count = 2 }\n").contains("stacking.folds")
    );
    assert!(
        refused("strategy = { kind = \"curve\" }", "strategy = { kind = \"curve\" }\nbudget = { minutes = 1.0 }")
            .contains("budget.minutes: not possible for a curve")
    );
    let choosing = "values = [{ kind = \"sgd\", learning_rate = 0.3 }], labels = [\"x\"] },\n  { field = \"training.keep_best_epoch\", values = [false, true] },\n]\npruning = {}\n";
    let rule =
        SMALL.split("name = \"rule\"").nth(1).and_then(|rest| rest.split("[[stages]]").next()).expect("the stage");
    let values = &rule[rule.find("values = ").expect("values")..];
    assert!(
        refused(values, choosing).contains("short fit is the beginning"),
        "a trial that chooses its epoch is not pruned by it"
    );
    assert!(refused("least = 1, factor = 2", "least = 0, factor = 2").contains("halving.least: found 0"));
    assert!(
        refused("name = \"halved\"\n", "name = \"halved\"\ninherits = [\"ensemble\"]\n")
            .contains("no stage `ensemble` before")
    );
    assert!(
        refused("name = \"halved\"\n", "name = \"halved\"\nwhen = { \"network.activation\" = \"elu\" }\n")
            .contains("would never run")
    );
    assert!(refused("\"members.trees.booster.trees\" = 6", "\"members.trees.booster.trees\" = 0").contains("best.set"));
}

#[test]
fn an_edited_log_is_not_believed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let short = SMALL.split("[[stages]]\nname = \"rate\"").next().expect("the first stage");
    assert!(tune(folder.path(), short, &[]).status.success());
    let log = folder.path().join("out/study.jsonl");
    let text = std::fs::read_to_string(&log).expect("a log");
    let (line, value) = text
        .lines()
        .enumerate()
        .find_map(|(index, line)| Some((index + 1, line.split_once("\"value\":")?.1.split_once(',')?.0)))
        .expect("a trial with a score");
    std::fs::write(&log, text.replacen(&format!("\"value\":{value}"), "\"value\":0.999", 1)).expect("writes");
    let refused = |output: &Output| {
        let words = said(output);
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains(&format!("study.jsonl, line {line}: its checksum does not match")), "{words}");
    };
    // A finished search, then the same as if it had been interrupted.
    for more in [&["--status"][..], &["--export", "csv"]] {
        refused(&tune(folder.path(), short, more));
    }
    let output = tune(folder.path(), short, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("study.jsonl changed"), "{}", said(&output));
    std::fs::remove_file(folder.path().join("out/manifest.json")).expect("the search looks interrupted");
    refused(&tune(folder.path(), short, &[]));
}

#[test]
fn a_seed_that_no_configuration_can_hold_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for seed in ["9223372036854775808", "18446744073709551615"] {
        for config in [SMALL.replace("seed = 3", &format!("seed = {seed}")), SMALL.to_owned()] {
            let set = format!("seed={seed}");
            let more = if config == SMALL { vec!["--set", &set] } else { Vec::new() };
            let output = tune(folder.path(), &config, &more);
            let words = said(&output);
            assert_eq!(output.status.code(), Some(2), "{words}");
            assert!(words.contains("seed") && words.contains("9223372036854775807"), "{words}");
        }
    }
}

#[test]
fn another_configuration_or_a_log_of_another_stage_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let short = SMALL.split("[[stages]]\nname = \"rate\"").next().expect("the first stage");
    assert!(tune(folder.path(), short, &[]).status.success());
    let log = folder.path().join("out/study.jsonl");
    let kept = std::fs::read(&log).expect("a log");

    let other = tempfile::tempdir().expect("a temporary folder");
    let changed = short.replace("\"softplus\"]", "\"elu\"]");
    let start = |more: &[&str]| tune(other.path(), &changed, more);
    // An interrupted search whose log belongs to a stage with other settings.
    std::fs::create_dir(other.path().join("out")).expect("creates");
    let first = start(&["--set", "stages.activation.splits.count=0"]);
    assert_eq!(first.status.code(), Some(2));
    assert!(start(&["--fresh", "--workers", "1"]).status.success());
    std::fs::remove_file(other.path().join("out/manifest.json")).expect("the search looks interrupted");
    std::fs::write(other.path().join("out/study.jsonl"), &kept).expect("writes");
    let refused = start(&[]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let words = said(&refused);
    assert!(words.contains("study.jsonl") && words.contains("activation") && words.contains("--fresh"), "{words}");
    assert_eq!(std::fs::read(other.path().join("out/study.jsonl")).expect("a log"), kept, "nothing is lost");

    std::fs::remove_file(folder.path().join("out/manifest.json")).expect("the search looks interrupted");
    let refused = tune(folder.path(), &changed, &[]);
    assert!(said(&refused).contains("another configuration"), "{}", said(&refused));
}

#[test]
fn the_shipped_searches_are_valid() {
    for name in ["quick", "reference", "coarse-to-fine", "mnist-cpu"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("configs/tuning/{name}.toml"));
        let config = SearchConfig::load(Some(&path), &[]).unwrap_or_else(|error| panic!("{error}"));
        let again = SearchConfig::parse("again", &config.to_toml().expect("writes"), &[])
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.to_toml().expect("writes"), config.to_toml().expect("writes"), "{name}");
    }
}

#[test]
fn an_edited_log_is_refused_of_a_finished_and_of_an_interrupted_search() {
    const SCORE: &str = "\"value\":0.";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let short = SMALL.split("[[stages]]\nname = \"rate\"").next().expect("the first stage");
    assert!(tune(folder.path(), short, &[]).status.success());
    let log = folder.path().join("out/study.jsonl");
    let honest = std::fs::read_to_string(&log).expect("a log");
    let digit = honest.find(SCORE).expect("a score") + SCORE.len();
    let other = if honest[digit..].starts_with('9') { "1" } else { "9" };
    let edited = [&honest[..digit], other, &honest[digit + 1..]].concat();
    for is_finished in [true, false] {
        if !is_finished {
            std::fs::remove_file(folder.path().join("out/manifest.json")).expect("as if it had been interrupted");
        }
        std::fs::write(&log, &edited).expect("writes");
        let output = tune(folder.path(), short, &[]);
        let words = said(&output);
        assert_eq!(output.status.code(), Some(1), "finished: {is_finished}: {words}");
        assert!(words.contains("study.jsonl"), "finished: {is_finished}: {words}");
    }
    std::fs::write(&log, &honest).expect("writes");
    let output = tune(folder.path(), short, &[]);
    assert!(output.status.success(), "{}", said(&output));
}
