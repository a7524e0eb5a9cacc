//! Adadelta's update of one parameter in one pass over memory.
//!
//! Burn has no Adadelta, and its elementwise operations would read and write each of the four tensors several times. Here every value is
//! loaded and stored once, in place where nobody else holds the tensor. The rule is that of M. D. Zeiler 2012, arXiv:1212.5701, with a
//! learning rate and weight decay as in PyTorch:
//!
//! `g ← g + decay·w; v ← ρv + (1−ρ)g²; d = g·√((u + ε)/(v + ε)); u ← ρu + (1−ρ)d²; w ← w − rate·d`
//!
//! Every value depends on its own four numbers only, so the number of threads changes nothing; the levels differ by rounding.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::functions::mul_add;
use super::level::Level;

/// Values per task.
const PIECE: usize = 16_384;

/// The rule's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdadeltaRule {
    /// Factor of every update.
    pub learning_rate: f64,
    /// Share of the past in both running averages, 0 to 1.
    pub rho: f64,
    /// Added to both averages before their quotient is taken.
    pub epsilon: f64,
    /// Share of the weight that is added to its gradient.
    pub weight_decay: f64,
}

/// Applies `rule` once and returns the new weight, average of squared gradients and average of squared updates, in the order of the
/// arguments. Start both averages at zero.
///
/// # Panics
/// If the shapes differ, the tensors are not `f32`, take part in a gradient graph (give `tensor.inner()`), or their device is not
/// [`available`](super::available).
pub fn adadelta_step<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    square_average: Tensor<D>,
    update_average: Tensor<D>,
    rule: AdadeltaRule,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    run(weight, gradient, square_average, update_average, rule, Level::chosen())
}

fn run<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<D>,
    square_average: Tensor<D>,
    update_average: Tensor<D>,
    rule: AdadeltaRule,
    level: Level,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let shape = weight.dims();
    for (name, other) in [("gradient", &gradient), ("square_average", &square_average), ("update_average", &update_average)] {
        assert_eq!(other.dims(), shape, "adadelta_step: the shape of {name} differs from the weight's");
    }
    let (w, v, u) = <Dispatch as AdadeltaOps>::adadelta(
        weight.into_dispatch(),
        gradient.into_dispatch(),
        square_average.into_dispatch(),
        update_average.into_dispatch(),
        rule,
        level,
    );
    (Tensor::from_dispatch(w), Tensor::from_dispatch(v), Tensor::from_dispatch(u))
}

