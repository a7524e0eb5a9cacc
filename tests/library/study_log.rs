//! The study log: its bytes, damaged logs, concurrent writers, and the exchange with Optuna.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use digitstack::tuning::log::{
    Distribution, FinalState, LogError, LoggedStudy, LoggedTrial, NewTrial, Parameter, ParameterValue, Repair,
    StudyLog, StudySnapshot, TrialState, export_csv,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::python;

/// Log of [`golden`], recorded; also a seed for fuzzing.
const GOLDEN: &[u8] = include_bytes!("../data/tuning/golden.jsonl");
/// The same operations without checksums.
const UNCHECKED: &[u8] = include_bytes!("../data/tuning/unchecked.jsonl");

fn text(text: &str) -> ParameterValue {
    ParameterValue::Text(text.to_owned())
}

fn parameter(name: &str, value: ParameterValue, distribution: Distribution) -> (String, Parameter) {
    (name.to_owned(), Parameter { value, distribution })
}

fn moment(seconds: u64, microseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}

/// A trial with every kind of parameter.
fn rich(state: FinalState) -> NewTrial {
    let layers = [[256, 64], [54, 30]].map(|sizes| ParameterValue::List(sizes.map(ParameterValue::Integer).to_vec()));
    let activations = vec![
        text("relu"),
        text("selu \"π\"\n"),
        ParameterValue::Flag(false),
        ParameterValue::None,
        ParameterValue::Real(0.5),
    ];
    let parameters = [
        parameter(
            "units",
            ParameterValue::Integer(54),
            Distribution::Integer { low: 16, high: 512, step: 1, log: true },
        ),
        parameter(
            "rate",
            ParameterValue::Real(1e-7),
            Distribution::Real { low: 1e-8, high: 0.1, step: None, log: true },
        ),
        parameter(
            "dropout, \"0\"",
            ParameterValue::Real(0.35),
            Distribution::Real { low: 0.0, high: 0.7, step: Some(0.05), log: false },
        ),
        parameter("layers", layers[1].clone(), Distribution::Categorical { choices: layers.to_vec() }),
        parameter("activation", activations[1].clone(), Distribution::Categorical { choices: activations }),
    ];
    let Value::Object(attributes) =
        json!({"standard_error": 0.0012, "folds": [0.9875, 0.99], "error": "a \"reason\", \\ NaN\n", "rung": null})
    else {
        unreachable!()
    };
    NewTrial {
        parameters: parameters.into(),
        state,
        steps: [(0, 0.5), (2, f64::INFINITY), (10, 0.98875)].into(),
        attributes,
        started: moment(1_795_280_755, 123_456),
        finished: moment(1_795_280_817, 623_456),
    }
}

fn plain(value: f64) -> NewTrial {
    NewTrial {
        parameters: BTreeMap::new(),
        state: FinalState::Complete(value),
        steps: BTreeMap::new(),
        attributes: Map::new(),
        started: moment(0, 0),
        finished: moment(1, 0),
    }
}

/// Trial that the log should contain after [`rich`].
fn logged(number: u64, trial: &NewTrial) -> LoggedTrial {
    let (state, value) = match trial.state {
        FinalState::Complete(value) => (TrialState::Complete, Some(value)),
        FinalState::Pruned(value) => (TrialState::Pruned, value),
        FinalState::Failed => (TrialState::Failed, None),
    };
    LoggedTrial {
        number,
        state,
        parameters: trial.parameters.clone(),
        value,
        steps: trial.steps.clone(),
        attributes: trial.attributes.clone(),
        started: Some(trial.started),
        finished: Some(trial.finished),
        verified: true,
    }
}

