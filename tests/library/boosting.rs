//! Boosters: determinism, errors, early stopping, resuming, damaged models, and the exchange with LightGBM's Python
//! package.

use std::{
    ffi::OsStr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use digitstack::{
    boosting::{
        BoosterConfig, BoosterFit, BoostingError, Dataset, TrainedBooster, throughput, train, train_with_checkpoints,
    },
    data::{Digits, Images, PIXELS, synthetic},
    device::{ChosenDevice, DeviceChoice, resolve},
    fit::{Cancel, FitContext},
    progress::{Progress, Silent, Task},
    seed::Seed,
};
use rand::RngExt;

use crate::support::{python, skip};

/// Noisy blocks at a position that depends on the label: easy to learn, not trivial, with constant pixels at the
/// border.
fn digits(count: usize, seed: u64) -> Digits {
    let mut rng = Seed(seed).derive("boosting-test").rng();
    let labels: Vec<u8> = (0..count).map(|_| rng.random_range(0..10)).collect();
    let images = labels.iter().map(|&label| {
        let mut image = [0_u8; PIXELS];
        let (top, left) = (
            4 + usize::from(label / 5) * 9 + rng.random_range(0..4),
            3 + usize::from(label % 5) * 4 + rng.random_range(0..3),
        );
        for row in top..top + 6 {
            for column in left..left + 5 {
                image[row * 28 + column] = rng.random_range(60..=255);
            }
        }
        for _ in 0..40 {
            image[rng.random_range(28..PIXELS - 28)] = rng.random_range(0..=255);
        }
        image
    });
    let images = Images::from_images(images.collect::<Vec<_>>());
    Digits::new(images, labels)
}

fn small() -> BoosterConfig {
    BoosterConfig { trees: 8, num_leaves: 12, evaluate_every: 1, row_wise: false, ..BoosterConfig::default() }
}

fn dataset(digits: &Digits, config: &BoosterConfig) -> Dataset {
    Dataset::new(digits.images.clone(), &digits.labels, config, 1).unwrap()
}

fn fit_with(
    config: &BoosterConfig,
    training: &Dataset,
    validation: Option<&Dataset>,
    threads: usize,
) -> Result<BoosterFit, BoostingError> {
    let cancel = Cancel::default();
    let device = cpu();
    let context = FitContext::new(&device, threads, &Silent, &cancel).seeded(Seed(5)).labelled("test");
    train(config, training, validation, &context)
}

fn cpu() -> ChosenDevice {
    resolve(&DeviceChoice::Cpu).unwrap()
}

fn accuracy(booster: &TrainedBooster, digits: &Digits) -> f64 {
    let right = booster.predict_proba(&digits.images).into_iter().zip(&digits.labels).filter(|(row, label)| {
        let best = (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        best == usize::from(**label)
    });
    right.count() as f64 / digits.len() as f64
}

#[test]
fn learns_and_reports_what_its_own_predictions_say() {
    let (training, test) = (digits(1200, 1), digits(400, 2));
    let config = BoosterConfig { evaluate_training: true, ..small() };
    let set = dataset(&training, &config);
    let validation = set.aligned(test.images.clone(), &test.labels, 1).unwrap();
    let fit = fit_with(&config, &set, Some(&validation), 1).unwrap();
    assert_eq!((fit.booster.trees(), fit.history.points.len(), fit.history.best_step), (8, 8, Some(8)));
    assert_eq!((fit.timing.step_seconds.len(), fit.timing.images), (8, 8 * 1200));
    let last = fit.history.points[7];
    assert!((last.validation_accuracy.unwrap() - accuracy(&fit.booster, &test)).abs() < 1e-12);
    assert!((last.train_accuracy.unwrap() - accuracy(&fit.booster, &training)).abs() < 1e-12);
    assert!(last.validation_accuracy.unwrap() > 0.85, "{last:?}");
    let loss = fit
        .booster
        .predict_proba(&test.images)
        .into_iter()
        .zip(&test.labels)
        .map(|(row, &label)| -f64::from(row[usize::from(label)]).ln());
    assert!((last.validation_loss.unwrap() - loss.sum::<f64>() / 400.0).abs() < 1e-6);
    assert!(fit.booster.feature_importance().iter().sum::<u32>() > 100);
    // LightGBM drops constant pixels (here the first and last rows): no tree splits on them.
    assert_eq!(fit.booster.feature_importance()[..28], [0; 28]);
}

#[test]
fn the_model_text_does_not_depend_on_the_number_of_threads() {
    let training = digits(3000, 3);
    for config in [
        small(),
        BoosterConfig { max_bin: 255, ..small() },
        BoosterConfig { use_quantized_grad: true, ..small() },
        BoosterConfig { bagging_fraction: 0.6, bagging_freq: 2, feature_fraction: 0.5, ..small() },
    ] {
        let texts: Vec<String> = [1, 2, 3]
            .map(|threads| {
                let set = Dataset::new(training.images.clone(), &training.labels, &config, threads).unwrap();
                fit_with(&config, &set, None, threads).unwrap().booster.model_text().to_owned()
            })
            .into();
        assert!(texts[0] == texts[1] && texts[0] == texts[2], "{config:?}");
    }
}

#[test]
fn the_seed_matters_when_samples_are_drawn_and_only_then() {
    let training = digits(600, 4);
    let text = |config: &BoosterConfig, seed| {
        let cancel = Cancel::default();
        let device = cpu();
        let context = FitContext::new(&device, 1, &Silent, &cancel).seeded(Seed(seed)).labelled("test");
        let text = train(config, &dataset(&training, config), None, &context).unwrap().booster.model_text().to_owned();
        text.split("end of trees").next().unwrap().to_owned()
    };
    assert!(text(&small(), 1) == text(&small(), 2));
    let bagged = BoosterConfig { bagging_fraction: 0.6, bagging_freq: 1, ..small() };
    assert!(text(&bagged, 1) != text(&bagged, 2));
}

#[test]
fn boosters_fitted_concurrently_on_one_dataset_equal_those_fitted_alone() {
    let training = digits(1500, 5);
    let set = dataset(&training, &small());
    let alone: Vec<String> = (0..4)
        .map(|k| {
            fit_with(&BoosterConfig { num_leaves: 8 + k, ..small() }, &set, None, 1)
                .unwrap()
                .booster
                .model_text()
                .to_owned()
        })
        .collect();
    // Odd ones ask for another number of threads, so that the two groups have to take turns.
    let together: Vec<String> = std::thread::scope(|scope| {
        let fits: Vec<_> = (0..4_u32)
            .map(|k| {
                let set = &set;
                scope.spawn(move || {
                    let config = BoosterConfig { num_leaves: 8 + k, ..small() };
                    fit_with(&config, set, None, 1 + k as usize % 2).unwrap().booster.model_text().to_owned()
                })
            })
            .collect();
        fits.into_iter().map(|fit| fit.join().unwrap()).collect()
    });
    assert!(alone == together);
}

#[test]
fn early_stopping_keeps_the_best_round() {
    let (training, validation) = (digits(150, 7), digits(150, 8));
    let config = BoosterConfig {
        trees: 400,
        learning_rate: 0.9,
        min_data_in_leaf: 1,
        early_stopping_rounds: 6,
        evaluate_every: 2,
        ..BoosterConfig::default()
    };
    let set = dataset(&training, &config);
    let aligned = set.aligned(validation.images.clone(), &validation.labels, 1).unwrap();
    let fit = fit_with(&config, &set, Some(&aligned), 1).unwrap();
    let best = fit
        .history
        .points
        .iter()
        .min_by(|a, b| a.validation_loss.unwrap().total_cmp(&b.validation_loss.unwrap()))
        .unwrap();
    let last = fit.history.points.last().unwrap();
    assert_eq!(fit.history.best_step, Some(best.step));
    assert_eq!(fit.booster.trees(), best.step);
    assert!(last.step < 400 && last.step - best.step >= 6, "{} {}", last.step, best.step);
    assert!(matches!(fit_with(&config, &set, None, 1), Err(BoostingError::NoValidation)));
}

/// Cancels the fit after a number of rounds.
struct CancelAfter(u64, std::sync::atomic::AtomicU64, Cancel);
struct CancelTask(Arc<CancelAfter>);
impl Progress for Watch {
    fn task(&self, _: &str, _: u64, _: &str) -> Box<dyn Task> {
        Box::new(CancelTask(Arc::clone(&self.0)))
    }
    fn message(&self, text: &str) {
        self.1.lock().unwrap().push(text.to_owned());
    }
}
impl Task for CancelTask {
    fn advance(&self, items: u64) {
        let done = self.0.1.fetch_add(items, std::sync::atomic::Ordering::Relaxed) + items;
        if done >= self.0.0 {
            self.0.2.cancel();
        }
    }
    fn note(&self, _: &str) {}
}
struct Watch(Arc<CancelAfter>, std::sync::Mutex<Vec<String>>);

fn watch(rounds: u64) -> (Watch, Cancel) {
    let cancel = Cancel::default();
    (Watch(Arc::new(CancelAfter(rounds, Default::default(), cancel.clone())), Default::default()), cancel)
}

/// Fits with a checkpoint after every second round.
fn fit_with_checkpoints(
    config: &BoosterConfig,
    training: &Dataset,
    validation: Option<&Dataset>,
    (progress, cancel): &(Watch, Cancel),
    path: &Path,
) -> Result<BoosterFit, BoostingError> {
    let device = cpu();
    let context = FitContext::new(&device, 1, progress, cancel).seeded(Seed(5)).labelled("test");
    train_with_checkpoints(config, training, validation, &context.checkpointed(Some(path)), 2)
}

#[test]
fn a_fit_interrupted_and_continued_is_the_undisturbed_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fit.checkpoint");
    let (training, validation) = (digits(700, 9), digits(200, 10));
    for config in [small(), BoosterConfig { use_quantized_grad: true, evaluate_training: true, ..small() }] {
        let set = dataset(&training, &config);
        let aligned = set.aligned(validation.images.clone(), &validation.labels, 1).unwrap();
        let whole = fit_with(&config, &set, Some(&aligned), 1).unwrap();
        for rounds in [3, 5] {
            let watched = watch(rounds);
            let stopped = fit_with_checkpoints(&config, &set, Some(&aligned), &watched, &path);
            assert!(
                matches!(stopped, Err(BoostingError::Cancelled { trees }) if u64::from(trees) == rounds),
                "{stopped:?}"
            );
        }
        let watched = watch(u64::MAX);
        let resumed = fit_with_checkpoints(&config, &set, Some(&aligned), &watched, &path).unwrap();
        assert!(resumed.booster.model_text() == whole.booster.model_text());
        assert_eq!(resumed.history, whole.history);
        assert_eq!(watched.0.1.lock().unwrap().len(), 0);
        // The finished fit's last checkpoint belongs to these settings alone: others start over and say so.
        let other = BoosterConfig { num_leaves: 5, ..config.clone() };
        let watched = watch(u64::MAX);
        let over = fit_with_checkpoints(&other, &set, Some(&aligned), &watched, &path).unwrap();
        assert!(over.booster.model_text() == fit_with(&other, &set, Some(&aligned), 1).unwrap().booster.model_text());
        assert!(watched.0.1.lock().unwrap()[0].contains("other settings or images"));
        std::fs::write(&path, b"{}\n").unwrap();
        let watched = watch(u64::MAX);
        fit_with_checkpoints(&other, &set, None, &watched, &path).unwrap();
        assert!(watched.0.1.lock().unwrap()[0].contains("starting over"));
        std::fs::remove_file(&path).unwrap();
    }
}

/// From 10,000 images on, LightGBM would bundle pixels that are rarely set together into one feature, which loses some
/// of their values.
#[test]
fn a_continued_fit_on_many_images_starts_from_the_very_same_scores() {
    let folder = tempfile::tempdir().unwrap();
    let digits = synthetic::generate(12_000, Seed(3));
    for row_wise in [true, false] {
        let config = BoosterConfig {
            trees: 3,
            num_leaves: 12,
            max_bin: 15,
            evaluate_training: true,
            row_wise,
            ..BoosterConfig::default()
        };
        let set = dataset(&digits, &config);
        let whole = fit_with(&config, &set, None, 1).unwrap();
        let path = folder.path().join(format!("{row_wise}.checkpoint"));
        let watched = watch(2);
        assert!(fit_with_checkpoints(&config, &set, None, &watched, &path).is_err());
        let watched = watch(u64::MAX);
        let resumed = fit_with_checkpoints(&config, &set, None, &watched, &path).unwrap();
        assert_eq!(watched.0.1.lock().unwrap().len(), 0);
        assert!(resumed.booster.model_text() == whole.booster.model_text(), "row-wise: {row_wise}");
    }
}

#[test]
fn data_and_settings_that_do_not_fit_are_refused_by_name() {
    let training = digits(50, 11);
    let config = small();
    let words = |result: Result<Dataset, BoostingError>| result.unwrap_err().to_string();
    assert!(
        words(Dataset::new(training.images.clone(), &training.labels[1..], &config, 1))
            .contains("50 images but 49 labels")
    );
    let mut labels = training.labels.clone();
    labels[3] = 10;
    assert!(words(Dataset::new(training.images.clone(), &labels, &config, 1)).contains("label 10 of image 3"));
    assert!(words(Dataset::new(Images::default(), &[], &config, 1)).contains("at least one image"));
    let set = dataset(&training, &config);
    let stranger = dataset(&training, &config);
    assert!(matches!(fit_with(&config, &set, Some(&stranger), 1), Err(BoostingError::Unaligned)));
    let finer = BoosterConfig { max_bin: 100, ..config.clone() };
    assert!(matches!(fit_with(&finer, &set, None, 1), Err(BoostingError::Bins { dataset: 63, config: 100 })));
    assert!(
        fit_with(&BoosterConfig { trees: 0, ..config }, &set, None, 1)
            .unwrap_err()
            .to_string()
            .contains("trees: found 0")
    );
}

#[test]
fn constant_images_give_the_class_frequencies() {
    for count in [1, 30] {
        let labels: Vec<u8> = (0..count).map(|index| (index % 3) as u8).collect();
        let blank = Digits::new(Images::new(vec![9; count * PIXELS]).unwrap(), labels);
        let fit = fit_with(&small(), &dataset(&blank, &small()), None, 1).unwrap();
        let row = fit.booster.predict_one(blank.images.get(0));
        assert!(fit.booster.trees() == 1 && row.iter().all(|p| p.is_finite()));
        assert!((row[0] - if count == 1 { 1.0 } else { 1.0 / 3.0 }).abs() < 1e-3, "{row:?}");
    }
}

#[test]
fn a_saved_and_loaded_booster_predicts_the_same_bits_one_by_one() {
    let training = digits(400, 12);
    let booster = fit_with(&small(), &dataset(&training, &small()), None, 1).unwrap().booster;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.txt");
    booster.save(&path).unwrap();
    let loaded = TrainedBooster::load(&path).unwrap();
    assert_eq!(loaded.model_text(), booster.model_text());
    assert_eq!(loaded.feature_importance(), booster.feature_importance());
    let all = booster.predict_proba(&training.images);
    let one_by_one: Vec<_> = training.images.iter().map(|image| loaded.predict_one(image)).collect();
    assert_eq!(all, one_by_one);
    std::fs::write(&path, &booster.model_text()[..1000]).unwrap();
    assert!(TrainedBooster::load(&path).unwrap_err().to_string().contains("model.txt: not a usable booster: line"));
    assert!(matches!(TrainedBooster::load(&folder.path().join("none")), Err(BoostingError::Io { .. })));
}

/// Thousands of damaged texts: each is an error or a model whose predictions are finite.
#[test]
fn damaged_model_texts_never_crash() {
    let training = digits(200, 13);
    let config = BoosterConfig { trees: 1, num_leaves: 5, ..small() };
    let text = fit_with(&config, &dataset(&training, &config), None, 1).unwrap().booster.model_text().to_owned();
    let trees = text.find("Tree=0").unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let numbers = [
        "-1",
        "0",
        "1",
        "2",
        "9",
        "783",
        "784",
        "32768",
        "-32768",
        "99999999999999999999",
        "1e308",
        "-1e308",
        "nan",
        "inf",
        "-0",
        "",
        "x",
    ];
    let mut rng = Seed(1).derive("damage").rng();
    let start = Instant::now();
    let (mut accepted, mut tried) = (0, 0);
    for round in 0..1500 {
        let mut variants: Vec<Vec<u8>> = Vec::new();
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=round % 3 {
            // The header's two long lists are most of the text; half of the damage goes to the trees after them.
            let low = if round % 2 == 0 { trees } else { 0 };
            let index = rng.random_range(low..bytes.len());
            match rng.random_range(0..3) {
                0 => bytes[index] = rng.random(),
                1 => bytes[index] = b"0123456789 -.=\ne"[rng.random_range(0..16)],
                _ => bytes.insert(index, b"0123456789 -.=\ne"[rng.random_range(0..16)]),
            }
        }
        variants.push(bytes);
        if round % 3 == 0 {
            variants.push(text.as_bytes()[..rng.random_range(0..text.len())].to_vec());
            let (a, b) = (rng.random_range(0..lines.len()), rng.random_range(0..lines.len()));
            variants.push(
                lines.iter().enumerate().filter(|&(index, _)| index != a).flat_map(|(_, line)| line.bytes()).collect(),
            );
            let mut swapped = lines.clone();
            swapped.swap(a, b);
            variants.push(swapped.concat().into_bytes());
            // One number is replaced by another, with `tree_sizes` left alone and corrected, so that the parser reaches
            // the trees.
            let line = rng.random_range(12..lines.len() - 1);
            let mut tokens: Vec<&str> = lines[line].trim_end().split([' ', '=']).collect();
            let token = rng.random_range(0..tokens.len());
            tokens[token] = numbers[rng.random_range(0..numbers.len())];
            let changed = tokens.join(" ").replacen(' ', "=", 1) + "\n";
            let mut damaged: Vec<&str> = lines.clone();
            damaged[line] = &changed;
            let damaged = damaged.concat();
            variants.push(with_true_sizes(&damaged).into_bytes());
            variants.push(damaged.into_bytes());
        }
        for bytes in variants {
            tried += 1;
            if let Ok(booster) = TrainedBooster::from_text(bytes) {
                accepted += 1;
                for image in training.images.iter().take(5) {
                    let row = booster.predict_one(image);
                    assert!(row.iter().all(|p| (0.0..=1.0).contains(p)), "{row:?}");
                }
            }
        }
    }
    assert!(tried > 3500 && accepted > 50 && accepted < tried * 3 / 4, "{accepted} of {tried} accepted");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

/// Model text with `tree_sizes` corrected to the lengths of its trees.
fn with_true_sizes(text: &str) -> String {
    let (Some(sizes), Some(first), Some(end)) =
        (text.find("tree_sizes="), text.find("Tree=0\n"), text.find("end of trees"))
    else {
        return text.to_owned();
    };
    if !(sizes < first && first < end) {
        return text.to_owned();
    }
    let trees = &text[first..end];
    let mut starts: Vec<usize> = trees.match_indices("Tree=").map(|(index, _)| index).collect();
    starts.push(trees.len());
    let list: Vec<String> = starts.windows(2).map(|pair| (pair[1] - pair[0]).to_string()).collect();
    let after = text[sizes..].find('\n').unwrap() + sizes;
    format!("{}tree_sizes={}{}", &text[..sizes], list.join(" "), &text[after..])
}

#[test]
fn each_kind_of_damage_is_named() {
    let training = digits(800, 14);
    let config = BoosterConfig { trees: 1, num_leaves: 4, min_data_in_leaf: 1, reg_alpha: 0.0, ..small() };
    let text = fit_with(&config, &dataset(&training, &config), None, 1).unwrap().booster.model_text().to_owned();
    let swap = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        TrainedBooster::from_text(with_true_sizes(&text.replacen(from, to, 1))).map(|_| ()).unwrap_err().to_string()
    };
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    for (from, to, problem) in [
        ("num_class=10", "num_class=3", "`num_class` is `3`"),
        ("max_feature_idx=783", "max_feature_idx=784", "`max_feature_idx`"),
        ("objective=multiclass", "objective=multiclassova", "`objective`"),
        ("num_leaves=4", "num_leaves=5", "holds 3 numbers"),
        ("num_leaves=4", "num_leaves=0", "1 to 32768"),
        ("num_cat=0", "num_cat=1", "category"),
        ("is_linear=0", "is_linear=1", "linear"),
        (&line("left_child="), "left_child=0 -1 -2", "has the child 0"),
        (&line("left_child="), "left_child=1 2 -9", "has the leaf 8"),
        (&line("left_child="), "left_child=1 1 -1", "child 1"),
        (&line("split_feature="), "split_feature=1 2 784", "an image has pixels"),
        (&line("threshold="), "threshold=1 2 nan", "finite"),
        (&line("leaf_value="), "leaf_value=1 2 3 1e200", "overflow"),
        (&line("decision_type="), "decision_type=2 2 3", "no numerical split"),
        ("Tree=1\n", "Tree=2\n", "`Tree=1` was expected"),
        ("end of trees", "end of tree", "`end of trees`"),
        ("end of parameters", "end", "found `end` among"),
    ] {
        let found = swap(from, to);
        assert!(found.starts_with("line ") && found.contains(problem), "{from} -> {to}: {found}");
    }
    assert!(
        TrainedBooster::from_text(text.replace("tree_sizes=", "tree_sizes=1"))
            .unwrap_err()
            .to_string()
            .contains("bytes long")
    );
    assert!(TrainedBooster::from_text(Vec::new()).is_err());
}

#[test]
fn openmp_threads_that_wait_use_no_cpu() {
    // Set by the constructor in `lightgbm-sys`, before the OpenMP runtime looks.
    if lightgbm_sys::HAS_OPENMP && std::env::var("OMP_WAIT_POLICY").is_ok_and(|policy| policy != "passive") {
        skip("OMP_WAIT_POLICY is set in the environment");
        return;
    }
    assert!(!lightgbm_sys::HAS_OPENMP || std::env::var("OMP_WAIT_POLICY").as_deref() == Ok("passive"));
}

#[test]
fn throughput_counts_what_was_done() {
    let (device, cancel) = (cpu(), Cancel::default());
    let context = FitContext::new(&device, 1, &Silent, &cancel);
    let speeds = throughput(&small(), &digits(300, 15), &digits(100, 16), &context).unwrap();
    assert_eq!((speeds.images, speeds.trees, speeds.threads), (300, 8, 1));
    assert!((speeds.row_trees_per_second - 2400.0 / speeds.training_seconds).abs() < 1.0);
    assert!(matches!(throughput(&small(), &digits(20, 15), &Digits::default(), &context), Err(BoostingError::Empty)));
}

#[test]
fn models_go_to_pythons_lightgbm_and_back_without_a_difference() {
    let Some(python) = python::with("lightgbm, numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let training = digits(800, 17);
    std::fs::write(at("pixels"), training.images.pixels()).unwrap();
    std::fs::write(at("labels"), &training.labels).unwrap();
    // Both bin the same pixels with the same settings, so their trees must be equal.
    let config = BoosterConfig { max_bin: 255, ..small() };
    let ours = fit_with(&config, &dataset(&training, &config), None, 1).unwrap().booster;
    ours.save(&at("ours.txt")).unwrap();
    let script = r#"
import sys, numpy as np, lightgbm as lgb
pixels, labels, ours, ours_predicted, theirs, theirs_predicted = sys.argv[1:]
x = np.fromfile(pixels, np.uint8).reshape(-1, 784).astype(np.float32)
y = np.fromfile(labels, np.uint8)
booster = lgb.Booster(model_file=ours)
booster.predict(x).astype(np.float32).tofile(ours_predicted)
parameters = dict(objective='multiclass', num_class=10, learning_rate=0.1, max_depth=6, num_leaves=12,
                  lambda_l1=0.37, lambda_l2=0.9, max_bin=255, deterministic=True, force_col_wise=True, num_threads=1,
                  verbosity=-1, feature_pre_filter=False, is_enable_sparse=False)
trained = lgb.train(parameters, lgb.Dataset(x, y, params=parameters), 8)
trained.save_model(theirs)
trained.predict(x).astype(np.float32).tofile(theirs_predicted)
"#;
    let paths = ["pixels", "labels", "ours.txt", "ours.predicted", "theirs.txt", "theirs.predicted"].map(at);
    python::run(
        &python,
        [OsStr::new("-c"), OsStr::new(script)].into_iter().chain(paths.iter().map(|path| path.as_os_str())),
    );
    let floats = |name: &str| -> Vec<f32> {
        std::fs::read(at(name)).unwrap().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let ours_here: Vec<f32> = ours.predict_proba(&training.images).into_iter().flatten().collect();
    assert!(ours_here == floats("ours.predicted"));
    let theirs = TrainedBooster::load(&at("theirs.txt")).unwrap();
    let theirs_here: Vec<f32> = theirs.predict_proba(&training.images).into_iter().flatten().collect();
    assert!(theirs_here == floats("theirs.predicted"));
    assert!(ours_here == theirs_here, "the same settings and images give the same trees");
}
