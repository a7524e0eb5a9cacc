use proptest::prelude::*;
use safetensors::serialize;

use super::{matching::match_names, *};
use crate::{
    data::Images,
    device::{DeviceChoice, resolve},
    nn::network::{
        activation::Activation,
        config::{CnnConfig, DenseConfig, Padding},
    },
};

fn shapes(list: &[(&str, &[usize])]) -> Shapes {
    list.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()
}

/// 784 → 20 → 20 → 10.
fn needed() -> Shapes {
    shapes(&[
        ("hidden.0.weight", &[20, 784]),
        ("hidden.0.bias", &[20]),
        ("hidden.1.weight", &[20, 20]),
        ("hidden.1.bias", &[20]),
        ("output.weight", &[10, 20]),
        ("output.bias", &[10]),
    ])
}

/// A file with these three modules.
fn file(names: [&str; 3]) -> Shapes {
    renamed(&needed(), [("hidden.0", names[0]), ("hidden.1", names[1]), ("output", names[2])])
}

fn renamed<const N: usize>(shapes: &Shapes, names: [(&str, &str); N]) -> Shapes {
    let rename = |name: &String| match names.iter().find(|(from, _)| name.starts_with(&format!("{from}."))) {
        Some((from, to)) => name.replacen(from, to, 1),
        None => name.clone(),
    };
    shapes.iter().map(|(name, shape)| (rename(name), shape.clone())).collect()
}

fn taken(names: [&str; 3]) -> Result<[String; 3], String> {
    let matched = match_names(&needed(), &file(names))?;
    assert_eq!(matched.len(), 6);
    Ok(["hidden.0.weight", "hidden.1.weight", "output.weight"].map(|name| matched[name].clone()))
}

#[test]
fn names_are_matched_by_number_or_by_shape_and_never_by_luck() {
    let expect = |names: [&str; 3]| assert_eq!(taken(names), Ok(names.map(|name| format!("{name}.weight"))));
    expect(["hidden.0", "hidden.1", "output"]);
    expect(["0", "2", "4"]);
    expect(["2", "9", "10"]);
    expect(["net.1.linear", "net.3.linear", "net.12.linear"]);
    expect(["fc1", "fc2", "out"]);
    expect(["classifier.0", "classifier.3", "head"]);
    // The order of the numbers does not fit the shapes.
    let error = taken(["4", "2", "0"]).unwrap_err();
    assert!(
        error.contains("0.bias would be hidden.0.bias, but is [10]; the net needs [20]")
            && error.contains("4.weight [20, 784]"),
        "{error}"
    );
    // Two layers of one shape, with names that say nothing.
    let two = |first: &str, second: &str| {
        let needed = shapes(&[
            ("hidden.0.weight", &[784, 784]),
            ("hidden.1.weight", &[784, 784]),
            ("output.weight", &[10, 784]),
        ]);
        match_names(&needed, &renamed(&needed, [("hidden.0", first), ("hidden.1", second), ("output", "out")]))
    };
    assert!(two("fc1", "fc2").is_ok());
    let error = two("first", "second").unwrap_err();
    assert!(error.contains("first and second have the same shape [784, 784]"), "{error}");
    assert!(two("fc1", "fc01").unwrap_err().contains("have the same shape"));
}

/// Something done to a file.
type Change = fn(&mut Shapes);

#[test]
fn what_is_missing_left_over_or_misshapen_is_named() {
    let problem = |change: Change| {
        let mut found = file(["0", "2", "4"]);
        change(&mut found);
        match_names(&needed(), &found).unwrap_err()
    };
    let cases: [(Change, &str); 8] = [
        (|found| drop(found.remove("4.bias")), "4 would be output, but has weight; the net needs bias and weight"),
        (|found| drop(found.remove("4.weight")), "it has 2 fully connected layers, the net has 3"),
        (|found| drop(found.insert("5.weight".into(), vec![10, 10])), "it has 4 fully connected layers, the net has 3"),
        (|found| drop(found.insert("5.weight".into(), vec![8, 1, 3, 3])), "it has 1 convolutions, the net has 0"),
        (|found| drop(found.insert("1.weight".into(), vec![20])), "it has 1 norms, the net has 0"),
        (|found| drop(found.insert("1.scale".into(), vec![20])), "1 is no layer of a net"),
        (|found| drop(found.insert("scale".into(), vec![20])), "scale has no module in its name"),
        (
            |found| drop(found.insert("0.weight".into(), vec![784, 20])),
            "0.weight would be hidden.0.weight, but is [784, 20]",
        ),
    ];
    for (change, words) in cases {
        let error = problem(change);
        assert!(error.contains(words) && error.contains("It holds 0.bias [20]"), "{error}");
    }
    assert!(match_names(&needed(), &Shapes::new()).unwrap_err().contains("It holds nothing"));
    let mut wrong = needed();
    wrong.insert("output.bias".into(), vec![9]);
    assert!(match_names(&needed(), &wrong).unwrap_err().contains("output.bias is [9], the net needs [10]"));
}

