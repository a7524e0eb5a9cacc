//! How fast a net trains and predicts on a device.

use std::time::Instant;

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
};
use rand::RngExt;
use serde::Serialize;

use super::{ChosenDevice, Loss, Network, NetworkConfig, NnError, OptimizerConfig, Updater, loss::targets, weights::read};
use crate::{
    data::{CLASSES, PIXELS, SIDE},
    seed::Seed,
};

/// Steps that are run but not measured after the first: kernels are tuned and pools filled.
const WARM_UP: usize = 3;

/// Measured speed. Rates come from the median step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Throughput {
    /// Images a step.
    pub batch: usize,
    /// Images trained on a second: forward, backward, update.
    pub train_images_per_s: f64,
    /// Images predicted a second.
    pub infer_images_per_s: f64,
    /// The first training step, which compiles a GPU's kernels.
    pub first_step_seconds: f64,
    /// Training steps measured.
    pub train_steps: usize,
    /// Prediction steps measured.
    pub infer_steps: usize,
}

/// Trains for about `seconds` and predicts for about `seconds` on random images held in memory; at least five steps each.
pub fn throughput(
    network: &NetworkConfig,
    optimizer: &OptimizerConfig,
    device: &ChosenDevice,
    batch: usize,
    seconds: f64,
) -> Result<Throughput, NnError> {
    optimizer.check()?;
    let mut rng = Seed(0).rng();
    let pixels: Vec<f32> = (0..batch * PIXELS).map(|_| rng.random::<f32>()).collect();
    let labels: Vec<u8> = (0..batch).map(|index| (index % CLASSES) as u8).collect();
    let images = TensorData::new(pixels, [batch, 1, SIDE, SIDE]);
    let targets = TensorData::new(targets(&labels, 0.0), [batch, CLASSES]);

    let training = device.training();
    let mut net = Network::new(network, Seed(0), &training)?;
    let mut updater = Updater::new(optimizer);
    let train = measure(seconds, || {
        let outputs = net.forward_training(Tensor::from_data(images.clone(), &training), Seed(0));
        let loss = Loss::CrossEntropy.forward(outputs, Tensor::from_data(targets.clone(), &training), network.softmax_output());
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        net = updater.step(optimizer.learning_rate(), net.clone(), gradients);
        // Waits until the step is done.
        read(net.output.weight.val().inner()).map(|_| ())
    })?;
    let net = net.valid();
    let infer = measure(seconds, || read(net.forward(Tensor::from_data(images.clone(), device.device()))).map(|_| ()))?;
    Ok(Throughput {
        batch,
        train_images_per_s: batch as f64 / train.median,
        infer_images_per_s: batch as f64 / infer.median,
        first_step_seconds: train.first,
        train_steps: train.steps,
        infer_steps: infer.steps,
    })
}

struct Measured {
    first: f64,
    median: f64,
    steps: usize,
}

fn measure(seconds: f64, mut step: impl FnMut() -> Result<(), NnError>) -> Result<Measured, NnError> {
    let mut timed = || {
        let start = Instant::now();
        step().map(|()| start.elapsed().as_secs_f64())
    };
    let first = timed()?;
    for _ in 0..WARM_UP {
        timed()?;
    }
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || start.elapsed().as_secs_f64() < seconds {
        times.push(timed()?);
    }
    times.sort_by(f64::total_cmp);
    Ok(Measured { first, median: times[times.len() / 2], steps: times.len() })
}
