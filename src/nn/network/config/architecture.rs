//! Settings of the architectures, as a TOML experiment and `network.json` hold them.

use serde::{Deserialize, Serialize};

use crate::{
    data::{PIXELS, SIDE},
    nn::network::{
        activation::Activation, initializer::Initializer, input::InputScale, normalization::Normalization,
        output::Output,
    },
};

/// Largest number of blocks of a CNN.
pub(super) const MAX_BLOCKS: usize = 6;

/// Fully connected net: 784 → hidden … → 10.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DenseConfig {
    /// Units of each hidden layer, at most 16 layers; a 0 means that the layer is absent. Default 80, 28.
    pub hidden: Vec<usize>,
    /// Activation behind each hidden layer. Default softplus.
    pub activation: Activation,
    /// Dropout rate of each hidden layer's outputs in training, 0 to below 1. Default 0.
    pub dropout: f64,
    /// Whether layers add a bias. Default true.
    pub bias: bool,
    /// Conversion of the ten outputs to probabilities. Default softmax.
    pub output: Output,
    /// Initial weights. Default auto.
    pub initializer: Initializer,
    /// Scaling of the pixels in front of the first layer. Default unit, 0 to 1.
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

/// Values around an image in front of a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// None: the map shrinks by kernel − 1.
    #[default]
    Valid,
    /// Zeros: the map keeps its size (odd kernels only).
    Same,
}

impl Padding {
    /// Every variant, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Valid, Self::Same];
}

/// Pool of 2×2 windows with stride 2; an odd last row or column is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// Largest element of the window.
    #[default]
    Max,
    /// Mean of the window.
    Average,
}

impl Pool {
    /// Every variant, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Max, Self::Average];
}

/// Reduction of the last block's map for the fully connected layers of a CNN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// Every element of the pooled map.
    #[default]
    Flatten,
    /// Largest element of each channel: a pool over the whole map replaces the last 2×2 pool.
    GlobalMax,
    /// Mean of each channel, likewise.
    GlobalAverage,
}

impl Head {
    /// Every variant, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Flatten, Self::GlobalMax, Self::GlobalAverage];
}

