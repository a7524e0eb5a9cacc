//! Batch normalisation with the activations and the pool behind it, as two operations: the statistics of a batch, and
//! all the rest.
//!
//! A convolution that is followed by a norm writes its whole map, and the norm needs every value of a channel before it
//! yields the first. So the map is read twice forward and twice backward, the minimum; everything else happens image by
//! image in the cache. Only the map itself is kept for the backward pass, which recomputes slopes and winners of the
//! pool.
//!
//! With `x̂ = (x − μ) / √(σ² + ε)` and `dz` the gradient behind `z = γ·x̂ + β`: `dβ = Σ dz`, `dγ = Σ dz·x̂`, `dx = γ /
//! √(σ² + ε) · (dz − dβ / n − x̂ · dγ / n)` (Ioffe and Szegedy, 2015, arXiv:1502.03167), sums over the `n` values of a
//! channel.
//!
//! Each image has its own sums, in `f32`, which are added in the order of the images, in `f64`: results do not depend
//! on the number of threads.

use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use super::tensors::{channels_last, dims, tensor, view};
use crate::{
    geometry::Geometry,
    level::Level,
    norm::{Constants, Plan, statistics},
    spec::{Memory, NormSpec},
};

/// Computes the mean and the biased variance of each channel of `map`, `[batch, channels, height, width]`: both
/// `[channels]`.
///
/// # Panics
/// If the tensor takes part in a gradient graph (give `tensor.inner()`), is empty or not `f32`, or its device is not
/// [`available`](crate::available).
pub fn batch_statistics(map: Tensor<4>) -> (Tensor<1>, Tensor<1>) {
    run_statistics(map, Level::chosen())
}

pub(crate) fn run_statistics(map: Tensor<4>, level: Level) -> (Tensor<1>, Tensor<1>) {
    assert!(map.dims().iter().all(|&size| size > 0), "batch_statistics: a map {:?} is empty", map.dims());
    let (mean, variance) = <Dispatch as StatisticsOps>::batch_statistics(map.into_dispatch(), level);
    (Tensor::from_dispatch(mean), Tensor::from_dispatch(variance))
}

/// Normalises `map` by its [statistics](batch_statistics), multiplies by `weight`, adds `bias` and applies the layers
/// of `spec`. Differentiable in `map`, `weight` and `bias`; the gradient of `map` includes the path through its
/// statistics.
///
/// # Shapes
/// - `map`: `[batch, channels, height, width]`, fastest if channels lie innermost
/// - `statistics`: mean and biased variance of `map`, `[channels]`, without autodiff
/// - `weight`, `bias`: `[channels]`
/// - result: `[batch, channels, height, width]`, halved (rounding down) by a pool
///
/// # Panics
/// If the shapes do not fit each other, nothing is left of the map, the tensors are not `f32`, or the device is not
/// [`available`](crate::available).
pub fn norm_pool_activation(
    map: Tensor<4>,
    statistics: [Tensor<1>; 2],
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f32,
    spec: NormSpec,
) -> Tensor<4> {
    run(map, statistics, weight, bias, epsilon, spec, Level::chosen())
}

