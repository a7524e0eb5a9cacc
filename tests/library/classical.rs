//! Logistic regression and the support-vector machine: against scikit-learn (recorded by
//! `tests/reference/classical_vectors.py`), and as learners.

use std::{fs, ops::ControlFlow, path::Path};

use digitstack::{
    classical::{Gamma, LogisticConfig, SvmConfig, train_logistic, train_svm},
    data::{Digits, Images, PIXELS, synthetic},
    device::{self, DeviceChoice},
    evaluation,
    fit::{Cancel, FitContext, HistoryPoint},
    learners::{self, Classifier, Fitted, Learner, LearnerError, ModelFormat, ModelNotes},
    progress::Silent,
    seed::Seed,
};
use serde::Deserialize;

/// The images of the script, byte by byte.
pub(crate) fn drawn(n: usize, seed: u32) -> Digits {
    let mut state = seed;
    let mut image = |number: usize| {
        std::array::from_fn::<u8, PIXELS, _>(|pixel| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let level = (state >> 24) as u8;
            match ((pixel * 7 + number % 10 * 53) % 97 < 9, level > 250) {
                (true, _) => 128 + level / 2,
                (false, true) => level,
                (false, false) => 0,
            }
        })
    };
    let images = Images::from_images((0..n).map(&mut image).collect::<Vec<_>>());
    let label = |number: usize| if number.is_multiple_of(11) { number * 7 / 3 % 10 } else { number % 10 };
    Digits::new(images, (0..n).map(|number| label(number) as u8).collect())
}

fn in_context<T>(fit: impl FnOnce(&FitContext) -> T) -> T {
    let (device, cancel) = (device::resolve(&DeviceChoice::Cpu).unwrap(), Cancel::default());
    fit(&FitContext::new(&device, 1, &Silent, &cancel).seeded(Seed(1)).labelled("test"))
}

#[test]
fn logistic_regression_is_that_of_scikit_learn() {
    #[derive(Deserialize)]
    struct Recorded {
        fits: Vec<Fit>,
    }
    #[derive(Deserialize)]
    struct Fit {
        c: f64,
        fresh: Vec<[f64; 10]>,
    }
    let recorded: Recorded = serde_json::from_str(include_str!("../data/classical/logistic.json")).unwrap();
    assert_eq!(recorded.fits.len(), 2);
    for Fit { c, fresh } in recorded.fits {
        let config = LogisticConfig { c, max_iterations: 1000, tolerance: 1e-8 };
        let fit = in_context(|context| train_logistic(&config, &drawn(240, 1), None, context)).unwrap();
        assert!(fit.history.points.len() < 1000, "c = {c}: it did not converge");
        for (row, expected) in fit.model.predict_proba(&drawn(12, 2).images).iter().zip(&fresh) {
            for (found, expected) in row.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 2e-6, "c = {c}: found {found}, expected {expected}");
            }
        }
    }
}

#[test]
fn the_decisions_are_those_of_scikit_learn() {
    #[derive(Deserialize)]
    struct Recorded {
        fits: Vec<Fit>,
    }
    #[derive(Deserialize)]
    struct Fit {
        c: f64,
        gamma: Gamma,
        gamma_found: f64,
        support_vectors: usize,
        decisions: Vec<Vec<f64>>,
    }
    let recorded: Recorded = serde_json::from_str(include_str!("../data/classical/svm.json")).unwrap();
    assert_eq!(recorded.fits.len(), 3);
    for Fit { c, gamma, gamma_found, support_vectors, decisions } in recorded.fits {
        let config = SvmConfig { c, gamma, tolerance: 1e-9, ..SvmConfig::default() };
        let model = in_context(|context| train_svm(&config, &drawn(240, 1), None, context)).unwrap().model;
        assert!((model.gamma() / gamma_found - 1.0).abs() < 1e-9, "found {}, expected {gamma_found}", model.gamma());
        assert_eq!(model.support_vectors(), support_vectors, "c = {c}");
        let found = model.decisions(&drawn(12, 2).images);
        assert_eq!(found.len(), decisions.len());
        for (found, expected) in found.iter().flatten().zip(decisions.iter().flatten()) {
            assert!((found - expected).abs() < 1e-5, "c = {c}: found {found}, expected {expected}");
        }
    }
}

fn learner(settings: &str) -> Box<dyn Learner> {
    learners::build(toml::from_str(settings).unwrap()).unwrap()
}

