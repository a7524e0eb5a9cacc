//! Gradient descent, with or without momentum, as PyTorch's `torch.optim.SGD` without dampening. On the CPU it is one
//! pass over the parameters ([`flex_kernels::descent_step`], [`flex_kernels::momentum_step`]).

use burn::{
    optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource},
    tensor::{Device, Tensor},
};
use flex_kernels::{DescentRule, MomentumRule};

/// Gradient descent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descent {
    /// Decay of the velocity, 0 to below 1; none for plain descent.
    pub momentum: Option<f64>,
    /// Whether to use Nesterov's variant.
    pub nesterov: bool,
    /// Multiple of the weights that is added to the gradient.
    pub weight_decay: f64,
}

/// State of a parameter, in its shape.
#[derive(Clone)]
pub(super) struct DescentState<const D: usize> {
    velocity: Option<Tensor<D>>,
}

impl<const D: usize> RecordState for DescentState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        if let Some(velocity) = &self.velocity {
            out.push_tensor(prefix, "velocity", velocity.to_data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let Some(data) = src.take_tensor(prefix, "velocity") else { return Some(Self { velocity: None }) };
        (data.rank() == D).then(|| Self { velocity: Some(Tensor::from_data(data, device)) })
    }
}

impl Descent {
    fn without_velocity<const D: usize>(&self, learning_rate: f64, tensor: Tensor<D>, grad: Tensor<D>) -> Tensor<D> {
        if flex_kernels::available(&tensor.device()) {
            return flex_kernels::descent_step(
                tensor,
                grad,
                DescentRule { learning_rate, weight_decay: self.weight_decay },
            );
        }
        let grad = self.decayed(&tensor, grad);
        tensor - grad * learning_rate
    }

    fn with_velocity<const D: usize>(
        &self,
        learning_rate: f64,
        momentum: f64,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        velocity: Tensor<D>,
    ) -> (Tensor<D>, Tensor<D>) {
        let Self { nesterov, weight_decay, .. } = *self;
        if flex_kernels::available(&tensor.device()) {
            return flex_kernels::momentum_step(
                tensor,
                grad,
                velocity,
                MomentumRule { learning_rate, momentum, nesterov, weight_decay },
            );
        }
        let grad = self.decayed(&tensor, grad);
        let velocity = velocity * momentum + grad.clone();
        let update = if nesterov { velocity.clone() * momentum + grad } else { velocity.clone() };
        (tensor - update * learning_rate, velocity)
    }

    fn decayed<const D: usize>(&self, tensor: &Tensor<D>, grad: Tensor<D>) -> Tensor<D> {
        if self.weight_decay > 0.0 { grad + tensor.clone() * self.weight_decay } else { grad }
    }
}

impl Optimizer for Descent {
    type State<const D: usize> = DescentState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let Some(momentum) = self.momentum else {
            return (self.without_velocity(lr, tensor, grad), Some(DescentState { velocity: None }));
        };
        let velocity = state.and_then(|state| state.velocity).unwrap_or_else(|| grad.zeros_like());
        let (tensor, velocity) = self.with_velocity(lr, momentum, tensor, grad, velocity);
        (tensor, Some(DescentState { velocity: Some(velocity) }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        DescentState { velocity: state.velocity.map(|velocity| velocity.to_device(device)) }
    }
}
