use super::*;
use crate::{data::Probabilities, seed::Seed, stacking::MetaModel};
use rand::RngExt;

/// Two members that predict the label with noise.
fn noisy(n: usize, scale: FeatureScale, seed: Seed) -> (Metafeatures, Vec<u8>) {
    let mut rng = seed.rng();
    let labels: Vec<u8> = (0..n).map(|_| rng.random_range(0..10)).collect();
    let members: Vec<Probabilities> = (0..2)
        .map(|_| {
            let row = |&label: &u8| {
                let mut logits: [f64; CLASSES] = std::array::from_fn(|_| rng.random_range(0.0..3.0));
                logits[usize::from(label)] += 2.0;
                softmax(logits).map(|value| value as f32)
            };
            labels.iter().map(row).collect()
        })
        .collect();
    (Metafeatures::new(&members, scale).unwrap(), labels)
}

#[test]
fn the_gradient_is_that_of_the_value() {
    let (features, labels) = noisy(1500, FeatureScale::LogProbabilities, Seed(1));
    for penalty in [Penalty::Zero, Penalty::Shared] {
        let classes: Vec<u8> = (0..10).collect();
        let problem = LogLoss::new(scaled(&features), &labels, &classes, 0.01, penalty);
        let mut rng = Seed(2).rng();
        let at: Vec<f64> = (0..problem.parameters()).map(|_| rng.random_range(-0.5..0.5)).collect();
        let gradient = crate::optimize::Objective::evaluate(&problem, &at).1;
        for index in [0, 7, 19, 20, 41, 62, 209] {
            let mut moved = [at.clone(), at.clone()];
            moved[0][index] += 1e-5;
            moved[1][index] -= 1e-5;
            let [up, down] = moved.map(|at| crate::optimize::Objective::evaluate(&problem, &at).0);
            assert!(((up - down) / 2e-5 - gradient[index]).abs() < 1e-8, "parameter {index}");
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let (features, labels) = noisy(5000, FeatureScale::Probabilities, Seed(3));
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| LogisticConfig::default().fit(&features, &labels).unwrap())
    };
    assert_eq!(fit(1), fit(3));
}

#[test]
fn constant_and_duplicate_columns_are_no_trouble() {
    let (features, labels) = noisy(400, FeatureScale::Probabilities, Seed(4));
    let member: Probabilities = (0..400).map(|image| std::array::from_fn(|class| features.row(image)[class])).collect();
    let twice =
        Metafeatures::new(&[member.clone(), member, vec![[0.1; CLASSES]; 400]], FeatureScale::Probabilities).unwrap();
    let fitted = LogisticConfig::default().fit(&twice, &labels).unwrap();
    for digit in 0..10 {
        let weights = fitted.weights(digit).unwrap();
        for class in 0..CLASSES {
            assert!((weights[class] - weights[CLASSES + class]).abs() < 1e-3, "equal members share the weight");
            assert!(weights[2 * CLASSES + class].abs() < 1e-6, "a constant has none");
        }
    }
}

