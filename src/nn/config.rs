//! The architectures as data: what a TOML experiment says and what `network.json` keeps.

use serde::{Deserialize, Serialize};

use super::{activation::Activation, initializer::Initializer, input::InputScale, normalization::Normalization, output::Output};
use crate::data::{CLASSES, FieldError, PIXELS, SIDE};

/// Most parameters a net may have: keeps a damaged or mistyped file from asking for all memory.
const MAX_PARAMETERS: usize = 50_000_000;
const MAX_BLOCKS: usize = 6;
const MAX_HIDDEN: usize = 16;
const MAX_CONVOLUTIONS: usize = 16;
const MAX_FILTERS: usize = 4096;

/// A fully connected net: 784 → hidden … → 10.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DenseConfig {
    /// Units of each hidden layer, at most 16 layers; a 0 means that the layer is absent. Default 80, 28.
    pub hidden: Vec<usize>,
    /// After each hidden layer. Default softplus.
    pub activation: Activation,
    /// Share of each hidden layer's outputs that is dropped while training, 0 to below 1. Default 0.
    pub dropout: f64,
    /// Whether layers add a bias. Default true.
    pub bias: bool,
    /// How the ten outputs stand for probabilities. Default softmax.
    pub output: Output,
    /// How the weights are drawn. Default auto.
    pub initializer: Initializer,
    /// How pixels are scaled before the first layer. Default unit, 0 to 1.
    pub input: InputScale,
}

impl Default for DenseConfig {
    fn default() -> Self {
        Self {
            hidden: vec![80, 28],
            activation: Activation::Softplus,
            dropout: 0.0,
            bias: true,
            output: Output::Softmax,
            initializer: Initializer::Auto,
            input: InputScale::Unit,
        }
    }
}

/// What surrounds an image before a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Nothing: the map shrinks by kernel − 1.
    #[default]
    Valid,
    /// Zeros: the map keeps its size (odd kernels only).
    Same,
}

impl Padding {
    /// Both, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Valid, Self::Same];
}

/// What a 2×2 window with stride 2 becomes; an odd last row or column is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// Its largest element.
    #[default]
    Max,
    /// Its mean.
    Average,
}

impl Pool {
    /// Both, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Max, Self::Average];
}

/// What a CNN's last block hands to its fully connected layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// Every element of its pooled map.
    #[default]
    Flatten,
    /// The largest element of each channel: a pool over the whole map takes the place of the last 2×2 pool.
    GlobalMax,
    /// The mean of each channel, likewise.
    GlobalAverage,
}

impl Head {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Flatten, Self::GlobalMax, Self::GlobalAverage];
}

/// A VGG-like net: blocks of convolutions, each ended by a pool, then fully connected layers. The output always passes a softmax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CnnConfig {
    /// Filters of each convolution, block by block, such as `[[32, 32], [64]]`: at most 6 blocks of at most 16 convolutions. Takes the
    /// place of `filters`, `blocks`, `growth` and `convolutions_per_block`. Default empty: these four say it.
    pub layout: Vec<Vec<usize>>,
    /// Filters of the first block. Default 64.
    pub filters: usize,
    /// Blocks, 1 to 6. Default 2.
    pub blocks: usize,
    /// Each block has this many times the filters of the one before. Default 2.
    pub growth: usize,
    /// Side of the square kernel, in pixels. Default 3.
    pub kernel: usize,
    /// Around each convolution. Default valid.
    pub padding: Padding,
    /// Convolutions in each block, each followed by the activation. Default 1.
    pub convolutions_per_block: usize,
    /// Between each convolution and its activation: `"none"`, `"batch"` or `{ kind = "batch", affine = false }`. Default none.
    pub normalization: Normalization,
    /// At the end of each block. Default max.
    pub pool: Pool,
    /// What the last block hands on: `flatten`, `global-max` or `global-average`. Default flatten.
    pub head: Head,
    /// For each block whether the activation is applied once more after its pool; blocks past the end have none. Default true, false.
    pub extra_activation: Vec<bool>,
    /// Units of each fully connected layer before the output, at most 16 layers; a 0 means that the layer is absent. Default 54, 30.
    pub hidden: Vec<usize>,
    /// After each convolution and hidden layer. Default selu.
    pub activation: Activation,
    /// Share of each block's outputs that is dropped while training, 0 to below 1. Default 0.
    pub block_dropout: f64,
    /// Share of each hidden layer's outputs that is dropped while training, 0 to below 1. Default 0.
    pub dropout: f64,
    /// How the weights are drawn. Default auto.
    pub initializer: Initializer,
    /// How pixels are scaled before the first layer. Default unit, 0 to 1.
    pub input: InputScale,
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self {
            layout: Vec::new(),
            filters: 64,
            blocks: 2,
            growth: 2,
            kernel: 3,
            padding: Padding::Valid,
            convolutions_per_block: 1,
            normalization: Normalization::None,
            pool: Pool::Max,
            head: Head::Flatten,
            extra_activation: vec![true, false],
            hidden: vec![54, 30],
            activation: Activation::Selu,
            block_dropout: 0.0,
            dropout: 0.0,
            initializer: Initializer::Auto,
            input: InputScale::Unit,
        }
    }
}

