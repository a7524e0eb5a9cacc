//! Fifty steps of the reference net, fused and not.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::{
    reference::{plain, tensor},
    support::Noise,
};
use crate::{Activation, BlockSpec, Memory, Padding, Pool, level::Level, operations::on_level};

type Block = dyn Fn(Tensor<4>, Tensor<4>, Tensor<1>, &BlockSpec) -> Tensor<4>;

/// An image, `[28 · 28]`, of a stroke whose direction and bow belong to the class; paper around it, as around a digit.
fn figure(class: usize, noise: &mut Noise) -> Vec<f32> {
    let (angle, bow) = (class as f32 * std::f32::consts::PI / 5.0, if class.is_multiple_of(2) { 0.0 } else { 0.04 });
    let shift = noise.reals(3);
    let pixel = |i: usize| {
        let (x, y) = ((i % 28) as f32 - 13.5 - shift[0], (i / 28) as f32 - 13.5 - shift[1]);
        let (along, across) = (x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin());
        let distance = (across - bow * along * along).abs() / (1.5 + 0.5 * shift[2]);
        if (-3.0..9.0).contains(&along) { (1.5 - distance).clamp(0.0, 1.0) } else { 0.0 }
    };
    (0..28 * 28).map(pixel).collect()
}

/// Losses of plain gradient descent on the same `[batch, 1, 28, 28]` images again and again: 64 and 128 filters, 54 and
/// 30 hidden units.
fn losses(block: &Block, steps: usize) -> Vec<f32> {
    let (batch, device) = (20, Device::flex().autodiff());
    let mut noise = Noise(77);
    let classes: Vec<i64> = (0..batch as i64).map(|i| i % 10).collect();
    let images: Vec<f32> = classes.iter().flat_map(|&class| figure(class as usize, &mut noise)).collect();
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
        let found = losses(&move |x, w, b, spec| on_level::block(x, w, b, spec.clone(), level), 50);
        for (step, (f, e)) in found.iter().zip(&expected).enumerate() {
            assert!((f - e).abs() < 1e-4, "{} step {step}: {f}, expected {e}", level.name());
        }
    }
}
