//! A fully connected layer with its activation, `y = activation(x · W + b)`, as a single operation.
//!
//! Composed of Burn's operations a small layer spends as long on its bias, its activation and their gradients as on its
//! product. Here the sums begin with the bias, and the backward pass needs nothing but `x`, `W` and the slope of the
//! activation: `dz = g · slope; dW = xᵀ · dz; db = Σ dz; dx = dz · Wᵀ`, each only if it is required.
//!
//! Results are bit-identical for every number of threads, see `matrix`.

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
use crate::{
    kernels::{Activate, Strided},
    level::Level,
    matrix::{Factor, add_product},
    spec::Activation,
};

/// Computes `activation(input · weight + bias)`, differentiable in all three tensors.
///
/// # Shapes
/// - `input`: `[batch, in]`
/// - `weight`: `[in, out]`
/// - `bias`: `[out]`
/// - result: `[batch, out]`
///
/// # Panics
/// If the shapes do not fit each other or one of the sizes is 0, the tensors are not `f32`, or the device is not
/// [`available`](crate::available).
pub fn dense(input: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>, activation: Activation) -> Tensor<2> {
    run(input, weight, bias, activation, Level::chosen())
}

pub(crate) fn run(
    input: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    activation: Activation,
    level: Level,
) -> Tensor<2> {
    let ([batch, inputs], [weight_in, outputs], [biases]) = (input.dims(), weight.dims(), bias.dims());
    assert!(
        weight_in == inputs && biases == outputs,
        "dense: [{batch}, {inputs}] · [{weight_in}, {outputs}] + [{biases}] do not fit"
    );
    assert!(batch > 0 && inputs > 0 && outputs > 0, "dense: [{batch}, {inputs}] · [{inputs}, {outputs}] is empty");
    let (input, weight, bias) = (input.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(<Dispatch as DenseOps>::dense(input, weight, bias, activation, level))
}

/// Operations that Burn routes to the backend of the tensors.
#[backend_extension(Flex, Autodiff)]
trait DenseOps: Backend {
    /// See [`dense`]; the caller has checked the sizes.
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
        level: Level,
    ) -> FloatTensor<Self>;
}

/// Returns the output and, if `track` and it is not 1 everywhere, the slope of the activation, both `[batch][out]`.
fn forward(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
    activation: Activation,
    level: Level,
    track: bool,
) -> (FloatTensor<Flex>, Option<Vec<f32>>) {
    let (input, weight, bias) = (input.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
    let ([batch, inputs], [outputs]) = (dims(&input), dims(&bias));
    let mut values = bias.storage::<f32>().repeat(batch);
    let a = Strided { data: input.storage(), row: inputs, step: 1 };
    add_product(level, a, inputs, Factor::Rows(weight.storage()), outputs, &mut values);
    let mut slopes = None;
    if activation != Activation::Identity {
        // Activations take whole vectors.
        values.resize((batch * outputs).next_multiple_of(level.lanes()), 0.0);
        slopes = track.then(|| vec![0.0; values.len()]);
        level.run(Activate { chain: &[activation], values: &mut values, slopes: slopes.as_deref_mut() });
        values.truncate(batch * outputs);
    }
    (tensor(values, &[batch, outputs]), slopes)
}

impl DenseOps for Flex {
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
        level: Level,
    ) -> FloatTensor<Self> {
        forward(&input, &weight, &bias, activation, level, false).0
    }
}

#[derive(Debug)]
struct DenseBackward;

#[derive(Clone, Debug)]
struct State {
    input: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    slopes: Option<Arc<Vec<f32>>>,
    level: Level,
}

impl Backward<Flex, 3> for DenseBackward {
    type State = State;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [input_node, weight_node, bias_node] = ops.parents;
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let State { input, weight, slopes, level } = ops.state;
        let ([batch, inputs], [_, outputs]) = (dims(&input), dims(&weight));
        let gradient = gradient.storage::<f32>();
        let multiplied: Vec<f32>;
        let gradient = match slopes {
            None => gradient,
            Some(slopes) => {
                multiplied = gradient.iter().zip(slopes.iter()).map(|(gradient, slope)| gradient * slope).collect();
                &multiplied
            }
        };
        if let Some(node) = bias_node {
            let mut sum = vec![0.0; outputs];
            for row in gradient.chunks_exact(outputs) {
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            grads.register::<Flex>(node.id, tensor(sum, &[outputs]));
        }
        if let Some(node) = weight_node {
            let (input, mut sum) = (input.to_contiguous(), vec![0.0; inputs * outputs]);
            let transposed = Strided { data: input.storage(), row: 1, step: inputs };
            add_product(level, transposed, batch, Factor::Rows(gradient), outputs, &mut sum);
            grads.register::<Flex>(node.id, tensor(sum, &[inputs, outputs]));
        }
        if let Some(node) = input_node {
            let (weight, mut sum) = (weight.to_contiguous(), vec![0.0; batch * inputs]);
            let a = Strided { data: gradient, row: outputs, step: 1 };
            add_product(level, a, outputs, Factor::Columns(weight.storage()), inputs, &mut sum);
            grads.register::<Flex>(node.id, tensor(sum, &[batch, inputs]));
        }
    }
}

impl<C: CheckpointStrategy> DenseOps for Autodiff<Flex, C> {
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
        level: Level,
    ) -> FloatTensor<Self> {
        let nodes = [input.node(), weight.node(), bias.node()];
        let (input, weight, bias) = (input.into_primitive(), weight.into_primitive(), bias.into_primitive());
        match DenseBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (output, slopes) = forward(&input, &weight, &bias, activation, level, true);
                prepared.finish(State { input, weight, slopes: slopes.map(Arc::new), level }, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(Flex::dense(input, weight, bias, activation, level)),
        }
    }
}
