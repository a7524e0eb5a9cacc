//! Configurations of trainings that take about a second.

/// Overrides that make the quickstart tiny.
pub const TINY: [&str; 10] = [
    "--set",
    "data.train=600",
    "--set",
    "data.test=200",
    "--set",
    "members.cnn.training.epochs=1",
    "--set",
    "members.dense.training.epochs=2",
    "--set",
    "members.booster.booster.trees=5",
];

/// A configuration of two tiny members in two folds, with one meta-model and one figure that others report.
pub const TINY_CONFIG: &str = r#"name = "tiny"

[data]
train = 600
test = 200

[single]
validation = 0.2

[stacking]
folds = 2
[[stacking.meta]]
kind = "mean"

[[members]]
name = "dense"
kind = "dense"
[members.network]
hidden = [16]
[members.training]
epochs = 2

[[members]]
name = "booster"
kind = "booster"
[members.booster]
trees = 3

[[reported]]
model = "dense"
system = "somebody <else>"
accuracy = 0.9711
protocol = "their own split"
"#;
