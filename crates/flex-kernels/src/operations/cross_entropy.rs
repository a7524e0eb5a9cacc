//! Softmax and cross-entropy, `−Σ q ln p` averaged over the batch, as a single operation.
//!
//! The composition walks over a few hundred numbers two dozen times, and each walk costs more than the numbers do. Here
//! the forward pass leaves behind the gradient itself, `(p · Σq − q) / batch`, which the backward pass only multiplies.

use std::sync::Arc;

use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use super::tensors::{dims, tensor};
use crate::{kernels::Exponentials, level::Level};

/// Computes the mean over the batch of `−Σ targets · ln softmax(outputs)`, differentiable in `outputs`; no gradient
/// goes to the targets.
///
/// # Shapes
/// - `outputs`: `[batch, classes]`, before the softmax
/// - `targets`: `[batch, classes]`; rows need not add up to 1
/// - result: `[1]`
///
/// # Panics
/// If the shapes differ or one of the sizes is 0, the tensors are not `f32`, or the device is not
/// [`available`](crate::available).
pub fn cross_entropy(outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    run(outputs, targets, Level::chosen())
}

pub(crate) fn run(outputs: Tensor<2>, targets: Tensor<2>, level: Level) -> Tensor<1> {
    assert_eq!(outputs.dims(), targets.dims(), "cross_entropy: the shapes of outputs and targets differ");
    assert!(!outputs.dims().contains(&0), "cross_entropy: {:?} is empty", outputs.dims());
    Tensor::from_dispatch(<Dispatch as CrossEntropyOps>::cross_entropy(
        outputs.into_dispatch(),
        targets.into_dispatch(),
        level,
    ))
}

/// Operations that Burn routes to the backend of the tensors.
#[backend_extension(Flex, Autodiff)]
trait CrossEntropyOps: Backend {
    /// See [`cross_entropy`]; the caller has checked the sizes.
    fn cross_entropy(outputs: FloatTensor<Self>, targets: FloatTensor<Self>, level: Level) -> FloatTensor<Self>;
}

/// Returns the loss and its gradient, `[batch][classes]`.
fn forward(outputs: &FloatTensor<Flex>, targets: &FloatTensor<Flex>, level: Level) -> (FloatTensor<Flex>, Vec<f32>) {
    let (outputs, targets) = (outputs.to_contiguous(), targets.to_contiguous());
    let ([batch, classes], z, q) = (dims(&outputs), outputs.storage::<f32>(), targets.storage::<f32>());
    let maxima: Vec<f32> =
        z.chunks_exact(classes).map(|z| z.iter().copied().fold(f32::NEG_INFINITY, f32::max)).collect();
    let mut values: Vec<f32> =
        z.chunks_exact(classes).zip(&maxima).flat_map(|(z, max)| z.iter().map(move |z| z - max)).collect();
    // Exponentials take whole vectors.
    values.resize(z.len().next_multiple_of(level.lanes()), 0.0);
    level.run(Exponentials { values: &mut values });
    values.truncate(z.len());
    let (mut loss, share) = (0.0, 1.0 / batch as f32);
    let rows = values.chunks_exact_mut(classes).zip(z.chunks_exact(classes)).zip(q.chunks_exact(classes)).zip(&maxima);
    for (((values, z), q), max) in rows {
        let sum: f32 = values.iter().sum();
        let (ln_sum, weight) = (sum.ln(), q.iter().sum::<f32>());
        for ((value, z), q) in values.iter_mut().zip(z).zip(q) {
            loss += f64::from(q * (ln_sum - (z - max)));
            *value = (*value / sum * weight - q) * share;
        }
    }
    (tensor(vec![(loss / batch as f64) as f32], &[1]), values)
}

impl CrossEntropyOps for Flex {
    fn cross_entropy(outputs: FloatTensor<Self>, targets: FloatTensor<Self>, level: Level) -> FloatTensor<Self> {
        forward(&outputs, &targets, level).0
    }
}

#[derive(Debug)]
struct CrossEntropyBackward;

impl Backward<Flex, 1> for CrossEntropyBackward {
    /// The gradient of the loss and its shape.
    type State = (Arc<Vec<f32>>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([node], (gradient, shape)) = (ops.parents, ops.state);
        let upstream = grads.consume::<Flex>(&ops.node).to_contiguous().storage::<f32>()[0];
        if let Some(node) = node {
            grads.register::<Flex>(node.id, tensor(gradient.iter().map(|value| value * upstream).collect(), &shape));
        }
    }
}

impl<C: CheckpointStrategy> CrossEntropyOps for Autodiff<Flex, C> {
    fn cross_entropy(outputs: FloatTensor<Self>, targets: FloatTensor<Self>, level: Level) -> FloatTensor<Self> {
        let node = outputs.node();
        let (outputs, targets) = (outputs.into_primitive(), targets.into_primitive());
        let (loss, gradient) = forward(&outputs, &targets, level);
        match CrossEntropyBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((Arc::new(gradient), dims(&outputs)), loss),
            OpsKind::UnTracked(prepared) => prepared.finish(loss),
        }
    }
}
