//! The trainer learns, is reproducible, resumes, and loads what it has saved.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use digitstack::{
    data::{Digits, Images, PIXELS},
    device::{ChosenDevice, DeviceChoice, resolve},
    fit::{Cancel, FitContext, OnDivergence},
    nn::{
        Activation, Augment, CnnConfig, DenseConfig, EarlyStopping, Head, InputScale, Loss, Monitor, NetPredictor,
        NetworkConfig, NnError, Normalization, OptimizerConfig, Output, Padding, Schedule, TrainedNet, TrainingConfig,
        train,
    },
    progress::{Progress, Silent, Task},
    seed::Seed,
};
use rand::RngExt;

/// Ten blurred random patterns with noise.
fn digits(count: usize, seed: u64) -> Digits {
    let patterns: Vec<[u8; PIXELS]> = (0..10)
        .map(|class| {
            let mut rng = Seed(99).index(class).rng();
            let coarse: [u8; 49] = std::array::from_fn(|_| if rng.random::<f64>() < 0.4 { 200 } else { 0 });
            std::array::from_fn(|i| coarse[i / 28 / 4 * 7 + i % 28 / 4])
        })
        .collect();
    let mut rng = Seed(seed).rng();
    let labels: Vec<u8> = (0..count).map(|i| (i % 10) as u8).collect();
    let images = Images::from_images(
        labels
            .iter()
            .map(|&label| patterns[usize::from(label)].map(|pixel| pixel.saturating_add(rng.random_range(0..80)))),
    );
    Digits::new(images, labels)
}

fn cpu() -> ChosenDevice {
    resolve(&DeviceChoice::Cpu).unwrap()
}

fn small_cnn() -> NetworkConfig {
    NetworkConfig::Cnn(CnnConfig {
        filters: 4,
        hidden: vec![12],
        dropout: 0.2,
        block_dropout: 0.1,
        ..CnnConfig::default()
    })
}

/// Two blocks, batch normalisation, a global maximum.
fn normalized_cnn(affine: bool) -> NetworkConfig {
    NetworkConfig::Cnn(CnnConfig {
        layout: vec![vec![4, 6], vec![8]],
        padding: Padding::Same,
        activation: Activation::Relu,
        normalization: Normalization::Batch { affine },
        head: Head::GlobalMax,
        hidden: Vec::new(),
        extra_activation: Vec::new(),
        block_dropout: 0.1,
        ..CnnConfig::default()
    })
}

fn adadelta() -> OptimizerConfig {
    OptimizerConfig::Adadelta { learning_rate: 1.4, rho: 0.53, epsilon: 1e-7, weight_decay: 0.0 }
}

fn shift(image: &[u8; PIXELS], seed: Seed) -> [u8; PIXELS] {
    let by = (seed.0 % 3) as usize;
    std::array::from_fn(|i| if i >= by { image[i - by] } else { 0 })
}

struct Setup<'a> {
    network: NetworkConfig,
    training: TrainingConfig,
    train: Digits,
    validation: Option<Digits>,
    augment: Option<&'a dyn Augment>,
    seed: u64,
    workers: usize,
    progress: &'a dyn Progress,
    cancel: Cancel,
    on_divergence: OnDivergence,
}

impl Setup<'_> {
    fn cnn(epochs: u32) -> Self {
        Self {
            network: small_cnn(),
            training: TrainingConfig { epochs, batch_size: 16, optimizer: adadelta(), ..TrainingConfig::default() },
            train: digits(72, 1),
            validation: Some(digits(40, 2)),
            augment: Some(&shift),
            seed: 7,
            workers: 1,
            progress: &Silent,
            cancel: Cancel::default(),
            on_divergence: OnDivergence::Fail,
        }
    }

    fn run(&self, checkpoint: Option<&Path>) -> Result<TrainedNet, NnError> {
        let device = cpu();
        // On the CPU, the thread that trains is not one of those that prepare batches.
        let context = FitContext::new(&device, self.workers + 1, self.progress, &self.cancel);
        let context = context.seeded(Seed(self.seed)).labelled("test").checkpointed(checkpoint);
        let context = context.on_divergence(self.on_divergence);
        train(&self.network, &self.training, &self.train, self.validation.as_ref(), self.augment, &context)
    }
}

