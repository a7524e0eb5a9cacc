//! Speed of each operation of the two reference nets by itself.
//!
//! Operations are called as the nets call them, with the memory orders that they hand each other, so that the times of
//! a net's operations add up to about the net's.

use burn::{
    module::{Module, Param},
    nn::Linear,
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
};
use rand::RngExt;
use serde::Serialize;

use super::steps::{QUEUE, measure, throughput};
use crate::{
    data::{CLASSES, SIDE},
    device::ChosenDevice,
    nn::{
        error::NnError,
        network::{
            activation::Activation,
            block::Block,
            config::{CnnConfig, DenseConfig, NetworkConfig},
            net::{Network, fully_connected},
            output::Output,
        },
        train::{
            loss::{Loss, Targets},
            optimizer::{OptimizerConfig, Updater},
        },
    },
    seed::Seed,
};

/// Pass of an operation that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// Forward without gradients.
    Inference,
    /// Forward and backward; of a whole net also the update of its parameters.
    Training,
    /// The update of all parameters from gradients that are there.
    Update,
}

/// Measured speed of one operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationSpeed {
    /// `cnn` or `dense`.
    pub net: &'static str,
    /// Name of the operation, such as `convolution 1→64`, or `net` for the whole net.
    pub operation: String,
    /// Pass that was measured.
    pub pass: Pass,
    /// Median seconds of a call on one batch.
    pub seconds: f64,
    /// Floating-point operations of a call as the operation is defined, two for a multiply-add: the convolution's at
    /// the outputs that its pool keeps, each gradient as many as the forward pass. Activations, losses and updates
    /// count nothing. An operation that skips some of them can take less time than these would.
    pub flop: f64,
}

/// Measures each operation of the reference CNN and the reference dense net, and both nets as a whole, for about
/// `seconds` each on batches of `batch` images.
///
/// # Errors
/// If the device fails.
pub fn operation_speeds(device: &ChosenDevice, batch: usize, seconds: f64) -> Result<Vec<OperationSpeed>, NnError> {
    let mut rows = Rows { device, batch, seconds, speeds: Vec::new() };
    rows.cnn()?;
    rows.dense_net()?;
    Ok(rows.speeds)
}

/// The update rules of the reference nets' configurations.
fn optimizers() -> [(&'static str, OptimizerConfig); 3] {
    [
        ("Adadelta", OptimizerConfig::Adadelta { learning_rate: 1.4, rho: 0.53, epsilon: 1e-6, weight_decay: 0.0 }),
        (
            "Adam",
            OptimizerConfig::Adam { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, weight_decay: 0.0 },
        ),
        ("SGD", OptimizerConfig::Sgd { learning_rate: 0.1349, weight_decay: 0.0 }),
    ]
}

struct Rows<'a> {
    device: &'a ChosenDevice,
    batch: usize,
    seconds: f64,
    speeds: Vec<OperationSpeed>,
}

