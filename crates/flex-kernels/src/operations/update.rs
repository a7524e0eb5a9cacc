//! Update rules of one parameter in one pass over memory.
//!
//! Burn's elementwise operations read and write each tensor of a rule several times, and Burn has no Adadelta. Here
//! every value is loaded and stored once. The new weight is written over the gradient: the old weight usually still
//! belongs to the net that was differentiated.
//!
//! The update is elementwise, so results do not depend on the number of threads; levels differ by rounding.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::{
    kernels::{AdadeltaRule, AdamRule, DescentRule, MomentumRule, Rule, Update},
    level::Level,
};

/// Values per task.
const PIECE: usize = 1 << 16;

/// Update rule that keeps two running means of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TwoMeans {
    /// Means of squared gradients and of squared updates.
    Adadelta(AdadeltaRule),
    /// Means of gradients and of squared gradients.
    Adam(AdamRule),
}

/// Applies one step of gradient descent and returns the new weight.
///
/// # Panics
/// If the shapes differ, the tensors are not `f32`, take part in a gradient graph (give `tensor.inner()`), or their
/// device is not [`available`](crate::available).
pub fn descent_step<const D: usize>(weight: Tensor<D>, gradient: Tensor<D>, rule: DescentRule) -> Tensor<D> {
    check(&weight, &[&gradient]);
    run_descent(weight, gradient, rule, Level::chosen())
}

/// Applies one step of gradient descent with momentum and returns the new weight and velocity. The first velocity is
/// zero.
///
/// # Panics
/// As [`descent_step`].
pub fn momentum_step<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Tensor<D>,
    rule: MomentumRule,
) -> (Tensor<D>, Tensor<D>) {
    check(&weight, &[&gradient, &velocity]);
    run_momentum(weight, gradient, velocity, rule, Level::chosen())
}

/// Applies one step of `rule` and returns the new weight and the new means. The first means are zero.
///
/// # Panics
/// As [`descent_step`].
pub fn two_means_step<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    means: [Tensor<D>; 2],
    rule: TwoMeans,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    check(&weight, &[&gradient, &means[0], &means[1]]);
    run_two_means(weight, gradient, means, rule, Level::chosen())
}

fn check<const D: usize>(weight: &Tensor<D>, others: &[&Tensor<D>]) {
    for other in others {
        assert_eq!(other.dims(), weight.dims(), "an update of a weight by tensors of another shape");
    }
}

pub(crate) fn run_descent<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    rule: DescentRule,
    level: Level,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as UpdateOps>::descent(
        weight.into_dispatch(),
        gradient.into_dispatch(),
        rule,
        level,
    ))
}

pub(crate) fn run_momentum<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Tensor<D>,
    rule: MomentumRule,
    level: Level,
) -> (Tensor<D>, Tensor<D>) {
    let (weight, gradient, velocity) = (weight.into_dispatch(), gradient.into_dispatch(), velocity.into_dispatch());
    let (weight, velocity) = <Dispatch as UpdateOps>::momentum(weight, gradient, velocity, rule, level);
    (Tensor::from_dispatch(weight), Tensor::from_dispatch(velocity))
}

pub(crate) fn run_two_means<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    means: [Tensor<D>; 2],
    rule: TwoMeans,
    level: Level,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let [first, second] = means.map(Tensor::into_dispatch);
    let (weight, first, second) = <Dispatch as UpdateOps>::two_means(
        weight.into_dispatch(),
        gradient.into_dispatch(),
        first,
        second,
        rule,
        level,
    );
    (Tensor::from_dispatch(weight), [first, second].map(Tensor::from_dispatch))
}

/// Operations that Burn routes to the backend of the tensors; each returns the new weight and the new state.
#[backend_extension(Flex)]
trait UpdateOps: Backend {
    /// See [`descent_step`].
    fn descent(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rule: DescentRule,
        level: Level,
    ) -> FloatTensor<Self>;

    /// See [`momentum_step`].
    fn momentum(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        rule: MomentumRule,
        level: Level,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// See [`two_means_step`].
    fn two_means(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        rule: TwoMeans,
        level: Level,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl UpdateOps for Flex {
    fn descent(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rule: DescentRule,
        level: Level,
    ) -> FloatTensor<Self> {
        apply(weight, gradient, [], rule, level).0
    }

    fn momentum(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        rule: MomentumRule,
        level: Level,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (weight, [velocity]) = apply(weight, gradient, [velocity], rule, level);
        (weight, velocity)
    }

    fn two_means(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        rule: TwoMeans,
        level: Level,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (weight, [first, second]) = match rule {
            TwoMeans::Adadelta(rule) => apply(weight, gradient, [first, second], rule, level),
            TwoMeans::Adam(rule) => apply(weight, gradient, [first, second], rule.corrected(), level),
        };
        (weight, first, second)
    }
}

/// Returns the tensor with its values in order and nothing else in its buffer; copies only if necessary.
fn in_order(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let values = tensor.shape().num_elements();
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.storage::<f32>().len() == values {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// Returns the new weight and state.
fn apply<R: Rule<N> + Send, const N: usize>(
    weight: FloatTensor<Flex>,
    gradient: FloatTensor<Flex>,
    states: [FloatTensor<Flex>; N],
    rule: R,
    level: Level,
) -> (FloatTensor<Flex>, [FloatTensor<Flex>; N]) {
    let (weight, mut gradient, mut states) = (in_order(weight), in_order(gradient), states.map(in_order));
    let mut states_left = states.each_mut().map(|state| state.storage_mut::<f32>().chunks_mut(PIECE));
    let pieces: Vec<Update<R, N>> = weight
        .storage::<f32>()
        .chunks(PIECE)
        .zip(gradient.storage_mut::<f32>().chunks_mut(PIECE))
        .map(|(w, g)| Update {
            w,
            g,
            states: states_left.each_mut().map(|state| state.next().unwrap_or_default()),
            rule,
        })
        .collect();
    if pieces.len() == 1 || rayon::current_num_threads() == 1 {
        pieces.into_iter().for_each(|piece| level.run(piece));
    } else {
        pieces.into_par_iter().for_each(|piece| level.run(piece));
    }
    (gradient, states)
}