const LEARNERS: [&str; 2] = ["name = \"a\"\nkind = \"logistic\"", "name = \"a\"\nkind = \"svm\""];

type Observe<'a> = &'a (dyn Fn(&HistoryPoint) -> ControlFlow<()> + Sync);

fn fit_as(
    learner: &dyn Learner,
    train: &Digits,
    threads: usize,
    cancel: &Cancel,
    observe: Option<Observe>,
) -> Result<Fitted, LearnerError> {
    let device = device::resolve(&DeviceChoice::Cpu).unwrap();
    let context = FitContext::new(&device, threads, &Silent, cancel).seeded(Seed(3)).labelled("a").observed(observe);
    let validation = synthetic::generate(100, Seed(12));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| learner.fit(train, Some(&validation), &context))
}

fn fit(learner: &dyn Learner, train: &Digits, threads: usize) -> Fitted {
    fit_as(learner, train, threads, &Cancel::default(), None).unwrap()
}

/// Name and bytes of every file that a model writes, sorted.
fn files(model: &dyn Classifier, folder: &Path) -> Vec<(String, Vec<u8>)> {
    model.save(folder).unwrap();
    let entry = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|found| entry(found.unwrap())).collect();
    files.sort();
    files
}

#[test]
fn digits_are_learned_with_the_same_bits_on_any_number_of_threads_and_come_back_from_their_files() {
    let (train, test) = (synthetic::generate(1500, Seed(10)), synthetic::generate(300, Seed(11)));
    let device = device::resolve(&DeviceChoice::Cpu).unwrap();
    for (settings, least) in LEARNERS.into_iter().zip([0.60, 0.80]) {
        let learner = learner(settings);
        let fitted = fit(learner.as_ref(), &train, 2);
        let rows = fitted.classifier.predict_proba(&test.images).unwrap();
        assert!(
            rows.iter()
                .all(|row| row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-5)
        );
        let scores = evaluation::score(&rows, &test.labels).unwrap();
        assert!(scores.accuracy.value > least, "{settings}: {}", scores.accuracy.value);
        let last = fitted.history.points.last().unwrap();
        assert!(last.validation_accuracy.unwrap() > least && last.validation_loss.unwrap() < 1.5, "{last:?}");

        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let written = files(fitted.classifier.as_ref(), folders[0].path());
        let again = fit(learner.as_ref(), &train, 1);
        assert_eq!(written, files(again.classifier.as_ref(), folders[1].path()), "{settings}: two threads and one");
        assert_eq!(fitted.history, again.history);

        let loaded = learner.load(folders[0].path(), &device).unwrap();
        assert_eq!(loaded.predict_proba(&test.images).unwrap(), rows);
        let mut predictor = loaded.predictor().unwrap();
        let single: Vec<_> = test.images.iter().map(|image| predictor.predict_one(image)).collect();
        assert_eq!(single, rows, "{settings}: one image at a time");
        assert_eq!(predictor.another().predict_one(test.images.get(5)), rows[5]);
    }
}

#[test]
fn models_are_exported_as_safetensors_and_json_only() {
    let train = synthetic::generate(200, Seed(10));
    let notes = ModelNotes { model: "a".into(), preparation: "[]".into(), shifts: 1 };
    for (settings, arrays) in LEARNERS.into_iter().zip([["bias", "weight"], ["coefficients", "vectors"]]) {
        let model = fit(learner(settings).as_ref(), &train, 1).classifier;
        assert_eq!(model.formats(), [ModelFormat::Safetensors, ModelFormat::Json]);
        let bytes = model.export(ModelFormat::Safetensors, &notes).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
        let json: serde_json::Value =
            serde_json::from_slice(&model.export(ModelFormat::Json, &notes).unwrap()).unwrap();
        for name in arrays {
            assert!(header.contains(&format!("\"{name}\"")), "{header}");
            assert!(json["arrays"][name].as_array().is_some_and(|rows| !rows.is_empty()));
        }
        assert_eq!(json["notes"]["model"], "a");
        for format in [ModelFormat::Onnx, ModelFormat::Lightgbm] {
            let problem = model.export(format, &notes).err().unwrap().to_string();
            assert!(problem.contains("safetensors, json"), "{problem}");
        }
        assert!(model.parameters().is_some_and(|count| count > 1000));
    }
}

