//! Functions to check: a small net for every kind of layer, and every loss.

use serde::Serialize;

use super::{
    measure::{self, Largest},
    subject,
};
use crate::{
    device::ChosenDevice,
    nn::{
        error::NnError,
        network::{
            activation::Activation,
            config::{CnnConfig, DenseConfig, Head, NetworkConfig, Padding, Pool},
            input::InputScale,
            normalization::Normalization,
            output::Output,
        },
        train::loss::{Loss, Targets},
    },
    seed::Seed,
};

/// Function to check.
pub(super) enum Case {
    /// A net, and what it is there for.
    Network(String, Box<NetworkConfig>),
    /// A loss of such outputs against targets, and what these are called.
    Loss { loss: Loss, output: Output, targets: Targets, against: &'static str },
}

impl Case {
    /// Returns its name in the report.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Network(name, _) => name.clone(),
            Self::Loss { loss, output, against, .. } => {
                format!("loss {}, {} outputs{against}", word(loss), word(output))
            }
        }
    }

    /// The array of it whose gradient is furthest off.
    pub(super) fn largest_error(&self, seed: Seed, device: &ChosenDevice) -> Result<Largest, NnError> {
        let at = |seed: Seed| match self {
            Self::Network(_, config) => subject::network(config, seed, device),
            Self::Loss { loss, output, targets, .. } => Ok(subject::loss(*loss, *output, *targets, seed, device)),
        };
        measure::largest_error(&at, seed)
    }
}

/// Everything that a net can be made of.
pub(super) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    let mut dense =
        |name: String, config: DenseConfig| all.push(Case::Network(name, Box::new(NetworkConfig::Dense(config))));
    for activation in Activation::ALL {
        dense(format!("fully connected, {}", word(&activation)), DenseConfig { activation, ..small_dense() });
    }
    dense("fully connected, without bias".into(), DenseConfig { bias: false, ..small_dense() });
    dense("fully connected, dropout".into(), DenseConfig { dropout: 0.4, ..small_dense() });

    let mut cnn = |name: String, config: CnnConfig| all.push(Case::Network(name, Box::new(NetworkConfig::Cnn(config))));
    for pool in Pool::ALL {
        for activation in Activation::ALL {
            cnn(
                format!("convolution, {} pool, {}", word(&pool), word(&activation)),
                CnnConfig { pool, activation, ..small_cnn() },
            );
        }
        let name = |what: &str| format!("convolution, {} pool, {what}", word(&pool));
        cnn(name("extra activation"), CnnConfig { pool, extra_activation: vec![true], ..small_cnn() });
        cnn(name("2 a block"), CnnConfig { pool, convolutions_per_block: 2, ..small_cnn() });
        // 2 channels, then 18: of the second block a vector and a part of one.
        cnn(name("2 blocks"), CnnConfig { pool, blocks: 2, growth: 9, ..small_cnn() });
        // Odd kernels up to 7 are fused; even and larger ones are always Burn's.
        for (kernel, padding) in KERNELS.into_iter().flat_map(|kernel| Padding::ALL.map(|padding| (kernel, padding))) {
            let config = CnnConfig { pool, kernel, padding, ..small_cnn() };
            // Even kernels have no padding that keeps the size.
            if NetworkConfig::Cnn(config.clone()).check().is_ok() {
                cnn(name(&format!("{kernel}×{kernel} {}", word(&padding))), config);
            }
        }
    }
    cnn("convolution, dropout".into(), CnnConfig { block_dropout: 0.3, dropout: 0.3, ..small_cnn() });
    cnn(
        "convolution, 3 a block, same".into(),
        CnnConfig { convolutions_per_block: 3, padding: Padding::Same, ..small_cnn() },
    );

    for (affine, norm) in [(true, "batch norm"), (false, "batch norm without scale")] {
        let normalization = Normalization::Batch { affine };
        for pool in Pool::ALL {
            let name = format!("convolution, {} pool, {norm}", word(&pool));
            cnn(name, CnnConfig { pool, normalization, convolutions_per_block: 2, ..small_cnn() });
        }
    }
    for head in Head::ALL {
        cnn(format!("convolution, {} head", word(&head)), CnnConfig { head, ..small_cnn() });
        let normalization = Normalization::Batch { affine: true };
        cnn(format!("convolution, {} head, batch norm", word(&head)), CnnConfig { head, normalization, ..small_cnn() });
    }
    cnn("convolution, layout".into(), CnnConfig { layout: vec![vec![2, 3], vec![18]], ..small_cnn() });
    for (name, input) in [("signed", InputScale::Signed), ("standardized", InputScale::Standardized)] {
        all.push(Case::Network(
            format!("{name} input"),
            Box::new(NetworkConfig::Dense(DenseConfig { input, ..small_dense() })),
        ));
    }

    let targets = [
        ("", Targets::ONE_HOT),
        (", smoothed targets", Targets::smoothed(0.1)),
        (", targets 0.01 and 0.99", Targets::between([0.01, 0.99])),
    ];
    for (loss, output) in Loss::ALL.into_iter().flat_map(|loss| Output::ALL.map(|output| (loss, output))) {
        for (against, targets) in targets {
            if loss.check(output, targets).is_ok() {
                all.push(Case::Loss { loss, output, targets, against });
            }
        }
    }
    all
}

/// Sides of kernels.
const KERNELS: [usize; 6] = [1, 2, 3, 5, 7, 9];

fn small_dense() -> DenseConfig {
    DenseConfig { hidden: vec![9, 7], ..DenseConfig::default() }
}

/// Without kinks but for those of the pool.
fn small_cnn() -> CnnConfig {
    CnnConfig {
        filters: 2,
        blocks: 1,
        hidden: vec![5],
        extra_activation: Vec::new(),
        activation: Activation::Tanh,
        ..CnnConfig::default()
    }
}

/// An entry of a list as it is written in a configuration.
fn word(entry: &impl Serialize) -> String {
    serde_json::to_value(entry).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_net_can_be_built_and_every_function_has_a_name_of_its_own() {
        let all = all();
        let mut names: Vec<String> = all.iter().map(Case::name).collect();
        for case in &all {
            if let Case::Network(name, config) = case {
                assert_eq!(config.check(), Ok(()), "{name}");
            }
        }
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for activation in Activation::ALL {
            assert!(names.contains(&format!("fully connected, {}", word(&activation))));
        }
        assert!(names.iter().any(|name| name == "loss mse, raw outputs, smoothed targets"), "{names:?}");
        assert!(names.iter().any(|name| name == "convolution, max pool, 9×9 same"), "{names:?}");
    }
}
