//! Sizes of an architecture: its parameters, its layers, its arithmetic.

use super::architecture::{Head, NetworkConfig, Pool};
use crate::{
    data::{CLASSES, SIDE},
    nn::network::{input::InputScale, normalization::Normalization, output::Output},
};

impl NetworkConfig {
    /// Returns the number of trainable parameters; saturates.
    pub fn parameters(&self) -> usize {
        let bias = usize::from(self.bias());
        let mut total = 0usize;
        if let Self::Cnn(cnn) = self {
            let mut channels = 1usize;
            for filters in cnn.blocks().into_iter().flatten() {
                let unit = channels
                    .saturating_mul(cnn.kernel.saturating_mul(cnn.kernel))
                    .saturating_add(cnn.normalization.parameters());
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

    /// Lists every layer from the image to the ten outputs: its description and the size of its output.
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
                let convolution = |filters: &usize| {
                    format!("convolution {0}×{0}, {filters} filters{normalized}, {activation:?}", cnn.kernel)
                };
                let mut name: Vec<String> = filters.iter().map(convolution).collect();
                name.push(if block + 1 == count { last_pool } else { pool }.to_owned());
                if cnn.extra_activation.get(block) == Some(&true) {
                    name.push(format!("{activation:?}"));
                }
                layers.push((name.join(", "), format!("{} × {side} × {side}", filters.last().copied().unwrap_or(1))));
            }
        }
        layers.extend(
            self.hidden().into_iter().map(|units| (format!("fully connected, {activation:?}"), units.to_string())),
        );
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
}
