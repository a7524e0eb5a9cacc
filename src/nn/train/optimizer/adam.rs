//! Adam (Kingma and Ba, *Adam: a method for stochastic optimization*, 2015): Burn's, but on the CPU in one pass over
//! the parameters ([`flex_kernels::two_means_step`]). The state is Burn's own.

use burn::{
    optim::{AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, Optimizer, decay::WeightDecayConfig},
    tensor::{Device, Tensor},
};
use flex_kernels::{AdamRule, TwoMeans};

/// Adam.
#[derive(Clone)]
pub(super) struct Adam {
    plain: burn::optim::Adam,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Adam {
    /// `weight_decay` times the weights is added to the gradient.
    pub fn new(beta_1: f64, beta_2: f64, epsilon: f64, weight_decay: f64) -> Self {
        let config =
            AdamConfig::new().with_beta_1(beta_1 as f32).with_beta_2(beta_2 as f32).with_epsilon(epsilon as f32);
        let l2 = (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32));
        Self { plain: config.with_weight_decay(l2).build(), beta_1, beta_2, epsilon, weight_decay }
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        if !flex_kernels::available(&tensor.device()) {
            return self.plain.step(learning_rate, tensor, grad, state);
        }
        let (taken, means) = match state {
            Some(AdamState { momentum }) => (momentum.time, [momentum.moment_1, momentum.moment_2]),
            None => (0, [grad.zeros_like(), grad.zeros_like()]),
        };
        let Self { beta_1, beta_2, epsilon, weight_decay, .. } = *self;
        let rule = AdamRule { learning_rate, beta_1, beta_2, epsilon, weight_decay, step: taken + 1 };
        let (tensor, [moment_1, moment_2]) = flex_kernels::two_means_step(tensor, grad, means, TwoMeans::Adam(rule));
        (tensor, Some(AdamState::new(AdaptiveMomentumState::new(taken + 1, moment_1, moment_2))))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        burn::optim::Adam::to_device(state, device)
    }
}