#[test]
fn a_digit_that_never_occurs_gets_no_probability() {
    let (features, labels) = noisy(600, FeatureScale::Probabilities, Seed(5));
    let kept: Vec<usize> = (0..600).filter(|&image| labels[image] != 4).collect();
    let some: Vec<u8> = kept.iter().map(|&image| labels[image]).collect();
    let fitted = LogisticConfig::default().fit(&features.select(&kept), &some).unwrap();
    assert_eq!(fitted.weights(4), None);
    let mut rows = features.rows().map(|row| fitted.distribution(row));
    assert!(rows.all(|row| row[4] == 0.0 && (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
    assert_eq!(fitted.validate(), Ok(()));
}

#[test]
fn features_of_another_kind_are_refused() {
    let (features, labels) = noisy(200, FeatureScale::Probabilities, Seed(6));
    let fitted = MetaModel::Logistic(LogisticConfig::default().fit(&features, &labels).unwrap());
    let (logs, _) = noisy(5, FeatureScale::LogProbabilities, Seed(6));
    assert!(matches!(fitted.predict_proba(&logs), Err(StackingError::OtherScale { .. })));
    let one = Metafeatures::new(&[vec![[0.1; CLASSES]]], FeatureScale::Probabilities).unwrap();
    assert_eq!(fitted.predict_proba(&one), Err(StackingError::OtherMembers { expected: 2, found: 1 }));
}

#[test]
fn impossible_penalties_are_refused() {
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(LogisticConfig { c, ..LogisticConfig::default() }.check().unwrap_err().field, "c");
    }
}

#[test]
fn damaged_models_are_refused() {
    let (features, labels) = noisy(200, FeatureScale::Probabilities, Seed(7));
    let good = LogisticConfig::default().fit(&features, &labels).unwrap();
    assert_eq!(good.validate(), Ok(()));
    let damages: [fn(&mut Logistic); 6] = [
        |model| model.weights[3][0] = f64::NAN,
        |model| model.intercepts[0] = 1e300,
        |model| model.weights[2].truncate(10),
        |model| model.intercepts.truncate(9),
        |model| model.classes[1] = 0,
        |model| model.classes.clear(),
    ];
    for (index, damage) in damages.into_iter().enumerate() {
        let mut model = good.clone();
        damage(&mut model);
        assert!(model.validate().is_err(), "damage {index}");
    }
}

/// Out-of-fold rows of a net that was trained with some learning rate, as single-precision nets leave them: the greater
/// the rate, the more its logits overshoot, up to probabilities of exactly 0 and 1 and columns that hardly vary.
fn overshooting(labels: &[u8], learning_rate: f64, seed: Seed) -> Probabilities {
    let mut rng = seed.rng();
    let favourite: [f64; CLASSES] = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
    let row = |&label: &u8| {
        let mut logits: [f64; CLASSES] = std::array::from_fn(|class| {
            learning_rate * favourite[class] + learning_rate.sqrt() * rng.random_range(-1.0..1.0)
        });
        logits[usize::from(label)] += 2.0 / (1.0 + learning_rate);
        softmax(logits).map(|value| value as f32)
    };
    labels.iter().map(row).collect()
}

#[test]
fn a_member_that_was_trained_with_any_learning_rate_cannot_keep_the_stack_from_its_minimum() {
    for (step, learning_rate) in
        [1e-3, 1e-2, 0.1, 0.5, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 1e4].into_iter().enumerate()
    {
        for scale in [FeatureScale::Probabilities, FeatureScale::LogProbabilities] {
            let (good, labels) = noisy(600, scale, Seed(8).index(step as u64));
            let of_good = |member: usize| -> Probabilities {
                (0..600).map(|image| std::array::from_fn(|class| good.row(image)[10 * member + class])).collect()
            };
            let poor = overshooting(&labels, learning_rate, Seed(9).index(step as u64));
            let features = Metafeatures::new(&[of_good(0), of_good(1), poor], scale).unwrap();
            let right = |model: &Logistic, features: &Metafeatures| {
                let is_right = |(row, &label): (&[f32], &u8)| {
                    let row = model.distribution(row);
                    row.iter().all(|value| value.is_finite() && *value <= row[usize::from(label)])
                };
                features.rows().zip(&labels).filter(|case| is_right(*case)).count()
            };
            for config in [Shrinkage::Shared, Shrinkage::Zero].map(|shrinkage| LogisticConfig { c: 1.0, shrinkage }) {
                let fitted = config.fit(&features, &labels).unwrap();
                let without = config.fit(&good, &labels).unwrap();
                assert_eq!(fitted.validate(), Ok(()));
                assert_eq!(fitted.stronger_c(), None, "{learning_rate} {scale} {config:?}");
                let (fitted, without) = (right(&fitted, &features), right(&without, &good));
                assert!(fitted + 12 >= without, "{learning_rate} {scale}: {fitted} right, {without} without it");
            }
            for config in crate::stacking::MetaConfig::defaults() {
                assert!(config.fit(&features, &labels).is_ok(), "{learning_rate} {scale} {}", config.name());
            }
        }
    }
}

#[test]
fn columns_that_vary_by_next_to_nothing_are_no_trouble() {
    let (features, labels) = noisy(400, FeatureScale::Probabilities, Seed(10));
    let member: Probabilities = (0..400).map(|image| std::array::from_fn(|class| features.row(image)[class])).collect();
    for exponent in 3..20 {
        let tiny = 10.0_f32.powi(-exponent);
        let still: Probabilities = (0..400)
            .map(|image| {
                std::array::from_fn(|class| match class {
                    0 => 1.0 - tiny * (image % 7) as f32,
                    1 => tiny * (image % 7) as f32,
                    _ => 0.0,
                })
            })
            .collect();
        for c in [1e-6, 1.0, 1e6] {
            let features = Metafeatures::new(&[member.clone(), still.clone()], FeatureScale::Probabilities).unwrap();
            let fitted = LogisticConfig { c, ..LogisticConfig::default() }.fit(&features, &labels);
            assert!(fitted.is_ok(), "a spread of {tiny:e} at c = {c:e}: {fitted:?}");
        }
    }
}

#[test]
fn images_that_are_all_equal_leave_the_frequencies_of_the_labels() {
    let labels: Vec<u8> = (0..300).map(|image| if image % 3 == 0 { 4 } else { 7 }).collect();
    for row in [[0.1; CLASSES], std::array::from_fn(|class| if class == 4 { 1.0 } else { 0.0 })] {
        let features = Metafeatures::new(&[vec![row; 300], vec![row; 300]], FeatureScale::Probabilities).unwrap();
        let fitted = LogisticConfig::default().fit(&features, &labels).unwrap();
        let found = fitted.distribution(features.row(0));
        assert!((found[4] - 1.0 / 3.0).abs() < 1e-6 && (found[7] - 2.0 / 3.0).abs() < 1e-6, "{found:?}");
        for config in crate::stacking::MetaConfig::defaults() {
            assert!(config.fit(&features, &labels).is_ok(), "{}", config.name());
        }
    }
}

#[test]
fn members_that_are_left_out_have_no_weight() {
    let (features, labels) = noisy(300, FeatureScale::LogProbabilities, Seed(11));
    let fitted = LogisticConfig::default().fit(&features.without(&[1]).unwrap(), &labels).unwrap();
    for digit in 0..10 {
        let weights = fitted.weights(digit).unwrap();
        assert!(weights[..CLASSES].iter().any(|weight| *weight != 0.0));
        assert!(weights[CLASSES..].iter().all(|weight| *weight == 0.0), "{weights:?}");
    }
}

#[test]
fn weights_are_drawn_towards_one_for_each_member_or_towards_nothing() {
    let (features, labels) = noisy(200, FeatureScale::Probabilities, Seed(12));
    let own = |shrinkage| -> Vec<f64> {
        let fitted = LogisticConfig { c: 0.01, shrinkage }.fit(&features, &labels).unwrap();
        (0..10_u8).map(|digit| fitted.weights(digit).unwrap()[usize::from(digit)]).collect()
    };
    let spread = |weights: &[f64]| {
        let mean = weights.iter().sum::<f64>() / 10.0;
        (mean, weights.iter().map(|weight| (weight - mean).abs()).fold(0.0, f64::max) / mean)
    };
    let ((shared, apart), (zero, _)) = (spread(&own(Shrinkage::Shared)), spread(&own(Shrinkage::Zero)));
    assert!(shared > 2.0 * zero && apart < 0.1, "{shared} {apart} {zero}");
}