/// Records two stages with every outcome, and attributes.
fn golden(path: &Path) {
    let log = StudyLog::open(path, "mnist").unwrap();
    let dense = log.stage("dense", "sha256:1").unwrap();
    assert_eq!(dense.record(&rich(FinalState::Complete(0.98875))).unwrap(), 0);
    assert_eq!(dense.record(&rich(FinalState::Failed)).unwrap(), 1);
    let cnn = log.stage("cnn", "sha256:2").unwrap();
    assert_eq!(cnn.record(&plain(0.25)).unwrap(), 0);
    assert_eq!(dense.record(&rich(FinalState::Pruned(Some(0.5)))).unwrap(), 2);
    assert_eq!(dense.record(&rich(FinalState::Pruned(None))).unwrap(), 3);
    dense.set("pick", &json!({"trial": 0, "why": "best"})).unwrap();
    dense.set("finished", &json!(true)).unwrap();
}

/// Folder with the golden log in it, and the log's path.
fn with_golden() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.jsonl");
    fs::write(&path, GOLDEN).unwrap();
    (folder, path)
}

#[test]
fn the_golden_study_gives_the_recorded_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.jsonl");
    golden(&path);
    let written = fs::read(&path).unwrap();
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(GOLDEN));
}

#[test]
fn a_checksum_is_all_that_a_line_adds_to_the_format_of_optuna() {
    let bare: String = str::from_utf8(GOLDEN)
        .unwrap()
        .lines()
        .map(|line| line.split_once(",\"sha256\":\"").unwrap().0.to_owned() + "}\n")
        .collect();
    assert_eq!(bare, String::from_utf8_lossy(UNCHECKED));
    let path = Path::new("study.jsonl");
    let error = StudySnapshot::parse(UNCHECKED, path).unwrap_err().to_string();
    assert!(error.contains("study.jsonl, line 1: it has no checksum"), "{error}");
    // Another program's lines need none.
    let theirs = String::from_utf8_lossy(UNCHECKED).replace("\"digitstack\"", "\"theirs\"");
    let mut theirs = StudySnapshot::parse(theirs.as_bytes(), path).unwrap();
    for trial in theirs.studies.iter_mut().flat_map(|study| &mut study.trials) {
        assert!(!std::mem::replace(&mut trial.verified, true));
    }
    let ours = StudySnapshot::parse(GOLDEN, path).unwrap();
    assert_eq!(describe(&theirs), describe(&ours));
}

#[test]
fn an_edited_moved_dropped_or_inserted_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.jsonl");
    let lines: Vec<Vec<u8>> = GOLDEN.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let refused = |lines: &[Vec<u8>], line: usize, what: &str| {
        fs::write(&path, lines.concat()).unwrap();
        for error in [StudyLog::open(&path, "mnist").unwrap_err(), StudySnapshot::read(&path).unwrap_err()] {
            let words = error.to_string();
            assert!(words.contains(&format!("study.jsonl, line {line}: its checksum")), "{what} {line}: {words}");
        }
        assert!(fs::read(&path).unwrap() == lines.concat(), "nothing is cut");
    };
    for index in 0..lines.len() {
        let mut edited = lines.clone();
        let text = String::from_utf8(edited[index].clone()).unwrap();
        let change =
            [("0.98875", "0.99875"), ("\"study_name\":\"mnist", "\"study_name\":\"other"), ("sha256:", "sha257:")]
                .into_iter()
                .chain([("\"value\":0.25", "\"value\":0.75"), ("\"state\":3", "\"state\":2"), (":true", ":false")])
                .chain([("\"trial\":0", "\"trial\":1"), ("17:05:55", "17:05:54")])
                .find(|(from, _)| text.contains(from));
        let (from, to) = change.expect("every line has something to edit");
        edited[index] = text.replacen(from, to, 1).into_bytes();
        refused(&edited, index + 1, "edited");

        let mut stripped = lines.clone();
        stripped[index] = text.replacen("\"worker_id\":\"digitstack\"", "\"worker_id\":\"x\"", 1).into_bytes();
        refused(&stripped, index + 1, "another writer");

        let mut inserted = lines.clone();
        inserted.insert(index + 1, lines[index].clone());
        refused(&inserted, index + 2, "inserted");

        if index + 1 < lines.len() {
            let mut dropped = lines.clone();
            dropped.remove(index);
            refused(&dropped, index + 1, "dropped");
            let mut moved = lines.clone();
            moved.swap(index, index + 1);
            refused(&moved, index + 1, "moved");
        }
    }
    // Without its last line, the log is that of a search that was interrupted before.
    fs::write(&path, lines[..lines.len() - 1].concat()).unwrap();
    assert!(StudySnapshot::read(&path).unwrap().study("mnist/dense").unwrap().recorded("finished").is_none());
}

