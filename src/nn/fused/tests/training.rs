//! Fifty steps of the reference net, fused and not.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::super::level::Level;
use super::{Noise, plain, tensor};
use crate::data::synthetic;
use crate::nn::fused::{Activation, BlockSpec, Memory, Padding, Pool, run};
use crate::seed::Seed;

type Block = dyn Fn(Tensor<4>, Tensor<4>, Tensor<1>, &BlockSpec) -> Tensor<4>;

/// Losses of plain gradient descent on the same `[batch, 1, 28, 28]` digits again and again: 64 and 128 filters, 54 and
/// 30 hidden units.
fn losses(block: &Block, steps: usize) -> Vec<f32> {
    let (batch, device) = (20, Device::flex().autodiff());
    let mut noise = Noise(77);
    let digits = synthetic::generate(batch, Seed(7));
    let classes: Vec<i64> = digits.labels.iter().map(|&label| i64::from(label)).collect();
    let images: Vec<f32> = digits.images.pixels().iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let x = tensor(images, [batch, 1, 28, 28], &device);
    let y = Tensor::<1, Int>::from_data(TensorData::new(classes, [batch]), &device);
    let mut uniform = |shape: &[usize], fan_in: usize| {
        let bound = (3.0 / fan_in as f32).sqrt();
        let values: Vec<f32> = noise.reals(shape.iter().product()).iter().map(|v| v * bound).collect();
        TensorData::new(values, shape.to_vec())
    };
    let shapes: [(&[usize], usize); 10] = [
        (&[64, 1, 3, 3], 9),
        (&[64], 9),
        (&[128, 64, 3, 3], 576),
        (&[128], 576),
        (&[3200, 54], 3200),
        (&[1, 54], 3200),
        (&[54, 30], 54),
        (&[1, 30], 54),
        (&[30, 10], 30),
        (&[1, 10], 30),
    ];
    let data = shapes.map(|(shape, fan_in)| uniform(shape, fan_in));
    let four = |i: usize| Tensor::<4>::from_data(data[i].clone(), &device).require_grad();
    let one = |i: usize| Tensor::<1>::from_data(data[i].clone(), &device).require_grad();
    let two = |i: usize| Tensor::<2>::from_data(data[i].clone(), &device).require_grad();
    let (mut kernels, mut biases) = ([four(0), four(2)], [one(1), one(3)]);
    let mut dense: [Tensor<2>; 6] = std::array::from_fn(|i| two(4 + i));
    let spec = |count: usize, memory| BlockSpec {
        padding: Padding::Valid,
        pool: Pool::Max2x2,
        before_pool: Vec::new(),
        after_pool: vec![Activation::Selu; count],
        memory,
    };
    let loss = CrossEntropyLossConfig::new().init(&device);
    (0..steps)
        .map(|_| {
            let h = block(x.clone(), kernels[0].clone(), biases[0].clone(), &spec(2, Memory::ChannelsLast));
            let h = block(h, kernels[1].clone(), biases[1].clone(), &spec(1, Memory::Contiguous));
            let h: Tensor<2> = h.flatten(1, 3);
            let h = activation::selu(h.matmul(dense[0].clone()) + dense[1].clone());
            let h = activation::selu(h.matmul(dense[2].clone()) + dense[3].clone());
            let l = loss.forward(h.matmul(dense[4].clone()) + dense[5].clone(), y.clone());
            let gradients = l.backward();
            fn step<const D: usize>(p: &mut Tensor<D>, gradients: &burn::tensor::Gradients) {
                let gradient = p.grad(gradients).expect("every parameter takes part");
                *p = Tensor::from_inner(p.clone().inner() - gradient * 0.005).require_grad();
            }
            kernels.iter_mut().for_each(|p| step(p, &gradients));
            biases.iter_mut().for_each(|p| step(p, &gradients));
            dense.iter_mut().for_each(|p| step(p, &gradients));
            l.into_scalar::<f32>()
        })
        .collect()
}

/// The step size is well below where descent begins to jump: there, a maximum that rounding decides would show in the
/// loss.
#[test]
fn fifty_training_steps_lose_as_much_as_burns_operations() {
    let expected = losses(&plain, 50);
    assert!(expected[49] < 0.5 * expected[0], "the plain net must learn: {expected:?}");
    for level in Level::available() {
        let found = losses(&move |x, w, b, spec| run(x, w, b, spec.clone(), level), 50);
        for (step, (f, e)) in found.iter().zip(&expected).enumerate() {
            assert!((f - e).abs() < 1e-4, "{} step {step}: {f}, expected {e}", level.name());
        }
    }
}
