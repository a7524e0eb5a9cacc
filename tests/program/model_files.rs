//! Exported models and imported nets give the same predictions in other programs.

use std::{
    ffi::OsStr,
    iter,
    path::{Path, PathBuf},
};

use digitstack::{
    boosting::TrainedBooster,
    data::{Images, Probabilities, synthetic},
    device::{ChosenDevice, DeviceChoice, resolve},
    fit::{Cancel, FitContext},
    learners::{Inspect, ModelFormat, ModelNotes},
    nn::{
        Activation, CnnConfig, DenseConfig, Head, InputScale, Loss, NetworkConfig, Normalization, Output as NetOutput,
        Padding, Pool, TrainedNet, TrainingConfig, WeightsFile, train,
    },
    progress::Silent,
    seed::Seed,
};
use serde_json::Value;

use crate::support::{
    configurations::TINY,
    program::{ends, json, text},
    python,
    trained::tiny_run,
};

fn cpu() -> ChosenDevice {
    resolve(&DeviceChoice::Cpu).unwrap()
}

fn ask_python(python: &Path, arguments: &[&Path]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/model_files.py");
    text(&python::run(python, iter::once(OsStr::new(script)).chain(arguments.iter().map(|path| path.as_os_str()))))
}

fn rows(path: &Path) -> Probabilities {
    let numbers: Vec<f32> =
        std::fs::read(path).unwrap().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    numbers.as_chunks::<10>().0.to_vec()
}

/// Checks that rows agree within the tolerance, relative where numbers are above 1.
fn assert_close(found: &[[f32; 10]], expected: &[[f32; 10]], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    let off = pairs
        .map(|(found, expected)| (found - expected).abs() / expected.abs().max(1.0))
        .fold(0.0, |a: f32, b| if b <= a { a } else { b });
    assert!(off <= tolerance, "{what}: off by {off}");
}

/// Net after a few steps, so that no bias is 0.
fn trained(config: &NetworkConfig) -> TrainedNet {
    let (device, cancel) = (cpu(), Cancel::default());
    let context = FitContext::new(&device, 1, &Silent, &cancel).seeded(Seed(4)).labelled("test");
    let loss = if config.output() == NetOutput::Softmax { Loss::CrossEntropy } else { Loss::Mse };
    let training = TrainingConfig { epochs: 2, batch_size: 32, loss, ..TrainingConfig::default() };
    train(config, &training, &synthetic::generate(300, Seed(1)), None, None, &context).unwrap()
}

fn dense(activation: Activation, change: impl FnOnce(&mut DenseConfig)) -> NetworkConfig {
    let mut config = DenseConfig { hidden: vec![24, 16], activation, ..DenseConfig::default() };
    change(&mut config);
    NetworkConfig::Dense(config)
}

fn cnn(activation: Activation, change: impl FnOnce(&mut CnnConfig)) -> NetworkConfig {
    let mut config =
        CnnConfig { filters: 4, hidden: vec![12], activation, extra_activation: Vec::new(), ..CnnConfig::default() };
    change(&mut config);
    NetworkConfig::Cnn(config)
}

/// Changes a CNN to several blocks with batch normalisation and a global pool.
fn deep(cnn: &mut CnnConfig, head: Head, affine: bool) {
    cnn.layout = vec![vec![4, 4], vec![6, 6], vec![8], vec![10]];
    (cnn.head, cnn.normalization, cnn.padding, cnn.hidden) =
        (head, Normalization::Batch { affine }, Padding::Same, Vec::new());
}

