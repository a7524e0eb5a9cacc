//! Networks, losses and Adadelta against values recorded from PyTorch by `tests/reference/nn_*.py`.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::{GradientsParams, Optimizer},
    tensor::{Device, Tensor, TensorData},
};
use digitstack::{
    data::{Images, PIXELS},
    nn::{
        Activation, Adadelta, CnnConfig, DenseConfig, Head, InputScale, Loss, Network, NetworkConfig, Normalization,
        OptimizerConfig, Output, Padding, Updater,
    },
    seed::Seed,
};
use serde_json::Value;

fn load(name: &str) -> Value {
    let path = format!("{}/tests/data/nn/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-5 * e.abs().max(1.0), "{what}: found {f}, PyTorch has {e}");
    }
}

#[test]
fn adadelta_takes_pytorchs_steps() {
    for case in load("adadelta.json")["cases"].as_array().unwrap() {
        let number = |name: &str| case[name].as_f64().unwrap();
        let rule = Adadelta { rho: number("rho"), epsilon: number("epsilon"), weight_decay: number("weight_decay") };
        let device = Device::flex();
        let mut x = Tensor::<2>::from_floats([[0.5, -1.0, 2.0], [0.01, -0.3, 1.5]], &device);
        let target = Tensor::<2>::from_floats([[0.1, 0.2, -0.4], [1.0, -1.0, 0.0]], &device);
        let scale = Tensor::<2>::from_floats([[1.0, 10.0, 0.1], [0.01, 3.0, 0.5]], &device);
        let mut state = None;
        let steps = case["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 50);
        for (index, expected) in steps.iter().enumerate() {
            let d = x.clone() - target.clone();
            let gradient = scale.clone() * (d.clone() + d.clone() * d.clone() * d);
            (x, state) = rule.step(number("learning_rate"), x, gradient, state);
            let found: Vec<f64> = x.to_data().iter::<f64>().collect();
            assert_close(&found, &floats(expected), &format!("rho {} step {index}", number("rho")));
        }
    }
}

fn wave(count: usize, phase: f64, size: f64) -> Vec<f32> {
    (0..count).map(|i| (size * (0.7 * i as f64 + phase).sin()) as f32).collect()
}

/// Weights of the recording scripts: parameter `n` is a sine wave of phase n + 0.1. Running statistics do not count.
struct Fill(usize);

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !parameter.is_require_grad() {
            return parameter;
        }
        let mut shape = parameter.dims();
        if D == 2 {
            shape.swap(0, 1);
        }
        let fan_in: usize = shape[1..].iter().product();
        let values = wave(shape.iter().product(), self.0 as f64 + 0.1, 1.5 / (fan_in as f64).sqrt());
        self.0 += 1;
        parameter.map(|old| {
            if !old.is_require_grad() {
                return old;
            }
            let tensor = Tensor::<D>::from_data(TensorData::new(values, shape), &old.device());
            if D == 2 { tensor.swap_dims(0, 1).detach().require_grad() } else { tensor.require_grad() }
        })
    }
}

/// Gradients in PyTorch's order and layout.
struct Collect<'a> {
    gradients: &'a GradientsParams,
    found: Vec<Vec<f64>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(parameter.id);
        assert_eq!(gradient.is_some(), parameter.is_require_grad());
        let Some(gradient) = gradient else { return };
        let gradient = if D == 2 { gradient.swap_dims(0, 1) } else { gradient };
        self.found.push(gradient.into_data().iter::<f64>().collect());
    }
}