#[test]
fn the_kernel_cache_changes_no_bit_and_few_iterations_give_a_model() {
    let (train, images) = (synthetic::generate(400, Seed(10)), synthetic::generate(50, Seed(11)).images);
    let answers =
        |settings: &str| fit(learner(settings).as_ref(), &train, 2).classifier.predict_proba(&images).unwrap();
    assert_eq!(answers(LEARNERS[1]), answers(&format!("{}\n[svm]\ncache_mib = 1", LEARNERS[1])));
    let few = fit(learner(&format!("{}\n[logistic]\nmax_iterations = 3", LEARNERS[0])).as_ref(), &train, 2);
    assert_eq!(few.history.points.len(), 3);
    // Rounding ends the fit before this tolerance is reached.
    let far = fit(
        learner(&format!("{}\n[logistic]\nmax_iterations = 5000\ntolerance = 1e-9\nc = 0.01", LEARNERS[0])).as_ref(),
        &train,
        2,
    );
    assert!(far.history.points.len() < 5000);
}

#[test]
fn damaged_files_are_refused() {
    let train = synthetic::generate(200, Seed(10));
    let device = device::resolve(&DeviceChoice::Cpu).unwrap();
    for settings in LEARNERS {
        let learner = learner(settings);
        let folder = tempfile::tempdir().unwrap();
        let written = files(fit(learner.as_ref(), &train, 1).classifier.as_ref(), folder.path());
        assert_eq!(written.len(), 2);
        let load = || learner.load(folder.path(), &device).map(|_| ()).map_err(|error| error.to_string());
        for (name, bytes) in &written {
            let path = folder.path().join(name);
            for cut in [0, 1, bytes.len() / 2, bytes.len() - 3] {
                fs::write(&path, &bytes[..cut]).unwrap();
                assert!(load().unwrap_err().contains(name.as_str()), "{name} of {cut} bytes");
            }
            fs::remove_file(&path).unwrap();
            assert!(load().unwrap_err().contains(name.as_str()));
            fs::write(&path, bytes).unwrap();
        }
        assert_eq!(load(), Ok(()));
        // An invalid description beside valid arrays.
        let (name, bytes) = &written[0];
        let sound: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let damages: [fn(&mut serde_json::Value); 6] = [
            |json| json["format"] = "digitstack forest 1".into(),
            |json| json["model"]["classes"] = vec![0, 1, 2, 3, 4, 5, 6, 7, 9, 8].into(),
            |json| json["model"]["classes"] = vec![0, 1, 2, 3].into(),
            |json| json["model"]["classes"] = Vec::<u8>::new().into(),
            |json| json["model"]["classes"] = vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 200].into(),
            |json| json["model"]["more"] = 1.into(),
        ];
        for (index, damage) in damages.into_iter().enumerate() {
            let mut json = sound.clone();
            damage(&mut json);
            fs::write(folder.path().join(name), json.to_string()).unwrap();
            assert!(load().is_err(), "{settings}, damage {index}");
        }
    }
}

#[test]
fn a_support_vector_machine_with_inconsistent_counts_or_numbers_is_refused() {
    let learner = learner(LEARNERS[1]);
    let folder = tempfile::tempdir().unwrap();
    let device = device::resolve(&DeviceChoice::Cpu).unwrap();
    let written =
        files(fit(learner.as_ref(), &synthetic::generate(200, Seed(10)), 1).classifier.as_ref(), folder.path());
    let (name, bytes) = &written[0];
    let damages: [fn(&mut serde_json::Value); 6] = [
        |model| model["gamma"] = (-1.0).into(),
        |model| model["gamma"] = 1e300.into(),
        |model| model["support_vectors"][0] = u64::MAX.into(),
        |model| model["biases"][3] = 1e200.into(),
        |model| model["biases"] = vec![0.5; 44].into(),
        |model| model["calibration"]["weights"][2] = vec![1.0; 44].into(),
    ];
    for (index, damage) in damages.into_iter().enumerate() {
        let mut json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        damage(&mut json["model"]);
        fs::write(folder.path().join(name), json.to_string()).unwrap();
        assert!(learner.load(folder.path(), &device).is_err(), "damage {index}");
    }
}

