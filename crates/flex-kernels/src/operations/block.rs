//! A block of a convolutional net as a backend extension for Flex, with its gradient for `Autodiff<Flex>`.

use std::sync::Arc;

use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use super::tensors::{channels_last, dims, tensor, view};
use crate::{
    convolution::{Plan, Saved},
    geometry::Geometry,
    level::Level,
    spec::{BlockSpec, Memory},
};

/// Computes a convolution of stride 1 with bias, activations, a pool and activations, differentiable in all three
/// tensors.
///
/// # Shapes
/// - `input`: `[batch, in, height, width]`, any strides
/// - `weight`: `[out, in, k, k]`, `k` odd and at most [`LARGEST_KERNEL`](crate::LARGEST_KERNEL)
/// - `bias`: `[out]`
/// - result: `[batch, out, height', width']`; `height' = height` with [`Padding::Same`](crate::Padding::Same), `height
///   − k + 1` with [`Padding::Valid`](crate::Padding::Valid), halved (rounding down) by a pool; in memory as
///   [`BlockSpec::memory`](crate::BlockSpec::memory) says.
///
/// # Panics
/// As Burn's own operations do: if the shapes do not fit each other, nothing would be left of the image, the tensors
/// are not `f32`, or the device is not [`available`](crate::available).
pub fn conv_pool_activation(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, spec: BlockSpec) -> Tensor<4> {
    run(input, weight, bias, spec, Level::chosen())
}

pub(crate) fn run(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, spec: BlockSpec, level: Level) -> Tensor<4> {
    let [channels] = bias.dims();
    if let Err(problem) = Geometry::new(input.dims(), weight.dims(), channels, &spec) {
        panic!("conv_pool_activation: {problem}");
    }
    Tensor::from_dispatch(<Dispatch as BlockOps>::block(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        spec,
        level,
    ))
}

/// Operations that Burn routes to the backend of the tensors.
#[backend_extension(Flex, Autodiff)]
trait BlockOps: Backend {
    /// See [`conv_pool_activation`](conv_pool_activation); the caller has checked the sizes.
    fn block(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: BlockSpec,
        level: Level,
    ) -> FloatTensor<Self>;
}

fn plan<'a>(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
    spec: &'a BlockSpec,
    level: Level,
) -> Plan<'a> {
    let [channels] = dims(bias);
    let geometry = Geometry::new(dims(input), dims(weight), channels, spec).expect("the caller checked the sizes");
    let (on_positions, on_outputs) = spec.chains();
    Plan { level, geometry, on_positions, on_outputs, memory: spec.memory }
}

/// Runs the forward pass; buffers for the backward pass are returned if `track` and anything follows the convolution.
fn forward(
    input: &FloatTensor<Flex>,
    weight: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
    spec: &BlockSpec,
    level: Level,
    track: bool,
) -> (FloatTensor<Flex>, Option<Saved>) {
    let (weight, bias) = (weight.to_contiguous(), bias.to_contiguous());
    let plan = plan(input, &weight, &bias, spec, level);
    let (values, saved) = plan.forward(&view(input), weight.storage(), bias.storage(), track && !plan.is_plain());
    let g = &plan.geometry;
    let shape = [g.batch, g.channels_out, g.out_height, g.out_width];
    let output = match spec.memory {
        Memory::ChannelsLast => channels_last(values, shape),
        Memory::Contiguous => tensor(values, &shape),
    };
    (output, saved)
}

impl BlockOps for Flex {
    fn block(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: BlockSpec,
        level: Level,
    ) -> FloatTensor<Self> {
        forward(&input, &weight, &bias, &spec, level, false).0
    }
}

#[derive(Debug)]
struct BlockBackward;

#[derive(Clone, Debug)]
struct State {
    input: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    bias: FloatTensor<Flex>,
    /// Absent where nothing follows the convolution.
    saved: Option<Arc<Saved>>,
    spec: BlockSpec,
    level: Level,
}

impl Backward<Flex, 3> for BlockBackward {
    type State = State;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [input_node, weight_node, bias_node] = ops.parents;
        let gradient = grads.consume::<Flex>(&ops.node);
        let State { input, weight, bias, saved, spec, level } = ops.state;
        let weight = weight.to_contiguous();
        let plan = plan(&input, &weight, &bias, &spec, level);
        let (images, gradient, wanted) = (view(&input), view(&gradient), input_node.is_some());
        let computed = match &saved {
            Some(saved) => plan.backward(&images, weight.storage(), &gradient, saved, wanted),
            None => plan.backward_plain(&images, weight.storage(), &gradient, wanted, bias_node.is_some()),
        };
        if let (Some(node), Some(values)) = (input_node, computed.input) {
            grads.register::<Flex>(node.id, channels_last(values, dims(&input)));
        }
        if let Some(node) = weight_node {
            grads.register::<Flex>(node.id, tensor(computed.weight, &dims::<4>(&weight)));
        }
        if let Some(node) = bias_node {
            grads.register::<Flex>(node.id, tensor(computed.bias, &dims::<1>(&bias)));
        }
    }
}

impl<C: CheckpointStrategy> BlockOps for Autodiff<Flex, C> {
    fn block(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: BlockSpec,
        level: Level,
    ) -> FloatTensor<Self> {
        match BlockBackward.prepare::<C>([input.node(), weight.node(), bias.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (input, weight, bias) = (input.into_primitive(), weight.into_primitive(), bias.into_primitive());
                let (output, saved) = forward(&input, &weight, &bias, &spec, level, true);
                prepared.finish(State { input, weight, bias, saved: saved.map(Arc::new), spec, level }, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(Flex::block(
                input.into_primitive(),
                weight.into_primitive(),
                bias.into_primitive(),
                spec,
                level,
            )),
        }
    }
}
