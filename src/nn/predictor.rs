//! A trained net for one image at a time, on the CPU.
//!
//! [`TrainedNet::predict_proba`] goes through Burn, which is right for batches and for every device, and costs one image several times what
//! its arithmetic does: weights are packed at each call, tensors made and dropped. A [`NetPredictor`] packs the weights once and owns all
//! memory that it needs. It serves every architecture there is.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{
    block::Block,
    error::NnError,
    fused::single::{ConvolutionSpec, PackedNet, Scratch},
    network::{LEAST_PROBABILITY, Network},
    trained::TrainedNet,
    weights::read,
};
use crate::data::{CLASSES, PIXELS, SIDE};

/// A trained net that predicts one image after another: on the calling thread, without allocating anything.
///
/// Clones share the weights and have buffers of their own: one for each thread.
pub struct NetPredictor {
    net: Arc<PackedNet>,
    softmax_output: bool,
    scratch: Scratch,
}

impl Clone for NetPredictor {
    fn clone(&self) -> Self {
        Self { net: self.net.clone(), softmax_output: self.softmax_output, scratch: self.net.scratch() }
    }
}

impl NetPredictor {
    /// Reads the weights from the net's device and packs them.
    ///
    /// # Errors
    /// If the device does not hand them out.
    pub fn new(trained: &TrainedNet) -> Result<Self, NnError> {
        let mut net = PackedNet::new(SIDE);
        pack(trained.network(), &mut net)?;
        Ok(Self::of(net, trained.config().softmax_output()))
    }

    fn of(net: PackedNet, softmax_output: bool) -> Self {
        let scratch = net.scratch();
        Self { net: Arc::new(net), softmax_output, scratch }
    }

    /// Class probabilities of one image; they add up to 1. The same as [`TrainedNet::predict_proba`]'s but for rounding.
    pub fn predict_one(&mut self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        let outputs = self.net.forward(image.iter().map(|&pixel| f32::from(pixel) / 255.0), &mut self.scratch);
        let mut row = [0.0; CLASSES];
        row.copy_from_slice(outputs);
        if self.softmax_output {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row = row.map(|output| (output - largest).exp());
        } else {
            row = row.map(|output| output.clamp(LEAST_PROBABILITY as f32, 1.0));
        }
        let sum: f32 = row.iter().sum();
        row.map(|value| value / sum)
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
        let (pool, extra) = if index == last { (Some(block.pool), block.extra_activation) } else { (None, false) };
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
    Ok(())
}

/// A parameter's values, row-major as its shape says.
fn values<const D: usize>(parameter: Tensor<D>) -> Result<Vec<f32>, NnError> {
    read(parameter.inner())
}

#[cfg(test)]
mod tests;
