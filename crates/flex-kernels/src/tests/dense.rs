//! The fully connected layer against Burn's operations, and its own promises.

use burn::tensor::{Device, Tensor};
use proptest::prelude::*;

use super::{
    reference::{plain_activation, tensor, values},
    support::{EVERY_ACTIVATION, Noise, bits, close, close_from, in_pool},
};
use crate::{
    Activation,
    kernels::{Panel, Product, Strided, Sum},
    level::Level,
    operations::on_level,
};

/// One layer with its data; `sizes` are batch, inputs and outputs.
#[derive(Clone, Debug)]
struct Layer {
    sizes: [usize; 3],
    activation: Activation,
    data: [Vec<f32>; 3],
}

impl Layer {
    /// Values that every sum is exact of, in any order.
    fn exact(sizes: [usize; 3], activation: Activation, seed: u64) -> Self {
        let ([batch, inputs, outputs], mut noise) = (sizes, Noise(seed));
        let data =
            [noise.steps(batch * inputs, 4, 4.0), noise.steps(inputs * outputs, 3, 32.0), noise.steps(outputs, 4, 8.0)];
        Self { sizes, activation, data }
    }

    /// The output and the gradients of input, weight and bias of `Σ output · coefficients`.
    fn outcome(&self, layer: impl Fn(Tensor<2>, Tensor<2>, Tensor<1>) -> Tensor<2>) -> [Vec<f32>; 4] {
        let ([batch, inputs, outputs], device) = (self.sizes, Device::flex().autodiff());
        let [x, w, b] = self.data.clone();
        let x = tensor(x, [batch, inputs], &device).require_grad();
        let w = tensor(w, [inputs, outputs], &device).require_grad();
        let b = tensor(b, [outputs], &device).require_grad();
        let y = layer(x.clone(), w.clone(), b.clone());
        let gradients = (y.clone() * tensor(self.coefficients(), [batch, outputs], &device)).sum().backward();
        let missing = "it was asked for";
        [
            values(y),
            values(x.grad(&gradients).expect(missing)),
            values(w.grad(&gradients).expect(missing)),
            values(b.grad(&gradients).expect(missing)),
        ]
    }

    fn coefficients(&self) -> Vec<f32> {
        Noise(1).steps(self.sizes[0] * self.sizes[2], 4, 4.0)
    }

    fn fused(&self, level: Level) -> [Vec<f32>; 4] {
        self.outcome(|x, w, b| on_level::dense(x, w, b, self.activation, level))
    }

    fn plain(&self) -> [Vec<f32>; 4] {
        self.outcome(|x, w, b| plain_activation(x.matmul(w) + b.unsqueeze(), self.activation))
    }

