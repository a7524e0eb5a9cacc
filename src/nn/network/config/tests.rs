#![allow(clippy::unwrap_used)]

use super::*;
use crate::nn::network::{initializer::Initializer, normalization::Normalization, output::Output};

#[test]
fn counts_parameters() {
    // 784·80+80 + 80·28+28 + 28·10+10
    assert_eq!(NetworkConfig::Dense(DenseConfig::default()).parameters(), 65_358);
    // 64·10 + 128·(64·9+1) + 3200·54+54 + 54·30+30 + 30·10+10
    assert_eq!(NetworkConfig::Cnn(CnnConfig::default()).parameters(), 249_310);
    let no_bias = DenseConfig { hidden: vec![30, 0], bias: false, ..Default::default() };
    assert_eq!(NetworkConfig::Dense(no_bias).parameters(), 784 * 30 + 300);
}

/// The deep net with batch normalisation and a global pool.
fn deep() -> CnnConfig {
    toml::from_str(
        r#"
        layout = [[32, 32], [64, 64], [128], [256]]
        padding = "same"
        activation = "relu"
        normalization = { kind = "batch", affine = false }
        head = "global-max"
        hidden = []
        extra_activation = []
        "#,
    )
    .unwrap()
}

#[test]
fn a_layout_replaces_the_four_sizes() {
    let net = |change: fn(&mut CnnConfig)| {
        let mut config = deep();
        change(&mut config);
        NetworkConfig::Cnn(config)
    };
    assert_eq!(net(|_| ()).check(), Ok(()));
    // 9·(1·32 + 32·32 + 32·64 + 64·64 + 64·128 + 128·256) + 256·10+10, no bias in front of a norm
    assert_eq!(net(|_| ()).parameters(), 436_010);
    let filters = 32 + 32 + 64 + 64 + 128 + 256;
    assert_eq!(net(|c| c.normalization = Normalization::Batch { affine: true }).parameters(), 436_010 + 2 * filters);
    assert_eq!(net(|c| c.normalization = Normalization::None).parameters(), 436_010 + filters);
    assert_eq!(net(|c| c.head = Head::Flatten).flat(), 256);
    assert_eq!(net(|c| c.layout.truncate(3)).flat(), 128);
    let flat = net(|c| {
        c.layout.truncate(3);
        c.head = Head::Flatten;
    });
    assert_eq!(flat.flat(), 128 * 9);
    let products = 28 * 28 * (288 + 9216) + 14 * 14 * (18_432 + 36_864) + 7 * 7 * 73_728 + 3 * 3 * 294_912 + 2560;
    assert_eq!(net(|_| ()).operations_per_image(), 2.0 * f64::from(products));
    let layers = net(|_| ()).layers();
    let sizes: Vec<&str> = layers.iter().map(|(_, size)| size.as_str()).collect();
    assert_eq!(sizes, ["1 × 28 × 28", "32 × 14 × 14", "64 × 7 × 7", "128 × 3 × 3", "256 × 1 × 1", "10"]);
    assert_eq!(layers[4].0, "convolution 3×3, 256 filters, batch norm, Relu, global max-pool");
}

#[test]
fn a_layout_says_what_four_sizes_say() {
    for padding in [Padding::Valid, Padding::Same] {
        let sizes = CnnConfig { filters: 5, growth: 3, convolutions_per_block: 2, padding, ..CnnConfig::default() };
        let layout = CnnConfig { layout: vec![vec![5, 5], vec![15, 15]], padding, ..CnnConfig::default() };
        let (sizes, layout) = (NetworkConfig::Cnn(sizes), NetworkConfig::Cnn(layout));
        assert_eq!(layout.layers(), sizes.layers());
        assert_eq!(layout.parameters(), sizes.parameters());
        assert_eq!(layout.operations_per_image(), sizes.operations_per_image());
    }
}