#[test]
fn norms_are_told_by_their_weight_or_without_one_by_their_mean() {
    for affine in [true, false] {
        let config = NetworkConfig::Cnn(CnnConfig {
            layout: vec![vec![3, 3], vec![4]],
            normalization: crate::nn::Normalization::Batch { affine },
            hidden: Vec::new(),
            ..CnnConfig::default()
        });
        let arrays = weights(&net(&config));
        let needed: Shapes = arrays.iter().map(|(name, array)| (name.clone(), array.shape.clone())).collect();
        // As nn.Sequential numbers them: convolution, norm, activation, …
        let mut count = 0;
        let mut names = BTreeMap::new();
        for name in needed.keys() {
            let (module, _) = name.rsplit_once('.').unwrap();
            names.entry(module.to_owned()).or_insert(0);
        }
        let order = |name: &str| {
            let numbers: Vec<u32> = name.split('.').filter_map(|part| part.parse().ok()).collect();
            (name.starts_with("output"), numbers, name.contains("norm"))
        };
        let mut modules: Vec<String> = names.keys().cloned().collect();
        modules.sort_by_key(|name| order(name));
        for module in modules {
            names.insert(module, count);
            count += 2;
        }
        let renamed = |name: &str| {
            let (module, array) = name.rsplit_once('.').unwrap();
            format!("{}.{array}", names[module])
        };
        let found: Shapes = needed.iter().map(|(name, shape)| (renamed(name), shape.clone())).collect();
        let matched = match_names(&needed, &found).unwrap();
        assert!(matched.iter().all(|(need, find)| *find == renamed(need)), "{matched:?}");
        assert_eq!(found.keys().any(|name| name == "2.weight"), affine, "{found:?}");
        let error = match_names(
            &needed,
            &found.iter().filter(|(name, _)| !name.starts_with("2.")).map(|(a, b)| (a.clone(), b.clone())).collect(),
        );
        assert!(error.unwrap_err().contains("it has 2 norms, the net has 3"));
    }
}

fn cnn() -> NetworkConfig {
    NetworkConfig::Cnn(CnnConfig { filters: 3, hidden: vec![7], padding: Padding::Same, ..CnnConfig::default() })
}

fn net(config: &NetworkConfig) -> TrainedNet {
    let device = resolve(&DeviceChoice::Cpu).unwrap();
    let network = Network::new(config, Seed(3), device.device()).unwrap();
    TrainedNet::new(network, config.clone(), History::default(), FitTiming::default(), &device)
}

fn import(bytes: &[u8], config: &NetworkConfig) -> Result<TrainedNet, NnError> {
    WeightsFile::from_bytes(Path::new("w.safetensors"), bytes.to_vec())?
        .to_net(config, &resolve(&DeviceChoice::Cpu).unwrap())
}

fn weights(net: &TrainedNet) -> BTreeMap<String, Array> {
    Weights::of(net.network()).unwrap().0
}

#[test]
fn what_is_exported_comes_back_bit_by_bit() {
    let notes = crate::nn::Notes::from([("preparation", "[]".to_owned())]);
    let net = net(&cnn());
    let bytes = net.to_safetensors(&notes).unwrap();
    assert_eq!(bytes, net.to_safetensors(&notes).unwrap());
    let file = WeightsFile::from_bytes(Path::new("w"), bytes.clone()).unwrap();
    assert_eq!((file.architecture(), file.note("preparation"), file.note("other")), (Some(&cnn()), Some("[]"), None));
    let again = import(&bytes, &cnn()).unwrap();
    assert_eq!(weights(&net), weights(&again));
    let images = Images::from_images((0..3).map(|digit| crate::data::synthetic::digit(digit, Seed(1))));
    assert_eq!(net.predict_proba(&images).unwrap(), again.predict_proba(&images).unwrap());
}

#[test]
fn a_file_that_says_another_architecture_is_refused() {
    let bytes = net(&cnn()).to_safetensors(&crate::nn::Notes::new()).unwrap();
    let NetworkConfig::Cnn(config) = cnn() else { unreachable!("it is a CNN") };
    let other = NetworkConfig::Cnn(CnnConfig { activation: Activation::Relu, ..config.clone() });
    let error = import(&bytes, &other).unwrap_err().to_string();
    assert!(error.contains("activation is \"selu\" there and \"relu\" here"), "{error}");
    let for_training = NetworkConfig::Cnn(CnnConfig { dropout: 0.5, hidden: vec![7, 0], ..config });
    assert!(import(&bytes, &for_training).is_ok());
}