#[test]
fn other_programs_change_nothing_that_a_search_relies_on() {
    let (_folder, path) = with_golden();
    let append =
        |line: &str| fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(line.as_bytes()).unwrap();
    append("{\"op_code\":2,\"worker_id\":\"x\",\"study_id\":0,\"user_attr\":{\"fingerprint\":\"sha256:9\"}}\n");
    append("{\"op_code\":2,\"worker_id\":\"x\",\"study_id\":1,\"user_attr\":{\"finished\":true}}\n");
    append(
        "{\"op_code\":4,\"worker_id\":\"x\",\"study_id\":1,\"state\":1,\"value\":1.0,\"user_attrs\":{\"digitstack\":1}}\n",
    );
    let log = StudyLog::open(&path, "mnist").unwrap();
    let cnn = log.stage("cnn", "sha256:2").unwrap();
    assert_eq!((cnn.recorded("finished"), cnn.attribute("finished")), (None, Some(json!(true))));
    assert_eq!(cnn.trials().iter().map(|trial| trial.verified).collect::<Vec<_>>(), [true, false]);
    assert!(log.stage("dense", "sha256:9").is_err());
    log.stage("dense", "sha256:1").unwrap();

    // Whatever stands before a line of this program is covered by its checksum, whoever wrote it.
    assert_eq!(cnn.record(&plain(0.75)).unwrap(), 2);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"value\":1.0", "\"value\":0.5")).unwrap();
    let words = StudySnapshot::read(&path).unwrap_err().to_string();
    assert!(words.contains("study.jsonl, line 15: its checksum"), "{words}");
}

#[test]
fn every_field_of_a_recorded_trial_is_read() {
    let (_folder, path) = with_golden();
    let snapshot = StudySnapshot::read(&path).unwrap();
    let names: Vec<_> = snapshot.studies.iter().map(|study| (study.study(), study.stage())).collect();
    assert_eq!((names, snapshot.torn_line), (vec![("mnist", "dense"), ("mnist", "cnn")], None));
    let outcomes =
        [FinalState::Complete(0.98875), FinalState::Failed, FinalState::Pruned(Some(0.5)), FinalState::Pruned(None)];
    let expected: Vec<_> = (0..).zip(outcomes).map(|(number, outcome)| logged(number, &rich(outcome))).collect();
    assert_eq!(snapshot.studies[0].trials, expected);
    assert_eq!(snapshot.studies[1].trials, [logged(0, &plain(0.25))]);
    assert_eq!(expected[0].seconds(), Some(62.5));

    let log = StudyLog::open(&path, "mnist").unwrap();
    assert_eq!((log.repaired(), log.snapshot()), (None, snapshot));
    let dense = log.stage("dense", "sha256:1").unwrap();
    assert_eq!((dense.name(), dense.trials()), ("dense", expected));
    assert_eq!(dense.attribute("pick"), Some(json!({"trial": 0, "why": "best"})));
    assert_eq!(dense.attribute("unknown"), None);
    dense.set("finished", &json!(true)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), GOLDEN, "nothing is written twice");
    dense.set("finished", &json!(false)).unwrap();
    assert_eq!(dense.attribute("finished"), Some(json!(false)));
    assert!(matches!(dense.set("fingerprint", &json!("x")), Err(LogError::Reserved(_))));
}

