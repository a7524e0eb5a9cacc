//! The fused norm against Burn's operations, on every level this processor has.

use burn::tensor::module::{avg_pool2d, batch_norm_train, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor};

use super::{
    reference::{plain_activation, tensor, values},
    support::{Noise, bits, close, in_pool},
};
use crate::{Activation, Memory, NormSpec, Pool, level::Level, operations::on_level};

const EPSILON: f32 = 1e-5;

struct Found {
    statistics: [Vec<f32>; 2],
    output: Vec<f32>,
    gradients: [Vec<f32>; 3],
}

struct Case {
    shape: [usize; 4],
    spec: NormSpec,
    channels_last: bool,
}

impl Case {
    /// What `norm` makes of random values: a mean far from 0, scales of both signs.
    fn outcome(&self, norm: impl Fn(Tensor<4>, Tensor<1>, Tensor<1>) -> (Tensor<4>, [Tensor<1>; 2])) -> Found {
        let device = Device::flex().autodiff();
        let [batch, channels, height, width] = self.shape;
        let mut noise = Noise(3);
        let numbers: Vec<f32> = noise.reals(self.shape.iter().product()).iter().map(|value| value + 2.0).collect();
        let map = if self.channels_last {
            tensor::<4>(numbers, [batch, height, width, channels], &device).permute([0, 3, 1, 2]).detach()
        } else {
            tensor(numbers, self.shape, &device)
        };
        let map = map.require_grad();
        let [weight, bias] = [0, 1].map(|_| tensor::<1>(noise.reals(channels), [channels], &device).require_grad());
        let (output, statistics) = norm(map.clone(), weight.clone(), bias.clone());
        let shape = output.dims();
        let coefficients = tensor(noise.reals(shape.iter().product()), shape, &device);
        let gradients = (output.clone() * coefficients).sum().backward();
        let gradient = |parameter: &Tensor<1>| values(parameter.grad(&gradients).expect("it was asked for"));
        Found {
            statistics: statistics.map(values),
            output: values(output),
            gradients: [values(map.grad(&gradients).expect("it was asked for")), gradient(&weight), gradient(&bias)],
        }
    }

    fn fused(&self, level: Level) -> Found {
        self.outcome(|map, weight, bias| {
            let (mean, variance) = on_level::statistics(map.clone().inner(), level);
            (
                on_level::norm(map, [mean.clone(), variance.clone()], weight, bias, EPSILON, self.spec.clone(), level),
                [mean, variance],
            )
        })
    }

    fn composed(&self) -> Found {
        self.outcome(|map, weight, bias| {
            let normalized = batch_norm_train(map, weight, bias, EPSILON.into());
            let chain =
                |x, activations: &[Activation]| activations.iter().fold(x, |x, &kind| plain_activation(x, kind));
            let x = chain(normalized.output, &self.spec.before_pool);
            let x = match self.spec.pool {
                Pool::None => x,
                Pool::Max2x2 => max_pool2d(x, MaxPoolOptions::new([2, 2]).with_stride([2, 2])),
                Pool::Average2x2 => avg_pool2d(x, AvgPoolOptions::new([2, 2]).with_stride([2, 2])),
            };
            (chain(x, &self.spec.after_pool), [normalized.mean.inner(), normalized.variance.inner()])
        })
    }
}

fn cases() -> impl Iterator<Item = Case> {
    let shapes = [[3, 16, 6, 8], [4, 5, 7, 7], [2, 33, 5, 4], [9, 32, 3, 2], [1, 1, 2, 2]];
    let chains: [(&[Activation], Pool, &[Activation]); 6] = [
        (&[], Pool::None, &[]),
        (&[], Pool::None, &[Activation::Relu]),
        (&[Activation::Tanh], Pool::None, &[Activation::Softplus]),
        (&[], Pool::Max2x2, &[Activation::Relu, Activation::Tanh]),
        (&[Activation::Swish], Pool::Max2x2, &[]),
        (&[Activation::Selu], Pool::Average2x2, &[Activation::Sigmoid]),
    ];
    shapes.into_iter().flat_map(move |shape| {
        chains.into_iter().zip([true, false].into_iter().cycle()).map(move |((before, pool, after), channels_last)| {
            let memory = if channels_last { Memory::ChannelsLast } else { Memory::Contiguous };
            let spec = NormSpec { before_pool: before.to_vec(), pool, after_pool: after.to_vec(), memory };
            Case { shape, spec, channels_last }
        })
    })
}

#[test]
fn equals_burns_operations() {
    for case in cases() {
        let expected = case.composed();
        for level in Level::available() {
            let found = case.fused(level);
            let what = |which: &str| format!("{} {:?} {:?}: {which}", level.name(), case.shape, case.spec);
            for ((found, expected), which) in
                found.statistics.iter().zip(&expected.statistics).zip(["mean", "variance"])
            {
                close(found, expected, &what(which));
            }
            close(&found.output, &expected.output, &what("output"));
            for ((found, expected), which) in
                found.gradients.iter().zip(&expected.gradients).zip(["map", "weight", "bias"])
            {
                let largest = expected.iter().fold(0.1, |largest: f32, value| largest.max(value.abs()));
                let scaled = |values: &[f32]| values.iter().map(|value| value / largest * 0.2).collect::<Vec<_>>();
                close(&scaled(found), &scaled(expected), &what(which));
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for case in cases() {
        for level in Level::available() {
            let all = |threads: usize| {
                let found = in_pool(threads, || case.fused(level));
                let parts = [found.statistics.concat(), found.output, found.gradients.concat()];
                bits(&parts.concat())
            };
            assert_eq!(all(1), all(3), "{:?} {:?}", case.shape, case.spec);
        }
    }
}