pub(crate) fn run(
    map: Tensor<4>,
    statistics: [Tensor<1>; 2],
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f32,
    spec: NormSpec,
    level: Level,
) -> Tensor<4> {
    let [_, channels, _, _] = map.dims();
    for values in statistics.iter().chain([&weight, &bias]) {
        assert_eq!(values.dims(), [channels], "norm_pool_activation: a map of {channels} channels");
    }
    if let Err(problem) = Geometry::of_norm(map.dims(), &spec) {
        panic!("norm_pool_activation: {problem}");
    }
    let tracked = map.device().is_autodiff();
    let statistics = statistics.map(|values| if tracked { Tensor::from_inner(values) } else { values });
    let [mean, variance] = statistics.map(Tensor::into_dispatch);
    let (map, weight, bias) = (map.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(<Dispatch as NormOps>::norm(map, mean, variance, weight, bias, epsilon, spec, level))
}

/// Operation that Burn routes to the backend of the tensor.
#[backend_extension(Flex)]
trait StatisticsOps: Backend {
    /// See [`batch_statistics`].
    fn batch_statistics(map: FloatTensor<Self>, level: Level) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl StatisticsOps for Flex {
    fn batch_statistics(map: FloatTensor<Self>, level: Level) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let shape @ [_, channels, _, _] = dims(&map);
        let map = with_channels_innermost(map);
        let (mean, variance) = statistics(level, map.storage(), shape);
        (tensor(mean, &[channels]), tensor(variance, &[channels]))
    }
}

/// Operations that Burn routes to the backend of the tensors.
#[backend_extension(Flex, Autodiff)]
trait NormOps: Backend {
    /// See [`norm_pool_activation`]; the caller has checked the sizes.
    #[allow(clippy::too_many_arguments)]
    fn norm(
        map: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
        spec: NormSpec,
        level: Level,
    ) -> FloatTensor<Self>;
}

/// Returns the map as `[batch, height, width, channels]`, row-major; copies only if it is laid out otherwise.
fn with_channels_innermost(map: FloatTensor<Flex>) -> FloatTensor<Flex> {
    Flex::float_permute(map, &[0, 2, 3, 1]).to_contiguous()
}

/// Inputs of both passes.
#[derive(Clone, Debug)]
struct State {
    /// `[batch, height, width, channels]`, row-major.
    map: FloatTensor<Flex>,
    mean: FloatTensor<Flex>,
    variance: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    bias: FloatTensor<Flex>,
    epsilon: f32,
    spec: NormSpec,
    level: Level,
}

impl State {
    fn plan(&self) -> Plan<'_> {
        let [batch, height, width, channels] = dims(&self.map);
        let geometry =
            Geometry::of_norm([batch, channels, height, width], &self.spec).expect("the caller checked the sizes");
        let read = |values: &FloatTensor<Flex>| values.to_contiguous().storage::<f32>().to_vec();
        let [mean, variance, weight, bias] = [&self.mean, &self.variance, &self.weight, &self.bias].map(read);
        let constants = Constants::new(
            &mean,
            &variance,
            &weight,
            &bias,
            self.epsilon,
            channels.next_multiple_of(self.level.lanes()),
        );
        Plan { level: self.level, geometry, spec: &self.spec, constants }
    }

    fn forward(&self) -> FloatTensor<Flex> {
        let plan = self.plan();
        let values = plan.forward(self.map.storage());
        let g = &plan.geometry;
        let shape = [g.batch, g.channels_out, g.out_height, g.out_width];
        match self.spec.memory {
            Memory::ChannelsLast => channels_last(values, shape),
            Memory::Contiguous => tensor(values, &shape),
        }
    }
}

impl NormOps for Flex {
    fn norm(
        map: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
        spec: NormSpec,
        level: Level,
    ) -> FloatTensor<Self> {
        State { map: with_channels_innermost(map), mean, variance, weight, bias, epsilon, spec, level }.forward()
    }
}

#[derive(Debug)]
struct NormBackward;

impl Backward<Flex, 3> for NormBackward {
    type State = State;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [map_node, weight_node, bias_node] = ops.parents;
        let gradient = grads.consume::<Flex>(&ops.node);
        let state = ops.state;
        let plan = state.plan();
        let computed = plan.backward(state.map.storage(), &view(&gradient), map_node.is_some());
        let g = &plan.geometry;
        if let (Some(node), Some(values)) = (map_node, computed.map) {
            grads.register::<Flex>(node.id, channels_last(values, [g.batch, g.channels_in, g.height, g.width]));
        }
        for (node, values) in [(weight_node, computed.weight), (bias_node, computed.bias)] {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(values, &[g.channels_in]));
            }
        }
    }
}

impl<C: CheckpointStrategy> NormOps for Autodiff<Flex, C> {
    fn norm(
        map: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
        spec: NormSpec,
        level: Level,
    ) -> FloatTensor<Self> {
        let nodes = [map.node(), weight.node(), bias.node()];
        let map = with_channels_innermost(map.into_primitive());
        let (mean, variance) = (mean.into_primitive(), variance.into_primitive());
        let (weight, bias) = (weight.into_primitive(), bias.into_primitive());
        let state = State { map, mean, variance, weight, bias, epsilon, spec, level };
        let output = state.forward();
        match NormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(state, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}
