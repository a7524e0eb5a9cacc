//! The operation inside Burn: a backend extension for Flex, and its gradient for `Autodiff<Flex>`.

use std::sync::Arc;

use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::TensorData;

use super::level::Level;
use super::passes::Plan;
use super::saved::Saved;
use super::spec::{BlockSpec, Geometry, Memory};
use super::stage::View;

/// Routed by Burn to the backend of the tensors.
#[backend_extension(Flex, Autodiff)]
pub(super) trait BlockOps: Backend {
    /// See [`conv_pool_activation`](super::conv_pool_activation); the sizes are checked by the caller.
    fn block(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: BlockSpec,
        level: Level,
    ) -> FloatTensor<Self>;
}

/// A tensor's memory with its strides.
pub(super) fn view(tensor: &FloatTensor<Flex>) -> View<'_> {
    let layout = tensor.layout();
    let mut strides = [0; 4];
    strides.copy_from_slice(layout.strides());
    View { data: tensor.storage::<f32>(), offset: layout.start_offset(), strides }
}

pub(super) fn dims<const D: usize>(tensor: &FloatTensor<Flex>) -> [usize; D] {
    tensor.shape().dims()
}

/// `values` in the memory order of `[batch, height, width, channels]`, seen as `[batch, channels, height, width]`.
pub(super) fn channels_last(values: Vec<f32>, [batch, channels, height, width]: [usize; 4]) -> FloatTensor<Flex> {
    Flex::float_permute(tensor(values, &[batch, height, width, channels]), &[0, 3, 1, 2])
}

pub(super) fn tensor(values: Vec<f32>, shape: &[usize]) -> FloatTensor<Flex> {
    Flex::float_from_data(TensorData::new(values, shape.to_vec()), &Default::default())
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

/// The forward pass; what it saves is there if `track` and anything follows the convolution.
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
