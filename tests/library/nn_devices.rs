//! Another device trains the same net as the CPU: loss, gradients, twenty training steps, and twenty steps with dropout
//! on images that the device augments itself.
//!
//! wgpu runs on whatever adapter there is; Mesa's software driver does (on Debian the packages `mesa-vulkan-drivers
//! libvulkan1`), though it compiles kernels for a minute. Without any adapter the test is skipped. `--features ndarray`
//! adds Burn's other CPU backend.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
};
use digitstack::{
    data::{Digits, Images, PIXELS},
    device::{ChosenDevice, DeviceChoice, resolve},
    fit::{Cancel, FitContext, HistoryPoint},
    imaging::Recipe,
    nn::{
        Augment, CnnConfig, Loss, Network, NetworkConfig, OptimizerConfig, Output, TrainedNet, TrainingConfig, train,
    },
    progress::Silent,
    seed::Seed,
};

use crate::support::{say, skip};

fn config() -> NetworkConfig {
    NetworkConfig::Cnn(CnnConfig { filters: 2, hidden: vec![6], ..CnnConfig::default() })
}

fn digits() -> Digits {
    let images = Images::from_images(
        (0..8usize).map(|n| std::array::from_fn::<u8, PIXELS, _>(|i| ((i * (n + 3) * 37 + i / 28 * n) % 251) as u8)),
    );
    Digits::new(images, (0..8).collect())
}

#[derive(Default)]
struct Collect(Option<GradientsParams>, Vec<f32>);

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let gradient = self.0.as_ref().unwrap().get::<D>(parameter.id).unwrap();
        self.1.extend(gradient.into_data().iter::<f32>());
    }
}

/// Loss and gradients of one batch, losses and outputs after twenty steps, losses of twenty augmented steps, each with
/// the relative difference that is allowed.
fn course(device: &ChosenDevice) -> Vec<(&'static str, Vec<f32>, f32)> {
    let digits = digits();
    let training = device.training();
    let network = Network::new(&config(), Seed(3), &training).unwrap();
    let pixels: Vec<f32> = digits.images.pixels().iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let images = Tensor::<4>::from_data(TensorData::new(pixels, [8, 1, 28, 28]), &training);
    let targets: Vec<f32> = (0..80).map(|i| if i % 11 == 0 { 1.0 } else { 0.0 }).collect();
    let targets = Tensor::<2>::from_data(TensorData::new(targets, [8, 10]), &training);
    let loss = Loss::CrossEntropy.forward(network.forward(images), targets, Output::Softmax);
    let value = loss.clone().into_data().iter::<f32>().collect();
    let mut collect = Collect(Some(GradientsParams::from_grads(loss.backward(), &network)), Vec::new());
    network.visit(&mut collect);

    let net = trained(&config(), None, device);
    let losses = net.history().points.iter().map(|point| point.train_loss.unwrap() as f32).collect();
    let logits = net.logits(&digits.images).unwrap().concat();

    let dropping = NetworkConfig::Cnn(CnnConfig {
        filters: 2,
        hidden: vec![6],
        dropout: 0.2,
        block_dropout: 0.1,
        ..CnnConfig::default()
    });
    let elastic: Recipe = serde_json::from_str(r#"["light", { "step": "elastic", "alpha": 20.0 }]"#).unwrap();
    let augmented = trained(&dropping, Some(&elastic), device);
    let losses_of = |name: fn(&HistoryPoint) -> Option<f64>| {
        augmented.history().points.iter().map(|point| name(point).unwrap() as f32).collect()
    };
    vec![
        ("loss", value, 2e-4),
        ("gradients", collect.1, 2e-4),
        ("losses of 20 steps", losses, 2e-4),
        ("outputs after 20 steps", logits, 2e-4),
        // A pixel may be one grey level off, see `nn::resident`.
        ("losses of 20 augmented steps", losses_of(|point| point.train_loss), 2e-3),
        ("validation losses after augmented steps", losses_of(|point| point.validation_loss), 2e-3),
    ]
}

/// Net after twenty steps.
fn trained(network: &NetworkConfig, augment: Option<&Recipe>, device: &ChosenDevice) -> TrainedNet {
    let settings = TrainingConfig {
        epochs: 20,
        batch_size: 8,
        optimizer: OptimizerConfig::Adadelta { learning_rate: 0.5, rho: 0.9, epsilon: 1e-6, weight_decay: 0.0 },
        ..TrainingConfig::default()
    };
    let cancel = Cancel::default();
    let context = FitContext::new(device, 2, &Silent, &cancel).seeded(Seed(3)).labelled("parity");
    let processor = augment.map(|recipe| recipe.compile().unwrap());
    let augment = processor.as_ref().map(|processor| processor as &dyn Augment);
    train(network, &settings, &digits(), Some(&digits()), augment, &context).unwrap()
}

fn assert_parity(choice: DeviceChoice) {
    let device = match resolve(&choice) {
        Ok(device) => device,
        Err(error) => {
            skip(error);
            return;
        }
    };
    say(format_args!("comparing {} with the CPU", device.description()));
    let expected = course(&resolve(&DeviceChoice::Cpu).unwrap());
    for ((what, found, tolerance), (_, expected, _)) in course(&device).into_iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (f, e) in found.iter().zip(&expected) {
            assert!(
                (f - e).abs() <= tolerance * e.abs().max(1.0),
                "{what} on {}: {f}, on the CPU {e}",
                device.description()
            );
        }
    }
}

#[test]
fn wgpu_agrees_with_the_cpu() {
    assert_parity(DeviceChoice::Wgpu(None));
}

#[cfg(feature = "ndarray")]
#[test]
fn ndarray_agrees_with_flex() {
    assert_parity(DeviceChoice::NdArray);
}