/// VGG-like net: blocks of convolutions, each with a pool at its end, then fully connected layers, then a softmax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CnnConfig {
    /// Filters of each convolution, block by block, such as `[[32, 32], [64]]`: at most 6 blocks of at most 16
    /// convolutions. Replaces `filters`, `blocks`, `growth` and `convolutions_per_block`. Default empty: these four
    /// apply.
    pub layout: Vec<Vec<usize>>,
    /// Filters of the first block, 1 to 4096. Default 64.
    pub filters: usize,
    /// Number of blocks, 1 to 6. Default 2.
    pub blocks: usize,
    /// Factor from the filters of a block to those of the next, 1 to 16. Default 2.
    pub growth: usize,
    /// Side of the square kernel, in pixels, 1 to 28; odd with padding `same`. Default 3.
    pub kernel: usize,
    /// Border of each convolution. Default valid.
    pub padding: Padding,
    /// Convolutions in each block, each followed by the activation, 1 to 16. Default 1.
    pub convolutions_per_block: usize,
    /// Norm between each convolution and its activation: `"none"`, `"batch"` or `{ kind = "batch", affine = false }`.
    /// Default none.
    pub normalization: Normalization,
    /// Pool at the end of each block. Default max.
    pub pool: Pool,
    /// Reduction of the last block's map: `flatten`, `global-max` or `global-average`. Default flatten.
    pub head: Head,
    /// Per block: whether the activation is applied once more behind its pool; false for blocks past the end. Default
    /// true, false.
    pub extra_activation: Vec<bool>,
    /// Units of each fully connected layer before the output, at most 16 layers; a 0 means that the layer is absent.
    /// Default 54, 30.
    pub hidden: Vec<usize>,
    /// Activation behind each convolution and hidden layer. Default selu.
    pub activation: Activation,
    /// Dropout rate of each block's outputs in training, 0 to below 1. Default 0.
    pub block_dropout: f64,
    /// Dropout rate of each hidden layer's outputs in training, 0 to below 1. Default 0.
    pub dropout: f64,
    /// Initial weights. Default auto.
    pub initializer: Initializer,
    /// Scaling of the pixels in front of the first layer. Default unit, 0 to 1.
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
    /// Returns the filters of each convolution of each block; saturates, so that the size check refuses huge settings.
    pub(in crate::nn) fn blocks(&self) -> Vec<Vec<usize>> {
        if !self.layout.is_empty() {
            return self.layout.iter().take(MAX_BLOCKS).cloned().collect();
        }
        std::iter::successors(Some(self.filters), |&filters| Some(filters.saturating_mul(self.growth)))
            .take(self.blocks.min(MAX_BLOCKS))
            .map(|filters| vec![filters; self.convolutions_per_block.min(PIXELS)])
            .collect()
    }

    /// Formats the filters of the convolutions, blocks apart: `64–64, 128`.
    pub fn filters_by_block(&self) -> String {
        let block = |filters: &Vec<usize>| filters.iter().map(usize::to_string).collect::<Vec<_>>().join("–");
        self.blocks().iter().map(block).collect::<Vec<_>>().join(", ")
    }

    /// Returns the side of the map behind each convolution and behind the pool of each block, in pixels; 0 once nothing
    /// is left.
    pub(super) fn sides(&self) -> Vec<(Vec<usize>, usize)> {
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

    /// Returns the side of the map behind each block, in pixels; 0 once nothing is left.
    pub(super) fn block_sides(&self) -> Vec<usize> {
        self.sides().into_iter().map(|(_, side)| side).collect()
    }

    /// Returns the number of inputs of the first fully connected layer.
    pub(in crate::nn) fn flat(&self) -> usize {
        let side = self.block_sides().last().copied().unwrap_or(SIDE);
        self.blocks().last().and_then(|filters| filters.last().copied()).unwrap_or(1).saturating_mul(side * side)
    }
}

/// Architecture of a net.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum NetworkConfig {
    /// Fully connected.
    Dense(DenseConfig),
    /// Convolutional.
    Cnn(CnnConfig),
}

impl NetworkConfig {
    /// Returns the units of the hidden layers that are present.
    pub(in crate::nn) fn hidden(&self) -> Vec<usize> {
        let all = match self {
            Self::Dense(dense) => &dense.hidden,
            Self::Cnn(cnn) => &cnn.hidden,
        };
        all.iter().copied().filter(|&units| units > 0).collect()
    }

    /// Returns the number of inputs of the first fully connected layer.
    pub(in crate::nn) fn flat(&self) -> usize {
        match self {
            Self::Dense(_) => PIXELS,
            Self::Cnn(cnn) => cnn.flat(),
        }
    }

    /// Tells whether layers add a bias.
    pub(in crate::nn) fn bias(&self) -> bool {
        match self {
            Self::Dense(dense) => dense.bias,
            Self::Cnn(_) => true,
        }
    }

    /// Returns the net with at most 4 filters a convolution and 16 units a layer: all of its operations and settings at
    /// a fraction of the cost.
    pub(in crate::nn) fn shrunk(&self) -> Self {
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

    /// Returns the net without dropout.
    pub fn without_dropout(&self) -> Self {
        match self.clone() {
            Self::Dense(dense) => Self::Dense(DenseConfig { dropout: 0.0, ..dense }),
            Self::Cnn(cnn) => Self::Cnn(CnnConfig { dropout: 0.0, block_dropout: 0.0, ..cnn }),
        }
    }

    /// Returns the conversion of the ten outputs to probabilities.
    pub fn output(&self) -> Output {
        match self {
            Self::Dense(dense) => dense.output,
            Self::Cnn(_) => Output::Softmax,
        }
    }

    /// Returns the scaling of the pixels in front of the first layer.
    pub fn input(&self) -> InputScale {
        match self {
            Self::Dense(dense) => dense.input,
            Self::Cnn(cnn) => cnn.input,
        }
    }
}
