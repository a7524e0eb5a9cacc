//! Time of the main operations on one thread: `cargo bench -p flex-kernels`.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark")]

use burn::tensor::{Device, Distribution, Tensor};
use flex_kernels::{Activation, BlockSpec, Memory, Padding, Pool, conv_pool_activation, cross_entropy, dense};

const BATCH: usize = 32;

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first pool");
    divan::main();
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

/// Second block of the reference CNN: 64 → 128 channels, 13×13, max-pool, SELU.
fn block(device: &Device) -> impl Fn() -> Tensor<4> + use<> {
    let x = random([BATCH, 64, 13, 13], device).require_grad();
    let (weight, bias) = (random([128, 64, 3, 3], device).require_grad(), random([128], device).require_grad());
    let spec = BlockSpec {
        padding: Padding::Valid,
        pool: Pool::Max2x2,
        before_pool: Vec::new(),
        after_pool: vec![Activation::Selu],
        memory: Memory::ChannelsLast,
    };
    move || conv_pool_activation(x.clone(), weight.clone(), bias.clone(), spec.clone())
}

#[divan::bench]
fn block_forward(bencher: divan::Bencher) {
    bencher.bench(block(&Device::flex()));
}

#[divan::bench]
fn block_forward_and_backward(bencher: divan::Bencher) {
    let forward = block(&Device::flex().autodiff());
    bencher.bench(|| forward().sum().backward());
}

#[divan::bench]
fn dense_forward_and_backward(bencher: divan::Bencher) {
    let device = Device::flex().autodiff();
    let (x, weight) = (random([BATCH, 3200], &device), random([3200, 54], &device).require_grad());
    let bias = random([54], &device).require_grad();
    bencher.bench(|| dense(x.clone(), weight.clone(), bias.clone(), Activation::Selu).sum().backward());
}

#[divan::bench]
fn cross_entropy_forward_and_backward(bencher: divan::Bencher) {
    let device = Device::flex().autodiff();
    let (outputs, targets) = (random([BATCH, 10], &device).require_grad(), random([BATCH, 10], &device));
    bencher.bench(|| cross_entropy(outputs.clone(), targets.clone()).backward());
}
