//! A packed dense layer.

use super::map::Map;
use crate::{
    kernels::{Activate, Input, MatrixVector, panel},
    level::Level,
    memory::Buffer,
    spec::Activation,
};

/// Dense layer with its activation.
pub(crate) struct PackedDense {
    inputs: usize,
    outputs: usize,
    /// Weights in the layout of [`MatrixVector`]; inputs in the order `[position][channel]`.
    weights: Buffer,
    /// `[outputs]`, padded to whole vectors.
    bias: Vec<f32>,
    activation: Option<Activation>,
}

impl PackedDense {
    /// Packs `weight`, `[in, out]`, whose inputs are in the order `[channel][position]` of `map`.
    pub fn new(level: Level, map: Map, weight: &[f32], bias: &[f32], activation: Option<Activation>) -> Self {
        let (outputs, positions) = (bias.len(), map.side * map.side);
        let inputs = positions * map.channels;
        debug_assert_eq!(weight.len(), inputs * outputs);
        let padded = outputs.next_multiple_of(level.lanes());
        let mut weights = Buffer::default();
        let mut rest = weights.take(inputs * padded);
        let mut first = 0;
        while first < outputs {
            let width = panel((padded - first) / level.lanes()) * level.lanes();
            let (block, behind) = rest.split_at_mut(inputs * width);
            let inside = width.min(outputs - first);
            for (row, to) in block.chunks_exact_mut(width).enumerate() {
                let from = (row % map.channels * positions + row / map.channels) * outputs + first;
                to[..inside].copy_from_slice(&weight[from..from + inside]);
            }
            (rest, first) = (behind, first + width);
        }
        let mut bias = bias.to_vec();
        bias.resize(padded, 0.0);
        Self { inputs, outputs, weights, bias, activation }
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns the sizes of the outputs, as a map of one position.
    pub fn map(&self) -> Map {
        Map { side: 1, channels: self.outputs, padded: self.bias.len() }
    }

    /// Writes the outputs, with their padding, to `values`.
    pub fn run(&self, level: Level, inputs: &[Input], values: &mut [f32]) {
        level.run(MatrixVector {
            inputs,
            weights: self.weights.get(self.inputs * self.bias.len()),
            bias: &self.bias,
            values,
        });
        level.run(Activate { chain: self.activation.as_slice(), values, slopes: None });
    }
}

/// Buffer for the non-zero inputs of a dense layer. Weights are finite, so zero inputs add nothing.
pub(crate) struct DenseInputs(Vec<Input>);

impl DenseInputs {
    /// Allocates room for `most` inputs.
    pub fn new(most: usize) -> Self {
        Self(vec![Input::default(); most])
    }

    /// Returns the non-zero values of a map, in its order.
    pub fn gather(&mut self, values: &[f32], map: Map) -> &[Input] {
        let mut count = 0;
        for (position, values) in values.chunks_exact(map.padded).enumerate() {
            for (channel, &value) in values[..map.channels].iter().enumerate() {
                self.0[count] = Input { row: (position * map.channels + channel) as u32, value };
                // Every entry is written, so that there is no branch to be guessed wrong.
                count += usize::from(value != 0.0);
            }
        }
        &self.0[..count]
    }
}
