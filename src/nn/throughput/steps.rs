//! Speed of a net's training and inference steps on a device.
//!
//! On the CPU each step gets its pixels and is waited for. Another device has the images in its memory, gets the
//! indices of each step as in a training without augmentation, and is waited for after several steps, because the
//! trainer also lets steps queue up.

use std::time::Instant;

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
};
use serde::Serialize;

use crate::{
    data::{CLASSES, SIDE, synthetic},
    device::ChosenDevice,
    nn::{
        error::NnError,
        network::{config::NetworkConfig, net::Network, weights::read},
        train::{
            device_data::{DeviceDigits, unchanged},
            loss::{Loss, Targets},
            optimizer::{OptimizerConfig, Updater},
        },
    },
    seed::Seed,
};

/// Steps after the first that are not measured: kernels are tuned and pools filled.
const WARM_UP: usize = 3;
/// Largest number of steps that are queued before the host waits, on a device other than the CPU.
pub(super) const QUEUE: usize = 10;

/// Measured speed. Rates come from the median step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Throughput {
    /// Images per step.
    pub batch: usize,
    /// Images per second in training: forward, backward, update.
    pub train_images_per_s: f64,
    /// Images per second in inference.
    pub infer_images_per_s: f64,
    /// Duration of the first training step, which compiles a GPU's kernels, in seconds.
    pub first_step_seconds: f64,
    /// Number of training steps measured.
    pub train_steps: usize,
    /// Number of inference steps measured.
    pub infer_steps: usize,
    /// Training steps between two waits for the device.
    pub train_queue: usize,
    /// Inference steps between two waits for the device.
    pub infer_queue: usize,
}

/// Measures training and inference for about `seconds` each on built-in digits in memory, at least five steps each.
///
/// # Errors
/// If the optimizer's settings are out of their range, or a step fails on the device.
pub fn throughput(
    network: &NetworkConfig,
    optimizer: &OptimizerConfig,
    loss: Loss,
    device: &ChosenDevice,
    batch: usize,
    seconds: f64,
) -> Result<Throughput, NnError> {
    optimizer.check()?;
    let input = Input::digits(batch, device);
    let queue = if device.is_cpu() { 1 } else { QUEUE };
    let mut net = Network::new(network, Seed(0), &device.training())?;
    let mut updater = Updater::new(optimizer);
    let train = measure(seconds, queue, |wait| {
        let (images, targets) = input.tensors(device);
        let outputs = net.forward_training(Tensor::from_inner(images), Seed(0));
        let loss = loss.forward(outputs, Tensor::from_inner(targets), network.output());
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        net = updater.step(optimizer.learning_rate(), net.clone(), gradients);
        if wait { read(net.output.weight.val().inner()).map(|_| ()) } else { Ok(()) }
    })?;
    let net = net.valid();
    let infer = measure(seconds, queue, |wait| {
        let outputs = net.forward(input.tensors(device).0);
        if wait { read(outputs).map(|_| ()) } else { Ok(()) }
    })?;
    Ok(Throughput {
        batch,
        train_images_per_s: batch as f64 / train.median,
        infer_images_per_s: batch as f64 / infer.median,
        first_step_seconds: train.first,
        train_steps: train.steps,
        infer_steps: infer.steps,
        train_queue: train.queue,
        infer_queue: infer.queue,
    })
}

/// Batch in the memory that the device reads.
enum Input {
    Host { images: TensorData, targets: TensorData },
    Device { digits: Box<DeviceDigits>, indices: Vec<usize> },
}

impl Input {
    fn digits(batch: usize, device: &ChosenDevice) -> Self {
        let digits = synthetic::generate(batch, Seed(0));
        if device.is_cpu() || !DeviceDigits::holds(batch) {
            let pixels: Vec<f32> = digits.images.pixels().iter().map(|&level| f32::from(level) / 255.0).collect();
            let images = TensorData::new(pixels, [batch, 1, SIDE, SIDE]);
            let targets = TensorData::new(Targets::ONE_HOT.rows(&digits.labels), [batch, CLASSES]);
            return Self::Host { images, targets };
        }
        let digits = DeviceDigits::upload(&digits, Targets::ONE_HOT, device.device());
        Self::Device { digits: Box::new(digits), indices: (0..batch).rev().collect() }
    }

    /// `[batch, 1, 28, 28]` and `[batch, 10]`, without autodiff.
    fn tensors(&self, device: &ChosenDevice) -> (Tensor<4>, Tensor<2>) {
        match self {
            Self::Host { images, targets } => (
                Tensor::from_data(images.clone(), device.device()),
                Tensor::from_data(targets.clone(), device.device()),
            ),
            Self::Device { digits, indices } => {
                let (levels, targets) = digits.select(indices);
                (unchanged(levels), targets)
            }
        }
    }
}

pub(super) struct Measured {
    pub first: f64,
    pub median: f64,
    pub steps: usize,
    pub queue: usize,
}

/// `step` is told whether to wait for the device. At most `queue` steps go without.
pub(super) fn measure(
    seconds: f64,
    queue: usize,
    mut step: impl FnMut(bool) -> Result<(), NnError>,
) -> Result<Measured, NnError> {
    let mut timed = |steps: usize| {
        let start = Instant::now();
        (1..=steps).try_for_each(|index| step(index == steps)).map(|()| start.elapsed().as_secs_f64() / steps as f64)
    };
    let first = timed(1)?;
    let mut warm = first;
    for _ in 0..WARM_UP {
        warm = timed(1)?;
    }
    // A slow device is not made to queue more than a tenth of the time.
    let queue = ((seconds / (10.0 * warm)) as usize).clamp(1, queue);
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || start.elapsed().as_secs_f64() < seconds {
        times.push(timed(queue)?);
    }
    times.sort_by(f64::total_cmp);
    Ok(Measured { first, median: times[times.len() / 2], steps: times.len() * queue, queue })
}
