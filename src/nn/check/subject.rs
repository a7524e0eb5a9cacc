//! Nets and losses as functions of arrays.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Gradients, Tensor, TensorData},
};
use rand::RngExt;

use super::measure::Subject;
use crate::{
    data::{CLASSES, PIXELS, SIDE},
    device::ChosenDevice,
    nn::{
        error::NnError,
        network::{
            config::NetworkConfig,
            net::Network,
            output::Output,
            weights::{Array, Weights, read},
        },
        train::loss::{Loss, Targets},
    },
    seed::Seed,
};

/// Images in a batch.
const BATCH: usize = 2;
/// Factor of the weights.
const LARGER: f32 = 3.0;
/// Name of the images among the arrays.
const IMAGES: &str = "images";

/// The ten outputs of a net while it is trained, as a function of every parameter and of the images. Weights are larger
/// than a net starts with, so that each layer matters to the outputs; biases, which start at zero, and everything else
/// that is one number for each channel or unit are moved away from where they start; the images are noise: what a pool
/// or an activation sees is nowhere equal.
pub(super) fn network<'a>(
    config: &NetworkConfig,
    seed: Seed,
    device: &'a ChosenDevice,
) -> Result<Subject<'a>, NnError> {
    let network = Network::new(config, seed.derive("weights"), &device.training())?;
    let mut weights = Weights::of(&network)?;
    let mut random = seed.derive("point").rng();
    for array in weights.0.values_mut() {
        for value in &mut array.values {
            match array.shape.len() {
                1 => *value += random.random_range(0.1..0.4) * if random.random::<bool>() { 1.0 } else { -1.0 },
                _ => *value *= LARGER,
            }
        }
    }
    let images: Vec<f32> = (0..BATCH * PIXELS).map(|_| random.random()).collect();
    let mut trained = Trained::default();
    network.visit(&mut trained);
    let arrays = trained.names.iter().filter_map(|name| Some((name.clone(), weights.0.get(name)?.values.clone())));
    let arrays: Vec<_> = arrays.chain([(IMAGES.to_owned(), images)]).collect();
    let dropout = seed.derive("dropout");

    let names: Vec<String> = arrays.iter().map(|(name, _)| name.clone()).collect();
    let put = move |values: &[Vec<f32>]| -> Result<(Network, Tensor<4>), NnError> {
        let mut all = weights.clone();
        for (name, values) in names.iter().zip(values) {
            if let Some(Array { values: old, .. }) = all.0.get_mut(name) {
                old.clone_from(values);
            }
        }
        let images = values.last().cloned().unwrap_or_default();
        let images = Tensor::from_data(TensorData::new(images, [BATCH, 1, SIDE, SIDE]), &device.training());
        Ok((all.put_into(network.clone()).map_err(NnError::Execution)?, images))
    };
    let (at, point) = (put.clone(), arrays.iter().map(|(_, values)| values.clone()).collect::<Vec<_>>());
    let outputs = move |values: &[Vec<f32>]| {
        let (mut network, images) = put(values)?;
        read(network.forward_training(images, dropout).inner())
    };
    let gradient = move |coefficients: &[f32]| {
        let (mut network, images) = at(&point)?;
        let images = images.require_grad();
        let outputs = network.forward_training(images.clone(), dropout);
        let coefficients =
            Tensor::from_data(TensorData::new(coefficients.to_vec(), [BATCH, CLASSES]), &device.training());
        let gradients = (outputs * coefficients).sum().backward();
        let mut reader = Reader { gradients: &gradients, found: Vec::new() };
        network.visit(&mut reader);
        let images = images.grad(&gradients).map_or_else(|| Ok(vec![0.0; BATCH * PIXELS]), read);
        reader.found.into_iter().chain([images]).collect()
    };
    Ok(Subject { arrays, outputs: Box::new(outputs), gradient: Box::new(gradient) })
}

/// A loss as a function of a net's outputs, which are spread over what a net gives: without softmax on either side of 0
/// and of 1, where they are cut.
pub(super) fn loss(loss: Loss, output: Output, targets: Targets, seed: Seed, device: &ChosenDevice) -> Subject<'_> {
    let mut random = seed.derive("point").rng();
    let mut draw = || -> f32 {
        let spread: [std::ops::Range<f32>; 3] = match output {
            Output::Softmax | Output::Sigmoid => [-2.5..-1.0, -1.0..1.0, 1.0..2.5],
            Output::Raw => [-0.6..-0.1, 0.1..0.9, 1.1..1.6],
        };
        let part = random.random_range(0..spread.len());
        random.random_range(spread[part].clone())
    };
    let point: Vec<f32> = (0..BATCH * CLASSES).map(|_| draw()).collect();
    let labels: Vec<u8> = (0..BATCH).map(|_| random.random_range(0..CLASSES as u8)).collect();
    let value = move |outputs: &Tensor<2>| {
        let targets = Tensor::from_data(TensorData::new(targets.rows(&labels), [BATCH, CLASSES]), &device.training());
        loss.forward(outputs.clone(), targets, output)
    };
    let put = |outputs: &[f32]| {
        Tensor::<2>::from_data(TensorData::new(outputs.to_vec(), [BATCH, CLASSES]), &device.training()).require_grad()
    };
    let (at, here) = (value.clone(), point.clone());
    let gradient = move |coefficients: &[f32]| {
        let outputs = put(&here);
        let gradients = (at(&outputs) * coefficients[0]).backward();
        Ok(vec![outputs.grad(&gradients).map_or_else(|| Ok(vec![0.0; BATCH * CLASSES]), read)?])
    };
    Subject {
        arrays: vec![("outputs".to_owned(), point)],
        outputs: Box::new(move |arrays: &[Vec<f32>]| read(value(&put(&arrays[0])).inner())),
        gradient: Box::new(gradient),
    }
}

/// Names of the parameters that are trained, in the order of the net.
#[derive(Default)]
struct Trained {
    path: Vec<String>,
    names: Vec<String>,
}

impl ModuleVisitor for Trained {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if parameter.val().is_require_grad() {
            self.names.push(self.path.join("."));
        }
    }
}

/// Gradients of the parameters that are trained, in the order and layout of [`Weights`]; zeros where there is none.
struct Reader<'a> {
    gradients: &'a Gradients,
    found: Vec<Result<Vec<f32>, NnError>>,
}

impl ModuleVisitor for Reader<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let parameter = parameter.val();
        if !parameter.is_require_grad() {
            return;
        }
        let gradient =
            parameter.grad(self.gradients).map(|gradient| if D == 2 { gradient.swap_dims(0, 1) } else { gradient });
        self.found.push(gradient.map_or_else(|| Ok(vec![0.0; parameter.shape().num_elements()]), read));
    }
}