/// The saved files of a net: everything that is to be the same bit for bit. Without snapshots its filter history is
/// empty.
fn saved(net: &TrainedNet) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    net.save(folder.path()).unwrap();
    let read = |name: &str| fs::read(folder.path().join(name));
    (
        read("network.safetensors").unwrap(),
        read("network.json").unwrap(),
        read("filters.safetensors").unwrap_or_default(),
    )
}

#[test]
fn memorises_64_images() {
    let sgd = OptimizerConfig::Sgd { learning_rate: 0.1, weight_decay: 0.0 };
    let dense =
        NetworkConfig::Dense(DenseConfig { hidden: vec![30], activation: Activation::Relu, ..DenseConfig::default() });
    let cnn = NetworkConfig::Cnn(CnnConfig { filters: 4, hidden: vec![20], ..CnnConfig::default() });
    let mut normalized = normalized_cnn(true);
    if let NetworkConfig::Cnn(cnn) = &mut normalized {
        cnn.block_dropout = 0.0;
        cnn.head = Head::Flatten;
    }
    for (network, optimizer) in [(dense, sgd), (cnn, adadelta()), (normalized, OptimizerConfig::default())] {
        let mut setup = Setup::cnn(25);
        setup.network = network;
        setup.train = digits(64, 5);
        setup.augment = None;
        setup.training.optimizer = optimizer;
        let net = setup.run(None).unwrap();
        let probabilities = net.predict_proba(&setup.train.images).unwrap();
        for (row, &label) in probabilities.iter().zip(&setup.train.labels) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let best = (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
            assert_eq!(best, usize::from(label), "{:?}", net.config());
        }
        assert_eq!(net.history().points.len(), 25);
        assert!(net.history().points[24].validation_accuracy.unwrap() > 0.9);
        assert_eq!(net.timing().images, 25 * 64);
    }
}

#[test]
fn every_loss_and_rule_learns() {
    let rules = [
        r#"{"kind":"sgd"}"#,
        r#"{"kind":"momentum","learning_rate":0.02}"#,
        r#"{"kind":"rmsprop"}"#,
        r#"{"kind":"adam"}"#,
        r#"{"kind":"adamw"}"#,
        r#"{"kind":"adagrad","learning_rate":0.05}"#,
        r#"{"kind":"adadelta"}"#,
    ];
    for (index, rule) in rules.iter().enumerate() {
        let mut setup = Setup::cnn(8);
        setup.network = NetworkConfig::Dense(DenseConfig {
            hidden: vec![20],
            activation: Activation::Tanh,
            ..DenseConfig::default()
        });
        setup.training.optimizer = serde_json::from_str(rule).unwrap();
        setup.training.loss = Loss::ALL[index % Loss::ALL.len()];
        setup.training.label_smoothing = if index == 0 { 0.1 } else { 0.0 };
        let points = setup.run(None).unwrap().history().points.clone();
        assert!(points[7].validation_loss < points[0].validation_loss, "{rule}: {points:?}");
    }
}

#[test]
fn a_net_without_softmax_learns_and_predicts_probabilities() {
    let mut setup = Setup::cnn(20);
    setup.network =
        NetworkConfig::Dense(DenseConfig { hidden: vec![20], output: Output::Raw, ..DenseConfig::default() });
    setup.training.loss = Loss::Mse;
    setup.training.optimizer = OptimizerConfig::default();
    setup.augment = None;
    let net = setup.run(None).unwrap();
    assert!(net.history().points[19].train_accuracy.unwrap() > 0.9, "{:?}", net.history());
    for row in net.predict_proba(&setup.train.images).unwrap() {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5 && row.iter().all(|&p| p > 0.0));
    }
}

#[test]
fn threads_and_workers_change_no_bit() {
    let run = |normalization: Normalization, threads: usize, workers: usize| {
        let mut setup = Setup::cnn(2);
        // Large enough that the backend splits its work.
        setup.network = NetworkConfig::Cnn(CnnConfig {
            filters: 16,
            hidden: vec![24],
            dropout: 0.2,
            normalization,
            ..CnnConfig::default()
        });
        setup.train = digits(200, 1);
        setup.training.batch_size = 64;
        setup.workers = workers;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        saved(&pool.install(|| setup.run(None)).unwrap())
    };
    for normalization in [Normalization::None, Normalization::Batch { affine: true }] {
        let one = run(normalization, 1, 0);
        assert_eq!(run(normalization, 2, 0), one, "two rayon threads");
        assert_eq!(run(normalization, 1, 2), one, "two workers");
        assert_eq!(run(normalization, 3, 3), one, "three of each");
    }
}

