//! Against [`TrainedNet::predict_proba`], on every level this processor has.

use proptest::prelude::*;
use rand::RngExt;

use super::*;
use crate::{
    data::{Images, synthetic},
    device::{DeviceChoice, resolve},
    fit::{FitTiming, History},
    nn::network::{
        activation::Activation,
        config::{CnnConfig, DenseConfig, Head, NetworkConfig, Padding, Pool},
        initializer::Initializer,
        input::InputScale,
        normalization::Normalization,
        output::Output,
    },
    seed::Seed,
};

/// A net as it begins, but with biases, and with norms that have seen something.
fn untrained(config: NetworkConfig, seed: Seed) -> TrainedNet {
    let device = resolve(&DeviceChoice::Cpu).unwrap();
    let mut network = Network::new(&config, seed, device.device()).unwrap();
    network.fit_input(&images());
    let mut rng = seed.derive("biases").rng();
    let mut noise = |bias: Tensor<1>| {
        let values: Vec<f32> = (0..bias.dims()[0]).map(|_| rng.random_range(-0.3..0.3)).collect();
        Tensor::from_floats(values.as_slice(), &bias.device())
    };
    for convolution in network.blocks.iter_mut().flat_map(|block| &mut block.convolutions) {
        convolution.bias = convolution.bias.take().map(|bias| bias.map(&mut noise));
        if let Some(norm) = &mut convolution.norm {
            norm.weight = norm.weight.take().map(|weight| weight.map(|weight| noise(weight) * 4.0));
            norm.bias = norm.bias.take().map(|bias| bias.map(&mut noise));
            norm.running_mean = norm.running_mean.clone().map(&mut noise);
            norm.running_var = norm.running_var.clone().map(|variance| noise(variance) + 0.5);
        }
    }
    for linear in network.hidden.iter_mut().chain([&mut network.output]) {
        linear.bias = linear.bias.take().map(|bias| bias.map(&mut noise));
    }
    TrainedNet::new(network, config, History::default(), FitTiming::default(), &device)
}

fn images() -> Images {
    let digits = (0..4).map(|digit| synthetic::digit(2 * digit + 1, Seed(u64::from(digit))));
    Images::from_images(digits.chain([[0; PIXELS], [255; PIXELS]]))
}

fn check(config: &NetworkConfig, seed: u64) {
    let trained = untrained(config.clone(), Seed(seed));
    let images = images();
    let expected = trained.predict_proba(&images).unwrap();
    for net in PackedNet::on_every_level(SIDE) {
        let mut predictor = NetPredictor::of(net, &trained).unwrap();
        // Twice: what one image leaves in the buffers must not reach the next.
        for _ in 0..2 {
            for (image, expected) in images.iter().zip(&expected) {
                let found = predictor.predict_one(image);
                let off =
                    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max);
                assert!(off <= 1e-5, "{config:?}: off by {off}\n{found:?}\n{expected:?}");
            }
        }
    }
}

fn inputs() -> impl Strategy<Value = InputScale> {
    let ranges = Just(InputScale::Range([0.01, 1.0]));
    prop_oneof![Just(InputScale::Unit), Just(InputScale::Signed), ranges, Just(InputScale::Standardized)]
}

fn hidden() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![Just(0), 1usize..=150], 0..3)
}

fn dense() -> impl Strategy<Value = NetworkConfig> {
    (hidden(), 0..Activation::ALL.len(), any::<bool>(), 0..Output::ALL.len(), inputs()).prop_map(
        |(hidden, activation, bias, output, input)| {
            let (activation, output, initializer) =
                (Activation::ALL[activation], Output::ALL[output], Initializer::Auto);
            NetworkConfig::Dense(DenseConfig { hidden, activation, dropout: 0.0, bias, output, initializer, input })
        },
    )
}

fn norms_and_heads() -> impl Strategy<Value = (Normalization, Head)> {
    let norms = [Normalization::None, Normalization::Batch { affine: false }, Normalization::Batch { affine: true }];
    let heads = [Head::Flatten, Head::GlobalMax, Head::GlobalAverage];
    (prop::sample::select(norms.to_vec()), prop::sample::select(heads.to_vec()))
}

fn cnn() -> impl Strategy<Value = NetworkConfig> {
    let sizes = (1usize..=20, 1usize..=3, 1usize..=2, 1usize..=9, 1usize..=2);
    let kinds = (
        any::<bool>(),
        any::<bool>(),
        prop::collection::vec(any::<bool>(), 0..2),
        0..Activation::ALL.len(),
        hidden(),
        inputs(),
    );
    (sizes, kinds, norms_and_heads()).prop_filter_map(
        "nothing is left of the image",
        |(
            (filters, blocks, growth, kernel, convolutions_per_block),
            (same, average, extra_activation, activation, hidden, input),
            (normalization, head),
        )| {
            let config = NetworkConfig::Cnn(CnnConfig {
                filters,
                blocks,
                growth,
                kernel,
                padding: if same { Padding::Same } else { Padding::Valid },
                convolutions_per_block,
                pool: if average { Pool::Average } else { Pool::Max },
                extra_activation,
                hidden,
                activation: Activation::ALL[activation],
                input,
                normalization,
                head,
                ..CnnConfig::default()
            });
            config.check().is_ok().then_some(config)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dense_nets_predict_the_same(config in dense(), seed in any::<u64>()) {
        check(&config, seed);
    }

    #[test]
    fn convolutional_nets_predict_the_same(config in cnn(), seed in any::<u64>()) {
        check(&config, seed);
    }
}

/// What draws may miss.
#[test]
fn every_activation_pool_and_padding_predicts_the_same() {
    for activation in Activation::ALL {
        for (pool, padding, kernel) in [
            (Pool::Max, Padding::Valid, 3),
            (Pool::Average, Padding::Same, 3),
            (Pool::Max, Padding::Same, 5),
            (Pool::Average, Padding::Valid, 4),
        ] {
            let extra_activation = vec![true, false];
            let (filters, hidden) = (6, vec![20]);
            check(
                &NetworkConfig::Cnn(CnnConfig {
                    filters,
                    kernel,
                    padding,
                    pool,
                    extra_activation,
                    hidden,
                    activation,
                    ..Default::default()
                }),
                9,
            );
        }
    }
    for (normalization, head) in [
        (Normalization::Batch { affine: false }, Head::GlobalMax),
        (Normalization::Batch { affine: true }, Head::GlobalAverage),
    ] {
        let layout = vec![vec![9, 16], vec![20], vec![7]];
        let net = CnnConfig {
            layout,
            padding: Padding::Same,
            normalization,
            head,
            extra_activation: vec![false, true, true],
            ..CnnConfig::default()
        };
        check(&NetworkConfig::Cnn(net), 4);
    }
    check(&NetworkConfig::Cnn(CnnConfig::default()), 1);
    check(&NetworkConfig::Dense(DenseConfig { hidden: vec![256, 128], ..Default::default() }), 2);
}

#[test]
fn clones_do_not_disturb_each_other() {
    let trained = untrained(NetworkConfig::Cnn(CnnConfig { filters: 5, ..Default::default() }), Seed(3));
    let mut one = NetPredictor::new(&trained).unwrap();
    let images = images();
    let alone: Vec<_> = images.iter().map(|image| one.predict_one(image)).collect();
    let mut other = one.clone();
    for (image, expected) in images.as_slice().iter().zip(&alone).rev() {
        let thread = std::thread::scope(|scope| scope.spawn(|| other.predict_one(image)).join().unwrap());
        assert_eq!((one.predict_one(image), thread), (*expected, *expected));
    }
}