#[test]
fn every_beginning_of_a_log_gives_its_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.jsonl");
    let mut studies = Vec::new();
    let mut whole = 0;
    for length in 0..=GOLDEN.len() {
        let torn = &GOLDEN[..length];
        if torn.is_empty() || torn.ends_with(b"\n") {
            whole = length;
            studies = StudySnapshot::parse(torn, &path).unwrap().studies;
        }
        let line = torn[..whole].iter().filter(|byte| **byte == b'\n').count() + 1;
        let snapshot = StudySnapshot::parse(torn, &path).unwrap();
        assert_eq!((&snapshot.studies, snapshot.torn_line), (&studies, (whole < length).then_some(line)), "{length}");
        // Each repair waits for the disk.
        if length.abs_diff(whole) > 1 && length % 29 != 0 {
            continue;
        }
        fs::write(&path, torn).unwrap();
        let log = StudyLog::open(&path, "mnist").unwrap();
        let repair = Repair { line, bytes: (length - whole) as u64 };
        assert_eq!(
            (log.repaired(), &log.snapshot().studies),
            ((whole < length).then_some(repair), &studies),
            "{length}"
        );
        assert!(fs::read(&path).unwrap() == GOLDEN[..whole], "{length}");
    }
    assert_eq!(studies.iter().map(|study| study.trials.len()).sum::<usize>(), 5);
}

#[test]
fn a_search_goes_on_where_it_was_torn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.jsonl");
    let ends =
        GOLDEN.iter().enumerate().filter(|(_, byte)| **byte == b'\n').flat_map(|(end, _)| [end - 40, end, end + 1]);
    for length in [0, 1].into_iter().chain(ends) {
        fs::write(&path, &GOLDEN[..length]).unwrap();
        let stage = StudyLog::open(&path, "mnist").unwrap().stage("dense", "sha256:1").unwrap();
        let before = stage.trials().len() as u64;
        assert_eq!(stage.record(&plain(0.5)).unwrap(), before, "{length}");
        drop(stage);
        let snapshot = StudySnapshot::read(&path).unwrap();
        let dense = snapshot.study("mnist/dense").unwrap();
        assert_eq!(dense.trials.last(), Some(&logged(before, &plain(0.5))), "{length}");
        assert_eq!(dense.attributes["fingerprint"], json!("sha256:1"), "{length}");
    }
    // A power cut may leave zeros in place of a line.
    fs::write(&path, [GOLDEN, &[0; 100]].concat()).unwrap();
    let log = StudyLog::open(&path, "mnist").unwrap();
    assert_eq!(log.repaired().map(|repair| repair.bytes), Some(100));
    assert!(fs::read(&path).unwrap() == GOLDEN);
}

#[test]
fn a_damaged_line_is_named_and_nothing_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.jsonl");
    let lines: Vec<&[u8]> = GOLDEN.split_inclusive(|byte| *byte == b'\n').collect();
    for damaged in 0..lines.len() {
        let mut bytes = lines.concat();
        let at = lines[..damaged].concat().len() + lines[damaged].len() / 2;
        bytes[at] = 0;
        fs::write(&path, &bytes).unwrap();
        for error in [StudyLog::open(&path, "mnist").unwrap_err(), StudySnapshot::read(&path).unwrap_err()] {
            assert!(matches!(&error, LogError::Damaged { line, .. } if *line == damaged + 1), "{error}");
            let words = error.to_string();
            assert!(
                words.contains(&format!("study.jsonl, line {}: column ", damaged + 1)) && words.contains("--fresh"),
                "{words}"
            );
        }
        assert!(fs::read(&path).unwrap() == bytes);
    }
    for foreign in ["shopping list", "shopping list\n", "{}\n", "\n", "{\"op_code\" 1"] {
        fs::write(&path, foreign).unwrap();
        assert!(matches!(StudyLog::open(&path, "mnist"), Err(LogError::Damaged { line: 1, .. })), "{foreign:?}");
        assert_eq!(fs::read(&path).unwrap(), foreign.as_bytes());
    }
    assert!(matches!(StudySnapshot::read(&folder.path().join("none")), Err(LogError::Io { action: "open", .. })));
}