/// Every activation, every kind of layer, input and output.
fn architectures() -> Vec<(&'static str, NetworkConfig)> {
    vec![
        ("dense", dense(Activation::Relu, |_| ())),
        ("dense-raw", dense(Activation::Tanh, |dense| dense.output = NetOutput::Raw)),
        ("dense-without-bias", dense(Activation::Elu, |dense| dense.bias = false)),
        ("dense-linear", dense(Activation::Relu, |dense| dense.hidden.clear())),
        ("dense-sigmoid", dense(Activation::Sigmoid, |dense| dense.hidden = vec![20])),
        ("cnn-valid-extra", cnn(Activation::Selu, |cnn| cnn.extra_activation = vec![true, false])),
        ("cnn-same-two", cnn(Activation::Swish, |cnn| (cnn.padding, cnn.convolutions_per_block) = (Padding::Same, 2))),
        ("cnn-valid-two", cnn(Activation::Softplus, |cnn| cnn.convolutions_per_block = 2)),
        ("cnn-average", cnn(Activation::LeakyRelu, |cnn| (cnn.pool, cnn.kernel) = (Pool::Average, 5))),
        (
            "cnn-even-kernel",
            cnn(Activation::Softsign, |cnn| {
                (cnn.pool, cnn.kernel, cnn.extra_activation) = (Pool::Average, 4, vec![true])
            }),
        ),
        ("cnn-swish-extra", cnn(Activation::Swish, |cnn| cnn.extra_activation = vec![true, true])),
        ("cnn-one-block", cnn(Activation::Relu, |cnn| (cnn.blocks, cnn.hidden) = (1, Vec::new()))),
        (
            "dense-sigmoid-outputs",
            dense(Activation::Sigmoid, |dense| {
                (dense.output, dense.input) = (NetOutput::Sigmoid, InputScale::Range([0.01, 1.0]))
            }),
        ),
        ("dense-standardised", dense(Activation::Relu, |dense| dense.input = InputScale::Standardized)),
        (
            "cnn-standardised",
            cnn(Activation::Relu, |cnn| {
                (cnn.input, cnn.blocks, cnn.kernel, cnn.padding) = (InputScale::Standardized, 1, 7, Padding::Same)
            }),
        ),
        (
            "cnn-signed-layout",
            cnn(Activation::Relu, |cnn| (cnn.input, cnn.layout) = (InputScale::Signed, vec![vec![4, 6]])),
        ),
        ("cnn-norm-global-max", cnn(Activation::Relu, |cnn| deep(cnn, Head::GlobalMax, false))),
        ("cnn-norm-global-average", cnn(Activation::Selu, |cnn| deep(cnn, Head::GlobalAverage, true))),
        (
            "cnn-norm-flat",
            cnn(Activation::Tanh, |cnn| {
                (cnn.normalization, cnn.pool) = (Normalization::Batch { affine: true }, Pool::Average)
            }),
        ),
    ]
}

#[test]
fn onnx_runtime_predicts_what_the_net_predicts() {
    let all = architectures();
    for activation in Activation::ALL {
        let has = |config: &NetworkConfig| match config {
            NetworkConfig::Dense(dense) => dense.activation == activation && !dense.hidden.is_empty(),
            NetworkConfig::Cnn(cnn) => cnn.activation == activation,
        };
        assert!(all.iter().any(|(_, config)| has(config)), "{activation:?} is in no net");
    }
    let Some(python) = python::with("onnx, onnxruntime, numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let images = synthetic::generate(1000, Seed(2)).images;
    let pixels = folder.path().join("pixels");
    std::fs::write(&pixels, images.pixels()).unwrap();
    let file = |name: &str| folder.path().join(format!("{name}.onnx"));
    let nets: Vec<TrainedNet> = all.iter().map(|(_, config)| trained(config)).collect();
    let files: Vec<PathBuf> = all.iter().map(|(name, _)| file(name)).collect();
    for (net, file) in nets.iter().zip(&files) {
        std::fs::write(file, net.export(ModelFormat::Onnx, &ModelNotes::default()).unwrap()).unwrap();
    }
    let arguments: Vec<&Path> =
        [Path::new("onnx"), &pixels].into_iter().chain(files.iter().map(PathBuf::as_path)).collect();
    ask_python(&python, &arguments);
    for ((name, _), (net, file)) in all.iter().zip(nets.iter().zip(&files)) {
        let found = |what: &str| rows(&PathBuf::from(format!("{}.{what}", file.display())));
        assert_close(&found("probabilities"), &net.predict_proba(&images).unwrap(), 1e-4, name);
        assert_close(&found("logits"), &net.logits(&images).unwrap(), 1e-4, name);
    }
}

#[test]
fn safetensors_come_back_bit_by_bit_and_are_pytorchs() {
    let folder = tempfile::tempdir().unwrap();
    let images = synthetic::generate(60, Seed(3)).images;
    for (name, config) in architectures() {
        let net = trained(&config);
        let bytes = net.export(ModelFormat::Safetensors, &ModelNotes::default()).unwrap();
        let file = WeightsFile::from_bytes(Path::new(name), bytes.clone()).unwrap();
        assert_eq!(file.architecture(), Some(&config), "{name}");
        let again = file.to_net(&config, &cpu()).unwrap();
        assert!(net.predict_proba(&images).unwrap() == again.predict_proba(&images).unwrap(), "{name}");
        assert!(bytes == again.export(ModelFormat::Safetensors, &ModelNotes::default()).unwrap(), "{name}");
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let Some(python) = python::with("safetensors, numpy") else { return };
    let arrays = ask_python(&python, &[Path::new("safetensors"), &folder.path().join("cnn-average")]);
    let arrays: Value = serde_json::from_str(&arrays).unwrap();
    assert_eq!(arrays["blocks.1.convolutions.0.weight"], serde_json::json!([8, 4, 5, 5]));
    assert_eq!(arrays["hidden.0.weight"], serde_json::json!([12, 8 * 4 * 4]));
    assert_eq!(arrays["output.bias"], serde_json::json!([10]));
}

#[test]
fn pytorchs_state_dict_predicts_what_pytorch_predicts() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nn");
    let recorded: Value = serde_json::from_slice(&std::fs::read(data.join("sequential.json")).unwrap()).unwrap();
    let expected: Probabilities = serde_json::from_value(recorded["probabilities"].clone()).unwrap();
    let images = (0..6).map(|n| std::array::from_fn(|i| ((n + 3) * i * i % 251) as u8));
    let config = cnn(Activation::Selu, |cnn| cnn.extra_activation = vec![true]);
    let net = WeightsFile::read(&data.join("sequential.safetensors")).unwrap().to_net(&config, &cpu()).unwrap();
    assert_close(&net.predict_proba(&Images::from_images(images)).unwrap(), &expected, 1e-5, "sequential");
    let other = cnn(Activation::Selu, |cnn| cnn.filters = 5);
    let error = WeightsFile::read(&data.join("sequential.safetensors"))
        .unwrap()
        .to_net(&other, &cpu())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("sequential.safetensors") && error.contains("0.bias would be blocks.0.convolutions.0.bias"),
        "{error}"
    );
}

