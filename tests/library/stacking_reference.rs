//! Meta-models against those of scikit-learn and SciPy, recorded by `tests/reference/stacking_vectors.py`.

use digitstack::{
    data::Probabilities,
    evaluation::score,
    stacking::{
        FeatureScale, LogisticConfig, MetaConfig, MetaModel, Metafeatures, Shrinkage, Stack, TreeConfig,
        WeightedMeanConfig,
    },
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Members {
    labels: Vec<u8>,
    /// `[members, n, 10]` in units of 1e-4.
    train: Vec<Vec<[i32; 10]>>,
    fresh: Vec<Vec<[i32; 10]>>,
}

impl Members {
    fn load() -> Self {
        serde_json::from_str(include_str!("../data/stacking/members.json")).unwrap()
    }

    fn train(&self, scale: FeatureScale) -> Metafeatures {
        features(&self.train, scale)
    }

    fn fresh(&self, scale: FeatureScale) -> Metafeatures {
        features(&self.fresh, scale)
    }
}

fn features(members: &[Vec<[i32; 10]>], scale: FeatureScale) -> Metafeatures {
    let rows =
        |rows: &Vec<[i32; 10]>| rows.iter().map(|row| row.map(|units| (f64::from(units) * 1e-4) as f32)).collect();
    let members: Vec<Probabilities> = members.iter().map(rows).collect();
    Metafeatures::new(&members, scale).unwrap()
}

#[track_caller]
fn largest_difference(found: &[[f32; 10]], expected: &[[f64; 10]]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let pairs = found.as_flattened().iter().zip(expected.as_flattened());
    pairs.map(|(found, expected)| (f64::from(*found) - expected).abs()).fold(0.0, f64::max)
}

/// Recorded fits of a logistic regression.
#[derive(Deserialize)]
struct LogisticFits {
    fits: Vec<LogisticFit>,
}

#[derive(Deserialize)]
struct LogisticFit {
    scale: FeatureScale,
    c: f64,
    fresh: Vec<[f64; 10]>,
}

impl LogisticFits {
    #[track_caller]
    fn check(text: &str, shrinkage: Shrinkage) {
        let Self { fits } = serde_json::from_str(text).unwrap();
        let members = Members::load();
        assert_eq!(fits.len(), 6);
        for LogisticFit { scale, c, fresh } in fits {
            let config = MetaConfig::Logistic(LogisticConfig { c, shrinkage });
            let model = config.fit(&members.train(scale), &members.labels).unwrap();
            let off = largest_difference(&model.predict_proba(&members.fresh(scale)).unwrap(), &fresh);
            assert!(off < 1e-4, "{scale}, c = {c}: {off}");
        }
    }
}

#[test]
fn logistic_regression_is_that_of_scikit_learn() {
    LogisticFits::check(include_str!("../data/stacking/logistic.json"), Shrinkage::Zero);
}

#[test]
fn shrinkage_towards_shared_weights_has_the_minimum_that_scipy_finds() {
    LogisticFits::check(include_str!("../data/stacking/shared.json"), Shrinkage::Shared);
}

#[test]
fn learned_weights_are_the_minimum_that_scipy_finds() {
    #[derive(Deserialize)]
    struct Recorded {
        weights: Vec<f64>,
        log_loss: f64,
    }
    let recorded: Recorded = serde_json::from_str(include_str!("../data/stacking/weighted_mean.json")).unwrap();
    let members = Members::load();
    let train = members.train(FeatureScale::Probabilities);
    let model = MetaConfig::WeightedMean(WeightedMeanConfig::default()).fit(&train, &members.labels).unwrap();
    let MetaModel::WeightedMean(weighted) = &model else { panic!("found {model:?}") };
    for (found, expected) in weighted.weights().iter().zip(&recorded.weights) {
        assert!((found - expected).abs() < 1e-4, "found {:?}, expected {:?}", weighted.weights(), recorded.weights);
    }
    let loss = score(&model.predict_proba(&train).unwrap(), &members.labels).unwrap().log_loss;
    assert!((loss - recorded.log_loss).abs() < 1e-6, "found {loss}, expected {}", recorded.log_loss);
}

#[test]
fn the_tree_is_that_of_scikit_learn() {
    #[derive(Deserialize)]
    struct Recorded {
        trees: Vec<Grown>,
    }
    #[derive(Deserialize)]
    struct Grown {
        max_depth: usize,
        min_samples_leaf: usize,
        leaves: usize,
        features: Vec<usize>,
        thresholds: Vec<f64>,
        fresh: Vec<[f64; 10]>,
    }
    let recorded: Recorded = serde_json::from_str(include_str!("../data/stacking/tree.json")).unwrap();
    let members = Members::load();
    let (train, fresh) = (members.train(FeatureScale::Probabilities), members.fresh(FeatureScale::Probabilities));
    assert!(recorded.trees.len() >= 3);
    for grown in recorded.trees {
        let config = TreeConfig { max_depth: grown.max_depth, min_samples_leaf: grown.min_samples_leaf };
        let model = MetaConfig::Tree(config).fit(&train, &members.labels).unwrap();
        let MetaModel::Tree(tree) = &model else { panic!("found {model:?}") };
        assert_eq!(tree.leaves(), grown.leaves);
        let splits: Vec<(usize, f64)> = tree.splits().collect();
        let expected: Vec<(usize, f64)> = grown.features.into_iter().zip(grown.thresholds).collect();
        assert_eq!(splits, expected, "depth {}", grown.max_depth);
        assert!(largest_difference(&model.predict_proba(&fresh).unwrap(), &grown.fresh) < 1e-6);
    }
}

#[test]
fn a_saved_stack_predicts_the_same_bits() {
    let members = Members::load();
    let names: Vec<String> = ["dense", "cnn", "booster"].map(str::to_owned).to_vec();
    for scale in [FeatureScale::Probabilities, FeatureScale::LogProbabilities] {
        let (train, fresh) = (members.train(scale), members.fresh(scale));
        for config in MetaConfig::defaults() {
            let stack = Stack::fit(&config, &train, &members.labels, names.clone()).unwrap();
            let loaded: Stack = serde_json::from_str(&serde_json::to_string_pretty(&stack).unwrap()).unwrap();
            assert_eq!(loaded, stack);
            let rows = loaded.predict_proba(&fresh).unwrap();
            assert_eq!(rows, stack.predict_proba(&fresh).unwrap());
            assert!(rows.iter().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5), "{}", config.name());
            assert!(loaded.scale().is_none_or(|wanted| wanted == scale));
        }
    }
}