#[test]
fn a_stage_with_other_settings_is_refused_by_name() {
    let (_folder, path) = with_golden();
    let log = StudyLog::open(&path, "mnist").unwrap();
    let words = log.stage("dense", "sha256:9").unwrap_err().to_string();
    for word in ["study.jsonl", "stage dense", "sha256:1", "sha256:9", "--fresh", "--out"] {
        assert!(words.contains(word), "{words}");
    }
    // The same stage of another study is another stage.
    drop(log);
    let log = StudyLog::open(&path, "kaggle").unwrap();
    assert!(log.stage("dense", "sha256:9").unwrap().trials().is_empty());
    for bad in ["", "a/b", "a\n"] {
        assert!(matches!(log.stage(bad, ""), Err(LogError::BadName { .. })));
        assert!(matches!(StudyLog::open(&path, bad), Err(LogError::BadName { .. })));
    }
}

#[test]
fn one_search_at_a_time() {
    let (_folder, path) = with_golden();
    let log = StudyLog::open(&path, "mnist").unwrap();
    let stage = log.stage("dense", "sha256:1").unwrap();
    drop(log);
    let error = StudyLog::open(&path, "mnist").unwrap_err();
    assert!(matches!(error, LogError::Locked(_)), "{error}");
    assert_eq!(StudySnapshot::read(&path).unwrap().studies[0].trials, stage.trials());
    drop(stage);
    StudyLog::open(&path, "mnist").unwrap();
}

#[test]
fn threads_share_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.jsonl");
    let log = StudyLog::open(&path, "mnist").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || {
                let stage = log.stage(["a", "b"][thread % 2], "f").unwrap();
                for trial in 0..5 {
                    let value = (10 * thread + trial) as f64;
                    let number = stage.record(&plain(value)).unwrap();
                    assert_eq!(stage.trials()[number as usize].value, Some(value));
                }
            });
        }
    });
    let snapshot = StudySnapshot::read(&path).unwrap();
    assert_eq!(snapshot, log.snapshot());
    for study in snapshot.studies {
        assert!(study.trials.iter().map(|trial| trial.number).eq(0..10));
    }
}

#[test]
fn values_that_optuna_cannot_store_are_refused() {
    let (_folder, path) = with_golden();
    let stage = StudyLog::open(&path, "mnist").unwrap().stage("dense", "sha256:1").unwrap();
    let whole = Distribution::Integer { low: 1, high: 9, step: 1, log: false };
    let mut outside = plain(0.5);
    outside.parameters.extend([parameter("units", ParameterValue::Integer(10), whole.clone())]);
    let mut other_kind = plain(0.5);
    other_kind.parameters.extend([parameter("units", ParameterValue::Real(3.0), whole)]);
    let mut impossible = plain(0.5);
    let empty = Distribution::Real { low: 1.0, high: 0.0, step: None, log: false };
    impossible.parameters.extend([parameter("units", ParameterValue::Real(0.5), empty)]);
    for (trial, word) in [
        (plain(f64::NAN), "NaN"),
        (plain(f64::INFINITY), "inf"),
        (outside, "units"),
        (other_kind, "units"),
        (impossible, "low"),
    ] {
        let error = stage.record(&trial).unwrap_err();
        assert!(matches!(error, LogError::BadTrial { .. }) && error.to_string().contains(word), "{error}");
    }
    assert!(fs::read(&path).unwrap() == GOLDEN);
}