#[test]
fn seeds_matter() {
    let mut setup = Setup::cnn(1);
    let one = saved(&setup.run(None).unwrap());
    setup.seed = 8;
    assert_ne!(saved(&setup.run(None).unwrap()).0, one.0);
}

/// Cancels after a number of images and collects messages.
struct Stop {
    after: u64,
    seen: AtomicU64,
    cancel: Cancel,
    messages: Mutex<Vec<String>>,
}

impl Stop {
    fn after(images: u64, cancel: &Cancel) -> &'static Self {
        Box::leak(Box::new(Self {
            after: images,
            seen: AtomicU64::new(0),
            cancel: cancel.clone(),
            messages: Mutex::default(),
        }))
    }
}

impl Progress for &'static Stop {
    fn task(&self, _name: &str, _total: u64, _unit: &str) -> Box<dyn Task> {
        Box::new(*self)
    }
    fn message(&self, text: &str) {
        self.messages.lock().unwrap().push(text.to_owned());
    }
}

impl Task for &'static Stop {
    fn advance(&self, items: u64) {
        if self.seen.fetch_add(items, Ordering::Relaxed) + items >= self.after {
            self.cancel.cancel();
        }
    }
    fn note(&self, _text: &str) {}
}

#[test]
fn a_resumed_training_is_the_undisturbed_one_bit_for_bit() {
    let rules = [
        adadelta(),
        OptimizerConfig::default(),
        OptimizerConfig::RmsProp { learning_rate: 0.001, alpha: 0.9, epsilon: 1e-7, momentum: 0.5, weight_decay: 0.0 },
        OptimizerConfig::Sgd { learning_rate: 0.05, weight_decay: 1e-4 },
    ];
    let plain = rules.into_iter().map(|optimizer| (optimizer, small_cnn()));
    let normalized = [false, true].map(|affine| (OptimizerConfig::default(), normalized_cnn(affine)));
    for (optimizer, network) in plain.chain(normalized) {
        let setup = |optimizer: &OptimizerConfig| {
            let mut setup = Setup::cnn(5);
            setup.network = network.clone();
            setup.training = TrainingConfig {
                epochs: 5,
                batch_size: 16,
                optimizer: optimizer.clone(),
                schedule: Schedule::OneCycle { warmup: 0.3, initial_divisor: 25.0, final_divisor: 100.0 },
                monitor: Monitor::Accuracy,
                keep_best_epoch: true,
                weight_average: Some(0.9),
                trace: 2,
                filter_snapshots: 7,
                ..TrainingConfig::default()
            };
            if let NetworkConfig::Cnn(cnn) = &mut setup.network {
                cnn.input = InputScale::Standardized;
            }
            setup
        };
        let undisturbed = saved(&setup(&optimizer).run(None).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("checkpoint.safetensors");
        // Cancelled in the third epoch, and again in the fourth.
        for (images, epochs) in [(72 * 2 + 20, 2), (72 * 3 + 20, 3)] {
            let mut stopped = setup(&optimizer);
            let stop = Stop::after(images, &stopped.cancel);
            stopped.progress = &stop;
            match stopped.run(Some(&checkpoint)) {
                Err(NnError::Cancelled { epochs: done, .. }) => assert_eq!(done, epochs),
                other => panic!("expected a cancellation, found {other:?}"),
            }
            assert!(stop.messages.lock().unwrap().is_empty());
        }
        let resumed = setup(&optimizer).run(Some(&checkpoint)).unwrap();
        assert_eq!(resumed.timing().images, 5 * 72, "epochs were repeated");
        assert_eq!(resumed.timing().step_seconds.len(), 5);
        assert_eq!(saved(&resumed), undisturbed, "{optimizer:?}");
        // A finished training returns at once.
        assert_eq!(saved(&setup(&optimizer).run(Some(&checkpoint)).unwrap()), undisturbed);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left");
    }
}

#[test]
fn trace_and_filter_history_cover_the_whole_training() {
    let mut setup = Setup::cnn(3);
    (setup.training.trace, setup.training.filter_snapshots) = (3, 4);
    let net = setup.run(None).unwrap();
    // 72 images are five batches; every epoch ends with a point.
    let iterations: Vec<u64> = net.history().trace.iter().map(|point| point.iteration).collect();
    assert_eq!(iterations, [3, 5, 6, 9, 10, 12, 15]);
    let [first, second] = [net.history().trace[0], net.history().trace[1]];
    let images = [3.0 * 16.0, 16.0 + 8.0];
    let epoch = net.history().points[0];
    let mean = |one: f64, two: f64| (one * images[0] + two * images[1]) / 72.0;
    assert!((mean(first.loss, second.loss) - epoch.train_loss.unwrap()).abs() < 1e-6);
    assert!((mean(first.accuracy, second.accuracy) - epoch.train_accuracy.unwrap()).abs() < 1e-6);
    let snapshots: Vec<u64> = net.filter_history().snapshots.keys().copied().collect();
    assert_eq!(snapshots, [0, 5, 10, 15]);
    assert_eq!(net.filter_history().snapshots[&15], net.first_layer_filters().unwrap());
    assert_ne!(net.filter_history().snapshots[&0], net.filter_history().snapshots[&5]);

    let folder = tempfile::tempdir().unwrap();
    net.save(folder.path()).unwrap();
    assert_eq!(TrainedNet::load(folder.path(), &cpu()).unwrap().filter_history(), net.filter_history());
    fs::write(folder.path().join("filters.safetensors"), [0; 9]).unwrap();
    let error = TrainedNet::load(folder.path(), &cpu()).unwrap_err();
    assert!(error.to_string().contains("filters.safetensors"), "{error}");
}

#[test]
fn a_damaged_or_foreign_checkpoint_is_reported_and_training_starts_over() {
    let expected = saved(&Setup::cnn(1).run(None).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    Setup::cnn(1).run(Some(&path)).unwrap();
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut other = Setup::cnn(1);
    other.seed = 8;
    let foreign = folder.path().join("foreign");
    other.run(Some(&foreign)).unwrap();
    for bytes in [
        good[..good.len() / 2].to_vec(),
        flipped,
        Vec::new(),
        b"rubbish".to_vec(),
        vec![0xff; 100],
        fs::read(foreign).unwrap(),
    ] {
        fs::write(&path, bytes).unwrap();
        let mut setup = Setup::cnn(1);
        let stop = Stop::after(u64::MAX, &setup.cancel);
        setup.progress = &stop;
        assert_eq!(saved(&setup.run(Some(&path)).unwrap()), expected);
        let messages = stop.messages.lock().unwrap();
        assert!(messages.len() == 1 && messages[0].contains("training starts over"), "{messages:?}");
    }
}

#[test]
fn stops_early_and_keeps_the_best_epoch() {
    let mut setup = Setup::cnn(40);
    // The validation labels are wrong, so that the validation loss rises once something is learned.
    let validation = digits(40, 2);
    setup.validation =
        Some(Digits::new(validation.images, validation.labels.iter().map(|label| (label + 1) % 10).collect()));
    setup.training.early_stopping = Some(EarlyStopping { patience: 3, minimum_improvement: 0.0 });
    setup.training.keep_best_epoch = true;
    let net = setup.run(None).unwrap();
    let losses: Vec<f64> = net.history().points.iter().map(|point| point.validation_loss.unwrap()).collect();
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!(losses.len(), best + 1 + 3, "{losses:?}");
    assert_eq!(net.history().best_step, Some(best as u32 + 1));
    // The weights returned are those of that epoch.
    setup.training.epochs = best as u32 + 1;
    setup.training.early_stopping = None;
    setup.training.keep_best_epoch = false;
    assert_eq!(saved(&setup.run(None).unwrap()).0, saved(&net).0);
}

#[test]
fn divergence_and_missing_data_are_errors() {
    let mut setup = Setup::cnn(20);
    setup.training.optimizer = OptimizerConfig::Sgd { learning_rate: 1e30, weight_decay: 0.0 };
    let error = setup.run(None).unwrap_err();
    assert!(matches!(error, NnError::Diverged { epoch: 1, .. }), "{error}");
    assert!(error.to_string().contains("in epoch 1; try a lower learning rate"));
    // A loss that is still finite before a last step that spoils the weights.
    setup.training.batch_size = setup.train.len();
    let error = setup.run(None).unwrap_err();
    assert!(matches!(error, NnError::Diverged { epoch: 1, .. }), "{error}");

    let mut setup = Setup::cnn(1);
    setup.validation = None;
    setup.training.keep_best_epoch = true;
    assert!(setup.run(None).unwrap_err().to_string().contains("keep_best_epoch: needs validation images"));
    setup.training.keep_best_epoch = false;
    assert_eq!(setup.run(None).unwrap().history().points[0].validation_loss, None);
    setup.train = Digits::default();
    assert!(setup.run(None).unwrap_err().to_string().contains("no training images"));
}

#[test]
fn a_diverged_fit_may_end_with_the_weights_of_the_epoch_before() {
    // The first step, the only one of its epoch, has a sound rate, the second one's is 10²⁶ times as large.
    let mut setup = Setup::cnn(12);
    setup.training.keep_best_epoch = false;
    setup.training.early_stopping = None;
    setup.training.trace = 1;
    setup.training.batch_size = setup.train.len();
    setup.training.optimizer = OptimizerConfig::Sgd { learning_rate: 1e30, weight_decay: 0.0 };
    setup.training.schedule = Schedule::OneCycle { warmup: 0.9, initial_divisor: 1e31, final_divisor: 1e31 };
    let error = setup.run(None).unwrap_err();
    let NnError::Diverged { epoch, .. } = error else { panic!("{error}") };
    assert!(epoch > 1, "{epoch}");
    setup.on_divergence = OnDivergence::KeepLastFinite;
    let net = setup.run(None).unwrap();
    assert_eq!(net.history().diverged, Some(epoch));
    assert_eq!(net.history().points.len() as u32, epoch - 1);
    let steps = u64::from(epoch - 1) * setup.train.len().div_ceil(setup.training.batch_size) as u64;
    assert_eq!(net.history().trace.last().map_or(0, |point| point.iteration), steps);
    let rows = net.predict_proba(&setup.train.images).unwrap();
    assert!(rows.iter().flatten().all(|value| value.is_finite()));
    // An interrupted fit ends the same way.
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("checkpoint");
    let first = setup.run(Some(&checkpoint)).unwrap();
    let again = setup.run(Some(&checkpoint)).unwrap();
    assert_eq!(saved(&first).0, saved(&net).0);
    assert_eq!(saved(&again).0, saved(&net).0);
}

#[test]
fn a_saved_net_predicts_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let dense = NetworkConfig::Dense(DenseConfig { bias: false, output: Output::Raw, ..DenseConfig::default() });
    for network in [small_cnn(), normalized_cnn(true), normalized_cnn(false), dense] {
        let mut setup = Setup::cnn(1);
        setup.network = network;
        let net = setup.run(None).unwrap();
        net.save(folder.path()).unwrap();
        let loaded = TrainedNet::load(folder.path(), &cpu()).unwrap();
        assert_eq!(loaded.config(), net.config());
        assert_eq!(loaded.history(), net.history());
        assert_eq!(loaded.logits(&setup.train.images).unwrap(), net.logits(&setup.train.images).unwrap());
        assert_eq!(loaded.first_layer_filters().unwrap(), net.first_layer_filters().unwrap());
        assert_eq!(saved(&loaded), saved(&net));
    }
    assert_eq!(TrainedNet::load(folder.path(), &cpu()).unwrap().first_layer_filters().unwrap().weights[63].len(), 784);
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&TrainedNet::load(folder.path(), &cpu()).unwrap());
}

