//! Adadelta (Zeiler, *ADADELTA: an adaptive learning rate method*, 2012), as PyTorch's `torch.optim.Adadelta`.
//!
//! With the running means v of the squared gradient and u of the squared update, both with the decay ρ, a step is
//! Δ = √(u + ε) / √(v + ε) · g and x ← x − rate · Δ. On the CPU it is one pass over the parameters
//! ([`flex_kernels::two_means_step`]).

use burn::{
    optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource},
    tensor::{Device, Tensor},
};
use flex_kernels::{AdadeltaRule, TwoMeans};

/// Adadelta.
#[derive(Clone, Copy, Debug)]
pub struct Adadelta {
    /// Decay of the mean squares, 0 to below 1.
    pub rho: f64,
    /// Added to the mean squares before their square roots.
    pub epsilon: f64,
    /// Multiple of the weights that is added to the gradient.
    pub weight_decay: f64,
}

/// State of a parameter, in its shape.
#[derive(Clone)]
pub struct AdadeltaState<const D: usize> {
    /// Running mean of the squared gradient.
    squared_gradient: Tensor<D>,
    /// Running mean of the squared update (before the learning rate).
    squared_update: Tensor<D>,
}

// By hand: the derive macro names its helpers as items of the crate it is used in, so that it serves Burn's own crate
// only.
impl<const D: usize> RecordState for AdadeltaState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "squared_gradient", self.squared_gradient.to_data());
        out.push_tensor(prefix, "squared_update", self.squared_update.to_data());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let mut take = |leaf| {
            let data = src.take_tensor(prefix, leaf)?;
            (data.rank() == D).then(|| Tensor::from_data(data, device))
        };
        Some(Self { squared_gradient: take("squared_gradient")?, squared_update: take("squared_update")? })
    }
}

impl Adadelta {
    /// The step in Burn's own operations, which a GPU fuses by itself.
    fn plain_step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        v: Tensor<D>,
        u: Tensor<D>,
    ) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
        let grad = if self.weight_decay > 0.0 { grad + tensor.clone() * self.weight_decay } else { grad };
        let v = v * self.rho + grad.clone().square() * (1.0 - self.rho);
        let update = ((u.clone() + self.epsilon) / (v.clone() + self.epsilon)).sqrt() * grad;
        let u = u * self.rho + update.clone().square() * (1.0 - self.rho);
        (tensor - update * lr, v, u)
    }
}

impl Optimizer for Adadelta {
    type State<const D: usize> = AdadeltaState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (v, u) = match state {
            Some(state) => (state.squared_gradient, state.squared_update),
            None => (grad.zeros_like(), grad.zeros_like()),
        };
        let (tensor, squared_gradient, squared_update) = if flex_kernels::available(&tensor.device()) {
            let rule = AdadeltaRule {
                learning_rate: lr,
                rho: self.rho,
                epsilon: self.epsilon,
                weight_decay: self.weight_decay,
            };
            let (tensor, [v, u]) = flex_kernels::two_means_step(tensor, grad, [v, u], TwoMeans::Adadelta(rule));
            (tensor, v, u)
        } else {
            self.plain_step(lr, tensor, grad, v, u)
        };
        (tensor, Some(AdadeltaState { squared_gradient, squared_update }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        AdadeltaState {
            squared_gradient: state.squared_gradient.to_device(device),
            squared_update: state.squared_update.to_device(device),
        }
    }
}