#[test]
fn other_programs_may_append_but_not_break() {
    let (_folder, path) = with_golden();
    let log = StudyLog::open(&path, "mnist").unwrap();
    let (dense, cnn) = (log.stage("dense", "sha256:1").unwrap(), log.stage("cnn", "sha256:2").unwrap());
    let append =
        |line: &str| fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(line.as_bytes()).unwrap();
    append("{\"op_code\":2,\"worker_id\":\"x\",\"study_id\":0,\"user_attr\":{\"note\":1}}\n");
    append("{\"op_code\":4,\"worker_id\":\"x\",\"study_id\":0,\"datetime_start\":null,\"state\":4}\n");
    append("{\"op_code\":0,\"worker_id\":\"x\",\"study_name\":\"beside\",\"directions\":[1]}\n");
    append("{\"op_code\":1,\"worker_id\":\"x\",\"study_id\":1}\n");
    assert_eq!(dense.record(&plain(0.5)).unwrap(), 5);
    assert_eq!((dense.attribute("note"), dense.trials()[4].state), (Some(json!(1)), TrialState::Waiting));
    assert!(matches!(cnn.record(&plain(0.5)), Err(LogError::Changed { .. })));
    assert!(cnn.trials().is_empty());
    assert_eq!(log.stage("cnn", "sha256:7").unwrap().record(&plain(0.75)).unwrap(), 0);
    let before = fs::read(&path).unwrap();
    append("{\"op_code\":2,");
    let error = dense.record(&plain(0.5)).unwrap_err();
    assert!(matches!(error, LogError::Changed { .. }) && error.to_string().contains("line 20 has no end"), "{error}");
    fs::write(&path, &before[..before.len() - 1]).unwrap();
    assert!(matches!(dense.record(&plain(0.5)), Err(LogError::Changed { .. })));
    assert_eq!(dense.trials().len(), 6);
}

#[test]
fn a_table_of_all_trials() {
    let (_folder, path) = with_golden();
    let mut table = Vec::new();
    export_csv(&StudySnapshot::read(&path).unwrap(), &mut table).unwrap();
    let parameters = "\"selu \"\"π\"\"\n\",0.35,\"[54, 30]\",1e-7,54";
    let expected = format!(
        "study,stage,number,state,value,standard_error,seconds,params_activation,\"params_dropout, \"\"0\"\"\",params_layers,params_rate,params_units\n\
         mnist,dense,0,complete,0.98875,0.0012,62.5,{parameters}\n\
         mnist,dense,1,failed,,0.0012,62.5,{parameters}\n\
         mnist,dense,2,pruned,0.5,0.0012,62.5,{parameters}\n\
         mnist,dense,3,pruned,,0.0012,62.5,{parameters}\n\
         mnist,cnn,0,complete,0.25,,1,,,,,\n"
    );
    assert_eq!(String::from_utf8(table).unwrap(), expected);
}

fn any_single() -> impl Strategy<Value = ParameterValue> {
    prop_oneof![
        Just(ParameterValue::None),
        any::<bool>().prop_map(ParameterValue::Flag),
        any::<i64>().prop_map(ParameterValue::Integer),
        any_finite().prop_map(ParameterValue::Real),
        any::<String>().prop_map(ParameterValue::Text),
    ]
}

fn any_finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_map(|number| if number.is_finite() { number } else { 0.5 })
}

fn any_choice() -> impl Strategy<Value = ParameterValue> {
    any_single().prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(ParameterValue::List))
}

fn any_parameter() -> impl Strategy<Value = Parameter> {
    const EXACT: i64 = 1 << 53;
    let integer = (-EXACT..=EXACT, -EXACT..=EXACT, 1..1000_i64).prop_map(|(one, other, step)| Parameter {
        value: ParameterValue::Integer(one.min(other) + (one.max(other) - one.min(other)) / step / 2 * step),
        distribution: Distribution::Integer { low: one.min(other), high: one.max(other), step, log: false },
    });
    let real = (any_finite(), any_finite(), any_finite()).prop_map(|(one, other, value)| {
        let (low, high) = (one.min(other), one.max(other));
        Parameter {
            value: ParameterValue::Real(value.clamp(low, high)),
            distribution: Distribution::Real { low, high, step: None, log: low > 0.0 },
        }
    });
    let categorical =
        (prop::collection::vec(any_choice(), 1..5), any::<prop::sample::Index>()).prop_map(|(choices, index)| {
            Parameter { value: index.get(&choices).clone(), distribution: Distribution::Categorical { choices } }
        });
    prop_oneof![integer, real, categorical]
}

