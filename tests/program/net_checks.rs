//! `digitstack check`: sound nets pass, unsound ones fail and say why.

use std::process::Output;

use serde_json::Value;

use crate::support::program::{on_cpu, text};

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

/// The quickstart with few images and a narrow CNN.
const SMALL: [&str; 4] = ["--set", "data.train=600", "--set", "members.cnn.network.filters=8"];

#[test]
fn the_nets_of_the_quickstart_memorise_a_few_images() {
    let output = on_cpu(&[&["check", "overfit", "--json"], &SMALL[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let result = json(&output);
    let checks = result["checks"].as_array().expect("checks");
    let sizes: Vec<_> = checks
        .iter()
        .map(|check| (check["member"].as_str(), check["images"].as_u64(), check["epochs"].as_u64()))
        .collect();
    let of = |member| [(Some(member), Some(100), Some(50)), (Some(member), Some(10), Some(40))];
    assert_eq!(sizes, [of("dense"), of("cnn")].concat());
    for check in checks {
        assert_eq!((check["passed"].as_bool(), check["accuracy"].as_f64()), (Some(true), Some(1.0)), "{check}");
        assert!(
            check["known_after"].as_u64() < check["epochs"].as_u64() && check["loss"].as_f64() < Some(0.5),
            "{check}"
        );
        assert!(check["hint"].is_null(), "{check}");
    }
    assert_eq!(result["skipped"], serde_json::json!([["booster", "booster"]]));
}

#[test]
fn a_net_that_cannot_learn_fails_with_a_hint() {
    let dense = |set: &[&str]| on_cpu(&[&["check", "overfit", "--member", "dense"], &SMALL[..], set].concat());
    let small = dense(&["--set", "members.dense.training.optimizer.learning_rate=1e-7"]);
    assert_eq!(small.status.code(), Some(1), "{}", text(&small.stderr));
    assert!(text(&small.stderr).contains("2 of 2 checks failed"), "{}", text(&small.stderr));
    let said = text(&small.stdout);
    assert!(said.contains("FAIL") && said.contains("learning rate") && !said.contains("booster"), "{said}");

    let rule = "members.dense.training.optimizer={ kind = \"sgd\", learning_rate = 1e30 }";
    let large = dense(&["--set", rule, "--epochs", "3"]);
    assert_eq!(large.status.code(), Some(1));
    assert!(text(&large.stdout).contains("the loss became NaN or infinite"), "{}", text(&large.stdout));
}

#[test]
fn regularisation_is_left_out_of_the_overfit_test() {
    let against = [
        "members.dense.network.dropout=0.9",
        "members.dense.training.label_smoothing=0.9",
        "members.dense.training.weight_average=0.9999",
        "members.dense.training.optimizer.weight_decay=10.0",
        "members.dense.augment=[\"strong\"]",
    ];
    let set: Vec<&str> = against.iter().flat_map(|set| ["--set", set]).collect();
    let output = on_cpu(&[&["check", "overfit", "--member", "dense"], &SMALL[..], &set].concat());
    assert_eq!(output.status.code(), Some(0), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn every_gradient_is_right() {
    let output = on_cpu(&["check", "gradients", "--json"]);
    let result = json(&output);
    let checks = result["checks"].as_array().expect("checks");
    let wrong: Vec<_> = checks.iter().filter(|check| check["passed"] != true).collect();
    assert!(wrong.is_empty() && output.status.success(), "{wrong:#?}");
    for (operations, least) in [("fused", 60), ("plain", 60)] {
        let count = checks.iter().filter(|check| check["operations"] == operations).count();
        assert!(count >= least, "{count} functions as {operations} operations");
    }
}

#[test]
fn the_nets_of_a_configuration_are_measured_as_they_are() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/mnist-cpu.toml");
    let output = on_cpu(&["check", "gradients", config]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    for word in [
        "dense",
        "cnn",
        "loss cross-entropy, softmax",
        "fused",
        "plain",
        "a booster is not a net",
        "every gradient is right",
    ] {
        assert!(said.contains(word), "{word} is missing from\n{said}");
    }
    let output = on_cpu(&["check", "gradients", config, "--plain-ops", "--json"]);
    assert!(json(&output)["checks"].as_array().expect("checks").iter().all(|check| check["operations"] == "plain"));
}

/// Every shipped family, with narrow layers and on built-in digits. Two sigmoid layers with a squared error, at a
/// learning rate for 59,000 images, need more than the usual number of epochs.
const FAMILIES: [(&str, &[&str]); 7] = [
    ("convnet1", &["members.convnet1.network.filters=8"]),
    ("keras8", &["members.keras8.network.layout=[[8, 16]]"]),
    ("kaggle", &["members.deep.network.layout=[[8, 8], [16, 16], [32], [64]]"]),
    ("deskew-a", &["members.deskew-a.network.hidden=[100]", "members.deskew-a3.network.hidden=[100, 30]"]),
    ("deskew-b", &["members.deskew-b.network.hidden=[100, 100]"]),
    ("deskew-c", &["members.deskew-c.network.hidden=[100]"]),
    ("elastic800", &["members.elastic800.network.hidden=[100]"]),
];

#[test]
fn every_family_memorises_a_few_images_and_has_right_gradients() {
    let shipped =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/configs/families")).expect("a folder").count();
    assert_eq!(shipped, FAMILIES.len(), "a family is not checked");
    for (name, narrow) in FAMILIES {
        let config = format!("{}/configs/families/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let set: Vec<&str> =
            ["data.source=builtin", "data.train=600"].iter().chain(narrow).flat_map(|set| ["--set", set]).collect();
        for check in ["overfit", "gradients"] {
            let longer: &[&str] = if (name, check) == ("deskew-a", "overfit") { &["--epochs", "400"] } else { &[] };
            let output = on_cpu(&[&["check", check, &config][..], &set, longer].concat());
            assert_eq!(
                output.status.code(),
                Some(0),
                "{name}, {check}: {}\n{}",
                text(&output.stdout),
                text(&output.stderr)
            );
        }
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let cases: [(&[&str], &str); 6] = [
        (&["check", "overfit", "--member", "forest"], "available: dense, cnn, booster"),
        (&["check", "overfit", "--member", "booster"], "there is no net among booster (booster)"),
        (&["check", "overfit", "--epochs", "0"], "--epochs"),
        (&["check", "overfit", "no-such-file.toml"], "no-such-file.toml"),
        (&["check", "gradients", "--set", "seed=3"], "name one"),
        (&["check"], "gradients"),
    ];
    for (arguments, words) in cases {
        let output = on_cpu(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