#[test]
fn networks_losses_and_gradients_are_pytorchs() {
    let recorded = load("networks.json");
    let device = Device::flex().autodiff();
    let cnn = NetworkConfig::Cnn(CnnConfig { filters: 4, ..CnnConfig::default() });
    let dense = NetworkConfig::Dense(DenseConfig {
        hidden: vec![80, 0, 28],
        activation: Activation::Softplus,
        ..DenseConfig::default()
    });
    for (name, config) in [("cnn", cnn), ("dense", dense)] {
        let expected = &recorded["nets"][name];
        let network = Network::new(&config, Seed(1), &device).unwrap().map(&mut Fill(0));
        let pixels: Vec<f32> = wave(3 * 784, 0.3, 0.5).into_iter().map(|v| v + 0.5).collect();
        let images = Tensor::<4>::from_data(TensorData::new(pixels, [3, 1, 28, 28]), &device);
        let outputs: Vec<f64> = network.forward(images.clone()).into_data().iter::<f64>().collect();
        assert_close(&outputs, &floats(&expected["outputs"]), name);

        for (key, recorded) in expected["losses"].as_object().unwrap() {
            let (loss, smoothing) = key.split_once(' ').unwrap();
            let loss: Loss = serde_json::from_value(Value::from(loss)).unwrap();
            let smoothing: f32 = smoothing.parse().unwrap();
            let mut targets = vec![smoothing / 10.0; 30];
            for (row, label) in [3, 0, 9].into_iter().enumerate() {
                targets[row * 10 + label] += 1.0 - smoothing;
            }
            let targets = Tensor::<2>::from_data(TensorData::new(targets, [3, 10]), &device);
            let value = loss.forward(network.forward(images.clone()), targets, Output::Softmax);
            let found = f64::from(value.clone().into_scalar::<f32>());
            assert_close(&[found], &[recorded["loss"].as_f64().unwrap()], &format!("{name} {key}"));

            assert_gradients(&network, value, &recorded["gradients"], &format!("{name} {key}"));
        }
    }
}

fn assert_gradients(network: &Network, loss: Tensor<1>, recorded: &Value, name: &str) {
    let gradients = GradientsParams::from_grads(loss.backward(), network);
    let mut collect = Collect { gradients: &gradients, found: Vec::new() };
    network.visit(&mut collect);
    let all = recorded.as_array().unwrap();
    assert_eq!(collect.found.len(), all.len());
    for (index, (found, expected)) in collect.found.iter().zip(all).enumerate() {
        let what = format!("{name} gradient {index}");
        let places: Vec<f64> = (0..8).map(|i| found[i * (found.len() - 1) / 7]).collect();
        assert_close(&places, &floats(&expected["values"]), &what);
        let sums = [found.iter().sum(), found.iter().map(|v| v * v).sum()];
        assert_close(&sums, &[expected["sum"].as_f64().unwrap(), expected["squares"].as_f64().unwrap()], &what);
    }
}

/// `tests/reference/nn_ends.py` has the same images.
fn level(image: usize, pixel: usize) -> u8 {
    if pixel.is_multiple_of(5) { 40 } else { ((37 * image * image + 11 * pixel * (image + 1)) % 256) as u8 }
}

