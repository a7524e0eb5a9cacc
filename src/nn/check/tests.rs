//! Right gradients pass, wrong ones fail.
#![allow(clippy::unwrap_used)]

use super::{
    cases::Case,
    gradients::{check, check_member_gradients},
    measure::{self, GRADIENT_TOLERANCE, Largest, Subject},
    subject,
};
use crate::{
    device::{ChosenDevice, DeviceChoice, resolve},
    nn::{
        error::NnError,
        network::{
            activation::Activation,
            config::{CnnConfig, DenseConfig, NetworkConfig},
            output::Output,
        },
        train::{
            config::TrainingConfig,
            loss::{Loss, Targets},
        },
    },
    progress::Silent,
    seed::Seed,
};

fn cpu() -> ChosenDevice {
    resolve(&DeviceChoice::Cpu).unwrap()
}

/// What is found of the net's function with `spoil` applied to its gradients by array.
fn largest_error(
    config: &NetworkConfig,
    seed: Seed,
    device: &ChosenDevice,
    spoil: impl Fn(&mut [Vec<f32>]),
) -> Largest {
    let at = |seed: Seed| -> Result<Subject<'_>, NnError> {
        let Subject { arrays, outputs, gradient } = subject::network(config, seed, device)?;
        let spoil = &spoil;
        let gradient = move |coefficients: &[f32]| {
            let mut gradients = gradient(coefficients)?;
            spoil(&mut gradients);
            Ok(gradients)
        };
        Ok(Subject { arrays, outputs, gradient: Box::new(gradient) })
    };
    measure::largest_error(&at, seed).unwrap()
}

fn nets() -> [NetworkConfig; 2] {
    let cnn =
        CnnConfig { filters: 2, blocks: 1, hidden: vec![5], activation: Activation::Relu, ..CnnConfig::default() };
    let dense = DenseConfig { hidden: vec![9, 7], activation: Activation::Relu, ..DenseConfig::default() };
    [NetworkConfig::Dense(dense), NetworkConfig::Cnn(CnnConfig { extra_activation: Vec::new(), ..cnn })]
}

#[test]
fn a_gradient_that_is_wrong_by_a_hundredth_fails_in_every_array_on_every_seed() {
    let device = cpu();
    for config in nets() {
        for seed in (1..=20).map(Seed) {
            let right = largest_error(&config, seed, &device, |_| ());
            assert!(right.error < GRADIENT_TOLERANCE, "{config:?} {seed:?}: {right:?}");
            let names: Vec<String> =
                subject::network(&config, seed, &device).unwrap().arrays.into_iter().map(|(name, _)| name).collect();
            let index = seed.0 as usize % names.len();
            let factor = if seed.0 < 10 { 0.99 } else { 1.01 };
            let wrong = largest_error(&config, seed, &device, |gradients| {
                gradients[index].iter_mut().for_each(|value| *value *= factor)
            });
            assert!(
                wrong.error > GRADIENT_TOLERANCE && wrong.array == names[index],
                "{config:?} {seed:?} {factor}: {wrong:?}"
            );
        }
    }
}

#[test]
fn a_gradient_of_the_right_size_in_the_wrong_place_fails() {
    let device = cpu();
    for config in nets() {
        let wrong: [fn(&mut [Vec<f32>]); 4] = [
            // Two neighbours are exchanged, signs are turned, a tenth is lost, all are shifted by one.
            |gradients| gradients[0].as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse()),
            |gradients| gradients[0].iter_mut().for_each(|value| *value = -*value),
            |gradients| gradients[0].iter_mut().step_by(10).for_each(|value| *value = 0.0),
            |gradients| gradients[0].rotate_right(1),
        ];
        for spoil in wrong {
            let found = largest_error(&config, Seed(5), &device, spoil);
            assert!(found.error > 10.0 * GRADIENT_TOLERANCE, "{config:?}: {found:?}");
        }
        let nan = |gradients: &mut [Vec<f32>]| gradients[1][0] = f32::NAN;
        assert_eq!(largest_error(&config, Seed(5), &device, nan).error, f64::INFINITY);
        // None at all: as if a layer had been cut off.
        let none = |gradients: &mut [Vec<f32>]| gradients[1].fill(0.0);
        assert!(largest_error(&config, Seed(5), &device, none).error > 0.5);
    }
}

#[test]
fn both_kinds_of_operations_are_measured() {
    let cases = [
        Case::Network("net".into(), Box::new(nets()[1].clone())),
        Case::Loss { loss: Loss::CrossEntropy, output: Output::Softmax, targets: Targets::ONE_HOT, against: "" },
    ];
    let found = check(&cases, Seed(1), &cpu(), &Silent).unwrap();
    let operations: Vec<_> = found.iter().map(|check| (check.what.as_str(), check.operations)).collect();
    let loss = "loss cross-entropy, softmax outputs";
    assert_eq!(operations, [("net", "fused"), ("net", "plain"), (loss, "fused"), (loss, "plain")]);
    assert!(found.iter().all(|check| check.passed), "{found:?}");
    assert_ne!(found[0].error, found[1].error, "they round differently, so that both were computed");
}

#[test]
fn nets_of_any_size_are_measured_with_every_setting_but_their_width() {
    let large = CnnConfig {
        filters: 64,
        growth: 4,
        hidden: vec![300, 0, 20],
        convolutions_per_block: 2,
        ..CnnConfig::default()
    };
    let small = CnnConfig { filters: 4, growth: 2, hidden: vec![16, 0, 16], ..large.clone() };
    assert_eq!(NetworkConfig::Cnn(large.clone()).shrunk(), NetworkConfig::Cnn(small));
    let found = check_member_gradients(
        "cnn",
        &NetworkConfig::Cnn(large),
        &TrainingConfig { loss: Loss::Mse, ..TrainingConfig::default() },
        Seed(1),
        &cpu(),
        &Silent,
    )
    .unwrap();
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|check| check.passed), "{found:?}");
}