#[test]
fn a_nets_json_holds_its_weights() {
    let net = trained(&dense(Activation::Relu, |_| ()));
    let notes = ModelNotes { model: "dense".into(), preparation: "[]".into(), shifts: 1 };
    let json: Value = serde_json::from_slice(&net.export(ModelFormat::Json, &notes).unwrap()).unwrap();
    assert_eq!(
        (&json["notes"]["model"], &json["architecture"]["activation"]),
        (&Value::from("dense"), &Value::from("relu"))
    );
    let images = synthetic::generate(20, Seed(5)).images;
    let logits = |pixels: &[u8; 784]| -> [f32; 10] {
        let mut x: Vec<f64> = pixels.iter().map(|&pixel| f64::from(pixel) / 255.0).collect();
        for layer in ["hidden.0", "hidden.1", "output"] {
            let weight: Vec<Vec<f64>> =
                serde_json::from_value(json["weights"][format!("{layer}.weight")].clone()).unwrap();
            let bias: Vec<f64> = serde_json::from_value(json["weights"][format!("{layer}.bias")].clone()).unwrap();
            let unit =
                |row: &Vec<f64>, bias: &f64| row.iter().zip(&x).map(|(weight, x)| weight * x).sum::<f64>() + bias;
            let sums: Vec<f64> = weight.iter().zip(&bias).map(|(row, bias)| unit(row, bias)).collect();
            x = if layer == "output" { sums } else { sums.iter().map(|sum| sum.max(0.0)).collect() };
        }
        std::array::from_fn(|class| x[class] as f32)
    };
    let found: Probabilities = images.iter().map(logits).collect();
    assert_close(&found, &net.logits(&images).unwrap(), 1e-4, "logits from JSON");
}

#[test]
fn a_runs_booster_goes_to_lightgbm_and_to_json() {
    let run = tiny_run();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let export = |format: &str, file: &Path| {
        json(&["export", run.to_str().unwrap(), "booster/fold-1", "--format", format, "--out", file.to_str().unwrap()])
    };
    let said = export("lightgbm", &at("booster.txt"));
    assert_eq!((&said["model"], &said["format"]), (&Value::from("booster/fold-1"), &Value::from("lightgbm")));
    assert_eq!(said["bytes"].as_u64(), Some(std::fs::metadata(at("booster.txt")).unwrap().len()));
    let images = synthetic::generate(500, Seed(7)).images;
    let expected = TrainedBooster::load(&at("booster.txt")).unwrap().predict_proba(&images);

    export("json", &at("booster.json"));
    let json: Value = serde_json::from_slice(&std::fs::read(at("booster.json")).unwrap()).unwrap();
    assert_eq!(json["trees"].as_array().unwrap().len(), 50);
    let found: Probabilities = images.iter().map(|image| by_json(&json, image)).collect();
    assert_close(&found, &expected, 1e-6, "trees from JSON");

    let Some(python) = python::with("lightgbm, numpy") else { return };
    std::fs::write(at("pixels"), images.pixels()).unwrap();
    ask_python(&python, &[Path::new("lightgbm"), &at("pixels"), &at("booster.txt")]);
    assert_eq!(rows(&at("booster.txt.probabilities")), expected);
}

