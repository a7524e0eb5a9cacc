use serde::Deserialize;

use super::*;
use crate::progress::Silent;

/// Recorded by `tests/reference/tensorboard_events.py`.
#[derive(Deserialize)]
struct Recorded {
    version: String,
    start: String,
    scalars: Vec<Scalar>,
}

#[derive(Deserialize)]
struct Scalar {
    at: f64,
    step: i64,
    tag: String,
    value: f32,
    record: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn records_are_those_of_tensorboard_s_own_writer() {
    let recorded: Recorded = serde_json::from_str(include_str!("../../../tests/data/fit/tensorboard.json")).unwrap();
    assert_eq!(hex(&record(&Entry::version(1_796_000_000.25))), recorded.version);
    assert_eq!(hex(&record(&Entry::start(1_796_000_000.25))), recorded.start);
    assert_eq!(recorded.scalars.len(), 5);
    for Scalar { at, step, tag, value, record: expected } in &recorded.scalars {
        assert_eq!(hex(&record(&Entry::scalar(*at, *step, tag, *value))), *expected, "{tag}");
    }
}

/// Numbers of records of each tag in an event file, after a check of its frames' lengths.
fn tags(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let message = String::from_utf8_lossy(&rest[12..12 + length]).into_owned();
        let known = ["loss/train", "loss/validation", "learning_rate", "by_iteration/loss", "brain.Event"];
        found.extend(known.into_iter().find(|tag| message.contains(tag)).map(str::to_owned));
        rest = &rest[12 + length + 4..];
    }
    found
}

fn point(step: u32, validation_loss: Option<f64>) -> HistoryPoint {
    HistoryPoint {
        step,
        train_loss: Some(0.5),
        train_accuracy: None,
        validation_loss,
        validation_accuracy: None,
        learning_rate: Some(0.1),
    }
}

#[test]
fn a_fit_that_begins_again_replaces_its_own_file_and_no_other() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = EventFolder::open(&temporary.path().join("events")).unwrap();
    let mut file = folder.begin("cnn/fold-1").unwrap();
    file.point(&point(1, None), SystemTime::now()).unwrap();
    let fit = folder.path().join("cnn/fold-1");
    let other = fit.join("events.out.tfevents.1.other");
    fs::write(&other, "of another program").unwrap();
    let first = files_in(&fit).unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(tags(&first[0]), ["brain.Event", "loss/train", "learning_rate"]);

    let mut file = folder.begin("cnn/fold-1").unwrap();
    file.point(&point(1, Some(0.4)), SystemTime::now()).unwrap();
    let second = files_in(&fit).unwrap();
    assert_eq!(second.len(), 1);
    assert!(second[0] > first[0], "TensorBoard would not go on to {}", second[0].display());
    assert_eq!(tags(&second[0]), ["brain.Event", "loss/train", "loss/validation", "learning_rate"]);
    assert!(other.exists());
}

#[test]
fn a_finished_fit_has_its_points_and_its_trace() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = EventFolder::open(temporary.path()).unwrap();
    let trace = vec![TracePoint { iteration: 7, loss: 1.0, accuracy: 0.5 }];
    let history = History { points: vec![point(1, None), point(2, None)], trace, ..History::default() };
    // Seconds that no clock can show are passed over.
    let timing = FitTiming { seconds: 1e18, step_seconds: vec![1.0, 1e19], ..FitTiming::default() };
    folder.write_finished("dense", &history, &timing).unwrap();
    let files = files_in(&folder.path().join("dense")).unwrap();
    let expected = ["brain.Event", "loss/train", "learning_rate", "loss/train", "learning_rate", "by_iteration/loss"];
    assert_eq!(tags(&files[0]), expected);
}

#[test]
fn a_fit_in_progress_writes_each_step_once() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = EventFolder::open(temporary.path()).unwrap();
    let live = LiveEvents::begin(&folder, "svm", "svm", &Silent);
    live.point(&point(2, None));
    live.finish(&History { points: vec![point(1, Some(0.5)), point(2, None)], ..History::default() });
    let files = files_in(&folder.path().join("svm")).unwrap();
    let expected = ["brain.Event", "loss/train", "learning_rate", "loss/train", "loss/validation", "learning_rate"];
    assert_eq!(tags(&files[0]), expected);
}

#[test]
fn a_folder_that_cannot_be_written_warns_once_and_goes_on() {
    struct Messages(Mutex<Vec<String>>);
    impl Progress for Messages {
        fn task(&self, name: &str, total: u64, unit: &str) -> Box<dyn crate::progress::Task> {
            Silent.task(name, total, unit)
        }
        fn message(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = EventFolder::open(temporary.path()).unwrap();
    fs::write(temporary.path().join("cnn"), "a file where the fit's folder should be").unwrap();
    let messages = Messages(Mutex::default());
    let live = LiveEvents::begin(&folder, "cnn", "cnn, fold 1", &messages);
    live.point(&point(1, None));
    live.finish(&History { points: vec![point(1, None), point(2, None)], ..History::default() });
    let messages = messages.0.into_inner().unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].starts_with("warning: cnn, fold 1: no more events for TensorBoard: "), "{messages:?}");
}