    fn check(&self) {
        let expected = self.plain();
        for level in Level::available() {
            // The gradients of weight and bias are sums of terms about 1 that may cancel.
            let names = [("output", 1e-3), ("input", 1e-3), ("weight", 1.0), ("bias", 1.0)];
            for ((what, least), (found, expected)) in names.iter().zip(self.fused(level).iter().zip(&expected)) {
                close_from(
                    *least,
                    found,
                    expected,
                    &format!("{} {what} of {:?} {:?}", level.name(), self.sizes, self.activation),
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layers_equal_burns_operations(
        sizes in (1usize..=40, 1usize..=120, 1usize..=100),
        activation in proptest::sample::select(&EVERY_ACTIVATION[..]),
        seed in any::<u64>(),
    ) {
        Layer::exact(sizes.into(), activation, seed).check();
    }
}

/// The sizes of the reference nets; the larger ones are split among threads.
#[test]
fn layers_of_the_reference_nets_equal_burns_operations() {
    for sizes in [[25, 784, 80], [25, 80, 28], [512, 28, 10], [1, 3200, 54], [32, 3200, 54], [130, 54, 30]] {
        Layer::exact(sizes, Activation::Softplus, 3).check();
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut layer = Layer::exact([130, 300, 90], Activation::Selu, 0);
    let mut noise = Noise(2);
    layer.data.iter_mut().for_each(|data| *data = noise.reals(data.len()));
    for level in Level::available() {
        let one = in_pool(1, || layer.fused(level));
        for threads in [2, 3] {
            assert_eq!(
                one.each_ref().map(|v| bits(v)),
                in_pool(threads, || layer.fused(level)).each_ref().map(|v| bits(v))
            );
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let mut layer = Layer::exact([3, 5, 4], Activation::Tanh, 0);
    let mut noise = Noise(4);
    layer.data.iter_mut().for_each(|data| *data = noise.reals(data.len()));
    for level in Level::available() {
        let loss = |layer: &Layer| -> f64 {
            layer.fused(level)[0].iter().zip(layer.coefficients()).map(|(y, c)| f64::from(*y) * f64::from(c)).sum()
        };
        let found = layer.fused(level);
        for (which, gradients) in found[1..].iter().enumerate() {
            for (index, gradient) in gradients.iter().enumerate() {
                let moved = |by: f32| {
                    let mut moved = layer.clone();
                    moved.data[which][index] += by;
                    loss(&moved)
                };
                let expected = (moved(1e-3) - moved(-1e-3)) / 2e-3;
                assert!(
                    (f64::from(*gradient) - expected).abs() < 5e-3,
                    "tensor {which}, value {index}: {gradient}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn huge_zero_and_missing_values_behave_as_in_burn() {
    for activation in EVERY_ACTIVATION {
        let layer = Layer::exact([5, 30, 19], activation, 7);
        let scaled = |by: f32| {
            let mut scaled = layer.clone();
            scaled.data[0].iter_mut().for_each(|v| *v *= by);
            scaled
        };
        scaled(0.0).check();
        let huge = scaled(1_048_576.0);
        for level in Level::available() {
            assert!(huge.fused(level).iter().flatten().all(|v| v.is_finite()), "{} {activation:?}", level.name());
            close(&huge.fused(level)[0], &huge.plain()[0], "huge");
        }
        let mut missing = layer.clone();
        missing.data[0][30] = f32::NAN;
        for level in Level::available() {
            let [output, ..] = missing.fused(level);
            assert!(output[19..38].iter().all(|v| v.is_nan()) && output[..19].iter().all(|v| !v.is_nan()));
            close(&output, &missing.plain()[0], "NaN");
        }
    }
}

/// The first layer: its input is data, so only the parameters get a gradient, and the same one; inputs may be views.
#[test]
fn an_input_that_needs_no_gradient_gets_none_and_may_be_a_view() {
    let layer = Layer::exact([6, 20, 9], Activation::Selu, 5);
    let device = Device::flex().autodiff();
    for level in Level::available() {
        let expected = layer.fused(level);
        let [x, w, b] = layer.data.clone();
        let x: Tensor<2> = values_of_columns(tensor(x, [6, 20], &device));
        let w: Tensor<2> = tensor(w, [20, 9], &device).require_grad();
        let y = on_level::dense(x.clone(), w.clone(), tensor(b, [9], &device), layer.activation, level);
        let gradients = (y.clone() * tensor(layer.coefficients(), [6, 9], &device)).sum().backward();
        assert!(x.grad(&gradients).is_none());
        assert_eq!(values(y), expected[0]);
        assert_eq!(values(w.grad(&gradients).expect("it was asked for")), expected[2]);
    }
}

/// The same tensor, column by column in memory.
fn values_of_columns(x: Tensor<2>) -> Tensor<2> {
    let [rows, columns] = x.dims();
    let device = x.device();
    tensor(values(x.transpose()), [columns, rows], &device).transpose()
}

#[test]
#[should_panic(expected = "do not fit")]
fn sizes_that_do_not_fit_are_refused() {
    let device = Device::flex();
    let of = |shape: [usize; 2]| tensor(vec![0.0; shape[0] * shape[1]], shape, &device);
    let _ =
        on_level::dense(of([2, 3]), of([4, 5]), tensor(vec![0.0; 5], [5], &device), Activation::Relu, Level::Portable);
}

/// The unchecked loads rest on this assertion.
#[test]
fn the_kernel_refuses_a_factor_that_ends_too_early() {
    for level in Level::available() {
        let product = |len: usize, panel: usize| {
            let mut c = vec![0.0; 10];
            let a = Strided { data: &vec![1.0; len], row: 2, step: 11 };
            let b = Panel { data: &vec![1.0; panel], row: 5, first: 0, vectors: 1 };
            level.run(Product { a, depth: 3, b: &[b], columns: 1, c: &mut c, sum: Sum::Continued });
            assert!(c.iter().all(|v| *v == 3.0));
        };
        // The last element lies at 9 · 2 + 2 · 11, the last vector at 2 · 5.
        let panel = 10 + level.lanes();
        product(41, panel);
        assert!(std::panic::catch_unwind(|| product(40, panel)).is_err());
        assert!(std::panic::catch_unwind(|| product(41, panel - 1)).is_err());
    }
}