#[test]
fn a_damaged_file_is_an_error_that_says_what_is_wrong() {
    let members = Members::load();
    let names: Vec<String> = ["dense", "cnn", "booster"].map(str::to_owned).to_vec();
    let train = members.train(FeatureScale::Probabilities);
    let text = |config: &MetaConfig| {
        serde_json::to_string(&Stack::fit(config, &train, &members.labels, names.clone()).unwrap()).unwrap()
    };
    let problem = |text: &str| serde_json::from_str::<Stack>(text).unwrap_err().to_string();

    let logistic = text(&MetaConfig::default());
    for end in (0..logistic.len()).step_by(97) {
        problem(&logistic[..end]);
    }
    assert!(problem(&logistic.replace("stack 1", "stack 2")).contains("stack 2"));
    assert!(problem(&logistic.replace("\"cnn\",", "")).contains("found 2 names for 3 members"));
    assert!(problem(&logistic.replace("cnn", "dense")).contains("`dense` is there twice"));
    assert!(problem(&logistic.replace("\"intercepts\":[", "\"intercepts\":[0.5,")).contains("11 intercepts"));
    assert!(problem(&logistic.replace("\"intercepts\":[", "\"intercepts\":[1e400,")).contains("out of range"));
    assert!(problem(&logistic.replace("\"member_names\"", "\"extra\":1,\"member_names\"")).contains("extra"));

    let mean = text(&MetaConfig::Mean(Default::default()));
    assert!(problem(&mean.replace("\"members\":3", "\"members\":0")).contains("expected at least 1"));
    let weighted = text(&MetaConfig::WeightedMean(WeightedMeanConfig { weights: Some(vec![1.0, 1.0, 2.0]) }));
    assert!(problem(&weighted.replace("[0.25,", "[0.75,")).contains("sum to 1.5"));
    let tree = text(&MetaConfig::Tree(TreeConfig { max_depth: 1, min_samples_leaf: 1 }));
    assert!(problem(&tree.replace("\"right\":2", "\"right\":0")).contains("no split's right branch begins here"));
}