/// Class probabilities of an image by the trees in JSON, read as `export --help` describes them.
fn by_json(booster: &Value, image: &[u8; 784]) -> [f32; 10] {
    let mut scores = [0.0_f64; 10];
    for tree in booster["trees"].as_array().unwrap() {
        let number = |list: &str, index: i64| tree[list][index as usize].as_f64().unwrap();
        let mut node = if tree["left_child"].as_array().unwrap().is_empty() { -1 } else { 0 };
        while node >= 0 {
            assert_ne!(tree["missing_type"][node as usize], "zero");
            let pixel = f64::from(image[number("split_feature", node) as usize]);
            node = number(if pixel <= number("threshold", node) { "left_child" } else { "right_child" }, node) as i64;
        }
        scores[tree["class"].as_u64().unwrap() as usize] += number("leaf_value", -1 - node);
    }
    let sum: f64 = scores.iter().map(|score| score.exp()).sum();
    scores.map(|score| (score.exp() / sum) as f32)
}

#[test]
fn meta_models_leave_as_json() {
    let run = tiny_run().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("meta.json");
    for (name, full) in [
        ("logistic", "meta/logistic"),
        ("mean", "meta/mean"),
        ("meta/weighted-mean", "meta/weighted-mean"),
        ("tree", "meta/tree"),
    ] {
        let said = json(&["export", run, name, "--format", "json", "--force", "--out", out.to_str().unwrap()]);
        assert_eq!(said["model"], full);
        let meta: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
        assert_eq!(meta["member_names"], serde_json::json!(["dense", "cnn", "booster"]));
        assert_eq!(meta["meta"]["kind"], full.strip_prefix("meta/").unwrap());
        if name == "logistic" {
            let weights: Vec<Vec<f64>> = serde_json::from_value(meta["meta"]["weights"].clone()).unwrap();
            assert!(weights.len() == 10 && weights.iter().all(|row| row.len() == 30));
        }
    }
}

#[test]
fn wrong_exports_are_refused_and_nothing_is_overwritten() {
    let run = tiny_run().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.onnx");
    let file = out.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 8] = [
        (&[run, "cnn", "--format", "onnx"], 2, "choose one of cnn/fold-1, cnn/fold-2"),
        (&[run, "forest", "--format", "onnx"], 2, "dense/fold-1, dense/fold-2, cnn/fold-1"),
        (&[run, "cnn/fold-3", "--format", "onnx"], 2, "cnn/fold-2"),
        (&[run, "booster/fold-1", "--format", "onnx"], 2, "formats of such a model: lightgbm, json"),
        (&[run, "cnn/fold-1", "--format", "lightgbm"], 2, "formats of such a model: safetensors, onnx, json"),
        (&[run, "logistic", "--format", "safetensors"], 2, "formats of such a model: json"),
        (&[run, "cnn/fold-1", "--format", "pickle"], 2, "safetensors, onnx, lightgbm, json"),
        (&["no-such-run", "cnn", "--format", "onnx"], 1, "no-such-run"),
    ];
    for (arguments, code, words) in cases {
        let said = ends(&[&["export"], arguments, &["--out", file]].concat(), code);
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(!out.exists(), "{arguments:?}");
    }
    std::fs::write(&out, "precious").unwrap();
    let said = ends(&["export", run, "cnn/fold-1", "--format", "onnx", "--out", file], 2);
    assert!(said.contains("--force"), "{said}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "precious");
    json(&["export", run, "cnn/fold-1", "--format", "onnx", "--out", file, "--force"]);
    assert!(std::fs::read(&out).unwrap().len() > 1000);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_trained_net_leaves_and_comes_back_with_its_scores() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (trained, weights, alone, configured) = (at("trained"), at("cnn.safetensors"), at("alone"), at("configured"));
    let scores = json(&[&["train", "cnn", "--out", &trained][..], &TINY].concat())["scores"].clone();
    let said = json(&["export", &trained, "cnn", "--format", "safetensors", "--out", &weights]);
    assert_eq!((&said["model"], &said["preparation"]), (&Value::from("cnn"), &serde_json::json!([])));

    // By the architecture in the file, and by the configuration of the training: then the held-out part is the same
    // too.
    let mut import = vec!["import", &weights, "--model", "cnn", "--out", &alone];
    import.extend(&TINY[..4]);
    assert_eq!(json(&import)["scores"]["test"], scores["test"]);
    let config = format!("{trained}/config.toml");
    let imported = json(&["import", &weights, "--config", &config, "--model", "cnn", "--out", &configured]);
    assert_eq!(imported["scores"], scores);
    for (directory, name) in [(&alone, "alone.safetensors"), (&configured, "configured.safetensors")] {
        json(&["export", directory, "cnn", "--format", "safetensors", "--out", &at(name)]);
        assert!(std::fs::read(at(name)).unwrap() == std::fs::read(&weights).unwrap(), "{directory}");
        let metrics: Value =
            serde_json::from_slice(&std::fs::read(format!("{directory}/metrics.json")).unwrap()).unwrap();
        assert_eq!(metrics["models"][0]["name"], "cnn");
    }
    let said = ends(&["import", &weights, "--out", &alone], 2);
    assert!(said.contains("--fresh"), "{said}");
    // The directory has a copy of the weights; damage is found before they are parsed.
    let model = format!("{alone}/models/cnn/hold-out/network.safetensors");
    let mut bytes = std::fs::read(&model).unwrap();
    bytes[900] ^= 1;
    std::fs::write(&model, bytes).unwrap();
    let said = ends(&["export", &alone, "cnn", "--format", "onnx", "--out", &at("x.onnx")], 1);
    assert!(said.contains("network.safetensors changed"), "{said}");
}

