//! Inference of single images on the CPU.
//!
//! [`TrainedNet::predict_proba`] computes batches on every device through Burn. For a single image that costs several
//! times the arithmetic: weights are packed at each call, tensors are allocated and freed. A [`NetPredictor`] packs the
//! weights once and owns all buffers that it needs. It supports every architecture.

use std::sync::Arc;

use burn::tensor::Tensor;
use flex_kernels::single::{ConvolutionSpec, PackedNet, Scratch};

use super::trained::TrainedNet;
use crate::{
    data::{CLASSES, PIXELS, SIDE},
    nn::{
        error::NnError,
        network::{
            block::{Block, End},
            net::Network,
            output::Output,
            weights::read,
        },
    },
};

/// Trained net for single images, computed on the calling thread without allocations.
///
/// Clones share the weights and have their own buffers: use one per thread.
pub struct NetPredictor {
    net: Arc<PackedNet>,
    input: Arc<PixelMap>,
    output: Output,
    scratch: Scratch,
}

impl Clone for NetPredictor {
    fn clone(&self) -> Self {
        Self { net: self.net.clone(), input: self.input.clone(), output: self.output, scratch: self.net.scratch() }
    }
}

impl NetPredictor {
    /// Reads the weights from the net's device and packs them.
    ///
    /// # Errors
    /// If the device fails.
    pub fn new(trained: &TrainedNet) -> Result<Self, NnError> {
        Self::of(PackedNet::new(SIDE), trained)
    }

    /// `net` has no layers yet.
    fn of(mut net: PackedNet, trained: &TrainedNet) -> Result<Self, NnError> {
        pack(trained.network(), &mut net)?;
        let scratch = net.scratch();
        let input = PixelMap::new(trained.network())?;
        Ok(Self { net: Arc::new(net), input: Arc::new(input), output: trained.config().output(), scratch })
    }

    /// Computes the class probabilities of one image; they add up to 1 and equal those of [`TrainedNet::predict_proba`]
    /// up to rounding.
    pub fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        let pixels = image.iter().zip(&self.input.0).map(|(&pixel, [scale, shift])| f32::from(pixel) * scale + shift);
        let outputs = self.net.forward(pixels, &mut self.scratch);
        let mut row = [0.0; CLASSES];
        row.copy_from_slice(outputs);
        self.output.probabilities_of_one(row)
    }
}

/// Scaling of each pixel, 0 to 255, in front of the first layer: factor and shift.
struct PixelMap(Vec<[f32; 2]>);

impl PixelMap {
    fn new(network: &Network) -> Result<Self, NnError> {
        let device = network.output.weight.device();
        let ends = |level: f32| values(network.input.forward(Tensor::full([1, 1, SIDE, SIDE], level, &device)));
        let (low, high) = (ends(0.0)?, ends(1.0)?);
        Ok(Self(low.into_iter().zip(high).map(|(low, high)| [(high - low) / 255.0, low]).collect()))
    }
}

/// Adds the net's layers.
fn pack(network: &Network, packed: &mut PackedNet) -> Result<(), NnError> {
    for block in &network.blocks {
        pack_block(block, packed)?;
    }
    let activation = network.activation().fused();
    let hidden = network.hidden.iter().map(|linear| (linear, Some(activation)));
    for (linear, activation) in hidden.chain([(&network.output, None)]) {
        let [_, outputs] = linear.weight.dims();
        let bias = linear.bias.as_ref().map_or_else(|| Ok(vec![0.0; outputs]), |bias| values(bias.val()))?;
        packed.add_dense(&values(linear.weight.val())?, &bias, activation);
    }
    Ok(())
}

fn pack_block(block: &Block, packed: &mut PackedNet) -> Result<(), NnError> {
    let activations = [block.activation.fused()];
    let last = block.convolutions.len() - 1;
    for (index, convolution) in block.convolutions.iter().enumerate() {
        let (pool, extra) = match block.end {
            End::Windows(pool) if index == last => (Some(pool.kind()), block.extra_activation),
            _ => (None, false),
        };
        let (weight, bias) = convolution.folded();
        packed.add_convolution(&ConvolutionSpec {
            weight: &values(weight)?,
            bias: &values(bias)?,
            kernel: convolution.weight.dims()[2],
            border: convolution.padding,
            activations: &activations,
            pool,
            pooled_activations: &activations[..usize::from(extra)],
        });
    }
    if let End::Map(pool) = block.end {
        packed.add_global_pool(pool.kind(), &activations[..usize::from(block.extra_activation)]);
    }
    Ok(())
}

/// A tensor's values, row-major as its shape says.
fn values<const D: usize>(parameter: Tensor<D>) -> Result<Vec<f32>, NnError> {
    read(parameter.inner())
}

#[cfg(test)]
mod tests;
