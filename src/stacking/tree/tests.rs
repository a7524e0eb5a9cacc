use super::*;
use crate::{data::Probabilities, seed::Seed, stacking::FeatureScale};
use proptest::prelude::*;
use rand::RngExt;

fn random(n: usize, seed: Seed) -> (Metafeatures, Vec<u8>) {
    let mut rng = seed.rng();
    let rows: Probabilities = (0..n)
        .map(|_| {
            let row: [f32; CLASSES] = std::array::from_fn(|_| rng.random_range(0.01..1.0));
            row.map(|value| value / row.iter().sum::<f32>())
        })
        .collect();
    let labels = (0..n).map(|_| rng.random_range(0..10)).collect();
    (Metafeatures::new(&[rows], FeatureScale::default()).unwrap(), labels)
}

#[test]
fn a_deep_tree_memorises_and_a_stump_does_not() {
    let (features, labels) = random(300, Seed(1));
    let right = |config: TreeConfig| {
        let tree = config.fit(&features, &labels).unwrap();
        features.rows().zip(&labels).filter(|(row, label)| tree.distribution(row)[usize::from(**label)] == 1.0).count()
    };
    assert_eq!(right(TreeConfig { max_depth: 64, min_samples_leaf: 1 }), 300);
    assert!(right(TreeConfig { max_depth: 1, min_samples_leaf: 1 }) < 30);
}

#[test]
fn equal_rows_are_one_leaf() {
    let features = Metafeatures::new(&[vec![[0.1; CLASSES]; 6]], FeatureScale::default()).unwrap();
    let tree = TreeConfig { max_depth: 8, min_samples_leaf: 1 }.fit(&features, &[0, 0, 0, 1, 1, 2]).unwrap();
    assert_eq!(tree.leaves(), 1);
    assert_eq!(tree.distribution(features.row(0))[..3], [0.5, 1.0 / 3.0, 1.0 / 6.0]);
}

#[test]
fn impossible_settings_are_refused() {
    let field = |max_depth, min_samples_leaf| TreeConfig { max_depth, min_samples_leaf }.check().unwrap_err().field;
    assert_eq!(
        (field(0, 1), field(65, 1), field(3, 0)),
        ("max_depth".into(), "max_depth".into(), "min_samples_leaf".into())
    );
}

#[test]
fn damaged_trees_are_refused() {
    let (features, labels) = random(200, Seed(2));
    let good = TreeConfig { max_depth: 4, min_samples_leaf: 5 }.fit(&features, &labels).unwrap();
    assert_eq!(good.validate(), Ok(()));
    let split = |feature, threshold, right| Node::Split { feature, threshold, right };
    let leaf = || Node::Leaf { counts: [1; CLASSES] };
    let tree = |members, nodes| Tree { members, nodes };
    assert_eq!(tree(1, vec![split(0, 0.5, 2), leaf(), leaf()]).validate(), Ok(()));
    let damaged = [
        tree(1, vec![]),
        tree(0, vec![leaf()]),
        tree(usize::MAX, vec![leaf()]),
        tree(1, vec![leaf(), leaf()]),
        tree(1, vec![Node::Leaf { counts: [0; CLASSES] }]),
        tree(1, vec![split(0, 0.5, 0), leaf(), leaf()]),
        tree(1, vec![split(0, 0.5, 1), leaf(), leaf()]),
        tree(1, vec![split(0, 0.5, 3), leaf(), leaf()]),
        tree(1, vec![split(10, 0.5, 2), leaf(), leaf()]),
        tree(1, vec![split(0, f64::NAN, 2), leaf(), leaf()]),
        tree(1, vec![split(0, 0.5, 2), leaf()]),
        tree(1, vec![split(0, 0.5, 4), split(0, 0.2, 3), leaf(), leaf()]),
    ];
    for (index, tree) in damaged.iter().enumerate() {
        assert!(tree.validate().is_err(), "tree {index}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_tree_is_valid_and_keeps_its_limits(
        n in 1_usize..120,
        depth in 1_usize..10,
        least in 1_usize..20,
        seed in any::<u64>(),
    ) {
        let (features, labels) = random(n, Seed(seed));
        let tree = TreeConfig { max_depth: depth, min_samples_leaf: least }.fit(&features, &labels).unwrap();
        prop_assert_eq!(tree.validate(), Ok(()));
        let leaves: Vec<u32> = tree.nodes.iter().filter_map(|node| match node {
            Node::Leaf { counts } => Some(counts.iter().sum()),
            Node::Split { .. } => None,
        }).collect();
        prop_assert_eq!(leaves.iter().sum::<u32>() as usize, n);
        prop_assert!(leaves.len() == 1 || leaves.iter().all(|&images| images as usize >= least));
        prop_assert!(leaves.len() <= 1 << depth);
        for row in features.rows() {
            prop_assert!((tree.distribution(row).iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
