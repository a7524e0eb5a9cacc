//! The architectures as data: what a TOML experiment says and what `network.json` keeps.

use serde::{Deserialize, Serialize};

use super::{activation::Activation, initializer::Initializer};
use crate::data::{CLASSES, FieldError, PIXELS, SIDE};

/// Most parameters a net may have: keeps a damaged or mistyped file from asking for all memory.
const MAX_PARAMETERS: usize = 50_000_000;
const MAX_BLOCKS: usize = 6;
const MAX_HIDDEN: usize = 16;

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
    /// Whether the ten outputs pass a softmax (default true). Without it the loss sees the raw outputs, see [`super::Loss`], and
    /// probabilities are the raw outputs cut to 1e-7 … 1 and divided by their sum.
    pub softmax_output: bool,
    /// How the weights are drawn. Default auto.
    pub initializer: Initializer,
}

impl Default for DenseConfig {
    fn default() -> Self {
        Self {
            hidden: vec![80, 28],
            activation: Activation::Softplus,
            dropout: 0.0,
            bias: true,
            softmax_output: true,
            initializer: Initializer::Auto,
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

/// A VGG-like net: blocks of convolutions, each ended by a pool, then fully connected layers. The output always passes a softmax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CnnConfig {
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
    /// At the end of each block. Default max.
    pub pool: Pool,
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
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self {
            filters: 64,
            blocks: 2,
            growth: 2,
            kernel: 3,
            padding: Padding::Valid,
            convolutions_per_block: 1,
            pool: Pool::Max,
            extra_activation: vec![true, false],
            hidden: vec![54, 30],
            activation: Activation::Selu,
            block_dropout: 0.0,
            dropout: 0.0,
            initializer: Initializer::Auto,
        }
    }
}

impl CnnConfig {
    /// Filters of each block; saturates, so that absurd settings are refused by their size.
    pub(super) fn block_filters(&self) -> Vec<usize> {
        std::iter::successors(Some(self.filters), |&filters| Some(filters.saturating_mul(self.growth)))
            .take(self.blocks.min(MAX_BLOCKS))
            .collect()
    }

    /// Side of the map after each block, in pixels; 0 once it has vanished.
    fn block_sides(&self) -> Vec<usize> {
        let mut side = SIDE;
        (0..self.blocks.min(MAX_BLOCKS))
            .map(|_| {
                if self.padding == Padding::Valid {
                    side = side.saturating_sub(self.kernel.saturating_sub(1).saturating_mul(self.convolutions_per_block));
                }
                side /= 2;
                side
            })
            .collect()
    }

    /// Inputs of the first fully connected layer.
    pub(super) fn flat(&self) -> usize {
        let side = self.block_sides().last().copied().unwrap_or(SIDE);
        self.block_filters().last().copied().unwrap_or(1).saturating_mul(side * side)
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
            Self::Cnn(cnn) => {
                Self::Cnn(CnnConfig { filters: cnn.filters.min(4), growth: cnn.growth.min(2), hidden: few(&cnn.hidden), ..cnn })
            }
        }
    }

    /// The same net with nothing dropped while it is trained.
    pub fn without_dropout(&self) -> Self {
        match self.clone() {
            Self::Dense(dense) => Self::Dense(DenseConfig { dropout: 0.0, ..dense }),
            Self::Cnn(cnn) => Self::Cnn(CnnConfig { dropout: 0.0, block_dropout: 0.0, ..cnn }),
        }
    }

    /// Whether the ten outputs pass a softmax.
    pub fn softmax_output(&self) -> bool {
        match self {
            Self::Dense(dense) => dense.softmax_output,
            Self::Cnn(_) => true,
        }
    }