#[test]
fn digits_that_never_occur_get_no_probability() {
    let all = synthetic::generate(300, Seed(10));
    let of = |wanted: &[u8]| {
        all.select(&(0..all.len()).filter(|&index| wanted.contains(&all.labels[index])).collect::<Vec<_>>())
    };
    for settings in LEARNERS {
        for wanted in [&[2, 7, 9][..], &[3, 4], &[5]] {
            let rows = fit(learner(settings).as_ref(), &of(wanted), 1).classifier.predict_proba(&all.images).unwrap();
            for row in rows {
                let sum: f32 = wanted.iter().map(|&class| row[usize::from(class)]).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{settings}, {wanted:?}: {row:?}");
                assert!((0..10).all(|class| wanted.contains(&class) || row[usize::from(class)] == 0.0));
            }
        }
    }
}

#[test]
fn a_fit_stops_when_it_is_asked_to() {
    let train = synthetic::generate(200, Seed(10));
    let cancelled = Cancel::default();
    cancelled.cancel();
    for settings in LEARNERS {
        let learner = learner(settings);
        let stopped = fit_as(learner.as_ref(), &train, 1, &cancelled, None).err().unwrap();
        assert!(stopped.is_cancelled() && !stopped.is_storage(), "{stopped}");
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let observe = |point: &HistoryPoint| {
            assert!(point.validation_accuracy.is_some());
            seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            ControlFlow::Break(())
        };
        let ended = fit_as(learner.as_ref(), &train, 1, &Cancel::default(), Some(&observe)).err().unwrap();
        assert!(ended.is_cancelled(), "{ended}");
        assert_eq!(seen.into_inner(), 1);
    }
}

#[test]
fn impossible_settings_and_digits_are_refused_by_name() {
    let cases = [
        (0, "[logistic]\nc = 0.0", "logistic.c: found 0, expected 1e-6 to 1e6"),
        (0, "[logistic]\nmax_iterations = 0", "logistic.max_iterations: found 0, expected 1 to 100000"),
        (0, "[logistic]\ntolerance = 2.0", "logistic.tolerance: found 2, expected 1e-9 to 1"),
        (0, "[logistic]\nl1 = 1.0", "unknown field `l1`"),
        (0, "augment_copies = 2", "augment_copies: and `augment` belong together"),
        (1, "augment = [\"light\"]", "augment_copies: and `augment` belong together"),
        (1, "[svm]\nc = -1.0", "svm.c: found -1"),
        (1, "[svm]\ngamma = 0", "svm.gamma: found 0"),
        (1, "[svm]\ngamma = \"auto\"", "svm.gamma"),
        (1, "[svm]\ntolerance = 0.0", "svm.tolerance: found 0"),
        (1, "[svm]\ncalibration_folds = 1", "svm.calibration_folds: found 1, expected 2 to 10"),
        (1, "[svm]\ncache_mib = 0", "svm.cache_mib: found 0, expected 1 to 65536"),
    ];
    for (kind, text, expected) in cases {
        let error =
            learners::build(toml::from_str(&format!("{}\n{text}", LEARNERS[kind])).unwrap()).err().unwrap().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let empty = Digits::new(Images::default(), Vec::new());
    let one_each = synthetic::generate(10, Seed(1));
    for settings in LEARNERS {
        let problem =
            fit_as(learner(settings).as_ref(), &empty, 1, &Cancel::default(), None).err().unwrap().to_string();
        assert!(problem.contains("no training image"), "{problem}");
    }
    let problem =
        fit_as(learner(LEARNERS[1]).as_ref(), &one_each, 1, &Cancel::default(), None).err().unwrap().to_string();
    assert!(problem.contains("calibration_folds"), "{problem}");
}

#[test]
fn settings_read_back_and_copies_are_learned_from() {
    let written =
        "name = \"a\"\nkind = \"svm\"\naugment = [\"light\"]\naugment_copies = 2\n[svm]\nc = 3.0\ngamma = 0.02";
    let first = learner(written);
    let table = first.settings().unwrap();
    assert_eq!(table["svm"]["gamma"].as_float(), Some(0.02));
    let again = learners::build(table.clone()).unwrap();
    assert_eq!(again.settings().unwrap(), table);
    assert_eq!(learner(LEARNERS[1]).settings().unwrap()["svm"]["gamma"].as_str(), Some("scale"));
    let train = synthetic::generate(100, Seed(10));
    let (with, without) = (fit(again.as_ref(), &train, 1), fit(learner(LEARNERS[1]).as_ref(), &train, 1));
    assert_eq!(with.timing.images, 3 * without.timing.images);
    assert!(first.cost(1000) > learner(LEARNERS[1]).cost(1000));
}