impl CnnConfig {
    /// Filters of each convolution of each block; saturates, so that absurd settings are refused by their size.
    pub(super) fn blocks(&self) -> Vec<Vec<usize>> {
        if !self.layout.is_empty() {
            return self.layout.iter().take(MAX_BLOCKS).cloned().collect();
        }
        std::iter::successors(Some(self.filters), |&filters| Some(filters.saturating_mul(self.growth)))
            .take(self.blocks.min(MAX_BLOCKS))
            .map(|filters| vec![filters; self.convolutions_per_block.min(PIXELS)])
            .collect()
    }

    /// The filters of its convolutions for people, blocks apart: `64–64, 128`.
    pub fn filters_by_block(&self) -> String {
        let block = |filters: &Vec<usize>| filters.iter().map(usize::to_string).collect::<Vec<_>>().join("–");
        self.blocks().iter().map(block).collect::<Vec<_>>().join(", ")
    }

    /// Side of the map after each convolution and after the pool of each block, in pixels; 0 once it has vanished.
    fn sides(&self) -> Vec<(Vec<usize>, usize)> {
        let blocks = self.blocks();
        let mut side = SIDE;
        let mut sides = Vec::new();
        for (index, filters) in blocks.iter().enumerate() {
            let mut convolved = Vec::new();
            for _ in filters {
                if self.padding == Padding::Valid {
                    side = (side + 1).saturating_sub(self.kernel);
                }
                convolved.push(side);
            }
            let global = index + 1 == blocks.len() && self.head != Head::Flatten;
            side = if global { side.min(1) } else { side / 2 };
            sides.push((convolved, side));
        }
        sides
    }

    /// Side of the map after each block, in pixels; 0 once it has vanished.
    fn block_sides(&self) -> Vec<usize> {
        self.sides().into_iter().map(|(_, side)| side).collect()
    }

    /// Inputs of the first fully connected layer.
    pub(super) fn flat(&self) -> usize {
        let side = self.block_sides().last().copied().unwrap_or(SIDE);
        self.blocks().last().and_then(|filters| filters.last().copied()).unwrap_or(1).saturating_mul(side * side)
    }
}

/// Any net that this program builds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum NetworkConfig {
    /// Fully connected.
    Dense(DenseConfig),
    /// Convolutional.
    Cnn(CnnConfig),
}

impl NetworkConfig {
    /// Units of the hidden layers that are there.
    pub(super) fn hidden(&self) -> Vec<usize> {
        let all = match self {
            Self::Dense(dense) => &dense.hidden,
            Self::Cnn(cnn) => &cnn.hidden,
        };
        all.iter().copied().filter(|&units| units > 0).collect()
    }

    /// Inputs of the first fully connected layer.
    pub(super) fn flat(&self) -> usize {
        match self {
            Self::Dense(_) => PIXELS,
            Self::Cnn(cnn) => cnn.flat(),
        }
    }

    /// Whether layers add a bias.
    pub(super) fn bias(&self) -> bool {
        match self {
            Self::Dense(dense) => dense.bias,
            Self::Cnn(_) => true,
        }
    }

    /// The same net with few filters and units, if it has many: every operation and setting of it at a fraction of the work.
    pub(super) fn shrunk(&self) -> Self {
        let few = |hidden: &[usize]| hidden.iter().map(|&units| units.min(16)).collect();
        match self.clone() {
            Self::Dense(dense) => Self::Dense(DenseConfig { hidden: few(&dense.hidden), ..dense }),
            Self::Cnn(cnn) => Self::Cnn(CnnConfig {
                filters: cnn.filters.min(4),
                growth: cnn.growth.min(2),
                layout: cnn.layout.iter().map(|block| block.iter().map(|&filters| filters.min(4)).collect()).collect(),
                hidden: few(&cnn.hidden),
                ..cnn
            }),
        }
    }