#[test]
fn scaled_inputs_other_outputs_and_the_hinge_are_pytorchs() {
    let device = Device::flex().autodiff();
    let levels: Vec<[u8; PIXELS]> = (0..6).map(|image| std::array::from_fn(|pixel| level(image, pixel))).collect();
    let pixels: Vec<f32> = levels.as_flattened().iter().map(|&level| f32::from(level) / 255.0).collect();
    let train = Images::from_images(levels);
    let cases = load("ends.json");
    for case in cases["cases"].as_array().unwrap() {
        let input = match case["input"].as_str().unwrap() {
            "range" => InputScale::Range([0.01, 1.0]),
            name => serde_json::from_value(Value::from(name)).unwrap(),
        };
        let output: Output = serde_json::from_value(case["output"].clone()).unwrap();
        let loss: Loss = serde_json::from_value(case["loss"].clone()).unwrap();
        let config =
            DenseConfig { hidden: vec![20], activation: Activation::Relu, output, input, ..DenseConfig::default() };
        let mut network = Network::new(&NetworkConfig::Dense(config), Seed(1), &device).unwrap().map(&mut Fill(0));
        network.fit_input(&train);
        let what = format!("{input:?} {loss:?} {output:?}");
        let images = Tensor::<4>::from_data(TensorData::new(pixels.clone(), [6, 1, 28, 28]), &device);
        let outputs = network.forward(images);
        let found = |tensor: Tensor<2>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
        assert_close(&found(outputs.clone()), &floats(&case["outputs"]), &what);
        assert_close(&found(network.probabilities(outputs.clone())), &floats(&case["probabilities"]), &what);
        let [low, high] = floats(&case["targets"])[..] else { panic!("two targets") };
        let mut targets = vec![low as f32; 60];
        for (row, label) in [3, 0, 9, 1, 1, 7].into_iter().enumerate() {
            targets[row * 10 + label] = high as f32;
        }
        let targets = Tensor::<2>::from_data(TensorData::new(targets, [6, 10]), &device);
        let value = loss.forward(outputs, targets, output);
        assert_close(&[f64::from(value.clone().into_scalar::<f32>())], &[case["value"].as_f64().unwrap()], &what);
        assert_gradients(&network, value, &case["gradients"], &what);
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

#[test]
fn normalized_nets_are_pytorchs() {
    let device = Device::flex().autodiff();
    let pixels: Vec<f32> = wave(4 * 784, 0.3, 0.5).into_iter().map(|v| v + 0.5).collect();
    let images = Tensor::<4>::from_data(TensorData::new(pixels, [4, 1, 28, 28]), &device);
    let mut targets = vec![0.0; 40];
    [3, 0, 9, 5].into_iter().enumerate().for_each(|(row, label): (usize, usize)| targets[row * 10 + label] = 1.0);
    let targets = Tensor::<2>::from_data(TensorData::new(targets, [4, 10]), &device);
    let recorded = load("normalized.json");
    let nets = recorded["nets"].as_array().unwrap();
    assert_eq!(nets.len(), 4);
    for expected in nets {
        let (affine, average) = (expected["affine"].as_bool().unwrap(), expected["average"].as_bool().unwrap());
        let config = NetworkConfig::Cnn(CnnConfig {
            layout: vec![vec![3, 4], vec![8]],
            padding: Padding::Same,
            activation: Activation::Relu,
            normalization: Normalization::Batch { affine },
            head: if average { Head::GlobalAverage } else { Head::GlobalMax },
            hidden: Vec::new(),
            extra_activation: Vec::new(),
            ..CnnConfig::default()
        });
        let mut network = Network::new(&config, Seed(1), &device).unwrap().map(&mut Fill(0));
        let mut updater = Updater::new(&OptimizerConfig::Sgd { learning_rate: 0.1, weight_decay: 0.0 });
        for (step, expected) in expected["steps"].as_array().unwrap().iter().enumerate() {
            let what = |which: &str| format!("affine {affine}, average {average}, step {step}, {which}");
            let outputs = network.forward_training(images.clone(), Seed(0));
            assert_close(&numbers(outputs.clone()), &floats(&expected["outputs"]), &what("outputs"));
            let loss = Loss::CrossEntropy.forward(outputs, targets.clone(), Output::Softmax);
            assert_close(&numbers(loss.clone()), &[expected["loss"].as_f64().unwrap()], &what("loss"));
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            let mut collect = Collect { gradients: &gradients, found: Vec::new() };
            network.visit(&mut collect);
            let all = expected["gradients"].as_array().unwrap();
            assert_eq!(collect.found.len(), all.len());
            for (index, (found, expected)) in collect.found.iter().zip(all).enumerate() {
                assert_close(found, &floats(expected), &what(&format!("gradient {index}")));
            }
            let convolutions: Vec<_> = network.blocks.iter().flat_map(|block| &block.convolutions).collect();
            for (convolution, expected) in convolutions.iter().zip(expected["running"].as_array().unwrap()) {
                let norm = convolution.norm.as_ref().unwrap();
                assert_close(&numbers(norm.running_mean.val()), &floats(&expected[0]), &what("running mean"));
                assert_close(&numbers(norm.running_var.val()), &floats(&expected[1]), &what("running variance"));
            }
            network = updater.step(0.1, network.clone(), gradients);
        }
        let evaluated = numbers(network.valid().forward(images.clone().inner()));
        assert_close(
            &evaluated,
            &floats(&expected["evaluated"]),
            &format!("affine {affine}, average {average}, evaluated"),
        );
    }
}
