//! The architectures as data: what a TOML experiment says and what `network.json` keeps.

mod check;
mod sizes;

use serde::{Deserialize, Serialize};

use super::{
    activation::Activation, initializer::Initializer, input::InputScale, normalization::Normalization, output::Output,
};
use crate::data::{PIXELS, SIDE};

/// Most blocks of a CNN.
const MAX_BLOCKS: usize = 6;

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

/// A VGG-like net: blocks of convolutions, each ended by a pool, then fully connected layers. The output always passes
/// a softmax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CnnConfig {
    /// Filters of each convolution, block by block, such as `[[32, 32], [64]]`: at most 6 blocks of at most 16
    /// convolutions. Takes the place of `filters`, `blocks`, `growth` and `convolutions_per_block`. Default empty:
    /// these four say it.
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
    /// Between each convolution and its activation: `"none"`, `"batch"` or `{ kind = "batch", affine = false }`.
    /// Default none.
    pub normalization: Normalization,
    /// At the end of each block. Default max.
    pub pool: Pool,
    /// What the last block hands on: `flatten`, `global-max` or `global-average`. Default flatten.
    pub head: Head,
    /// For each block whether the activation is applied once more after its pool; blocks past the end have none.
    /// Default true, false.
    pub extra_activation: Vec<bool>,
    /// Units of each fully connected layer before the output, at most 16 layers; a 0 means that the layer is absent.
    /// Default 54, 30.
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

    /// The same net with few filters and units, if it has many: every operation and setting of it at a fraction of the
    /// work.
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
}

#[cfg(test)]
mod tests;