fn any_trial() -> impl Strategy<Value = NewTrial> {
    let state = prop_oneof![
        any_finite().prop_map(FinalState::Complete),
        prop::option::of(any_finite()).prop_map(FinalState::Pruned),
        Just(FinalState::Failed)
    ];
    let step = prop_oneof![any_finite(), Just(f64::INFINITY), Just(f64::NEG_INFINITY)];
    let attribute = prop_oneof![
        any::<String>().prop_map(Value::from),
        any_finite().prop_map(Value::from),
        any::<Vec<u64>>().prop_map(Value::from)
    ];
    let time =
        || (0..253_402_300_800_u64, 0..1_000_000_u64).prop_map(|(seconds, microseconds)| moment(seconds, microseconds));
    (
        prop::collection::btree_map(any::<String>(), any_parameter(), 0..4),
        state,
        prop::collection::btree_map(any::<u64>(), step, 0..4),
        prop::collection::btree_map(any::<String>(), attribute, 0..4),
        time(),
        time(),
    )
        .prop_map(|(parameters, state, steps, attributes, started, finished)| NewTrial {
            parameters,
            state,
            steps,
            attributes: attributes.into_iter().collect(),
            started,
            finished,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_trial_is_read_as_it_was_recorded(trials in prop::collection::vec(any_trial(), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.jsonl");
        let stage = StudyLog::open(&path, "mnist").unwrap().stage("any", "f").unwrap();
        let mut expected = Vec::new();
        for trial in &trials {
            expected.push(logged(stage.record(trial).unwrap(), trial));
        }
        prop_assert_eq!(&stage.trials(), &expected);
        let snapshot = StudySnapshot::read(&path).unwrap();
        prop_assert_eq!(&snapshot.studies[0].trials, &expected);
        check_invariants(&fs::read(&path).unwrap());
    }

    #[test]
    fn no_bytes_break_the_reader(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = GOLDEN.to_vec();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        check_invariants(&bytes);
    }
}

/// Checks what the fuzz target checks.
fn check_invariants(bytes: &[u8]) {
    let name = Path::new("fuzz");
    let Ok(snapshot) = StudySnapshot::parse(bytes, name) else { return };
    for study in &snapshot.studies {
        assert!(study.trials.iter().map(|trial| trial.number).eq(0..study.trials.len() as u64));
    }
    let mut table = Vec::new();
    export_csv(&snapshot, &mut table).unwrap();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    assert_eq!(snapshot.torn_line.is_some(), whole < bytes.len());
    StudySnapshot::parse(&bytes[..whole], name).unwrap();
}

/// Optuna's description of a log after `command`.
fn optuna(python: &Path, command: &str, log: &Path, rest: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tuning_optuna.py");
    let arguments = [script.as_os_str(), command.as_ref(), log.as_os_str()];
    let out = python::run(python, arguments.into_iter().chain(rest.iter().map(OsStr::new)));
    serde_json::from_slice(&out).unwrap()
}

/// Description of a snapshot in the form of `tests/reference/tuning_optuna.py`, without the fields that this program
/// drops.
fn describe(snapshot: &StudySnapshot) -> Value {
    let number = |number: Option<f64>| {
        number.map(|number| if number.is_finite() { json!(number) } else { json!(spelled(number)) })
    };
    let microseconds = |time: Option<SystemTime>| {
        time.map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64)
    };
    let trial = |trial: &LoggedTrial| {
        let steps = trial.steps.iter().map(|(step, value)| (step.to_string(), json!(number(Some(*value)))));
        json!({
            "number": trial.number,
            "state": trial.state.name(),
            "value": number(trial.value),
            "parameters": trial.parameters.iter().map(|(name, parameter)| (name.clone(), json!({
                "value": choice(&parameter.value), "distribution": distribution(&parameter.distribution),
            }))).collect::<Map<_, _>>(),
            "steps": steps.collect::<Map<_, _>>(),
            "attributes": trial.attributes,
            "started": microseconds(trial.started),
            "finished": microseconds(trial.finished),
        })
    };
    let study = |study: &LoggedStudy| {
        let trials: Vec<Value> = study.trials.iter().map(trial).collect();
        json!({"name": study.name, "attributes": study.attributes, "trials": trials})
    };
    snapshot.studies.iter().map(study).collect()
}

fn spelled(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn choice(value: &ParameterValue) -> Value {
    match value {
        list @ ParameterValue::List(_) => json!(list.to_string()),
        other => json!(other),
    }
}

fn distribution(distribution: &Distribution) -> Value {
    match distribution {
        Distribution::Integer { low, high, step, log } => json!({"low": low, "high": high, "step": step, "log": log}),
        Distribution::Real { low, high, step, log } => json!({"low": low, "high": high, "step": step, "log": log}),
        Distribution::Categorical { choices } => json!({"choices": choices.iter().map(choice).collect::<Vec<_>>()}),
    }
}

/// Removes a field from every study and returns its values.
fn take(studies: &mut Value, field: &str) -> Vec<Value> {
    studies
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .map(|study| study.as_object_mut().unwrap().remove(field).unwrap())
        .collect()
}

#[test]
fn optuna_reads_a_log_as_it_is_and_goes_on_with_it() {
    let Some(python) = python::with("optuna") else { return };
    let (_folder, path) = with_golden();
    let mut nan = plain(0.125);
    nan.steps = [(3, f64::NAN), (7, f64::NEG_INFINITY)].into();
    let log = StudyLog::open(&path, "mnist").unwrap();
    let cnn = log.stage("cnn", "sha256:2").unwrap();
    cnn.record(&nan).unwrap();
    log.stage("empty", "sha256:3").unwrap();

    let mut seen = optuna(&python, "read", &path, &[]);
    assert_eq!(take(&mut seen, "maximised"), [true; 3]);
    assert_eq!(take(&mut seen, "best"), [json!(0), json!(0), Value::Null]);
    assert_eq!(seen, describe(&log.snapshot()));

    // Optuna adds a trial, a note and a study while this process has the log open.
    let mut seen = optuna(&python, "append", &path, &["mnist/cnn"]);
    assert_eq!(cnn.record(&plain(0.75)).unwrap(), 3);
    let snapshot = log.snapshot();
    assert_eq!(cnn.attribute("note"), Some(json!("looks fine")));
    let theirs = &cnn.trials()[2];
    assert_eq!((theirs.state, theirs.value), (TrialState::Complete, Some(0.125)));
    assert!(matches!(theirs.parameter("rate"), Some(ParameterValue::Real(rate)) if (0.0..=1.0).contains(rate)));
    take(&mut seen, "maximised");
    take(&mut seen, "best");
    assert_ne!(seen, describe(&snapshot), "Optuna looked before the last trial");
    let mut seen = optuna(&python, "read", &path, &[]);
    assert_eq!(take(&mut seen, "maximised"), [true, true, true, false]);
    assert_eq!(take(&mut seen, "best"), [json!(0), json!(3), Value::Null, json!(0)]);
    assert_eq!(seen, describe(&snapshot));
}

#[test]
fn a_log_of_optuna_is_read_as_optuna_reads_it() {
    let Some(python) = python::with("optuna") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.jsonl");
    let mut seen = optuna(&python, "write", &path, &[]);
    take(&mut seen, "maximised");
    take(&mut seen, "best");
    let snapshot = StudySnapshot::read(&path).unwrap();
    assert_eq!(seen, describe(&snapshot));
    let states: Vec<_> = snapshot.studies[0].trials.iter().map(|trial| trial.state.name()).collect();
    assert_eq!(states, ["complete", "pruned", "failed", "complete", "complete", "complete", "running", "waiting"]);
    assert_eq!(StudyLog::open(&path, "mnist").unwrap().stage("cnn", "f").unwrap().record(&plain(0.5)).unwrap(), 0);
    let mut seen = optuna(&python, "read", &path, &[]);
    take(&mut seen, "maximised");
    take(&mut seen, "best");
    assert_eq!(seen, describe(&StudySnapshot::read(&path).unwrap()));
}