    /// The same net with nothing dropped while it is trained.
    pub fn without_dropout(&self) -> Self {
        match self.clone() {
            Self::Dense(dense) => Self::Dense(DenseConfig { dropout: 0.0, ..dense }),
            Self::Cnn(cnn) => Self::Cnn(CnnConfig { dropout: 0.0, block_dropout: 0.0, ..cnn }),
        }
    }

    /// How the ten outputs stand for probabilities.
    pub fn output(&self) -> Output {
        match self {
            Self::Dense(dense) => dense.output,
            Self::Cnn(_) => Output::Softmax,
        }
    }

    /// How pixels are scaled before the first layer.
    pub fn input(&self) -> InputScale {
        match self {
            Self::Dense(dense) => dense.input,
            Self::Cnn(cnn) => cnn.input,
        }
    }

    /// Number of trainable parameters; saturates.
    pub fn parameters(&self) -> usize {
        let bias = usize::from(self.bias());
        let mut total = 0usize;
        if let Self::Cnn(cnn) = self {
            let mut channels = 1usize;
            for filters in cnn.blocks().into_iter().flatten() {
                let unit = channels.saturating_mul(cnn.kernel.saturating_mul(cnn.kernel)).saturating_add(cnn.normalization.parameters());
                total = total.saturating_add(filters.saturating_mul(unit));
                channels = filters;
            }
        }
        let mut inputs = self.flat();
        for units in self.hidden().into_iter().chain([CLASSES]) {
            total = total.saturating_add(units.saturating_mul(inputs.saturating_add(bias)));
            inputs = units;
        }
        total
    }

    /// Every layer from the image to the ten outputs: what it is, and the size of what it gives.
    pub fn layers(&self) -> Vec<(String, String)> {
        let image = match self.input() {
            InputScale::Unit => "image".to_owned(),
            InputScale::Signed => "image, −1 to 1".to_owned(),
            InputScale::Range([low, high]) => format!("image, {low} to {high}"),
            InputScale::Standardized => "image, standardised pixel by pixel".to_owned(),
        };
        let mut layers = vec![(image, format!("1 × {SIDE} × {SIDE}"))];
        let activation = match self {
            Self::Dense(dense) => &dense.activation,
            Self::Cnn(cnn) => &cnn.activation,
        };
        if let Self::Cnn(cnn) = self {
            let pool = match cnn.pool {
                Pool::Max => "max-pool 2×2",
                Pool::Average => "average-pool 2×2",
            };
            let last_pool = match cnn.head {
                Head::Flatten => pool,
                Head::GlobalMax => "global max-pool",
                Head::GlobalAverage => "global average-pool",
            };
            let blocks = cnn.blocks();
            let count = blocks.len();
            let normalized = if cnn.normalization == Normalization::None { "" } else { ", batch norm" };
            for (block, (filters, side)) in blocks.into_iter().zip(cnn.block_sides()).enumerate() {
                let convolution =
                    |filters: &usize| format!("convolution {0}×{0}, {filters} filters{normalized}, {activation:?}", cnn.kernel);
                let mut name: Vec<String> = filters.iter().map(convolution).collect();
                name.push(if block + 1 == count { last_pool } else { pool }.to_owned());
                if cnn.extra_activation.get(block) == Some(&true) {
                    name.push(format!("{activation:?}"));
                }
                layers.push((name.join(", "), format!("{} × {side} × {side}", filters.last().copied().unwrap_or(1))));
            }
        }
        layers.extend(self.hidden().into_iter().map(|units| (format!("fully connected, {activation:?}"), units.to_string())));
        let output = match self.output() {
            Output::Softmax => "fully connected, softmax",
            Output::Sigmoid => "fully connected, sigmoid",
            Output::Raw => "fully connected",
        };
        layers.push((output.to_owned(), CLASSES.to_string()));
        layers
    }

    /// Multiplications and additions of one image's forward pass, each counted.
    pub fn operations_per_image(&self) -> f64 {
        let mut operations = 0.0;
        if let Self::Cnn(cnn) = self {
            let mut channels = 1;
            for (filters, (sides, _)) in cnn.blocks().into_iter().zip(cnn.sides()) {
                for (filters, side) in filters.into_iter().zip(sides) {
                    operations += 2.0 * (channels * cnn.kernel * cnn.kernel * filters * side * side) as f64;
                    channels = filters;
                }
            }
        }
        let mut inputs = self.flat();
        for units in self.hidden().into_iter().chain([CLASSES]) {
            operations += 2.0 * (inputs * units) as f64;
            inputs = units;
        }
        operations
    }

