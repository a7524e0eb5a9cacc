//! The one module behind every architecture: blocks of convolutions (none for a dense net), fully connected layers, ten outputs.

use burn::{
    module::{Module, Param, ParamId},
    nn::Linear,
    tensor::{Device, Tensor, TensorData, activation},
};

use super::{
    activation::Activation,
    block::{Block, Convolution},
    config::{CnnConfig, NetworkConfig, Padding},
    dropout::dropout,
    error::NnError,
    fused,
    initializer::Initializer,
};
use crate::{
    data::{CLASSES, SIDE},
    seed::Seed,
};

/// Smallest probability of a net without softmax.
pub(super) const LEAST_PROBABILITY: f64 = 1e-7;

/// A classifier of 28×28 images.
#[derive(Module, Debug)]
pub struct Network {
    /// Convolutions; empty for a dense net.
    pub blocks: Vec<Block>,
    /// Fully connected layers, each followed by the activation.
    pub hidden: Vec<Linear>,
    /// The ten outputs.
    pub output: Linear,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    block_dropout: f64,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    softmax_output: bool,
}

impl Network {
    /// A net with freshly drawn weights. The same seed gives the same weights on every device; a device with autodiff gives a net to train.
    pub fn new(config: &NetworkConfig, seed: Seed, device: &Device) -> Result<Self, NnError> {
        config.check()?;
        let mut layers = Layers { seed, device, drawn: 0, initializer: Initializer::Auto };
        let (blocks, activation, block_dropout, dropout) = match config {
            NetworkConfig::Dense(dense) => {
                layers.initializer = dense.initializer;
                (Vec::new(), dense.activation, 0.0, dense.dropout)
            }
            NetworkConfig::Cnn(cnn) => {
                layers.initializer = cnn.initializer;
                (layers.blocks(cnn), cnn.activation, cnn.block_dropout, cnn.dropout)
            }
        };
        let mut inputs = config.flat();
        let mut hidden = Vec::new();
        for units in config.hidden() {
            hidden.push(layers.linear(inputs, units, config.bias(), Some(activation)));
            inputs = units;
        }
        let output = layers.linear(inputs, CLASSES, config.bias(), None);
        Ok(Self { blocks, hidden, output, activation, block_dropout, dropout, softmax_output: config.softmax_output() })
    }

    /// `[batch, 1, 28, 28]` (0 = background, 1 = ink) → the ten outputs before any softmax, `[batch, 10]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.run(images, None)
    }

    /// The same while training: dropout draws its masks from `seed`, which must differ from step to step.
    pub fn forward_training(&self, images: Tensor<4>, seed: Seed) -> Tensor<2> {
        self.run(images, Some(seed))
    }

    /// The outputs of [`forward`](Self::forward) as probabilities, `[batch, 10]`; each row adds up to 1.
    pub fn probabilities(&self, outputs: Tensor<2>) -> Tensor<2> {
        if self.softmax_output {
            return activation::softmax(outputs, 1);
        }
        let scores = outputs.clamp(LEAST_PROBABILITY, 1.0);
        scores.clone() / scores.sum_dim(1)
    }

    /// What follows every hidden layer.
    pub(super) fn activation(&self) -> Activation {
        self.activation
    }

    /// Whether probabilities are a softmax of the outputs.
    pub(super) fn ends_in_softmax(&self) -> bool {
        self.softmax_output
    }

    fn run(&self, images: Tensor<4>, training: Option<Seed>) -> Tensor<2> {
        debug_assert_eq!(images.dims()[1..], [1, SIDE, SIDE]);
        let mut layer = 0;
        let mut drop = |rate: f64| {
            layer += 1;
            training.filter(|_| rate > 0.0).map(|seed| (rate, seed.index(layer)))
        };
        let mut x = images;
        for block in &self.blocks {
            x = block.forward(x);
            if let Some((rate, seed)) = drop(self.block_dropout) {
                x = dropout(x, rate, seed);
            }
        }
        let mut x: Tensor<2> = x.flatten(1, 3);
        for linear in &self.hidden {
            x = fully_connected(linear, x, Some(self.activation));
            if let Some((rate, seed)) = drop(self.dropout) {
                x = dropout(x, rate, seed);
            }
        }
        fully_connected(&self.output, x, None)
    }
}

/// `[batch, in]` → `[batch, out]`, one operation on the CPU.
pub(super) fn fully_connected(linear: &Linear, x: Tensor<2>, activation: Option<Activation>) -> Tensor<2> {
    if fused::available(&x.device()) {
        let weight = linear.weight.val();
        let bias = linear.bias.as_ref().map_or_else(|| Tensor::zeros([weight.dims()[1]], &x.device()), |bias| bias.val());
        return fused::dense(x, weight, bias, activation.map_or(fused::Activation::Identity, Activation::fused));
    }
    let x = linear.forward(x);
    activation.map_or(x.clone(), |activation| activation.forward(x))
}

/// Draws layer after layer.
struct Layers<'a> {
    seed: Seed,
    device: &'a Device,
    /// Parameters made so far; also their identity, which the optimizer's state hangs on and which must be the same in every run.
    drawn: u64,
    initializer: Initializer,
}

impl Layers<'_> {
    fn parameter<const D: usize>(&mut self, values: Vec<f32>, shape: [usize; D]) -> Param<Tensor<D>> {
        let mut parameter = Param::from_data(TensorData::new(values, shape), self.device);
        parameter.id = ParamId::from(self.drawn);
        self.drawn += 1;
        parameter
    }

    fn blocks(&mut self, cnn: &CnnConfig) -> Vec<Block> {
        let padding = match cnn.padding {
            Padding::Valid => 0,
            Padding::Same => cnn.kernel / 2,
        };
        let mut channels = 1;
        let mut blocks = Vec::new();
        for (index, filters) in cnn.block_filters().into_iter().enumerate() {
            let mut convolutions = Vec::new();
            for _ in 0..cnn.convolutions_per_block {
                convolutions.push(self.convolution(channels, filters, cnn.kernel, padding, cnn.activation));
                channels = filters;
            }
            let extra_activation = cnn.extra_activation.get(index).copied().unwrap_or(false);
            let last = index + 1 == cnn.blocks;
            blocks.push(Block { convolutions, activation: cnn.activation, pool: cnn.pool, extra_activation, last });
        }
        blocks
    }

    fn convolution(&mut self, inputs: usize, outputs: usize, kernel: usize, padding: usize, activation: Activation) -> Convolution {
        let area = kernel * kernel;
        let seed = self.seed.index(self.drawn);
        let weights = self.initializer.draw(outputs * inputs * area, inputs * area, outputs * area, Some(activation), seed);
        Convolution {
            weight: self.parameter(weights, [outputs, inputs, kernel, kernel]),
            bias: self.parameter(vec![0.0; outputs], [outputs]),
            padding,
        }
    }

    fn linear(&mut self, inputs: usize, outputs: usize, bias: bool, activation: Option<Activation>) -> Linear {
        let seed = self.seed.index(self.drawn);
        let weights = self.initializer.draw(inputs * outputs, inputs, outputs, activation, seed);
        Linear { weight: self.parameter(weights, [inputs, outputs]), bias: bias.then(|| self.parameter(vec![0.0; outputs], [outputs])) }
    }
}