#[test]
fn wrong_imports_are_refused_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sequential = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/nn/sequential.safetensors");
    let whole = std::fs::read(sequential).unwrap();
    std::fs::write(at("short"), &whole[..whole.len() - 1]).unwrap();
    std::fs::write(at("text"), "this is no net").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    let huge = std::fs::File::create(at("huge")).unwrap();
    huge.set_len(401_000_000).unwrap();
    let prepared = ModelNotes { model: "x".into(), preparation: r#"[{"step":"deskew"}]"#.into(), shifts: 1 };
    let exported = trained(&dense(Activation::Relu, |_| ())).export(ModelFormat::Safetensors, &prepared).unwrap();
    std::fs::write(at("prepared"), exported).unwrap();
    std::fs::write(
        at("config.toml"),
        "name = \"t\"\n[data]\nsource = \"builtin\"\ntrain = 200\ntest = 100\n\
         [[members]]\nname = \"cnn\"\nkind = \"cnn\"\n[members.network]\nfilters = 4\nhidden = [12]\n\
         [[members]]\nname = \"dense\"\nkind = \"dense\"\n[members.network]\nhidden = [24, 16]\nactivation = \"relu\"\n\
         [[members]]\nname = \"trees\"\nkind = \"booster\"\n",
    )
    .unwrap();
    let (config, out) = (at("config.toml"), at("out"));
    let with = |weights: &str, member: &str| {
        vec!["import".into(), weights.into(), "--config".into(), config.clone(), "--model".into(), member.into()]
    };
    let cases: [(Vec<String>, i32, &str); 12] = [
        (with(&at("short"), "cnn"), 1, "no intact safetensors file"),
        (with(&at("text"), "cnn"), 1, "no intact safetensors file"),
        (with(&at("empty"), "cnn"), 1, "no intact safetensors file"),
        (with(&at("huge"), "cnn"), 1, "expected at most 400000000"),
        (with(&at("absent"), "cnn"), 1, "absent"),
        (with(sequential, "dense"), 1, "it has 2 convolutions, the net has 0"),
        (with(sequential, "trees"), 2, "`trees` is a booster"),
        (with(sequential, "forest"), 2, "available: cnn, dense, trees"),
        (with(&at("prepared"), "dense"), 2, "deskew"),
        (vec!["import".into(), sequential.into()], 2, "--config"),
        (vec!["import".into(), sequential.into(), "--config".into(), config.clone()], 2, "--model"),
        ([with(sequential, "cnn"), vec!["--validation".into(), "1.5".into()]].concat(), 2, "--validation"),
    ];
    for (mut arguments, code, words) in cases {
        arguments.extend(["--out".into(), out.clone()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = ends(&arguments, code);
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(!Path::new(&out).exists(), "{arguments:?}");
    }
    // The same command with a file that fits.
    let good = with(sequential, "cnn");
    let arguments: Vec<&str> = good.iter().map(String::as_str).chain(["--out", &out]).collect();
    assert_eq!(json(&arguments)["kind"], "cnn");
    assert!(Path::new(&out).join("manifest.json").exists());
}
