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