#[test]
fn weights_are_named_and_laid_out_as_in_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    Setup::cnn(1).run(None).unwrap().save(folder.path()).unwrap();
    let bytes = fs::read(folder.path().join("network.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut found: Vec<_> = file.iter().map(|(name, view)| format!("{name} {:?}", view.shape())).collect();
    found.sort();
    let expected = [
        "blocks.0.convolutions.0.bias [4]",
        "blocks.0.convolutions.0.weight [4, 1, 3, 3]",
        "blocks.1.convolutions.0.bias [8]",
        "blocks.1.convolutions.0.weight [8, 4, 3, 3]",
        "hidden.0.bias [12]",
        "hidden.0.weight [12, 200]",
        "output.bias [10]",
        "output.weight [10, 12]",
    ];
    assert_eq!(found, expected);
}

#[test]
fn running_statistics_are_named_as_in_pytorch_and_follow_the_batches() {
    for affine in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut setup = Setup::cnn(2);
        setup.network = normalized_cnn(affine);
        let net = setup.run(None).unwrap();
        net.save(folder.path()).unwrap();
        let bytes = fs::read(folder.path().join("network.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut found: Vec<_> =
            file.names().into_iter().filter(|name| name.starts_with("blocks.0.convolutions.1")).collect();
        found.sort_unstable();
        let all = ["norm.bias", "norm.running_mean", "norm.running_var", "norm.weight", "weight"];
        let expected: Vec<_> = all
            .iter()
            .filter(|name| affine || !["norm.bias", "norm.weight"].contains(name))
            .map(|name| format!("blocks.0.convolutions.1.{name}"))
            .collect();
        assert_eq!(found, expected);
        let variance = file.tensor("blocks.0.convolutions.1.norm.running_var").unwrap();
        let variance: Vec<f32> =
            variance.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        assert!(variance.iter().all(|&value| value > 0.0 && value != 1.0), "{variance:?}");
        // Single images pass through the same convolutions.
        let mut predictor = NetPredictor::new(&net).unwrap();
        let expected = net.predict_proba(&setup.train.images).unwrap();
        for (image, expected) in setup.train.images.iter().zip(expected) {
            let found = predictor.predict_one(image);
            assert!(
                found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5),
                "{found:?} {expected:?}"
            );
        }
    }
}

#[test]
fn a_checkpoint_that_does_not_fit_leaves_no_statistics_behind() {
    let setup = || {
        let mut setup = Setup::cnn(1);
        setup.network = normalized_cnn(true);
        setup
    };
    let expected = saved(&setup().run(None).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut other = setup();
    other.seed = 8;
    other.run(Some(&path)).unwrap();
    assert_eq!(saved(&setup().run(Some(&path)).unwrap()), expected);
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, description) = (folder.path().join("network.safetensors"), folder.path().join("network.json"));
    let refused = || TrainedNet::load(folder.path(), &cpu()).unwrap_err().to_string();
    assert!(refused().contains("network.json"));
    Setup::cnn(1).run(None).unwrap().save(folder.path()).unwrap();
    let (good, text) = (fs::read(&weights).unwrap(), fs::read_to_string(&description).unwrap());

    for cut in [0, 7, 100, good.len() - 1] {
        fs::write(&weights, &good[..cut]).unwrap();
        assert!(refused().contains("SHA-256"));
    }
    // The right hash over the wrong weights: names and shapes are checked as well.
    let hex = |bytes: &[u8]| digitstack::storage::Sha256Digest::of(bytes).to_string();
    for (from, to, says) in [
        ("hidden.0", "hidden.1", "lacks hidden.0"),
        ("[4,1,3,3]", "[4,1,9,1]", "the net needs [4, 1, 3, 3]"),
        ("\"F32\"", "\"I32\"", "I32"),
    ] {
        let mut bytes = good.clone();
        let places: Vec<usize> =
            (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        fs::write(&weights, &bytes).unwrap();
        fs::write(&description, text.replace(&hex(&good), &hex(&bytes))).unwrap();
        assert!(refused().contains(says), "{}", refused());
    }
    fs::write(&weights, &good).unwrap();
    for (from, to, says) in [
        ("digitstack network 1", "digitstack network 9", "format"),
        ("\"filters\": 4", "\"filters\": 0", "filters"),
        ("\"filters\": 4", "\"filters\": 8", "the net needs"),
        ("\"blocks\": 2", "\"blocks\": 2000000000", "blocks"),
        ("\"kind\": \"cnn\"", "\"kind\": \"rnn\"", "rnn"),
    ] {
        assert!(text.contains(from));
        fs::write(&description, text.replace(from, to)).unwrap();
        assert!(refused().contains(says), "{}", refused());
    }
}
