//! Scores against those of scikit-learn and SciPy, recorded by `tests/reference/evaluation_vectors.py`.

use digitstack::evaluation::{Proportion, compare, score};
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    cases: Vec<Case>,
    /// Successes, trials, low, high.
    wilson: Vec<(usize, usize, f64, f64)>,
    /// Images that only the first model and only the second model get right, exact p, mid-p.
    mcnemar: Vec<(usize, usize, f64, f64)>,
}

#[derive(Deserialize)]
struct Case {
    labels: Vec<u8>,
    /// In units of 1e-4.
    probabilities: Vec<[i32; 10]>,
    accuracy: [f64; 3],
    log_loss: f64,
    confusion: [[usize; 10]; 10],
    precision: [f64; 10],
    recall: [f64; 10],
    reliability: Vec<Bin>,
    ece: f64,
}

#[derive(Deserialize)]
struct Bin {
    count: usize,
    confidence: f64,
    accuracy: f64,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../data/evaluation/scores.json")).unwrap()
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
}

#[test]
fn scores_are_those_of_scikit_learn() {
    for case in recorded().cases {
        let rows: Vec<[f32; 10]> =
            case.probabilities.iter().map(|row| row.map(|units| (f64::from(units) * 1e-4) as f32)).collect();
        let scores = score(&rows, &case.labels).unwrap();
        assert_eq!(scores.confusion, case.confusion);
        let Proportion { value, low, high } = scores.accuracy;
        for (found, expected) in [value, low, high].into_iter().zip(case.accuracy) {
            near(found, expected, 1e-12);
        }
        near(scores.log_loss, case.log_loss, 1e-6);
        for (class, found) in scores.classes.iter().enumerate() {
            near(found.precision, case.precision[class], 1e-12);
            near(found.recall, case.recall[class], 1e-12);
        }
        near(scores.expected_calibration_error, case.ece, 1e-6);
        assert_eq!(scores.reliability.len(), case.reliability.len());
        for (found, expected) in scores.reliability.iter().zip(case.reliability) {
            assert_eq!(found.count, expected.count);
            near(found.confidence, expected.confidence, 1e-6);
            near(found.accuracy, expected.accuracy, 1e-12);
        }
    }
}

#[test]
fn wilson_intervals_are_those_of_scipy() {
    for (successes, trials, low, high) in recorded().wilson {
        let found = Proportion::wilson(successes, trials);
        near(found.low, low, 1e-12);
        near(found.high, high, 1e-12);
    }
}

#[test]
fn mcnemar_is_a_binomial_test() {
    let row = |class: usize| std::array::from_fn(|index| if index == class { 1.0 } else { 0.0 });
    for (only_first, only_second, exact, middle) in recorded().mcnemar {
        let n = only_first + only_second + 5;
        let first: Vec<[f32; 10]> =
            (0..n).map(|image| row(usize::from((only_first..only_first + only_second).contains(&image)))).collect();
        let second: Vec<[f32; 10]> = (0..n).map(|image| row(usize::from(image < only_first))).collect();
        let found = compare(&first, &second, &vec![0; n]).unwrap();
        assert_eq!((found.only_first, found.only_second), (only_first, only_second));
        near(found.exact_p, exact, exact * 1e-9);
        near(found.mid_p, middle, middle * 1e-9);
    }
}
