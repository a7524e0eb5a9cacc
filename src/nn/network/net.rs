//! The module of every architecture: blocks of convolutions (none for a dense net), fully connected layers, ten
//! outputs.

use burn::{
    module::{Module, Param, ParamId},
    nn::Linear,
    tensor::{Device, Tensor, TensorData},
};

use super::{
    activation::Activation,
    block::{Block, Convolution, End},
    config::{CnnConfig, Head, NetworkConfig, Padding, Pool},
    dropout::dropout,
    initializer::Initializer,
    input::InputMap,
    normalization::{Norm, Normalization},
    output::Output,
};
use crate::{
    data::{CLASSES, Images, SIDE},
    nn::error::NnError,
    seed::Seed,
};

/// Neural network that classifies 28×28 images.
#[derive(Module, Debug)]
pub struct Network {
    /// Blocks of convolutions; empty for a dense net.
    pub blocks: Vec<Block>,
    /// Fully connected layers, each followed by the activation.
    pub hidden: Vec<Linear>,
    /// Output layer with ten units.
    pub output: Linear,
    /// Scaling of the pixels.
    pub input: InputMap,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    block_dropout: f64,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    output_kind: Output,
}

impl Network {
    /// Creates a net with initial weights. A seed gives the same weights on every device; a device with autodiff gives
    /// a trainable net.
    ///
    /// # Errors
    /// If a setting of `config` is invalid.
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
        let input = InputMap::new(config.input(), layers.drawn, device);
        Ok(Self { blocks, hidden, output, input, activation, block_dropout, dropout, output_kind: config.output() })
    }

    /// Fits the scaling of the pixels on the training images, if it is fitted.
    pub fn fit_input(&mut self, images: &Images) {
        self.input.fit(images);
    }

    /// Maps images `[batch, 1, 28, 28]` (0 = background, 1 = ink) to the outputs before any softmax, `[batch, 10]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        debug_assert_eq!(images.dims()[1..], [1, SIDE, SIDE]);
        let x = self.blocks.iter().fold(self.input.forward(images), |x, block| block.forward(x));
        self.finish(x, |x, _| x)
    }

    /// Computes the outputs in training: dropout draws its masks from `seed`, which must differ from step to step;
    /// norms use the statistics of these images and update their running statistics.
    pub fn forward_training(&mut self, images: Tensor<4>, seed: Seed) -> Tensor<2> {
        debug_assert_eq!(images.dims()[1..], [1, SIDE, SIDE]);
        let mut x = self.input.forward(images);
        for (layer, block) in (1..).zip(&mut self.blocks) {
            x = drop_some(block.forward_training(x), self.block_dropout, seed.index(layer));
        }
        let blocks = self.blocks.len() as u64;
        self.finish(x, |x, layer| drop_some(x, self.dropout, seed.index(blocks + layer)))
    }

    /// Converts the outputs of [`forward`](Self::forward) to probabilities, `[batch, 10]`; each row adds up to 1.
    pub fn probabilities(&self, outputs: Tensor<2>) -> Tensor<2> {
        self.output_kind.probabilities(outputs)
    }

    /// Returns the activation behind every hidden layer.
    pub(in crate::nn) fn activation(&self) -> Activation {
        self.activation
    }

    /// Returns the conversion of the outputs to probabilities.
    pub(in crate::nn) fn output_kind(&self) -> Output {
        self.output_kind
    }

    /// Applies the fully connected layers; `between` is applied to each hidden layer's output and its number, from 1.
    fn finish(&self, x: Tensor<4>, between: impl Fn(Tensor<2>, u64) -> Tensor<2>) -> Tensor<2> {
        let x: Tensor<2> = x.flatten(1, 3);
        let x = (1..)
            .zip(&self.hidden)
            .fold(x, |x, (layer, linear)| between(fully_connected(linear, x, Some(self.activation)), layer));
        fully_connected(&self.output, x, None)
    }
}

fn drop_some<const D: usize>(x: Tensor<D>, rate: f64, seed: Seed) -> Tensor<D> {
    if rate > 0.0 { dropout(x, rate, seed) } else { x }
}

/// Maps `[batch, in]` to `[batch, out]`; one operation on the CPU.
pub(in crate::nn) fn fully_connected(linear: &Linear, x: Tensor<2>, activation: Option<Activation>) -> Tensor<2> {
    if flex_kernels::available(&x.device()) {
        let weight = linear.weight.val();
        let bias =
            linear.bias.as_ref().map_or_else(|| Tensor::zeros([weight.dims()[1]], &x.device()), |bias| bias.val());
        return flex_kernels::dense(
            x,
            weight,
            bias,
            activation.map_or(flex_kernels::Activation::Identity, Activation::fused),
        );
    }
    let x = linear.forward(x);
    activation.map_or(x.clone(), |activation| activation.forward(x))
}

/// Builder that draws one layer after another.
struct Layers<'a> {
    seed: Seed,
    device: &'a Device,
    /// Number of parameters so far; also the next id, to which the optimizer's state refers and which must be the same
    /// in every run.
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
        let layout = cnn.blocks();
        for (index, filters) in layout.iter().enumerate() {
            let mut convolutions = Vec::new();
            for &filters in filters {
                convolutions.push(self.convolution(channels, filters, cnn, padding));
                channels = filters;
            }
            let extra_activation = cnn.extra_activation.get(index).copied().unwrap_or(false);
            let last = index + 1 == layout.len();
            let end = match cnn.head {
                Head::GlobalMax if last => End::Map(Pool::Max),
                Head::GlobalAverage if last => End::Map(Pool::Average),
                _ => End::Windows(cnn.pool),
            };
            blocks.push(Block { convolutions, activation: cnn.activation, end, extra_activation, last });
        }
        blocks
    }

    fn convolution(&mut self, inputs: usize, outputs: usize, cnn: &CnnConfig, padding: usize) -> Convolution {
        let (kernel, area) = (cnn.kernel, cnn.kernel * cnn.kernel);
        let seed = self.seed.index(self.drawn);
        let weights =
            self.initializer.draw(outputs * inputs * area, inputs * area, outputs * area, Some(cnn.activation), seed);
        let weight = self.parameter(weights, [outputs, inputs, kernel, kernel]);
        let (bias, norm) = match cnn.normalization {
            Normalization::None => (Some(self.parameter(vec![0.0; outputs], [outputs])), None),
            Normalization::Batch { affine } => (None, Some(self.norm(outputs, affine))),
        };
        Convolution { weight, bias, norm, padding }
    }

    fn norm(&mut self, channels: usize, affine: bool) -> Norm {
        Norm {
            weight: affine.then(|| self.parameter(vec![1.0; channels], [channels])),
            bias: affine.then(|| self.parameter(vec![0.0; channels], [channels])),
            running_mean: self.parameter(vec![0.0; channels], [channels]).set_require_grad(false),
            running_var: self.parameter(vec![1.0; channels], [channels]).set_require_grad(false),
        }
    }

    fn linear(&mut self, inputs: usize, outputs: usize, bias: bool, activation: Option<Activation>) -> Linear {
        let seed = self.seed.index(self.drawn);
        let weights = self.initializer.draw(inputs * outputs, inputs, outputs, activation, seed);
        Linear {
            weight: self.parameter(weights, [inputs, outputs]),
            bias: bias.then(|| self.parameter(vec![0.0; outputs], [outputs])),
        }
    }
}