#[test]
fn refuses_an_impossible_layout() {
    let check = |layout: Vec<Vec<usize>>| {
        NetworkConfig::Cnn(CnnConfig { layout, ..deep() }).check().map_err(|error| error.to_string())
    };
    assert_eq!(check(vec![vec![4]; 4]), Ok(()));
    for (layout, says) in [
        (vec![vec![4]; 7], "1 to 6 blocks, found 7"),
        (vec![vec![4], vec![]], "block 2 must have 1 to 16 convolutions, found 0"),
        (vec![vec![4; 17]], "block 1 must have 1 to 16 convolutions, found 17"),
        (vec![vec![4, 0]], "1 to 4096 filters, found 0"),
        (vec![vec![4097]], "1 to 4096 filters, found 4097"),
        (vec![vec![4]; 6], "nothing is left of the 28×28 image after block 5"),
    ] {
        let problem = check(layout).unwrap_err();
        assert!(problem.starts_with("layout: ") && problem.contains(says), "{problem}");
    }
    // A global pool needs one pixel only, where a 2×2 pool needs two.
    let five = CnnConfig { layout: vec![vec![4]; 5], ..deep() };
    assert_eq!(NetworkConfig::Cnn(five).check(), Ok(()));
}

#[test]
fn layers_are_listed_with_their_sizes() {
    let layers = NetworkConfig::Cnn(CnnConfig::default()).layers();
    let sizes: Vec<&str> = layers.iter().map(|(_, size)| size.as_str()).collect();
    assert_eq!(sizes, ["1 × 28 × 28", "64 × 13 × 13", "128 × 5 × 5", "54", "30", "10"]);
    assert_eq!(layers[1].0, "convolution 3×3, 64 filters, Selu, max-pool 2×2, Selu");
    let dense =
        NetworkConfig::Dense(DenseConfig { hidden: vec![30, 0], output: Output::Raw, ..Default::default() }).layers();
    assert_eq!(dense[1], ("fully connected, Softplus".to_owned(), "30".to_owned()));
    assert_eq!(dense.last().unwrap().0, "fully connected");
}

#[test]
fn refuses_what_cannot_be() {
    let cnn = |change: fn(&mut CnnConfig)| {
        let mut config = CnnConfig::default();
        change(&mut config);
        NetworkConfig::Cnn(config).check().map_err(|error| error.field)
    };
    assert_eq!(cnn(|_| ()), Ok(()));
    assert_eq!(cnn(|c| c.blocks = 4), Err("blocks".into()));
    assert_eq!(
        cnn(|c| {
            c.blocks = 4;
            c.padding = Padding::Same
        }),
        Ok(())
    );
    assert_eq!(cnn(|c| c.kernel = 28), Err("blocks".into()));
    assert_eq!(
        cnn(|c| {
            c.kernel = 4;
            c.padding = Padding::Same
        }),
        Err("kernel".into())
    );
    assert_eq!(cnn(|c| c.filters = 0), Err("filters".into()));
    assert_eq!(cnn(|c| c.dropout = 1.0), Err("dropout".into()));
    assert_eq!(cnn(|c| c.block_dropout = f64::NAN), Err("block_dropout".into()));
    assert_eq!(cnn(|c| c.extra_activation = vec![true; 3]), Err("extra_activation".into()));
    assert_eq!(cnn(|c| c.hidden = vec![usize::MAX]), Err("hidden".into()));
    assert_eq!(cnn(|c| c.initializer = Initializer::Normal(-1.0)), Err("initializer.normal".into()));
    assert_eq!(
        cnn(|c| {
            c.filters = 4096;
            c.growth = 16;
            c.padding = Padding::Same;
            c.blocks = 4
        }),
        Err("hidden".into())
    );
}

#[test]
fn reads_what_it_writes() {
    let config = NetworkConfig::Cnn(CnnConfig { initializer: Initializer::Normal(0.01), ..Default::default() });
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<NetworkConfig>(&text).unwrap(), config);
    assert!(serde_json::from_str::<NetworkConfig>(r#"{"kind":"dense","hiden":[3]}"#).is_err());
}
