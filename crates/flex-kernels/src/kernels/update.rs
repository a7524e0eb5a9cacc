//! Update rules on vectors. Each adds `weight_decay · w` to the gradient first, as in PyTorch.

use pulp::{Simd, WithSimd};

use super::arithmetic::mul_add;

/// Update rule of a weight that keeps `N` numbers from step to step.
pub(crate) trait Rule<const N: usize>: Copy {
    /// Returns the new weight and state.
    fn at<S: Simd>(self, s: S, w: S::f32s, g: S::f32s, state: [S::f32s; N]) -> (S::f32s, [S::f32s; N]);
}

#[inline(always)]
fn number<S: Simd>(s: S, value: f64) -> S::f32s {
    s.splat_f32s(value as f32)
}

/// `share · mean + (1 − share) · value`
#[inline(always)]
fn fold<S: Simd>(s: S, share: f64, mean: S::f32s, value: S::f32s) -> S::f32s {
    mul_add(s, number(s, share), mean, s.mul_f32s(number(s, 1.0 - share), value))
}

/// Gradient descent: `w ← w − rate·g`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DescentRule {
    /// Learning rate.
    pub learning_rate: f64,
    /// Fraction of the weight that is added to its gradient.
    pub weight_decay: f64,
}

impl Rule<0> for DescentRule {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, w: S::f32s, g: S::f32s, state: [S::f32s; 0]) -> (S::f32s, [S::f32s; 0]) {
        let g = mul_add(s, number(s, self.weight_decay), w, g);
        (mul_add(s, number(s, -self.learning_rate), g, w), state)
    }
}

/// Gradient descent with a velocity: `v ← μv + g; w ← w − rate·v`, or Nesterov's `w ← w − rate·(g + μv)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MomentumRule {
    /// Learning rate.
    pub learning_rate: f64,
    /// Fraction of the velocity that is kept.
    pub momentum: f64,
    /// Whether to use Nesterov's variant.
    pub nesterov: bool,
    /// Fraction of the weight that is added to its gradient.
    pub weight_decay: f64,
}

impl Rule<1> for MomentumRule {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, w: S::f32s, g: S::f32s, [v]: [S::f32s; 1]) -> (S::f32s, [S::f32s; 1]) {
        let momentum = number(s, self.momentum);
        let g = mul_add(s, number(s, self.weight_decay), w, g);
        let v = mul_add(s, momentum, v, g);
        let d = if self.nesterov { mul_add(s, momentum, v, g) } else { v };
        (mul_add(s, number(s, -self.learning_rate), d, w), [v])
    }
}

/// Adadelta of M. D. Zeiler 2012, arXiv:1212.5701, with a learning rate as in PyTorch:
///
/// `v ← ρv + (1−ρ)g²; d = g·√((u + ε)/(v + ε)); u ← ρu + (1−ρ)d²; w ← w − rate·d`; the means are v and u.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdadeltaRule {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of both running averages, 0 to 1.
    pub rho: f64,
    /// Added to both averages before the division.
    pub epsilon: f64,
    /// Fraction of the weight that is added to its gradient.
    pub weight_decay: f64,
}

impl Rule<2> for AdadeltaRule {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, w: S::f32s, g: S::f32s, [v, u]: [S::f32s; 2]) -> (S::f32s, [S::f32s; 2]) {
        let epsilon = number(s, self.epsilon);
        let g = mul_add(s, number(s, self.weight_decay), w, g);
        let v = fold(s, self.rho, v, s.mul_f32s(g, g));
        let ratio = s.div_f32s(s.add_f32s(u, epsilon), s.add_f32s(v, epsilon));
        let d = s.mul_f32s(g, s.sqrt_f32s(ratio));
        let u = fold(s, self.rho, u, s.mul_f32s(d, d));
        (mul_add(s, number(s, -self.learning_rate), d, w), [v, u])
    }
}

/// Adam of Kingma and Ba 2015, arXiv:1412.6980:
///
/// `m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − rate · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε)`; the means are m and v.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamRule {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the mean gradient, 0 to below 1.
    pub beta_1: f64,
    /// Decay of the mean squared gradient, 0 to below 1.
    pub beta_2: f64,
    /// Added to the square root.
    pub epsilon: f64,
    /// Fraction of the weight that is added to its gradient.
    pub weight_decay: f64,
    /// Step number t, 1 at the first step.
    pub step: usize,
}

impl AdamRule {
    /// Returns the rule of this step with its bias corrections computed. The root of the second correction goes to the
    /// rate and to ε, as in Burn.
    pub(crate) fn corrected(self) -> CorrectedAdam {
        let correction = |beta: f64| 1.0 - beta.powf(self.step as f64);
        let root = correction(self.beta_2).sqrt();
        let learning_rate = self.learning_rate * root / correction(self.beta_1);
        CorrectedAdam(Self { learning_rate, epsilon: self.epsilon * root, ..self })
    }
}

/// [`AdamRule`] with its corrections in the learning rate and in ε.
#[derive(Clone, Copy)]
pub(crate) struct CorrectedAdam(AdamRule);

impl Rule<2> for CorrectedAdam {
    #[inline(always)]
    fn at<S: Simd>(self, s: S, w: S::f32s, g: S::f32s, [m, v]: [S::f32s; 2]) -> (S::f32s, [S::f32s; 2]) {
        let Self(AdamRule { learning_rate, beta_1, beta_2, epsilon, weight_decay, .. }) = self;
        let g = mul_add(s, number(s, weight_decay), w, g);
        let m = fold(s, beta_1, m, g);
        let v = fold(s, beta_2, v, s.mul_f32s(g, g));
        let d = s.div_f32s(m, s.add_f32s(s.sqrt_f32s(v), number(s, epsilon)));
        (mul_add(s, number(s, -learning_rate), d, w), [m, v])
    }
}

/// Applies a rule to slices of equal length; the new weight is written over the gradient.
pub(crate) struct Update<'a, R, const N: usize> {
    pub w: &'a [f32],
    pub g: &'a mut [f32],
    pub states: [&'a mut [f32]; N],
    pub rule: R,
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