/// Routed by Burn to the backend of the tensors.
#[backend_extension(Flex)]
trait AdadeltaOps: Backend {
    /// See [`adadelta_step`].
    fn adadelta(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        square_average: FloatTensor<Self>,
        update_average: FloatTensor<Self>,
        rule: AdadeltaRule,
        level: Level,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// The tensor with its values in order and nothing else in its buffer; copies only if it is not so already.
fn dense(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let values = tensor.shape().num_elements();
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 && tensor.storage::<f32>().len() == values {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

impl AdadeltaOps for Flex {
    fn adadelta(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        square_average: FloatTensor<Self>,
        update_average: FloatTensor<Self>,
        rule: AdadeltaRule,
        level: Level,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (mut weight, gradient) = (dense(weight), dense(gradient));
        let (mut square_average, mut update_average) = (dense(square_average), dense(update_average));
        let (w, g) = (weight.storage_mut::<f32>(), gradient.storage::<f32>());
        let (v, u) = (square_average.storage_mut::<f32>(), update_average.storage_mut::<f32>());
        let pieces = w.par_chunks_mut(PIECE).zip(g.par_chunks(PIECE)).zip(v.par_chunks_mut(PIECE)).zip(u.par_chunks_mut(PIECE));
        pieces.for_each(|(((w, g), v), u)| level.run(Update { w, g, v, u, rule }));
        (weight, square_average, update_average)
    }
}

/// The rule on slices of equal length.
struct Update<'a> {
    w: &'a mut [f32],
    g: &'a [f32],
    v: &'a mut [f32],
    u: &'a mut [f32],
    rule: AdadeltaRule,
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let (w, w_rest) = S::as_mut_simd_f32s(self.w);
        let (g, g_rest) = S::as_simd_f32s(self.g);
        let (v, v_rest) = S::as_mut_simd_f32s(self.v);
        let (u, u_rest) = S::as_mut_simd_f32s(self.u);
        for (((w, g), v), u) in w.iter_mut().zip(g).zip(v).zip(u) {
            [*w, *v, *u] = update(s, *w, *g, *v, *u, self.rule);
        }
        if !w_rest.is_empty() {
            let load = |from: &[f32]| s.partial_load_f32s(from);
            let [w, v, u] = update(s, load(w_rest), load(g_rest), load(v_rest), load(u_rest), self.rule);
            s.partial_store_f32s(w_rest, w);
            s.partial_store_f32s(v_rest, v);
            s.partial_store_f32s(u_rest, u);
        }
    }
}

#[inline(always)]
fn update<S: Simd>(s: S, w: S::f32s, g: S::f32s, v: S::f32s, u: S::f32s, rule: AdadeltaRule) -> [S::f32s; 3] {
    let (past, present) = (s.splat_f32s(rule.rho as f32), s.splat_f32s((1.0 - rule.rho) as f32));
    let epsilon = s.splat_f32s(rule.epsilon as f32);
    let g = mul_add(s, s.splat_f32s(rule.weight_decay as f32), w, g);
    let v = mul_add(s, past, v, s.mul_f32s(present, s.mul_f32s(g, g)));
    let ratio = s.div_f32s(s.add_f32s(u, epsilon), s.add_f32s(v, epsilon));
    let d = s.mul_f32s(g, s.sqrt_f32s(ratio));
    let u = mul_add(s, past, u, s.mul_f32s(present, s.mul_f32s(d, d)));
    [mul_add(s, s.splat_f32s(-rule.learning_rate as f32), d, w), v, u]
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::nn::fused::tests::{Noise, tensor, values};

    const RULE: AdadeltaRule = AdadeltaRule { learning_rate: 1.4, rho: 0.53, epsilon: 1e-6, weight_decay: 0.01 };

    /// Twenty steps in double precision.
    #[test]
    fn steps_equal_the_rule() {
        let device = Device::flex();
        for level in Level::available() {
            for shape in [[1, 1], [3, 5], [130, 257]] {
                let size = shape[0] * shape[1];
                let mut noise = Noise(4);
                let start = noise.reals(size);
                let mut expected: Vec<[f64; 3]> = start.iter().map(|w| [f64::from(*w), 0.0, 0.0]).collect();
                let zeros = || tensor(vec![0.0; size], shape, &device);
                let (mut w, mut v, mut u): (Tensor<2>, _, _) = (tensor(start, shape, &device), zeros(), zeros());
                for _ in 0..20 {
                    let gradient = noise.reals(size);
                    for ([w, v, u], g) in expected.iter_mut().zip(&gradient) {
                        let g = f64::from(*g) + RULE.weight_decay * *w;
                        *v = RULE.rho * *v + (1.0 - RULE.rho) * g * g;
                        let d = g * ((*u + RULE.epsilon) / (*v + RULE.epsilon)).sqrt();
                        *u = RULE.rho * *u + (1.0 - RULE.rho) * d * d;
                        *w -= RULE.learning_rate * d;
                    }
                    (w, v, u) = run(w, tensor(gradient, shape, &device), v, u, RULE, level);
                }
                for (found, index) in [(w, 0), (v, 1), (u, 2)] {
                    for (f, e) in values(found).iter().zip(&expected) {
                        let e = e[index];
                        assert!(
                            (f64::from(*f) - e).abs() <= 2e-5 * e.abs().max(0.05),
                            "{} {shape:?} {index}: {f}, expected {e}",
                            level.name()
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn tensors_that_somebody_else_holds_or_that_are_views_stay_as_they_were() {
        let device = Device::flex();
        let data: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let held: Tensor<2> = tensor(data.clone(), [3, 4], &device);
        let view = held.clone().transpose();
        let zeros = || tensor(vec![0.0; 12], [4, 3], &device);
        let (w, _, _) = adadelta_step(view.clone(), view.clone(), zeros(), zeros(), RULE);
        assert_eq!(values(held), data);
        let copied = tensor(values(view.clone()), [4, 3], &device);
        let (again, _, _) = adadelta_step(copied, view, zeros(), zeros(), RULE);
        assert_eq!(values(w), values(again));
    }

    #[test]
    #[should_panic(expected = "the shape of square_average differs")]
    fn shapes_that_differ_are_refused() {
        let device = Device::flex();
        let of = |n: usize| tensor(vec![0.0; n], [n], &device);
        let _ = adadelta_step(of(4), of(4), of(3), of(4), RULE);
    }
}