    /// Number of trainable parameters; saturates.
    pub fn parameters(&self) -> usize {
        let bias = usize::from(self.bias());
        let mut total = 0usize;
        if let Self::Cnn(cnn) = self {
            let mut channels = 1usize;
            for filters in cnn.block_filters() {
                for _ in 0..cnn.convolutions_per_block.min(PIXELS) {
                    let unit = channels.saturating_mul(cnn.kernel.saturating_mul(cnn.kernel)).saturating_add(1);
                    total = total.saturating_add(filters.saturating_mul(unit));
                    channels = filters;
                }
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
        let mut layers = vec![("image".to_owned(), format!("1 × {SIDE} × {SIDE}"))];
        let activation = match self {
            Self::Dense(dense) => &dense.activation,
            Self::Cnn(cnn) => &cnn.activation,
        };
        if let Self::Cnn(cnn) = self {
            let pool = match cnn.pool {
                Pool::Max => "max-pool 2×2",
                Pool::Average => "average-pool 2×2",
            };
            for (block, (filters, side)) in cnn.block_filters().into_iter().zip(cnn.block_sides()).enumerate() {
                let convolution = format!("convolution {0}×{0}, {filters} filters, {activation:?}", cnn.kernel);
                let mut name = vec![convolution; cnn.convolutions_per_block];
                name.push(pool.to_owned());
                if cnn.extra_activation.get(block) == Some(&true) {
                    name.push(format!("{activation:?}"));
                }
                layers.push((name.join(", "), format!("{filters} × {side} × {side}")));
            }
        }
        layers.extend(self.hidden().into_iter().map(|units| (format!("fully connected, {activation:?}"), units.to_string())));
        let output = if self.softmax_output() { "fully connected, softmax" } else { "fully connected" };
        layers.push((output.to_owned(), CLASSES.to_string()));
        layers
    }

    /// Multiplications and additions of one image's forward pass, each counted.
    pub fn operations_per_image(&self) -> f64 {
        let mut operations = 0.0;
        if let Self::Cnn(cnn) = self {
            let (mut channels, mut side) = (1, SIDE);
            for filters in cnn.block_filters() {
                for _ in 0..cnn.convolutions_per_block {
                    if cnn.padding == Padding::Valid {
                        side = side.saturating_sub(cnn.kernel - 1);
                    }
                    operations += 2.0 * (channels * cnn.kernel * cnn.kernel * filters * side * side) as f64;
                    channels = filters;
                }
                side /= 2;
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
    range("filters", cnn.filters, 4096)?;
    range("blocks", cnn.blocks, MAX_BLOCKS)?;
    range("growth", cnn.growth, 16)?;
    range("kernel", cnn.kernel, SIDE)?;
    range("convolutions_per_block", cnn.convolutions_per_block, 16)?;
    if cnn.padding == Padding::Same && cnn.kernel.is_multiple_of(2) {
        return Err(FieldError::new("kernel", format!("padding \"same\" needs an odd kernel, found {}", cnn.kernel)));
    }
    if cnn.extra_activation.len() > cnn.blocks {
        let problem = format!("has {} entries for {} blocks", cnn.extra_activation.len(), cnn.blocks);
        return Err(FieldError::new("extra_activation", problem));
    }
    if let Some(block) = cnn.block_sides().iter().position(|&side| side == 0) {
        let sides: Vec<String> = cnn.block_sides()[..block].iter().map(|side| format!("{side}×{side}")).collect();
        let before = if sides.is_empty() { String::from("28×28") } else { sides.join(", ") };
        let problem = format!(
            "nothing is left of the 28×28 image after block {} (before it: {before}); use fewer blocks, a smaller kernel or padding same",
            block + 1
        );
        return Err(FieldError::new("blocks", problem));
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

    #[test]
    fn layers_are_listed_with_their_sizes() {
        let layers = NetworkConfig::Cnn(CnnConfig::default()).layers();
        let sizes: Vec<&str> = layers.iter().map(|(_, size)| size.as_str()).collect();
        assert_eq!(sizes, ["1 × 28 × 28", "64 × 13 × 13", "128 × 5 × 5", "54", "30", "10"]);
        assert_eq!(layers[1].0, "convolution 3×3, 64 filters, Selu, max-pool 2×2, Selu");
        let dense = NetworkConfig::Dense(DenseConfig { hidden: vec![30, 0], softmax_output: false, ..Default::default() }).layers();
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
