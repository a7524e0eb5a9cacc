//! Update rules of one parameter in one pass over memory.
//!
//! Burn's elementwise operations read and write each tensor of a rule several times, and Adadelta it lacks. Here every
//! value is loaded and stored once. The new weight takes the place of the gradient: the old one usually still belongs
//! to the net that was differentiated.
//!
//! Every value depends on its own few numbers only, so the number of threads changes nothing; the levels differ by
//! rounding.

mod rules;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::level::Level;
use rules::Rule;
pub use rules::{AdadeltaRule, AdamRule, DescentRule, MomentumRule};

/// Values per task.
const PIECE: usize = 1 << 16;

/// A rule that keeps two running means of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TwoMeans {
    /// Of squared gradients and of squared updates.
    Adadelta(AdadeltaRule),
    /// Of gradients and of squared gradients.
    Adam(AdamRule),
}

/// Applies `rule` once and returns the new weight.
///
/// # Panics
/// If the shapes differ, the tensors are not `f32`, take part in a gradient graph (give `tensor.inner()`), or their
/// device is not [`available`](super::available).
pub fn descent_step<const D: usize>(weight: Tensor<D>, gradient: Tensor<D>, rule: DescentRule) -> Tensor<D> {
    check(&weight, &[&gradient]);
    run_descent(weight, gradient, rule, Level::chosen())
}

/// Applies `rule` once and returns the new weight and velocity. Start the velocity at zero.
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

/// Applies `rule` once and returns the new weight and the new means. Start both at zero.
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

pub(super) fn run_descent<const D: usize>(
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

pub(super) fn run_momentum<const D: usize>(
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

pub(super) fn run_two_means<const D: usize>(
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

/// Routed by Burn to the backend of the tensors; each returns the new weight and the new state.
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

/// The tensor with its values in order and nothing else in its buffer; copies only if it is not so already.
fn in_order(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let values = tensor.shape().num_elements();
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.storage::<f32>().len() == values {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The new weight and state.
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

/// A rule on slices of equal length; the new weight goes where the gradient was.
struct Update<'a, R, const N: usize> {
    w: &'a [f32],
    g: &'a mut [f32],
    states: [&'a mut [f32]; N],
    rule: R,
}

impl<R: Rule<N>, const N: usize> WithSimd for Update<'_, R, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Self { w, g, states, rule } = self;
        assert!(g.len() == w.len() && states.iter().all(|state| state.len() == w.len()));
        let (w, w_rest) = S::as_simd_f32s(w);
        let (g, g_rest) = S::as_mut_simd_f32s(g);
        let parts = states.map(|state| S::as_mut_simd_f32s(state));
        let mut rests: [&mut [f32]; N] = std::array::from_fn(|_| Default::default());
        let mut index = 0;
        let states = parts.map(|(whole, rest)| {
            rests[index] = rest;
            index += 1;
            whole
        });
        for (i, (w, g)) in w.iter().zip(g).enumerate() {
            let (weight, state) = rule.at(s, *w, *g, states.each_ref().map(|state| state[i]));
            *g = weight;
            for n in 0..N {
                states[n][i] = state[n];
            }
        }
        if !w_rest.is_empty() {
            let state = rests.each_ref().map(|rest| s.partial_load_f32s(rest));
            let (weight, state) = rule.at(s, s.partial_load_f32s(w_rest), s.partial_load_f32s(g_rest), state);
            s.partial_store_f32s(g_rest, weight);
            for (rest, state) in rests.into_iter().zip(state) {
                s.partial_store_f32s(rest, state);
            }
        }
    }
}