    /// Refuses a net that cannot be built, naming the setting.
    pub fn check(&self) -> Result<(), FieldError> {
        let (hidden, initializer) = match self {
            Self::Dense(dense) => {
                share("dropout", dense.dropout)?;
                (&dense.hidden, &dense.initializer)
            }
            Self::Cnn(cnn) => {
                share("dropout", cnn.dropout)?;
                share("block_dropout", cnn.block_dropout)?;
                check_blocks(cnn)?;
                (&cnn.hidden, &cnn.initializer)
            }
        };
        initializer.check().map_err(|error| error.inside("initializer"))?;
        self.input().check().map_err(|error| error.inside("input"))?;
        if hidden.len() > MAX_HIDDEN {
            return Err(FieldError::new("hidden", format!("at most {MAX_HIDDEN} layers, found {}", hidden.len())));
        }
        let parameters = self.parameters();
        if parameters > MAX_PARAMETERS {
            return Err(FieldError::new(
                "hidden",
                format!("the net would have {parameters} parameters, at most {MAX_PARAMETERS} are allowed"),
            ));
        }
        Ok(())
    }
}

fn share(field: &str, value: f64) -> Result<(), FieldError> {
    if (0.0..1.0).contains(&value) { Ok(()) } else { Err(FieldError::new(field, format!("must be 0 to below 1, found {value}"))) }
}

fn check_blocks(cnn: &CnnConfig) -> Result<(), FieldError> {
    let range = |field: &str, value: usize, most: usize| {
        if (1..=most).contains(&value) { Ok(()) } else { Err(FieldError::new(field, format!("must be 1 to {most}, found {value}"))) }
    };
    range("kernel", cnn.kernel, SIDE)?;
    if cnn.layout.is_empty() {
        range("filters", cnn.filters, MAX_FILTERS)?;
        range("blocks", cnn.blocks, MAX_BLOCKS)?;
        range("growth", cnn.growth, 16)?;
        range("convolutions_per_block", cnn.convolutions_per_block, MAX_CONVOLUTIONS)?;
    } else {
        check_layout(&cnn.layout)?;
    }
    if cnn.padding == Padding::Same && cnn.kernel.is_multiple_of(2) {
        return Err(FieldError::new("kernel", format!("padding \"same\" needs an odd kernel, found {}", cnn.kernel)));
    }
    let blocks = cnn.blocks().len();
    if cnn.extra_activation.len() > blocks {
        let problem = format!("has {} entries for {blocks} blocks", cnn.extra_activation.len());
        return Err(FieldError::new("extra_activation", problem));
    }
    if let Some(block) = cnn.block_sides().iter().position(|&side| side == 0) {
        let sides: Vec<String> = cnn.block_sides()[..block].iter().map(|side| format!("{side}×{side}")).collect();
        let before = if sides.is_empty() { String::from("28×28") } else { sides.join(", ") };
        let problem = format!(
            "nothing is left of the 28×28 image after block {} (before it: {before}); use fewer blocks, a smaller kernel or padding same",
            block + 1
        );
        return Err(FieldError::new(if cnn.layout.is_empty() { "blocks" } else { "layout" }, problem));
    }
    Ok(())
}

fn check_layout(layout: &[Vec<usize>]) -> Result<(), FieldError> {
    if layout.len() > MAX_BLOCKS {
        return Err(FieldError::new("layout", format!("must have 1 to {MAX_BLOCKS} blocks, found {}", layout.len())));
    }
    for (index, filters) in layout.iter().enumerate() {
        let block = index + 1;
        if !(1..=MAX_CONVOLUTIONS).contains(&filters.len()) {
            let problem = format!("block {block} must have 1 to {MAX_CONVOLUTIONS} convolutions, found {}", filters.len());
            return Err(FieldError::new("layout", problem));
        }
        if let Some(found) = filters.iter().find(|&filters| !(1..=MAX_FILTERS).contains(filters)) {
            let problem = format!("each convolution of block {block} must have 1 to {MAX_FILTERS} filters, found {found}");
            return Err(FieldError::new("layout", problem));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

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
        let check = |layout: Vec<Vec<usize>>| NetworkConfig::Cnn(CnnConfig { layout, ..deep() }).check().map_err(|error| error.to_string());
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
        let dense = NetworkConfig::Dense(DenseConfig { hidden: vec![30, 0], output: Output::Raw, ..Default::default() }).layers();
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
}