/// A file with one number type for all arrays.
fn typed(dtype: Dtype, encode: impl Fn(f32) -> Vec<u8>) -> Vec<u8> {
    let arrays: Vec<(String, Vec<usize>, Vec<u8>)> = weights(&net(&NetworkConfig::Dense(DenseConfig::default())))
        .into_iter()
        .map(|(name, array)| (name, array.shape, array.values.into_iter().flat_map(&encode).collect()))
        .collect();
    serialize(
        arrays.iter().map(|(name, shape, bytes)| (name, TensorView::new(dtype, shape.clone(), bytes).unwrap())),
        None,
    )
    .unwrap()
}

#[test]
fn other_float_types_are_converted_and_numbers_that_are_not_finite_refused() {
    let config = NetworkConfig::Dense(DenseConfig::default());
    let expected = weights(&net(&config));
    let check = |bytes: &[u8], tolerance: f32| {
        for (name, array) in weights(&import(bytes, &config).unwrap()) {
            let close = array
                .values
                .iter()
                .zip(&expected[&name].values)
                .all(|(found, expected)| (found - expected).abs() <= tolerance * expected.abs());
            assert!(close, "{name}");
        }
    };
    check(&typed(Dtype::F64, |value| f64::from(value).to_le_bytes().to_vec()), 0.0);
    check(&typed(Dtype::F16, |value| f16::from_f32(value).to_le_bytes().to_vec()), 0.01);
    check(&typed(Dtype::BF16, |value| bf16::from_f32(value).to_le_bytes().to_vec()), 0.01);
    for (bytes, words) in [
        (typed(Dtype::I32, |_| vec![0; 4]), "as I32, expected F32, F16, BF16 or F64"),
        (typed(Dtype::F32, |_| f32::NAN.to_le_bytes().to_vec()), "is not finite"),
        (typed(Dtype::F64, |_| 1e300_f64.to_le_bytes().to_vec()), "is not finite"),
    ] {
        let error = import(&bytes, &config).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("w.safetensors"), "{error}");
    }
}

#[test]
fn pytorchs_counters_are_passed_over() {
    let config = NetworkConfig::Dense(DenseConfig { hidden: vec![4], ..DenseConfig::default() });
    let mut arrays: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = weights(&net(&config))
        .into_iter()
        .map(|(name, array)| {
            (name, Dtype::F32, array.shape, array.values.into_iter().flat_map(f32::to_le_bytes).collect())
        })
        .collect();
    arrays.push(("1.num_batches_tracked".into(), Dtype::I64, Vec::new(), vec![0; 8]));
    let views =
        arrays.iter().map(|(name, dtype, shape, bytes)| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    assert!(import(&serialize(views, None).unwrap(), &config).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(import(&bytes, &cnn()).is_err());
    }

    #[test]
    fn a_damaged_file_is_refused_or_is_a_net_all_the_same(
        position in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let config = NetworkConfig::Dense(DenseConfig { hidden: vec![2], ..DenseConfig::default() });
        let whole = net(&config).to_safetensors(&crate::nn::Notes::new()).unwrap();
        prop_assert!(import(&whole[..cut.index(whole.len())], &config).is_err());
        // In the header, where most bytes mean something, or anywhere.
        for limit in [600, whole.len()] {
            let mut bytes = whole.clone();
            bytes[position.index(limit)] = byte;
            if let Ok(net) = import(&bytes, &config) {
                prop_assert!(weights(&net).values().flat_map(|array| &array.values).all(|value| value.is_finite()));
                prop_assert_eq!(net.predict_proba(&Images::from_images([[9; 784]])).unwrap().len(), 1);
            }
        }
    }

    #[test]
    fn any_names_and_shapes_match_fully_or_not_at_all(
        found in prop::collection::btree_map(
            "(hidden|output|fc|[0-3])?\\.?[0-2]?\\.(weight|bias|x)",
            prop::collection::vec(prop_oneof![Just(10usize), Just(20), Just(784)], 0..4),
            0..8,
        )
    ) {
        if let Ok(names) = match_names(&needed(), &found) {
            prop_assert!(names.keys().eq(needed().keys()));
            let taken: std::collections::BTreeSet<_> = names.values().collect();
            prop_assert_eq!(taken.len(), found.len());
        }
    }
}