impl Rows<'_> {
    fn cnn(&mut self) -> Result<(), NnError> {
        let config = NetworkConfig::Cnn(CnnConfig::default());
        let net = Network::new(&config, Seed(0), &self.device.training())?;
        let (mut shape, mut flop) = ([self.batch, 1, SIDE, SIDE], [0.0; 2]);
        for (index, block) in net.blocks.iter().enumerate() {
            shape = self.block(block, shape, index > 0, &mut flop)?;
        }
        let activation = net.activation();
        for linear in &net.hidden {
            self.fully_connected("cnn", linear, Some(activation), true, &mut flop)?;
        }
        self.fully_connected("cnn", &net.output, None, true, &mut flop)?;
        self.cross_entropy()?;
        for (name, optimizer) in optimizers() {
            self.update(name, &optimizer, &net)?;
        }
        self.net("cnn", &config, &optimizers()[0].1, flop)
    }

    fn dense_net(&mut self) -> Result<(), NnError> {
        let config = NetworkConfig::Dense(DenseConfig::default());
        let net = Network::new(&config, Seed(0), &self.device.training())?;
        let mut flop = [0.0; 2];
        for (index, linear) in net.hidden.iter().enumerate() {
            self.fully_connected("dense", linear, Some(net.activation()), index > 0, &mut flop)?;
        }
        self.fully_connected("dense", &net.output, None, true, &mut flop)?;
        self.net("dense", &config, &optimizers()[2].1, flop)
    }

    /// Numbers between −1 and 1.
    fn numbers<const D: usize>(&self, shape: [usize; D]) -> TensorData {
        let mut rng = Seed(1).rng();
        TensorData::new((0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>(), shape)
    }

    fn add(
        &mut self,
        net: &'static str,
        operation: &str,
        pass: Pass,
        flop: f64,
        mut step: impl FnMut(),
    ) -> Result<(), NnError> {
        let device = self.device.device().clone();
        let queue = if self.device.is_cpu() { 1 } else { QUEUE };
        let measured = measure(self.seconds, queue, |wait| {
            step();
            if wait { device.sync().map_err(|error| NnError::Execution(format!("{error:?}"))) } else { Ok(()) }
        })?;
        self.speeds.push(OperationSpeed { net, operation: operation.to_owned(), pass, seconds: measured.median, flop });
        Ok(())
    }

    /// Both passes of a layer. `backward` begins the backward pass from its output.
    fn layer<const D: usize>(
        &mut self,
        (net, operation): (&'static str, &str),
        flop: [f64; 2],
        inputs: [Tensor<D>; 2],
        forward: impl Fn(Tensor<D>) -> Tensor<D>,
        valid: impl Fn(Tensor<D>) -> Tensor<D>,
    ) -> Result<(), NnError> {
        let [image, tracked] = inputs;
        self.add(net, operation, Pass::Inference, flop[0], || drop(valid(image.clone())))?;
        self.add(net, operation, Pass::Training, flop[1], || drop(forward(tracked.clone()).backward()))
    }

    /// Returns the shape of the output.
    fn block(
        &mut self,
        block: &Block,
        shape: [usize; 4],
        differentiable: bool,
        total: &mut [f64; 2],
    ) -> Result<[usize; 4], NnError> {
        let [batch, channels, height, width] = shape;
        // As the fused operations hand maps to each other, and Burn's own do.
        let channels_last = flex_kernels::available(self.device.device());
        let input = |device: &_| {
            if channels_last {
                Tensor::<4>::from_data(self.numbers([batch, height, width, channels]), device).permute([0, 3, 1, 2])
            } else {
                Tensor::<4>::from_data(self.numbers(shape), device)
            }
        };
        let (plain, mut tracked) = (input(self.device.device()), input(&self.device.training()));
        if differentiable {
            tracked = tracked.require_grad();
        }
        let valid = block.clone().valid();
        let output = valid.forward(plain.clone()).dims();
        let [filters, _, kernel, _] = block.convolutions[0].weight.dims();
        let kept = 4 * output[2] * output[3];
        let flop = flop((batch * kept * filters * channels * kernel * kernel) as f64, differentiable, total);
        // A gradient arrives in the order that the next operation read the map in.
        let handed_on = |map: Tensor<4>| if channels_last && !block.last { map.permute([0, 2, 3, 1]) } else { map };
        let name = format!("convolution {channels}→{filters}");
        self.layer(("cnn", &name), flop, [plain, tracked], |x| handed_on(block.forward(x)), |x| valid.forward(x))?;
        Ok(output)
    }

    fn fully_connected(
        &mut self,
        net: &'static str,
        linear: &Linear,
        activation: Option<Activation>,
        differentiable: bool,
        total: &mut [f64; 2],
    ) -> Result<(), NnError> {
        let [inputs, outputs] = linear.weight.dims();
        let input = |device: &_| Tensor::<2>::from_data(self.numbers([self.batch, inputs]), device);
        let (plain, mut tracked) = (input(self.device.device()), input(&self.device.training()));
        if differentiable {
            tracked = tracked.require_grad();
        }
        let flop = flop((self.batch * inputs * outputs) as f64, differentiable, total);
        let (name, valid) = (format!("dense {inputs}→{outputs}"), linear.clone().valid());
        let forward = |x| fully_connected(linear, x, activation);
        self.layer((net, &name), flop, [plain, tracked], forward, |x| fully_connected(&valid, x, activation))
    }

    fn cross_entropy(&mut self) -> Result<(), NnError> {
        let labels: Vec<u8> = (0..self.batch).map(|index| (index % CLASSES) as u8).collect();
        let rows = TensorData::new(Targets::ONE_HOT.rows(&labels), [self.batch, CLASSES]);
        let device = self.device.training();
        let rows = Tensor::<2>::from_data(rows, &device);
        let outputs = Tensor::<2>::from_data(self.numbers([self.batch, CLASSES]), &device).require_grad();
        self.add("cnn", "softmax cross-entropy", Pass::Training, 0.0, || {
            drop(Loss::CrossEntropy.forward(outputs.clone(), rows.clone(), Output::Softmax).backward());
        })
    }

    fn update(&mut self, name: &str, optimizer: &OptimizerConfig, net: &Network) -> Result<(), NnError> {
        let images = Tensor::from_data(self.numbers([2, 1, SIDE, SIDE]), &self.device.training());
        let all = GradientsParams::from_grads(net.forward(images).sum().backward(), net);
        let (mut net, mut updater) = (net.clone(), Updater::new(optimizer));
        self.add("cnn", name, Pass::Update, 0.0, || {
            let gradients = copy(&all, &net);
            net = updater.step(optimizer.learning_rate(), net.clone(), gradients);
        })
    }

    fn net(
        &mut self,
        name: &'static str,
        config: &NetworkConfig,
        optimizer: &OptimizerConfig,
        flop: [f64; 2],
    ) -> Result<(), NnError> {
        let speed = throughput(config, optimizer, Loss::CrossEntropy, self.device, self.batch, self.seconds)?;
        for (pass, rate, flop) in
            [(Pass::Inference, speed.infer_images_per_s, flop[0]), (Pass::Training, speed.train_images_per_s, flop[1])]
        {
            let seconds = self.batch as f64 / rate;
            self.speeds.push(OperationSpeed { net: name, operation: "net".to_owned(), pass, seconds, flop });
        }
        Ok(())
    }
}

/// Handles of the gradients of a net's parameters.
fn copy(gradients: &GradientsParams, net: &Network) -> GradientsParams {
    fn add<const D: usize>(parameter: &Param<Tensor<D>>, from: &GradientsParams, to: &mut GradientsParams) {
        if let Some(gradient) = from.get::<D>(parameter.id) {
            to.register(parameter.id, gradient);
        }
    }
    let mut copy = GradientsParams::new();
    for convolution in net.blocks.iter().flat_map(|block| &block.convolutions) {
        add(&convolution.weight, gradients, &mut copy);
        let norm = convolution.norm.iter().flat_map(|norm| norm.weight.iter().chain(&norm.bias));
        convolution.bias.iter().chain(norm).for_each(|parameter| add(parameter, gradients, &mut copy));
    }
    for linear in net.hidden.iter().chain([&net.output]) {
        add(&linear.weight, gradients, &mut copy);
        linear.bias.iter().for_each(|bias| add(bias, gradients, &mut copy));
    }
    copy
}

/// Floating-point operations of inference and training with so many multiply-adds forward, which are also added to
/// `total`.
fn flop(multiply_adds: f64, differentiable: bool, total: &mut [f64; 2]) -> [f64; 2] {
    let forward = 2.0 * multiply_adds;
    let both = [forward, forward * if differentiable { 3.0 } else { 2.0 }];
    (0..2).for_each(|pass| total[pass] += both[pass]);
    both
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::device::{DeviceChoice, resolve};

    #[test]
    fn every_operation_is_measured_once_and_counted_in_its_net() {
        let speeds = operation_speeds(&resolve(&DeviceChoice::Cpu).unwrap(), 2, 1e-6).unwrap();
        let names: BTreeSet<_> =
            speeds.iter().map(|speed| format!("{} {} {:?}", speed.net, speed.operation, speed.pass)).collect();
        assert_eq!(names.len(), speeds.len());
        for name in [
            "cnn convolution 64→128 Training",
            "cnn dense 3200→54 Inference",
            "cnn Adam Update",
            "dense dense 784→80 Training",
        ] {
            assert!(names.contains(name), "{name} is none of {names:?}");
        }
        assert!(speeds.iter().all(|speed| speed.seconds > 0.0));
        for net in ["cnn", "dense"] {
            for pass in [Pass::Inference, Pass::Training] {
                let sum = |whole: bool| -> f64 {
                    let rows = speeds.iter().filter(|speed| speed.net == net && speed.pass == pass);
                    rows.filter(|speed| (speed.operation == "net") == whole).map(|speed| speed.flop).sum()
                };
                assert_eq!(sum(true), sum(false), "{net} {pass:?}");
            }
        }
        // Two images, 26 · 26 and 10 · 10 outputs of 9 and 576 terms, 3200–54–30–10.
        let forward = 2 * 2 * (26 * 26 * 64 * 9 + 10 * 10 * 128 * 576 + 3200 * 54 + 54 * 30 + 30 * 10);
        let cnn = speeds.iter().find(|speed| speed.operation == "net").unwrap();
        assert_eq!((cnn.net, cnn.pass, cnn.flop), ("cnn", Pass::Inference, f64::from(forward)));
    }
}
